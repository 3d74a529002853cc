import { createHash } from 'node:crypto';
import { GUEST_DIRECTORY } from '@ashlar/guests';
import {
  ConfigError,
  prepareObject,
  type RunResult,
  type Stack,
  type StackConfig,
  StackError,
  startPrepared,
  suggestion,
} from '@ashlar/stack';
import { imageProgress } from './image-progress.ts';
import { type MatrixProgram, matrixProgramNames, matrixPrograms } from './matrix-programs.ts';
import { stderr, stdout } from './output.ts';
import { LOADER_MODULE } from './plugins.ts';
import { registry } from './registry.ts';

/** One combination of tiers and one program on it, and how its result compares with the recorded one. */
export interface Cell {
  readonly hardware: string;
  readonly hypervisors: readonly string[];
  readonly kernel: string;
  readonly userspace: string;
  readonly program: string;
  readonly stdoutSha256: string;
  readonly status: number;
  readonly expectedSha256: string;
  readonly expectedStatus: number;
  readonly outcome: 'equal' | 'different' | 'refused';
  /** Why it was refused, or what differs. */
  readonly reason: string;
}

/** A combination that programs are run on. */
export interface Combination {
  readonly hardware: string;
  readonly hypervisors: readonly string[];
  readonly kernel: string;
}

const DEEP: readonly string[] = ['direct', 'worker', 'direct', 'direct', 'worker', 'direct', 'direct', 'direct'];
const CHAINS: readonly (readonly string[])[] = [[], ['direct'], ['worker'], ['direct', 'worker'], ['worker', 'direct'], DEEP];
const HARDWARE = ['host', 'sim'];
const KERNELS = ['posix', 'passthrough', 'solo'];

/** Where slow programs are run: each hardware, hypervisor and kernel stub is among them, a thread in a thread, and the deepest chain. */
const FEW: readonly Combination[] = [
  { hardware: 'host', hypervisors: ['direct'], kernel: 'posix' },
  { hardware: 'host', hypervisors: ['worker'], kernel: 'passthrough' },
  { hardware: 'host', hypervisors: [], kernel: 'solo' },
  { hardware: 'sim', hypervisors: DEEP, kernel: 'posix' },
];

/** Programs that show most with least: one or two of each subject. All others run with `--program`. */
const PROGRAMS = [
  'hello',
  'args',
  'end-sigterm',
  'file-io',
  'directory',
  'pipe',
  'fork-wait',
  'exec',
  'signal-handler',
  'threads',
  'mmap-reserve',
  'poll',
  'wasi-hello',
  'wasi-files',
  'wasi-upper',
  'script-loops',
  'script-words',
  'script-mixed',
  'pipeline-mixed',
  'esbuild',
  'esbuild-wasi',
];

/** A program may take this long before its cell counts as different: far more than any needs, for machines that are slow or busy. */
const CELL_MS_MAX = 600_000;
const MEMORY = '1GiB';

export interface MatrixFlags {
  readonly json?: boolean;
  readonly program?: readonly string[];
}

