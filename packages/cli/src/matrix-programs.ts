import {
  debianRoot,
  type Expected,
  GUEST_DIRECTORY,
  GUEST_FOLDER,
  type Guest,
  guestPrograms,
  guestScripts,
  guests,
  SCRIPT_FOLDER,
  type Script,
  scripts,
} from '@ashlar/guests';
import type { StackConfig } from '@ashlar/stack';

/** One program of the matrix: how its domain is made and it is started, and what it did on real Linux. */
export interface MatrixProgram {
  readonly name: string;
  /** Its own ABI, for the table. */
  readonly userspace: 'linux' | 'wasi';
  /** Of its domain's config. */
  readonly domain: NonNullable<StackConfig['userspace']>;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
  /** Files in the working directory before the start. */
  readonly files: Readonly<Record<string, string>>;
  expected(): Expected;
}

type Needs = NonNullable<NonNullable<StackConfig['userspace']>['needs']>;

const PROGRAMS_VOLUME = { host: guestPrograms, guest: GUEST_FOLDER, readOnly: true };

function fromGuest(guest: Guest): MatrixProgram {
  const wasm = guest.isa === 'wasm32';
  // Guests that use files write them: their working directory is promised to be writable.
  const needs: Needs = [...guest.needs, ...(guest.needs.includes('file') ? (['storage'] as const) : [])];
  return {
    name: guest.name,
    userspace: wasm ? 'wasi' : 'linux',
    domain: { use: wasm ? ['wasi'] : ['linux', 'wasi'], needs, volumes: [PROGRAMS_VOLUME], workdir: GUEST_DIRECTORY },
    argv: guest.argv,
    env: guest.env,
    stdin: guest.stdin ?? '',
    files: guest.files ?? {},
    expected: () => guest.expected(),
  };
}

/** A shell script for Debian's busybox, a real program of its own. */
function fromScript(script: Script, root: string): MatrixProgram {
  return {
    name: script.name,
    userspace: 'linux',
    domain: {
      use: ['linux', 'wasi'],
      needs: ['process', 'signal', 'descriptor', 'file', 'storage'],
      image: `dir:${root}`,
      volumes: [PROGRAMS_VOLUME, { host: guestScripts, guest: SCRIPT_FOLDER, readOnly: true }],
      workdir: GUEST_DIRECTORY,
    },
    argv: script.argv,
    env: script.env,
    stdin: '',
    files: {},
    expected: () => script.expected(),
  };
}

/** Every program by name. Those that need Debian's packages are there only where these can be had; else `left out` says why. */
export function matrixPrograms(wanted: readonly string[]): {
  readonly programs: readonly MatrixProgram[];
  readonly leftOut: string | undefined;
} {
  const fromGuests = guests.filter(({ name }) => wanted.includes(name)).map(fromGuest);
  const wantedScripts = scripts.filter(({ name }) => wanted.includes(name));
  if (wantedScripts.length === 0) return { programs: fromGuests, leftOut: undefined };
  const root = debianRoot(['busybox-static']);
  if (root.path === undefined) return { programs: fromGuests, leftOut: root.reason };
  const { path } = root;
  return { programs: [...fromGuests, ...wantedScripts.map((script) => fromScript(script, path))], leftOut: undefined };
}

export const matrixProgramNames = (): readonly string[] => [...guests, ...scripts].map(({ name }) => name);
