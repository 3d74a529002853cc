import { OpenFlag } from '@ashlar/kernel-stub';
import { type OpenFifo, Pipe, PipeEnd } from './pipe.ts';
import type { WaitQueue } from './wait-queue.ts';

/** Fifos that somebody has open, by their node. A fifo nobody has open holds nothing. */
export class FifoTable {
  readonly #pipes = new Map<string, Pipe>();
  readonly #serial: () => number;
  readonly #newQueue: () => WaitQueue;

  constructor(serial: () => number, newQueue: () => WaitQueue) {
    this.#serial = serial;
    this.#newQueue = newQueue;
  }

  open(fifo: OpenFifo, flags: number): PipeEnd {
    const { key } = fifo;
    this.#sweep();
    let pipe = this.#pipes.get(key);
    if (pipe === undefined) {
      pipe = new Pipe(this.#serial(), this.#newQueue);
      this.#pipes.set(key, pipe);
    }
    return new PipeEnd(pipe, flags & (OpenFlag.ACCESS | OpenFlag.NONBLOCK), fifo);
  }

  /** After a restore: the pipe behind a fifo's node. */
  adopt(key: string, pipe: Pipe): void {
    this.#pipes.set(key, pipe);
  }

  #sweep(): void {
    for (const [key, pipe] of this.#pipes) if (pipe.readers === 0 && pipe.writers === 0) this.#pipes.delete(key);
  }
}