/** `ashlar matrix`: prints the table, or JSON; 1 if anything differs. */
export async function matrix(flags: MatrixFlags): Promise<number> {
  const wanted = flags.program ?? PROGRAMS;
  const names = matrixProgramNames();
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new StackError(`there is no program '${unknown}' in the matrix`, suggestion(unknown, names));
  const { progress, done } = imageProgress();
  const { programs, leftOut } = await matrixPrograms(wanted, progress).finally(done);
  for (const { program, reason } of leftOut) stderr.say(`${program} is left out: ${reason}\n`);
  const cells: Cell[] = [];
  for (const combination of combinations()) {
    const row = new Map<string, Cell>();
    for (const program of programs) {
      if (!program.slow || FEW.some((few) => nameOf(few) === nameOf(combination)))
        row.set(program.name, await runCell(combination, program));
    }
    cells.push(...row.values());
    const marks = programs.map(({ name }) => markOf(row.get(name))).join('');
    if (flags.json !== true) stdout.say(`${marks}  ${nameOf(combination)}\n`);
  }
  const count = (outcome: Cell['outcome']): number => cells.filter((cell) => cell.outcome === outcome).length;
  if (flags.json === true) stdout.say(`${JSON.stringify({ cells, leftOut }, undefined, 2)}\n`);
  else stdout.say(describeEnd(cells, count('equal'), count('different'), count('refused')));
  return count('different') > 0 ? 1 : 0;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Runs one program in a fresh stack. */
export async function runCell(combination: Combination, program: MatrixProgram): Promise<Cell> {
  const expected = program.expected();
  const { name, userspace } = program;
  const base = { ...combination, userspace, program: name, expectedSha256: sha256(expected.stdout), expectedStatus: expected.status };
  try {
    const { stdout, status, exit } = await withStack(configOf(combination, program), (stack) => runProgram(stack, program));
    const stdoutSha256 = sha256(stdout);
    const lacks = 'refused' in exit && exit.refused !== undefined ? `kernel stub '${combination.kernel}' lacks ${exit.refused}` : '';
    if (lacks !== '') return { ...base, stdoutSha256, status, outcome: 'refused', reason: lacks };
    const equal = stdoutSha256 === base.expectedSha256 && status === expected.status;
    const reason = equal ? '' : status === expected.status ? 'stdout differs' : `status ${status} instead of ${expected.status}`;
    return { ...base, stdoutSha256, status, outcome: equal ? 'equal' : 'different', reason };
  } catch (error) {
    const refused = error instanceof ConfigError;
    return { ...base, stdoutSha256: '', status: -1, outcome: refused ? 'refused' : 'different', reason: firstLine(error) };
  }
}

const firstLine = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';

function configOf({ hardware, hypervisors, kernel }: Combination, { domain }: MatrixProgram): StackConfig {
  return { ashlar: 1, hardware, memory: MEMORY, hypervisors: [...hypervisors], kernel, userspace: domain };
}

async function withStack<T>(config: StackConfig, work: (stack: Stack) => Promise<T>): Promise<T> {
  const prepared = await prepareObject(config, registry());
  const stack = await startPrepared(prepared, { registry: prepared.registry, loaderModule: LOADER_MODULE });
  try {
    return await work(stack);
  } finally {
    await stack.stop();
  }
}

async function runProgram(stack: Stack, program: MatrixProgram): Promise<RunResult> {
  await stack.files.mkdir(GUEST_DIRECTORY, 0o1777).catch((error: unknown) => {
    // A stub with read-only files cannot make the folder, and programs that it can run do not need it.
    if (!['EEXIST', 'EROFS', 'ENOSYS'].includes((error as { code?: string }).code ?? '')) throw error;
  });
  for (const [name, text] of Object.entries(program.files)) {
    const writer = stack.files.write(`${GUEST_DIRECTORY}/${name}`, 0o644).getWriter();
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  }
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`did not end within ${CELL_MS_MAX / 1000} s`)), CELL_MS_MAX).unref();
  });
  return Promise.race([stack.run(program.argv, { env: program.env, onlyEnv: true, stdin: program.stdin }), late]);
}

const nameOf = ({ hardware, hypervisors, kernel }: Combination): string =>
  `${hardware} / ${hypervisors.join(' > ') || '(none)'} / ${kernel}`;

const combinations = (): readonly Combination[] =>
  HARDWARE.flatMap((hardware) =>
    CHAINS.flatMap((hypervisors) => KERNELS.map((kernel): Combination => ({ hardware, hypervisors, kernel }))),
  );

/** Blank for a program that is not run on this combination. */
const markOf = (cell: Cell | undefined): string => (cell === undefined ? ' ' : { equal: '=', different: '✗', refused: '·' }[cell.outcome]);

function describeEnd(cells: readonly Cell[], equal: number, different: number, refused: number): string {
  const reasons = new Map<string, number>();
  for (const { outcome, reason } of cells) if (outcome === 'refused') reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const wrong = cells
    .filter(({ outcome }) => outcome === 'different')
    .map((cell) => `✗ ${nameOf(cell)} / ${cell.program}: ${cell.reason}\n`);
  const why = [...reasons].map(([reason, count]) => `· ${count} × ${reason}\n`);
  return `\n${wrong.join('')}${why.join('')}${equal} equal, ${different} different, ${refused} refused\n`;
}
