import type { Code, Local } from '../wasm/code.ts';
import { type F64, f32, f64, type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import { raiseIf } from './flags.ts';
import { boxF32, DOUBLE, Flag, type FloatFormat, ones, power, Rounding, SINGLE, toF32, toF64 } from './format.ts';
import { isPlain32, isPlain64 } from './plain.ts';

/**
 * Operations as the host does them, for any rounding mode but the one to the nearest with ties away from zero: its result is the nearest, and what it is
 * too small or too large by says whether it is exact, and whether its neighbour is what another mode wants. These return if the result is such that
 * no flag but inexact can be due; else control goes on behind them.
 */
type Bits = Local<'i64'>;

/** Operands of an operation, as register contents; the functions write into `code`. */
export interface HostOperation {
  readonly code: Code;
  readonly a: Bits;
  readonly b: Bits;
  readonly mode: Local<'i32'>;
}

const zero = i64.const(0);
const isMode = (mode: I32, m: number): I32 => i32.eq(mode, i32.const(m));

/** Whether the host can be of use in a rounding mode. */
export const hasHostMode = (mode: I32): I32 => i32.ne(mode, i32.const(Rounding.NEAREST_MAX_MAGNITUDE));

/** Returns what becomes of a nearest result, which is neither the smallest nor the largest normal one. `excess` has the sign of what its magnitude lacks. */
function returnDirected({ code, mode }: Omit<HostOperation, 'a' | 'b'>, format: FloatFormat, nearest: I64, excess: I64): void {
  const lacks = code.let(excess);
  raiseIf(code, i64.ne(lacks, zero), Flag.INEXACT);
  code.if(isMode(mode, Rounding.NEAREST_EVEN), () => code.return(nearest));
  const bits = code.let(nearest);
  const isNegative = format.bits === 64 ? i64.ltS(bits, zero) : i32.ltS(i32.wrap(bits), i32.const(0));
  const inwards = i32.select(isNegative, i32.const(Rounding.UP), i32.const(Rounding.DOWN));
  const truncates = i32.or(isMode(mode, Rounding.TOWARDS_ZERO), i32.eq(mode, inwards));
  code.return(i64.add(bits, i64.select(truncates, i64.shrS(lacks, i64.const(63)), i64.extendU(i64.gtS(lacks, zero)))));
}

/** The excess of a result with the sign of `r`, from the signed difference between what is exact and it. */
function excessOf(code: Code, difference: F64, r: I64): I64 {
  const bits = code.let(i64.fromBits(difference));
  // The lowest bit does not count, so it may say that there is a difference.
  return i64.select(i64.eqz(i64.shl(bits, i64.const(1))), zero, i64.or(i64.xor(bits, r), i64.const(1)));
}

const single = (raw: Bits): F64 => f64.promote(toF32(raw));

/** The error of a rounded sum is itself a number (Knuth's two-sum). Near the largest numbers, computing it could overflow. */
export function hostAdd64(o: HostOperation): void {
  const { code, a, b, mode } = o;
  const x = code.let(toF64(a));
  const y = code.let(toF64(b));
  const s = code.let(f64.add(x, y));
  const isModerate = (v: F64): I32 => f64.lt(f64.abs(v), f64.const(2 ** 1000));
  code.if(i32.and(i32.and(isModerate(s), isModerate(x)), hasItsSign(s, mode)), () => {
    const back = code.let(f64.sub(s, x));
    const error = f64.add(f64.sub(x, f64.sub(s, back)), f64.sub(y, back));
    const bits = code.let(i64.fromBits(s));
    returnDirected(o, DOUBLE, bits, excessOf(code, error, bits));
  });
}

/** Two singles: whether their rounded sum is their sum shows in the same way. */
export function hostAdd32(o: HostOperation): void {
  const { code, a, b, mode } = o;
  const x = code.let(toF32(a));
  const y = code.let(toF32(b));
  const s = code.let(f32.add(x, y));
  const wide = code.let(f64.promote(s));
  const isModerate = (v: F64): I32 => f64.lt(f64.abs(v), f64.const(2 ** 120));
  code.if(i32.and(i32.and(isModerate(wide), isModerate(f64.promote(x))), hasItsSign(wide, mode)), () => {
    const back = code.let(f32.sub(s, x));
    const error = f32.add(f32.sub(x, f32.sub(s, back)), f32.sub(y, back));
    returnDirected(o, SINGLE, boxF32(s), excessOf(code, f64.promote(error), i64.fromBits(wide)));
  });
}

/** A sum of zero may be −0 when rounding down, and is not in other modes. */
const hasItsSign = (s: F64, mode: I32): I32 => i32.or(f64.ne(s, f64.const(0)), i32.ne(mode, i32.const(Rounding.DOWN)));

/** The significand of a normal double as an integer, and its exponent field. */
const significand = (bits: Bits): I64 => i64.or(i64.and(bits, ones(52)), power(52));
const exponent = (bits: Bits): I64 => i64.and(i64.shrU(bits, i64.const(52)), i64.const(0x7ff));
/** Weights of two products of significands differ by this many powers of two more than their exponent fields say. */
const BIAS = i64.const(1075);

/** Both significands' products have up to 106 bits, but their difference has less than 64, so the low halves tell it. */
export function hostMultiply64(o: HostOperation): void {
  const { code, a, b } = o;
  const r = code.let(f64.mul(toF64(a), toF64(b)));
  code.if(i32.and(isPlain64(r), i32.and(isPlain64(toF64(a)), isPlain64(toF64(b)))), () => {
    const bits = code.let(i64.fromBits(r));
    const shift = i64.add(i64.sub(i64.sub(exponent(bits), exponent(a)), exponent(b)), BIAS);
    returnDirected(o, DOUBLE, bits, i64.sub(i64.mul(significand(a), significand(b)), i64.shl(significand(bits), shift)));
  });
}

/** What is left of the dividend, in the same way. */
export function hostDivide64(o: HostOperation): void {
  const { code, a, b } = o;
  const r = code.let(f64.div(toF64(a), toF64(b)));
  code.if(i32.and(isPlain64(r), i32.and(isPlain64(toF64(a)), isPlain64(toF64(b)))), () => {
    const bits = code.let(i64.fromBits(r));
    const shift = i64.add(i64.sub(i64.sub(exponent(a), exponent(bits)), exponent(b)), BIAS);
    returnDirected(o, DOUBLE, bits, i64.sub(i64.shl(significand(a), shift), i64.mul(significand(bits), significand(b))));
  });
}

export function hostRoot64(o: Omit<HostOperation, 'b'>): void {
  const { code, a } = o;
  const r = code.let(f64.sqrt(toF64(a)));
  code.if(i32.and(isPlain64(r), isPlain64(toF64(a))), () => {
    const bits = code.let(i64.fromBits(r));
    const shift = i64.add(i64.sub(exponent(a), i64.shl(exponent(bits), i64.const(1))), BIAS);
    returnDirected(o, DOUBLE, bits, i64.sub(i64.shl(significand(a), shift), i64.mul(significand(bits), significand(bits))));
  });
}

/** A product of singles is exact as a double, and the difference of two of those has the right sign at least. */
export function hostMultiply32(o: HostOperation): void {
  const { code, a, b } = o;
  const exact = code.let(f64.mul(single(a), single(b)));
  returnNarrowed(o, exact);
}

/** The nearest single to a double, and what the mode makes of it. */
export function returnNarrowed(o: Pick<HostOperation, 'code' | 'mode'>, exact: Local<'f64'>): void {
  const { code } = o;
  const r = code.let(f32.demote(exact));
  code.if(isPlain32(r), () => returnDirected(o, SINGLE, boxF32(r), excessOf(code, f64.sub(exact, f64.promote(r)), i64.fromBits(exact))));
}

export function hostDivide32(o: HostOperation): void {
  const { code, a, b } = o;
  const r = code.let(f32.div(toF32(a), toF32(b)));
  code.if(isPlain32(r), () => {
    const rest = f64.sub(single(a), f64.mul(f64.promote(r), single(b)));
    returnDirected(o, SINGLE, boxF32(r), excessOf(code, rest, i64.fromBits(single(a))));
  });
}

export function hostRoot32(o: Omit<HostOperation, 'b'>): void {
  const { code, a } = o;
  const r = code.let(f32.sqrt(toF32(a)));
  code.if(isPlain32(r), () => {
    const wide = f64.promote(r);
    returnDirected(o, SINGLE, boxF32(r), excessOf(code, f64.sub(single(a), f64.mul(wide, wide)), zero));
  });
}
