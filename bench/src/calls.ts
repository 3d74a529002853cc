import { dirname, join } from 'node:path';
import { BENCH_FOLDER, build } from './build.ts';
import { circumstances } from './comparison.ts';
import { chosen, parseCount, readOptions, runBenchmark, writeJson } from './options.ts';
import { median, type Row, ratioOfMedians, table } from './statistics.ts';
import { runWith } from './tools.ts';

// System calls in Ashlar and under qemu-riscv64, in turns: a program of ours makes many and says, by the clock it sees, how long one takes.

const USAGE = 'node bench/dist/calls.js [--runs 7] [--only NAME,…] [--json FILE]';

interface Call {
  readonly name: string;
  readonly what: string;
  readonly count: number;
  /** Most that the ratio of ours to qemu-riscv64's may be; undefined: nothing is promised. */
  readonly promised?: number;
}

const CALLS: readonly Call[] = [
  { name: 'null', what: 'null call (getppid)', count: 5_000_000, promised: 0.3 },
  { name: 'read', what: 'read 4 KiB of a cached file', count: 500_000, promised: 1 },
  { name: 'pingpong', what: 'pipe ping-pong of two processes', count: 100_000, promised: 1 },
  { name: 'write', what: 'write 4 KiB to a file', count: 100_000 },
  { name: 'stat', what: 'stat', count: 100_000 },
  { name: 'open', what: 'open and close', count: 50_000 },
  { name: 'fork', what: 'fork, exit and wait', count: 500 },
];

/** Nanoseconds that a call took in each run. */
interface Sample {
  /** By the clock that the program sees. */
  readonly wallNs: number[];
  /** Of all processor time, without that of a run that makes hardly any calls. */
  readonly cpuNs: number[];
}

type Side = 'qemu' | 'translator';

function once(side: Side, { name, count }: Call, sample: Sample): void {
  const program = build(join(BENCH_FOLDER, 'calls', `${name}.c`), 'riscv64', [], [join(BENCH_FOLDER, 'calls', 'call.h')]);
  const run = (calls: number): { readonly wallNs: number; readonly cpuMs: number } => {
    // The program itself is a file that both see.
    const { status, stdout, stderr, cpuMs } = runWith(side, { path: program, args: [String(calls), program], folders: [dirname(program)] });
    const wallNs = Number(stdout);
    if (status !== 0 || !(wallNs > 0)) throw new Error(`${name} under ${side} ended with ${status}: ${stderr}`);
    return { wallNs, cpuMs };
  };
  const [start, whole] = [run(FEW), run(count)];
  sample.wallNs.push(whole.wallNs);
  sample.cpuNs.push((Math.max(0, whole.cpuMs - start.cpuMs) * 1e6) / (count * WITH_WARMING_UP));
}

/** Calls of a run that shows what a start costs. */
const FEW = 10;
/** The programs warm up with a tenth as many calls. */
const WITH_WARMING_UP = 1.1;

const us = (ns: number): string => (ns / 1000).toFixed(ns < 1000 ? 3 : 2);

function main(): void {
  const told = readOptions({ runs: '7', only: undefined, json: undefined });
  const runs = parseCount('runs', told.runs);
  const before = circumstances();
  const empty = (): Sample => ({ wallNs: [], cpuNs: [] });
  const results = chosen('only', told.only, CALLS, ({ name }) => name).map((call) => ({ call, ours: empty(), qemu: empty() }));
  for (let run = 0; run < runs; run++) {
    for (const { call, ours, qemu } of results) {
      once('translator', call, ours);
      once('qemu', call, qemu);
    }
  }
  const rows = results.map(({ call, ours, qemu }): Row => {
    const wall = ratioOfMedians(ours.wallNs, qemu.wallNs);
    const cpu = ratioOfMedians(ours.cpuNs, qemu.cpuNs);
    const interval = (ends: readonly number[]): string => ends.map((end) => end.toFixed(2)).join('–');
    return {
      call: call.what,
      'ours, µs': us(median(ours.wallNs)),
      'qemu, µs': us(median(qemu.wallNs)),
      'ours / qemu': wall.ratio.toFixed(2),
      '95 %': interval(wall.interval),
      promised: call.promised === undefined ? '' : `≤ ${call.promised.toFixed(1)}`,
      holds: call.promised === undefined ? '' : wall.ratio <= call.promised ? 'yes' : 'no',
      'cpu: ours / qemu': cpu.ratio.toFixed(2),
      'cpu 95 %': interval(cpu.interval),
    };
  });
  process.stdout.write(`System calls: medians of ${runs} runs, in turns\n${table(rows)}\n`);
  writeJson(told.json, { circumstances: before, runs, rows, results });
}

await runBenchmark(USAGE, main);
