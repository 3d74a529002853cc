import { Params, RESULTS } from '../interpreter/agreement.ts';
import * as Layout from '../layout.ts';
import { type Callee, call } from '../wasm/code.ts';
import { i32, i64 } from '../wasm/expression.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import type { CheckCounts } from './guards.ts';
import { importHelpers } from './imports.ts';
import { type Region, waysInto } from './region.ts';
import { jumpSlot, RegionWriter } from './region-writer.ts';

const zero = i32.const(0);

/** How code is written. */
export interface Emission {
  /** Whether the host fuses multiplications with additions: see fusing.ts. */
  readonly fuses: boolean;
  /** See versions.ts. */
  readonly lasts: boolean;
}

/**
 * A module with a function per region: (way, depth, fuel) → pc, fuel. `way` says which of the region's entries, from 1; `depth` how many guest calls are
 * wasm calls around it; `fuel` how many instructions may be retired. The answer is where to go on, all 64 bits of it, and how much fuel is
 * left: the registers are in memory then. What an odd answer means is in interpreter/agreement.ts. Instantiation puts the functions into the table from
 * `env.base` on: exporting them would have the host make a wrapper each. Adds to `checks`.
 */
export function regionModule(regions: readonly Region[], { fuses, lasts }: Emission, checks: CheckCounts): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder(Layout.BASE_WASM_PAGES);
  module.importTable();
  const helpers = importHelpers(module, regions);
  const signature = module.signature(Params.region, RESULTS);
  const find = findFunction(module);
  const go = goFunction(module, find, signature);
  const functions = regions.map((_, i): Callee => ({ index: go.index + 1 + i, params: Params.region, results: RESULTS }));
  const ways = waysInto(regions);
  for (const [number, region] of regions.entries()) {
    module.function(Params.region, RESULTS, (code, [way, depth, fuel]) => {
      new RegionWriter({
        code,
        way,
        depth,
        fuel,
        region,
        number,
        ways,
        functions,
        helpers,
        find,
        go,
        signature,
        fuses,
        lasts,
        checks,
      }).write();
    });
  }
  module.placeInTable(functions);
  return module.finish();
}

/** (pc) → pc in the low half, the handle of the translated code that begins there in the high half, 0 if there is none. Noted for the next jump. */
function findFunction(module: ModuleBuilder): Callee {
  return module.function(['i32'], 'i64', (code, [pc]) => {
    const none = i64.extendU(pc);
    const slot = code.let(i32.load16u(i32.shl(i32.shrU(pc, i32.const(Layout.PAGE_SHIFT)), i32.const(1)), Layout.CODE_INDEX));
    code.if(i32.eqz(slot), () => code.return(none));
    const offset = i32.shl(i32.and(pc, i32.const(Layout.PAGE_SIZE - 2)), i32.const(2));
    code.set(slot, i32.add(i32.mul(slot, i32.const(Layout.CODE_SLOT_BYTES)), offset));
    const word = code.let(i32.load(slot, Layout.CODE_SLOTS));
    code.if(i32.geS(word, zero), () => code.return(none));
    // The shift takes TRANSLATED out.
    const handle = i32.load(i32.shl(word, i32.const(Math.log2(Layout.HANDLE_BYTES))), Layout.HANDLES);
    const found = code.let(i64.or(i64.shl(i64.extendU(handle), i64.const(32)), none));
    code.store('i64', jumpSlot(pc), found, Layout.JUMPS);
    code.return(found);
    code.unreachable();
  });
}

/** (pc, depth, fuel) → pc, fuel: goes on in the region that begins at an address, if there is one. Registers are in memory. */
function goFunction(module: ModuleBuilder, find: Callee, signature: number): Callee {
  return module.function(Params.region, RESULTS, (code, [pc, depth, fuel]) => {
    const found = code.let(i64.load(jumpSlot(pc), Layout.JUMPS));
    code.if(i32.ne(i32.wrap(found), pc), () => code.set(found, call('i64', find, pc)));
    const handle = code.let(i32.wrap(i64.shrU(found, i64.const(32))));
    code.if(i32.eqz(handle), () => code.return(i64.extendU(i32.or(pc, i32.const(1))), fuel));
    const index = i32.and(handle, i32.const(Layout.Handle.INDEX_MASK));
    code.returnCallIndirect(signature, index, i32.shrU(handle, i32.const(Layout.Handle.ENTRY_SHIFT)), depth, fuel);
    code.unreachable();
  });
}
