import type { AttributeChange, GuestAddress, Instant, Reply, Result } from '@ashlar/hardware';
import type { CloneSpec, SignalAction, SignalInfo } from './system.ts';
import type { Io, Task } from './task.ts';

/** Flags of `openat`, status flags of descriptors: O_* with the values of Linux's generic ABI. */
export const OpenFlag = {
  READ_ONLY: 0,
  WRITE_ONLY: 1,
  READ_WRITE: 2,
  ACCESS: 3,
  CREATE: 0o100,
  EXCLUSIVE: 0o200,
  NO_TTY: 0o400,
  TRUNCATE: 0o1000,
  APPEND: 0o2000,
  NONBLOCK: 0o4000,
  DIRECTORY: 0o200000,
  NOFOLLOW: 0o400000,
  CLOEXEC: 0o2000000,
  PATH: 0o10000000,
} as const;

/** `dir` of the *at operations: the current directory. */
export const AT_CWD = -100;
/** Flags of the *at operations, with Linux's values. */
export const AtFlag = {
  SYMLINK_NOFOLLOW: 0x100,
  REMOVE_DIRECTORY: 0x200,
  SYMLINK_FOLLOW: 0x400,
  EMPTY_PATH: 0x1000,
  EACCESS: 0x200,
} as const;
/** Flags of `map`. */
export const MapFlag = { SHARED: 1, PRIVATE: 2, FIXED: 0x10, ANONYMOUS: 0x20, NORESERVE: 0x4000, FIXED_NOREPLACE: 0x100000 } as const;
/** Poll event bits, as poll(2) and epoll(7). */
export const PollBit = {
  IN: 1,
  PRI: 2,
  OUT: 4,
  ERR: 8,
  HUP: 16,
  NVAL: 32,
  RDHUP: 0x2000,
  EXCLUSIVE: 1 << 28,
  ONESHOT: 1 << 30,
  EDGE: 1 << 31,
} as const;

/** Limits every stub keeps; reaching one is an errno, never a crash. */
export const SYSTEM_LIMITS = {
  pathBytes: 4096,
  symlinks: 40,
  descriptors: 4096,
  tasks: 4096,
  /** argv and environment strings together. */
  execBytes: 2 << 20,
  /** Most bytes one read, write or copy moves; more is a short count. */
  ioBytes: 1 << 20,
  pollSet: 4096,
  pipeBytes: 65536,
} as const;

/** Descriptors that go along with one message, at most (so that they fit in a task's values). */
export const SOCKET_DESCRIPTORS_MAX = 28;

/** Takes directory entries one by one; `false` ends the listing *before* this entry. `next` is the position after it, for seek. */
export interface DirectorySink {
  entry(name: Uint8Array, node: number, type: number, next: number): boolean;
}

/** What to wait for: exactly what waitid(2) can say. */
export interface WaitSelector {
  /** > 0: that process; 0: any of the caller's group; -1: any; < -1: any of group -pid. */
  readonly pid: number;
  /** WNOHANG 1, WUNTRACED 2, WEXITED 4, WCONTINUED 8, WNOWAIT 0x1000000. */
  readonly options: number;
}

/** One entry of a poll set: Int32 triples (fd, events, returned events). */
export type PollSet = Int32Array;

/** Settings of a terminal, as termios(3) with Linux's bits. */
export interface Termios {
  input: number;
  output: number;
  control: number;
  local: number;
  line: number;
  /** NCCS = 19 control characters. */
  readonly characters: Uint8Array;
}

/**
 * The guest face of System: one method per row of {@link OPERATIONS}, POSIX in meaning and neutral in form.
 *
 * - The calling task is explicit; there is no current process. Paths are bytes without NUL, at most {@link SYSTEM_LIMITS}.pathBytes.
 * - Results: a number ≥ 0 (0 unless said otherwise), a negated errno, or a wait: then set `task.parked` and answer the trap with LEAVE.
 * - Records come back in `task.stat`, `task.values` or `task.bytes`.
 * - A relative timeout is made absolute by the personality and kept in `task.callNote` (see Task): operations take deadlines on the monotonic clock.
 * - A stub without an operation answers -ENOSYS, and ends the program if the table says that programs assume it.
 */
