/** A bounded queue of bytes; its memory is taken at the first use. */
export class ByteRing {
  #bytes: Uint8Array | undefined;
  #start = 0;
  #length = 0;

  constructor(readonly capacity: number) {}

  get length(): number {
    return this.#length;
  }

  get space(): number {
    return this.capacity - this.#length;
  }

  /** Bytes taken: as many as there is room for. */
  push(from: Uint8Array): number {
    const count = Math.min(from.length, this.space);
    if (count === 0) return 0;
    this.#bytes ??= new Uint8Array(this.capacity);
    const at = (this.#start + this.#length) % this.capacity;
    const first = Math.min(count, this.capacity - at);
    this.#bytes.set(from.subarray(0, first), at);
    this.#bytes.set(from.subarray(first, count), 0);
    this.#length += count;
    return count;
  }

  /** Copies what lies at `offset` from the front and leaves it there; bytes copied. */
  peek(offset: number, to: Uint8Array): number {
    const count = Math.min(to.length, Math.max(0, this.#length - offset));
    if (count === 0 || this.#bytes === undefined) return 0;
    const at = (this.#start + offset) % this.capacity;
    const first = Math.min(count, this.capacity - at);
    to.set(this.#bytes.subarray(at, at + first));
    to.set(this.#bytes.subarray(0, count - first), first);
    return count;
  }

  drop(count: number): void {
    const dropped = Math.min(count, this.#length);
    this.#start = (this.#start + dropped) % this.capacity;
    this.#length -= dropped;
  }

  clear(): void {
    this.#start = this.#length = 0;
    this.#bytes = undefined;
  }

  /** A copy of all of it. */
  contents(): Uint8Array {
    const all = new Uint8Array(this.#length);
    this.peek(0, all);
    return all;
  }
}
