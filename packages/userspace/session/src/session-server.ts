import { type Channel, Errno, type EventKey, type Reply } from '@ashlar/hardware';
import type { ExitStatus } from '@ashlar/kernel-stub';
import { type Field, Fields, FrameWriter, MalformedFrame } from './frame.ts';
import { Gate, type WaitSet } from './gate.ts';
import type { HostedProcess, ProcessOutlet } from './hosted-process.ts';
import type { Hosting } from './hosting.ts';
import { Operation, SESSION_LIMITS, SESSION_PROTOCOL } from './protocol.ts';

const ID_MAX = 0x7fff_ffff;
const PID_MAX = 0x7fff_ffff;
const SIGNAL_MAX = 64;
const WINDOW_MAX = 65_535;
const ENTRIES_PER_LIST = 256;

/** A file request that is asked until it has its answer. */
interface Pending {
  readonly id: number;
  readonly gate: Gate;
  /** The result, and a value for the client; or a wait. */
  readonly ask: () => Reply;
  readonly value: (result: number) => Field;
}

/**
 * The end of one session inside the payload. Frames are only queued when they arrive; they are handled at the start of a step, so that what a
 * step does depends on what had come before it.
 */
export class SessionServer implements ProcessOutlet {
  readonly #hosting: Hosting;
  readonly #channel: Channel;
  readonly #frames = new FrameWriter();
  /** Fires when a frame came, the channel drained or ended. */
  readonly #key: EventKey;
  readonly #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  readonly #owned = new Set<HostedProcess>();
  readonly #handles = new Set<number>();
  readonly #pending = new Set<Pending>();
  /** Programs asked for and not yet started. */
  #starting = 0;
  readonly #now = { sec: 0, nsec: 0 };
  #greeted = false;
  #ended = false;
  #cleared = false;
  writable = true;

