import type { SingleSum } from '../isa/instruction.ts';
import { type Callee, type Code, call, type Local } from '../wasm/code.ts';
import { type F32, type F64, f32, f64, type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import { cancelled } from './arithmetic.ts';
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
  ones,
  signMask,
  signOf,
} from './format.ts';
import { exponentOf, significandOf } from './pack.ts';

/** An unsigned 128-bit number in two locals. */
interface Wide {
  readonly high: Local<'i64'>;
  readonly low: Local<'i64'>;
}

const zero = i64.const(0);
const sticky = (value: I64): I64 => i64.extendU(i64.ne(value, zero));

/** a × b + c with one rounding, over register contents: (a, b, c, mode). Negations are the caller's: they flip signs of operands. */
export function fusedFunction(module: ModuleBuilder, format: FloatFormat, pack: Callee, mulhu: Callee): Callee {
  return module.function(['i64', 'i64', 'i64', 'i32'], 'i64', (code, [rawA, rawB, rawC, mode]) => {
    const a = code.let(bitsOf(format, rawA));
    const b = code.let(bitsOf(format, rawB));
    const c = code.let(bitsOf(format, rawC));
    const sign = code.let(i64.and(i64.xor(a, b), signMask(format)));
    returnSpecial(code, format, { a, b, c, sign });
    code.if(i32.or(isZero(format, a), isZero(format, b)), () => {
      const opposite = i64.ne(sign, c);
      code.if(i32.and(isZero(format, c), opposite), () => code.return(cancelled(format, mode)));
      code.return(box(format, c));
    });
    const exponent = code.let(i32.sub(i32.add(exponentOf(code, format, a), exponentOf(code, format, b)), i32.const(format.bias)));
    const x = code.let(i64.shl(significandOf(code, format, a), i64.const(1)));
    const y = code.let(i64.shl(significandOf(code, format, b), i64.const(1)));
    const product: Wide = { high: code.let(call('i64', mulhu, x, y)), low: code.let(i64.mul(x, y)) };
    // The leading bit goes to bit 126; the lowest bits of a product are zero, so nothing is lost.
    code.if(i64.ltS(product.high, zero), () => {
      shiftRight1(code, product);
      code.set(exponent, i32.add(exponent, i32.const(1)));
    });
    code.if(isZero(format, c), () =>
      code.return(call('i64', pack, signOf(format, sign), exponent, i64.or(product.high, sticky(product.low)), mode)),
    );
    const addend: Wide = { high: significandOf(code, format, c), low: code.let(zero) };
    const other = exponentOf(code, format, c);
    align(code, product, addend, exponent, other);
    code.if(
      i64.eq(sign, i64.and(c, signMask(format))),
      () => {
        addTo(code, product, addend);
        code.if(i64.ltS(product.high, zero), () => {
          shiftRight1(code, product);
          code.set(exponent, i32.add(exponent, i32.const(1)));
        });
      },
      () => {
        code.if(lessThan(product, addend), () => {
          exchange(code, product, addend);
          code.set(sign, i64.xor(sign, signMask(format)));
        });
        subtractFrom(code, product, addend);
        code.if(i64.eqz(i64.or(product.high, product.low)), () => code.return(cancelled(format, mode)));
        normalise(code, product, exponent);
      },
    );
    code.return(call('i64', pack, signOf(format, sign), exponent, i64.or(product.high, sticky(product.low)), mode));
    code.unreachable();
  });
}

function returnSpecial(code: Code, format: FloatFormat, o: { a: I64; b: I64; c: I64; sign: I64 }): void {
  const { a, b, c, sign } = o;
  const infinite = code.let(i32.or(isInfinite(format, a), isInfinite(format, b)));
  const nan = i32.or(isNan(format, a), isNan(format, b));
  // Infinity times zero is invalid even when a quiet NaN is added (ISA manual, section 20.6).
  const bad = code.let(i32.and(i32.and(infinite, i32.eqz(nan)), i32.or(isZero(format, a), isZero(format, b))));
  const signaling = i32.or(i32.or(isSignaling(format, a), isSignaling(format, b)), isSignaling(format, c));
  raiseIf(code, i32.or(bad, signaling), Flag.INVALID);
  code.if(i32.or(bad, i32.or(nan, isNan(format, c))), () => code.return(canonicalNan(format)));
  code.if(infinite, () => {
    code.if(i32.and(isInfinite(format, c), i64.ne(sign, i64.and(c, signMask(format)))), () => {
      raise(code, i32.const(Flag.INVALID));
      code.return(canonicalNan(format));
    });
    code.return(box(format, i64.or(sign, infinityBits(format))));
  });
  code.if(isInfinite(format, c), () => code.return(box(format, c)));
}

