import { Errno, type GuestAddress, type Machine, PAGE_BYTES, type Reply, type Result, ROOT_NODE } from '@ashlar/hardware';
import { AT_CWD, type Io, MapFlag, OPERATIONS, OpenFlag, type SignalInfo, type Task, type TaskSystem } from '@ashlar/kernel-stub';
import type { Root, Stream } from './opened.ts';

const [DESCRIPTORS_MAX, BOUNCE_BYTES] = [64, 65536];
const STREAM_STATUS = { mode: 0o010600, size: 0, links: 1, uid: 0, gid: 0, rdev: 0 };
const pageUp = (bytes: number): number => Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
const bounce = (io: Io): Uint8Array => new Uint8Array(Math.min(io.length, BOUNCE_BYTES));
const then = (reply: Reply, next: (count: number) => Reply): Reply => (typeof reply !== 'number' || reply < 0 ? reply : next(reply));

/** The operations that there are; {@link soloSystem} answers -ENOSYS to all others. */
export class SoloCalls implements Partial<TaskSystem> {
  /** A file of the share (`node` > 0), or the stream of number `at`. */
  opened: ({ readonly node: number; at: number } | null)[] = [];
  areas = { heapStart: 0, heapEnd: 0, mapStart: 0 };
  constructor(private readonly on: { machine: Machine; root: Root; streams: readonly Stream[]; end(code: number, signal: number): void }) {}
  exit = (_task: Task, code: number): void => this.on.end(code, 0);
  exitGroup = (_task: Task, code: number): void => this.on.end(code, 0);
  raise = (_task: Task, info: SignalInfo): void => this.on.end(0, info.signal);
  openat = (task: Task, dir: number, path: Uint8Array, flags: number): Reply => {
    const fd = [...this.opened, null].indexOf(null);
    const start = dir === AT_CWD ? ROOT_NODE : this.opened[dir]?.node;
    if ((flags & (OpenFlag.ACCESS | OpenFlag.CREATE | OpenFlag.TRUNCATE)) !== 0) return -Errno.EROFS;
    if (fd >= DESCRIPTORS_MAX || !start) return start ? -Errno.EMFILE : -Errno.EBADF;
    const found = path.length === 0 ? -Errno.ENOENT : this.on.root.find(start, new TextDecoder().decode(path), task.stat);
    if (found === 0) this.opened[fd] = { node: task.stat.node, at: 0 };
    return found === 0 ? fd : found;
  };
  close = (_task: Task, fd: number): Reply => {
    const opened = this.opened[fd];
    this.opened[fd] = null;
    return !opened ? -Errno.EBADF : opened.node <= ROOT_NODE ? 0 : this.on.root.ask((share) => share.forget(opened.node, 1) ?? 0);
  };
  read = (_task: Task, fd: number, io: Io): Reply => {
    const opened = this.opened[fd];
    const bytes = bounce(io);
    if (!opened || (opened.node === 0 && opened.at !== 0)) return -Errno.EBADF;
    const got =
      opened.node === 0 ? this.on.streams[0]!.read(bytes) : this.on.root.ask((share) => share.read(opened.node, opened.at, bytes));
    if (typeof got === 'number' && got > 0 && opened.node !== 0) opened.at += got;
    return then(got, (count) => io.put(0, bytes.subarray(0, count)));
  };
  write = (_task: Task, fd: number, io: Io): Reply => {
    const opened = this.opened[fd];
    const bytes = bounce(io);
    if (opened?.node !== 0 || opened.at === 0) return -Errno.EBADF;
    return then(io.get(0, bytes), (count) => this.on.streams[opened.at]!.write(bytes.subarray(0, count)));
  };
  stat = ({ stat }: Task, fd: number): Reply => {
    const opened = this.opened[fd];
    Object.assign(stat, { device: 1, blockBytes: PAGE_BYTES, blocks: 0 }, opened?.node === 0 ? { ...STREAM_STATUS, node: fd } : {});
    return !opened ? -Errno.EBADF : opened.node === 0 ? 0 : this.on.root.find(opened.node, '.', stat);
  };
  statusFlags = (_task: Task, fd: number): Result =>
    this.opened[fd] ? (this.opened[fd]?.node || !this.opened[fd]?.at ? 0 : 1) : -Errno.EBADF;
  map = ({ space }: Task, at: GuestAddress, bytes: number, prot: number, flags: number): Reply => {
    if ((flags & MapFlag.ANONYMOUS) === 0) return -Errno.ENODEV;
    const isFixed = (flags & (MapFlag.FIXED | MapFlag.FIXED_NOREPLACE)) !== 0;
    const place = isFixed ? at : space.gap(pageUp(bytes), this.areas.mapStart as GuestAddress, space.limit, PAGE_BYTES);
    return place < 0 ? place : space.map(place as GuestAddress, pageUp(bytes), prot, undefined, 0, 'private') || place;
  };
  unmap = ({ space }: Task, at: GuestAddress, bytes: number): Result => space.unmap(at, pageUp(bytes));
  protect = ({ space }: Task, at: GuestAddress, bytes: number, prot: number): Result => space.protect(at, pageUp(bytes), prot);

  /** Grows only: a heap that shrinks keeps its pages. */
  heapEnd = ({ space }: Task, at: GuestAddress): Result => {
    const { areas } = this;
    const from = pageUp(areas.heapEnd) as GuestAddress;
    if (at < areas.heapStart || pageUp(at) > areas.mapStart) return areas.heapEnd;
    if (at > from && space.map(from, pageUp(at) - from, 3, undefined, 0, 'private') < 0) return areas.heapEnd;
    areas.heapEnd = Math.max(at, areas.heapEnd);
    return at;
  };
  clock = (task: Task, clock: number): Result => {
    const now = { sec: 0, nsec: 0 };
    this.on.machine.clock.read(clock === 0 ? 'wall' : 'monotonic', now);
    task.values.set([now.sec, now.nsec]);
    return 0;
  };
  random = (_task: Task, io: Io): Reply => {
    const bytes = bounce(io);
    this.on.machine.entropy(bytes);
    return io.put(0, bytes);
  };
}

/** The guest face: what {@link SoloCalls} has, and -ENOSYS; `refuse` ends who asks for what programs assume to be there. */
export function soloSystem(calls: SoloCalls, refuse: (task: Task, operation: string) => Result): TaskSystem {
  const lacking = Object.entries(OPERATIONS).map(([of, row]) => [of, (task: Task) => (row.assumed && refuse(task, of)) || -Errno.ENOSYS]);
  return { ...Object.fromEntries(lacking), ...calls } as unknown as TaskSystem;
}
