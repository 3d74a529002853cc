/** What Node.js has and the common library types do not know. */
interface HostGlobals {
  readonly process?: Exits & {
    readonly versions?: { readonly v8?: string };
    getBuiltinModule?(name: 'node:v8'): NodeV8 | undefined;
    getBuiltinModule?(name: 'node:worker_threads'): { readonly isMainThread?: boolean } | undefined;
  };
}

/** Who is told that the process ends. */
interface Exits {
  prependListener(event: 'exit', listener: () => void): void;
  off(event: 'exit', listener: () => void): void;
}

/** Node.js's module `v8`. */
interface NodeV8 {
  setFlagsFromString?(flags: string): void;
  getHeapSpaceStatistics?(): readonly { readonly space_name: string; readonly space_size: number }[];
}

const { process } = globalThis as HostGlobals;

/** Undefined where there is no such module, or no way to it without importing it. */
export const nodeV8 = (): NodeV8 | undefined => process?.getBuiltinModule?.('node:v8');

/** Whether this is Node.js' main thread, which nobody ends but by ending the process. */
export const isMainThread = (): boolean => process?.getBuiltinModule?.('node:worker_threads')?.isMainThread === true;

/** Undefined where there is no such process. */
export const exits: Exits | undefined = process;

/** V8's major version in Node.js; undefined elsewhere. */
export const v8Version: string | undefined = process?.versions?.v8?.split('.')[0];

/**
 * Runs `make` with a flag of V8 set, where there is a way to set one: in Node.js. It is set back, since V8 refuses cached bytecode that was made under
 * other flags.
 */
export function withV8Flag<T>(flag: string, before: string, make: () => T): T {
  const v8 = nodeV8();
  v8?.setFlagsFromString?.(flag);
  try {
    return make();
  } finally {
    v8?.setFlagsFromString?.(before);
  }
}

/** Usual budgets by V8's major version. Nothing is changed in others. */
const USUAL_BUDGETS: ReadonlyMap<string | undefined, number> = new Map([['11', 1_800_000]]);

/**
 * Makes a module whose functions V8 optimises, on another thread, when the bytes of code that their calls and jumps back span exceed a budget. V8 notes
 * the budget when the module is made.
 */
export function withTieringBudget<T>(budget: number, make: () => T): T {
  const usual = USUAL_BUDGETS.get(v8Version);
  return usual === undefined ? make() : withV8Flag(`--wasm-tiering-budget=${budget}`, `--wasm-tiering-budget=${usual}`, make);
}

/** As `make`; the module's branch hints count. V8 has had them behind a flag for long; where it is not known to have that flag, nothing is changed. */
export function withBranchHints<T>(make: () => T): T {
  if (v8Version !== '11') return make();
  return withV8Flag('--experimental-wasm-branch-hinting', '--no-experimental-wasm-branch-hinting', make);
}

/** Bytes of bytecode that V8's optimiser for JavaScript inlines into one function as a rule, by V8's major version. Nothing is changed in others. */
const USUAL_INLINING: ReadonlyMap<string | undefined, number> = new Map([['11', 920]]);

const inlining = (bytes: number): string => `--max-inlined-bytecode-size-cumulative=${bytes}`;
/** Whether this thread inlines as usual. */
let isInlining = true;

/**
 * Runs JavaScript that is large, runs for some tenths of a second in all and is no loop: what becomes hot in it is optimised without inlining, which takes
 * the optimiser half as long and is over sooner.
 */
export function withoutInlining<T>(run: () => T): T {
  const usual = USUAL_INLINING.get(v8Version);
  if (usual === undefined || !isInlining) return run();
  isInlining = false;
  try {
    return withV8Flag(inlining(0), inlining(usual), run);
  } finally {
    isInlining = true;
  }
}

/** As `make`, under the flags that V8 has when it inlines as usual, also within {@link withoutInlining}: machine code counts for one set of flags. */
export function withUsualInlining<T>(make: () => T): T {
  const usual = USUAL_INLINING.get(v8Version);
  return usual === undefined || isInlining ? make() : withV8Flag(inlining(usual), inlining(0), make);
}
