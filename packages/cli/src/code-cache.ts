import { basename, dirname } from 'node:path';
import { Script } from 'node:vm';
import { CacheFolder, engine } from './cache-folder.ts';
import { FileMemory } from './file-memory.ts';

/** Files kept: for each file of a bundle, Node.js version and kind of use one of brief runs and one of longer ones. */
const FILES_MAX = 48;
const BYTES_MAX = 64 * 2 ** 20;
/** A process that has used the CPU for so long has come through what only longer runs use. Milliseconds. */
const LONG_CPU_MS = 400;

/** What a bundled file is: a function of what CommonJS offers (see bundling.mjs). */
export type ModuleBody = (exports: object, require: Require, module: object, file: string, folder: string) => void;
export type Require = (specifier: string) => unknown;

/** Runs a bundled file and gives what it exports. */
export function exportsOf(body: ModuleBody, file: string, require: Require): unknown {
  const module = { exports: {} };
  body(module.exports, require, module, file, dirname(file));
  return module.exports;
}

export interface CachedModule {
  readonly exports: unknown;
  /** What the module was made from: what a process compiled that ended soon, or one that used the CPU for longer; or nothing but its source. */
  readonly from: 'source' | 'brief' | 'long';
  /**
   * Keeps what this process compiled, for the next one, if that is more than it found. One that failed soon may have seen little of the code. Never throws: a
   * cache is no duty. V8 must not have dropped any of it by then (see launch.ts).
   */
  readonly keep: (succeeded?: boolean) => void;
}

const cpuMsOfProcess = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/**
 * Loads a bundled file from its source and, if there is one, from the bytecode that an earlier process kept: compiling a bundle takes longer than a small
 * program to run.
 *
 * The cache counts only for the very same source and engine. `file` has a digest of its content in its name, so its name stands for its source; the
 * engine compares its own version and flags. What is damaged is found by a checksum at its end and made again. The module cannot `import()`: V8 forgets
 * who asks when code comes from a cache.
 *
 * @param file absolute path, content-addressed by its name
 * @param folder of the cache; made when something is kept
 * @param use what the module is loaded for: processes that do the same compile the same
 * @param cpuMs CPU time that this process has used
 */
export function loadCached(
  file: string,
  folder: string,
  use: string,
  require: Require,
  cpuMs: () => number = cpuMsOfProcess,
): CachedModule {
  const cache = new CacheFolder(folder, { files: FILES_MAX, bytes: BYTES_MAX });
  const name = (kind: 'brief' | 'long'): string => `${basename(file)}-${use}-${kind}-${engine()}`;
  const memory = new FileMemory();
  const source = memory.read(file).toString('latin1');
  const long = cache.read(name('long'), memory);
  const cachedData = long ?? cache.read(name('brief'), memory);
  const script = new Script(source, { filename: file, cachedData });
  const exports = exportsOf(script.runInThisContext() as ModuleBody, file, require);
  const isCached = cachedData !== undefined && script.cachedDataRejected === false;
  const from = !isCached ? 'source' : long === undefined ? 'brief' : 'long';
  let kept: CachedModule['from'] = from;
  const keep = (succeeded = true): void => {
    const kind = cpuMs() < LONG_CPU_MS ? 'brief' : 'long';
    if (kept === 'long' || kept === kind || (kind === 'brief' && !succeeded)) return;
    kept = kind;
    cache.write(name(kind), script.createCachedData());
  };
  return { exports, from, keep };
}
