/** Bytes kept at most: what some programs of a megabyte or two are read into. */
const BYTES_MAX = 4 << 20;

/**
 * Buffers that page caches of this thread are done with, for the next ones: a stack that lives for milliseconds reads its program into memory that is
 * there already, instead of asking the host for new pages.
 */
export class SpareBuffers {
  readonly #byLength = new Map<number, ArrayBuffer[]>();
  #bytes = 0;

  /** `length` bytes, with whatever was in them. */
  take(length: number): Uint8Array<ArrayBuffer> {
    const buffer = this.#byLength.get(length)?.pop();
    if (buffer === undefined) return new Uint8Array(length);
    this.#bytes -= length;
    return new Uint8Array(buffer);
  }

  /** The whole buffer, of which nobody has a view any more. */
  give(buffer: ArrayBuffer): void {
    const length = buffer.byteLength;
    if (this.#bytes + length > BYTES_MAX) return;
    this.#bytes += length;
    const alike = this.#byLength.get(length);
    if (alike === undefined) this.#byLength.set(length, [buffer]);
    else alike.push(buffer);
  }
}
