import { withUsualGrowth } from './heap-growth.ts';
import { v8Version, withV8Flag } from './v8-flags.ts';

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
  return withUsualGrowth(() =>
    withV8Flag('--allow-natives-syntax', '--no-allow-natives-syntax', () =>
      use({
        isOptimised: new Function('func', 'return %IsTurboFanFunction(func)') as V8['isOptimised'],
        serialize: new Function('module', 'return %SerializeWasmModule(module)') as V8['serialize'],
        deserialize: new Function('code', 'bytes', 'return %DeserializeWasmModule(code, bytes)') as V8['deserialize'],
      }),
    ),
  );
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
 */
export function hostCodeOf(module: WebAssembly.Module, under: UnderFlags, functions: () => Iterable<unknown>): ArrayBuffer | undefined {
  return withV8(({ isOptimised, serialize }) => {
    for (const func of functions()) if (isOptimised(func)) return under(() => serialize(module));
    return undefined;
  });
}

/**
 * A module with the machine code that {@link hostCodeOf} gave for its bytes, under the same flags; functions that have none are compiled as they are
 * called. Undefined if this host cannot use it.
 */
export function withHostCode(bytes: Uint8Array<ArrayBuffer>, code: ArrayBuffer, under: UnderFlags): WebAssembly.Module | undefined {
  return withV8(({ deserialize }) => under(() => deserialize(code, bytes)));
}
