import { type Callee, call } from '../wasm/code.ts';
import { choose, f32, f64, type I32, i32, i64 } from '../wasm/expression.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import { raise, raiseIf } from './flags.ts';
import {
  bitsOf,
  box,
  boxF32,
  canonicalNan,
  DOUBLE,
  Flag,
  type FloatFormat,
  infinityBits,
  isInfinite,
  isNan,
  isSignaling,
  isZero,
  power,
  Rounding,
  SINGLE,
  signOf,
  toF64,
  unbox32,
} from './format.ts';
import { hasHostMode, returnNarrowed } from './host.ts';
import { exponentOf, significandOf } from './pack.ts';

/** Integer types of conversions: w, wu, l, lu, as the rs2 field numbers them. */
export const IntegerKind = { W: 0, WU: 1, L: 2, LU: 3 } as const;

/** (value, mode, kind) → the integer, sign-extended from its width; table 28 of the ISA manual gives the results of invalid inputs. */
export function toIntegerFunction(module: ModuleBuilder): Callee {
  return module.function(['f64', 'i32', 'i32'], 'i64', (code, [value, mode, kind]) => {
    const isMode = (m: number): I32 => i32.eq(mode, i32.const(m));
    const isKind = (k: number): I32 => i32.eq(kind, i32.const(k));
    const rounded = code.let(f64.trunc(value));
    code.if(isMode(Rounding.NEAREST_EVEN), () => code.set(rounded, f64.nearest(value)));
    code.if(isMode(Rounding.DOWN), () => code.set(rounded, f64.floor(value)));
    code.if(isMode(Rounding.UP), () => code.set(rounded, f64.ceil(value)));
    code.if(isMode(Rounding.NEAREST_MAX_MAGNITUDE), () => {
      const half = f64.ge(f64.abs(f64.sub(value, rounded)), f64.const(0.5));
      code.if(half, () => code.set(rounded, f64.add(rounded, f64.copysign(f64.const(1), value))));
    });
    const least = f64.select(isKind(IntegerKind.W), f64.const(-(2 ** 31)), f64.const(-(2 ** 63)));
    const isUnsigned = code.let(i32.and(kind, i32.const(1)));
    const bottom = f64.select(isUnsigned, f64.const(0), least);
    const top = choose(
      i32.ltU(kind, i32.const(2)),
      f64.select(isUnsigned, f64.const(2 ** 32), f64.const(2 ** 31)),
      f64.select(isUnsigned, f64.const(2 ** 64), f64.const(2 ** 63)),
    );
    code.if(i32.and(f64.ge(rounded, bottom), f64.lt(rounded, top)), () => {
      raiseIf(code, f64.ne(rounded, value), Flag.INEXACT);
      const whole = code.let(choose(isUnsigned, i64.truncSatF64U(rounded), i64.truncSatF64S(rounded)));
      code.return(choose(isKind(IntegerKind.WU), i64.extend32(whole), whole));
    });
    raise(code, i32.const(Flag.INVALID));
    const negative = f64.lt(value, f64.const(0));
    const low = choose(isUnsigned, i64.const(0), choose(isKind(IntegerKind.W), i64.const(-(2 ** 31)), i64.words(-0x8000_0000, 0)));
    const high = choose(isUnsigned, i64.const(-1), choose(isKind(IntegerKind.W), i64.const(2 ** 31 - 1), i64.words(0x7fff_ffff, -1)));
    code.return(choose(negative, low, high));
    code.unreachable();
  });
}

/** (value, mode, unsigned) → register contents; words come extended. */
export function fromIntegerFunction(module: ModuleBuilder, format: FloatFormat, pack: Callee): Callee {
  return module.function(['i64', 'i32', 'i32'], 'i64', (code, [value, mode, unsigned]) => {
    const exactBits = format.fraction + 1;
    code.if(i64.ltU(i64.add(value, power(exactBits)), power(exactBits + 1)), () => {
      // Small, and as unsigned not negative or huge: the host's conversion is exact.
      code.if(i32.or(i32.eqz(unsigned), i64.geS(value, i64.const(0))), () =>
        code.return(format.bits === 64 ? i64.fromBits(f64.fromI64S(value)) : boxF32(f32.fromI64S(value))),
      );
    });
    const sign = code.let(i32.and(i32.eqz(unsigned), i64.ltS(value, i64.const(0))));
    const size = code.let(choose(sign, i64.sub(i64.const(0), value), value));
    const zeros = code.let(i64.clz(size));
    const top = code.let(i64.shl(size, zeros));
    const significand = i64.or(i64.shrU(top, i64.const(1)), i64.and(top, i64.const(1)));
    const exponent = i32.sub(i32.const(format.bias + 63), i32.wrap(zeros));
    code.return(call('i64', pack, sign, exponent, significand, mode));
    code.unreachable();
  });
}

/** Double → single: (contents, mode) → contents. */
export function narrowFunction(module: ModuleBuilder, packSingle: Callee): Callee {
  return module.function(['i64', 'i32'], 'i64', (code, [a, mode]) => {
    code.if(hasHostMode(mode), () => returnNarrowed({ code, mode }, code.let(toF64(a))));
    code.if(isNan(DOUBLE, a), () => {
      raiseIf(code, isSignaling(DOUBLE, a), Flag.INVALID);
      code.return(canonicalNan(SINGLE));
    });
    const sign = code.let(signOf(DOUBLE, a));
    const signBit = i64.shl(i64.extendU(sign), i64.const(31));
    code.if(isZero(DOUBLE, a), () => code.return(box(SINGLE, signBit)));
    code.if(isInfinite(DOUBLE, a), () => code.return(box(SINGLE, i64.or(signBit, infinityBits(SINGLE)))));
    const exponent = i32.sub(exponentOf(code, DOUBLE, a), i32.const(DOUBLE.bias - SINGLE.bias));
    code.return(call('i64', packSingle, sign, exponent, significandOf(code, DOUBLE, a), mode));
    code.unreachable();
  });
}

/** Single → double, always exact. */
export function widenFunction(module: ModuleBuilder): Callee {
  return module.function(['i64'], 'i64', (code, [raw]) => {
    const bits = code.let(i64.extendU(unbox32(raw)));
    code.if(isNan(SINGLE, bits), () => {
      raiseIf(code, isSignaling(SINGLE, bits), Flag.INVALID);
      code.return(canonicalNan(DOUBLE));
    });
    code.return(i64.fromBits(f64.promote(f32.fromBits(i32.wrap(bits)))));
    code.unreachable();
  });
}

/** (contents) → the ten-bit mask of fclass: ISA manual, table 29. */
export function classFunction(module: ModuleBuilder, format: FloatFormat): Callee {
  return module.function(['i64'], 'i64', (code, [raw]) => {
    const bits = code.let(bitsOf(format, raw));
    const say = (bit: number): void => code.return(i64.const(1 << bit));
    code.if(isNan(format, bits), () => {
      code.if(isSignaling(format, bits), () => say(8));
      say(9);
    });
    const negative = code.let(signOf(format, bits));
    const bySign = (condition: I32, ifNegative: number, ifPositive: number): void =>
      code.if(condition, () => {
        code.if(negative, () => say(ifNegative));
        say(ifPositive);
      });
    bySign(isInfinite(format, bits), 0, 7);
    bySign(isZero(format, bits), 3, 4);
    bySign(i64.eqz(i64.and(bits, infinityBits(format))), 2, 5);
    bySign(i32.const(1), 1, 6);
    code.unreachable();
  });
}
