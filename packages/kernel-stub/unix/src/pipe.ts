import { type AttributeChange, Errno, type EventKey, FileType, type Plain, type Reply, type Result } from '@ashlar/hardware';
import { type Io, OpenFlag, PollBit, type Status, SYSTEM_LIMITS } from '@ashlar/kernel-stub';
import { Description } from './description.ts';
import type { Caller } from './host.ts';
import type { Place } from './place.ts';
import type { WaitQueue } from './wait-queue.ts';

/** Writes of at most so many bytes are not mixed with others' (pipe(7)). */
export const PIPE_ATOMIC_BYTES = 4096;
const FIRST_BUFFER_BYTES = 4096;
/** Many pipes never carry a byte. */
const NO_BUFFER = new Uint8Array(0);
/** fs.pipe-max-size. */
const CAPACITY_BYTES_MAX = 1 << 20;

/** Device number of the file system in which pipes, sockets and the like have their inode numbers. */
export const ANONYMOUS_DEVICE = 13;

/** Fills `out` for a node that lies in no file tree. */
export function anonymousStatus(out: Status, node: number, mode: number, links: number): void {
  out.node = node;
  out.mode = mode;
  out.size = 0;
  out.links = links;
  out.uid = 0;
  out.gid = 0;
  out.rdev = 0;
  for (const time of [out.atime, out.mtime, out.ctime]) {
    time.sec = 0;
    time.nsec = 0;
  }
  out.device = ANONYMOUS_DEVICE;
  out.blockBytes = 4096;
  out.blocks = 0;
}

/** A bounded byte queue between writers and readers: what is behind a pipe, a fifo, one direction of a socket, a program's stdio. */
export class Pipe {
  readonly serial: number;
  capacity: number;
  readers = 0;
  writers = 0;
  /** Times each side was opened: what the opener of a fifo waits to change. */
  readerOpens = 0;
  writerOpens = 0;
  /** Woken when there is something to read, or the last writer closed. */
  readonly readable: WaitQueue;
  /** Woken when there is room, or the last reader closed. */
  readonly writable: WaitQueue;
  #buffer: Uint8Array = NO_BUFFER;
  #start = 0;
  #used = 0;

  constructor(serial: number, newQueue: () => WaitQueue, capacity: number = SYSTEM_LIMITS.pipeBytes) {
    this.serial = serial;
    this.capacity = capacity;
    this.readable = newQueue();
    this.writable = newQueue();
  }

  get used(): number {
    return this.#used;
  }

  get room(): number {
    return this.capacity - this.#used;
  }

