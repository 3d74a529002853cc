import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { inCache } from './error.ts';
import { DIGEST_BYTES } from './tree-index.ts';

/** Bytes that one digest covers: small enough that checking before the first read is quick, large enough that digests are few. */
export const CHUNK_BYTES = 128 * 1024;

/** Writes the data file of an image: all file contents one after the other, with a digest for each {@link CHUNK_BYTES}. */
export class DataWriter {
  #bytes = 0;
  readonly #pending = new Uint8Array(CHUNK_BYTES * 8);
  #pendingBytes = 0;
  readonly #digests: Uint8Array[] = [];

  constructor(private readonly file: FileHandle) {}

  /** Bytes appended so far: the offset at which the next file begins. */
  get bytes(): number {
    return this.#bytes;
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length; ) {
      const part = bytes.subarray(from, from + this.#pending.length - this.#pendingBytes);
      this.#pending.set(part, this.#pendingBytes);
      this.#pendingBytes += part.length;
      this.#bytes += part.length;
      from += part.length;
      if (this.#pendingBytes === this.#pending.length) await this.#flush();
    }
  }

  /** Writes what is left and makes it durable. */
  async finish(): Promise<{ readonly bytes: number; readonly chunkBytes: number; readonly digests: Uint8Array }> {
    await this.#flush();
    await inCache(() => this.file.datasync());
    const digests = new Uint8Array(this.#digests.length * DIGEST_BYTES);
    this.#digests.forEach((digest, i) => {
      digests.set(digest, i * DIGEST_BYTES);
    });
    return { bytes: this.#bytes, chunkBytes: CHUNK_BYTES, digests };
  }

  async #flush(): Promise<void> {
    for (let at = 0; at < this.#pendingBytes; at += CHUNK_BYTES) {
      this.#digests.push(sha256(this.#pending.subarray(at, Math.min(at + CHUNK_BYTES, this.#pendingBytes))));
    }
    for (let at = 0; at < this.#pendingBytes; ) {
      const { bytesWritten } = await inCache(() => this.file.write(this.#pending, at, this.#pendingBytes - at));
      at += bytesWritten;
    }
    this.#pendingBytes = 0;
  }
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

export function sha512Hex(bytes: Uint8Array): string {
  return createHash('sha512').update(bytes).digest('hex');
}
