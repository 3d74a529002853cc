/**
 * Shell scripts for Debian's busybox-static, from simple to demanding, with what they print on real Linux.
 *
 * A run gives the recorded result under the conditions that the package's README states for guests, with a root file system
 * that has busybox at /usr/bin/busybox, the package's `scripts/` at /scripts and its `bin/` at /guests.
 */
import { readFileSync } from 'node:fs';
import { readExpected } from './expected.ts';
import { FOLDERS } from './folders.ts';
import type { Expected } from './guest.ts';

/** A shell script and its recorded result. */
export interface Script {
  /** Unique among scripts and guests: `script-` and the file's name. */
  readonly name: string;
  readonly about: string;
  /** Path of the script on this host. */
  readonly path: string;
  /** The Debian packages that its root file system is made of. */
  readonly packages: readonly string[];
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Whether wasm programs take part. */
  readonly needsWasm: boolean;
  /** Where Linux cannot run it as it is: the environment it was recorded with, and why that is equivalent. */
  readonly recordAs?: { readonly env: Readonly<Record<string, string>>; readonly reason: string };
  text(): string;
  expected(): Expected;
}

/** Scripts lie in this folder of the guest's root. */
export const SCRIPT_FOLDER = '/scripts';

const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', TZ: 'UTC0' };

const FILES: readonly string[] = [
  ...['loops', 'functions', 'expansion', 'redirections', 'here-documents', 'globbing', 'read', 'substitution', 'pipelines'],
  ...['errors', 'traps', 'background', 'processes', 'files', 'find', 'sed', 'awk', 'sort', 'words', 'tar', 'checksums', 'mixed'],
];

function scriptOf(file: string): Script {
  const path = `${FOLDERS.scripts}${file}.sh`;
  const name = `script-${file}`;
  const needsWasm = file === 'mixed';
  const recordAs = { env: { ...ENVIRONMENT, UPPER: '/guests/upper' }, reason: 'upper and upper.wasm are the same filter' };
  return {
    name,
    path,
    about: readFileSync(path, 'utf8').split('\n', 1)[0]?.replace(/^# /, '') ?? '',
    packages: ['busybox-static'],
    argv: ['/usr/bin/busybox', 'sh', `${SCRIPT_FOLDER}/${file}.sh`],
    env: needsWasm ? { ...ENVIRONMENT, UPPER: '/guests/upper.wasm' } : ENVIRONMENT,
    needsWasm,
    ...(needsWasm ? { recordAs } : {}),
    text: () => readFileSync(path, 'utf8'),
    expected: () => readExpected(name),
  };
}

/** Every script, simple before demanding. */
export const scripts: readonly Script[] = FILES.map(scriptOf);
