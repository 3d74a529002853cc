import { dirname, join } from 'node:path';
import { BENCH_FOLDER, build, type Target } from './build.ts';
import type { Program } from './tools.ts';

/** What a workload mostly does. */
export type Kind = 'integer' | 'calls' | 'interpreter' | 'memory' | 'float' | 'bits' | 'control';

/** How long workloads take: `tiny` is for tests; `small` is about 0.2 s under qemu-riscv64, `full` 1 to 2 s. */
export type Size = 'tiny' | 'small' | 'full';

/** A C program in `bench/workloads`. */
export interface Workload {
  readonly name: string;
  readonly kind: Kind;
  /** Its first argument. */
  readonly rounds: Readonly<Record<Size, number>>;
  /** It writes bits to stderr in which riscv64 and other machines may differ. */
  readonly rounded: boolean;
  readonly flags: readonly string[];
}

function workload(name: string, kind: Kind, tiny: number, small: number, full: number, more: Partial<Workload> = {}): Workload {
  return { name, kind, rounds: { tiny, small, full }, rounded: false, flags: [], ...more };
}

/** All that is measured. Rounds were chosen for qemu-riscv64 7.2 on a machine of 2022. */
export const workloads: readonly Workload[] = [
  workload('mix', 'integer', 70, 3_500, 25_000),
  workload('sieve', 'integer', 1, 44, 310),
  workload('quicksort', 'integer', 3, 170, 1_200),
  workload('matmul', 'integer', 1, 74, 520),
  workload('lz', 'integer', 3, 140, 970),
  workload('sha256', 'integer', 6, 280, 1_900),
  workload('sha512', 'integer', 9, 440, 3_100),
  workload('aes', 'integer', 4, 180, 1_300),
  workload('search', 'integer', 4, 210, 1_500),
  workload('regex', 'integer', 10, 480, 3_400),
  workload('json', 'integer', 24, 1_200, 8_500),
  workload('fib', 'calls', 12, 580, 4_100),
  workload('dispatch', 'calls', 9, 470, 3_300),
  workload('interp', 'interpreter', 2, 110, 740),
  workload('memcpy', 'memory', 8, 400, 2_800),
  workload('chase', 'memory', 50, 1_700, 13_000),
  workload('hash', 'memory', 80, 4_000, 28_000),
  workload('nbody', 'float', 2_500, 120_000, 870_000, { rounded: true }),
  workload('mandelbrot', 'float', 1, 14, 99, { flags: ['-ffp-contract=off'] }),
  workload('fft', 'float', 2, 120, 860, { rounded: true }),
  workload('lu', 'float', 4, 210, 1_400, { rounded: true }),
  workload('edge', 'float', 13, 660, 4_700, { flags: ['-ffp-contract=off', '-frounding-math'] }),
  workload('divide', 'bits', 6_000, 300_000, 2_100_000),
  workload('bits', 'bits', 280, 14_000, 97_000),
  workload('jump', 'control', 620, 31_000, 220_000),
  workload('qsort', 'control', 2, 80, 560),
];

/** Starts and ends. */
export const hello: Workload = workload('hello', 'control', 0, 0, 0);

const FOLDER = join(BENCH_FOLDER, 'workloads');

/** A workload's program, to be run for so many rounds. */
export function programOf({ name, flags }: Workload, target: Target, rounds: number, seed: string): Program {
  const path = build(join(FOLDER, `${name}.c`), target, flags, [join(FOLDER, 'workload.h')]);
  return { path, args: [String(rounds), seed], folders: [dirname(path)] };
}