/** Shifts the one with the smaller exponent right until both have the larger, which `exponent` is then. */
function align(code: Code, a: Wide, b: Wide, exponent: Local<'i32'>, other: Local<'i32'>): void {
  code.if(
    i32.geS(exponent, other),
    () => shiftRightJam(code, b, i32.sub(exponent, other)),
    () => {
      shiftRightJam(code, a, i32.sub(other, exponent));
      code.set(exponent, other);
    },
  );
}

function shiftRight1(code: Code, v: Wide): void {
  code.set(v.low, i64.or(i64.or(i64.shrU(v.low, i64.const(1)), i64.shl(v.high, i64.const(63))), i64.and(v.low, i64.const(1))));
  code.set(v.high, i64.shrU(v.high, i64.const(1)));
}

/** What falls off is kept as a one in the lowest bit. */
function shiftRightJam(code: Code, v: Wide, distance: I32): void {
  const by = code.let(i64.extendU(distance));
  code.if(i64.geU(by, i64.const(64)), () => {
    code.set(v.low, i64.or(v.high, sticky(v.low)));
    code.set(v.high, zero);
    code.set(by, i64.sub(by, i64.const(64)));
    code.if(i64.geU(by, i64.const(64)), () => {
      code.set(v.low, sticky(v.low));
      code.set(by, zero);
    });
  });
  code.if(i64.ne(by, zero), () => {
    const back = code.let(i64.sub(i64.const(64), by));
    const lost = code.let(sticky(i64.shl(v.low, back)));
    code.set(v.low, i64.or(i64.or(i64.shrU(v.low, by), i64.shl(v.high, back)), lost));
    code.set(v.high, i64.shrU(v.high, by));
  });
}

function addTo(code: Code, a: Wide, b: Wide): void {
  code.set(a.low, i64.add(a.low, b.low));
  code.set(a.high, i64.add(i64.add(a.high, b.high), i64.extendU(i64.ltU(a.low, b.low))));
}

function subtractFrom(code: Code, a: Wide, b: Wide): void {
  const borrow = code.let(i64.extendU(i64.ltU(a.low, b.low)));
  code.set(a.low, i64.sub(a.low, b.low));
  code.set(a.high, i64.sub(i64.sub(a.high, b.high), borrow));
}

const lessThan = (a: Wide, b: Wide): I32 => i32.or(i64.ltU(a.high, b.high), i32.and(i64.eq(a.high, b.high), i64.ltU(a.low, b.low)));

function exchange(code: Code, a: Wide, b: Wide): void {
  for (const half of ['high', 'low'] as const) {
    const kept = code.let(a[half]);
    code.set(a[half], b[half]);
    code.set(b[half], kept);
  }
}

/** Moves the leading bit up to bit 126. */
function normalise(code: Code, v: Wide, exponent: Local<'i32'>): void {
  code.if(i64.eqz(v.high), () => {
    code.set(v.high, i64.shrU(v.low, i64.const(1)));
    code.set(v.low, i64.shl(v.low, i64.const(63)));
    code.set(exponent, i32.sub(exponent, i32.const(63)));
  });
  code.if(i64.eqz(v.high), () => {
    code.set(v.high, i64.shrU(v.low, i64.const(1)));
    code.set(v.low, zero);
    code.set(exponent, i32.sub(exponent, i32.const(63)));
  });
  const by = code.let(i64.sub(i64.clz(v.high), i64.const(1)));
  code.if(i64.ne(by, zero), () => {
    code.set(v.high, i64.or(i64.shl(v.high, by), i64.shrU(v.low, i64.sub(i64.const(64), by))));
    code.set(v.low, i64.shl(v.low, by));
    code.set(exponent, i32.sub(exponent, i32.wrap(by)));
  });
}

