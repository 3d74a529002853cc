import { fstatSync, writeSync } from 'node:fs';

/** What is said first is held back for so long, in milliseconds, and so many bytes of it. */
const HELD_MS = 10;
const HELD_BYTES_MAX = 4096;

type Failure = NodeJS.ErrnoException | undefined;

/** Which of the two holds something back: one at a time, so that they stay in order where both go to the same place. */
let holder: Output | undefined;

/**
 * This process's stdout or stderr. To open Node.js's stream of a pipe, a socket or a terminal takes 2 to 3 ms, a twentieth of what a small program takes in all.
 * So what is said first is held back for a moment, and written without a stream if by then there is nothing to come behind it. Everything that the command
 * says goes through here, or it would be out of order.
 */
export class Output {
  readonly #fd: number;
  readonly #stream: () => NodeJS.WriteStream;
  #opened: NodeJS.WriteStream | undefined;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  /** What became of what was held, for the next who asks. */
  #failure: Failure;
  readonly #writeAtExit = (): void => this.#writeHeld();

  constructor(fd: number, stream: () => NodeJS.WriteStream) {
    this.#fd = fd;
    this.#stream = stream;
  }

  /** The stream, with all that was held given to it; nothing is held any more. That it breaks is no uncaught exception: whoever writes learns of it. */
  open(): NodeJS.WriteStream {
    if (this.#opened !== undefined) return this.#opened;
    const stream = this.#stream();
    this.#opened = stream;
    stream.on('error', () => undefined);
    for (const chunk of this.#takeHeld()) {
      stream.write(chunk, (error) => {
        this.#failure ??= error ?? undefined;
      });
    }
    return stream;
  }

  /** Settles when the chunk is written or held, with the error if something could not be written. It may be reused then. */
  write(chunk: Uint8Array): Promise<Failure> {
    if (holder !== this) holder?.open();
    if (this.#opened === undefined && this.#hold(chunk)) return Promise.resolve(this.#takeFailure());
    const stream = this.open();
    return new Promise((resolve) => stream.write(chunk, (error) => resolve(error ?? this.#takeFailure())));
  }

  say(text: string): void {
    void this.write(Buffer.from(text));
  }

  /** Settles when all is written, with the error if something could not be. Where there is no stream so far it waits for the reader without giving way. */
  async flush(): Promise<Failure> {
    if (this.#opened === undefined) this.#writeHeld();
    if (this.#opened === undefined || this.#opened.destroyed) return this.#takeFailure();
    return this.write(new Uint8Array(0));
  }

  /** Whether it is a terminal. */
  get isTerminal(): boolean {
    try {
      return fstatSync(this.#fd).isCharacterDevice() && this.open().isTTY;
    } catch {
      return false;
    }
  }

  /** Whether the chunk is held: a copy of it. */
  #hold(chunk: Uint8Array): boolean {
    if (this.#heldBytes + chunk.length > HELD_BYTES_MAX) return false;
    if (this.#timer === undefined) {
      this.#timer = setTimeout(() => this.open(), HELD_MS).unref();
      process.once('exit', this.#writeAtExit);
    }
    holder = this;
    this.#held.push(chunk.slice());
    this.#heldBytes += chunk.length;
    return true;
  }

  #takeHeld(): readonly Uint8Array[] {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    process.off('exit', this.#writeAtExit);
    if (holder === this) holder = undefined;
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    return held;
  }

  #takeFailure(): Failure {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }

  /** Writes what is held; what a descriptor that does not wait cannot take, by the stream. */
  #writeHeld(): void {
    const bytes = Buffer.concat(this.#takeHeld());
    let done = 0;
    try {
      while (done < bytes.length) done += writeSync(this.#fd, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') {
        this.#failure ??= error as NodeJS.ErrnoException;
        return;
      }
      this.#held = [bytes.subarray(done)];
      this.open();
    }
  }
}

export const stdout = new Output(1, () => process.stdout);
export const stderr = new Output(2, () => process.stderr);
