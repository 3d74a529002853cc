import type { HelperName } from '../isa/instruction.ts';
import type { Callee } from '../wasm/code.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import { addFunction, divideFunction, multiplyFunction, squareRootFunction } from './arithmetic.ts';
import { extremeFunction, unorderedFunction } from './compare.ts';
import { classFunction, fromIntegerFunction, narrowFunction, toIntegerFunction, widenFunction } from './convert.ts';
import { DOUBLE, SINGLE } from './format.ts';
import { fusedFunction, fusedNearestFunction } from './fused.ts';
import { packFunction } from './pack.ts';

/** Functions of the floating-point instructions, for any module that executes them. */
export function floatHelpers(module: ModuleBuilder, mulhu: Callee): Map<HelperName, Callee> {
  const helpers = new Map<HelperName, Callee>();
  const packs = {} as Record<32 | 64, Callee>;
  for (const format of [SINGLE, DOUBLE]) {
    const { bits } = format;
    const pack = packFunction(module, format);
    packs[bits] = pack;
    helpers.set(`add${bits}`, addFunction(module, format, pack));
    helpers.set(`mul${bits}`, multiplyFunction(module, format, pack, mulhu));
    helpers.set(`div${bits}`, divideFunction(module, format, pack));
    helpers.set(`sqrt${bits}`, squareRootFunction(module, format, pack));
    helpers.set(`fma${bits}`, fusedFunction(module, format, pack, mulhu));
    helpers.set(`min${bits}`, extremeFunction(module, format, 'min'));
    helpers.set(`max${bits}`, extremeFunction(module, format, 'max'));
    helpers.set(`unordered${bits}`, unorderedFunction(module, format));
    helpers.set(`fromInteger${bits}`, fromIntegerFunction(module, format, pack));
    helpers.set(`class${bits}`, classFunction(module, format));
  }
  helpers.set('fmaNearest64', fusedNearestFunction(module));
  helpers.set('toInteger', toIntegerFunction(module));
  helpers.set('narrow', narrowFunction(module, packs[32]));
  helpers.set('widen', widenFunction(module));
  return helpers;
}
