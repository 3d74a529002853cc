import type { Wasm32Import, Wasm32Type } from '@ashlar/hardware';
import { typeName } from './binary/opcodes.ts';
import type { LoweredImport } from './rewrite/module.ts';

/** A function that the engine calls with the argument words of an import; it answers with the first word of the results. */
export type Shim = (...words: number[]) => number;

/**
 * The function that the engine calls for one import: it puts the words into `args` and asks `trap`. One closure for each number of words, since
 * a call with exactly as many arguments as parameters is the engine's fast one and a rest parameter would allocate.
 */
export function makeShim(words: number, index: number, args: Int32Array, trap: (index: number) => number): Shim {
  const put = (a = 0, b = 0, c = 0, d = 0): void => {
    args[0] = a;
    args[1] = b;
    args[2] = c;
    args[3] = d;
  };
  switch (words) {
    case 0:
      return () => trap(index);
    case 1:
      return (a) => {
        args[0] = a!;
        return trap(index);
      };
    case 2:
      return (a, b) => {
        args[0] = a!;
        args[1] = b!;
        return trap(index);
      };
    case 3:
      return (a, b, c) => {
        args[0] = a!;
        args[1] = b!;
        args[2] = c!;
        return trap(index);
      };
    case 4:
      return (a, b, c, d) => {
        put(a, b, c, d);
        return trap(index);
      };
    case 5:
      return (a, b, c, d, e) => {
        put(a, b, c, d);
        args[4] = e!;
        return trap(index);
      };
    case 6:
      return (a, b, c, d, e, f) => {
        put(a, b, c, d);
        args[4] = e!;
        args[5] = f!;
        return trap(index);
      };
    default:
      return (...all) => {
        for (let at = 0; at < all.length; at++) args[at] = all[at]!;
        return trap(index);
      };
  }
}

const types = (codes: Uint8Array): Wasm32Type[] => Array.from(codes, (code) => typeName(code) as Wasm32Type);

export const describeImports = (lowered: readonly LoweredImport[]): readonly Wasm32Import[] =>
  lowered.map(({ module, name, type }) => ({ module, name, params: types(type.params), results: types(type.results) }));
