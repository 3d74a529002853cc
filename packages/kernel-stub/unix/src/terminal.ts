import type { EventKey, Instant, Plain, Reply, Result, Wait } from '@ashlar/hardware';
import { Errno, FileType } from '@ashlar/hardware';
import { type Io, PollBit, type Status, type Termios } from '@ashlar/kernel-stub';
import { deviceNumber } from './attributes.ts';
import { Description } from './description.ts';
import type { Caller, UnixHost } from './host.ts';
import { addInstants, compareInstants, instant } from './instant.ts';
import { LineDiscipline, type TypedSignal } from './line-discipline.ts';
import type { Terminal } from './terminal-device.ts';
import { Char, copySettings, LocalMode } from './terminal-settings.ts';
import { keyBytes } from './tree-place.ts';
import type { WaitQueue } from './wait-queue.ts';

/** st_dev of /dev/pts, and where its node numbers begin. */
export const PTS_DEVICE = 5;
export const PTS_FIRST_NODE = 3;
/** Major device number of terminals, as Linux has it. */
export const PTS_MAJOR = 136;
const PTS_MODE = FileType.CHARACTER | 0o620;
const SIGNALS: Readonly<Record<TypedSignal, number>> = { interrupt: 2, quit: 3, suspend: 20 };
const SIGTTIN = 21;
const SIGTTOU = 22;
const SIGWINCH = 28;
const DRAINED = 1;
const FLUSHED = 2;
const DECISECOND_NS = 100_000_000;
/** Bytes moved between user memory and the line discipline at once. */
const CHUNK_BYTES = 4096;

/** A terminal: {@link LineDiscipline} between the operator outside and the processes inside. */
export class PseudoTerminal implements Terminal {
  readonly index: number;
  session = 0;
  foreground = 0;
  columns: number;
  rows: number;
  readonly line = new LineDiscipline();
  readonly #host: UnixHost;
  /** Programs wait here for input and for room, the operator for output and for room. */
  readonly inside: WaitQueue;
  readonly #outside: WaitQueue;
  /** Inner descriptions open now; whether there ever was one. */
  #opened = 0;
  #used = false;
  hungUp = false;
  /** When the last byte was typed, for VTIME. */
  readonly #typedAt: Instant = instant();
  readonly #now: Instant = instant();
  readonly #chunk = new Uint8Array(CHUNK_BYTES);

  constructor(host: UnixHost, index: number, columns: number, rows: number) {
    this.#host = host;
    this.index = index;
    this.columns = columns;
    this.rows = rows;
    this.inside = host.queue();
    this.#outside = host.queue();
  }

  open(flags: number): Description {
    this.#opened++;
    this.#used = true;
    return new TerminalDescription(this, flags);
  }

  /** An inner description is gone. */
  closed(): void {
    this.#opened--;
    this.#outside.wake();
  }

  /** Nobody holds it and all output was shown: its number may be given to another. */
  get isSpent(): boolean {
    return this.#used && this.#opened === 0 && (this.hungUp || this.line.outputBytes === 0);
  }

  getSettings(out: Termios): Result {
    copySettings(this.line.settings, out);
    return 0;
  }

  setSettings(caller: Caller, next: Termios, when: number): Reply {
    const stopped = this.#fromBackground(caller, SIGTTOU);
    if (stopped !== 0) return stopped;
    if ((when === DRAINED || when === FLUSHED) && this.line.outputBytes > 0 && !this.hungUp) return this.inside.wait;
    if (when === FLUSHED) this.line.flushInput();
    this.line.set(next);
    this.inside.wake();
    this.#outside.wake();
    return 0;
  }

  resize(columns: number, rows: number): Result {
    if (columns < 0 || rows < 0 || columns > 0xffff || rows > 0xffff) return -Errno.EINVAL;
    if (columns === this.columns && rows === this.rows) return 0;
    this.columns = columns;
    this.rows = rows;
    if (this.foreground > 0) this.#host.signalGroup(this.foreground, SIGWINCH);
    return 0;
  }

