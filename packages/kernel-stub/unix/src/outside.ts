import { Errno, type Reply } from '@ashlar/hardware';
import type { Stdio } from '@ashlar/kernel-stub';
import { BytesIo } from './io.ts';
import type { Pipe } from './pipe.ts';
import type { Terminal } from './terminal-device.ts';

/** The operator's end of a program's stdio. */
export interface OutsideEnd extends Stdio {
  /** What it leads to, for saving; undefined once closed. */
  readonly pipe: Pipe | undefined;
  readonly open: boolean;
}

/** Feeds a program's standard input. */
export class PipeInput implements OutsideEnd {
  pipe: Pipe | undefined;

  constructor(pipe: Pipe) {
    this.pipe = pipe;
    pipe.openWriter();
  }

  get open(): boolean {
    return this.pipe !== undefined;
  }

  read(_to: Uint8Array): Reply {
    return -Errno.EBADF;
  }

  write(from: Uint8Array): Reply {
    const pipe = this.pipe;
    if (pipe === undefined) return -Errno.EBADF;
    if (pipe.readers === 0) return -Errno.EPIPE;
    if (from.length === 0) return 0;
    return pipe.room === 0 ? pipe.writable.wait : pipe.add(new BytesIo(from), 0);
  }

  close(): void {
    const pipe = this.pipe;
    this.pipe = undefined;
    pipe?.closeWriter();
  }
}

/** Takes what a program writes to its standard output or error. */
export class PipeOutput implements OutsideEnd {
  pipe: Pipe | undefined;

  constructor(pipe: Pipe) {
    this.pipe = pipe;
    pipe.openReader();
  }

  get open(): boolean {
    return this.pipe !== undefined;
  }

  read(to: Uint8Array): Reply {
    const pipe = this.pipe;
    if (pipe === undefined) return -Errno.EBADF;
    if (pipe.used > 0) return pipe.take(new BytesIo(to));
    return pipe.writers === 0 ? 0 : pipe.readable.wait;
  }

  write(_from: Uint8Array): Reply {
    return -Errno.EBADF;
  }

  close(): void {
    const pipe = this.pipe;
    this.pipe = undefined;
    pipe?.closeReader();
  }
}

/** The outside of a terminal: both directions. */
export class TerminalOutside implements OutsideEnd {
  readonly pipe = undefined;
  readonly #terminal: Terminal;
  open = true;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  read(to: Uint8Array): Reply {
    return this.open ? this.#terminal.show(to) : -Errno.EBADF;
  }

  write(from: Uint8Array): Reply {
    return this.open ? this.#terminal.type(from) : -Errno.EBADF;
  }

  close(): void {
    if (this.open) this.#terminal.hangup();
    this.open = false;
  }
}
