/**
 * Real programs from npm, each given the package's `project/` to work on, with what they print where that is authoritative:
 * riscv64 Linux binaries on a real Linux kernel, WASI modules under node:wasi.
 *
 * A run gives the recorded result with the npm package's files at /package, `project/` at /project, and otherwise under the
 * conditions that this package's README states for guests.
 */
import { readExpected } from './expected.ts';
import { type Expected, type FeatureGroup, GUEST_DIRECTORY } from './guest.ts';

/** How a program of an npm package is started. Plain data. */
interface PackagedCase {
  /** Unique among guests, scripts and these. */
  readonly name: string;
  readonly about: string;
  /** The package as npm names it: `NAME@VERSION`, the version an exact one. */
  readonly npm: string;
  readonly isa: 'riscv64-user' | 'wasm32';
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly needs: readonly FeatureGroup[];
}

/** A program of an npm package, and its recorded result. */
export interface PackagedProgram extends PackagedCase {
  expected(): Expected;
}

/** The npm package's files lie in this folder of the guest's root. */
export const NPM_FOLDER = '/package';
/** What the programs work on lies in this one. */
export const PROJECT_FOLDER = '/project';

const BUNDLE = [`${PROJECT_FOLDER}/src/main.tsx`, '--bundle', '--format=esm', '--minify-syntax', '--sourcemap=inline'];

const CASES: readonly PackagedCase[] = [
  {
    name: 'esbuild',
    about: "esbuild's riscv64 Linux binary, a Go program, bundles a TypeScript project",
    npm: '@esbuild/linux-riscv64@0.28.2',
    isa: 'riscv64-user',
    argv: [`${NPM_FOLDER}/bin/esbuild`, ...BUNDLE],
    env: {},
    needs: ['process', 'signal', 'descriptor', 'file', 'memory', 'thread', 'time', 'poll'],
  },
  {
    name: 'esbuild-wasi',
    about: 'esbuild as a WASI module bundles the same project',
    npm: '@esbuild/wasi-preview1@0.27.2',
    isa: 'wasm32',
    argv: [`${NPM_FOLDER}/esbuild.wasm`, ...BUNDLE],
    // WASI has no working directory: Go's runtime takes it from here.
    env: { PWD: GUEST_DIRECTORY },
    needs: ['descriptor', 'file', 'time', 'poll'],
  },
];

/** Every one, ELF before wasm. */
export const packagedPrograms: readonly PackagedProgram[] = CASES.map((entry) => ({ ...entry, expected: () => readExpected(entry.name) }));
