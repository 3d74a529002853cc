/** A module cannot be parsed or is refused. The message names the place and, where there is one, the way out. */
export class ModuleError extends Error {
  override readonly name = 'ModuleError';
}

/** Reads the primitive encodings of a WebAssembly binary (core specification, chapter 5.2). Every read is checked against `end`. */
export class Reader {
  at: number;
  readonly end: number;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  fail(what: string): never {
    throw new ModuleError(`not a valid WebAssembly module: ${what} at byte ${this.at}`);
  }

  byte(): number {
    if (this.at >= this.end) this.fail('unexpected end');
    return this.bytes[this.at++]!;
  }

  /** An unsigned LEB128 of at most 32 bits. */
  u32(): number {
    const first = this.byte();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    return this.fail('a number of more than 32 bits');
  }

  /** A signed LEB128 of at most 33 bits, as in block types. */
  s33(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 5; count++) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) return byte & 0x40 ? value - scale : value;
    }
    return this.fail('a number of more than 33 bits');
  }

  /** A signed LEB128 of at most 32 bits. */
  s32(): number {
    return this.s33() | 0;
  }

  /** Passes over a LEB128 of any width up to 64 bits. */
  skipLeb(): void {
    const last = this.at + 10;
    while (this.byte() >= 0x80) if (this.at >= last) this.fail('a number of more than 64 bits');
  }

  skip(count: number): void {
    if (count > this.end - this.at) this.fail('unexpected end');
    this.at += count;
  }

  take(count: number): Uint8Array {
    const from = this.at;
    this.skip(count);
    return this.bytes.subarray(from, this.at);
  }

  /** A reader of the next `count` bytes; this one goes on behind them. */
  sub(count: number): Reader {
    const from = this.at;
    this.skip(count);
    return new Reader(this.bytes, from, this.at);
  }

  name(): string {
    return new TextDecoder().decode(this.take(this.u32()));
  }
}
