import type * as Compilation from './compilation.ts';

export type { Compiled } from './compilation.ts';
/** See compilation.ts. */
export type Compiler = Pick<typeof Compilation, 'compile' | 'explore' | 'join'>;

/** Most instructions of a function that is translated within its callers: larger ones cost more than their calls do. */
export const COPIED_MAX = 24;
/** A program has no more regions than so many, or they are the first that are made of it: many a program has no more, and is over soon. */
export const EARLY_REGIONS = 24;
/** {@link COPIED_MAX} of those. */
export const EARLY_COPIED_MAX = 64;
/** Times a region may be made anew with more entries, by what it takes to be worth it: each asks for twice the samples. */
export const GROWTH_MAX = 8;

let loaded: Compiler | undefined;
let loading: Promise<void> | undefined;

/**
 * Loads what compiles: most of the translator, which a program that is short, or whose translation was kept, never needs. Once in a process; without being
 * asked when something is hot for the first time, and until it is there everything is interpreted. Who runs guests without ever giving way to the host's
 * event loop, as tests do, has it loaded before.
 */
export function loadCompiler(): Promise<void> {
  loading ??= import('./compilation.ts').then((module) => {
    loaded = module;
  });
  return loading;
}

/** Whether it is at hand; does not ask for it. */
export const isCompilerLoaded = (): boolean => loaded !== undefined;

/** Undefined as long as it is not loaded, which it is soon. */
export function compiler(): Compiler | undefined {
  if (loaded === undefined) void loadCompiler();
  return loaded;
}
