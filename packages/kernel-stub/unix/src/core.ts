import type { ClockName, Cpu, Instant, Isa, Machine } from '@ashlar/hardware';
import { Errno, type Result } from '@ashlar/hardware';
import { type Personality, SYSTEM_LIMITS, type TaskSystem } from '@ashlar/kernel-stub';
import { Deadlines } from './deadlines.ts';
import { FifoTable } from './fifo.ts';
import type { FileProvider } from './files.ts';
import { FutexTable } from './futex.ts';
import type { Caller, Credentials } from './host.ts';
import { addInstants, instant, NS_PER_SEC, nanoseconds } from './instant.ts';
import { Life } from './life.ts';
import type { Loading } from './loading.ts';
import { LockTable } from './lock.ts';
import { askConsole } from './machine-console.ts';
import type { Memory } from './memory.ts';
import { Process } from './process.ts';
import { initialLimits } from './resource.ts';
import { Scheduler } from './scheduler.ts';
import { Signaling } from './signaling.ts';
import { SocketTable } from './socket-table.ts';
import type { SharedDirectories, UnixTask } from './task.ts';
import { WaitQueue } from './wait-queue.ts';

/** The first process id given to a program; 1 is the stub's own init. */
const FIRST_PID = 2;
const PID_MAX = 4_194_303;
/** What a fork or an exec counts for in {@link Core.work}, and what a step may do, in bytes moved. */
export const IMAGE_WORK = 256 << 10;
export const STEP_WORK_MAX = 16 << 20;
const ROOT_USER: Credentials = { ruid: 0, euid: 0, suid: 0, rgid: 0, egid: 0, sgid: 0 };

/**
 * What every part of the kernel works on: the machine, the tables of processes and tasks, the clock, numbers. Parts refer to each other
 * through this one object, so that each file has one subject.
 */
export class Core {
  machine: Machine;
  readonly deadlines = new Deadlines();
  readonly scheduler: Scheduler;
  readonly signals: Signaling;
  readonly life: Life;
  readonly futexes: FutexTable;
  readonly locks = new LockTable(() => this.queue());
  readonly sockets = new SocketTable(this);
  readonly fifos = new FifoTable(
    () => this.serial(),
    () => this.queue(),
  );
  /** Set once, by the kernel's constructor. */
  files!: FileProvider;
  system!: TaskSystem;
  personalities: readonly Personality[] = [];

  /** Program files of execve calls that wait for a device, by caller. */
  readonly loading = new Map<Caller, Loading>();
  readonly processes = new Map<number, Process>();
  readonly tasks = new Map<number, UnixTask>();
  readonly init: Process;
  /** The task whose context is inside `cpu.run`, so that it must not be destroyed now. */
  running: UnixTask | undefined;
  /** Monotonic time at which its slice began, in nanoseconds. */
  sliceStartNs = 0;
  /**
   * Host work of the step under way that instructions do not show, in bytes moved; making an image or a process counts as {@link IMAGE_WORK}.
   * A step ends early past {@link STEP_WORK_MAX}.
   */
  work = 0;
  /** Spaces and contexts that were replaced or left while a run was under way. */
  readonly #graves: { destroy(): void }[] = [];

  lastPid = FIRST_PID - 1;
  lastSerial = 0;
  lastTag = 0;
  tasksMade = 0;
  /** Our monotonic time minus the machine's; `sec` may be negative. */
  readonly clockOffset: Instant = instant();
  /** The machine's wall clock when the stub started. */
  bootSec = 0;

  readonly #cpus = new Map<Isa, Cpu>();
  readonly #now: Instant = instant();

  constructor(machine: Machine) {
    this.machine = machine;
    this.scheduler = new Scheduler(machine.events, this.deadlines);
    this.signals = new Signaling(this);
    this.life = new Life(this);
    this.futexes = new FutexTable(this);
    const wall = instant();
    machine.clock.read('wall', wall);
    this.bootSec = wall.sec;
    this.init = this.makeProcess(1, undefined, ROOT_USER, initialLimits());
  }

  /** The machine's epoch changed: references are taken again. */
  refresh(): void {
    this.#cpus.clear();
    for (const task of this.tasks.values()) task.cpu = this.cpu(task.cpu.isa) ?? task.cpu;
  }

