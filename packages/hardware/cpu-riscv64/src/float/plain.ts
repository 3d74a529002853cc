import { type F32, type F64, type I32, type I64, i32, i64 } from '../wasm/expression.ts';

/**
 * Which results of the host's own operations, rounded to nearest, are right and change no flag once the inexact flag is set. Twice the bits of a
 * number are its magnitude alone, so one comparison of integers tells, and the same one tells whether the host may be used at all: with a limit of 0,
 * nothing is below it.
 */

/** The limits where the host may be used: below infinity, and a little more, so that the largest numbers are above them. */
const LIMIT32 = 0xfdff_0000;
export const HOST_LIMIT32 = i32.const(LIMIT32);
/** The other is its low half. */
export const HOST_LIMIT64 = i64.words(0xffbf_ffff, LIMIT32);

const magnitude64 = (r: F64): I64 => i64.shl(i64.fromBits(r), i64.const(1));
const magnitude32 = (r: F32): I32 => i32.shl(i32.fromBits(r), i32.const(1));

/** Normal, not infinite, not NaN, and not of just the smallest normal magnitude, which may have been rounded up from below. */
export const isPlain64 = (r: F64, limit: I64 = HOST_LIMIT64): I32 => i64.ltU(i64.sub(magnitude64(r), i64.words(0x0020_0000, 1)), limit);
export const isPlain32 = (r: F32, limit: I32 = HOST_LIMIT32): I32 => i32.ltU(i32.sub(magnitude32(r), i32.const(0x0100_0001)), limit);

/** Neither infinite nor NaN nor so large that a factor of two would make it so: any sum of this size is good, since sums below the normal range are exact. */
export const isModest64 = (r: F64, limit: I64): I32 => i64.ltU(magnitude64(r), limit);
export const isModest32 = (r: F32, limit: I32): I32 => i32.ltU(magnitude32(r), limit);

/** Of either sign. */
export const isZero64 = (value: F64): I32 => i64.eqz(magnitude64(value));
export const isZero32 = (value: F32): I32 => i32.eqz(magnitude32(value));