  constructor(hosting: Hosting, channel: Channel) {
    this.#hosting = hosting;
    this.#channel = channel;
    const { events } = hosting.machine;
    this.#key = events.allocate();
    channel.receive(
      (frame) => this.#received(frame),
      () => {
        this.writable = true;
        events.fire(this.#key);
      },
      () => {
        this.#ended = true;
        events.fire(this.#key);
      },
    );
  }

  /** Nothing is left of it; its programs are being ended by the hosting. */
  get over(): boolean {
    return this.#cleared;
  }

  /** Handles what came, and asks again what waits. true: something moved. */
  pump(): boolean {
    if (this.#cleared) return false;
    if (this.#ended) return this.#clear();
    let moved = false;
    try {
      // While the client takes no answers, nothing that it asks is looked at.
      while (this.writable && !this.#ended) {
        const frame = this.#queue.shift();
        if (frame === undefined) break;
        this.#queuedBytes -= frame.length;
        this.#handle(Fields.of(frame));
        moved = true;
      }
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error;
      this.#hangUp(-Errno.EBADMSG);
      return true;
    }
    return this.#askPending() || moved;
  }

  collect(into: WaitSet): void {
    if (this.#cleared) return;
    into.key(this.#key);
    for (const request of this.#pending) request.gate.collect(into);
  }

  /** The payload ends. */
  close(errno: number): void {
    this.#ended = true;
    this.#clear();
    this.#channel.close(errno);
  }

  // ───── news of processes ─────

  output(pid: number, fd: number, bytes: Uint8Array): void {
    this.#send(Operation.OUTPUT, pid, fd, bytes);
  }

  inputCredit(pid: number, bytes: number): void {
    this.#send(Operation.INPUT_CREDIT, pid, bytes);
  }

  inputClosed(pid: number, errno: number): void {
    this.#send(Operation.INPUT_CLOSED, pid, errno);
  }

  exited(pid: number, status: ExitStatus): void {
    this.#send(Operation.EXIT, pid, status.code, status.signal, status.refused ?? '');
  }

  // ───── frames ─────

  #send(...fields: readonly Field[]): void {
    if (this.#ended) return;
    if (!this.#channel.send(this.#frames.write(...fields))) this.writable = false;
  }

  #received(frame: Uint8Array): void {
    if (this.#ended) return;
    const full = this.#queue.length >= SESSION_LIMITS.queuedFrames || this.#queuedBytes + frame.length > SESSION_LIMITS.queuedBytes;
    if (full) {
      this.#hangUp(-Errno.ENOBUFS);
      return;
    }
    this.#queue.push(frame.slice());
    this.#queuedBytes += frame.length;
    this.#hosting.machine.events.fire(this.#key);
  }

  #hangUp(errno: number): void {
    this.#ended = true;
    this.#channel.close(errno);
    this.#hosting.machine.events.fire(this.#key);
  }

  /** The client is gone: its programs end, its files are closed. */
  #clear(): boolean {
    this.#cleared = true;
    this.#queue.length = 0;
    this.#pending.clear();
    for (const process of this.#owned) process.abandon();
    this.#owned.clear();
    for (const handle of this.#handles) this.#closeHandle(handle);
    this.#hosting.machine.events.release(this.#key);
    return true;
  }

  #closeHandle(handle: number): number {
    this.#handles.delete(handle);
    this.#hosting.handles.delete(handle);
    return this.#hosting.system.files.close(handle);
  }

  #reply(id: number, result: number, value: Field = null): void {
    this.#send(Operation.REPLY, id, result, value);
  }

  #handle(fields: Fields): void {
    const operation = fields.integer('operation', 1, 255);
    if (operation === Operation.HELLO) {
      this.#greet(fields);
      return;
    }
    if (!this.#greeted) throw new MalformedFrame('no greeting');
    switch (operation) {
      case Operation.INPUT:
        this.#input(fields);
        break;
      case Operation.OUTPUT_CREDIT:
        this.#credit(fields);
        break;
      case Operation.OUTPUT_CLOSE:
        this.#owning(fields)?.closeOutput(fields.integer('fd', 1, 2));
        break;
      default:
        this.#request(operation, fields);
        break;
    }
  }

  #greet(fields: Fields): void {
    const version = fields.integer('version', 0, ID_MAX);
    this.#send(Operation.WELCOME, SESSION_PROTOCOL);
    if (version !== SESSION_PROTOCOL) this.#hangUp(-Errno.EPROTO);
    this.#greeted = true;
  }

  #owning(fields: Fields): HostedProcess | undefined {
    const process = this.#hosting.processes.get(fields.integer('pid', 1, PID_MAX));
    return process !== undefined && this.#owned.has(process) ? process : undefined;
  }

  #input(fields: Fields): void {
    const process = this.#owning(fields);
    const bytes = fields.bytes('input', SESSION_LIMITS.chunkBytes);
    if (process?.input(bytes.slice()) === false) throw new MalformedFrame('more input than credit');
  }

  #credit(fields: Fields): void {
    const process = this.#owning(fields);
    const fd = fields.integer('fd', 1, 2);
    const bytes = fields.integer('credit', 1, SESSION_LIMITS.outputBytes);
    if (process?.grant(fd, bytes) === false) throw new MalformedFrame('more credit than a stream may have');
  }

  #request(operation: number, fields: Fields): void {
    const id = fields.integer('id', 1, ID_MAX);
    if (this.#pending.size + this.#starting >= SESSION_LIMITS.requests) throw new MalformedFrame('too many requests at once');
    switch (operation) {
      case Operation.RUN:
        this.#run(id, fields);
        break;
      case Operation.ATTACH:
        this.#attach(id, fields);
        break;
      case Operation.PROCESSES:
        this.#reply(id, 0, [...this.#hosting.processes.keys()]);
        break;
      case Operation.SIGNAL:
        this.#signal(id, fields);
        break;
      case Operation.RESIZE:
        this.#resize(id, fields);
        break;
      case Operation.CLOSE: {
        const handle = fields.integer('handle', 0, ID_MAX);
        this.#reply(id, this.#handles.has(handle) ? this.#closeHandle(handle) : -Errno.EBADF);
        break;
      }
      default:
        this.#fileRequest(operation, id, fields);
        break;
    }
  }

  // ───── processes ─────

  #run(id: number, fields: Fields): void {
    const argv = fields.texts('argv', SESSION_LIMITS.strings, ID_MAX);
    const pairs = fields.texts('env', SESSION_LIMITS.strings, ID_MAX);
    const cwd = fields.text('cwd', SESSION_LIMITS.pathBytes);
    const tty = fields.flag('tty');
    const columns = fields.integer('columns', 0, WINDOW_MAX);
    const rows = fields.integer('rows', 0, WINDOW_MAX);
    if (argv.length === 0) {
      this.#reply(id, -Errno.EINVAL);
      return;
    }
    if (this.#hosting.full) {
      this.#reply(id, -Errno.EAGAIN);
      return;
    }
    const env: Record<string, string> = Object.create(null) as Record<string, string>;
    for (let at = 0; at + 1 < pairs.length; at += 2) env[pairs[at]!] = pairs[at + 1]!;
    const size = columns > 0 && rows > 0 ? { columns, rows } : {};
    this.#starting++;
    this.#hosting.start({ argv, env, cwd, tty, ...size }, (started) => this.#started(id, started));
  }

  #started(id: number, started: HostedProcess | number): void {
    this.#starting--;
    if (typeof started === 'number') {
      this.#reply(id, started);
      return;
    }
    if (this.#cleared) {
      started.abandon();
      return;
    }
    this.#reply(id, started.pid);
    this.#own(started);
  }

