import { type AddressSpace, Errno, type GuestAddress, type Reply } from '@ashlar/hardware';
import type { Io } from '@ashlar/kernel-stub';
import { IOVEC_BYTES } from './layout.ts';

/** Most pieces of one call, as POSIX's IOV_MAX on Linux. */
export const IOV_MAX = 1024;

/**
 * The bytes of an array of iovec or ciovec as one run. One object serves every call: an operation uses it only until it answers, and
 * a parked call sets it up again when it is asked again.
 */
export class GuestVector implements Io {
  length = 0;
  #space!: AddressSpace;
  #count = 0;
  readonly #bases = new Float64Array(IOV_MAX);
  /** Offset of each piece from the start of the run; one more entry ends the last. */
  readonly #starts = new Float64Array(IOV_MAX + 1);

  /** One piece. */
  one(space: AddressSpace, at: number, bytes: number): this {
    this.#space = space;
    this.#count = 1;
    this.#bases[0] = at;
    this.#starts[1] = bytes;
    this.length = bytes;
    return this;
  }

  /** Reads the array: 0, -EINVAL (too many), -EFAULT (it, or memory it names, is outside). */
  many(space: AddressSpace, at: number, count: number): Reply {
    if (count > IOV_MAX) return -Errno.EINVAL;
    this.#space = space;
    this.#count = count;
    this.length = 0;
    for (let index = 0; index < count; index++) {
      const base = space.load32((at + index * IOVEC_BYTES) as GuestAddress);
      if (typeof base !== 'number' || base < 0) return base;
      const bytes = space.load32((at + index * IOVEC_BYTES + 4) as GuestAddress);
      if (typeof bytes !== 'number' || bytes < 0) return bytes;
      if (base + bytes > space.limit) return -Errno.EFAULT;
      this.#bases[index] = base;
      this.length += bytes;
      this.#starts[index + 1] = this.length;
    }
    return 0;
  }

  get(at: number, to: Uint8Array): Reply {
    return this.#move(at, to, false);
  }

  put(at: number, from: Uint8Array): Reply {
    return this.#move(at, from, true);
  }

  window(at: number, write: boolean): Uint8Array | undefined {
    if (at < 0 || at >= this.length) return undefined;
    const piece = this.#piece(at);
    return this.#space.window((this.#bases[piece]! + at - this.#starts[piece]!) as GuestAddress, this.#starts[piece + 1]! - at, write);
  }

  #move(at: number, bytes: Uint8Array, write: boolean): Reply {
    if (at < 0) return -Errno.EFAULT;
    const end = Math.min(at + bytes.length, this.length);
    let done = at;
    while (done < end) {
      const piece = this.#piece(done);
      const address = (this.#bases[piece]! + done - this.#starts[piece]!) as GuestAddress;
      const step = Math.min(end, this.#starts[piece + 1]!) - done;
      const part = bytes.subarray(done - at, done - at + step);
      const moved = write ? this.#space.copyOut(address, part) : this.#space.copyIn(address, part);
      if (typeof moved !== 'number' || moved < 0) return done > at ? done - at : moved;
      done += moved;
      if (moved < step) break;
    }
    return done - at;
  }

  /** Index of the piece that holds offset `at` < length; empty pieces hold none. */
  #piece(at: number): number {
    let piece = 0;
    while (piece + 1 < this.#count && at >= this.#starts[piece + 1]!) piece++;
    return piece;
  }
}