  type(from: Uint8Array): Reply {
    if (this.hungUp) return -Errno.EIO;
    let taken = 0;
    while (taken < from.length && !this.line.inputFull) {
      const signal = this.line.type(from[taken++] as number);
      if (signal !== undefined && this.foreground > 0) this.#host.signalGroup(this.foreground, SIGNALS[signal]);
    }
    if (taken > 0) {
      this.#host.clock('monotonic', this.#typedAt);
      this.inside.wake();
      this.#outside.wake();
      return taken;
    }
    return from.length === 0 ? 0 : this.#outside.wait;
  }

  show(to: Uint8Array): Reply {
    const count = this.line.stopped ? 0 : this.line.show(to);
    if (count > 0) {
      this.inside.wake();
      return count;
    }
    if (this.hungUp || (this.#used && this.#opened === 0 && this.line.outputBytes === 0)) return 0;
    return to.length === 0 ? 0 : this.#outside.wait;
  }

  hangup(): void {
    this.hungUp = true;
    this.inside.wake();
    this.#outside.wake();
  }

  /** The read of a program (termios(3): canonical and noncanonical mode). */
  read(caller: Caller, io: Io, nonblocking: boolean): Reply {
    if (this.hungUp) return 0;
    const stopped = this.#fromBackground(caller, SIGTTIN);
    if (stopped !== 0) return stopped;
    if (io.length === 0) return 0;
    const waits = this.#readWaits(caller, io.length);
    if (waits !== undefined) return nonblocking ? -Errno.EAGAIN : waits;
    caller.progress = undefined;
    return this.#give(io);
  }

  /** undefined: the read can be answered now. */
  #readWaits(caller: Caller, wanted: number): Wait | undefined {
    const { readable, canonical, settings } = this.line;
    if (canonical) return readable > 0 ? undefined : this.inside.wait;
    const least = settings.characters[Char.MIN] as number;
    const time = settings.characters[Char.TIME] as number;
    if (readable >= Math.max(1, Math.min(least, wanted))) return undefined;
    if (time === 0) return least === 0 ? undefined : this.inside.wait;
    if (least > 0 && readable === 0) return this.inside.wait;
    const until = this.#deadline(caller, least, time);
    this.#host.clock('monotonic', this.#now);
    return compareInstants(this.#now, until) >= 0 ? undefined : { on: this.inside.wait.on, until };
  }

  /** VTIME runs from the call where VMIN is 0, and from the last byte otherwise. */
  #deadline(caller: Caller, least: number, time: number): Instant {
    const period = instant(Math.floor(time / 10), (time % 10) * DECISECOND_NS);
    if (least > 0) return addInstants(this.#typedAt, period, instant());
    const { progress } = caller;
    if (typeof progress === 'object' && progress !== null && 'terminalUntil' in progress)
      return progress.terminalUntil as unknown as Instant;
    this.#host.clock('monotonic', this.#now);
    const until = addInstants(this.#now, period, instant());
    caller.progress = { terminalUntil: { sec: until.sec, nsec: until.nsec } };
    return until;
  }

  #give(io: Io): Reply {
    let given = 0;
    for (;;) {
      const bytes = this.#chunk.subarray(0, Math.min(CHUNK_BYTES, io.length - given));
      const count = this.line.read(bytes);
      if (count === 0) break;
      const put = io.put(given, bytes.subarray(0, count));
      if (typeof put !== 'number' || put < 0) return given > 0 ? given : put;
      given += put;
      if (put < count || given === io.length || this.line.canonical) break;
    }
    this.#outside.wake();
    return given;
  }

  /** The write of a program. */
  write(caller: Caller, io: Io, nonblocking: boolean): Reply {
    if (this.hungUp) return -Errno.EIO;
    if ((this.line.settings.local & LocalMode.TOSTOP) !== 0) {
      const stopped = this.#fromBackground(caller, SIGTTOU);
      if (stopped !== 0) return stopped;
    }
    let done = typeof caller.progress === 'number' ? caller.progress : 0;
    while (done < io.length) {
      const bytes = this.#chunk.subarray(0, Math.min(CHUNK_BYTES, io.length - done));
      const got = this.line.stopped ? 0 : io.get(done, bytes);
      if (typeof got !== 'number' || got < 0) return this.#wrote(caller, done, got);
      const taken = got === 0 ? 0 : this.line.write(bytes.subarray(0, got));
      done += taken;
      if (taken > 0) this.#outside.wake();
      if (taken < bytes.length) {
        if (nonblocking || caller.signalled) return this.#wrote(caller, done, nonblocking ? -Errno.EAGAIN : -Errno.EINTR);
        caller.progress = done;
        return this.inside.wait;
      }
    }
    return this.#wrote(caller, done, 0);
  }

  #wrote(caller: Caller, done: number, otherwise: Reply): Reply {
    caller.progress = undefined;
    return done > 0 ? done : otherwise;
  }

  /** Job control: whether a process of a background group may go on. */
  #fromBackground(caller: Caller, signal: number): Result {
    const background = caller.controllingTerminal === this && this.foreground > 0 && caller.processGroup !== this.foreground;
    return background ? this.#host.background(caller, signal) : 0;
  }