  cpu(isa: Isa): Cpu | undefined {
    let cpu = this.#cpus.get(isa);
    if (cpu === undefined) {
      cpu = this.machine.cpu(isa);
      if (cpu !== undefined) this.#cpus.set(isa, cpu);
    }
    return cpu;
  }

  /** Monotonic time is the machine's, moved so that it goes on where it stood when the stub was saved. */
  clock(which: ClockName, out: Instant): void {
    this.machine.clock.read(which, out);
    if (which === 'monotonic') addInstants(out, this.clockOffset, out);
  }

  /** Monotonic time now; the same record at each call, to be read at once. */
  now(): Instant {
    this.clock('monotonic', this.#now);
    return this.#now;
  }

  /** A deadline of ours as the machine has it, in place. */
  machineTime(deadline: Instant): Instant {
    const borrow = deadline.nsec < this.clockOffset.nsec ? 1 : 0;
    deadline.sec -= this.clockOffset.sec + borrow;
    deadline.nsec += borrow * NS_PER_SEC - this.clockOffset.nsec;
    return deadline;
  }

  /** After a restore: monotonic time goes on at `saved`. */
  continueClock(saved: Instant): void {
    const now = instant();
    this.machine.clock.read('monotonic', now);
    const borrow = saved.nsec < now.nsec ? 1 : 0;
    this.clockOffset.sec = saved.sec - now.sec - borrow;
    this.clockOffset.nsec = saved.nsec - now.nsec + borrow * NS_PER_SEC;
  }

  /** CPU time of the task's process up to now, in nanoseconds. */
  cpuNs(task: UnixTask): number {
    const used = task.process.usage.userNs + task.process.usage.systemNs;
    return this.running?.process === task.process ? used + nanoseconds(this.now()) - this.sliceStartNs : used;
  }

  queue(): WaitQueue {
    return new WaitQueue(this.machine.events, this.scheduler);
  }

  serial(): number {
    return ++this.lastSerial;
  }

  tag(): number {
    this.lastTag = this.lastTag >= 0x7fff_ffff ? 1 : this.lastTag + 1;
    return this.lastTag;
  }

  /** A free process or thread id other than `except`, or -EAGAIN when there are {@link SYSTEM_LIMITS}.tasks tasks. */
  newId(except = 0): Result {
    if (this.tasks.size >= SYSTEM_LIMITS.tasks || this.processes.size >= 2 * SYSTEM_LIMITS.tasks) return -Errno.EAGAIN;
    do this.lastPid = this.lastPid >= PID_MAX ? FIRST_PID : this.lastPid + 1;
    while (this.lastPid === except || this.tasks.has(this.lastPid) || this.processes.has(this.lastPid) || this.#groupInUse(this.lastPid));
    return this.lastPid;
  }

  makeProcess(pid: number, parent: Process | undefined, credentials: Credentials, limits: Float64Array): Process {
    const process = new Process(pid, parent, {
      timers: this.deadlines,
      alarms: this.signals,
      childNews: this.queue(),
      credentials,
      limits,
    });
    process.startNs = nanoseconds(this.now());
    this.processes.set(pid, process);
    return process;
  }

  /** Destroyed now, or after the run under way. */
  bury(what: { destroy(): void }): void {
    if (this.running === undefined) what.destroy();
    else this.#graves.push(what);
  }

  buryMemory(memory: Memory): void {
    if (memory.release()) this.bury(memory);
  }

  /** After a run. */
  digest(): void {
    for (const grave of this.#graves) grave.destroy();
    this.#graves.length = 0;
  }

  dropDirectories(directories: SharedDirectories): void {
    if (--directories.references > 0) return;
    this.files.drop(directories.root);
    this.files.drop(directories.cwd);
  }

  copyDirectories(directories: SharedDirectories): SharedDirectories {
    this.files.hold(directories.root);
    this.files.hold(directories.cwd);
    return { root: directories.root, cwd: directories.cwd, umask: directories.umask, references: 1 };
  }

  /** One line to the machine's console, if there is one; dropped if it cannot take it now. */
  log(line: string): void {
    askConsole(this.machine, (console) => console.write(new TextEncoder().encode(`${line}\n`)));
  }

  #groupInUse(id: number): boolean {
    for (const process of this.processes.values()) if (process.processGroup === id || process.session === id) return true;
    return false;
  }
}
