import type { Instant } from '@ashlar/hardware';
import type { ExitStatus } from '@ashlar/kernel-stub';
import type { Deadlines, Timed } from './deadlines.ts';
import type { Credentials } from './host.ts';
import { addInstants, compareInstants, instant, isZero } from './instant.ts';
import type { ProgramHold } from './memory.ts';
import { PendingSignals } from './signal-state.ts';
import type { UnixTask } from './task.ts';
import type { Terminal } from './terminal-device.ts';
import type { WaitQueue } from './wait-queue.ts';

/** Time and faults used, as getrusage(2) sums them up. */
export interface Usage {
  userNs: number;
  systemNs: number;
  maxResidentPages: number;
  voluntarySwitches: number;
  involuntarySwitches: number;
}

export const noUsage = (): Usage => ({ userNs: 0, systemNs: 0, maxResidentPages: 0, voluntarySwitches: 0, involuntarySwitches: 0 });

export function addUsage(to: Usage, from: Usage): void {
  to.userNs += from.userNs;
  to.systemNs += from.systemNs;
  to.maxResidentPages = Math.max(to.maxResidentPages, from.maxResidentPages);
  to.voluntarySwitches += from.voluntarySwitches;
  to.involuntarySwitches += from.involuntarySwitches;
}

/** ITIMER_REAL of a process. */
export class IntervalTimer implements Timed {
  readonly deadline: Instant = instant();
  readonly interval: Instant = instant();
  armed = false;
  readonly #deadlines: Deadlines;
  readonly #owner: { alarm(process: Process): void };
  readonly #process: Process;

  constructor(deadlines: Deadlines, owner: { alarm(process: Process): void }, process: Process) {
    this.#deadlines = deadlines;
    this.#owner = owner;
    this.#process = process;
  }

  arm(deadline: Instant, interval: Instant): void {
    this.disarm();
    this.deadline.sec = deadline.sec;
    this.deadline.nsec = deadline.nsec;
    this.interval.sec = interval.sec;
    this.interval.nsec = interval.nsec;
    this.armed = true;
    this.#deadlines.add(this);
  }

  disarm(): void {
    if (this.armed) this.#deadlines.remove(this);
    this.armed = false;
  }

  /** One signal however late it is: periods missed are skipped, not made up for. */
  expire(now: Instant): void {
    this.armed = false;
    if (!isZero(this.interval)) {
      do addInstants(this.deadline, this.interval, this.deadline);
      while (compareInstants(this.deadline, now) <= 0 && this.#skipTo(now));
      this.armed = true;
      this.#deadlines.add(this);
    }
    this.#owner.alarm(this.#process);
  }

  /** Far behind: starts anew from now rather than counting through millions of periods. */
  #skipTo(now: Instant): boolean {
    if (now.sec - this.deadline.sec < 1) return true;
    addInstants(now, this.interval, this.deadline);
    return false;
  }
}

/** What a parent has still to be told about a child, beside its end. */
export type JobReport = 'stopped' | 'continued';

/** A process: a thread group with what its threads share by nature. Its tables (descriptors, memory …) hang on the threads. */
export class Process {
  readonly pid: number;
  parent: Process | undefined;
  readonly children = new Set<Process>();
  /** Living threads; empty: a zombie. The first is not necessarily the one with id = pid. */
  readonly threads = new Set<UnixTask>();
  processGroup: number;
  session: number;
  controllingTerminal: Terminal | undefined;
  readonly pending = new PendingSignals();
  readonly credentials: Credentials;
  /** [soft, hard] by RLIMIT_*. */
  readonly limits: Float64Array;
  readonly usage: Usage = noUsage();
  /** Of children waited for. */
  readonly childrenUsage: Usage = noUsage();
  readonly timer: IntervalTimer;
  /** Woken when a child ends, stops or continues. */
  readonly childNews: WaitQueue;
  /** Sent to the parent at the end; 0: none. */
  exitSignal: number;
  /** Set when it ended (all threads gone) or began to: then further ways to end change nothing. */
  status: ExitStatus | undefined;
  /** All threads are to end. */
  ending = false;
  /** Ended and not yet waited for. */
  zombie = false;
  stopped = false;
  stopSignal = 0;
  report: JobReport | undefined;
  /** It called execve since it was forked (setpgid from its parent is then refused). */
  executed = false;
  /** Orphans among its descendants become its children. */
  subreaper = false;
  /** The operator still wants to know how it ended: it stays a zombie until `release`. */
  kept = false;
  executable: ProgramHold | undefined;
  /** comm of its last thread, for a zombie. */
  lastName: Uint8Array = new Uint8Array();
  argv: readonly Uint8Array[] = [];
  environment: readonly Uint8Array[] = [];
  startNs = 0;

  constructor(
    pid: number,
    parent: Process | undefined,
    made: {
      timers: Deadlines;
      alarms: { alarm(process: Process): void };
      childNews: WaitQueue;
      credentials: Credentials;
      limits: Float64Array;
    },
  ) {
    this.pid = pid;
    this.parent = parent;
    this.processGroup = parent?.processGroup ?? pid;
    this.session = parent?.session ?? pid;
    this.controllingTerminal = parent?.controllingTerminal;
    this.credentials = { ...made.credentials };
    this.limits = made.limits.slice();
    this.timer = new IntervalTimer(made.timers, made.alarms, this);
    this.childNews = made.childNews;
    this.exitSignal = 0;
    parent?.children.add(this);
  }

  /** The thread whose id is the pid, or any. undefined: none lives. */
  get leader(): UnixTask | undefined {
    let any: UnixTask | undefined;
    for (const thread of this.threads) {
      if (thread.id === this.pid) return thread;
      any ??= thread;
    }
    return any;
  }
}
