import { Errno, type Result, type Wait } from '@ashlar/hardware';
import type { SignalAction, SignalInfo } from '@ashlar/kernel-stub';
import { copyProgress } from './copy-progress.ts';
import type { Core } from './core.ts';
import type { Process } from './process.ts';
import {
  ActionFlag,
  DEFAULT_HANDLER,
  defaultAction,
  highBit,
  IGNORE_HANDLER,
  lowBit,
  lowestSignal,
  Signal,
  SignalCode,
  STOP_LOW,
  SYNCHRONOUS_LOW,
  UNBLOCKABLE_LOW,
} from './signals.ts';
import type { UnixTask } from './task.ts';

/** What became of a task that was to run. */
export type Prepared = 'run' | 'gone';

/** Makes the info of a signal that the kernel itself sends. */
export const kernelSignal = (signal: number, code: number = SignalCode.KERNEL): SignalInfo => ({
  signal,
  code,
  pid: 0,
  uid: 0,
  address: 0,
  status: 0,
});

/** Sending and delivering signals (signal(7), POSIX.1-2024 §2.4). */
export class Signaling {
  readonly #core: Core;
  /** Processes that were stopped; some may have gone on since. */
  readonly #stopped = new Set<Process>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** To a process: any thread that does not block it takes it. -EAGAIN if its queue is full. */
  send(process: Process, info: SignalInfo): Result {
    const main = process.leader;
    if (process.zombie || main === undefined) return 0;
    this.#jobControl(process, info.signal);
    if (this.#ignores(main, info.signal)) return 0;
    const added = process.pending.add(info);
    if (added < 0) return added;
    const taker = this.#taker(process, info.signal);
    if (taker !== undefined) this.#poke(taker, info.signal);
    return 0;
  }

  /** To one thread. */
  sendThread(task: UnixTask, info: SignalInfo): Result {
    this.#jobControl(task.process, info.signal);
    if (this.#ignores(task, info.signal)) return 0;
    const added = task.pending.add(info);
    if (added < 0) return added;
    if (this.#wants(task, info.signal)) this.#poke(task, info.signal);
    return 0;
  }

  /** To all processes of a group; -ESRCH if there is none. */
  sendGroup(group: number, info: SignalInfo): Result {
    let found = false;
    for (const process of this.#core.processes.values()) {
      if (process.processGroup !== group || process === this.#core.init) continue;
      found = true;
      this.send(process, info);
    }
    return found ? 0 : -Errno.ESRCH;
  }

  /** A fault of the thread itself: it cannot be blocked or ignored. */
  raise(task: UnixTask, info: SignalInfo): void {
    const action = task.actions.of(info.signal);
    const blocked = ((task.maskLow & lowBit(info.signal)) | (task.maskHigh & highBit(info.signal))) !== 0;
    if (blocked || action.handler === IGNORE_HANDLER) {
      action.handler = DEFAULT_HANDLER;
      task.maskLow = (task.maskLow & ~lowBit(info.signal)) >>> 0;
      task.maskHigh = (task.maskHigh & ~highBit(info.signal)) >>> 0;
    }
    task.pending.add(info);
    task.attention = true;
  }

  /** The interval timer of a process ran out. */
  alarm(process: Process): void {
    this.send(process, kernelSignal(Signal.ALRM));
  }

  /** The mask changed, or a table of actions: what is pending may now be deliverable, or be ignored. */
  recheck(task: UnixTask): void {
    if (task.signalled) task.attention = true;
  }

  /**
   * Delivers what is due to a task that is about to run. 'gone': it ended, stopped or waits for a page, and does not run now.
   */
  prepare(task: UnixTask): Prepared {
    while (!task.process.ending) {
      const signal = this.#next(task);
      if (signal === 0) break;
      if (this.#movedSomething(task, signal)) return 'run';
      const info = task.pending.take(signal) ?? task.process.pending.take(signal);
      if (info !== undefined && !this.#act(task, info)) return 'gone';
    }
    if (!task.process.ending) return 'run';
    this.#core.life.finish(task);
    return 'gone';
  }

  /** After a restore. */
  restoreStopped(process: Process): void {
    if (process.stopped) this.#stopped.add(process);
  }

  /** Tells the parent that a child stopped or went on. */
  reportJob(process: Process, code: number, status: number): void {
    const parent = process.parent;
    if (parent === undefined) return;
    parent.childNews.wake();
    const action = parent.leader?.actions.of(Signal.CHLD);
    if (action === undefined || (action.flags & ActionFlag.NOCLDSTOP) !== 0) return;
    this.send(parent, { signal: Signal.CHLD, code, pid: process.pid, uid: process.credentials.ruid, address: 0, status });
  }

  /** No member has a parent outside the group and inside the session: nobody could continue it. */
  orphaned(group: number): boolean {
    for (const process of this.#core.processes.values()) {
      if (process.processGroup !== group || process.zombie) continue;
      const parent = process.parent;
      if (parent === undefined || parent.processGroup === group || parent.session !== process.session) continue;
      // The operator, whose hand init is, continues what it started; what init only inherited, nobody does.
      if (parent !== this.#core.init || process.kept) return false;
    }
    return true;
  }

  /** POSIX: a newly orphaned group with a stopped member gets SIGHUP, then SIGCONT. */
  hangUpIfOrphaned(group: number): void {
    let stopped = false;
    for (const process of this.#stopped) {
      if (!process.stopped) this.#stopped.delete(process);
      else if (process.processGroup === group) stopped = true;
    }
    if (!stopped || !this.orphaned(group)) return;
    this.sendGroup(group, kernelSignal(Signal.HUP));
    this.sendGroup(group, kernelSignal(Signal.CONT));
  }

  /** Its call has an answer already (bytes written, a futex that was woken): it is asked again first, and the signal delivered after. */
  #movedSomething(task: UnixTask, signal: number): boolean {
    if (signal === Signal.KILL || task.parked === undefined) return false;
    if (task.futex?.woken === true || copyProgress(task.progress) !== undefined) return true;
    return typeof task.progress === 'number' && task.progress > 0;
  }

  #next(task: UnixTask): number {
    if ((task.process.pending.low & lowBit(Signal.KILL)) !== 0) return Signal.KILL;
    const low = task.deliverableLow;
    if ((low & SYNCHRONOUS_LOW & task.pending.low) !== 0) return lowestSignal(low & SYNCHRONOUS_LOW & task.pending.low, 0);
    return lowestSignal(low, task.deliverableHigh);
  }

  /** true: go on with the next one. */
  #act(task: UnixTask, info: SignalInfo): boolean {
    const action = task.actions.of(info.signal);
    if (action.handler === IGNORE_HANDLER) return true;
    if (action.handler !== DEFAULT_HANDLER) return this.#deliver(task, info, action);
    switch (defaultAction(info.signal)) {
      case 'terminate':
        this.#core.life.endProcess(task.process, { code: 0, signal: info.signal });
        return true;
      case 'stop':
        if (info.signal !== Signal.STOP && this.orphaned(task.process.processGroup)) return true;
        this.#stop(task, info.signal);
        return false;
      default:
        return true;
    }
  }

  #deliver(task: UnixTask, info: SignalInfo, action: SignalAction): boolean {
    const old = task.savedMask ?? { low: task.maskLow, high: task.maskHigh };
    const stack = task.altStack;
    const reply = task.personality.deliver(this.#core.system, task, {
      info,
      action,
      oldMaskLow: old.low,
      oldMaskHigh: old.high,
      parked: task.parked !== undefined,
      altStack: stack === undefined ? undefined : { base: stack.base, bytes: stack.bytes },
    });
    if (typeof reply !== 'number') return this.#putBack(task, info, reply);
    if (reply < 0) {
      this.#core.life.endProcess(task.process, { code: 0, signal: Signal.SEGV });
      return true;
    }
    this.#entered(task, info.signal, action);
    return true;
  }

  /** The handler is entered: the call that was interrupted, if any, is over or begins anew. */
  #entered(task: UnixTask, signal: number, action: SignalAction): void {
    task.maskLow = (task.maskLow | action.maskLow) >>> 0;
    task.maskHigh = (task.maskHigh | action.maskHigh) >>> 0;
    if ((action.flags & ActionFlag.NODEFER) === 0) {
      task.maskLow = (task.maskLow | lowBit(signal)) >>> 0;
      task.maskHigh = (task.maskHigh | highBit(signal)) >>> 0;
    }
    task.maskLow = (task.maskLow & ~UNBLOCKABLE_LOW) >>> 0;
    if ((action.flags & ActionFlag.RESETHAND) !== 0) action.handler = DEFAULT_HANDLER;
    task.savedMask = undefined;
    this.#core.life.abandonCall(task);
  }

  /** The stack's page is absent: the signal stays pending and the task waits for the page. */
  #putBack(task: UnixTask, info: SignalInfo, wait: Wait): boolean {
    task.pending.add(info);
    task.interruptible = false;
    this.#core.scheduler.park(task, wait, this.#core.machine.events.now());
    return false;
  }

