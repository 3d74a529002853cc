import type { CodeStore } from '@ashlar/hardware';
import { hostCodeOf, optimisedIn, type UnderFlags, withHostCode } from '../host-code.ts';
import { idleInstance } from '../idle-instance.ts';
import { helperModule } from './helper-module.ts';

/** What the machine code of the helpers is kept under. */
const HELPERS = 'riscv64-helpers';
/** They are compiled as the host sees fit. */
const usually: UnderFlags = (make) => make();

interface KeptHelpers {
  readonly code: ArrayBuffer;
  /** Functions that have optimised code in it. */
  readonly optimised: number;
}

let compiled: WebAssembly.Module | undefined;

/** The functions of {@link helperModule} over a memory, by the names that translated code imports them under. `codes`: where their machine code is kept. */
export function helpersOver(memory: WebAssembly.Memory, codes: CodeStore): WebAssembly.ModuleImports {
  compiled ??= compile(codes);
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as WebAssembly.ModuleImports;
}

/** With what earlier processes have optimised; whoever optimises more keeps it all. */
function compile(codes: CodeStore): WebAssembly.Module {
  const { bytes } = helperModule();
  const kept = codes.load(HELPERS) as KeptHelpers | undefined;
  const known = kept && withHostCode(bytes, kept.code, usually);
  const module = known ?? new WebAssembly.Module(bytes);
  const before = known === undefined ? 0 : (kept as KeptHelpers).optimised;
  codes.keep(HELPERS, () => {
    const functions = Object.values(idleInstance(module).exports);
    const optimised = optimisedIn(functions);
    const code = optimised > before ? hostCodeOf(module, usually, () => functions) : undefined;
    return code && { value: { code, optimised } satisfies KeptHelpers, buffers: [code] };
  });
  return module;
}
