import { type AddressSpace, Errno, type GuestAddress, PAGE_BYTES, type Reply } from '@ashlar/hardware';
import type { Io } from '@ashlar/kernel-stub';
import { IOVEC_BYTES, iovecBase, iovecBytes } from './abi/structures.ts';

/** UIO_MAXIOV. */
export const IOV_MAX = 1024;
/** As many as most calls have; room for {@link IOV_MAX} is made when one has more. */
const FIRST_PIECES = 16;
/** MAX_RW_COUNT: what one read or write moves at most on Linux; more is cut off. */
export const TRANSFER_BYTES_MAX = 0x7fff_f000;

/**
 * A run of guest memory in up to {@link IOV_MAX} pieces. One object serves every call of a personality: an operation uses it only until it
 * answers, and a parked call sets it up again when it is asked again.
 */
export class GuestIo implements Io {
  length = 0;
  #space: AddressSpace | undefined;
  #count = 0;
  /** Where the run that operations see begins: they may be given a part of it. */
  #from = 0;
  #bases = new Float64Array(FIRST_PIECES);
  /** Offset of each piece from the start of the run; one more entry ends the last. */
  #starts = new Float64Array(FIRST_PIECES + 1);
  #vectors = new Uint8Array(FIRST_PIECES * IOVEC_BYTES);
  #view = new DataView(this.#vectors.buffer);
  /** The piece found last: runs are mostly walked forwards. */
  #last = 0;

  /** A single piece. */
  one(space: AddressSpace, at: number, bytes: number): this {
    this.#space = space;
    this.#bases[0] = at;
    this.length = Math.min(bytes, TRANSFER_BYTES_MAX);
    this.#starts[1] = this.length;
    this.#count = 1;
    this.#last = 0;
    this.#from = 0;
    return this;
  }

  /** Only `bytes` bytes of the run from `from` on. */
  part(from: number, bytes: number): this {
    this.#from = from;
    this.length = bytes;
    return this;
  }

  /** Reads an array of struct iovec: 0, -EINVAL (too many, or lengths past SSIZE_MAX), -EFAULT, or a wait. */
  many(space: AddressSpace, at: number, count: number): Reply {
    if (count < 0 || count > IOV_MAX) return -Errno.EINVAL;
    if (count > this.#bases.length) this.#hold(IOV_MAX);
    this.#space = space;
    this.#count = count;
    this.#last = 0;
    this.#from = 0;
    this.length = 0;
    const bytes = count * IOVEC_BYTES;
    const moved =
      bytes === 0 ? 0 : space.copyIn(at as GuestAddress, bytes === this.#vectors.length ? this.#vectors : this.#vectors.subarray(0, bytes));
    if (typeof moved !== 'number') return moved;
    if (moved !== bytes) return -Errno.EFAULT;
    let total = 0;
    for (let index = 0; index < count; index++) {
      const length = iovecBytes(this.#view, index);
      if (length > Number.MAX_SAFE_INTEGER) return -Errno.EINVAL;
      this.#bases[index] = iovecBase(this.#view, index);
      total = Math.min(total + length, TRANSFER_BYTES_MAX);
      this.#starts[index + 1] = total;
    }
    this.length = total;
    return 0;
  }

  get(at: number, to: Uint8Array): Reply {
    return this.#move(at, to, false);
  }

  put(at: number, from: Uint8Array): Reply {
    return this.#move(at, from, true);
  }

  window(at: number, write: boolean): Uint8Array | undefined {
    const space = this.#space;
    if (space === undefined || at >= this.length || at < 0) return undefined;
    const start = this.#from + at;
    const piece = this.#piece(start);
    const address = this.#bases[piece]! + (start - this.#starts[piece]!);
    const bytes = Math.min(this.#starts[piece + 1]!, this.#from + this.length) - start;
    const whole = space.window(address as GuestAddress, bytes, write);
    if (whole !== undefined) return whole;
    const inPage = PAGE_BYTES - (address % PAGE_BYTES);
    return inPage < bytes ? space.window(address as GuestAddress, inPage, write) : undefined;
  }

  #hold(pieces: number): void {
    this.#bases = new Float64Array(pieces);
    this.#starts = new Float64Array(pieces + 1);
    this.#vectors = new Uint8Array(pieces * IOVEC_BYTES);
    this.#view = new DataView(this.#vectors.buffer);
  }

  #move(at: number, bytes: Uint8Array, write: boolean): Reply {
    const space = this.#space;
    if (space === undefined || at < 0) return -Errno.EFAULT;
    const start = this.#from + at;
    const end = Math.min(start + bytes.length, this.#from + this.length);
    let done = start;
    while (done < end) {
      const piece = this.#piece(done);
      const address = (this.#bases[piece]! + (done - this.#starts[piece]!)) as GuestAddress;
      const step = Math.min(end, this.#starts[piece + 1]!) - done;
      const part = step === bytes.length ? bytes : bytes.subarray(done - start, done - start + step);
      const moved = write ? space.copyOut(address, part) : space.copyIn(address, part);
      if (typeof moved !== 'number' || moved < 0) return done > start ? done - start : moved;
      done += moved;
      if (moved < step) break;
    }
    return Math.max(0, done - start);
  }

  /** Index of the piece that holds offset `at` of the whole run. */
  #piece(at: number): number {
    let piece = at >= this.#starts[this.#last]! ? this.#last : 0;
    while (piece + 1 < this.#count && at >= this.#starts[piece + 1]!) piece++;
    this.#last = piece;
    return piece;
  }
}