  #stop(task: UnixTask, signal: number): void {
    const process = task.process;
    task.state = 'held';
    if (process.stopped) return;
    process.stopped = true;
    this.#stopped.add(process);
    process.stopSignal = signal;
    process.report = 'stopped';
    this.reportJob(process, SignalCode.CHILD_STOPPED, signal);
  }

  /** What stop signals and SIGCONT do to each other when they are sent, delivered or not. */
  #jobControl(process: Process, signal: number): void {
    if (signal === Signal.CONT) {
      this.#discard(process, STOP_LOW);
      if (process.stopped) this.#continue(process);
    } else if ((lowBit(signal) & STOP_LOW) !== 0) {
      this.#discard(process, lowBit(Signal.CONT));
    } else if (signal === Signal.KILL && process.stopped) {
      process.stopped = false;
      for (const thread of process.threads) this.#core.scheduler.resume(thread);
    }
  }

  #continue(process: Process): void {
    process.stopped = false;
    process.report = 'continued';
    for (const thread of process.threads) this.#core.scheduler.resume(thread);
    this.reportJob(process, SignalCode.CHILD_CONTINUED, Signal.CONT);
  }

  #discard(process: Process, low: number): void {
    process.pending.discard(low, 0);
    for (const thread of process.threads) thread.pending.discard(low, 0);
  }

  /** Dropped when sent: nobody handles it, and it is not blocked (a blocked one may find a handler later). */
  #ignores(task: UnixTask, signal: number): boolean {
    if (signal === Signal.KILL || signal === Signal.STOP) return false;
    const maskLow = task.maskLow | (task.savedMask?.low ?? 0);
    const maskHigh = task.maskHigh | (task.savedMask?.high ?? 0);
    if (((maskLow & lowBit(signal)) | (maskHigh & highBit(signal))) !== 0) return false;
    const handler = task.actions.of(signal).handler;
    if (handler === IGNORE_HANDLER) return true;
    if (handler !== DEFAULT_HANDLER) return false;
    const action = defaultAction(signal);
    return action === 'ignore' || action === 'continue';
  }

  #wants(task: UnixTask, signal: number): boolean {
    const low = lowBit(signal);
    const high = highBit(signal);
    if (((task.maskLow & low) | (task.maskHigh & high)) === 0) return true;
    const taking = task.taking;
    return taking !== undefined && ((taking.low & low) | (taking.high & high)) !== 0;
  }

  #taker(process: Process, signal: number): UnixTask | undefined {
    const main = process.leader;
    if (main !== undefined && this.#wants(main, signal)) return main;
    for (const thread of process.threads) if (this.#wants(thread, signal)) return thread;
    return undefined;
  }

  /** Makes the thread look at its signals soon. */
  #poke(task: UnixTask, signal: number): void {
    task.attention = true;
    if (task.state !== 'parked') return;
    const taking = task.taking;
    if (taking !== undefined && ((taking.low & lowBit(signal)) | (taking.high & highBit(signal))) !== 0) this.#core.scheduler.wake(task);
    else if (task.interruptible || signal === Signal.KILL) this.#core.scheduler.interrupt(task);
  }
}