  #own(process: HostedProcess): void {
    this.#owned.add(process);
    process.attach(this);
  }

  #attach(id: number, fields: Fields): void {
    const process = this.#hosting.processes.get(fields.integer('pid', 1, PID_MAX));
    if (process === undefined) {
      this.#reply(id, -Errno.ESRCH);
      return;
    }
    if (process.outlet !== undefined) {
      this.#reply(id, -Errno.EBUSY);
      return;
    }
    this.#reply(id, process.pid);
    this.#own(process);
  }

  #signal(id: number, fields: Fields): void {
    const process = this.#owning(fields);
    const signal = fields.integer('signal', 0, SIGNAL_MAX);
    const alive = process !== undefined && !process.exited;
    this.#reply(id, alive ? this.#hosting.system.signal(process.pid, signal, process.tty) : -Errno.ESRCH);
  }

  #resize(id: number, fields: Fields): void {
    const process = this.#owning(fields);
    const columns = fields.integer('columns', 1, WINDOW_MAX);
    const rows = fields.integer('rows', 1, WINDOW_MAX);
    this.#reply(id, process === undefined ? -Errno.ESRCH : this.#hosting.system.resize(process.pid, columns, rows));
  }

  // ───── files ─────

  #fileRequest(operation: number, id: number, fields: Fields): void {
    const { files } = this.#hosting.system;
    switch (operation) {
      case Operation.OPEN:
        this.#open(id, fields);
        break;
      case Operation.READ:
        this.#read(id, fields);
        break;
      case Operation.WRITE: {
        const handle = this.#handleOf(fields);
        const at = fields.integer('position', 0, Number.MAX_SAFE_INTEGER);
        const bytes = fields.bytes('bytes', SESSION_LIMITS.fileBytes).slice();
        this.#ask(id, () => (handle < 0 ? handle : files.write(handle, at, bytes)));
        break;
      }
      case Operation.LIST:
        this.#list(id, fields);
        break;
      case Operation.STAT: {
        const path = fields.text('path', SESSION_LIMITS.pathBytes);
        const out = { mode: 0, size: 0, mtime: { sec: 0, nsec: 0 } };
        this.#ask(
          id,
          () => files.stat(path, out),
          () => [out.mode, out.size, out.mtime.sec, out.mtime.nsec],
        );
        break;
      }
      case Operation.MKDIR: {
        const path = fields.text('path', SESSION_LIMITS.pathBytes);
        const mode = fields.integer('mode', 0, 0o7777);
        this.#ask(id, () => files.mkdir(path, mode));
        break;
      }
      case Operation.REMOVE: {
        const path = fields.text('path', SESSION_LIMITS.pathBytes);
        this.#ask(id, () => files.remove(path));
        break;
      }
      default:
        throw new MalformedFrame(`operation ${operation} is unknown`);
    }
  }

  /** A handle of this session, or -EBADF. */
  #handleOf(fields: Fields): number {
    const handle = fields.integer('handle', 0, ID_MAX);
    return this.#handles.has(handle) ? handle : -Errno.EBADF;
  }

  #open(id: number, fields: Fields): void {
    const path = fields.text('path', SESSION_LIMITS.pathBytes);
    const flags = fields.integer('flags', 0, ID_MAX);
    const mode = fields.integer('mode', 0, 0o7777);
    const { files } = this.#hosting.system;
    this.#ask(
      id,
      () => files.open(path, flags, mode),
      (handle) => {
        this.#handles.add(handle);
        this.#hosting.handles.add(handle);
        return null;
      },
    );
  }

  #read(id: number, fields: Fields): void {
    const handle = this.#handleOf(fields);
    const at = fields.integer('position', 0, Number.MAX_SAFE_INTEGER);
    const into = new Uint8Array(fields.integer('bytes', 1, SESSION_LIMITS.fileBytes));
    const { files } = this.#hosting.system;
    this.#ask(
      id,
      () => (handle < 0 ? handle : files.read(handle, at, into)),
      (bytes) => into.subarray(0, bytes),
    );
  }

  #list(id: number, fields: Fields): void {
    const path = fields.text('path', SESSION_LIMITS.pathBytes);
    const skip = fields.integer('skip', 0, ID_MAX);
    const { files } = this.#hosting.system;
    const entries: { name: string; type: number }[] = [];
    const ask = (): Reply => {
      entries.length = 0;
      return files.list(path, skip, entries);
    };
    this.#ask(id, ask, () => entries.slice(0, ENTRIES_PER_LIST).map(({ name, type }) => [name, type]));
  }

  #ask(id: number, ask: () => Reply, value: (result: number) => Field = () => null): void {
    this.#pending.add({ id, gate: new Gate(), ask, value });
  }

  #askPending(): boolean {
    const { events, clock } = this.#hosting.machine;
    let moved = false;
    for (const request of this.#pending) {
      // Replies carry file bytes: none is made while the client does not take them.
      if (!this.writable) break;
      if (!request.gate.open(events, clock, this.#now)) continue;
      const result = request.ask();
      if (typeof result !== 'number') {
        request.gate.close(result, events);
        continue;
      }
      this.#pending.delete(request);
      this.#reply(request.id, result, result < 0 ? null : request.value(result));
      moved = true;
    }
    return moved;
  }
}
