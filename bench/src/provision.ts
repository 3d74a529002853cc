import { spawnSync } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { debianRoot, guestPrograms } from '@ashlar/guests';
import { circumstances } from './comparison.ts';
import { environment } from './measured-process.ts';
import { chosen, parseCount, readOptions, runBenchmark, writeJson } from './options.ts';
import { intervalOfMedian, median, type Row, ratioOfMedians, table } from './statistics.ts';

// How long it takes from nothing to a program's end: a whole stack made for each run. All take turns, so that a busy machine slows all alike; those with a
// rest apart, since what comes behind one takes nearly twice as long, whatever it is: the processor has been given to others, or slows down.

const USAGE = 'node bench/dist/provision.js [--runs 15] [--warm 100] [--only NAME,…] [--json FILE]';
const packages = new URL('../../packages/', import.meta.url);
const CLI = fileURLToPath(new URL('cli/bin/ashlar.js', packages));
/** The embedding API as it is published: bundled. */
const { start } = (await import(new URL('cli/bundle/index.js', packages).href)) as typeof import('ashlar');

/** A stack and a program, made and run from nothing. */
interface Subject {
  readonly name: string;
  readonly chain: readonly string[];
  readonly host: string;
  readonly argv: readonly string[];
  /** When this thread has nothing to do: for {@link REST_MS} before the run, or within, while it waits for another thread. */
  readonly rest?: 'before' | 'within';
  /** Most milliseconds that the median may be; undefined: nothing is promised. */
  readonly promisedMs?: number;
}

/** Milliseconds of each run, from the beginning. */
interface Sample {
  readonly ready: number[];
  /** The first byte of output, or its end. */
  readonly output: number[];
  readonly exit: number[];
  /** CPU milliseconds of all threads of this process, the stack's end included. */
  readonly cpu: number[];
}

function subjects(): readonly Subject[] {
  const hello = { host: guestPrograms, argv: ['/guests/hello'] };
  const found: Subject[] = [
    { name: 'hello in direct', chain: ['direct'], ...hello, promisedMs: 3 },
    { name: 'hello in nothing', chain: [], ...hello },
    { name: 'hello in direct × 8', chain: Array.from({ length: 8 }, () => 'direct'), ...hello },
    { name: 'hello in worker', chain: ['worker'], ...hello, rest: 'within' },
  ];
  const { path } = debianRoot(['busybox-static']);
  if (path === undefined) return found;
  const busybox: Subject = { name: 'busybox true in direct', chain: ['direct'], host: path, argv: ['/guests/bin/busybox', 'true'] };
  return [{ ...busybox, promisedMs: 5 }, ...found, { ...busybox, name: 'busybox true, rested', rest: 'before' }];
}

const emptySample = (): Sample => ({ ready: [], output: [], exit: [], cpu: [] });

const REST_MS = 60;

async function once({ name, chain, host, argv, rest }: Subject, sample: Sample): Promise<void> {
  if (rest === 'before') await setTimeout(REST_MS);
  const cpuBefore = process.cpuUsage();
  const from = performance.now();
  const stack = await start({
    ashlar: 1,
    memory: '256MiB',
    hypervisors: [...chain],
    userspace: { use: ['linux'], volumes: [{ host, guest: '/guests', readOnly: true }] },
  });
  try {
    sample.ready.push(performance.now() - from);
    const program = await stack.spawn(argv);
    void program.stdin.close();
    await program.stdout.getReader().read();
    sample.output.push(performance.now() - from);
    const exit = await program.exit;
    sample.exit.push(performance.now() - from);
    if (!('code' in exit) || exit.code !== 0) throw new Error(`${name} ended with ${JSON.stringify(exit)}`);
  } finally {
    await stack.stop();
    const { user, system } = process.cpuUsage(cpuBefore);
    sample.cpu.push((user + system) / 1000);
  }
}

