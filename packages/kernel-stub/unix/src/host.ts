import type { AddressSpace, ClockName, Instant, Machine, Reply, Result } from '@ashlar/hardware';
import type { Task } from '@ashlar/kernel-stub';
import type { Description } from './description.ts';
import type { OpenFifo } from './pipe.ts';
import type { Place } from './place.ts';
import type { Terminal } from './terminal-device.ts';
import type { WaitQueue } from './wait-queue.ts';

/** Where a task's paths start, and its umask: shared or copied by clone (CLONE_FS). The holder of both places is this record. */
export interface Directories {
  root: Place;
  cwd: Place;
  umask: number;
}

/** See credentials(7). Shared by all threads of a process. */
export interface Credentials {
  ruid: number;
  euid: number;
  suid: number;
  rgid: number;
  egid: number;
  sgid: number;
}

/** Whoever asks something of a description or of the file tree: a task, or the operator through the stub's init. */
export interface Caller extends Pick<Task, 'id' | 'group' | 'progress'> {
  readonly directories: Directories;
  readonly credentials: Credentials;
  readonly processGroup: number;
  readonly session: number;
  /** The controlling terminal (/dev/tty). */
  readonly controllingTerminal: Terminal | undefined;
  /** A signal waits to be delivered: a stream that already moved something answers with that instead of waiting on. */
  readonly signalled: boolean;
}

/** What procfs and /proc/PID/fd show of a process. Read at the time of asking; never kept. */
export interface ProcessView {
  readonly pid: number;
  readonly parent: number;
  readonly processGroup: number;
  readonly session: number;
  /** As /proc/PID/stat: running, sleeping, uninterruptible, stopped, zombie. */
  readonly state: 'R' | 'S' | 'D' | 'T' | 'Z';
  /** comm: at most 15 bytes. */
  readonly name: Uint8Array;
  readonly argv: readonly Uint8Array[];
  readonly environment: readonly Uint8Array[];
  readonly executable: Place | undefined;
  readonly directories: Directories | undefined;
  readonly credentials: Credentials;
  readonly space: AddressSpace | undefined;
  readonly threads: readonly number[];
  readonly terminal: Terminal | undefined;
  /** User and system time, in nanoseconds; start, in nanoseconds of monotonic time. */
  readonly userNs: number;
  readonly systemNs: number;
  readonly startNs: number;
  /** Heap, in guest addresses; equal if there is none. */
  readonly heapStart: number;
  readonly heapEnd: number;
  descriptors(): readonly number[];
  description(fd: number): Description | undefined;
}

/** What the kernel gives to the files and terminals of the library. */
export interface UnixHost {
  /** Take it anew each time: it is replaced when the machine's epoch changes. */
  readonly machine: Machine;
  clock(which: ClockName, out: Instant): void;
  /** A fresh device tag, for requests that must not execute twice; kept in `caller.progress`. */
  tag(): number;
  /** Something to wait on. */
  queue(): WaitQueue;
  /** A fresh number ≥ 1, unique in the stub's life, saved with it (inode numbers of pipes …). */
  serial(): number;
  /** To every process of a group; -ESRCH. */
  signalGroup(group: number, signal: number): Result;
  /**
   * A background process touches its terminal: 0 to go on (the signal is ignored or blocked, and `signal` is SIGTTOU), -EIO if its group is
   * orphaned or it ignores SIGTTIN, or -EINTR after its group was signalled.
   */
  background(caller: Caller, signal: number): Result;
  /** The description of a fifo, which takes over the hold of its node. Its `opened` then waits for the other side. */
  fifo(fifo: OpenFifo, flags: number): Description | Reply;
  /** Living processes and zombies, ascending by pid. */
  processes(): readonly ProcessView[];
  process(pid: number): ProcessView | undefined;
  /** Tasks that were ever made, and tasks runnable now: /proc/loadavg and /proc/stat. */
  readonly tasksMade: number;
  readonly tasksRunnable: number;
  /** Boot, in wall-clock seconds. */
  readonly bootSec: number;
}
