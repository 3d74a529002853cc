import { type Callee, type Code, call, type Local } from '../wasm/code.ts';
import { f64, type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import { raise, raiseIf } from './flags.ts';
import {
  bitsOf,
  box,
  canonicalNan,
  Flag,
  type FloatFormat,
  infinityBits,
  isInfinite,
  isNan,
  isSignaling,
  isZero,
  magnitude,
  power,
  Rounding,
  signMask,
  signOf,
} from './format.ts';
import {
  type HostOperation,
  hasHostMode,
  hostAdd32,
  hostAdd64,
  hostDivide32,
  hostDivide64,
  hostMultiply32,
  hostMultiply64,
  hostRoot32,
  hostRoot64,
} from './host.ts';
import { exponentOf, jammed, significandOf } from './pack.ts';

/**
 * The exact path of addition, multiplication, division and square root: any operands, any rounding mode, all flags. Most are still done by the host
 * (host.ts): those with normal operands and results that come here because the inexact flag is clear or the rounding mode is another.
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
function binary(module: ModuleBuilder, format: FloatFormat, host: (o: HostOperation) => void, write: (o: Binary) => void): Callee {
  return module.function(['i64', 'i64', 'i32'], 'i64', (code, [rawA, rawB, mode]) => {
    code.if(hasHostMode(mode), () => host({ code, a: rawA, b: rawB, mode }));
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

export function addFunction(module: ModuleBuilder, format: FloatFormat, pack: Callee): Callee {
  return binary(module, format, format.bits === 64 ? hostAdd64 : hostAdd32, ({ code, a, b, mode }) => {
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
    const exponent = exponentOf(code, format, larger);
    const distance = i32.sub(exponent, exponentOf(code, format, smaller));
    const addend = jammed(code, significandOf(code, format, smaller), distance);
    const sum = significandOf(code, format, larger);
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
    code.return(call('i64', pack, signOf(format, larger), exponent, sum, mode));
  });
}

export function multiplyFunction(module: ModuleBuilder, format: FloatFormat, pack: Callee, mulhu: Callee): Callee {
  return binary(module, format, format.bits === 64 ? hostMultiply64 : hostMultiply32, ({ code, a, b, mode }) => {
    const sign = code.let(signs(format, a, b));
    code.if(either(isInfinite(format, a), isInfinite(format, b)), () => {
      returnInvalid(code, format, either(isZero(format, a), isZero(format, b)));
      code.return(box(format, i64.or(sign, infinityBits(format))));
    });
    code.if(either(isZero(format, a), isZero(format, b)), () => code.return(box(format, sign)));
    const exponent = code.let(i32.sub(i32.add(exponentOf(code, format, a), exponentOf(code, format, b)), i32.const(format.bias)));
    const x = code.let(i64.shl(significandOf(code, format, a), i64.const(1)));
    const y = code.let(i64.shl(significandOf(code, format, b), i64.const(1)));
    const product = code.let(i64.or(call('i64', mulhu, x, y), i64.extendU(i64.ne(i64.mul(x, y), i64.const(0)))));
    settle(code, product, exponent);
    code.return(call('i64', pack, signOf(format, sign), exponent, product, mode));
  });
}

export function divideFunction(module: ModuleBuilder, format: FloatFormat, pack: Callee): Callee {
  return binary(module, format, format.bits === 64 ? hostDivide64 : hostDivide32, ({ code, a, b, mode }) => {
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
    const exponent = code.let(i32.add(i32.sub(exponentOf(code, format, a), exponentOf(code, format, b)), i32.const(format.bias)));
    // As integers of as many bits as the format keeps.
    const own = i64.const(62 - format.fraction);
    const dividend = code.let(i64.shrU(significandOf(code, format, a), own));
    const divisor = code.let(i64.shrU(significandOf(code, format, b), own));
    code.if(i64.ltU(dividend, divisor), () => {
      code.set(dividend, i64.shl(dividend, i64.const(1)));
      code.set(exponent, i32.sub(exponent, i32.const(1)));
    });
    // A quotient in [1, 2): what the format keeps, two bits more, and whether anything is left.
    const bits = format.fraction + 2;
    const { quotient, rest } = format.bits === 64 ? divideWide(code, dividend, divisor, bits) : divideNarrow(code, dividend, divisor, bits);
    const significand = i64.or(i64.shl(quotient, i64.const(62 - bits)), i64.extendU(i64.ne(rest, i64.const(0))));
    code.return(call('i64', pack, signOf(format, sign), exponent, significand, mode));
  });
}

interface Quotient {
  readonly quotient: Local<'i64'>;
  readonly rest: Local<'i64'>;
}

/** dividend · 2^bits / divisor where the former fits 64 bits. */
function divideNarrow(code: Code, dividend: Bits, divisor: Bits, bits: number): Quotient {
  const scaled = code.let(i64.shl(dividend, i64.const(bits)));
  const quotient = code.let(i64.divU(scaled, divisor));
  return { quotient, rest: code.let(i64.sub(scaled, i64.mul(quotient, divisor))) };
}

/** The same where it does not: the host's quotient of doubles is off by a few, and so small a rest shows in the low 64 bits. */
function divideWide(code: Code, dividend: Bits, divisor: Bits, bits: number): Quotient {
  const near = f64.div(f64.fromI64U(dividend), f64.fromI64U(divisor));
  const quotient = code.let(i64.truncSatF64U(f64.mul(near, f64.const(2 ** bits))));
  const rest = code.let(i64.sub(i64.shl(dividend, i64.const(bits)), i64.mul(quotient, divisor)));
  const move = (condition: () => I32, by: -1 | 1): void =>
    code.loop((again) =>
      code.if(condition(), () => {
        code.set(quotient, i64.add(quotient, i64.const(by)));
        code.set(rest, i64.sub(rest, by === 1 ? divisor : i64.sub(i64.const(0), divisor)));
        code.br(again);
      }),
    );
  move(() => i64.ltS(rest, i64.const(0)), -1);
  move(() => i64.geS(rest, divisor), 1);
  return { quotient, rest };
}

function countDown(code: Code, times: number, write: () => void): void {
  const n = code.let(i32.const(times));
  code.loop((again) => {
    write();
    code.set(n, i32.sub(n, i32.const(1)));
    code.brIf(again, n);
  });
}

export function squareRootFunction(module: ModuleBuilder, format: FloatFormat, pack: Callee): Callee {
  return module.function(['i64', 'i32'], 'i64', (code, [raw, mode]) => {
    const host = format.bits === 64 ? hostRoot64 : hostRoot32;
    code.if(hasHostMode(mode), () => host({ code, a: raw, mode }));
    const a = code.let(bitsOf(format, raw));
    returnNan(code, format, a);
    code.if(isZero(format, a), () => code.return(box(format, a)));
    returnInvalid(code, format, signOf(format, a));
    code.if(isInfinite(format, a), () => code.return(box(format, a)));
    const unbiased = code.let(i32.sub(exponentOf(code, format, a), i32.const(format.bias)));
    // A number in [1, 4) with 1 as bit 59: the rest below never needs more than four bits above that.
    const rest = code.let(i64.shrU(significandOf(code, format, a), i64.const(3)));
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
    code.return(call('i64', pack, i32.const(0), exponent, significand, mode));
    code.unreachable();
  });
}
