/** A growing byte string with the number encodings of the WebAssembly binary format (core specification, chapter 5). */
export class Bytes {
  #data = new Uint8Array(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    if (this.#length === this.#data.length) this.#grow(1);
    this.#data[this.#length++] = value;
  }

  /** Unsigned LEB128 of 0 … 2³² − 1. */
  u32(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.u8((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.u8(rest);
  }

  /** Signed LEB128 of a 32-bit integer. */
  s32(value: number): void {
    let rest = value | 0;
    while (rest < -64 || rest > 63) {
      this.u8((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.u8(rest & 0x7f);
  }

  /** Signed LEB128 of the 64-bit integer `high`:`low`. */
  s64(low: number, high: number): void {
    let lo = low | 0;
    let hi = high | 0;
    for (;;) {
      const byte = lo & 0x7f;
      lo = (lo >>> 7) | (hi << 25);
      hi >>= 7;
      if (hi === lo >> 31 && (lo === 0 || lo === -1) && (byte & 0x40) === (lo & 0x40)) {
        this.u8(byte);
        return;
      }
      this.u8(byte | 0x80);
    }
  }

  f64(value: number): void {
    const raw = new Uint8Array(8);
    new DataView(raw.buffer).setFloat64(0, value, true);
    this.append(raw);
  }

  f32(value: number): void {
    const raw = new Uint8Array(4);
    new DataView(raw.buffer).setFloat32(0, value, true);
    this.append(raw);
  }

  /** A name: its length, then its UTF-8 bytes (ASCII here). */
  name(text: string): void {
    this.u32(text.length);
    for (let i = 0; i < text.length; i++) this.u8(text.charCodeAt(i));
  }

  append(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#data.length) this.#grow(bytes.length);
    this.#data.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** `content` preceded by its length, as sections and function bodies are. */
  sized(content: Bytes): void {
    this.u32(content.length);
    this.append(content.view());
  }

  /** The bytes written so far; dead at the next write. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#data.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  #grow(need: number): void {
    const next = new Uint8Array(Math.max(this.#data.length * 2, this.#length + need));
    next.set(this.#data.subarray(0, this.#length));
    this.#data = next;
  }
}
