import { closeSync, fstatSync, openSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writevSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { makeFolder } from '@ashlar/image';
import { FileMemory, readAll } from './file-memory.ts';

/** Behind its pieces a file has the bytes of each, how many there are, and a CRC-32 of all before that; each a little-endian number of 32 bits. */
const NUMBER_BYTES = 4;
/** Pieces of a file. */
const PIECES_MAX = 1024;
/** What was begun so long ago will not be ended any more: its process was killed. */
const ABANDONED_MS = 60 * 60 * 1000;

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

  /** The one piece that was written under a name, or undefined. It is in `memory`. */
  read(name: string, memory: FileMemory): Buffer | undefined {
    try {
      const bytes = memory.read(join(this.#folder, name), this.#limits.bytes);
      const end = bytes.length - NUMBER_BYTES;
      return crc32(bytes.subarray(0, end)) === bytes.readUInt32LE(end) ? bytes.subarray(0, end - 2 * NUMBER_BYTES) : undefined;
    } catch {
      return undefined;
    }
  }

  /** The pieces that were written under a name, each in memory of its own, or undefined. */
  readPieces(name: string): ArrayBuffer[] | undefined {
    let file: number | undefined;
    try {
      file = openSync(join(this.#folder, name), 'r');
      return piecesOf(file, this.#limits.bytes);
    } catch {
      return undefined;
    } finally {
      if (file !== undefined) closeSync(file);
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

  /**
   * Appears by rename, so that a reader sees all of it or nothing. Where it cannot be written nothing is left of it; what a process began that was killed is
   * removed later. Nothing is written of more than 1,024 pieces, or of more bytes than the folder may hold.
   */
  write(name: string, ...pieces: readonly Uint8Array[]): void {
    const all = [...pieces, trailerOf(pieces)];
    if (pieces.length > PIECES_MAX || bytesOf(all) > this.#limits.bytes) return;
    const temporary = join(this.#folder, `${name}.${process.pid}${TEMPORARY}`);
    try {
      makeFolder(this.#folder);
      this.#makeRoom(name, bytesOf(all));
      writeAll(temporary, all);
      renameSync(temporary, join(this.#folder, name));
    } catch {
      // There is no cache then. On a full disk, what was written of it would keep others from writing.
      remove(temporary);
    }
  }

  /** Removes the oldest, so that there is room for one more. Others do the same meanwhile. */
  #makeRoom(name: string, bytes: number): void {
    const others = readdirSync(this.#folder).filter((other) => other !== name);
    const files = others.flatMap((other) => statOf(join(this.#folder, other)) ?? []);
    let [count, total] = [1, bytes];
    for (const { path, size, mtimeMs } of files.toSorted((one, other) => other.mtimeMs - one.mtimeMs)) {
      count++;
      total += size;
      const isAbandoned = path.endsWith(TEMPORARY) && Date.now() - mtimeMs > ABANDONED_MS;
      if (isAbandoned || count > this.#limits.files || total > this.#limits.bytes) remove(path);
    }
  }
}

/** How names end of what is not whole yet. */
const TEMPORARY = '.tmp';

/** If it can be. */
function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It is a folder, or of somebody else.
  }
}

const bytesOf = (pieces: readonly Uint8Array[]): number => pieces.reduce((sum, { length }) => sum + length, 0);

/** What is behind the pieces of a file. */
function trailerOf(pieces: readonly Uint8Array[]): Buffer {
  const trailer = Buffer.alloc((pieces.length + 2) * NUMBER_BYTES);
  for (const [i, { length }] of pieces.entries()) trailer.writeUInt32LE(length, i * NUMBER_BYTES);
  const end = trailer.writeUInt32LE(pieces.length, pieces.length * NUMBER_BYTES);
  trailer.writeUInt32LE(checksumOf([...pieces, trailer.subarray(0, end)]), end);
  return trailer;
}

/** Of nothing, `crc32` begins anew. */
const checksumOf = (pieces: readonly Uint8Array[]): number =>
  pieces.reduce((before, piece) => (piece.length === 0 ? before : crc32(piece, before)), 0);

/** @throws Error if there was no room for all */
function writeAll(path: string, pieces: readonly Uint8Array[]): void {
  const file = openSync(path, 'w', 0o600);
  try {
    if (writevSync(file, pieces) !== bytesOf(pieces)) throw new Error(`${path} is not whole`);
  } finally {
    closeSync(file);
  }
}

/** The pieces of a file; undefined if it is damaged, or has more than `bytesMax`. @throws Error of node:fs */
function piecesOf(file: number, bytesMax: number): ArrayBuffer[] | undefined {
  const { size } = fstatSync(file);
  if (size > bytesMax) return undefined;
  const counted = Buffer.alloc(2 * NUMBER_BYTES);
  if (readAll(file, counted, size - counted.length) !== counted.length) return undefined;
  const count = counted.readUInt32LE();
  if (count > PIECES_MAX) return undefined;
  const trailer = Buffer.alloc((count + 2) * NUMBER_BYTES);
  if (readAll(file, trailer, size - trailer.length) !== trailer.length) return undefined;
  const lengths = Array.from({ length: count }, (_, i) => trailer.readUInt32LE(i * NUMBER_BYTES));
  if (lengths.reduce((sum, length) => sum + length, trailer.length) !== size) return undefined;
  let at = 0;
  const pieces = lengths.map((length) => {
    const piece = new Uint8Array(length);
    at += readAll(file, piece, at);
    return piece;
  });
  const end = trailer.length - NUMBER_BYTES;
  if (checksumOf([...pieces, trailer.subarray(0, end)]) !== trailer.readUInt32LE(end)) return undefined;
  return pieces.map(({ buffer }) => buffer);
}

/** Undefined if it is there no more. */
function statOf(path: string): { readonly path: string; readonly size: number; readonly mtimeMs: number } | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && { path, size: found.size, mtimeMs: found.mtimeMs };
}

/** The engine and its flags, for a name: what it compiled is for no other. */
export function engine(): string {
  const flags = crc32(JSON.stringify([process.execArgv, process.env.NODE_OPTIONS ?? '']));
  return `${process.version}-${process.arch}-${flags.toString(16).padStart(8, '0')}`;
}
