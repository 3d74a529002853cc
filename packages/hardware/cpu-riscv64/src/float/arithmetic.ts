import { type Callee, type Code, call, type Local } from '../wasm/code.ts';
import { type F32, type F64, f32, f64, type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import {
  bitsOf,
  box,
  boxF32,
  canonicalNan,
  Flag,
  type FloatFormat,
  infinityBits,
  isInfinite,
  isNan,
  isSignaling,
  isZero,
  magnitude,
  ones,
  power,
  Rounding,
  raise,
  raiseIf,
  signMask,
  signOf,
  toF32,
  toF64,
} from './format.ts';
import type { Parts } from './pack.ts';
import { isPlain32, isPlain64 } from './plain.ts';

/**
 * The exact path of addition, multiplication, division and square root: any operands, any rounding mode, all flags. Most come here only while the
 * inexact flag is still clear, rounding to nearest: for those the host's own operation gives the result, and a test whether it was exact gives
 * the flag.
 */
type Bits = Local<'i64'>;

const isMode = (mode: I32, m: number): I32 => i32.eq(mode, i32.const(m));
const both = i32.and;
const either = i32.or;

/** Returns NaN when an operand is one, with the flag that a signaling one raises. */
function returnNan(code: Code, format: FloatFormat, ...operands: Bits[]): void {
  code.if(operands.map((o) => isNan(format, o)).reduce(either), () => {
    raiseIf(code, operands.map((o) => isSignaling(format, o)).reduce(either), Flag.INVALID);
    code.return(canonicalNan(format));
  });
}

function returnInvalid(code: Code, format: FloatFormat, condition: I32): void {
  code.if(condition, () => {
    raise(code, i32.const(Flag.INVALID));
    code.return(canonicalNan(format));
  });
}

/** An exact zero difference is +0, but −0 when rounding down. */
export const cancelled = (format: FloatFormat, mode: I32): I64 =>
  box(format, i64.select(isMode(mode, Rounding.DOWN), signMask(format), i64.const(0)));

interface Binary {
  readonly code: Code;
  readonly a: Bits;
  readonly b: Bits;
  readonly mode: Local<'i32'>;
}

/** A function (a, b, mode) of register contents; the body sees the values' bits. `host` may return early, before they are unpacked. */
function binary(module: ModuleBuilder, format: FloatFormat, host: (o: Binary) => void, write: (o: Binary) => void): Callee {
  return module.function(['i64', 'i64', 'i32'], 'i64', (code, [rawA, rawB, mode]) => {
    code.if(isMode(mode, Rounding.NEAREST_EVEN), () => host({ code, a: rawA, b: rawB, mode }));
    const a = code.let(bitsOf(format, rawA));
    const b = code.let(bitsOf(format, rawB));
    returnNan(code, format, a, b);
    write({ code, a, b, mode });
    code.unreachable();
  });
}

const signs = (format: FloatFormat, a: I64, b: I64): I64 => i64.and(i64.xor(a, b), signMask(format));

/** Significand with a leading bit at 62 or 63 → at 62, the exponent one more if it moved. */
function settle(code: Code, significand: Local<'i64'>, exponent: Local<'i32'>): void {
  code.if(i64.ltS(significand, i64.const(0)), () => {
    code.set(significand, i64.or(i64.shrU(significand, i64.const(1)), i64.and(significand, i64.const(1))));
    code.set(exponent, i32.add(exponent, i32.const(1)));
  });
}

export function addFunction(module: ModuleBuilder, format: FloatFormat, p: Parts): Callee {
  return binary(
    module,
    format,
    ({ code, a, b }) => (format.bits === 64 ? hostAdd64(code, a, b) : hostAdd32(code, a, b)),
    ({ code, a, b, mode }) => {
      code.if(isInfinite(format, a), () => {
        returnInvalid(code, format, both(isInfinite(format, b), i64.ne(a, b)));
        code.return(box(format, a));
      });
      code.if(isInfinite(format, b), () => code.return(box(format, b)));
      code.if(isZero(format, a), () => {
        code.if(both(isZero(format, b), i64.ne(a, b)), () => code.return(cancelled(format, mode)));
        code.return(box(format, b));
      });
      code.if(isZero(format, b), () => code.return(box(format, a)));
      const larger = code.let(a);
      const smaller = code.let(b);
      code.if(i64.ltU(magnitude(format, a), magnitude(format, b)), () => {
        code.set(larger, b);
        code.set(smaller, a);
      });
      const exponent = code.let(call('i32', p.exponent, larger));
      const distance = i32.sub(exponent, call('i32', p.exponent, smaller));
      const addend = code.let(call('i64', p.jam, call('i64', p.significand, smaller), distance));
      const sum = code.let(call('i64', p.significand, larger));
      code.if(
        i64.eqz(signs(format, a, b)),
        () => {
          code.set(sum, i64.add(sum, addend));
          settle(code, sum, exponent);
        },
        () => {
          code.set(sum, i64.sub(sum, addend));
          code.if(i64.eqz(sum), () => code.return(cancelled(format, mode)));
          const by = code.let(i64.sub(i64.clz(sum), i64.const(1)));
          code.set(sum, i64.shl(sum, by));
          code.set(exponent, i32.sub(exponent, i32.wrap(by)));
        },
      );
      code.return(call('i64', p.pack, signOf(format, larger), exponent, sum, mode));
    },
  );
}

/** The error of a rounded sum is itself a number (Knuth's two-sum): zero means exact. Near the largest numbers, computing it could overflow. */
function hostAdd64(code: Code, a: Bits, b: Bits): void {
  const x = code.let(toF64(a));
  const y = code.let(toF64(b));
  const s = code.let(f64.add(x, y));
  code.if(both(isModerate(s), isModerate(x)), () => {
    const back = code.let(f64.sub(s, x));
    const error = f64.add(f64.sub(x, f64.sub(s, back)), f64.sub(y, back));
    raiseIf(code, f64.ne(error, f64.const(0)), Flag.INEXACT);
    code.return(i64.fromBits(s));
  });
}

/** Two singles: whether their rounded sum is their sum shows in the same way. */
function hostAdd32(code: Code, a: Bits, b: Bits): void {
  const x = code.let(toF32(a));
  const y = code.let(toF32(b));
  const s = code.let(f32.add(x, y));
  code.if(both(isModerateSingle(s), isModerateSingle(x)), () => {
    const back = code.let(f32.sub(s, x));
    const error = f32.add(f32.sub(x, f32.sub(s, back)), f32.sub(y, back));
    raiseIf(code, f64.ne(f64.promote(error), f64.const(0)), Flag.INEXACT);
    code.return(boxF32(s));
  });
}

const isModerate = (v: F64): I32 => f64.lt(f64.abs(v), f64.const(2 ** 1000));
const isModerateSingle = (v: F32): I32 => f64.lt(f64.promote(f32.abs(v)), f64.const(2 ** 120));

/** Trailing zeros of a normal double's significand: 52 for a power of two. */
const trailing = (bits: I64): I64 => i64.ctz(i64.or(i64.and(bits, ones(52)), power(52)));

export function multiplyFunction(module: ModuleBuilder, format: FloatFormat, p: Parts, mulhu: Callee): Callee {
  return binary(
    module,
    format,
    ({ code, a, b }) => (format.bits === 64 ? hostMultiply64(code, a, b) : hostMultiply32(code, a, b)),
    ({ code, a, b, mode }) => {
      const sign = code.let(signs(format, a, b));
      code.if(either(isInfinite(format, a), isInfinite(format, b)), () => {
        returnInvalid(code, format, either(isZero(format, a), isZero(format, b)));
        code.return(box(format, i64.or(sign, infinityBits(format))));
      });
      code.if(either(isZero(format, a), isZero(format, b)), () => code.return(box(format, sign)));
      const exponent = code.let(i32.sub(i32.add(call('i32', p.exponent, a), call('i32', p.exponent, b)), i32.const(format.bias)));
      const x = code.let(i64.shl(call('i64', p.significand, a), i64.const(1)));
      const y = code.let(i64.shl(call('i64', p.significand, b), i64.const(1)));
      const product = code.let(i64.or(call('i64', mulhu, x, y), i64.extendU(i64.ne(i64.mul(x, y), i64.const(0)))));
      settle(code, product, exponent);
      code.return(call('i64', p.pack, signOf(format, sign), exponent, product, mode));
    },
  );
}

/** A product of significands with t trailing zeros between them has 105 − t or 106 − t bits; 53 fit. */
function hostMultiply64(code: Code, a: Bits, b: Bits): void {
  const r = code.let(f64.mul(toF64(a), toF64(b)));
  code.if(both(isPlain64(r), both(isPlain64(toF64(a)), isPlain64(toF64(b)))), () => {
    const zeros = code.let(i64.add(trailing(a), trailing(b)));
    code.if(i64.ne(zeros, i64.const(52)), () => {
      raiseIf(code, i64.ltU(zeros, i64.const(52)), Flag.INEXACT);
      code.return(i64.fromBits(r));
    });
  });
}

/** A product of singles is exact as a double. */
function hostMultiply32(code: Code, a: Bits, b: Bits): void {
  const exact = code.let(f64.mul(f64.promote(toF32(a)), f64.promote(toF32(b))));
  returnSingle(code, f32.demote(exact), (r) => f64.ne(f64.promote(r), exact));
}

function returnSingle(code: Code, value: F32, inexact: (r: F32) => I32): void {
  const r = code.let(value);
  code.if(isPlain32(r), () => {
    raiseIf(code, inexact(r), Flag.INEXACT);
    code.return(boxF32(r));
  });
}

export function divideFunction(module: ModuleBuilder, format: FloatFormat, p: Parts): Callee {
  return binary(
    module,
    format,
    ({ code, a, b }) => (format.bits === 64 ? hostDivide64(code, a, b) : hostDivide32(code, a, b)),
    ({ code, a, b, mode }) => {
      const sign = code.let(signs(format, a, b));
      code.if(isInfinite(format, a), () => {
        returnInvalid(code, format, isInfinite(format, b));
        code.return(box(format, i64.or(sign, infinityBits(format))));
      });
      code.if(isZero(format, b), () => {
        returnInvalid(code, format, isZero(format, a));
        raise(code, i32.const(Flag.DIVIDE_BY_ZERO));
        code.return(box(format, i64.or(sign, infinityBits(format))));
      });
      code.if(either(isZero(format, a), isInfinite(format, b)), () => code.return(box(format, sign)));
      const exponent = code.let(i32.add(i32.sub(call('i32', p.exponent, a), call('i32', p.exponent, b)), i32.const(format.bias)));
      const rest = code.let(call('i64', p.significand, a));
      const divisor = code.let(call('i64', p.significand, b));
      code.if(i64.ltU(rest, divisor), () => {
        code.set(rest, i64.shl(rest, i64.const(1)));
        code.set(exponent, i32.sub(exponent, i32.const(1)));
      });
      // A quotient in [1, 2), a bit at a time: what the format keeps, two more, and whether anything is left.
      code.set(rest, i64.sub(rest, divisor));
      const quotient = code.let(i64.const(1));
      const bits = format.fraction + 2;
      countDown(code, bits, () => {
        code.set(rest, i64.shl(rest, i64.const(1)));
        code.set(quotient, i64.shl(quotient, i64.const(1)));
        code.if(i64.geU(rest, divisor), () => {
          code.set(rest, i64.sub(rest, divisor));
          code.set(quotient, i64.or(quotient, i64.const(1)));
        });
      });
      const significand = i64.or(i64.shl(quotient, i64.const(62 - bits)), i64.extendU(i64.ne(rest, i64.const(0))));
      code.return(call('i64', p.pack, signOf(format, sign), exponent, significand, mode));
    },
  );
}

function countDown(code: Code, times: number, write: () => void): void {
  const n = code.let(i32.const(times));
  code.loop((again) => {
    write();
    code.set(n, i32.sub(n, i32.const(1)));
    code.brIf(again, n);
  });
}

/** An exact quotient times the divisor is the dividend, and so is its rounded product; when that product is itself exact, so was the quotient. */
function hostDivide64(code: Code, a: Bits, b: Bits): void {
  const r = code.let(f64.div(toF64(a), toF64(b)));
  const plain = both(isPlain64(r), both(isPlain64(toF64(a)), isPlain64(toF64(b))));
  code.if(plain, () => {
    const back = code.let(f64.ne(f64.mul(r, toF64(b)), toF64(a)));
    const certain = i64.gtU(i64.add(trailing(i64.fromBits(r)), trailing(b)), i64.const(52));
    code.if(either(back, certain), () => {
      raiseIf(code, back, Flag.INEXACT);
      code.return(i64.fromBits(r));
    });
  });
}

function hostDivide32(code: Code, a: Bits, b: Bits): void {
  const x = code.let(toF32(a));
  const y = code.let(toF32(b));
  returnSingle(code, f32.div(x, y), (r) => f64.ne(f64.mul(f64.promote(r), f64.promote(y)), f64.promote(x)));
}

export function squareRootFunction(module: ModuleBuilder, format: FloatFormat, p: Parts): Callee {
  return module.function(['i64', 'i32'], 'i64', (code, [raw, mode]) => {
    code.if(isMode(mode, Rounding.NEAREST_EVEN), () => (format.bits === 64 ? hostRoot64(code, raw) : hostRoot32(code, raw)));
    const a = code.let(bitsOf(format, raw));
    returnNan(code, format, a);
    code.if(isZero(format, a), () => code.return(box(format, a)));
    returnInvalid(code, format, signOf(format, a));
    code.if(isInfinite(format, a), () => code.return(box(format, a)));
    const unbiased = code.let(i32.sub(call('i32', p.exponent, a), i32.const(format.bias)));
    // A number in [1, 4) with 1 as bit 59: the rest below never needs more than four bits above that.
    const rest = code.let(i64.shrU(call('i64', p.significand, a), i64.const(3)));
    code.if(i32.and(unbiased, i32.const(1)), () => code.set(rest, i64.shl(rest, i64.const(1))));
    const root = code.let(i64.const(0));
    const bit = code.let(power(59));
    countDown(code, format.fraction + 3, () => {
      const trial = code.let(i64.add(i64.shl(root, i64.const(1)), bit));
      code.if(i64.geU(rest, trial), () => {
        code.set(rest, i64.sub(rest, trial));
        code.set(root, i64.add(root, bit));
      });
      code.set(rest, i64.shl(rest, i64.const(1)));
      code.set(bit, i64.shrU(bit, i64.const(1)));
    });
    const significand = i64.or(i64.shl(root, i64.const(3)), i64.extendU(i64.ne(rest, i64.const(0))));
    const exponent = i32.add(i32.shrS(unbiased, i32.const(1)), i32.const(format.bias));
    code.return(call('i64', p.pack, i32.const(0), exponent, significand, mode));
    code.unreachable();
  });
}

function hostRoot64(code: Code, a: Bits): void {
  const r = code.let(f64.sqrt(toF64(a)));
  code.if(both(isPlain64(r), isPlain64(toF64(a))), () => {
    const back = code.let(f64.ne(f64.mul(r, r), toF64(a)));
    const certain = i64.gtU(trailing(i64.fromBits(r)), i64.const(26));
    code.if(either(back, certain), () => {
      raiseIf(code, back, Flag.INEXACT);
      code.return(i64.fromBits(r));
    });
  });
}

function hostRoot32(code: Code, a: Bits): void {
  const x = code.let(toF32(a));
  returnSingle(code, f32.sqrt(x), (r) => f64.ne(f64.mul(f64.promote(r), f64.promote(r)), f64.promote(x)));
}
