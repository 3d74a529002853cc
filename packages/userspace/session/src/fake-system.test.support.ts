import {
  type Channel,
  Errno,
  type EventKey,
  type Events,
  type Machine,
  type PartReader,
  type PartWriter,
  type Plain,
  type Reply,
  type Wait,
} from '@ashlar/hardware';
import type { ExitStatus, KernelStub, SpawnSpec, Stdio, System } from '@ashlar/kernel-stub';

/** Events as the hardware interface describes them. */
export class TestEvents implements Events {
  readonly #last = new Map<EventKey, number>();
  #now = 0;
  #next = 1;
  allocate(): EventKey {
    return this.#next++ as EventKey;
  }
  release(): void {}
  fire(key: EventKey): void {
    this.#last.set(key, ++this.#now);
  }
  now(): number {
    return this.#now;
  }
  last(key: EventKey): number {
    return this.#last.get(key) ?? 0;
  }
  onNext(): void {}
}

/** A pipe of limited room. */
class Pipe {
  readonly #events: Events;
  readonly #wait: Wait;
  readonly #room: number;
  bytes: number[] = [];
  writerGone = false;
  readerGone = false;
  constructor(events: Events, room: number) {
    this.#events = events;
    this.#room = room;
    this.#wait = { on: [events.allocate()] };
  }
  changed(): void {
    for (const key of this.#wait.on) this.#events.fire(key);
  }
  read(to: Uint8Array): Reply {
    if (this.bytes.length === 0) return this.writerGone ? 0 : this.#wait;
    const part = this.bytes.splice(0, to.length);
    to.set(part);
    this.changed();
    return part.length;
  }
  write(from: Uint8Array): Reply {
    if (this.readerGone) return -Errno.EPIPE;
    const room = Math.min(from.length, this.#room - this.bytes.length);
    if (room === 0 && from.length > 0) return this.#wait;
    this.bytes.push(...from.subarray(0, room));
    this.changed();
    return room;
  }
}

/** A process that is played by a test: `step` runs each time the fake kernel is stepped. */
export interface Play {
  step(process: FakeProcess): void;
}

export class FakeProcess {
  readonly pid: number;
  readonly spec: SpawnSpec;
  readonly pipes: readonly Pipe[];
  readonly ended: Wait;
  status: ExitStatus | undefined;
  readonly signals: number[] = [];
  size: { columns: number; rows: number } | undefined;
  constructor(pid: number, spec: SpawnSpec, events: Events) {
    this.pid = pid;
    this.spec = spec;
    this.pipes = [0, 1, 2].map(() => new Pipe(events, 1000));
    this.ended = { on: [events.allocate()] };
  }
  exit(events: Events, status: ExitStatus): void {
    if (this.status !== undefined) return;
    this.status = status;
    this.pipes[0]!.readerGone = true;
    for (const fd of [1, 2]) this.pipes[fd]!.writerGone = true;
    for (const pipe of this.pipes) pipe.changed();
    for (const key of this.ended.on) events.fire(key);
  }
}

/** A kernel stub of which only the operator face is there. */
export class FakeKernel implements KernelStub {
  readonly schema = 'fake/1';
  readonly events = new TestEvents();
  readonly processes = new Map<number, FakeProcess>();
  readonly files = new Map<string, number[]>();
  readonly released: number[] = [];
  readonly #plays: Readonly<Record<string, Play>>;
  readonly #tags = new Map<number, number>();
  readonly #open = new Map<number, string>();
  readonly machine: Machine;
  /** What the machine's CPU makes ready. */
  pending: Promise<void> | undefined;
  stopped = false;

  constructor(plays: Readonly<Record<string, Play>>) {
    this.#plays = plays;
    const cpu = { pending: () => this.pending };
    const parts = { events: this.events, clock: { read: () => undefined }, shape: { isas: ['wasm32'] }, cpu: () => cpu };
    this.machine = parts as unknown as Machine;
  }

  install(): void {}
  step() {
    for (const process of this.processes.values()) if (process.status === undefined) this.#plays[process.spec.argv[0]!]!.step(process);
    return { used: 1, wait: { on: [] } };
  }
  serve(): number {
    return -Errno.ENOENT;
  }
  stop(): number {
    this.stopped = true;
    return 0;
  }
  save(out: PartWriter): Reply {
    out.put(
      'processes',
      [...this.processes.values()].map(({ pid, spec, pipes }) => ({ pid, argv: [...spec.argv], output: [...pipes[1]!.bytes] })),
    );
    return 0;
  }
  restore(part: PartReader): Reply {
    for (const saved of part.get('processes') as unknown as { pid: number; argv: string[]; output: number[] }[]) {
      const process = new FakeProcess(saved.pid, { argv: saved.argv, env: {}, cwd: '/', tty: false }, this.events);
      process.pipes[1]!.bytes.push(...saved.output);
      this.processes.set(saved.pid, process);
    }
    return 0;
  }

  readonly system: System = {
    features: new Set(),
    tasks: undefined,
    nativeAbis: [],
    spawn: (tag, spec) => {
      const known = this.#tags.get(tag);
      if (known !== undefined) return known;
      if (this.#plays[spec.argv[0]!] === undefined) return -Errno.ENOENT;
      const pid = 2 + this.processes.size;
      this.processes.set(pid, new FakeProcess(pid, spec, this.events));
      this.#tags.set(tag, pid);
      return pid;
    },
    signal: (pid, signal) => {
      const process = this.processes.get(pid);
      if (process === undefined) return -Errno.ESRCH;
      process.signals.push(signal);
      if (signal === 9) process.exit(this.events, { code: 0, signal: 9 });
      return 0;
    },
    wait: (pid, out) => {
      const process = this.processes.get(pid)!;
      if (process.status === undefined) return process.ended;
      Object.assign(out, process.status);
      return 0;
    },
    release: (pid) => {
      this.released.push(pid);
    },
    stdio: (pid, fd): Stdio => {
      const pipe = this.processes.get(pid)!.pipes[fd]!;
      return {
        read: (to) => pipe.read(to),
        write: (from) => pipe.write(from),
        close: () => {
          if (fd === 0) pipe.writerGone = true;
          else pipe.readerGone = true;
          pipe.changed();
        },
      };
    },
    resize: (pid, columns, rows) => {
      this.processes.get(pid)!.size = { columns, rows };
      return 0;
    },
    files: {
      open: (path, flags) => {
        if ((flags & 0o100) !== 0) this.files.set(path, []);
        if (!this.files.has(path)) return -Errno.ENOENT;
        const handle = 10 + this.#open.size;
        this.#open.set(handle, path);
        return handle;
      },
      read: (handle, at, to) => {
        const part = this.files.get(this.#open.get(handle)!)!.slice(at, at + to.length);
        to.set(part);
        return part.length;
      },
      write: (handle, at, from) => {
        const file = this.files.get(this.#open.get(handle)!)!;
        for (let index = 0; index < from.length; index++) file[at + index] = from[index]!;
        return from.length;
      },
      close: (handle) => (this.#open.delete(handle) ? 0 : -Errno.EBADF),
      list: (_path, skip, out) => {
        for (const name of [...this.files.keys()].slice(skip, skip + 256)) out.push({ name, type: 8 });
        return 0;
      },
      stat: (path, out) => {
        const file = this.files.get(path);
        if (file === undefined) return -Errno.ENOENT;
        Object.assign(out, { mode: 0o100644, size: file.length, mtime: { sec: 1, nsec: 500_000_000 } });
        return 0;
      },
      mkdir: () => 0,
      remove: (path) => (this.files.delete(path) ? 0 : -Errno.ENOENT),
    },
  };

  get openHandles(): number {
    return this.#open.size;
  }
}

/** Two ends of a channel that keep frames until `deliver`; the first is the client's. */
export class TestChannel {
  readonly sent: { readonly toward: 'client' | 'server'; readonly frame: Uint8Array }[] = [];
  readonly client: Channel = this.#end('server');
  readonly server: Channel = this.#end('client');
  closed: number | undefined;
  readonly #receivers: Partial<Record<'client' | 'server', { frame: (frame: Uint8Array) => void; end: (errno: number) => void }>> = {};

  deliver(): void {
    for (let next = this.sent.shift(); next !== undefined; next = this.sent.shift()) this.#receivers[next.toward]?.frame(next.frame);
  }

  #end(toward: 'client' | 'server'): Channel {
    const own = toward === 'client' ? 'server' : 'client';
    return {
      send: (frame) => {
        if (this.closed === undefined) this.sent.push({ toward, frame: frame.slice() });
        return true;
      },
      receive: (frame, _drain, end) => {
        this.#receivers[own] = { frame, end };
      },
      close: (errno) => {
        if (this.closed !== undefined) return;
        this.closed = errno;
        this.#receivers.client?.end(errno);
        this.#receivers.server?.end(errno);
      },
    };
  }
}

/** A part in memory. */
export class TestPart implements PartWriter, PartReader {
  readonly #values = new Map<string, Plain>();
  readonly #parts = new Map<string, TestPart>();
  put(key: string, value: Plain): void {
    this.#values.set(key, structuredClone(value));
  }
  page(): void {}
  part(key: string): TestPart {
    const part = this.#parts.get(key) ?? new TestPart();
    this.#parts.set(key, part);
    return part;
  }
  has(key: string): boolean {
    return this.#values.has(key);
  }
  get(key: string): Plain {
    const value = this.#values.get(key);
    if (value === undefined) throw new Error(`no ${key}`);
    return value;
  }
  keys(): readonly string[] {
    return [...this.#values.keys()];
  }
  pages(): readonly number[] {
    return [];
  }
  pageKeys(): readonly string[] {
    return [];
  }
  parts(): readonly string[] {
    return [...this.#parts.keys()];
  }
}
