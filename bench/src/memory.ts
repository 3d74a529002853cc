import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BENCH_FOLDER, build } from './build.ts';
import { circumstances } from './comparison.ts';
import { type Measured, measure } from './measured-process.ts';
import type { Moment, Task, Trace } from './memory-child.ts';
import { chosen, readOptions, runBenchmark, writeJson } from './options.ts';
import { esbuild, tsc } from './real-programs.ts';
import { type Row, table } from './statistics.ts';
import { type Program, runWith } from './tools.ts';
import { programOf, workloads } from './workloads.ts';

// Memory of a process that runs a stack: its peak beside the guest's, and whether it stays level through a long run of ever different code.

const USAGE = 'node bench/dist/memory.js [--only peak,churn-same,churn-fresh,workloads] [--json FILE]';
const CHILD = fileURLToPath(new URL('./memory-child.js', import.meta.url));
const MIB = 2 ** 20;
const mib = (bytes: number): string => (bytes / MIB).toFixed(0);

function traced(task: Task): Trace & Pick<Measured, 'residentBytesMax'> {
  const measured = measure({ argv: [process.execPath, CHILD, JSON.stringify(task)] });
  if (measured.status !== 0) throw new Error(`a measured run ended with ${measured.status}: ${measured.stderr}`);
  return { ...(JSON.parse(measured.stdout.toString()) as Trace), residentBytesMax: measured.residentBytesMax };
}

const emptyNodeBytes = (): number => measure({ argv: [process.execPath, '-e', '0'] }).residentBytesMax;

/** Of resident guest pages, and beside it, what a process may need above an empty one. */
const [FACTOR, BESIDE_BYTES] = [1.5, 64 * MIB];

/** Runs of `ashlar run` whose peaks are looked at: the first translates all and keeps it as one module, later ones keep what they add. */
const COMMANDS = 5;

/** Peaks of a program: of a stack alone, which keeps nothing, and of the command. */
function peaks(name: string, program: Program, emptyBytes: number): Row[] {
  const { moments, statuses, residentBytesMax } = traced({ programs: [program], rounds: 1, everyMs: 10 });
  const guestBytes = Math.max(...moments.map((moment) => moment.guestBytes));
  const allowed = FACTOR * guestBytes + BESIDE_BYTES;
  const row = (run: string, status: string, bytesMax: number): Row => ({
    program: name,
    run,
    status,
    'process, MiB': mib(bytesMax),
    'above empty Node': mib(bytesMax - emptyBytes),
    'guest pages': mib(guestBytes),
    '1.5 × guest + 64': mib(allowed),
    holds: bytesMax - emptyBytes <= allowed ? 'yes' : 'no',
  });
  const cache = mkdtempSync(join(tmpdir(), 'ashlar-memory-'));
  try {
    const commands = Array.from({ length: COMMANDS }, () => runWith('kept', program, cache));
    return [
      row('a stack', statuses.join(), residentBytesMax),
      ...commands.map((command, i) => row(`ashlar run, ${i + 1}`, `${command.status}`, command.residentBytesMax)),
    ];
  } finally {
    rmSync(cache, { recursive: true });
  }
}

const PARTS = 8;

/** The most that was resident in each eighth of a run, and whether the last quarter is where the second was. `bytesOf`: what counts of a moment. */
function long(name: string, task: Task, bytesOf = ({ residentBytes }: Moment): number => residentBytes): Row {
  const { moments } = traced(task);
  const begin = moments[0]?.ms ?? 0;
  const length = (moments.at(-1)?.ms ?? 0) - begin;
  const partOf = ({ ms }: Moment): number => Math.min(PARTS - 1, Math.floor(((ms - begin) / length) * PARTS));
  const most = Array.from({ length: PARTS }, () => 0);
  for (const moment of moments) most[partOf(moment)] = Math.max(most[partOf(moment)] ?? 0, bytesOf(moment));
  // On a busy machine nobody may have looked for a while.
  for (const [part, bytes] of most.entries()) if (bytes === 0) most[part] = most[part - 1] ?? 0;
  const quarter = (number: number): number => Math.max(...most.slice(2 * number, 2 * number + 2));
  const grown = quarter(3) / quarter(1);
  const cells: Record<string, string | number> = { run: name, seconds: (length / 1000).toFixed(0) };
  for (const [part, bytes] of most.entries()) cells[`${part + 1}/${PARTS}`] = mib(bytes);
  return { ...cells, 'last / second quarter': grown.toFixed(2), level: grown <= 1.1 ? 'yes' : 'no' };
}

/**
 * Functions made in a run: so many that V8's own heap has grown to what it wants by the second quarter. Of those in places of their own more: they fill the
 * slots of decoded code first, and V8 collects what was made for the old ones once in some 300,000.
 */
const FUNCTIONS = { same: 40_000, fresh: 600_000 } as const;

function churn(kind: 'same' | 'fresh'): Row {
  const path = build(join(BENCH_FOLDER, 'workloads', 'churn.c'), 'riscv64');
  const program: Program = { path, args: [`${FUNCTIONS[kind]}`, '1000', kind], folders: [dirname(path)] };
  const name = `${FUNCTIONS[kind]} functions made at run time, ${kind === 'same' ? 'in one place' : 'each in a new place'}`;
  // The guest's own pages are more and more if each function has new ones.
  return long(
    `${name}; without the guest's pages`,
    { programs: [program], rounds: 1, everyMs: 50 },
    ({ residentBytes, guestBytes }) => residentBytes - guestBytes,
  );
}

/** Times that all programs are run, which takes a minute: what grew with each of 3,000 stacks would be seen by then. */
const ROUNDS = 128;

function manyPrograms(): Row {
  const programs = workloads.map((workload) => programOf(workload, 'riscv64', workload.rounds.tiny * 5, '1'));
  return long(`${programs.length} programs, a stack for each, ${ROUNDS} times`, { programs, rounds: ROUNDS, everyMs: 50 });
}

const PARTS_OF_THIS = ['peak', 'churn-same', 'churn-fresh', 'workloads'] as const;

function main(): void {
  const told = readOptions({ only: undefined, json: undefined });
  const wanted = chosen('only', told.only, PARTS_OF_THIS, (name) => name);
  const before = circumstances();
  const emptyBytes = emptyNodeBytes();
  const highest = wanted.includes('peak') ? [...peaks('esbuild', esbuild(), emptyBytes), ...peaks('tsc', tsc(), emptyBytes)] : [];
  if (highest.length > 0)
    process.stdout.write(
      `Peak memory of a process with one stack, MiB (an empty Node.js process: ${mib(emptyBytes)})\n${table(highest)}\n\n`,
    );
  const runs = [
    ...(wanted.includes('churn-same') ? [churn('same')] : []),
    ...(wanted.includes('churn-fresh') ? [churn('fresh')] : []),
    ...(wanted.includes('workloads') ? [manyPrograms()] : []),
  ];
  if (runs.length > 0) process.stdout.write(`The most resident in each eighth of a run, MiB\n${table(runs)}\n`);
  writeJson(told.json, { circumstances: before, emptyBytes, peaks: highest, runs });
}

await runBenchmark(USAGE, main);
