import {
  debianRoot,
  type Expected,
  GUEST_DIRECTORY,
  GUEST_FOLDER,
  type Guest,
  guestPrograms,
  guestProject,
  guestScripts,
  guests,
  type PackagedProgram,
  PROJECT_FOLDER,
  packagedPrograms,
  SCRIPT_FOLDER,
  type Script,
  scripts,
} from '@ashlar/guests';
import { type ImageProgress, resolveImage } from '@ashlar/image';
import { type StackConfig, StackError } from '@ashlar/stack';

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
  /** Takes seconds on each combination, so it is run on few. */
  readonly slow: boolean;
  expected(): Expected;
}

/** A program that was asked for and cannot be had, and why. */
export interface LeftOut {
  readonly program: string;
  readonly reason: string;
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
    slow: false,
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
    slow: false,
    expected: () => script.expected(),
  };
}

const imageOf = ({ npm }: PackagedProgram): string => `npm:${npm}`;

/** A real program from npm, on a project of its own. */
function fromPackage(packaged: PackagedProgram): MatrixProgram {
  const wasm = packaged.isa === 'wasm32';
  return {
    name: packaged.name,
    userspace: wasm ? 'wasi' : 'linux',
    domain: {
      use: wasm ? ['wasi'] : ['linux', 'wasi'],
      needs: [...packaged.needs],
      image: imageOf(packaged),
      volumes: [{ host: guestProject, guest: PROJECT_FOLDER, readOnly: true }],
      workdir: GUEST_DIRECTORY,
    },
    argv: packaged.argv,
    env: packaged.env,
    stdin: '',
    files: {},
    slow: true,
    expected: () => packaged.expected(),
  };
}

/** Why this image cannot be had; undefined if it can, and then it is in the cache. */
async function lackOfImage(spec: string, progress: (event: ImageProgress) => void): Promise<string | undefined> {
  try {
    (await resolveImage(spec, { progress })).tree.close();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * The programs of these names. Those that need Debian's packages or npm's are there only where these can be had.
 *
 * @throws StackError where one cannot be had and ASHLAR_REQUIRE_NPM is 1 in the environment; Error for ASHLAR_REQUIRE_DEBIAN likewise
 */
export async function matrixPrograms(
  wanted: readonly string[],
  progress: (event: ImageProgress) => void,
): Promise<{ readonly programs: readonly MatrixProgram[]; readonly leftOut: readonly LeftOut[] }> {
  const isWanted = ({ name }: { readonly name: string }): boolean => wanted.includes(name);
  const programs = guests.filter(isWanted).map(fromGuest);
  const leftOut: LeftOut[] = [];
  for (const script of scripts.filter(isWanted)) {
    const { path, reason } = debianRoot(['busybox-static']);
    if (path === undefined) leftOut.push({ program: script.name, reason });
    else programs.push(fromScript(script, path));
  }
  for (const packaged of packagedPrograms.filter(isWanted)) {
    const reason = await lackOfImage(imageOf(packaged), progress);
    if (reason === undefined) programs.push(fromPackage(packaged));
    else if (process.env.ASHLAR_REQUIRE_NPM === '1') throw new StackError(reason, 'ASHLAR_REQUIRE_NPM says that it must be had');
    else leftOut.push({ program: packaged.name, reason });
  }
  return { programs, leftOut };
}

export const matrixProgramNames = (): readonly string[] => [...guests, ...scripts, ...packagedPrograms].map(({ name }) => name);
