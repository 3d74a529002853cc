import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync, rmSync } from 'node:fs';
import { chmod, type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DataWriter, sha256, sha512Hex } from './data-file.ts';
import { errnoName, inCache } from './error.ts';
import { IndexedTree } from './indexed-tree.ts';
import type { ImageLimits } from './limits.ts';
import { makeFolder } from './make-folder.ts';
import type { TarSink } from './tar.ts';
import { TreeBuilder } from './tree-builder.ts';
import { DIGEST_BYTES, parseIndex, type TreeIndex } from './tree-index.ts';

/** What is known about a cached image beside its contents. */
export interface CacheNote {
  /** The exact specification, e.g. `npm:NAME@1.2.3`. */
  readonly resolved: string;
  /** Subresource Integrity string of the archive it was made from, where its origin gave one. */
  readonly integrity?: string;
}

export interface CachedImage {
  readonly tree: IndexedTree;
  readonly note: CacheNote;
}

/** How the data file looked when its contents were last known to be right; if it looks otherwise, they are hashed again. */
interface Stamp {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
}

interface Reference {
  readonly version: 1;
  readonly key: string;
  readonly content: string;
  readonly stamp: Stamp;
  readonly note: CacheNote;
}

const STALE_MS = 24 * 60 * 60 * 1000;
const CONTENT_NAME = /^[0-9a-f]{128}$/;

/** `$ASHLAR_CACHE`, or `ashlar` in the user's cache folder. */
export function defaultCacheFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  if (env.ASHLAR_CACHE) return env.ASHLAR_CACHE;
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ashlar');
}

/**
 * Unpacked images on disk, by content:
 *
 *     content/SHA512/index, data   the SHA-512 is the index's; the index has a digest for each chunk of data
 *     refs/SHA256(key)             which content a key (`npm:NAME@1.2.3`, a tar file as it was) stands for
 *     tmp/                         being written
 *
 * Everything appears by rename, so a reader sees all of it or nothing, and two processes that fetch the same image both succeed. What is damaged
 * is thrown away and made again; damage to `data` that its size and times do not show is found when the chunk is read.
 */
export class ImageCache {
  constructor(readonly folder: string) {}

  /** The image of a key, if it is here and sound. @throws CacheFault */
  find(key: string): Promise<CachedImage | undefined> {
    return inCache(() => this.#find(key));
  }

  async #find(key: string): Promise<CachedImage | undefined> {
    const reference = await this.#readReference(key);
    if (reference === undefined) return undefined;
    const content = await this.#open(reference.content, reference.stamp);
    if (content === undefined) return undefined;
    if (content.stamp !== reference.stamp) await this.#writeReference({ ...reference, stamp: content.stamp });
    return { tree: content.tree, note: reference.note };
  }

