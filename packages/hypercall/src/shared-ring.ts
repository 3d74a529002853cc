import { FRAME_BYTES_MAX } from '@ashlar/hardware';
import { setWord, word } from './cursor.ts';

/** What {@link SharedRing.pop} answers. */
export const EMPTY = -1;
export const CORRUPT = -2;

/**
 * A ring of whole frames in shared memory with one producer and one consumer. Head and tail are byte counts modulo 2^32; a record is its length
 * (u32), the frame, and padding to 4 bytes.
 *
 * The other side is not trusted: what is read from shared memory is checked, and frames are copied out before anybody looks at them.
 */
export class SharedRing {
  readonly #control: Int32Array;
  readonly #head: number;
  readonly #tail: number;
  readonly #data: Uint8Array;
  readonly #mask: number;
  readonly #word = new Uint8Array(4);

  /** `head` and `tail` are indices into `control`; the length of `data` is a power of two. */
  constructor(control: Int32Array, head: number, tail: number, data: Uint8Array) {
    if ((data.length & (data.length - 1)) !== 0) throw new RangeError(`a ring of ${data.length} bytes: not a power of two`);
    this.#control = control;
    this.#head = head;
    this.#tail = tail;
    this.#data = data;
    this.#mask = data.length - 1;
  }

  /** Position of the producer: what a consumer waits to see change. */
  head(): number {
    return Atomics.load(this.#control, this.#head);
  }

  tail(): number {
    return Atomics.load(this.#control, this.#tail);
  }

  get empty(): boolean {
    return this.head() === this.tail();
  }

  /** false if there is no room. Wakes whoever waits for the head. */
  push(frame: Uint8Array): boolean {
    const head = this.head();
    const used = (head - this.tail()) >>> 0;
    const record = (4 + frame.length + 3) & ~3;
    if (used > this.#data.length || record > this.#data.length - used) return false;
    setWord(this.#word, 0, frame.length);
    this.#write(head, this.#word);
    this.#write(head + 4, frame);
    Atomics.store(this.#control, this.#head, (head + record) | 0);
    Atomics.notify(this.#control, this.#head);
    return true;
  }

  /** Copies the next frame into `into`; its length, {@link EMPTY}, or {@link CORRUPT}. Wakes whoever waits for the tail. */
  pop(into: Uint8Array): number {
    const head = this.head();
    const tail = this.tail();
    const used = (head - tail) >>> 0;
    if (used === 0) return EMPTY;
    if (used > this.#data.length || used < 4) return CORRUPT;
    this.#read(tail, this.#word);
    const length = word(this.#word, 0);
    const record = (4 + length + 3) & ~3;
    if (length > FRAME_BYTES_MAX || length > into.length || record > used) return CORRUPT;
    this.#read(tail + 4, into.subarray(0, length));
    Atomics.store(this.#control, this.#tail, (tail + record) | 0);
    Atomics.notify(this.#control, this.#tail);
    return length;
  }

  #write(position: number, bytes: Uint8Array): void {
    const at = position & this.#mask;
    const first = Math.min(bytes.length, this.#data.length - at);
    if (first === bytes.length) {
      this.#data.set(bytes, at);
      return;
    }
    this.#data.set(bytes.subarray(0, first), at);
    this.#data.set(bytes.subarray(first), 0);
  }

  #read(position: number, bytes: Uint8Array): void {
    const at = position & this.#mask;
    const first = Math.min(bytes.length, this.#data.length - at);
    bytes.set(this.#data.subarray(at, at + first));
    if (first < bytes.length) bytes.set(this.#data.subarray(0, bytes.length - first), first);
  }
}
