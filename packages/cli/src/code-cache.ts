import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { CacheFolder, engine } from './cache-folder.ts';

/** What a CommonJS module's code may use, in this order. */
const PARAMETERS = 'exports, require, module, __filename, __dirname';
/** Files kept: one for each bundle, Node.js version and kind of use. */
const FILES_MAX = 16;
const BYTES_MAX = 64 * 2 ** 20;

export interface CachedModule {
  readonly exports: unknown;
  /** Whether the module was made from what an earlier process had compiled. */
  readonly cached: boolean;
  /** Keeps what this process compiled, for the next one. Does nothing if that was cached, and never throws: a cache is no duty. */
  readonly keep: () => void;
}

/**
 * Loads a bundled CommonJS module from its source and, if there is one, from the bytecode that an earlier process kept: compiling a bundle takes
 * longer than a small program to run.
 *
 * The cache counts only for the very same source and engine. `file` has a digest of its content in its name, so its name stands for its source; the
 * engine compares its own version and flags. What is damaged is found by a SHA-256 at its end and made again. The module cannot `import()`: V8 forgets
 * who asks when code comes from a cache.
 *
 * @param file absolute path, content-addressed by its name
 * @param folder of the cache; made when something is kept
 * @param use what the module is loaded for: processes that do the same compile the same
 */
export function loadCached(file: string, folder: string, use: string, require: NodeJS.Require): CachedModule {
  const cache = new CacheFolder(folder, { files: FILES_MAX, bytes: BYTES_MAX });
  const name = `${basename(file)}-${use}-${engine()}`;
  const cachedData = cache.read(name);
  // No line of its own, so that lines in stack traces are the file's.
  const opening = `(function (${PARAMETERS}) {`;
  const script = new Script(`${opening}${readFileSync(file, 'latin1')}\n})`, {
    filename: file,
    columnOffset: -opening.length,
    cachedData,
  });
  const module = { exports: {} };
  const body = script.runInThisContext() as (...parameters: unknown[]) => void;
  body(module.exports, require, module, file, join(file, '..'));
  const cached = cachedData !== undefined && script.cachedDataRejected === false;
  // Else the engine drops what has not run for a while, as what starts a program has not when a long one ends. Bytecode is for one set of flags.
  if (!cached) setFlagsFromString('--no-flush-bytecode');
  const keep = (): void => {
    if (cached) return;
    setFlagsFromString('--flush-bytecode');
    cache.write(name, script.createCachedData());
  };
  return { exports: module.exports, cached, keep };
}
