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
  { name: 'null', what: 'null call (getppid)', count: 1_000_000, promised: 0.3 },
  { name: 'read', what: 'read 4 KiB of a cached file', count: 200_000, promised: 1 },
  { name: 'pingpong', what: 'pipe ping-pong of two processes', count: 30_000, promised: 1 },
  { name: 'write', what: 'write 4 KiB to a file', count: 100_000 },
  { name: 'stat', what: 'stat', count: 100_000 },
  { name: 'open', what: 'open and close', count: 50_000 },
  { name: 'fork', what: 'fork, exit and wait', count: 500 },
];

/** Nanoseconds that a call took in one run. */
function nanoseconds(tool: 'qemu' | 'translator', { name, count }: Call): number {
  const program = build(join(BENCH_FOLDER, 'calls', `${name}.c`), 'riscv64', [], [join(BENCH_FOLDER, 'calls', 'call.h')]);
  // The program itself is a file that both see.
  const { status, stdout, stderr } = runWith(tool, { path: program, args: [String(count), program], folders: [dirname(program)] });
  const took = Number(stdout);
  if (status !== 0 || !(took > 0)) throw new Error(`${name} under ${tool} ended with ${status}: ${stderr}`);
  return took;
}

const us = (ns: number): string => (ns / 1000).toFixed(ns < 1000 ? 3 : 2);

function main(): void {
  const told = readOptions({ runs: '7', only: undefined, json: undefined });
  const runs = parseCount('runs', told.runs);
  const before = circumstances();
  const results = chosen('only', told.only, CALLS, ({ name }) => name).map((call) => ({
    call,
    ours: [] as number[],
    qemu: [] as number[],
  }));
  for (let run = 0; run < runs; run++) {
    for (const { call, ours, qemu } of results) {
      ours.push(nanoseconds('translator', call));
      qemu.push(nanoseconds('qemu', call));
    }
  }
  const rows = results.map(({ call, ours, qemu }): Row => {
    const { ratio, interval } = ratioOfMedians(ours, qemu);
    return {
      call: call.what,
      'ours, µs': us(median(ours)),
      'qemu, µs': us(median(qemu)),
      'ours / qemu': ratio.toFixed(2),
      '95 %': interval.map((end) => end.toFixed(2)).join('–'),
      promised: call.promised === undefined ? '' : `≤ ${call.promised.toFixed(1)}`,
      holds: call.promised === undefined ? '' : ratio <= call.promised ? 'yes' : 'no',
    };
  });
  process.stdout.write(`System calls: medians of ${runs} runs, in turns\n${table(rows)}\n`);
  writeJson(told.json, { circumstances: before, runs, rows, results });
}

await runBenchmark(USAGE, main);
