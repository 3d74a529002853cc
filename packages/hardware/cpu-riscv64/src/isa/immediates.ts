import type { Format } from './instruction.ts';
import { type Move, moves } from './moves.ts';

/** Where an instruction has an immediate of several bits (unprivileged ISA manual, chapter 2.3). */
interface ImmediatePlace {
  /** Its lowest bit that there is, and its highest. */
  readonly low: number;
  readonly high: number;
  /** Where the instruction has bit n. */
  readonly at: (n: number) => number;
}

export const IMMEDIATE_PLACES = {
  I: { low: 0, high: 11, at: (n) => 20 + n },
  S: { low: 0, high: 11, at: (n) => (n < 5 ? 7 + n : 20 + n) },
  B: { low: 1, high: 12, at: (n) => (n === 11 ? 7 : n === 12 ? 31 : n < 5 ? 7 + n : 20 + n) },
  U: { low: 12, high: 31, at: (n) => n },
  J: { low: 1, high: 20, at: (n) => (n === 11 ? 20 : n === 20 ? 31 : n < 11 ? 20 + n : n) },
} as const satisfies Record<string, ImmediatePlace>;

/** The highest bit is the sign, which goes on up to bit 31. */
function signed({ low, high, at }: ImmediatePlace): Move[] {
  const bits = Array.from({ length: high - low }, (_, i) => [at(low + i), low + i] as const);
  const signs = Array.from({ length: 32 - high }, (_, i) => [at(high), high + i] as const);
  return [...moves(bits), ...moves(signs, true)];
}

/** What goes from an instruction to its immediate, by format; see {@link Format}. RM and R4 are not here: see roundingImmediate. */
export const IMMEDIATES: Readonly<Record<Exclude<Format, 'RM' | 'R4'>, readonly Move[]>> = {
  I: signed(IMMEDIATE_PLACES.I),
  S: signed(IMMEDIATE_PLACES.S),
  B: signed(IMMEDIATE_PLACES.B),
  U: signed(IMMEDIATE_PLACES.U),
  J: signed(IMMEDIATE_PLACES.J),
  SHAMT: [{ from: 20, to: 0, width: 6, isSign: false }],
  CSR: [
    { from: 20, to: 0, width: 12, isSign: false },
    { from: 15, to: 12, width: 5, isSign: false },
  ],
  R: [],
  NONE: [],
};
