import { Errno, type Result, type Tree } from '@ashlar/hardware';
import type { Budget } from './budget.ts';

/** Bytes of a chunk: what one changed byte of a file of a layer costs. A multiple of the 4,096 bytes that state is saved in. */
export const CONTENTS_CHUNK_BYTES = 16_384;
/** Largest file of a writable layer, in bytes. It may be all hole. */
export const FILE_BYTES_MAX = 2 ** 43;

/**
 * What a file of the writable layer contains: changed chunks above a file of a read-only layer, above zeroes. So a file that is opened for writing and
 * changed in one place is not copied, and a hole costs nothing.
 */
export class Contents {
  readonly #chunks = new Map<number, Uint8Array>();
  #size: number;
  /** Bytes of the lower file that still show through. */
  #lowerBytes: number;

  constructor(
    private readonly budget: Budget,
    private readonly lower?: { readonly tree: Tree; readonly node: number },
    lowerBytes = 0,
  ) {
    this.#size = lowerBytes;
    this.#lowerBytes = lowerBytes;
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes read, 0 at or past the end. */
  read(at: number, to: Uint8Array): Result {
    const length = Math.min(to.length, Math.max(0, this.#size - at));
    for (let done = 0; done < length; ) {
      const from = at + done;
      const within = from % CONTENTS_CHUNK_BYTES;
      const part = Math.min(length - done, CONTENTS_CHUNK_BYTES - within);
      const chunk = this.#chunks.get((from - within) / CONTENTS_CHUNK_BYTES);
      if (chunk !== undefined) to.set(chunk.subarray(within, within + part), done);
      else {
        const result = this.#readLower(from, to.subarray(done, done + part));
        if (result < 0) return result;
      }
      done += part;
    }
    return length;
  }

  /** Bytes written: all, or fewer if space ran out after some; -ENOSPC if there was none at all. */
  write(at: number, from: Uint8Array): Result {
    if (at + from.length > FILE_BYTES_MAX) return -Errno.EFBIG;
    for (let done = 0; done < from.length; ) {
      const to = at + done;
      const within = to % CONTENTS_CHUNK_BYTES;
      const part = Math.min(from.length - done, CONTENTS_CHUNK_BYTES - within);
      const chunk = this.#chunkForWrite((to - within) / CONTENTS_CHUNK_BYTES, part);
      if (typeof chunk === 'number') return done > 0 ? done : chunk;
      chunk.set(from.subarray(done, done + part), within);
      done += part;
      this.#size = Math.max(this.#size, at + done);
    }
    return from.length;
  }

  truncate(size: number): Result {
    if (size > FILE_BYTES_MAX) return -Errno.EFBIG;
    if (size < this.#size) this.#cut(size);
    this.#size = size;
    return 0;
  }

  /** Lets all of it go. */
  free(): void {
    this.#cut(0);
    this.#size = 0;
  }

  /** Numbers of the chunks that differ from what is below, ascending. */
  changed(): number[] {
    return [...this.#chunks.keys()].sort((a, b) => a - b);
  }

  chunk(number: number): Uint8Array | undefined {
    return this.#chunks.get(number);
  }

  /** How much of the lower file shows through. */
  get lowerBytes(): number {
    return this.#lowerBytes;
  }

  /** Sets what {@link changed}, {@link size} and {@link lowerBytes} said when it was saved; chunks follow with {@link restoreChunk}. */
  restore(size: number, lowerBytes: number): void {
    this.#size = size;
    this.#lowerBytes = lowerBytes;
  }

  /** A chunk to be filled, charged. */
  restoreChunk(number: number): Uint8Array | Result {
    const result = this.budget.charge(CONTENTS_CHUNK_BYTES);
    if (result < 0) return result;
    const chunk = new Uint8Array(CONTENTS_CHUNK_BYTES);
    this.#chunks.set(number, chunk);
    return chunk;
  }

  #chunkForWrite(number: number, part: number): Uint8Array | Result {
    const present = this.#chunks.get(number);
    if (present !== undefined) return present;
    const charged = this.budget.charge(CONTENTS_CHUNK_BYTES);
    if (charged < 0) return charged;
    const chunk = new Uint8Array(CONTENTS_CHUNK_BYTES);
    if (part < CONTENTS_CHUNK_BYTES) {
      const result = this.#readLower(number * CONTENTS_CHUNK_BYTES, chunk);
      if (result < 0) {
        this.budget.refund(CONTENTS_CHUNK_BYTES);
        return result;
      }
    }
    this.#chunks.set(number, chunk);
    return chunk;
  }

  /** Fills all of `to` from the lower file, with zeroes past what shows through. */
  #readLower(at: number, to: Uint8Array): Result {
    let done = 0;
    const wanted = Math.min(to.length, Math.max(0, this.#lowerBytes - at));
    while (done < wanted && this.lower !== undefined) {
      const moved = this.lower.tree.read(this.lower.node, at + done, to.subarray(done, wanted));
      if (moved < 0) return moved;
      // Cut short on the host since: zeroes, as a hole.
      if (moved === 0) break;
      done += moved;
    }
    to.fill(0, done);
    return 0;
  }

  #cut(size: number): void {
    this.#lowerBytes = Math.min(this.#lowerBytes, size);
    const within = size % CONTENTS_CHUNK_BYTES;
    const last = (size - within) / CONTENTS_CHUNK_BYTES;
    for (const number of this.#chunks.keys()) {
      if (number < last || (number === last && within > 0)) continue;
      this.#chunks.delete(number);
      this.budget.refund(CONTENTS_CHUNK_BYTES);
    }
    // What is past the end must read as zero when the file grows again.
    this.#chunks.get(last)?.fill(0, within);
  }
}
