const text = new TextEncoder();

/** Grows as it is written. LEB128 numbers are written in their shortest form. */
export class Writer {
  bytes: Uint8Array;
  length = 0;

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
  }

  private reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.reserve(1);
    this.bytes[this.length++] = value;
  }

  u32(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  s32(value: number): void {
    let rest = value | 0;
    while (rest < -64 || rest > 63) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.byte(rest & 0x7f);
  }

  /** An opcode and its unsigned operand. */
  op(code: number, operand: number): void {
    this.byte(code);
    this.u32(operand);
  }

  i32const(value: number): void {
    this.byte(0x41);
    this.s32(value);
  }

  copy(from: Uint8Array, start = 0, end = from.length): void {
    const count = end - start;
    this.reserve(count);
    if (count < 32) for (let i = 0; i < count; i++) this.bytes[this.length + i] = from[start + i]!;
    else this.bytes.set(start === 0 && end === from.length ? from : from.subarray(start, end), this.length);
    this.length += count;
  }

  append(other: Writer): void {
    this.copy(other.bytes, 0, other.length);
  }

  name(value: string): void {
    const encoded = text.encode(value);
    this.u32(encoded.length);
    this.copy(encoded);
  }

  /** Writes `content` behind its length. */
  sized(content: Writer): void {
    this.u32(content.length);
    this.append(content);
  }

  section(id: number, content: Writer): void {
    this.byte(id);
    this.sized(content);
  }

  clear(): void {
    this.length = 0;
  }

  result(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length) as Uint8Array<ArrayBuffer>;
  }
}
