import { FRAME_BYTES_MAX } from '@ashlar/hardware';
import { decode, Encoder } from '@msgpack/msgpack';

/** A frame that is not as the protocol says; the session is ended by it, and nothing else. */
export class MalformedFrame extends Error {
  override readonly name = 'MalformedFrame';
}

/** What a frame's fields may be. */
export type Field = number | boolean | string | null | Uint8Array | readonly Field[];

/** Writes the frames of one end of a channel. */
export class FrameWriter {
  readonly #encoder = new Encoder();

  /** A frame, good until the next one is written: a channel copies what it is given. */
  write(...fields: readonly Field[]): Uint8Array {
    return this.#encoder.encodeSharedRef(fields);
  }
}

/** A received frame, read field by field in order; every field is checked. */
export class Fields {
  readonly #values: readonly unknown[];
  #at = 0;

  private constructor(values: readonly unknown[]) {
    this.#values = values;
  }

  /** @throws MalformedFrame */
  static of(frame: Uint8Array): Fields {
    if (frame.length > FRAME_BYTES_MAX) throw new MalformedFrame(`a frame of ${frame.length} bytes`);
    let value: unknown;
    try {
      value = decode(frame);
    } catch (error) {
      throw new MalformedFrame(`not MessagePack: ${error instanceof Error ? error.message : String(error)}`);
    }
    if (!Array.isArray(value) || value.length === 0) throw new MalformedFrame('not an array');
    return new Fields(value);
  }

  get ended(): boolean {
    return this.#at >= this.#values.length;
  }

  /** What was not read yet, with bytes of its own: those of these fields are the frame's. */
  rest(): Fields {
    return new Fields(this.#values.slice(this.#at).map((value) => (value instanceof Uint8Array ? value.slice() : value)));
  }

  /** An integer in [least, most]. */
  integer(name: string, least: number, most: number): number {
    const value = this.#values[this.#at++];
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
      throw new MalformedFrame(`${name} is ${describe(value)}, not an integer in ${least} … ${most}`);
    }
    return value;
  }

  flag(name: string): boolean {
    const value = this.#values[this.#at++];
    if (typeof value !== 'boolean') throw new MalformedFrame(`${name} is ${describe(value)}, not true or false`);
    return value;
  }

  /** Text of at most `bytes` bytes, without NUL. */
  text(name: string, bytes: number): string {
    return checkedText(name, this.#values[this.#at++], bytes);
  }

  bytes(name: string, most: number): Uint8Array {
    const value = this.#values[this.#at++];
    if (!(value instanceof Uint8Array) || value.length > most)
      throw new MalformedFrame(`${name} is ${describe(value)}, not at most ${most} bytes`);
    return value;
  }

  texts(name: string, most: number, bytes: number): readonly string[] {
    const value = this.#values[this.#at++];
    if (!Array.isArray(value) || value.length > most)
      throw new MalformedFrame(`${name} is ${describe(value)}, not a list of at most ${most}`);
    return value.map((each) => checkedText(name, each, bytes));
  }

  list(name: string, most: number): readonly unknown[] {
    const value = this.#values[this.#at++];
    if (!Array.isArray(value) || value.length > most)
      throw new MalformedFrame(`${name} is ${describe(value)}, not a list of at most ${most}`);
    return value;
  }
}

function checkedText(name: string, value: unknown, bytes: number): string {
  if (typeof value !== 'string' || value.length > bytes || value.includes('\0'))
    throw new MalformedFrame(`${name} is ${describe(value)}, not text`);
  return value;
}

function describe(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value === undefined) return 'missing';
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return Array.isArray(value) ? `a list of ${value.length}` : `a ${typeof value}`;
}