function processMs(command: readonly string[]): number {
  const from = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [...command], { encoding: 'utf8', env: environment() });
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}: ${stderr}`);
  return performance.now() - from;
}

const holds = (value: number, promised: number | undefined): string => (promised === undefined ? '' : value <= promised ? 'yes' : 'no');
const ends = (interval: readonly number[]): string => interval.map((end) => end.toFixed(2)).join('–');

/** Runs of those with a rest before they are measured: the first compiles what the others use, and most of it is what those without a rest use too. */
const WARM_RESTED = 3;

/** `warm`: runs of each before they are measured. In the first hundred or so V8 compiles what starts a stack, and takes fresh pages for what they leave behind. */
async function warmProcess(runs: number, warm: number, wanted: readonly Subject[]): Promise<readonly Row[]> {
  for (const subject of wanted) {
    const rounds = subject.rest === undefined ? warm : WARM_RESTED;
    for (let run = 0; run < rounds; run++) await once(subject, emptySample());
  }
  const busy = await inTurns(
    runs,
    wanted.filter(({ rest }) => rest === undefined),
  );
  const rested = await inTurns(
    runs,
    wanted.filter(({ rest }) => rest !== undefined),
  );
  return [...busy, ...rested];
}

async function inTurns(runs: number, subjects: readonly Subject[]): Promise<readonly Row[]> {
  const samples = subjects.map(emptySample);
  for (let run = 0; run < runs; run++)
    for (let turn = 0; turn < subjects.length; turn++) {
      // Each begins a round in its turn, so that none always comes behind the same one.
      const index = (run + turn) % subjects.length;
      await once(subjects[index] as Subject, samples[index] as Sample);
    }
  return subjects.map(({ name, promisedMs }, index) => {
    const { ready, output, exit, cpu } = samples[index] as Sample;
    return {
      program: name,
      'stack ready': median(ready).toFixed(2),
      'first output': median(output).toFixed(2),
      exit: median(exit).toFixed(2),
      '95 %': ends(intervalOfMedian(exit)),
      promised: promisedMs === undefined ? '' : `≤ ${promisedMs}`,
      holds: holds(median(exit), promisedMs),
      'cpu, with stop': median(cpu).toFixed(2),
    };
  });
}

const RATIO_MAX = 2.5;

function fromTheShell(runs: number): readonly Row[] {
  const command = [CLI, 'run', '--volume', `${guestPrograms}:/guests:ro`, '--', '/guests/hello'];
  // The first keeps what it compiled for the others.
  processMs(command);
  const node: number[] = [];
  const ours: number[] = [];
  for (let run = 0; run < runs; run++) {
    node.push(processMs(['-e', '0']));
    ours.push(processMs(command));
  }
  const { ratio, interval } = ratioOfMedians(ours, node);
  return [
    { process: 'node -e 0', wall: median(node).toFixed(1), ratio: '1.00', '95 %': '', promised: '', holds: '' },
    {
      process: 'ashlar run … hello',
      wall: median(ours).toFixed(1),
      ratio: ratio.toFixed(2),
      '95 %': ends(interval),
      promised: `≤ ${RATIO_MAX}`,
      holds: holds(ratio, RATIO_MAX),
    },
  ];
}

const SHELL = 'shell';

async function main(): Promise<void> {
  const told = readOptions({ runs: '15', warm: '100', only: undefined, json: undefined });
  const runs = parseCount('runs', told.runs);
  const warmRuns = parseCount('warm', told.warm);
  const names = chosen('only', told.only, [...subjects().map(({ name }) => name), SHELL], (name) => name);
  const wanted = subjects().filter(({ name }) => names.includes(name));
  const before = circumstances();
  const warm = wanted.length === 0 ? [] : await warmProcess(runs, warmRuns, wanted);
  if (warm.length > 0)
    process.stdout.write(
      `From nothing to a program's end in a process that did so ${warmRuns} times: medians of ${runs} runs, ms\n${table(warm)}\n`,
    );
  const shell = names.includes(SHELL) ? fromTheShell(runs) : [];
  if (shell.length > 0) process.stdout.write(`The same from the shell: medians of ${runs} runs, ms\n${table(shell)}\n`);
  writeJson(told.json, { circumstances: before, runs, warmRuns, warm, shell });
}

await runBenchmark(USAGE, main);
