import { Errno, type Instant, type Reply, type Result } from '@ashlar/hardware';
import type { SignalAction, SignalInfo, TaskSystem } from '@ashlar/kernel-stub';
import type { Core } from '../core.ts';
import { addInstants, compareInstants, instant, isZero, subtractInstants } from '../instant.ts';
import type { Process } from '../process.ts';
import { copyAction } from '../signal-state.ts';
import {
  defaultAction,
  highBit,
  IGNORE_HANDLER,
  lowBit,
  lowestSignal,
  SIGNAL_MAX,
  Signal,
  SignalCode,
  UNBLOCKABLE_LOW,
} from '../signals.ts';
import type { UnixTask } from '../task.ts';
import { FOREVER } from '../wait-queue.ts';

type Names =
  | 'signalAction'
  | 'signalMask'
  | 'signalPending'
  | 'signalSuspend'
  | 'signalTake'
  | 'signalReturn'
  | 'signalStack'
  | 'kill'
  | 'killThread'
  | 'raise'
  | 'intervalTimer';

/** What sigqueue(3) sends along. */
type Queued = { code: number; value: number };

const SS_ONSTACK = 1;
const SS_DISABLE = 2;
/** MINSIGSTKSZ of Linux's generic ABI. */
const SIGNAL_STACK_BYTES_MIN = 2048;
const BLOCK = 0;
const UNBLOCK = 1;
const SET = 2;

/** Is `pointer` on the alternate stack? */
export const onStack = (stack: { base: number; bytes: number } | undefined, pointer: number): boolean =>
  stack !== undefined && pointer > stack.base && pointer <= stack.base + stack.bytes;

/** The `signal` group of TaskSystem. */
export class SignalCalls implements Pick<TaskSystem, Names> {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  signalAction(task: UnixTask, signal: number, next: SignalAction | undefined, old: SignalAction | undefined): Result {
    if (signal < 1 || signal > SIGNAL_MAX) return -Errno.EINVAL;
    if (next !== undefined && (signal === Signal.KILL || signal === Signal.STOP)) return -Errno.EINVAL;
    const action = task.actions.of(signal);
    if (old !== undefined) copyAction(action, old);
    if (next === undefined) return 0;
    copyAction(next, action);
    action.maskLow = (action.maskLow & ~UNBLOCKABLE_LOW) >>> 0;
    // POSIX: setting a signal to be ignored discards what is pending of it.
    const kind = defaultAction(signal);
    if (action.handler === IGNORE_HANDLER || (action.handler === 0 && (kind === 'ignore' || kind === 'continue'))) {
      task.process.pending.discard(lowBit(signal), highBit(signal));
      for (const thread of task.process.threads) thread.pending.discard(lowBit(signal), highBit(signal));
    }
    return 0;
  }

  signalMask(task: UnixTask, how: number, low: number, high: number): Result {
    task.values[0] = task.maskLow;
    task.values[1] = task.maskHigh;
    switch (how) {
      case -1:
        return 0;
      case BLOCK:
        this.#setMask(task, task.maskLow | low, task.maskHigh | high);
        return 0;
      case UNBLOCK:
        this.#setMask(task, task.maskLow & ~low, task.maskHigh & ~high);
        return 0;
      case SET:
        this.#setMask(task, low, high);
        return 0;
      default:
        return -Errno.EINVAL;
    }
  }

  signalPending(task: UnixTask): Result {
    task.values[0] = ((task.pending.low | task.process.pending.low) & task.maskLow) >>> 0;
    task.values[1] = ((task.pending.high | task.process.pending.high) & task.maskHigh) >>> 0;
    return 0;
  }

  signalSuspend(task: UnixTask, low: number, high: number): Reply {
    if (task.savedMask === undefined) {
      task.savedMask = { low: task.maskLow, high: task.maskHigh };
      this.#setMask(task, low, high);
    }
    return FOREVER;
  }

