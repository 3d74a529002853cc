import type { Callee } from '../wasm/code.ts';
import { type I32, i32, i64 } from '../wasm/expression.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import { raise, raiseIf } from './flags.ts';
import { bitsOf, box, canonicalNan, Flag, type FloatFormat, isNan, isSignaling } from './format.ts';

/**
 * IEEE 754-2019 minimumNumber and maximumNumber: (a, b) → contents. A number wins over a NaN; −0 is below +0. Values are ordered as integers once
 * negative ones have their magnitude reversed.
 */
export function extremeFunction(module: ModuleBuilder, format: FloatFormat, which: 'min' | 'max'): Callee {
  return module.function(['i64', 'i64'], 'i64', (code, [rawA, rawB]) => {
    const a = code.let(bitsOf(format, rawA));
    const b = code.let(bitsOf(format, rawB));
    raiseIf(code, i32.or(isSignaling(format, a), isSignaling(format, b)), Flag.INVALID);
    code.if(isNan(format, a), () => {
      code.if(isNan(format, b), () => code.return(canonicalNan(format)));
      code.return(box(format, b));
    });
    code.if(isNan(format, b), () => code.return(box(format, a)));
    const key = (bits: typeof a) => {
      const wide = format.bits === 32 ? i64.extend32(bits) : bits;
      return i64.xor(wide, i64.shrU(i64.shrS(wide, i64.const(63)), i64.const(1)));
    };
    const order = which === 'min' ? i64.ltS(key(a), key(b)) : i64.gtS(key(a), key(b));
    code.return(box(format, i64.select(order, a, b)));
    code.unreachable();
  });
}

/** (a, b, quiet): flags of a comparison in which at least one operand is a NaN. A quiet one objects to signaling NaNs only. */
export function unorderedFunction(module: ModuleBuilder, format: FloatFormat): Callee {
  return module.function(['i64', 'i64', 'i32'], undefined, (code, [rawA, rawB, quiet]) => {
    const a = code.let(bitsOf(format, rawA));
    const b = code.let(bitsOf(format, rawB));
    const signaling: I32 = i32.or(isSignaling(format, a), isSignaling(format, b));
    code.if(i32.or(i32.eqz(quiet), signaling), () => raise(code, i32.const(Flag.INVALID)));
  });
}
