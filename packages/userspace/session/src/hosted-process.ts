import { Errno, type Machine, type Plain, type Reply } from '@ashlar/hardware';
import type { ExitStatus, System } from '@ashlar/kernel-stub';
import { Gate, type WaitSet } from './gate.ts';
import { SESSION_LIMITS } from './protocol.ts';

const STDIN = 0;
const SIGKILL = 9;
/** VEOF's usual character: how a terminal is told that no more will be typed. */
const END_OF_INPUT = Uint8Array.of(4);
/** Chunks moved for one process and stream in one step, so that no step is long. */
const CHUNKS_PER_STEP = 4;

/** Where a process's news go: the session that started it or attached to it. */
export interface ProcessOutlet {
  /** false: the channel takes no more for now. */
  readonly writable: boolean;
  output(pid: number, fd: number, bytes: Uint8Array): void;
  inputCredit(pid: number, bytes: number): void;
  inputClosed(pid: number, errno: number): void;
  exited(pid: number, status: ExitStatus): void;
}

class OutputStream {
  readonly fd: number;
  readonly gate = new Gate();
  credit = 0;
  ended: boolean;

  constructor(fd: number, ended: boolean) {
    this.fd = fd;
    this.ended = ended;
  }
}

/** What is known of a process that a session started: what it has yet to read, and how far it was heard. */
export class HostedProcess {
  readonly pid: number;
  readonly tty: boolean;
  outlet: ProcessOutlet | undefined;
  readonly #system: System;
  readonly #machine: Machine;
  readonly #outputs: readonly OutputStream[];
  readonly #status: ExitStatus = { code: 0, signal: 0 };
  readonly #exitGate = new Gate();
  readonly #inputGate = new Gate();
  readonly #now = { sec: 0, nsec: 0 };
  #input: Uint8Array[] = [];
  #inputBytes = 0;
  /** The client said that no more comes. */
  #inputEnded = false;
  /** The process cannot be written to any more. */
  #inputClosed = false;
  #exited = false;
  #told = false;
  #abandoned = false;

  constructor(system: System, machine: Machine, pid: number, tty: boolean, ended: readonly boolean[] = [false, tty]) {
    this.#system = system;
    this.#machine = machine;
    this.pid = pid;
    this.tty = tty;
    this.#outputs = [new OutputStream(1, ended[0] ?? false), new OutputStream(2, ended[1] ?? false)];
  }

  static restore(system: System, machine: Machine, saved: Plain): HostedProcess {
    const { pid, tty, ended, input, inputEnded, inputClosed } = saved as unknown as SavedProcess;
    const process = new HostedProcess(system, machine, pid, tty, ended);
    if (input.length > 0) process.#input.push(input.slice());
    process.#inputBytes = input.length;
    process.#inputEnded = inputEnded;
    process.#inputClosed = inputClosed;
    return process;
  }

