import { Params, RESULTS } from '../interpreter/agreement.ts';
import { FINISH_CALL, HELPER_EXPORT, SYSTEM_CALL } from '../interpreter/exports.ts';
import type { HelperName, Instruction } from '../isa/instruction.ts';
import type { Callee } from '../wasm/code.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import { helperModule } from './helper-module.ts';
import { functionsFor } from './operands.ts';
import type { Region } from './region.ts';

/** Functions that translated code calls. */
export interface Helpers {
  readonly named: ReadonlyMap<HelperName, Callee>;
  /** See {@link FINISH_CALL}. */
  readonly finishCall: Callee;
  /** See {@link SYSTEM_CALL}. */
  readonly systemCall: Callee;
}

/** Imports those that the regions' instructions may call. */
export function importHelpers(module: ModuleBuilder, regions: readonly Region[]): Helpers {
  const rows = new Set<Instruction>();
  for (const region of regions) for (const { ops } of region.blocks.values()) for (const { row } of ops) rows.add(row);
  const wanted = functionsFor(rows);
  const named = new Map<HelperName, Callee>();
  for (const [name, { params, results }] of helperModule().signatures) {
    if (wanted.has(name)) named.set(name, module.import(HELPER_EXPORT + name, params, results));
  }
  const finishCall = module.import(FINISH_CALL, Params.finishCall, RESULTS);
  const systemCall = module.import(SYSTEM_CALL, Params.systemCall, RESULTS);
  return { named, finishCall, systemCall };
}
