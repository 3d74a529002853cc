import { Errno } from '@ashlar/hardware';
import type { GuestProcess, ProcessExit, ProgramOutput } from '@ashlar/userspace';
import { ClientOutput, streamOf } from './client-output.ts';
import type { Field } from './frame.ts';
import { Operation, SESSION_LIMITS } from './protocol.ts';
import { SessionFailure } from './session-error.ts';

const SIGNAL_MAX = 64;
const WINDOW_MAX = 65_535;

/** What a process asks of its session. */
export interface ProcessLink {
  send(...fields: readonly Field[]): void;
  request(what: string, operation: number, ...fields: readonly Field[]): Promise<void>;
  /** Nothing more will come from this process. */
  finished(): void;
}

/** A program in the domain, from outside. */
export class ClientProcess implements GuestProcess {
  readonly pid: number;
  readonly exit: Promise<ProcessExit>;
  readonly #link: ProcessLink;
  readonly #outputs: readonly [ClientOutput, ClientOutput];
  /** Made when they are asked for: a host may take longer to load what it has of streams than to start a program. */
  readonly #streams: (ReadableStream<Uint8Array> | undefined)[] = [];
  #stdin: WritableStream<Uint8Array> | undefined;
  #inputCredit = 0;
  #inputErrno = 0;
  #wakeInput: (() => void) | undefined;
  #exited = false;
  #settle!: { resolve: (exit: ProcessExit) => void; reject: (error: Error) => void };

  constructor(pid: number, link: ProcessLink) {
    this.pid = pid;
    this.#link = link;
    this.exit = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // A caller that never looks must not be a crash of its own process.
    this.exit.catch(() => undefined);
    const open = (fd: number): ClientOutput =>
      new ClientOutput(
        (bytes) => link.send(Operation.OUTPUT_CREDIT, pid, fd, bytes),
        () => link.send(Operation.OUTPUT_CLOSE, pid, fd),
      );
    this.#outputs = [open(1), open(2)];
  }

  get stdin(): WritableStream<Uint8Array> {
    this.#stdin ??= new WritableStream<Uint8Array>({
      write: (chunk) => this.#write(chunk),
      close: () => this.endInput(),
      abort: () => this.endInput(),
    });
    return this.#stdin;
  }

  get stdout(): ReadableStream<Uint8Array> {
    return this.#streamOf(1);
  }

  get stderr(): ReadableStream<Uint8Array> {
    return this.#streamOf(2);
  }

  outputOf(fd: 1 | 2): ProgramOutput {
    return this.#outputs[fd - 1] as ClientOutput;
  }

  endInput(): void {
    if (this.#inputErrno === 0) this.#link.send(Operation.INPUT, this.pid, new Uint8Array(0));
  }

  async signal(signal: number): Promise<void> {
    if (!Number.isInteger(signal) || signal < 0 || signal > SIGNAL_MAX) throw new SessionFailure(`signal ${signal}`, Errno.EINVAL);
    return this.#link.request(`signal process ${this.pid}`, Operation.SIGNAL, signal);
  }

  async resize(columns: number, rows: number): Promise<void> {
    const valid = [columns, rows].every((each) => Number.isInteger(each) && each >= 1 && each <= WINDOW_MAX);
    if (!valid) throw new SessionFailure(`resize to ${columns} × ${rows}`, Errno.EINVAL);
    return this.#link.request(`resize the terminal of process ${this.pid}`, Operation.RESIZE, columns, rows);
  }

  output(fd: number, bytes: Uint8Array): void {
    this.#outputs[fd - 1]?.receive(bytes);
    this.#checkFinished();
  }

  inputCredit(bytes: number): void {
    this.#inputCredit += bytes;
    this.#wake();
  }

  inputClosed(errno: number): void {
    this.#inputErrno = errno === 0 ? -Errno.EPIPE : errno;
    this.#wake();
  }

  /** @param refused the operation that the kernel stub lacks and that ended it, or '' */
  exited(code: number, signal: number, refused = ''): void {
    this.#exited = true;
    this.#settle.resolve(signal === 0 ? { code } : refused === '' ? { signal } : { signal, refused });
    this.inputClosed(-Errno.EPIPE);
    this.#checkFinished();
  }

  /** The session ended under it. */
  lost(): void {
    const error = new SessionFailure(`process ${this.pid}`, Errno.ECONNRESET);
    for (const output of this.#outputs) output.fail(error);
    this.#settle.reject(error);
    this.inputClosed(-Errno.ECONNRESET);
  }

  async #write(chunk: Uint8Array): Promise<void> {
    for (let done = 0; done < chunk.length; ) {
      while (this.#inputCredit === 0 && this.#inputErrno === 0) {
        await new Promise<void>((resolve) => {
          this.#wakeInput = resolve;
        });
      }
      if (this.#inputErrno !== 0) throw new SessionFailure(`write to process ${this.pid}`, this.#inputErrno);
      const bytes = Math.min(chunk.length - done, this.#inputCredit, SESSION_LIMITS.chunkBytes);
      this.#inputCredit -= bytes;
      this.#link.send(Operation.INPUT, this.pid, chunk.subarray(done, done + bytes));
      done += bytes;
    }
  }

  #streamOf(fd: 1 | 2): ReadableStream<Uint8Array> {
    const stream = this.#streams[fd] ?? streamOf(this.outputOf(fd));
    this.#streams[fd] = stream;
    return stream;
  }

  #wake(): void {
    const wake = this.#wakeInput;
    this.#wakeInput = undefined;
    wake?.();
  }

  #checkFinished(): void {
    if (this.#exited && this.#outputs.every(({ ended }) => ended)) this.#link.finished();
  }
}
