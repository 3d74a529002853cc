/**
 * record.js [--check] [NAME…] — runs the cases where they are authoritative and writes `expected/NAME.json`: ELF programs and
 * shell scripts on a real riscv64 Linux kernel under qemu-system-riscv64 (scripts/debian/linux.sh), WASI programs under node:wasi.
 * Programs from npm are fetched by npm first.
 *
 * Every case is run twice, and one whose runs differ is an error: its output depends on something that no test can give.
 * With --check nothing is written, and a result that differs from the recorded one is an error (status 1).
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatExpected } from '../expected.ts';
import { FOLDERS } from '../folders.ts';
import { type Expected, GUEST_DIRECTORY, GUEST_FOLDER, type Guest } from '../guest.ts';
import {
  debianRoot,
  guests,
  NPM_FOLDER,
  type PackagedProgram,
  PROJECT_FOLDER,
  packagedPrograms,
  SCRIPT_FOLDER,
  type Script,
  scripts,
} from '../index.ts';
import { type Job, type JobResult, runOnLinux } from './linux.ts';
import { unpackNpmPackage } from './npm-package.ts';

const TIMEOUT_SECONDS = 900;
const WASI_HOST = fileURLToPath(new URL('./wasi-host.js', import.meta.url));

const UNDER_NODE = `node:wasi of Node ${process.versions.node}`;

type Case = Guest | Script | PackagedProgram;
type Recorded = Map<string, Expected>;

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function describe(result: JobResult): string {
  return `status ${result.status}\n--- stdout\n${Buffer.from(result.stdout)}--- stderr\n${Buffer.from(result.stderr)}`;
}

/** The result, with where it is from; an Error when the two runs differ. */
function agreed(guest: Case, first: JobResult | undefined, second: JobResult | undefined, where: string): Expected {
  if (first === undefined || second === undefined) throw new Error(`${guest.name} was not run`);
  if (describe(first) !== describe(second)) {
    throw new Error(`${guest.name} gave two different results:\n${describe(first)}\nand\n${describe(second)}`);
  }
  const as = 'recordAs' in guest && guest.recordAs !== undefined ? `, as an equivalent: ${guest.recordAs.reason}` : '';
  return { ...first, recordedOn: where + as, recordedWith: `packages/guests/dist/tools/record.js ${guest.name}` };
}

function jobOf(guest: Case, run: string): Job {
  const name = `${guest.name}.${run}`;
  if (!('program' in guest)) {
    const env = 'recordAs' in guest ? guest.recordAs?.env : undefined;
    return { name, argv: guest.argv, env: env ?? guest.env, stdin: undefined, files: {} };
  }
  return {
    name,
    argv: guest.recordAs === undefined ? guest.argv : [guest.argv[0] ?? '', ...guest.recordAs.arguments],
    env: guest.env,
    stdin: guest.stdin === undefined ? undefined : encode(guest.stdin),
    files: guest.files ?? {},
  };
}

/** `npm`: the package that all of them are of. */
function recordOnLinux(chosen: readonly Case[], npm?: string): Recorded {
  const recorded: Recorded = new Map();
  if (chosen.length === 0) return recorded;
  const debian = debianRoot(['busybox-static']);
  if (debian.path === undefined) throw new Error(debian.reason);
  const root = mkdtempSync(join(tmpdir(), 'guest-root-'));
  try {
    cpSync(debian.path, root, { recursive: true, verbatimSymlinks: true });
    cpSync(FOLDERS.programs, join(root, GUEST_FOLDER), { recursive: true });
    cpSync(FOLDERS.scripts, join(root, SCRIPT_FOLDER), { recursive: true });
    cpSync(FOLDERS.project, join(root, PROJECT_FOLDER), { recursive: true });
    if (npm !== undefined) unpackNpmPackage(npm, join(root, NPM_FOLDER));
    chmodSync(root, 0o755);
    const jobs = chosen.flatMap((guest) => [jobOf(guest, '1'), jobOf(guest, '2')]);
    const { kernel, results } = runOnLinux(root, jobs, TIMEOUT_SECONDS);
    for (const guest of chosen) {
      recorded.set(guest.name, agreed(guest, results.get(`${guest.name}.1`), results.get(`${guest.name}.2`), kernel));
    }
  } finally {
    rmSync(root, { recursive: true });
  }
  return recorded;
}

