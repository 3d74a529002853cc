import { Errno, type GuestAddress, type Reply, type Result } from '@ashlar/hardware';
import type { CloneSpec, ExitStatus, WaitSelector } from '@ashlar/kernel-stub';
import type { Core } from './core.ts';
import { addUsage, type Process } from './process.ts';
import { kernelSignal } from './signaling.ts';
import { ActionFlag, IGNORE_HANDLER, Signal, SignalCode } from './signals.ts';
import { type TaskTables, UnixTask } from './task.ts';
import { FOREVER } from './wait-queue.ts';

/** Options of waitid(2). */
export const WaitOption = { NOHANG: 1, UNTRACED: 2, EXITED: 4, CONTINUED: 8, NOWAIT: 0x1000000 } as const;

/** Status words of wait(2). */
const encodeExit = (status: ExitStatus): number => (status.signal !== 0 ? status.signal : status.code << 8);
const encodeStop = (signal: number): number => (signal << 8) | 0x7f;
const CONTINUED_WORD = 0xffff;

/** How tasks and processes begin and end: fork(2), _exit(2), wait(2), credentials of orphans. */
export class Life {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** See TaskSystem.clone. */
  clone(task: UnixTask, spec: CloneSpec): Reply {
    const progress = task.progress;
    if (typeof progress === 'object' && progress !== null && 'vfork' in progress) return this.#vforkDone(task, Number(progress.vfork));
    if ((spec.thread && !spec.shareSignals) || (spec.shareSignals && !spec.shareMemory)) return -Errno.EINVAL;
    const touched = this.#touch(task, spec);
    if (touched !== undefined) return touched;
    const child = this.#makeChild(task, spec);
    if (typeof child === 'number') return child;
    if (spec.parentTidAt !== 0) task.space.store32(spec.parentTidAt as GuestAddress, child.id);
    if (spec.childTidAt !== 0) child.space.store32(spec.childTidAt as GuestAddress, child.id);
    child.clearTidAt = spec.clearTidAt;
    task.personality.cloned(task, child, spec);
    if (!spec.shareMemory) task.attention = true;
    this.#core.scheduler.enqueue(child);
    if (!spec.vfork) return child.id;
    task.vforkChild = child;
    child.vforkParent = task;
    task.progress = { vfork: child.id };
    return this.#vforkDone(task, child.id);
  }

  /** The child of a vfork no longer uses its parent's memory. */
  letGo(child: UnixTask): void {
    const parent = child.vforkParent;
    child.vforkParent = undefined;
    if (parent === undefined) return;
    parent.vforkChild = undefined;
    this.#core.scheduler.wake(parent);
  }

  /** exit(2) of one thread: it ends after the run it is in. */
  endThread(task: UnixTask, code: number): void {
    if (task.id === task.process.pid || task.process.threads.size === 1) task.process.status ??= { code: code & 0xff, signal: 0 };
    if (task.process.threads.size === 1) task.process.ending = true;
    this.#leave(task);
  }

  /** Ends all threads of a process: exit_group(2) or a fatal signal. The first to say how it ended is right. */
  endProcess(process: Process, status: ExitStatus): void {
    if (process.ending || process.zombie) return;
    process.ending = true;
    process.status = status;
    process.stopped = false;
    for (const thread of [...process.threads]) this.#leave(thread);
  }

  /** Ends all threads but one (execve). */
  endOthers(task: UnixTask): void {
    for (const thread of [...task.process.threads]) if (thread !== task) this.finish(thread);
  }

  /** The thread is not in a run: gives back all that it holds. */
  finish(task: UnixTask): void {
    if (task.state === 'dead') return;
    const core = this.#core;
    this.abandonCall(task);
    this.letGo(task);
    if (task.vforkChild !== undefined) task.vforkChild.vforkParent = undefined;
    this.#clearTid(task);
    core.scheduler.forget(task);
    core.tasks.delete(task.id);
    task.process.threads.delete(task);
    task.process.lastName = task.name;
    task.descriptors.release();
    core.dropDirectories(task.directories);
    task.actions.references--;
    core.bury(task.context);
    core.buryMemory(task.memory);
    if (task.process.threads.size === 0) this.#processEnded(task.process);
  }

  /** Forgets a call under way that will not be asked again: a handler was entered, or the task ends. */
  abandonCall(task: UnixTask): void {
    task.parked = undefined;
    if (task.progress !== undefined) this.#core.files.abandon(task.progress);
    task.progress = undefined;
    task.callNote = undefined;
    this.#core.loading.get(task)?.close();
    this.#core.loading.delete(task);
    task.taking = undefined;
    this.#core.futexes.cancel(task);
    const opening = task.opening;
    task.opening = undefined;
    opening?.release();
  }

