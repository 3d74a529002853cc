import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Script } from 'node:vm';

/** What a CommonJS module's code may use, in this order. */
const PARAMETERS = 'exports, require, module, __filename, __dirname';
const DIGEST_BYTES = 32;
/** Files kept: one for each bundle, Node.js version and kind of use. */
const FILES_MAX = 16;

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
  const path = join(folder, `${basename(file)}-${use}-${engine()}`);
  const cachedData = read(path);
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
  return { exports: module.exports, cached, keep: () => (cached ? undefined : write(path, script.createCachedData())) };
}

/** The engine and its flags, for a name: bytecode of one is not for another. */
function engine(): string {
  const flags = digest(Buffer.from(JSON.stringify([process.execArgv, process.env.NODE_OPTIONS ?? ''])));
  return `${process.version}-${process.arch}-${flags.toString('hex', 0, 4)}`;
}

/** Bytecode as it was written, or undefined. */
function read(path: string): Buffer | undefined {
  try {
    const bytes = readFileSync(path);
    const data = bytes.subarray(0, -DIGEST_BYTES);
    return digest(data).equals(bytes.subarray(-DIGEST_BYTES)) ? data : undefined;
  } catch {
    return undefined;
  }
}

/** Appears by rename, so that a reader sees all of it or nothing. What was begun and not ended is trimmed like the rest. */
function write(path: string, data: Buffer): void {
  const folder = join(path, '..');
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    trim(folder);
    writeFileSync(temporary, Buffer.concat([data, digest(data)]), { mode: 0o600 });
    renameSync(temporary, path);
  } catch {
    // There is no cache then.
  }
}

/** Removes the oldest, so that there is room for one more. */
function trim(folder: string): void {
  const names = readdirSync(folder);
  if (names.length < FILES_MAX) return;
  const byAge = names.map((name) => ({ name, ms: statSync(join(folder, name)).mtimeMs })).sort((one, other) => other.ms - one.ms);
  for (const { name } of byAge.slice(FILES_MAX - 1)) rmSync(join(folder, name), { force: true });
}

const digest = (data: Uint8Array): Buffer => createHash('sha256').update(data).digest();
