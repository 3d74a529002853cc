import { Errno, type Plain, type Result } from '@ashlar/hardware';
import { ByteRing } from '../byte-ring.ts';

/** Bytes that one direction of a connection holds; the sender waits when it is full. */
export const STREAM_BYTES_MAX = 65_536;

/**
 * One direction of a connection. The receiver's sequence number says what it has for sure: bytes stay here until it asks for what follows them, so
 * an answer that got lost is given again. The sender's says what it believes was taken, so a repeat is recognised.
 */
export class Stream {
  readonly #ring = new ByteRing(STREAM_BYTES_MAX);
  /** Sequence number of the oldest byte held. */
  #base = 0;
  /** Sequence number after the last byte ever given out. */
  #given = 0;
  /** No more will be sent. */
  isEnded = false;
  /** Nobody will receive. */
  isDeaf = false;

  /** Sequence number after the last byte taken from the sender. */
  get end(): number {
    return this.#base + this.#ring.length;
  }

  get hasNews(): boolean {
    return this.end > this.#given || this.isEnded;
  }

  get space(): number {
    return this.#ring.space;
  }

  /** Bytes taken of `from`, which begins at `sequence`; 0 if there is no room; -EPIPE, -EINVAL for a gap. */
  send(sequence: number, from: Uint8Array): Result {
    const repeated = this.end - sequence;
    if (repeated < 0 || !Number.isInteger(sequence)) return -Errno.EINVAL;
    if (repeated > 0) return Math.min(repeated, from.length);
    if (this.isDeaf || this.isEnded) return -Errno.EPIPE;
    return this.#ring.push(from);
  }

  /** Bytes from `sequence` on; 0 if there are none; what lies before is let go. -EINVAL for what was never given, or let go before. */
  receive(sequence: number, to: Uint8Array): Result {
    if (!Number.isInteger(sequence) || sequence < this.#base || sequence > this.#given) return -Errno.EINVAL;
    this.#ring.drop(sequence - this.#base);
    this.#base = sequence;
    const count = this.#ring.peek(0, to);
    this.#given = Math.max(this.#given, sequence + count);
    return count;
  }

  save(): Plain {
    return { base: this.#base, given: this.#given, ended: this.isEnded, deaf: this.isDeaf, bytes: this.#ring.contents() };
  }

  /** -EINVAL if it is not what {@link save} gave. */
  restore(saved: Plain): Result {
    const { base, given, ended, deaf, bytes } = saved as { readonly [key: string]: Plain };
    if (typeof base !== 'number' || typeof given !== 'number' || !(bytes instanceof Uint8Array)) return -Errno.EINVAL;
    this.#ring.clear();
    if (this.#ring.push(bytes) < bytes.length || given < base || given > base + bytes.length) return -Errno.EINVAL;
    this.#base = base;
    this.#given = given;
    this.isEnded = ended === true;
    this.isDeaf = deaf === true;
    return 0;
  }
}