function runUnderNode(guest: Guest): JobResult {
  const directory = mkdtempSync(join(tmpdir(), 'guest-wasi-'));
  try {
    for (const [name, content] of Object.entries(guest.files ?? {})) writeFileSync(join(directory, name), content);
    return runWasi(guest, guest.path, { [GUEST_DIRECTORY]: directory }, guest.stdin);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function runWasi(
  { name, argv, env }: Guest | PackagedProgram,
  program: string,
  preopens: Readonly<Record<string, string>>,
  stdin = '',
): JobResult {
  const args = ['--no-warnings', WASI_HOST, program, ...[preopens, argv, env].map((value) => JSON.stringify(value))];
  const run = spawnSync(process.execPath, args, { input: stdin, timeout: TIMEOUT_SECONDS * 1000, maxBuffer: 2 ** 26 });
  if (run.status === null) throw new Error(`${name} ended by ${run.signal ?? run.error?.message}`);
  return { stdout: new Uint8Array(run.stdout), stderr: new Uint8Array(run.stderr), status: run.status };
}

/** A WASI module of an npm package, twice. */
function recordPackagedUnderNode(packaged: PackagedProgram): Expected {
  const root = mkdtempSync(join(tmpdir(), 'guest-root-'));
  try {
    cpSync(FOLDERS.project, join(root, PROJECT_FOLDER), { recursive: true });
    unpackNpmPackage(packaged.npm, join(root, NPM_FOLDER));
    mkdirSync(join(root, GUEST_DIRECTORY));
    const run = (): JobResult => runWasi(packaged, join(root, packaged.argv[0] ?? ''), { '/': root });
    return agreed(packaged, run(), run(), UNDER_NODE);
  } finally {
    rmSync(root, { recursive: true });
  }
}

function recordUnderNode(chosen: readonly Guest[]): Recorded {
  return new Map(chosen.map((guest) => [guest.name, agreed(guest, runUnderNode(guest), runUnderNode(guest), UNDER_NODE)]));
}

function stateByHand(chosen: readonly Guest[]): Recorded {
  const recorded: Recorded = new Map();
  for (const { name, byHand } of chosen) {
    if (byHand === undefined) continue;
    const { stdout, status, reason } = byHand;
    recorded.set(name, {
      stdout: encode(stdout),
      stderr: new Uint8Array(),
      status,
      recordedOn: `by hand: ${reason}`,
      recordedWith: 'none',
    });
  }
  return recorded;
}

function invocationOf(guest: Case) {
  if (!('program' in guest)) return { argv: guest.argv, env: guest.env };
  return {
    argv: guest.argv,
    env: guest.env,
    ...(guest.stdin === undefined ? {} : { stdin: guest.stdin }),
    ...(guest.files === undefined ? {} : { files: guest.files }),
  };
}

function main(args: readonly string[]): number {
  const check = args.includes('--check');
  const names = args.filter((arg) => !arg.startsWith('--'));
  const cases: readonly Case[] = [...guests, ...scripts, ...packagedPrograms];
  const unknown = names.filter((name) => !cases.some((each) => each.name === name));
  if (unknown.length > 0) throw new Error(`There is no guest ${unknown.join(', ')}`);
  const chosen = cases.filter((each) => names.length === 0 || names.includes(each.name));
  const programs = chosen.filter((each) => 'program' in each);
  const packaged = chosen.filter((each) => 'npm' in each);
  const recorded = new Map([
    ...recordOnLinux(
      chosen.filter((each) => !('npm' in each) && (!('program' in each) || (each.byHand === undefined && each.isa === 'riscv64-user'))),
    ),
    ...packaged.filter(({ isa }) => isa === 'riscv64-user').flatMap((each) => [...recordOnLinux([each], each.npm)]),
    ...packaged.filter(({ isa }) => isa === 'wasm32').map((each) => [each.name, recordPackagedUnderNode(each)] as const),
    ...recordUnderNode(programs.filter((guest) => guest.byHand === undefined && guest.isa === 'wasm32')),
    ...stateByHand(programs),
  ]);
  let different = 0;
  mkdirSync(FOLDERS.expected, { recursive: true });
  for (const guest of chosen) {
    const expected = recorded.get(guest.name);
    if (expected === undefined) continue;
    if (!check) {
      writeFileSync(join(FOLDERS.expected, `${guest.name}.json`), formatExpected(invocationOf(guest), expected));
    } else if (describe(guest.expected()) !== describe(expected)) {
      console.error(`${guest.name}: recorded\n${describe(guest.expected())}\nnow\n${describe(expected)}`);
      different++;
    }
  }
  console.log(`${chosen.length} cases ${check ? `compared, ${different} different` : 'recorded'}`);
  return different === 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