  /** Moves up to `io.length` bytes out; 0 if empty. Less than there is, -EFAULT or a wait as `io.put` has it. */
  take(io: Io): Reply {
    const wanted = Math.min(io.length, this.#used);
    let moved = 0;
    while (moved < wanted) {
      const piece = Math.min(wanted - moved, this.#buffer.length - this.#start);
      const put = io.put(moved, this.#buffer.subarray(this.#start, this.#start + piece));
      if (typeof put !== 'number' || put <= 0) return moved > 0 ? moved : put;
      this.#drop(put);
      moved += put;
      if (put < piece) break;
    }
    return moved;
  }

  /** As {@link take}, leaving the bytes where they are. */
  peek(io: Io): Reply {
    const wanted = Math.min(io.length, this.#used);
    const first = Math.min(wanted, this.#buffer.length - this.#start);
    const put = io.put(0, this.#buffer.subarray(this.#start, this.#start + first));
    if (typeof put !== 'number' || put < first || first === wanted) return put;
    const more = io.put(first, this.#buffer.subarray(0, wanted - first));
    return typeof more === 'number' && more > 0 ? first + more : first;
  }

  /** Moves bytes in from `io`, beginning at `at` and as many as there is room for. */
  add(io: Io, at: number): Reply {
    const wanted = Math.min(io.length - at, this.room);
    this.#grow(this.#used + wanted);
    let moved = 0;
    while (moved < wanted) {
      const end = (this.#start + this.#used) % this.#buffer.length;
      const piece = Math.min(wanted - moved, this.#buffer.length - end);
      const got = io.get(at + moved, this.#buffer.subarray(end, end + piece));
      if (typeof got !== 'number' || got <= 0) return moved > 0 ? moved : got;
      this.#used += got;
      moved += got;
      if (got < piece) break;
    }
    if (moved > 0) this.readable.wake();
    return moved;
  }

  /** F_SETPIPE_SZ: whole pages in a power of two. */
  resize(bytes: number): Result {
    const capacity = Math.max(FIRST_BUFFER_BYTES, 2 ** Math.ceil(Math.log2(bytes)));
    if (capacity > CAPACITY_BYTES_MAX) return -Errno.EPERM;
    if (capacity < this.#used) return -Errno.EBUSY;
    this.capacity = capacity;
    this.writable.wake();
    return 0;
  }

  openReader(): void {
    this.readers++;
    this.readerOpens++;
    this.writable.wake();
  }

  openWriter(): void {
    this.writers++;
    this.writerOpens++;
    this.readable.wake();
  }

  closeReader(): void {
    if (--this.readers === 0) this.writable.wake();
    this.#end();
  }

  closeWriter(): void {
    if (--this.writers === 0) this.readable.wake();
    this.#end();
  }

  save(): Plain {
    const bytes = new Uint8Array(this.#used);
    for (let at = 0; at < bytes.length; at++) bytes[at] = this.#buffer[(this.#start + at) % this.#buffer.length] as number;
    return { serial: this.serial, capacity: this.capacity, readerOpens: this.readerOpens, writerOpens: this.writerOpens, bytes };
  }

  /** Puts saved contents back; the ends count themselves as they are restored. */
  restore(saved: { readerOpens: number; writerOpens: number; bytes: Uint8Array }): void {
    this.#grow(saved.bytes.length);
    this.#buffer.set(saved.bytes);
    this.#start = 0;
    this.#used = saved.bytes.length;
    this.readerOpens = saved.readerOpens;
    this.writerOpens = saved.writerOpens;
  }

  #drop(count: number): void {
    this.#used -= count;
    this.#start = this.#used === 0 ? 0 : (this.#start + count) % this.#buffer.length;
    this.writable.wake();
  }

  #grow(bytes: number): void {
    if (bytes <= this.#buffer.length) return;
    let length = Math.max(FIRST_BUFFER_BYTES, this.#buffer.length);
    while (length < bytes) length *= 2;
    const larger = new Uint8Array(Math.min(length, Math.max(bytes, this.capacity)));
    const first = Math.min(this.#used, this.#buffer.length - this.#start);
    larger.set(this.#buffer.subarray(this.#start, this.#start + first));
    larger.set(this.#buffer.subarray(0, this.#used - first), first);
    this.#buffer = larger;
    this.#start = 0;
  }

  #end(): void {
    if (this.readers > 0 || this.writers > 0) return;
    this.readable.destroy();
    this.writable.destroy();
  }
}

/** read(2) from a stream: what it holds, 0 when no writer is left, or a wait. */
export function readPipe(pipe: Pipe, io: Io, nonblocking: boolean): Reply {
  if (io.length === 0) return 0;
  if (pipe.used > 0) return pipe.take(io);
  if (pipe.writers === 0) return 0;
  return nonblocking ? -Errno.EAGAIN : pipe.readable.wait;
}

/**
 * write(2) to a stream (pipe(7)): up to {@link PIPE_ATOMIC_BYTES} all or nothing; more may be taken in parts, and a blocking writer keeps the count
 * in `caller.progress`.
 */
export function writePipe(pipe: Pipe, caller: Pick<Caller, 'progress' | 'signalled'>, io: Io, nonblocking: boolean): Reply {
  let done = typeof caller.progress === 'number' ? caller.progress : 0;
  while (done < io.length) {
    if (pipe.readers === 0) return finish(caller, done, -Errno.EPIPE);
    const left = io.length - done;
    const atomic = io.length <= PIPE_ATOMIC_BYTES;
    if (pipe.room === 0 || (atomic && pipe.room < left)) {
      if (nonblocking) return finish(caller, done, -Errno.EAGAIN);
      if (done > 0 && caller.signalled) return finish(caller, done, done);
      caller.progress = done > 0 ? done : undefined;
      return pipe.writable.wait;
    }
    const moved = pipe.add(io, done);
    if (typeof moved !== 'number') {
      caller.progress = done > 0 ? done : undefined;
      return moved;
    }
    if (moved <= 0) return finish(caller, done, moved);
    done += moved;
  }
  return finish(caller, done, done);
}

function finish(caller: Pick<Caller, 'progress'>, done: number, otherwise: Result): Result {
  caller.progress = undefined;
  return done > 0 ? done : otherwise;
}

/** Poll bits of the reading side. */
export const pipeReadBits = (pipe: Pipe): number => (pipe.used > 0 ? PollBit.IN : 0) | (pipe.writers === 0 ? PollBit.HUP : 0);
/** Poll bits of the writing side. */
export const pipeWriteBits = (pipe: Pipe): number =>
  (pipe.room >= PIPE_ATOMIC_BYTES ? PollBit.OUT : 0) | (pipe.readers === 0 ? PollBit.ERR : 0);

/** Where an open fifo lies. Bytes go through the pipe; owner, mode, times and name are the node's, as of any file. */
export interface OpenFifo {
  /** Names the node: device and number. */
  readonly key: string;
  readonly node: Description;
}

/** One end of a pipe, or an open fifo (which may be both ends). */
export class PipeEnd extends Description {
  readonly kind = 'pipe';
  override readonly signalsPipe = true;
  readonly pipe: Pipe;
  /** A fifo's node; undefined for pipe(2). */
  readonly fifo: OpenFifo | undefined;
  readonly #peersSeen: number;

  /** Takes over one hold of a fifo's node. `peersSeen`: openings of the other side before this one; known after a restore. */
  constructor(pipe: Pipe, flags: number, fifo: OpenFifo | undefined, peersSeen?: number) {
    super(flags);
    this.pipe = pipe;
    this.fifo = fifo;
    this.#peersSeen = peersSeen ?? (this.readable ? pipe.writerOpens : pipe.readerOpens);
    if (this.readable) pipe.openReader();
    if (this.writable) pipe.openWriter();
  }

  /** fifo(7): a reader waits for a writer and the reverse; O_NONBLOCK readers do not wait, writers without a reader fail with -ENXIO. */
  override opened(_caller: Caller): Reply {
    if (this.fifo === undefined || (this.readable && this.writable)) return 0;
    const pipe = this.pipe;
    if (this.readable) {
      return pipe.writers > 0 || this.nonblocking || pipe.writerOpens !== this.#peersSeen ? 0 : pipe.readable.wait;
    }
    if (pipe.readers > 0 || pipe.readerOpens !== this.#peersSeen) return 0;
    return this.nonblocking ? -Errno.ENXIO : pipe.writable.wait;
  }

  override read(_caller: Caller, io: Io): Reply {
    return readPipe(this.pipe, io, this.nonblocking);
  }

  override write(caller: Caller, io: Io): Reply {
    return writePipe(this.pipe, caller, io, this.nonblocking);
  }

  override ready(_caller: Caller): number {
    return (this.readable ? pipeReadBits(this.pipe) : 0) | (this.writable ? pipeWriteBits(this.pipe) : 0);
  }

  override watch(keys: EventKey[]): void {
    if (this.readable) keys.push(this.pipe.readable.key);
    if (this.writable) keys.push(this.pipe.writable.key);
  }

  override available(_caller: Caller): Result {
    return this.pipe.used;
  }

  override stat(caller: Caller, out: Status): Reply {
    if (this.fifo !== undefined) return this.fifo.node.stat(caller, out);
    anonymousStatus(out, this.pipe.serial, FileType.FIFO | 0o600, 1);
    return 0;
  }

  override setAttributes(caller: Caller, change: AttributeChange): Reply {
    return this.fifo === undefined ? 0 : this.fifo.node.setAttributes(caller, change);
  }

  override statfs(caller: Caller, values: Float64Array): Reply {
    return this.fifo === undefined ? super.statfs(caller, values) : this.fifo.node.statfs(caller, values);
  }

  override place(): Place | undefined {
    return this.fifo?.node.place();
  }

  override lockKey(): string | undefined {
    return this.fifo?.key;
  }

  label(): Uint8Array {
    return this.fifo?.node.label() ?? new TextEncoder().encode(`pipe:[${this.pipe.serial}]`);
  }

  save(): Plain {
    return { pipe: this.pipe.serial, fifo: this.fifo?.key ?? null, node: this.fifo?.node.save() ?? null, peersSeen: this.#peersSeen };
  }

  protected override closed(): void {
    if (this.readable) this.pipe.closeReader();
    if (this.writable) this.pipe.closeWriter();
    this.fifo?.node.release();
  }
}

/** pipe2(2): both ends, the flags NONBLOCK being of each. */
export function makePipe(serial: number, newQueue: () => WaitQueue, flags: number): { reader: PipeEnd; writer: PipeEnd } {
  const pipe = new Pipe(serial, newQueue);
  const status = flags & OpenFlag.NONBLOCK;
  const reader = new PipeEnd(pipe, OpenFlag.READ_ONLY | status, undefined);
  return { reader, writer: new PipeEnd(pipe, OpenFlag.WRITE_ONLY | status, undefined) };
}
