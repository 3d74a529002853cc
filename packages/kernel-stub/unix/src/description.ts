import type { AttributeChange, Backing, EventKey, Plain, Reply, Result } from '@ashlar/hardware';
import { Errno } from '@ashlar/hardware';
import { type DirectorySink, type Io, OpenFlag, type Status } from '@ashlar/kernel-stub';
import type { Caller } from './host.ts';
import type { Place } from './place.ts';
import type { Terminal } from './terminal-device.ts';

/** Whoever must let go of a description when its last holder does, without holding it: epoll sets and file locks. */
export interface DescriptionObserver {
  gone(description: Description): void;
}

/**
 * An open file description: what descriptors refer to (POSIX.1-2024 §2.5 "open file description"; gVisor and Linux call it a file). Files,
 * directories, pipes, sockets, terminals, event counters, timers and epoll sets extend it and override what they can do; the rest answers
 * as Linux does for a file without that operation.
 *
 * - Reference counted: a descriptor, a mapping's owner, an epoll entry under way each hold one. {@link Description.closed} runs at the last.
 * - Operations answer a number or a wait and are asked again; nothing but `caller.progress` is kept between the askings. A description
 *   that honours O_NONBLOCK looks at {@link Description.nonblocking} itself and answers -EAGAIN; one over a device does not.
 * - `save` returns data from which the restorer registered for `kind` makes it again.
 */
export abstract class Description {
  /** Names the code that restores it: 'file', 'directory', 'pipe', 'terminal', … */
  abstract readonly kind: string;
  /** Held by this many; changed only by {@link hold} and {@link release}. */
  references = 1;
  /** OpenFlag: access mode and status flags. Only APPEND and NONBLOCK change after opening. */
  flags: number;
  /** false: a wait comes from a device and a signal does not cut it short (regular files). true: it waits for somebody, perhaps for ever. */
  readonly interruptible: boolean = true;
  /** false: always ready; epoll refuses it with -EPERM (regular files, directories). */
  readonly pollable: boolean = true;
  /** A write that fails with -EPIPE also sends SIGPIPE (pipes, sockets). */
  readonly signalsPipe: boolean = false;

  #observers: Set<DescriptionObserver> | undefined;

  constructor(flags: number) {
    this.flags = flags;
  }

  observe(observer: DescriptionObserver): void {
    this.#observers ??= new Set();
    this.#observers.add(observer);
  }

  unobserve(observer: DescriptionObserver): void {
    this.#observers?.delete(observer);
  }

  get readable(): boolean {
    const access = this.flags & OpenFlag.ACCESS;
    return access === OpenFlag.READ_ONLY || access === OpenFlag.READ_WRITE;
  }

  get writable(): boolean {
    const access = this.flags & OpenFlag.ACCESS;
    return access === OpenFlag.WRITE_ONLY || access === OpenFlag.READ_WRITE;
  }

  get nonblocking(): boolean {
    return (this.flags & OpenFlag.NONBLOCK) !== 0;
  }

  hold(): this {
    this.references++;
    return this;
  }

  release(): void {
    if (--this.references > 0) return;
    if (this.#observers !== undefined) for (const observer of this.#observers) observer.gone(this);
    this.closed();
  }

  /** The last holder let go. Never waits; never fails. */
  protected closed(): void {}

  /** Access mode and O_PATH were checked. Bytes moved, 0 at the end of the file. */
  read(_caller: Caller, _io: Io): Reply {
    return -Errno.EINVAL;
  }

  /** A blocking write of a stream keeps the count already taken as a number in `caller.progress`, and returns the whole count at last. */
  write(_caller: Caller, _io: Io): Reply {
    return -Errno.EINVAL;
  }

  /** Positioned; the description's own position stays. */
  readAt(_caller: Caller, _at: number, _io: Io): Reply {
    return -Errno.ESPIPE;
  }

  writeAt(_caller: Caller, _at: number, _io: Io): Reply {
    return -Errno.ESPIPE;
  }

  seek(_caller: Caller, _offset: number, _whence: number): Reply {
    return -Errno.ESPIPE;
  }

  truncate(_caller: Caller, _size: number): Reply {
    return -Errno.EINVAL;
  }

  allocate(_caller: Caller, _mode: number, _at: number, _bytes: number): Reply {
    return -Errno.ENODEV;
  }

  /** See TaskSystem.readdir; moves the position. */
  readdir(_caller: Caller, _sink: DirectorySink): Reply {
    return -Errno.ENOTDIR;
  }

  abstract stat(caller: Caller, out: Status): Reply;

  setAttributes(_caller: Caller, _change: AttributeChange): Reply {
    return -Errno.EINVAL;
  }

  sync(_caller: Caller): Reply {
    return -Errno.EINVAL;
  }

  /** `values` as TaskSystem.statfs. */
  statfs(_caller: Caller, _values: Float64Array): Reply {
    return -Errno.ENOSYS;
  }

  /** For mapping it into memory; the same object for the same file while it lives. */
  backing(): Backing | Result {
    return -Errno.ENODEV;
  }

  /** A shared mapping of it is being made: from now on what programs store there is the file's. */
  mappedShared(): void {}

  /** Poll bits that hold now, of all it could ever have. Never waits. */
  ready(_caller: Caller): number {
    return 0x5; // POLLIN | POLLOUT, as Linux's DEFAULT_POLLMASK
  }

  /** Appends the keys that fire when {@link ready} may have changed. None: it never changes. */
  watch(_keys: EventKey[]): void {}

  /** Bytes that can be read at once (FIONREAD). */
  available(_caller: Caller): Result {
    return -Errno.ENOTTY;
  }

  /** The terminal it leads to. */
  terminal(): Terminal | undefined {
    return undefined;
  }

  /** Where it lies in the file tree: start of *at paths and fchdir. undefined: nowhere (a pipe). Not held; hold it to keep it. */
  place(): Place | undefined {
    return undefined;
  }

  /** Same string for descriptions of the same node: what flock excludes each other by. undefined: cannot be locked. */
  lockKey(): string | undefined {
    return undefined;
  }

  /** After open: what opening itself waits for (a fifo for its other side); 0 when it may go on. */
  opened(_caller: Caller): Reply {
    return 0;
  }

  /** What readlink of /proc/PID/fd/N says, e.g. `pipe:[7]`. */
  abstract label(): Uint8Array;

  /** Data from which it is made again. Other descriptions and places are named through `host.savePlace` and the description table. */
  abstract save(): Plain;
}
