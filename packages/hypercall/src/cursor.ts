import type { Instant } from '@ashlar/hardware';

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder('utf-8', { fatal: true });
const TWO_32 = 2 ** 32;

/**
 * Reads little-endian fields within bounds. Never throws: past the end, or at a value that its type does not allow, `ok` becomes false and stays
 * so, and reads give zeroes. Check `ok` once, after the last field.
 */
export class FrameReader {
  ok = true;
  at = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #end = 0;

  reset(bytes: Uint8Array, at: number, end: number): this {
    this.#bytes = bytes;
    this.at = at;
    this.#end = Math.min(end, bytes.length);
    this.ok = at <= this.#end;
    return this;
  }

  /** Whether all was read and nothing is left. */
  get finished(): boolean {
    return this.ok && this.at === this.#end;
  }

  get left(): number {
    return this.ok ? this.#end - this.at : 0;
  }

  u8(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : (this.#bytes[at] as number);
  }

  u16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : (this.#bytes[at] as number) | ((this.#bytes[at + 1] as number) << 8);
  }

  u32(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : word(this.#bytes, at);
  }

  /** An unsigned 64-bit field whose value is below 2^53. */
  u53(): number {
    const low = this.u32();
    const high = this.u32();
    if (high >= 1 << 21) return this.#bad();
    return high * TWO_32 + low;
  }

  /** A signed 64-bit field (two's complement) within ±(2^53 − 1). */
  i53(): number {
    const low = this.u32();
    const high = this.u32() | 0;
    const value = high * TWO_32 + low;
    return Number.isSafeInteger(value) ? value : this.#bad();
  }

  /** sec i53, nsec u32 < 1e9. */
  instant(out: Instant): void {
    out.sec = this.i53();
    out.nsec = this.u32();
    if (out.nsec >= 1e9) this.#bad();
  }

  /** A length (u32, at most `max`) and so many bytes, as a view. */
  bytes(max: number): Uint8Array {
    const length = this.u32();
    if (length > max) this.#bad();
    const at = this.#take(length);
    return at < 0 ? this.#bytes.subarray(0, 0) : this.#bytes.subarray(at, at + length);
  }

  /** Like {@link bytes}, as strict UTF-8. */
  text(max: number): string {
    const bytes = this.bytes(max);
    try {
      return strictUtf8.decode(bytes);
    } catch {
      this.#bad();
      return '';
    }
  }

  #take(count: number): number {
    const at = this.at;
    if (!this.ok || count > this.#end - at) return this.#bad() - 1;
    this.at = at + count;
    return at;
  }

  #bad(): 0 {
    this.ok = false;
    return 0;
  }
}

/** Writes little-endian fields within bounds; past the end `ok` becomes false and stays so, and nothing is written. */
export class FrameWriter {
  ok = true;
  at = 0;
  bytes: Uint8Array = new Uint8Array(0);
  #end = 0;

  reset(bytes: Uint8Array, at: number, end: number): this {
    this.bytes = bytes;
    this.at = at;
    this.#end = Math.min(end, bytes.length);
    this.ok = at <= this.#end;
    return this;
  }

  get left(): number {
    return this.ok ? this.#end - this.at : 0;
  }

  u8(value: number): this {
    const at = this.reserve(1);
    if (at >= 0) this.bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.reserve(2);
    if (at >= 0) {
      this.bytes[at] = value;
      this.bytes[at + 1] = value >>> 8;
    }
    return this;
  }

  u32(value: number): this {
    const at = this.reserve(4);
    if (at >= 0) setWord(this.bytes, at, value);
    return this;
  }

  /** Values that are no safe integer fail: a wrong argument must not travel as another one. */
  u53(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) this.ok = false;
    return this.i53(value);
  }

  i53(value: number): this {
    if (!Number.isSafeInteger(value)) this.ok = false;
    const high = Math.floor(value / TWO_32);
    return this.u32(value - high * TWO_32).u32(high);
  }

  instant(value: Instant): this {
    return this.i53(value.sec).u32(value.nsec);
  }

  data(value: Uint8Array): this {
    this.u32(value.length);
    const at = this.reserve(value.length);
    if (at >= 0) this.bytes.set(value, at);
    return this;
  }

  text(value: string): this {
    return this.data(utf8.encode(value));
  }

  /** Skips `count` bytes that the caller fills; their position, or -1. */
  reserve(count: number): number {
    const at = this.at;
    if (!this.ok || count > this.#end - at) {
      this.ok = false;
      return -1;
    }
    this.at = at + count;
    return at;
  }
}

/** The unsigned 32-bit little-endian word at `at`. */
export function word(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)) >>> 0
  );
}

export function setWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
