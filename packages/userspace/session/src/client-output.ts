import type { ProgramOutput } from '@ashlar/userspace';
import { SESSION_LIMITS } from './protocol.ts';

/** Bytes that come before they were read, at most. */
const WINDOW = SESSION_LIMITS.outputBytes;

/** Pieces given back that are held for later ones, at most. */
const SPARE_MAX = 4;

/** Whoever waits for the next piece. */
interface Reader {
  readonly resolve: (piece: Uint8Array | undefined) => void;
  readonly reject: (error: Error) => void;
}

/** One output of a program: bytes come only as far as they were asked for, and are asked for only as far as they are read. */
export class ClientOutput implements ProgramOutput {
  readonly #grant: (bytes: number) => void;
  readonly #hangUp: () => void;
  readonly #pieces: Uint8Array[] = [];
  /** Memory of pieces that were given back: fresh pages cost more than what is copied into them. */
  readonly #spare: ArrayBuffer[] = [];
  /** Of all pieces. */
  #bytes = 0;
  /** Asked for and not yet come. */
  #credit = 0;
  #reader: Reader | undefined;
  #ended = false;
  #error: Error | undefined;

  /** `grant` lets so many more bytes come; `hangUp` says that nobody reads any more. */
  constructor(grant: (bytes: number) => void, hangUp: () => void) {
    this.#grant = grant;
    this.#hangUp = hangUp;
    this.#ask();
  }

  /** Nothing more comes. */
  get ended(): boolean {
    return this.#ended;
  }

  next(): Promise<Uint8Array | undefined> {
    const piece = this.#pieces.shift();
    if (piece === undefined) return this.#wait();
    this.#bytes -= piece.length;
    this.#ask();
    return Promise.resolve(piece);
  }

  reuse(piece: Uint8Array): void {
    if (!this.#ended && this.#spare.length < SPARE_MAX && piece.buffer instanceof ArrayBuffer) this.#spare.push(piece.buffer);
  }

  close(): void {
    if (this.#ended) return;
    this.#end();
    this.#hangUp();
  }

  /** Bytes that came, which are copied; none: the end. What was under way when the reader went away is dropped. */
  receive(bytes: Uint8Array): void {
    this.#credit -= bytes.length;
    if (this.#ended) return;
    if (bytes.length === 0) {
      this.#ended = true;
      this.#spare.length = 0;
      this.#tell(undefined);
    } else if (this.#reader === undefined) {
      this.#pieces.push(this.#copy(bytes));
      this.#bytes += bytes.length;
    } else {
      this.#tell(this.#copy(bytes));
      this.#ask();
    }
  }

  #copy(bytes: Uint8Array): Uint8Array {
    const spare = this.#spare.pop();
    if (spare === undefined || spare.byteLength < bytes.length) return bytes.slice();
    const piece = new Uint8Array(spare, 0, bytes.length);
    piece.set(bytes);
    return piece;
  }

  /** The session ended under it. */
  fail(error: Error): void {
    if (this.#ended) return;
    this.#error = error;
    this.#reader?.reject(error);
    this.#reader = undefined;
    this.#end();
  }

  #wait(): Promise<Uint8Array | undefined> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve(undefined);
    if (this.#reader !== undefined) return Promise.reject(new Error('an output was asked for its next piece twice at once'));
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  #end(): void {
    this.#ended = true;
    this.#spare.length = 0;
    this.#pieces.length = 0;
    this.#bytes = 0;
    this.#tell(undefined);
  }

  #tell(piece: Uint8Array | undefined): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.resolve(piece);
  }

  #ask(): void {
    const room = WINDOW - this.#bytes - this.#credit;
    // In larger steps, so that a reader of small pieces does not cause a frame for each.
    if (this.#ended || room < WINDOW / 4) return;
    this.#credit += room;
    this.#grant(room);
  }
}

/** The output as a web stream. */
export function streamOf(output: ProgramOutput): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const piece = await output.next();
        if (piece === undefined) controller.close();
        else controller.enqueue(piece);
      },
      cancel: () => output.close(),
    },
    { highWaterMark: 0 },
  );
}
