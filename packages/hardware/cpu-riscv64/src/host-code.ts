import { withUsualGrowth } from './heap-growth.ts';
import { v8Version, withUsualInlining, withV8Flag } from './v8-flags.ts';

/**
 * The host's machine code of a module, as V8 writes it for its own embedders: Node.js gives no way to it but the functions of V8's own tests. They end the
 * process when they are asked for what cannot be, and other versions of V8 may ask for other things, so only the one that this was tried on is asked.
 */
interface V8 {
  readonly isOptimised: (func: unknown) => boolean;
  readonly serialize: (module: WebAssembly.Module) => ArrayBuffer;
  /** Undefined if the code is of another V8, CPU or flags. */
  readonly deserialize: (code: ArrayBuffer, bytes: Uint8Array) => WebAssembly.Module | undefined;
}

const KNOWN_V8 = '11';

/** Runs what makes a module with the flags of V8 that it is to have. Machine code is for the flags that it was taken under. */
export type UnderFlags = <T>(make: () => T) => T;

/** `use` may call V8's own functions, which are parsed under a flag; they are not held on to, since V8 may drop and parse them again. */
function withV8<T>(use: (v8: V8) => T): T | undefined {
  if (v8Version !== KNOWN_V8) return undefined;
  const asked = (): T =>
    withV8Flag('--allow-natives-syntax', '--no-allow-natives-syntax', () =>
      use({
        isOptimised: new Function('func', 'return %IsTurboFanFunction(func)') as V8['isOptimised'],
        serialize: new Function('module', 'return %SerializeWasmModule(module)') as V8['serialize'],
        deserialize: new Function('code', 'bytes', 'return %DeserializeWasmModule(code, bytes)') as V8['deserialize'],
      }),
    );
  return withUsualGrowth(() => withUsualInlining(asked));
}

/** How many of these functions the host has optimised; 0 where there is no way to know. */
export function optimisedIn(functions: Iterable<unknown>): number {
  return (
    withV8(({ isOptimised }) => {
      let count = 0;
      for (const func of functions) if (isOptimised(func)) count++;
      return count;
    }) ?? 0
  );
}

/**
 * The optimised machine code of a module, so far as the host has optimised any; undefined if it has not, or if there is no way to get it.
 *
 * @param functions gives functions of an instance of the module, of which one must have been optimised
 * @param patienceMs for so long it is waited until one is: of use where the optimiser has begun with it, as a process does not end before that has ended
 */
export function hostCodeOf(
  module: WebAssembly.Module,
  under: UnderFlags,
  functions: () => Iterable<unknown>,
  patienceMs = 0,
): ArrayBuffer | undefined {
  return withV8(({ isOptimised, serialize }) => {
    const candidates = patienceMs > 0 ? [...functions()] : functions();
    const isThere = (): boolean => {
      for (const func of candidates) if (isOptimised(func)) return true;
      return false;
    };
    return isThere() || isSoon(isThere, patienceMs) ? under(() => serialize(module)) : undefined;
  });
}

/** How long this thread waits before it looks again, in milliseconds. */
const LOOK_MS = 2;

/** Whether it comes true within so many milliseconds, by what other threads do: this one waits. */
function isSoon(isTrue: () => boolean, patienceMs: number): boolean {
  if (patienceMs === 0) return false;
  const nobodyWakes = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  for (const endMs = performance.now() + patienceMs; performance.now() < endMs; ) {
    Atomics.wait(nobodyWakes, 0, 0, LOOK_MS);
    if (isTrue()) return true;
  }
  return false;
}

/**
 * A module with the machine code that {@link hostCodeOf} gave for its bytes, under the same flags; functions that have none are compiled as they are
 * called. Undefined if this host cannot use it.
 */
export function withHostCode(bytes: Uint8Array<ArrayBuffer>, code: ArrayBuffer, under: UnderFlags): WebAssembly.Module | undefined {
  return withV8(({ deserialize }) => under(() => deserialize(code, bytes)));
}
