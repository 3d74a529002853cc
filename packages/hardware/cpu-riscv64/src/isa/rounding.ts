import { type I32, i32 } from '../wasm/expression.ts';

/**
 * Of floating-point instructions with a rounding mode: the mode in bits 8…10; in bits 0…7 what fcsr is masked with to see whether the fast path
 * may be taken ({@link FAST_FCSR} must remain); rs3 times 8 in bits 24…31.
 */
export function roundingImmediate(word: number): number {
  const mode = (word >>> 12) & 7;
  return (mode << 8) | maskOf(mode) | (((word >>> 27) & 31) << 27);
}

/** Whether a rounding mode field is one that no instruction may have; 7 means the mode in frm. */
export const isReservedMode = (mode: number): boolean => mode === 5 || mode === 6;

/** The same of a word that is known only when it runs. */
export const hasReservedMode = (word: I32): I32 => i32.ltU(i32.sub(modeOf(word), i32.const(5)), i32.const(2));

/** {@link roundingImmediate} of a word that is known only when it runs. */
export function roundingImmediateOf(word: I32): I32 {
  const mode = modeOf(word);
  const mask = i32.select(i32.eq(mode, i32.const(7)), i32.const(maskOf(7)), i32.select(mode, i32.const(0), i32.const(maskOf(0))));
  return i32.or(i32.or(i32.shl(mode, i32.const(8)), mask), i32.and(word, i32.const(31 << 27)));
}

const modeOf = (word: I32): I32 => i32.and(i32.shrU(word, i32.const(12)), i32.const(7));

/** What the fast path needs to see of fcsr: no frm when the mode is in the instruction, nothing that fits when the mode is another. */
function maskOf(mode: number): number {
  if (mode === 7) return 0xe1;
  return mode === 0 ? 0x01 : 0;
}

/** Rounding to nearest with ties to even, and the inexact flag already raised: then a normal result cannot change any flag. */
export const FAST_FCSR = 1;
