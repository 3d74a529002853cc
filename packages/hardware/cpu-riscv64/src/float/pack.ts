import { type Callee, call } from '../wasm/code.ts';
import { type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import { box, Flag, type FloatFormat, infinityBits, magnitude, ones, power, Rounding, raise } from './format.ts';
import { directedFunction } from './host.ts';

/** Functions that take values apart and put them together, per format. */
export interface Parts {
  /** (significand, distance): shifted right; what falls off is kept as a one in the lowest bit. */
  readonly jam: Callee;
  /** Bits → exponent field as if it had no lower bound. Not for zeroes. */
  readonly exponent: Callee;
  /** Bits → significand with its leading bit at bit 62. Not for zeroes. */
  readonly significand: Callee;
  /** (sign, exponent, significand, mode) → register contents, rounded, with flags raised. */
  readonly pack: Callee;
  /** See {@link directedFunction}. */
  readonly directed: Callee;
}

/** Shifts right by any distance; see {@link Parts.jam}. */
export function jamFunction(module: ModuleBuilder): Callee {
  return module.function(['i64', 'i32'], 'i64', (code, [value, distance]) => {
    code.if(i32.eqz(distance), () => code.return(value));
    code.if(i32.gtU(distance, i32.const(63)), () => code.return(i64.extendU(i64.ne(value, i64.const(0)))));
    const by = code.let(i64.extendU(distance));
    const lost = i64.ne(i64.shl(value, i64.sub(i64.const(64), by)), i64.const(0));
    code.return(i64.or(i64.shrU(value, by), i64.extendU(lost)));
    code.unreachable();
  });
}

export function parts(module: ModuleBuilder, format: FloatFormat, jam: Callee): Parts {
  const { fraction, exponentMax } = format;
  const field = (bits: I64): I32 => i32.and(i32.wrap(i64.shrU(bits, i64.const(fraction))), i32.const(exponentMax));
  const exponent = module.function(['i64'], 'i32', (code, [bits]) => {
    const stored = code.let(field(bits));
    code.if(stored, () => code.return(stored));
    // Subnormal: as many below 1 as its leading bit is below the fraction's place.
    const zeros = i32.wrap(i64.clz(magnitude(format, bits)));
    code.return(i32.sub(i32.const(1 + 63 - fraction), zeros));
    code.unreachable();
  });
  const significand = module.function(['i64'], 'i64', (code, [bits]) => {
    const low = code.let(i64.and(bits, ones(fraction)));
    code.if(field(bits), () => code.return(i64.shl(i64.or(low, power(fraction)), i64.const(62 - fraction))));
    code.return(i64.shl(low, i64.sub(i64.clz(low), i64.const(1))));
    code.unreachable();
  });
  return { jam, exponent, significand, pack: packFunction(module, format, jam), directed: directedFunction(module, format) };
}

/**
 * Rounds and assembles a finite result. `exponent` is the biased field that the value would have without bounds, `significand` has its leading
 * bit at bit 62 and a one in its lowest bit when anything lies below. Tininess is detected after rounding (ISA manual, section 20.3).
 */
function packFunction(module: ModuleBuilder, format: FloatFormat, jam: Callee): Callee {
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
    const lost = code.let(i64.const(0));
    code.if(i32.leS(exponent, i32.const(0)), () => {
      const tiny = code.let(i32.or(i32.ltS(exponent, i32.const(0)), i32.eqz(carries())));
      code.set(significand, call('i64', jam, significand, i32.sub(i32.const(1), exponent)));
      code.set(exponent, i32.const(1));
      code.set(lost, i64.and(significand, below));
      code.if(i32.and(tiny, i64.ne(lost, i64.const(0))), () => raise(code, i32.const(Flag.UNDERFLOW)));
    });
    const last = i32.const(exponentMax - 1);
    code.if(i32.or(i32.gtS(exponent, last), i32.and(i32.eq(exponent, last), carries())), () => {
      raise(code, i32.const(Flag.OVERFLOW | Flag.INEXACT));
      // Infinity, or the largest finite number, one below it.
      code.return(box(format, i64.or(signBits, i64.sub(infinityBits(format), i64.extendU(i64.eqz(increment))))));
    });
    code.set(lost, i64.and(significand, below));
    code.if(i64.ne(lost, i64.const(0)), () => raise(code, i32.const(Flag.INEXACT)));
    const tie = i32.and(is(Rounding.NEAREST_EVEN), i64.eq(lost, half));
    code.set(significand, i64.shrU(i64.add(significand, increment), i64.const(cut)));
    code.if(tie, () => code.set(significand, i64.and(significand, i64.const(-2))));
    // The leading bit adds one to the exponent field, which is why one less is put there; a subnormal has none, and its field stays 0.
    const field = i64.shl(i64.extendU(i32.sub(exponent, i32.const(1))), i64.const(fraction));
    code.return(box(format, i64.or(signBits, i64.add(field, significand))));
    code.unreachable();
  });
}
