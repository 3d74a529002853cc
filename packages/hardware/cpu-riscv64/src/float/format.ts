import type { Local } from '../wasm/code.ts';
import { type F32, type F64, f32, f64, type I32, type I64, i32, i64 } from '../wasm/expression.ts';

/** An IEEE 754 binary format as the exact path sees it. Registers are 64 bits wide; a narrower value has ones above it (NaN boxing). */
export interface FloatFormat {
  readonly bits: 32 | 64;
  /** Bits of the stored fraction. */
  readonly fraction: number;
  /** Largest exponent field: infinities and NaNs. */
  readonly exponentMax: number;
  readonly bias: number;
  /** Where rounding cuts a significand whose leading bit is bit 62. */
  readonly cut: number;
}

export const SINGLE: FloatFormat = { bits: 32, fraction: 23, exponentMax: 255, bias: 127, cut: 39 };
export const DOUBLE: FloatFormat = { bits: 64, fraction: 52, exponentMax: 2047, bias: 1023, cut: 10 };

/** Exception flags of fcsr: unprivileged ISA manual, section 20.2. */
export const Flag = { INEXACT: 1, UNDERFLOW: 2, OVERFLOW: 4, DIVIDE_BY_ZERO: 8, INVALID: 16 } as const;

/** Rounding modes, as the `rm` field has them. */
export const Rounding = { NEAREST_EVEN: 0, TOWARDS_ZERO: 1, DOWN: 2, UP: 3, NEAREST_MAX_MAGNITUDE: 4, DYNAMIC: 7 } as const;

const BOX = i64.words(-1, 0);
const CANONICAL_NAN32 = 0x7fc0_0000;

/** 2ⁿ as a 64-bit constant, n < 64. */
export const power = (n: number): I64 => (n < 32 ? i64.words(0, 1 << n) : i64.words(1 << (n - 32), 0));
/** Ones in bits 0 … n − 1. */
export const ones = (n: number): I64 => (n <= 32 ? i64.words(0, n === 32 ? -1 : (1 << n) - 1) : i64.words((1 << (n - 32)) - 1, -1));

/** Register contents of a value's bits. */
export const box = (format: FloatFormat, bits: I64): I64 => (format.bits === 32 ? i64.or(bits, BOX) : bits);
const box32 = (bits: I32): I64 => i64.or(i64.extendU(bits), BOX);
export const boxF32 = (value: F32): I64 => box32(i32.fromBits(value));

const isBoxed = (raw: I64): I32 => i64.geU(raw, BOX);
/** Bits of the single-precision value in a register: the canonical NaN unless it is boxed. */
export const unbox32 = (raw: Local<'i64'>): I32 => i32.select(isBoxed(raw), i32.wrap(raw), i32.const(CANONICAL_NAN32));
export const toF32 = (raw: Local<'i64'>): F32 => f32.fromBits(unbox32(raw));
export const toF64 = (raw: I64): F64 => f64.fromBits(raw);

/** Bits of the value in a register, in the low end of 64. */
export const bitsOf = (format: FloatFormat, raw: Local<'i64'>): I64 => (format.bits === 32 ? i64.extendU(unbox32(raw)) : raw);

export const canonicalNan = (format: FloatFormat): I64 => (format.bits === 32 ? i64.words(-1, CANONICAL_NAN32) : i64.words(0x7ff8_0000, 0));
export const signMask = (format: FloatFormat): I64 => power(format.bits - 1);
export const infinityBits = (format: FloatFormat): I64 => (format.bits === 32 ? i64.words(0, 0x7f80_0000) : i64.words(0x7ff0_0000, 0));

/** Tests on a value's bits. */
export const magnitude = (format: FloatFormat, bits: I64): I64 => i64.and(bits, ones(format.bits - 1));
export const isNan = (format: FloatFormat, bits: I64): I32 => i64.gtU(magnitude(format, bits), infinityBits(format));
export const isInfinite = (format: FloatFormat, bits: I64): I32 => i64.eq(magnitude(format, bits), infinityBits(format));
export const isZero = (format: FloatFormat, bits: I64): I32 => i64.eqz(magnitude(format, bits));
export const signOf = (format: FloatFormat, bits: I64): I32 => i32.wrap(i64.shrU(bits, i64.const(format.bits - 1)));
export const isSignaling = (format: FloatFormat, bits: I64): I32 =>
  i32.and(isNan(format, bits), i64.eqz(i64.and(bits, power(format.fraction - 1))));