/**
 * a × b + c for doubles of moderate size, rounded once to nearest, from additions and multiplications alone: the product and two sums are split
 * exactly into a rounded value and its error, and the errors are added with rounding to odd, so that the last addition rounds as if it had seen
 * everything. (S. Boldo, G. Melquiond: Emulation of FMA and correctly rounded sums, IEEE Trans. Computers 57(4), 2008.) NaN when an operand is
 * outside the range in which no step overflows or loses bits.
 */
export function fusedNearestFunction(module: ModuleBuilder): Callee {
  return module.function(['f64', 'f64', 'f64'], 'f64', (code, [a, b, c]) => {
    const product = code.let(f64.mul(a, b));
    const size = code.let(f64.abs(product));
    const below = (v: F64): I32 => f64.lt(f64.abs(v), f64.const(2 ** 990));
    const moderate = (v: F64): I32 => i32.and(below(v), f64.gt(f64.abs(v), f64.const(2 ** -960)));
    const fits = i32.and(f64.gt(size, f64.const(2 ** -900)), i32.and(f64.lt(size, f64.const(2 ** 990)), below(c)));
    code.if(i32.eqz(i32.and(fits, i32.and(moderate(a), moderate(b)))), () => code.return(f64.const(Number.NaN)));
    const [aHigh, aLow] = halves(code, a);
    const [bHigh, bLow] = halves(code, b);
    const first = f64.sub(f64.mul(aHigh, bHigh), product);
    const productError = code.let(f64.add(f64.add(f64.add(first, f64.mul(aHigh, bLow)), f64.mul(aLow, bHigh)), f64.mul(aLow, bLow)));
    const [low, lowError] = twoSum(code, c, productError);
    const [high, highError] = twoSum(code, product, low);
    const [errors, rest] = twoSum(code, lowError, highError);
    // Round to odd: an inexact sum with an even last bit moves by one unit towards what was cut off.
    const bits = code.let(i64.fromBits(errors));
    code.if(i32.and(f64.ne(rest, f64.const(0)), i64.eqz(i64.and(bits, i64.const(1)))), () => {
      const sameSign = i64.geS(i64.xor(i64.fromBits(rest), bits), zero);
      code.set(bits, i64.add(bits, i64.select(sameSign, i64.const(1), i64.const(-1))));
    });
    code.return(f64.add(high, f64.fromBits(bits)));
    code.unreachable();
  });
}

/**
 * a × b + c for singles from doubles: as those the product is exact and the sum is rounded once; rounding it again is wrong only if it lies just half-way
 * between two singles, which shows in its low 29 bits.
 */
export function fusedByDoubles(code: Code, a: F32, b: F32, c: F32): SingleSum {
  const sum = code.let(f64.add(f64.mul(f64.promote(a), f64.promote(b)), f64.promote(c)));
  return { sum: f32.demote(sum), isNearest: i64.ne(i64.and(i64.fromBits(sum), ones(29)), i64.const(2 ** 28)) };
}

/** Veltkamp's splitting into two numbers of at most 26 bits. */
function halves(code: Code, value: F64): readonly [Local<'f64'>, Local<'f64'>] {
  const scaled = code.let(f64.mul(value, f64.const(2 ** 27 + 1)));
  const high = code.let(f64.sub(scaled, f64.sub(scaled, value)));
  return [high, code.let(f64.sub(value, high))];
}

/** Knuth's two-sum: a rounded sum and its exact error. */
function twoSum(code: Code, a: F64, b: F64): readonly [Local<'f64'>, Local<'f64'>] {
  const sum = code.let(f64.add(a, b));
  const back = code.let(f64.sub(sum, a));
  return [sum, code.let(f64.add(f64.sub(a, f64.sub(sum, back)), f64.sub(b, back)))];
}
