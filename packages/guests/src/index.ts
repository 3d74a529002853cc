/**
 * Guest test programs, each with one subject and a result recorded where it is authoritative (real Linux for ELF, node:wasi
 * for WASI). For conformance suites, `ashlar matrix`, and whoever wants to see one behaviour in isolation.
 */
import { readFileSync } from 'node:fs';
import { ELF_CASES } from './elf-cases.ts';
import { readExpected } from './expected.ts';
import { FOLDERS } from './folders.ts';
import { GUEST_FOLDER, type Guest, type GuestCase } from './guest.ts';
import { WASM_CASES } from './wasm-cases.ts';

export { type DebianRoot, debianCache, debianRoot } from './debian.ts';
export { type Expected, type FeatureGroup, GUEST_DIRECTORY, GUEST_FOLDER, type Guest, type GuestCase } from './guest.ts';
export { NPM_FOLDER, type PackagedProgram, PROJECT_FOLDER, packagedPrograms } from './packaged.ts';
export { SCRIPT_FOLDER, type Script, scripts } from './scripts.ts';

/** The folder with all programs on this host, to be mounted at GUEST_FOLDER. */
export const guestPrograms: string = FOLDERS.programs;
/** The folder with all shell scripts on this host, to be mounted at SCRIPT_FOLDER. */
export const guestScripts: string = FOLDERS.scripts;

/** The folder with the project that packaged programs work on, on this host, to be mounted at PROJECT_FOLDER. */
export const guestProject: string = FOLDERS.project;

function guestOf(entry: GuestCase): Guest {
  const path = FOLDERS.programs + entry.program;
  return {
    ...entry,
    isa: entry.program.endsWith('.wasm') ? 'wasm32' : 'riscv64-user',
    path,
    argv: [`${GUEST_FOLDER}/${entry.program}`, ...(entry.arguments ?? [])],
    env: entry.env ?? {},
    bytes: () => new Uint8Array(readFileSync(path)),
    expected: () => readExpected(entry.name),
  };
}

/** Every guest, ELF before wasm, in the order of the catalogue. */
export const guests: readonly Guest[] = [...ELF_CASES, ...WASM_CASES].map(guestOf);

/** The guest of that name. Throws for a name that is not in the catalogue. */
export function guest(name: string): Guest {
  const found = guests.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`There is no guest "${name}"; there are ${guests.map((each) => each.name).join(', ')}`);
  return found;
}
