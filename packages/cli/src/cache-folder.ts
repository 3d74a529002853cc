import { appendFileSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { FileMemory } from './file-memory.ts';

const CHECKSUM_BYTES = 4;

/** How much a folder may hold. */
export interface CacheLimits {
  readonly files: number;
  readonly bytes: number;
}

/**
 * Files that a process writes for later ones, of which any may be missing: a cache is no duty, so nothing here throws. What is damaged is found by a
 * CRC-32 at its end. Only its owner may read or write it: it holds code.
 */
export class CacheFolder {
  readonly #folder: string;
  readonly #limits: CacheLimits;

  /** `folder`: made when something is written. */
  constructor(folder: string, limits: CacheLimits) {
    this.#folder = folder;
    this.#limits = limits;
  }

  /** The bytes of a name as they were written, or undefined. They are in `memory`. */
  read(name: string, memory = new FileMemory()): Buffer | undefined {
    try {
      const bytes = memory.read(join(this.#folder, name));
      const data = bytes.subarray(0, -CHECKSUM_BYTES);
      return crc32(data) === bytes.readUInt32LE(data.length) ? data : undefined;
    } catch {
      return undefined;
    }
  }

  /** It was of use: others are removed before it. */
  touch(name: string): void {
    const now = new Date();
    try {
      utimesSync(join(this.#folder, name), now, now);
    } catch {
      // Somebody removed it.
    }
  }

  /** Appears by rename, so that a reader sees all of it or nothing. What was begun and not ended is trimmed like the rest. */
  write(name: string, data: Uint8Array): void {
    const temporary = join(this.#folder, `${name}.${process.pid}.tmp`);
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      this.#makeRoom(name, data.length);
      const checksum = Buffer.alloc(CHECKSUM_BYTES);
      checksum.writeUInt32LE(crc32(data));
      writeFileSync(temporary, data, { mode: 0o600 });
      appendFileSync(temporary, checksum);
      renameSync(temporary, join(this.#folder, name));
    } catch {
      // There is no cache then.
    }
  }

  /** Removes the oldest, so that there is room for one more. */
  #makeRoom(name: string, bytes: number): void {
    const others = readdirSync(this.#folder).filter((other) => other !== name);
    const files = others.map((other) => ({ path: join(this.#folder, other), ...statOf(join(this.#folder, other)) }));
    let [count, total] = [1, bytes];
    for (const { path, size } of files.toSorted((one, other) => other.mtimeMs - one.mtimeMs)) {
      count++;
      total += size;
      if (count > this.#limits.files || total > this.#limits.bytes) rmSync(path, { force: true });
    }
  }
}

const statOf = (path: string): { size: number; mtimeMs: number } => {
  const { size, mtimeMs } = statSync(path);
  return { size, mtimeMs };
};

/** The engine and its flags, for a name: what it compiled is for no other. */
export function engine(): string {
  const flags = crc32(JSON.stringify([process.execArgv, process.env.NODE_OPTIONS ?? '']));
  return `${process.version}-${process.arch}-${flags.toString(16).padStart(8, '0')}`;
}