export interface TaskSystem {
  // process
  /** The child's thread id in the parent; the child starts where `Personality.cloned` put it. -ENOMEM, -EAGAIN. */
  clone(task: Task, spec: CloneSpec): Reply;
  /** Replaces the image: on success never returns to the old one (answer LEAVE). Handles `#!` (one level) and asks the personalities in turn. `flags`: AtFlag. */
  execve(task: Task, dir: number, path: Uint8Array, argv: readonly Uint8Array[], env: readonly Uint8Array[], flags: number): Reply;
  /** Ends this thread only. */
  exit(task: Task, code: number): void;
  exitGroup(task: Task, code: number): void;
  /** The pid found, or 0 with WNOHANG; values: [status as wait(2) encodes it, user ns, system ns, uid, si_code]. -ECHILD. */
  wait(task: Task, selector: WaitSelector): Reply;
  parentId(task: Task): Result;
  processGroup(task: Task, pid: number): Result;
  setProcessGroup(task: Task, pid: number, group: number): Result;
  session(task: Task, pid: number): Result;
  setSession(task: Task): Result;
  /** values: [real, effective, saved uid, real, effective, saved gid]. */
  credentials(task: Task): Result;
  /** undefined fields stay. */
  setCredentials(task: Task, change: { ruid?: number; euid?: number; suid?: number; rgid?: number; egid?: number; sgid?: number }): Result;
  /** values: [soft, hard], Infinity for none; then sets them if given. `resource`: RLIMIT_*. */
  resourceLimit(task: Task, pid: number, resource: number, set: { soft: number; hard: number } | undefined): Result;
  /** values: [user s, user ns, system s, system ns, max RSS in KiB, minor faults, major faults, voluntary, involuntary switches]. `who`: RUSAGE_*. */
  resourceUsage(task: Task, who: number): Result;
  umask(task: Task, mask: number): Result;
  /** At most 15 bytes, in task.bytes; returns the length. Sets it first if given. */
  name(task: Task, set: Uint8Array | undefined): Result;
  /** 1 if orphaned descendants become children of this process rather than of init. Sets it first if `set` ≥ 0. */
  subreaper(task: Task, set: number): Result;
  setClearTid(task: Task, at: GuestAddress): Result;
  yield(task: Task): Result;
  // signal
  /** Old action copied to `old`, new taken from `next`, where given. */
  signalAction(task: Task, signal: number, next: SignalAction | undefined, old: SignalAction | undefined): Result;
  /** `how`: 0 block, 1 unblock, 2 set, -1 only read; values: [old low, old high] as unsigned 32-bit. */
  signalMask(task: Task, how: number, low: number, high: number): Result;
  /** values: [low, high]. */
  signalPending(task: Task): Result;
  /** Waits with the given mask until a handler ran: always a wait, or -EINTR at the second asking. */
  signalSuspend(task: Task, low: number, high: number): Reply;
  /** sigtimedwait(2): the signal's number; `values`: [code, pid, uid, status, address or value]. -EAGAIN at the deadline. */
  signalTake(task: Task, low: number, high: number, until: Instant | undefined): Reply;
  /** The mask saved by a delivery, put back by sigreturn(2). */
  signalReturn(task: Task, low: number, high: number): Result;
  /** values: [base, bytes, flags SS_ONSTACK 1 | SS_DISABLE 2] before the change. */
  signalStack(task: Task, stackPointer: number, set: { base: number; bytes: number; flags: number } | undefined): Result;
  /** kill(2): pid as there. `signal` 0 only checks. `queued`: what sigqueue(3) sends along, and its si_code. */
  kill(task: Task, pid: number, signal: number, queued?: { code: number; value: number }): Result;
  /** To one thread; `group` -1: any. */
  killThread(task: Task, group: number, thread: number, signal: number, queued?: { code: number; value: number }): Result;
  /** A fault of the task itself: delivered at once, and fatal if blocked or ignored. */
  raise(task: Task, info: SignalInfo): void;
  /** setitimer(2) ITIMER_REAL and alarm: values: [seconds left, ns left, interval s, interval ns] before the change. */
  intervalTimer(task: Task, set: { value: Instant; interval: Instant } | undefined): Result;
  // file
  /** The descriptor. `flags`: OpenFlag. */
  openat(task: Task, dir: number, path: Uint8Array, flags: number, mode: number): Reply;
  close(task: Task, fd: number): Reply;
  /** Bytes moved; 0 at the end. */
  read(task: Task, fd: number, io: Io): Reply;
  write(task: Task, fd: number, io: Io): Reply;
  readAt(task: Task, fd: number, at: number, io: Io): Reply;
  writeAt(task: Task, fd: number, at: number, io: Io): Reply;
  /** Bytes copied between descriptors; positions < 0: use and move the descriptor's own. */
  copy(task: Task, from: number, fromAt: number, to: number, toAt: number, bytes: number): Reply;
  /** The new position. `whence` 0 start, 1 current, 2 end. */
  seek(task: Task, fd: number, offset: number, whence: number): Reply;
  truncate(task: Task, fd: number, size: number): Reply;
  truncatePath(task: Task, path: Uint8Array, size: number): Reply;
  allocate(task: Task, fd: number, mode: number, at: number, bytes: number): Reply;
  /** Into task.stat. */
  stat(task: Task, fd: number): Reply;
  statat(task: Task, dir: number, path: Uint8Array, flags: number): Reply;
  setAttributes(task: Task, fd: number, change: AttributeChange): Reply;
  setAttributesAt(task: Task, dir: number, path: Uint8Array, change: AttributeChange, flags: number): Reply;
  /** Length of the target, which is in task.bytes. */
  readlinkat(task: Task, dir: number, path: Uint8Array): Reply;
  mkdirat(task: Task, dir: number, path: Uint8Array, mode: number): Reply;
  mknodat(task: Task, dir: number, path: Uint8Array, mode: number, rdev: number): Reply;
  symlinkat(task: Task, target: Uint8Array, dir: number, path: Uint8Array): Reply;
  linkat(task: Task, fromDir: number, from: Uint8Array, toDir: number, to: Uint8Array, flags: number): Reply;
  unlinkat(task: Task, dir: number, path: Uint8Array, flags: number): Reply;
  renameat(task: Task, fromDir: number, from: Uint8Array, toDir: number, to: Uint8Array, flags: number): Reply;
  /** `mode`: 4 read, 2 write, 1 execute, 0 exists. */
  accessat(task: Task, dir: number, path: Uint8Array, mode: number, flags: number): Reply;
  /** Entries given to the sink, `.` and `..` among them; 0 at the end. */
  readdir(task: Task, fd: number, sink: DirectorySink): Reply;
  sync(task: Task, fd: number): Reply;
  /** values: [magic, block bytes, blocks, free, nodes, nodes free, name bytes]. */
  statfs(task: Task, fd: number): Reply;
  statfsPath(task: Task, path: Uint8Array): Reply;
  /** flock(2). */
  lock(task: Task, fd: number, operation: number): Reply;
  chdir(task: Task, path: Uint8Array): Reply;
  chdirTo(task: Task, fd: number): Reply;
  /** Length of the absolute path in task.bytes. */
  currentDirectory(task: Task): Reply;
  chroot(task: Task, path: Uint8Array): Reply;
  // descriptor
  /** Lowest free descriptor ≥ `least`. */
  duplicate(task: Task, fd: number, least: number, closeOnExec: boolean): Result;
  duplicateTo(task: Task, fd: number, target: number, closeOnExec: boolean): Reply;
  /** 1: close-on-exec. Sets it first if `set` ≥ 0. */
  descriptorFlags(task: Task, fd: number, set: number): Result;
  /** OpenFlag bits. Sets APPEND and NONBLOCK first if `set` ≥ 0. */
  statusFlags(task: Task, fd: number, set: number): Result;
  closeRange(task: Task, first: number, last: number, onlyMark: boolean): Result;
  /** values: [read end, write end]. */
  pipe(task: Task, flags: number): Result;
  /** Bytes that a pipe holds. Sets it first if `set` ≥ 0, to whole pages in a power of two. -EBADF: no pipe; -EBUSY: more is in it; -EPERM: too many. */
  pipeCapacity(task: Task, fd: number, set: number): Result;
  /** Bytes that can be read at once (FIONREAD). */
  available(task: Task, fd: number): Result;
  // poll
  /** Descriptors with news; returned events are in the set. Deadline undefined: for ever. `mask`: signals blocked meanwhile. */
  poll(task: Task, set: PollSet, count: number, until: Instant | undefined, mask: { low: number; high: number } | undefined): Reply;
  epollCreate(task: Task, flags: number): Result;
  /** `operation` 1 add, 2 delete, 3 modify. `data`: two 32-bit halves. */
  epollControl(task: Task, epoll: number, operation: number, fd: number, events: number, dataLow: number, dataHigh: number): Result;
  /** Entries written to `out` as Int32 triples (events, data low, data high). */
  epollWait(
    task: Task,
    epoll: number,
    out: Int32Array,
    most: number,
    until: Instant | undefined,
    mask: { low: number; high: number } | undefined,
  ): Reply;
  eventCounter(task: Task, initial: number, flags: number): Result;
  timerCreate(task: Task, clock: number, flags: number): Result;
  /** values: [value s, ns, interval s, ns] before the change. `absolute`: value is a deadline. */
  timerSet(task: Task, fd: number, set: { value: Instant; interval: Instant; absolute: boolean } | undefined): Result;
  // memory
  /** The address. `flags`: MapFlag. */
  map(task: Task, at: GuestAddress, bytes: number, prot: number, flags: number, fd: number, offset: number): Reply;
  unmap(task: Task, at: GuestAddress, bytes: number): Result;
  protect(task: Task, at: GuestAddress, bytes: number, prot: number): Result;
  /** mremap(2): the address. `flags` MAYMOVE 1, FIXED 2. */
  remap(task: Task, at: GuestAddress, bytes: number, newBytes: number, flags: number, to: GuestAddress): Result;
  /** madvise(2). */
  advise(task: Task, at: GuestAddress, bytes: number, advice: number): Result;
  syncMemory(task: Task, at: GuestAddress, bytes: number, flags: number): Reply;
  /** The new end of the heap (the old one if it cannot be moved). */
  heapEnd(task: Task, at: GuestAddress): Result;
  // thread
  /** 0 when woken, -EAGAIN if the word is not `expected`, -ETIMEDOUT. `bits`: FUTEX_WAIT_BITSET's. */
  futexWait(task: Task, at: GuestAddress, expected: number, until: Instant | undefined, bits: number): Reply;
  /** Tasks woken. */
  futexWake(task: Task, at: GuestAddress, most: number, bits: number): Result;
  /** Tasks woken and moved; -EAGAIN if `expected` is given and not there. */
  futexRequeue(task: Task, at: GuestAddress, wake: number, move: number, to: GuestAddress, expected: number | undefined): Result;
  robustList(task: Task, head: GuestAddress, bytes: number): Result;
  // time
  /** values: [s, ns]. `clock`: CLOCK_* with Linux's numbers; -EINVAL. */
  clock(task: Task, clock: number): Result;
  clockResolution(task: Task, clock: number): Result;
  /** 0 at or after the deadline of the named clock. */
  sleep(task: Task, clock: number, until: Instant): Reply;
  // terminal
  /** -ENOTTY if not a terminal. */
  terminalGet(task: Task, fd: number, out: Termios): Result;
  /** `when` 0 now, 1 drained, 2 and flush input. */
  terminalSet(task: Task, fd: number, next: Termios, when: number): Reply;
  /** values: [columns, rows]. Sets them first if given. */
  terminalSize(task: Task, fd: number, set: { columns: number; rows: number } | undefined): Result;
  terminalForeground(task: Task, fd: number): Result;
  setTerminalForeground(task: Task, fd: number, group: number): Result;
  setControllingTerminal(task: Task, fd: number): Result;
  // socket
  /** `family` AF_UNIX 1, AF_INET 2, AF_INET6 10; `type` STREAM 1, DGRAM 2 | SOCK_NONBLOCK | SOCK_CLOEXEC. */
  socket(task: Task, family: number, type: number, protocol: number): Result;
  /** values: [one, other]. */
  socketPair(task: Task, family: number, type: number, protocol: number): Result;
  /** Addresses are sockaddr bytes as Linux's ABI lays them out (family first): the one such form every ABI's headers share. */
  bind(task: Task, fd: number, address: Uint8Array): Reply;
  listen(task: Task, fd: number, backlog: number): Reply;
  accept(task: Task, fd: number, flags: number): Reply;
  connect(task: Task, fd: number, address: Uint8Array): Reply;
  /** Bytes sent. `to` empty: connected. `flags`: MSG_*. `descriptors`: sent along (SCM_RIGHTS, AF_UNIX only), at most {@link SOCKET_DESCRIPTORS_MAX}. */
  send(task: Task, fd: number, io: Io, flags: number, to: Uint8Array, descriptors?: readonly number[]): Reply;
  /**
   * Bytes received; the sender's address is in task.bytes, its length in values[0]; values[1]: MSG_* flags; values[2]: how many descriptors came
   * along, at most `room`, and they are in values[3] …; those there is no room for are closed (MSG_CTRUNC).
   */
  receive(task: Task, fd: number, io: Io, flags: number, room?: number): Reply;
  /** Length of the address in task.bytes. */
  socketName(task: Task, fd: number, peer: boolean): Result;
  shutdown(task: Task, fd: number, how: number): Reply;
  /** Length of the value in task.bytes. */
  socketOption(task: Task, fd: number, level: number, name: number): Result;
  setSocketOption(task: Task, fd: number, level: number, name: number, value: Uint8Array): Result;
  // system
  /** Fills the io; returns its length (at most 65,536). */
  random(task: Task, io: Io): Reply;
  /** values: [uptime s, total bytes, free bytes, processes]. */
  information(task: Task): Result;
}

export type OperationName = keyof TaskSystem;
