import { floatHelpers } from '../float/helpers.ts';
import { HELPER_EXPORT } from '../interpreter/exports.ts';
import { integerHelpers } from '../interpreter/helpers.ts';
import type { HelperName } from '../isa/instruction.ts';
import * as Layout from '../layout.ts';
import type { Callee } from '../wasm/code.ts';
import { ModuleBuilder } from '../wasm/module.ts';

/**
 * The functions that translated code calls for what an instruction does. The interpreter has them too, in its own module; but V8 is told to take its time
 * with that one, and these are to be optimised soon.
 */
export interface HelperModule {
  /** Types, by name. */
  readonly signatures: ReadonlyMap<HelperName, Callee>;
  /** Imports the memory as `env.memory`, and exports each under its name behind {@link HELPER_EXPORT}. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

let made: HelperModule | undefined;

/** The same each time: a bundle has what this gives, and not how it is made. */
export function helperModule(): HelperModule {
  if (made === undefined) {
    const module = new ModuleBuilder(Layout.BASE_WASM_PAGES);
    const { helpers, mulhu } = integerHelpers(module);
    const signatures = new Map([...helpers, ...floatHelpers(module, mulhu)]);
    for (const [name, callee] of signatures) module.export(HELPER_EXPORT + name, callee);
    made = { signatures, bytes: module.finish() };
  }
  return made;
}
