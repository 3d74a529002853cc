import { Rounding } from '../float/format.ts';
import { writeHostLimit } from '../float/host-limit.ts';
import { FINISH_CALL, HELPER_EXPORT, SYSTEM_CALL } from '../interpreter/exports.ts';
import type { HelperName, Instruction } from '../isa/instruction.ts';
import * as Layout from '../layout.ts';
import { type Callee, call, type Local } from '../wasm/code.ts';
import { i32 } from '../wasm/expression.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import { helperModule } from './helper-module.ts';
import { functionsFor } from './operands.ts';
import type { Region } from './region.ts';

/** Functions that translated code calls. */
export interface Helpers {
  readonly plain: ReadonlyMap<HelperName, Callee>;
  /** Those that round, see {@link roundingFunction}. */
  readonly rounding: ReadonlyMap<HelperName, Callee>;
  /** See {@link FINISH_CALL}. */
  readonly finishCall: Callee;
  /** See {@link SYSTEM_CALL}. */
  readonly systemCall: Callee;
}

/** Imports those that the regions' instructions may call. */
export function importHelpers(module: ModuleBuilder, regions: readonly Region[]): Helpers {
  const rows = new Set<Instruction>();
  for (const region of regions) for (const { ops } of region.blocks.values()) for (const { row } of ops) rows.add(row);
  const { all, rounders } = functionsFor(rows);
  const plain = new Map<HelperName, Callee>();
  for (const [name, { params, result }] of helperModule().signatures) {
    if (all.has(name)) plain.set(name, module.import(HELPER_EXPORT + name, params, result));
  }
  const finishCall = module.import(FINISH_CALL, ['i64', 'i32', 'i32'], 'i64');
  const systemCall = module.import(SYSTEM_CALL, ['i32', 'i32'], 'i64');
  const rounding = new Map<HelperName, Callee>();
  for (const name of rounders) rounding.set(name, roundingFunction(module, plain.get(name) as Callee));
  return { plain, rounding, finishCall, systemCall };
}

/** The function with the dynamic rounding mode allowed: what each of its calls would have to do besides. */
function roundingFunction(module: ModuleBuilder, exact: Callee): Callee {
  return module.function(exact.params, 'i64', (code, operands) => {
    const mode = operands[exact.params.indexOf('i32')] as Local<'i32'>;
    code.if(i32.eq(mode, i32.const(Rounding.DYNAMIC)), () => code.set(mode, i32.shrU(i32.load(i32.const(0), Layout.FCSR), i32.const(5))));
    const result = code.let(call('i64', exact, ...operands));
    writeHostLimit(code);
    code.return(result);
    code.unreachable();
  });
}