  /** Lets `fill` unpack an image and keeps it under each of `keys`. Nothing stays if `fill` throws. @throws CacheFault, and what `fill` throws */
  async store(keys: readonly string[], note: CacheNote, limits: ImageLimits, fill: (sink: TarSink) => Promise<void>): Promise<CachedImage> {
    const folder = await inCache(() => this.#temporary());
    try {
      const id = await write(folder, limits, fill);
      return await inCache(() => this.#keep(keys, note, folder, id));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Makes `alias` stand for what `key` stands for now. @throws CacheFault */
  alias(alias: string, key: string): Promise<void> {
    return inCache(async () => {
      const reference = await this.#readReference(key);
      if (reference !== undefined) await this.#writeReference({ ...reference, key: alias });
    });
  }

  async #keep(keys: readonly string[], note: CacheNote, folder: string, id: string): Promise<CachedImage> {
    const { tree, stamp } = await this.#publish(folder, id);
    for (const key of keys) await this.#writeReference({ version: 1, key, content: id, stamp, note });
    return { tree, note };
  }

  async #publish(folder: string, id: string): Promise<{ tree: IndexedTree; stamp: Stamp }> {
    makeFolder(join(this.folder, 'content'));
    for (let attempt = 0; ; attempt++) {
      try {
        await rename(folder, this.#contentFolder(id));
      } catch (error) {
        // Somebody else made the same: theirs is as good, if it is sound.
        if (attempt > 2 || !['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(errnoName(error))) throw error;
      }
      const content = await this.#open(id, undefined);
      if (content !== undefined) return content;
      if (attempt > 2) throw new Error(`the cache at ${this.folder} does not keep what is written to it`);
    }
  }

  /** Opens content, hashing all of it unless its data file looks as `stamp` says. Damaged content is removed. */
  async #open(id: string, stamp: Stamp | undefined): Promise<{ tree: IndexedTree; stamp: Stamp } | undefined> {
    if (!CONTENT_NAME.test(id)) return undefined;
    const folder = this.#contentFolder(id);
    let fd: number | undefined;
    try {
      const bytes = await readFile(join(folder, 'index'));
      const index = sha512Hex(bytes) === id ? parseIndex(bytes) : undefined;
      fd = openSync(join(folder, 'data'), 'r');
      const now = stampOf(await stat(join(folder, 'data')));
      const same = stamp !== undefined && now.size === stamp.size && now.mtimeMs === stamp.mtimeMs && now.ino === stamp.ino;
      if (index !== undefined && now.size === index.dataBytes && (same || (await isSound(join(folder, 'data'), index)))) {
        const tree = new IndexedTree(`sha512-${id}`, index, fd, () => rmSync(folder, { recursive: true, force: true }));
        fd = undefined;
        return { tree, stamp: same ? stamp : now };
      }
    } catch (error) {
      if (errnoName(error) !== 'ENOENT') throw error;
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
    await this.#discard(folder);
    return undefined;
  }

  /** Takes a damaged folder away in one step, so that no other process meets half of it. */
  async #discard(folder: string): Promise<void> {
    const grave = await this.#temporary();
    await rename(folder, join(grave, 'damaged')).catch(() => undefined);
    await rm(grave, { recursive: true, force: true });
  }

  async #temporary(): Promise<string> {
    const all = join(this.folder, 'tmp');
    makeFolder(all);
    for (const name of await readdir(all)) {
      const path = join(all, name);
      const age = await stat(path).then(
        (found) => Date.now() - found.mtimeMs,
        () => 0,
      );
      if (age > STALE_MS) await rm(path, { recursive: true, force: true });
    }
    const folder = join(all, randomBytes(12).toString('hex'));
    await mkdir(folder, { mode: 0o700 });
    return folder;
  }

  async #readReference(key: string): Promise<Reference | undefined> {
    try {
      const reference: unknown = JSON.parse(await readFile(this.#referencePath(key), 'utf8'));
      return isReference(reference) && reference.key === key ? reference : undefined;
    } catch (error) {
      if (error instanceof SyntaxError || errnoName(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async #writeReference(reference: Reference): Promise<void> {
    makeFolder(join(this.folder, 'refs'));
    const folder = await this.#temporary();
    try {
      await writeFile(join(folder, 'ref'), JSON.stringify(reference));
      await rename(join(folder, 'ref'), this.#referencePath(reference.key));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  #contentFolder(id: string): string {
    return join(this.folder, 'content', id);
  }

  #referencePath(key: string): string {
    return join(this.folder, 'refs', createHash('sha256').update(key).digest('hex'));
  }
}

/** Writes `index` and `data` into the folder and returns the content's name. */
async function write(folder: string, limits: ImageLimits, fill: (sink: TarSink) => Promise<void>): Promise<string> {
  const tree = new TreeBuilder(limits);
  const file = await inCache(() => open(join(folder, 'data'), 'wx', 0o600));
  let index: Uint8Array;
  try {
    const data = new DataWriter(file);
    await fill({ data, tree });
    index = tree.finish(await data.finish());
  } finally {
    await file.close();
  }
  await inCache(() => chmod(join(folder, 'data'), 0o400));
  await inCache(() => writeDurably(join(folder, 'index'), index));
  return sha512Hex(index);
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file: FileHandle = await open(path, 'wx', 0o400);
  try {
    await file.writeFile(bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Whether each chunk of the data file has the digest that the index says. */
async function isSound(path: string, index: TreeIndex): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const chunk = new Uint8Array(index.chunkBytes);
    for (let i = 0; i * index.chunkBytes < index.dataBytes; i++) {
      const length = Math.min(index.chunkBytes, index.dataBytes - i * index.chunkBytes);
      const { bytesRead } = await file.read(chunk, 0, length, i * index.chunkBytes);
      const wanted = index.chunkDigests.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES);
      if (bytesRead !== length || Buffer.compare(sha256(chunk.subarray(0, length)), wanted) !== 0) return false;
    }
    return true;
  } finally {
    await file.close();
  }
}

function stampOf(found: { readonly size: number; readonly mtimeMs: number; readonly ino: number }): Stamp {
  return { size: found.size, mtimeMs: found.mtimeMs, ino: found.ino };
}

function isReference(value: unknown): value is Reference {
  if (typeof value !== 'object' || value === null) return false;
  const { version, key, content, stamp, note } = value as Partial<Record<keyof Reference, unknown>>;
  const isObject = (part: unknown): part is object => typeof part === 'object' && part !== null;
  return version === 1 && typeof key === 'string' && typeof content === 'string' && isObject(stamp) && isObject(note);
}