  save(): Plain {
    return {
      index: this.index,
      session: this.session,
      foreground: this.foreground,
      columns: this.columns,
      rows: this.rows,
      used: this.#used,
      hungUp: this.hungUp,
      typedAt: { sec: this.#typedAt.sec, nsec: this.#typedAt.nsec },
      line: this.line.save(),
    };
  }

  /** Descriptions are restored apart and count themselves. */
  restore(saved: Plain): void {
    const state = saved as {
      session: number;
      foreground: number;
      columns: number;
      rows: number;
      used: boolean;
      hungUp: boolean;
      typedAt: { sec: number; nsec: number };
      line: Plain;
    };
    this.session = state.session;
    this.foreground = state.foreground;
    this.columns = state.columns;
    this.rows = state.rows;
    this.#used = state.used;
    this.hungUp = state.hungUp;
    this.#typedAt.sec = state.typedAt.sec;
    this.#typedAt.nsec = state.typedAt.nsec;
    this.line.restore(state.line);
  }
}

/** The inner side of a terminal, as programs open it. */
export class TerminalDescription extends Description {
  readonly kind = 'terminal';
  readonly #terminal: PseudoTerminal;

  constructor(terminal: PseudoTerminal, flags: number) {
    super(flags);
    this.#terminal = terminal;
  }

  protected override closed(): void {
    this.#terminal.closed();
  }

  override read(caller: Caller, io: Io): Reply {
    return this.#terminal.read(caller, io, this.nonblocking);
  }

  override write(caller: Caller, io: Io): Reply {
    return this.#terminal.write(caller, io, this.nonblocking);
  }

  override stat(_caller: Caller, out: Status): Reply {
    terminalStatus(this.#terminal.index, out);
    return 0;
  }

  override ready(_caller: Caller): number {
    const terminal = this.#terminal;
    if (terminal.hungUp) return PollBit.IN | PollBit.OUT | PollBit.HUP | PollBit.ERR;
    const { line } = terminal;
    const least = line.canonical
      ? 1
      : Math.max(1, line.settings.characters[Char.TIME] === 0 ? (line.settings.characters[Char.MIN] as number) : 1);
    return (line.readable >= least ? PollBit.IN : 0) | (line.outputRoom >= 256 && !line.stopped ? PollBit.OUT : 0);
  }

  override watch(keys: EventKey[]): void {
    keys.push(this.#terminal.inside.key);
  }

  override available(_caller: Caller): Result {
    return this.#terminal.line.readable;
  }

  override terminal(): Terminal {
    return this.#terminal;
  }

  override label(): Uint8Array {
    return keyBytes(`/dev/pts/${this.#terminal.index}`);
  }

  override save(): Plain {
    return { terminal: this.#terminal.index, flags: this.flags };
  }
}

/** What stat(2) says of the terminal, by descriptor and by its name in /dev/pts alike (ttyname(3) compares them). */
export function terminalStatus(index: number, out: Status): void {
  out.node = PTS_FIRST_NODE + index;
  out.mode = PTS_MODE;
  out.size = 0;
  out.links = 1;
  out.uid = 0;
  out.gid = 5;
  out.rdev = deviceNumber(PTS_MAJOR, index);
  out.device = PTS_DEVICE;
  out.blockBytes = 1024;
  out.blocks = 0;
}
