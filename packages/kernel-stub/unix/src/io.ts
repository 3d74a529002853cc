import type { Reply } from '@ashlar/hardware';
import type { HostIo } from '@ashlar/kernel-stub';

/** An {@link HostIo} over one host array, for the operator, for copies inside the stub and for tests. */
export class BytesIo implements HostIo {
  #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get length(): number {
    return this.#bytes.length;
  }

  reset(bytes: Uint8Array): void {
    this.#bytes = bytes;
  }

  get(at: number, to: Uint8Array): Reply {
    const count = Math.max(0, Math.min(to.length, this.#bytes.length - at));
    to.set(this.#bytes.subarray(at, at + count));
    return count;
  }

  put(at: number, from: Uint8Array): Reply {
    const count = Math.max(0, Math.min(from.length, this.#bytes.length - at));
    this.#bytes.set(count === from.length ? from : from.subarray(0, count), at);
    return count;
  }

  window(at: number, _write: boolean): Uint8Array | undefined {
    return at < this.#bytes.length ? this.#bytes.subarray(at) : undefined;
  }
}
