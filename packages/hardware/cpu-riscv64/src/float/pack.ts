import type { Callee, Code, Local } from '../wasm/code.ts';
import { type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import { raise } from './flags.ts';
import { box, Flag, type FloatFormat, infinityBits, magnitude, ones, power, Rounding } from './format.ts';

/** Taking values apart and putting them together. Which of them are subnormal nobody foresees, so that there are hardly any branches here. */

/** The exponent field of a value's bits as if it had no lower bound. Not for zeroes. */
export function exponentOf(code: Code, format: FloatFormat, bits: I64): Local<'i32'> {
  const stored = code.let(fieldOf(format, bits));
  // Subnormal: as many below 1 as its leading bit is below the fraction's place.
  const zeros = i32.wrap(i64.clz(magnitude(format, bits)));
  return code.let(i32.select(stored, stored, i32.sub(i32.const(1 + 63 - format.fraction), zeros)));
}

/** The significand of a value's bits, with its leading bit at bit 62. Not for zeroes. */
export function significandOf(code: Code, format: FloatFormat, bits: I64): Local<'i64'> {
  const { fraction } = format;
  const low = code.let(i64.and(bits, ones(fraction)));
  const normal = i64.shl(i64.or(low, power(fraction)), i64.const(62 - fraction));
  return code.let(i64.select(fieldOf(format, bits), normal, i64.shl(low, i64.sub(i64.clz(low), i64.const(1)))));
}

const fieldOf = ({ fraction, exponentMax }: FloatFormat, bits: I64): I32 =>
  i32.and(i32.wrap(i64.shrU(bits, i64.const(fraction))), i32.const(exponentMax));

/** A value, with nothing in bit 63, shifted right by any distance; what falls off is kept as a one in the lowest bit. */
export function jammed(code: Code, value: Local<'i64'>, distance: I32): Local<'i64'> {
  const far = code.let(distance);
  const by = code.let(i64.extendU(i32.select(i32.ltU(far, i32.const(63)), far, i32.const(63))));
  const shifted = code.let(i64.shrU(value, by));
  return code.let(i64.or(shifted, i64.extendU(i64.ne(i64.shl(shifted, by), value))));
}

/**
 * (sign, exponent, significand, mode) → register contents: rounds and assembles a finite result, and raises flags. `exponent` is the biased field that the value
 * would have without bounds, `significand` has its leading bit at bit 62 and a one in its lowest bit when anything lies below. Tininess is detected after
 * rounding (ISA manual, section 20.3).
 */
export function packFunction(module: ModuleBuilder, format: FloatFormat): Callee {
  const { cut, fraction, exponentMax } = format;
  return module.function(['i32', 'i32', 'i64', 'i32'], 'i64', (code, [sign, exponent, significand, mode]) => {
    const is = (m: number): I32 => i32.eq(mode, i32.const(m));
    const half = power(cut - 1);
    const below = ones(cut);
    const away = i32.or(i32.and(is(Rounding.DOWN), sign), i32.and(is(Rounding.UP), i32.eqz(sign)));
    const nearest = i32.or(is(Rounding.NEAREST_EVEN), is(Rounding.NEAREST_MAX_MAGNITUDE));
    const increment = code.let(i64.select(nearest, half, i64.select(away, below, i64.const(0))));
    const carries = (): I32 => i64.ltS(i64.add(significand, increment), i64.const(0));
    const signBits = code.let(i64.shl(i64.extendU(sign), i64.const(format.bits - 1)));
    const one = i32.const(1);
    const tiny = code.let(i32.or(i32.ltS(exponent, i32.const(0)), i32.and(i32.eqz(exponent), i32.eqz(carries()))));
    const lack = code.let(i32.select(i32.ltS(exponent, one), i32.sub(one, exponent), i32.const(0)));
    code.set(significand, jammed(code, significand, lack));
    code.set(exponent, i32.add(exponent, lack));
    const last = i32.const(exponentMax - 1);
    code.if(i32.or(i32.gtS(exponent, last), i32.and(i32.eq(exponent, last), carries())), () => {
      raise(code, i32.const(Flag.OVERFLOW | Flag.INEXACT));
      // Infinity, or the largest finite number, one below it.
      code.return(box(format, i64.or(signBits, i64.sub(infinityBits(format), i64.extendU(i64.eqz(increment))))));
    });
    const lost = code.let(i64.and(significand, below));
    const flags = code.let(i32.or(i32.const(Flag.INEXACT), i32.mul(tiny, i32.const(Flag.UNDERFLOW))));
    raise(code, i32.select(i64.ne(lost, i64.const(0)), flags, i32.const(0)));
    const tie = i64.extendU(i32.and(is(Rounding.NEAREST_EVEN), i64.eq(lost, half)));
    const rounded = code.let(i64.shrU(i64.add(significand, increment), i64.const(cut)));
    // A tie goes to the even one. The leading bit adds one to the exponent field, which is why one less is put there; a subnormal has none, and its field stays 0.
    const field = i64.shl(i64.extendU(i32.sub(exponent, one)), i64.const(fraction));
    code.return(box(format, i64.or(signBits, i64.add(field, i64.sub(rounded, i64.and(rounded, tie))))));
    code.unreachable();
  });
}
