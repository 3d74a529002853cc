import type { AddressSpace, Context, Cpu, EventKey, GuestAddress, Instant, Plain, Wait } from '@ashlar/hardware';
import type { Personality, Status, Task } from '@ashlar/kernel-stub';
import type { Timed } from './deadlines.ts';
import type { Description } from './description.ts';
import type { DescriptorTable } from './descriptor-table.ts';
import type { Caller, Credentials, Directories } from './host.ts';
import { instant } from './instant.ts';
import type { Memory } from './memory.ts';
import type { Process } from './process.ts';
import { PendingSignals, type SignalActions } from './signal-state.ts';
import type { Terminal } from './terminal-device.ts';

/** Directories with the number of tasks that share them. */
export interface SharedDirectories extends Directories {
  references: number;
}

/** Where the scheduler has a task. `held`: it could run, but its process is stopped. */
export type TaskState = 'new' | 'ready' | 'running' | 'parked' | 'held' | 'dead';

/** A futex wait under way; see futex.ts. */
export interface FutexWait {
  key: string;
  memory: Memory;
  at: GuestAddress;
  bits: number;
  woken: boolean;
}

export const emptyStatus = (): Status => ({
  node: 0,
  mode: 0,
  size: 0,
  links: 0,
  uid: 0,
  gid: 0,
  rdev: 0,
  atime: instant(),
  mtime: instant(),
  ctime: instant(),
  device: 0,
  blockBytes: 0,
  blocks: 0,
});

/** The tables a task holds; each may be shared with other tasks and counts them. */
export interface TaskTables {
  memory: Memory;
  descriptors: DescriptorTable;
  directories: SharedDirectories;
  actions: SignalActions;
}

/** A thread, with all that the kernel knows of it. */
export class UnixTask implements Task, Caller, Timed {
  /** Thread id. Changes only when a thread other than the first calls execve and takes the process's id over. */
  id: number;
  readonly process: Process;
  context: Context;
  space: AddressSpace;
  cpu: Cpu;
  personality: Personality;
  memory: Memory;
  descriptors: DescriptorTable;
  directories: SharedDirectories;
  actions: SignalActions;

  readonly stat: Status = emptyStatus();
  readonly values = new Float64Array(32);
  readonly bytes = new Uint8Array(4096);
  progress: Plain | undefined;
  callNote: Plain | undefined;
  parked: Wait | undefined;
  note: Plain | undefined;
  /** comm, at most 15 bytes. */
  name: Uint8Array = new Uint8Array();
  attention = false;

  // Signals.
  readonly pending = new PendingSignals();
  maskLow = 0;
  maskHigh = 0;
  /** The mask to go back to after sigsuspend, ppoll or epoll_pwait; low and high. */
  savedMask: { low: number; high: number } | undefined;
  /** What a sigtimedwait under way accepts. */
  taking: { low: number; high: number } | undefined;
  altStack: { base: number; bytes: number; flags: number } | undefined;

  // Scheduling.
  state: TaskState = 'new';
  /** false: a signal does not cut the present wait short (it comes from a device). Set by the operation that waits. */
  interruptible = true;
  /** It ends as soon as its run is left. */
  ending = false;
  /** It was woken by what it waits for: its call is asked again before any signal is delivered. */
  askAgain = false;
  /** Instructions left of its turn, when a step's budget ended within it: turns do not depend on how steps are cut. */
  turnLeft = 0;
  /** It gave the rest of its turn away (sched_yield). */
  yielded = false;
  /** Order in which tasks were parked: a restore asks them again in it. */
  parkOrder = 0;
  /** Keys it is parked on. */
  readonly waitKeys: EventKey[] = [];
  readonly deadline: Instant = instant();
  hasDeadline = false;
  /** The scheduler, once it has parked the task. */
  parker: { timedOut(task: UnixTask): void } | undefined;
  /** Reused by waits on many keys (poll). */
  readonly pollKeys: EventKey[] = [];
  readonly pollWait: { on: readonly EventKey[]; until?: Instant } = { on: this.pollKeys };

  // Calls under way that outlast an asking.
  futex: FutexWait | undefined;
  /** Opened, and waiting for its other side (a fifo). */
  opening: Description | undefined;
  /** The child of a vfork that this task waits for; it lets go by exec or exit. */
  vforkChild: UnixTask | undefined;
  /** The parent waiting for this task. */
  vforkParent: UnixTask | undefined;

  clearTidAt = 0;
  robustHead = 0;
  robustBytes = 0;

  constructor(id: number, process: Process, image: { context: Context; cpu: Cpu; personality: Personality }, tables: TaskTables) {
    this.id = id;
    this.process = process;
    this.context = image.context;
    this.cpu = image.cpu;
    this.personality = image.personality;
    this.memory = tables.memory;
    this.space = tables.memory.space;
    this.descriptors = tables.descriptors;
    this.directories = tables.directories;
    this.actions = tables.actions;
    process.threads.add(this);
  }

  get group(): number {
    return this.process.pid;
  }

  get credentials(): Credentials {
    return this.process.credentials;
  }

  get processGroup(): number {
    return this.process.processGroup;
  }

  get session(): number {
    return this.process.session;
  }

  get controllingTerminal(): Terminal | undefined {
    return this.process.controllingTerminal;
  }

  /** Signals that are pending, for the thread or its process, and not blocked. */
  get deliverableLow(): number {
    return ((this.pending.low | this.process.pending.low) & ~this.maskLow) >>> 0;
  }

  get deliverableHigh(): number {
    return ((this.pending.high | this.process.pending.high) & ~this.maskHigh) >>> 0;
  }

  get signalled(): boolean {
    return (this.deliverableLow | this.deliverableHigh) !== 0;
  }

  expire(_now: Instant): void {
    this.hasDeadline = false;
    this.parker?.timedOut(this);
  }
}
