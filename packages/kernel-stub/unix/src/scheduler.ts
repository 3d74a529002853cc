import type { EventKey, Events, Instant, Wait } from '@ashlar/hardware';
import type { Deadlines } from './deadlines.ts';
import type { UnixTask } from './task.ts';
import type { WakeListener } from './wait-queue.ts';

/** Instructions a task runs before the next one has its turn. */
export const QUANTUM = 50_000;
/** Instructions it runs at most, its turn over or not, when nobody was ready before: so late are timers noticed. What a step is given is less, as a rule. */
export const LONG_RUN = 4_000_000;

/**
 * Which task runs next, and what parked ones wait for.
 *
 * - Round robin in the order in which tasks became ready; nothing else decides, so equal histories give equal orders.
 * - A parked task is found through the keys it waits on. Keys of the stub's own wait queues wake it at once; keys of the machine only at the
 *   start of a step, when {@link observe} compares their last firing with the position of the step before.
 */
export class Scheduler implements WakeListener {
  readonly #events: Events;
  readonly #deadlines: Deadlines;
  readonly #waiters = new Map<EventKey, UnixTask[]>();
  /** Keys with waiters that are the machine's, not ours. */
  readonly #foreign = new Set<EventKey>();
  readonly #own = new Set<EventKey>();
  #ready: UnixTask[] = [];
  #head = 0;
  #position = 0;
  #parkings = 0;
  /** Fired when a task becomes ready while no step is under way. */
  readonly activity: EventKey;
  readonly #idle: EventKey[] = [];
  #stepping = false;

  constructor(events: Events, deadlines: Deadlines) {
    this.#events = events;
    this.#deadlines = deadlines;
    this.activity = events.allocate();
  }

  get readyCount(): number {
    return this.#ready.length - this.#head;
  }

  /** A step begins: wakes whoever waits on a key that fired since the step before. */
  begin(): void {
    this.#stepping = true;
    const now = this.#events.now();
    if (now !== this.#position) {
      for (const key of this.#foreign) if (this.#events.last(key) > this.#position) this.#wakeAll(key);
    }
    this.#position = now;
  }

  end(): void {
    this.#stepping = false;
  }

  /** The next ready task, taken out of the queue; undefined: none. */
  next(): UnixTask | undefined {
    while (this.#head < this.#ready.length) {
      const task = this.#ready[this.#head++] as UnixTask;
      if (this.#head === this.#ready.length) this.#clear();
      else if (this.#head >= 1024) this.#compact();
      if (task.state !== 'ready') continue;
      if (task.process.stopped && !task.process.ending) {
        task.state = 'held';
        continue;
      }
      task.state = 'running';
      return task;
    }
    return undefined;
  }

  /** Puts a task at the end of the queue. */
  enqueue(task: UnixTask): void {
    if (task.state === 'ready' || task.state === 'dead') return;
    task.state = 'ready';
    this.#ready.push(task);
    if (!this.#stepping) this.#events.fire(this.activity);
  }

  /** Puts a task back whose turn was cut short by the end of a step. */
  continueNext(task: UnixTask): void {
    task.state = 'ready';
    if (this.#head > 0) this.#ready[--this.#head] = task;
    else this.#ready.unshift(task);
  }

  /** Ready tasks in their order, for saving. */
  queued(): UnixTask[] {
    return this.#ready.slice(this.#head).filter((task) => task.state === 'ready');
  }

  /** Leaves the task until a key of `wait` fires or its deadline passes. `since`: position of events when the task's slice began. */
  park(task: UnixTask, wait: Wait, since: number): void {
    task.state = 'parked';
    task.askAgain = false;
    task.parkOrder = ++this.#parkings;
    for (const key of wait.on) {
      if (!this.#own.has(key)) {
        if (this.#events.last(key) > since) {
          this.wake(task);
          return;
        }
        this.#foreign.add(key);
      }
      task.waitKeys.push(key);
      const waiting = this.#waiters.get(key);
      if (waiting === undefined) this.#waiters.set(key, [task]);
      else waiting.push(task);
    }
    if (wait.until !== undefined) this.#setDeadline(task, wait.until);
  }

  /** What it waited for may be there: it is asked again. */
  wake(task: UnixTask): void {
    if (task.state !== 'parked') return;
    task.askAgain = true;
    this.#leave(task);
    this.enqueue(task);
  }

  /** It runs again for another reason (a signal): its wait is over, but not because of what it waited for. */
  interrupt(task: UnixTask): void {
    if (task.state !== 'parked') return;
    this.#leave(task);
    this.enqueue(task);
  }

  /** A stopped process goes on. */
  resume(task: UnixTask): void {
    if (task.state === 'held') this.enqueue(task);
  }

  /** The task is gone. */
  forget(task: UnixTask): void {
    this.#leave(task);
    task.state = 'dead';
  }

  timedOut(task: UnixTask): void {
    this.wake(task);
  }

  /** When nothing is ready: everything that could change that. One record's array, rewritten by each call. */
  idle(until: Instant | undefined): Wait {
    this.#idle.length = 0;
    this.#idle.push(this.activity, ...this.#foreign);
    return until === undefined ? { on: this.#idle } : { on: this.#idle, until };
  }

  allocated(key: EventKey): void {
    this.#own.add(key);
  }

  woken(key: EventKey): void {
    this.#wakeAll(key);
  }

  released(key: EventKey): void {
    this.#own.delete(key);
    if (this.#waiters.get(key)?.length === 0) this.#waiters.delete(key);
  }

  #wakeAll(key: EventKey): void {
    const waiting = this.#waiters.get(key);
    if (waiting === undefined) return;
    if (waiting.length === 1) this.wake(waiting[0] as UnixTask);
    else for (const task of waiting.slice()) this.wake(task);
  }

  #setDeadline(task: UnixTask, until: Instant): void {
    task.parker = this;
    task.deadline.sec = until.sec;
    task.deadline.nsec = until.nsec;
    task.hasDeadline = true;
    this.#deadlines.add(task);
  }

  #leave(task: UnixTask): void {
    // Taken out one by one: to set an array's length is a call into the engine.
    for (let key = task.waitKeys.pop(); key !== undefined; key = task.waitKeys.pop()) this.#stopWaiting(task, key);
    if (task.hasDeadline) this.#deadlines.remove(task);
    task.hasDeadline = false;
  }

  #stopWaiting(task: UnixTask, key: EventKey): void {
    const waiting = this.#waiters.get(key);
    if (waiting === undefined) return;
    if (waiting.length === 1 && waiting[0] === task) waiting.pop();
    else {
      const at = waiting.indexOf(task);
      if (at >= 0) waiting.splice(at, 1);
    }
    // The list of an own key stays, since two tasks that talk to each other wait on it again and again; it goes with the key.
    if (waiting.length > 0 || this.#own.has(key)) return;
    this.#waiters.delete(key);
    this.#foreign.delete(key);
  }

  #clear(): void {
    while (this.#ready.length > 0) this.#ready.pop();
    this.#head = 0;
  }

  #compact(): void {
    this.#ready = this.#ready.slice(this.#head);
    this.#head = 0;
  }
}