  save(): Plain {
    const input = new Uint8Array(this.#inputBytes);
    let at = 0;
    for (const chunk of this.#input) {
      input.set(chunk, at);
      at += chunk.length;
    }
    const saved: SavedProcess = {
      pid: this.pid,
      tty: this.tty,
      ended: this.#outputs.map(({ ended }) => ended),
      input,
      inputEnded: this.#inputEnded,
      inputClosed: this.#inputClosed,
    };
    return saved as unknown as Plain;
  }

  /** Ended, and heard to its end or given up. One that waits for a session to attach is kept. */
  get finished(): boolean {
    return this.#exited && (this.#abandoned || (this.#told && this.#outputs.every(({ ended }) => ended)));
  }

  get exited(): boolean {
    return this.#exited;
  }

  /** A session takes over: it grants credit anew and hears of everything not yet told. */
  attach(outlet: ProcessOutlet): void {
    this.outlet = outlet;
    this.#told = false;
    for (const stream of this.#outputs) {
      stream.credit = 0;
      if (stream.ended) outlet.output(this.pid, stream.fd, EMPTY);
    }
    const room = SESSION_LIMITS.inputBytes - this.#inputBytes;
    if (this.#inputClosed) outlet.inputClosed(this.pid, -Errno.EPIPE);
    else if (room > 0) outlet.inputCredit(this.pid, room);
  }

  /** Bytes from outside, within the credit; none: the end. false: more than the credit. */
  input(bytes: Uint8Array): boolean {
    if (bytes.length === 0) {
      this.#inputEnded = true;
      return true;
    }
    if (this.#inputClosed) return true;
    if (this.#inputEnded || this.#inputBytes + bytes.length > SESSION_LIMITS.inputBytes) return false;
    this.#input.push(bytes);
    this.#inputBytes += bytes.length;
    return true;
  }

  /** false: no such stream, or more than a client may let come. */
  grant(fd: number, bytes: number): boolean {
    const stream = this.#outputs.find((each) => each.fd === fd);
    if (stream === undefined || stream.credit + bytes > SESSION_LIMITS.outputBytes) return false;
    stream.credit += bytes;
    return true;
  }

  /** Nobody reads this output any more: writing to it fails from now on, as to a pipe without reader. A terminal stays. */
  closeOutput(fd: number): void {
    const stream = this.#outputs.find((each) => each.fd === fd);
    if (stream === undefined || stream.ended) return;
    stream.ended = true;
    if (!this.tty) this.#system.stdio(this.pid, fd)?.close();
  }

  /** Nobody listens any more: the process group is ended. */
  abandon(): void {
    this.outlet = undefined;
    this.#abandoned = true;
    if (!this.#exited) this.#system.signal(this.pid, SIGKILL, true);
  }

  /** Frees what the kernel keeps of the process. */
  release(): void {
    for (const fd of this.tty ? [STDIN] : [STDIN, 1, 2]) this.#system.stdio(this.pid, fd)?.close();
    this.#system.release(this.pid);
  }

  /** Moves what can be moved now, through `chunk`. true: something moved. */
  pump(chunk: Uint8Array): boolean {
    let moved = this.#pumpInput();
    for (const stream of this.#outputs) if (this.#pumpOutput(stream, chunk)) moved = true;
    if (this.#pumpExit()) moved = true;
    return moved;
  }

  collect(into: WaitSet): void {
    this.#inputGate.collect(into);
    this.#exitGate.collect(into);
    for (const stream of this.#outputs) stream.gate.collect(into);
  }

  #pumpInput(): boolean {
    const { events, clock } = this.#machine;
    if (this.#inputClosed || (this.#input.length === 0 && !this.#inputEnded)) return false;
    if (!this.#inputGate.open(events, clock, this.#now)) return false;
    const stdio = this.#system.stdio(this.pid, STDIN);
    if (stdio === undefined) return this.#closeInput(-Errno.EPIPE);
    for (let count = 0; count < CHUNKS_PER_STEP && this.#input.length > 0; count++) {
      const first = this.#input[0]!;
      const taken = stdio.write(first);
      if (typeof taken !== 'number') {
        this.#inputGate.close(taken, events);
        return count > 0;
      }
      if (taken < 0) return this.#closeInput(taken);
      this.#took(first, taken);
    }
    return this.#input.length > 0 || this.#endInput(stdio.write.bind(stdio), () => stdio.close());
  }

  #took(first: Uint8Array, taken: number): void {
    if (taken === first.length) this.#input.shift();
    else this.#input[0] = first.subarray(taken);
    this.#inputBytes -= taken;
    if (taken > 0) this.outlet?.inputCredit(this.pid, taken);
  }

  #endInput(write: (bytes: Uint8Array) => Reply, close: () => void): boolean {
    if (!this.#inputEnded) return true;
    if (this.tty) {
      const taken = write(END_OF_INPUT);
      if (typeof taken !== 'number') {
        this.#inputGate.close(taken, this.#machine.events);
        return false;
      }
    } else {
      close();
    }
    this.#inputClosed = true;
    return true;
  }

  #closeInput(errno: number): boolean {
    this.#inputClosed = true;
    this.#input = [];
    this.#inputBytes = 0;
    this.outlet?.inputClosed(this.pid, errno);
    return true;
  }

  #pumpOutput(stream: OutputStream, chunk: Uint8Array): boolean {
    const { events, clock } = this.#machine;
    const outlet = this.outlet;
    if (outlet === undefined || stream.ended || !stream.gate.open(events, clock, this.#now)) return false;
    const stdio = this.#system.stdio(this.pid, stream.fd);
    if (stdio === undefined) return this.#endOutput(stream, outlet);
    let moved = false;
    for (let count = 0; count < CHUNKS_PER_STEP && stream.credit > 0 && outlet.writable; count++) {
      const got = stdio.read(stream.credit < chunk.length ? chunk.subarray(0, stream.credit) : chunk);
      if (typeof got !== 'number') {
        stream.gate.close(got, events);
        return moved;
      }
      moved = true;
      if (got <= 0) return this.#endOutput(stream, outlet);
      stream.credit -= got;
      outlet.output(this.pid, stream.fd, chunk.subarray(0, got));
    }
    return moved;
  }

  #endOutput(stream: OutputStream, outlet: ProcessOutlet): boolean {
    stream.ended = true;
    outlet.output(this.pid, stream.fd, EMPTY);
    return true;
  }

  #pumpExit(): boolean {
    const { events, clock } = this.#machine;
    if (!this.#exited) {
      if (!this.#exitGate.open(events, clock, this.#now)) return false;
      const reply = this.#system.wait(this.pid, this.#status);
      if (typeof reply !== 'number') {
        this.#exitGate.close(reply, events);
        return false;
      }
      this.#exited = true;
    }
    if (this.#told || this.outlet === undefined) return false;
    this.#told = true;
    this.outlet.exited(this.pid, this.#status);
    return true;
  }
}

const EMPTY = new Uint8Array(0);

interface SavedProcess {
  readonly pid: number;
  readonly tty: boolean;
  readonly ended: readonly boolean[];
  readonly input: Uint8Array;
  readonly inputEnded: boolean;
  readonly inputClosed: boolean;
}