  /** See TaskSystem.wait. */
  wait(task: UnixTask, selector: WaitSelector): Reply {
    const parent = task.process;
    let candidates = false;
    for (const child of parent.children) {
      if (!this.#selected(child, selector.pid, parent.processGroup)) continue;
      candidates = true;
      const found = this.#news(task, child, selector.options);
      if (found !== 0) return found;
    }
    if (!candidates) return -Errno.ECHILD;
    if ((selector.options & WaitOption.NOHANG) !== 0) return 0;
    return parent.childNews.wait;
  }

  /** A zombie disappears; its usage goes to its parent. */
  reap(process: Process): void {
    const parent = process.parent;
    if (parent !== undefined) {
      addUsage(parent.childrenUsage, process.usage);
      addUsage(parent.childrenUsage, process.childrenUsage);
      parent.children.delete(process);
    }
    process.childNews.destroy();
    this.#core.processes.delete(process.pid);
  }

  // ── clone ──

  #vforkDone(task: UnixTask, id: number): Reply {
    if (task.vforkChild === undefined) {
      task.progress = undefined;
      return id;
    }
    task.interruptible = false;
    return FOREVER;
  }

  /** Brings the pages in that the ids are written to; a wait before anything is made. */
  #touch(task: UnixTask, spec: CloneSpec): Reply | undefined {
    for (const at of [spec.parentTidAt, spec.childTidAt]) {
      if (at === 0) continue;
      const reply = task.space.load32(at as GuestAddress);
      if (typeof reply !== 'number') {
        task.interruptible = false;
        return reply;
      }
    }
    return undefined;
  }

  #makeChild(task: UnixTask, spec: CloneSpec): UnixTask | Result {
    const core = this.#core;
    const id = core.newId();
    if (id < 0) return id;
    const memory = spec.shareMemory ? task.memory : task.memory.fork();
    if (typeof memory === 'number') return memory;
    const context = task.cpu.clone(task.context, memory.space);
    if (typeof context === 'number') {
      if (!spec.shareMemory) memory.destroy();
      return context;
    }
    if (spec.shareMemory) memory.references++;
    const process = spec.thread ? task.process : core.makeProcess(id, task.process, task.process.credentials, task.process.limits);
    const image = { context, cpu: task.cpu, personality: task.personality };
    const child = new UnixTask(id, process, image, this.#tables(task, spec, memory));
    core.tasks.set(id, child);
    core.tasksMade++;
    this.#inherit(task, child, spec);
    return child;
  }

  #tables(task: UnixTask, spec: CloneSpec, memory: TaskTables['memory']): TaskTables {
    const descriptors = spec.shareFiles ? task.descriptors : task.descriptors.copy();
    if (spec.shareFiles) descriptors.references++;
    const directories = spec.shareDirectories ? task.directories : this.#core.copyDirectories(task.directories);
    if (spec.shareDirectories) directories.references++;
    const actions = spec.shareSignals ? task.actions : task.actions.copy();
    if (spec.shareSignals) actions.references++;
    return { memory, descriptors, directories, actions };
  }

  #inherit(task: UnixTask, child: UnixTask, spec: CloneSpec): void {
    child.note = task.note;
    child.name = task.name;
    child.maskLow = task.maskLow;
    child.maskHigh = task.maskHigh;
    if (task.altStack !== undefined && (!spec.shareMemory || spec.vfork)) child.altStack = { ...task.altStack };
    if (spec.thread) return;
    const process = child.process;
    const from = task.process;
    process.exitSignal = spec.exitSignal;
    process.executable = from.executable;
    from.executable?.hold();
    process.argv = from.argv;
    process.environment = from.environment;
  }

  // ── end ──

  #leave(task: UnixTask): void {
    if (task === this.#core.running) {
      task.ending = true;
      task.attention = true;
    } else {
      this.finish(task);
    }
  }

  #clearTid(task: UnixTask): void {
    if (task.clearTidAt === 0 || task.memory.references <= 1) return;
    task.space.store32(task.clearTidAt as GuestAddress, 0);
    this.#core.futexes.wakeAt(task, task.clearTidAt as GuestAddress, 1, -1);
  }

  #processEnded(process: Process): void {
    process.ending = true;
    process.zombie = true;
    process.status ??= { code: 0, signal: 0 };
    process.timer.disarm();
    process.executable?.release();
    process.executable = undefined;
    this.#endSession(process);
    this.#adopt(process);
    this.#core.signals.hangUpIfOrphaned(process.processGroup);
    this.#tellParent(process);
  }

  /** The leader of a session ends: its terminal has no session any more, and the foreground hears of it. */
  #endSession(process: Process): void {
    const terminal = process.controllingTerminal;
    if (terminal === undefined || process.session !== process.pid) return;
    if (terminal.foreground !== 0) {
      this.#core.signals.sendGroup(terminal.foreground, kernelSignal(Signal.HUP));
      this.#core.signals.sendGroup(terminal.foreground, kernelSignal(Signal.CONT));
    }
    terminal.session = 0;
    terminal.foreground = 0;
    for (const other of this.#core.processes.values()) {
      if (other.session === process.session) other.controllingTerminal = undefined;
    }
  }

  /** Children go to a subreaper, or to init, which reaps those that ended. Groups that nobody can continue any more are hung up if they are stopped. */
  #adopt(process: Process): void {
    const core = this.#core;
    const reaper = this.#reaperOf(process);
    for (const child of [...process.children]) {
      process.children.delete(child);
      child.parent = reaper;
      reaper.children.add(child);
      if (reaper !== core.init) child.exitSignal = Signal.CHLD;
      if (!child.zombie) core.signals.hangUpIfOrphaned(child.processGroup);
      else if (reaper === core.init) this.reap(child);
      else this.#tellParent(child);
    }
  }

  /** The nearest living ancestor that asked for orphans, or init. */
  #reaperOf(process: Process): Process {
    let reaper = process.parent;
    while (reaper !== undefined && (!reaper.subreaper || reaper.ending)) reaper = reaper.parent;
    return reaper ?? this.#core.init;
  }

  #tellParent(process: Process): void {
    const parent = process.parent as Process;
    process.childNews.wake();
    if (parent === this.#core.init) {
      if (!process.kept) this.reap(process);
      return;
    }
    const status = process.status as ExitStatus;
    const action = parent.leader?.actions.of(Signal.CHLD);
    const unwanted = action !== undefined && (action.handler === IGNORE_HANDLER || (action.flags & ActionFlag.NOCLDWAIT) !== 0);
    if (process.exitSignal !== 0) {
      const code = status.signal !== 0 ? SignalCode.CHILD_KILLED : SignalCode.CHILD_EXITED;
      const uid = process.credentials.ruid;
      const value = status.signal !== 0 ? status.signal : status.code;
      this.#core.signals.send(parent, { signal: process.exitSignal, code, pid: process.pid, uid, address: 0, status: value });
    }
    if (unwanted && process.exitSignal === Signal.CHLD) this.reap(process);
    parent.childNews.wake();
  }

  // ── wait ──

  #selected(child: Process, pid: number, ownGroup: number): boolean {
    if (pid > 0) return child.pid === pid;
    if (pid === -1) return true;
    return child.processGroup === (pid === 0 ? ownGroup : -pid);
  }

  #news(task: UnixTask, child: Process, options: number): Result {
    const keep = (options & WaitOption.NOWAIT) !== 0;
    const status = child.status;
    if (child.zombie && status !== undefined && (options & WaitOption.EXITED) !== 0) {
      const code = status.signal !== 0 ? SignalCode.CHILD_KILLED : SignalCode.CHILD_EXITED;
      this.#fill(task, child, encodeExit(status), code);
      if (!keep) this.reap(child);
      return child.pid;
    }
    if (child.report === 'stopped' && child.stopped && (options & WaitOption.UNTRACED) !== 0) {
      this.#fill(task, child, encodeStop(child.stopSignal), SignalCode.CHILD_STOPPED);
      if (!keep) child.report = undefined;
      return child.pid;
    }
    if (child.report === 'continued' && (options & WaitOption.CONTINUED) !== 0) {
      this.#fill(task, child, CONTINUED_WORD, SignalCode.CHILD_CONTINUED);
      if (!keep) child.report = undefined;
      return child.pid;
    }
    return 0;
  }

  #fill(task: UnixTask, child: Process, word: number, code: number): void {
    task.values[0] = word;
    task.values[1] = child.usage.userNs + child.childrenUsage.userNs;
    task.values[2] = child.usage.systemNs + child.childrenUsage.systemNs;
    task.values[3] = child.credentials.ruid;
    task.values[4] = code;
  }
}