  signalTake(task: UnixTask, low: number, high: number, until: Instant | undefined): Reply {
    const wantLow = (low & ~UNBLOCKABLE_LOW) >>> 0;
    const signal = lowestSignal(
      ((task.pending.low | task.process.pending.low) & wantLow) >>> 0,
      ((task.pending.high | task.process.pending.high) & high) >>> 0,
    );
    const info = signal === 0 ? undefined : (task.pending.take(signal) ?? task.process.pending.take(signal));
    if (info !== undefined) {
      task.taking = undefined;
      task.values[0] = info.code;
      task.values[1] = info.pid;
      task.values[2] = info.uid;
      task.values[3] = info.status;
      task.values[4] = info.address;
      return signal;
    }
    if (until !== undefined && compareInstants(this.#core.now(), until) >= 0) {
      task.taking = undefined;
      return -Errno.EAGAIN;
    }
    task.taking = { low: wantLow, high };
    return until === undefined ? FOREVER : { on: FOREVER.on, until };
  }

  signalReturn(task: UnixTask, low: number, high: number): Result {
    this.#setMask(task, low, high);
    return 0;
  }

  signalStack(task: UnixTask, stackPointer: number, set: { base: number; bytes: number; flags: number } | undefined): Result {
    const stack = task.altStack;
    const on = onStack(stack, stackPointer);
    task.values[0] = stack?.base ?? 0;
    task.values[1] = stack?.bytes ?? 0;
    task.values[2] = stack === undefined ? SS_DISABLE : on ? SS_ONSTACK : 0;
    if (set === undefined) return 0;
    if (on) return -Errno.EPERM;
    if ((set.flags & SS_DISABLE) !== 0) {
      task.altStack = undefined;
      return 0;
    }
    if ((set.flags & 0x7fff_ffff & ~SS_ONSTACK) !== 0) return -Errno.EINVAL;
    if (set.bytes < SIGNAL_STACK_BYTES_MIN) return -Errno.ENOMEM;
    task.altStack = { ...set };
    return 0;
  }

  kill(task: UnixTask, pid: number, signal: number, queued?: Queued): Result {
    if (signal < 0 || signal > SIGNAL_MAX) return -Errno.EINVAL;
    const info = this.#info(task, signal, SignalCode.USER, queued);
    if (pid > 0) {
      const process = this.#core.processes.get(pid) ?? this.#core.tasks.get(pid)?.process;
      return process === undefined ? -Errno.ESRCH : this.#send(task, process, info);
    }
    if (pid === -1) return this.#sendAll(task, info, (process) => process !== task.process);
    const group = pid === 0 ? task.processGroup : -pid;
    return this.#sendAll(task, info, (process) => process.processGroup === group);
  }

  killThread(task: UnixTask, group: number, thread: number, signal: number, queued?: Queued): Result {
    if (thread <= 0 || group === 0 || signal < 0 || signal > SIGNAL_MAX) return -Errno.EINVAL;
    const target = this.#core.tasks.get(thread);
    if (target === undefined || (group > 0 && target.group !== group)) return -Errno.ESRCH;
    if (!this.#permits(task, target.process, signal)) return -Errno.EPERM;
    if (signal === 0) return 0;
    return this.#core.signals.sendThread(target, this.#info(task, signal, SignalCode.TKILL, queued));
  }

  raise(task: UnixTask, info: SignalInfo): void {
    this.#core.signals.raise(task, info);
  }

  intervalTimer(task: UnixTask, set: { value: Instant; interval: Instant } | undefined): Result {
    const timer = task.process.timer;
    const left = instant();
    if (timer.armed) {
      subtractInstants(timer.deadline, this.#core.now(), left);
      if (isZero(left)) left.nsec = 1;
    }
    task.values[0] = left.sec;
    task.values[1] = left.nsec;
    task.values[2] = timer.armed ? timer.interval.sec : 0;
    task.values[3] = timer.armed ? timer.interval.nsec : 0;
    if (set === undefined) return 0;
    if (isZero(set.value)) timer.disarm();
    else timer.arm(addInstants(this.#core.now(), set.value, left), set.interval);
    return 0;
  }

  #setMask(task: UnixTask, low: number, high: number): void {
    task.maskLow = (low & ~UNBLOCKABLE_LOW) >>> 0;
    task.maskHigh = high >>> 0;
    this.#core.signals.recheck(task);
  }

  #sendAll(task: UnixTask, info: SignalInfo, chosen: (process: Process) => boolean): Result {
    let found = false;
    let sent = false;
    for (const process of [...this.#core.processes.values()]) {
      if (process === this.#core.init || !chosen(process)) continue;
      found = true;
      if (this.#send(task, process, info) === 0) sent = true;
    }
    if (!found) return -Errno.ESRCH;
    return sent ? 0 : -Errno.EPERM;
  }

  #send(task: UnixTask, process: Process, info: SignalInfo): Result {
    if (!this.#permits(task, process, info.signal)) return -Errno.EPERM;
    return info.signal === 0 ? 0 : this.#core.signals.send(process, info);
  }

  /** kill(2): root, the same user, or SIGCONT within a session. */
  #permits(task: UnixTask, process: Process, signal: number): boolean {
    const from = task.credentials;
    const to = process.credentials;
    if (from.euid === 0 || from.euid === to.ruid || from.euid === to.suid || from.ruid === to.ruid || from.ruid === to.suid) return true;
    return signal === Signal.CONT && process.session === task.session;
  }

  #info(task: UnixTask, signal: number, code: number, queued: Queued | undefined): SignalInfo {
    const { code: actual, value } = queued ?? { code, value: 0 };
    return { signal, code: actual, pid: task.group, uid: task.credentials.ruid, address: value, status: 0 };
  }
}
