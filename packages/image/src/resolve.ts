import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import type { Tree } from '@ashlar/hardware';
import { type CachedImage, defaultCacheFolder, ImageCache } from './cache.ts';
import { ArchiveFault, CacheFault, errnoName, ImageError, messageOf } from './error.ts';
import { FolderTree } from './folder-tree.ts';
import { DEFAULT_LIMITS, type ImageLimits } from './limits.ts';
import { resolveNpm } from './npm.ts';
import { ProgramTree } from './program-tree.ts';
import type { ImageProgress } from './progress.ts';
import { type ImageSpec, parseImageSpec } from './spec.ts';

/** How to resolve an image; everything has a default. */
export interface ResolveOptions {
  /** The cache's folder; default `$ASHLAR_CACHE`, else `ashlar` in the user's cache folder. */
  readonly cache?: string;
  /** Fetch nothing: use what is cached, or fail. */
  readonly offline?: boolean;
  readonly progress?: (event: ImageProgress) => void;
  /** Ends the work; the promise is rejected with code ABORTED and nothing stays in the cache. */
  readonly signal?: AbortSignal;
  readonly limits?: Partial<ImageLimits>;
  /** Relative paths, and a project's `.npmrc`, are looked for from here; default: the working folder. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** An image ready for use. */
export interface Image {
  /** The specification as it was given. */
  readonly spec: string;
  /** The specification with what was found: an exact version, an absolute path. */
  readonly resolved: string;
  readonly tree: Tree;
  /** What to run where nothing else is said: `file:` only. */
  readonly argv: readonly string[] | undefined;
}

/**
 * Resolves an image specification (`dir:PATH`, `tar:PATH`, `file:PATH`, `npm:NAME@VERSION`) to a read-only tree, fetching and unpacking as needed.
 * The caller closes the tree.
 *
 * - `dir:` and `file:` are read where they are, live.
 * - `tar:` (gzipped or not) and `npm:` are unpacked into the cache once, and read from there by offset; never held in memory.
 *
 * @throws ImageError
 */
export async function resolveImage(text: string, options: ResolveOptions = {}): Promise<Image> {
  const spec = parseImageSpec(text);
  if (options.signal?.aborted === true) throw new ImageError('ABORTED', text, 'stopped');
  const env = options.env ?? process.env;
  const cwd = options.cwd ?? process.cwd();
  const limits: ImageLimits = { ...DEFAULT_LIMITS, ...options.limits };
  const cache = new ImageCache(resolve(cwd, options.cache ?? defaultCacheFolder(env)));
  if (spec.kind === 'npm') {
    const { offline = false, progress, signal } = options;
    const image = await guardCache(spec, cache, () => resolveNpm(spec, { cache, limits, offline, cwd, env, progress, signal }));
    return { spec: text, resolved: image.note.resolved, tree: image.tree, argv: undefined };
  }
  const path = isAbsolute(spec.path) ? spec.path : resolve(cwd, spec.path);
  const resolved = `${spec.kind}:${path}`;
  if (spec.kind === 'dir') return { spec: text, resolved, tree: openLocal(spec, () => new FolderTree(path)), argv: undefined };
  if (spec.kind === 'file') {
    const tree = openLocal(spec, () => new ProgramTree(path));
    return { spec: text, resolved, tree, argv: [`/${tree.name}`] };
  }
  const image = await guardCache(spec, cache, () => resolveTar(spec, path, cache, limits, options));
  return { spec: text, resolved, tree: image.tree, argv: undefined };
}

async function resolveTar(
  spec: ImageSpec,
  path: string,
  cache: ImageCache,
  limits: ImageLimits,
  options: ResolveOptions,
): Promise<CachedImage> {
  const found = await stat(path, { bigint: true }).catch((error: unknown) => {
    throw localError(spec, error);
  });
  if (found.isDirectory()) throw new ImageError('UNREADABLE', spec.text, 'it is a folder', `write dir:${path}`);
  // The same file, unchanged, is not unpacked again: ctime moves with every change of contents.
  const key = `tar:${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}:${found.ctimeNs}`;
  const cached = await cache.find(key);
  if (cached !== undefined) return cached;
  // Only what is not cached yet needs the parser.
  const { PLAIN_TAR, readTar } = await import('./tar.ts');
  try {
    return await cache.store([key], { resolved: `tar:${path}` }, limits, (sink) =>
      readTar(readFileInChunks(spec, path, Number(found.size), options), PLAIN_TAR, limits, sink),
    );
  } catch (error) {
    if (options.signal?.aborted === true) throw new ImageError('ABORTED', spec.text, 'stopped', '', { cause: error });
    if (error instanceof ArchiveFault) throw new ImageError(error.code, spec.text, error.message, error.fix, { cause: error });
    throw error;
  }
}

async function* readFileInChunks(spec: ImageSpec, path: string, totalBytes: number, options: ResolveOptions): AsyncGenerator<Uint8Array> {
  let doneBytes = 0;
  const stream = createReadStream(path, { highWaterMark: 256 * 1024, ...(options.signal === undefined ? {} : { signal: options.signal }) });
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      yield chunk;
      doneBytes += chunk.length;
      options.progress?.({ spec: spec.text, phase: 'unpack', doneBytes, totalBytes });
    }
  } catch (error) {
    throw errnoName(error) === '' ? error : localError(spec, error);
  }
}

function openLocal<T>(spec: ImageSpec, open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw localError(spec, error);
  }
}

/** A failure of the host's file system in the words of whoever wrote the specification. */
function localError(spec: ImageSpec, error: unknown): ImageError {
  if (error instanceof ImageError) return error;
  const cause = { cause: error };
  const other = spec.kind === 'dir' ? 'write tar:PATH or file:PATH for a file' : 'write dir:PATH for a folder';
  switch (errnoName(error)) {
    case 'ENOENT':
      return new ImageError(
        'NOT_FOUND',
        spec.text,
        'there is no such path',
        'relative paths are looked for in the folder of the config or the working folder',
        cause,
      );
    case 'ENOTDIR':
      return new ImageError('UNREADABLE', spec.text, 'it, or something on its path, is not a folder', other, cause);
    case 'EISDIR':
      return new ImageError('UNREADABLE', spec.text, 'it is a folder', other, cause);
    case 'EINVAL':
      return new ImageError('UNREADABLE', spec.text, 'it is neither a folder nor a regular file', '', cause);
    case 'EACCES':
    case 'EPERM':
      return new ImageError('UNREADABLE', spec.text, 'it may not be read by this user', 'change its permissions', cause);
    default:
      return new ImageError('UNREADABLE', spec.text, messageOf(error), '', cause);
  }
}

/** Failures of the cache folder itself are not the image's fault: they say which folder to look at. */
async function guardCache<T>(spec: ImageSpec, cache: ImageCache, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CacheFault)) throw error;
    const fix = 'set ASHLAR_CACHE to a folder that can be written and has room';
    throw new ImageError('UNREADABLE', spec.text, `the cache at ${cache.folder} cannot be used (${error.message})`, fix, {
      cause: error,
    });
  }
}
