import { Errno, type GuestAddress, type Instant, type Reply, type Result } from '@ashlar/hardware';
import type { Core } from './core.ts';
import { compareInstants } from './instant.ts';
import type { UnixTask } from './task.ts';
import { FOREVER } from './wait-queue.ts';

/**
 * futex(2). Words are known by `AddressSpace.wordKey`, so that shared mappings meet. A waiter is queued at the first asking and stays queued while
 * its task is parked; being woken is remembered in the task, so that the second asking answers 0 without looking at the word again.
 */
export class FutexTable {
  readonly #core: Core;
  readonly #waiters = new Map<string, UnixTask[]>();

  constructor(core: Core) {
    this.#core = core;
  }

  wait(task: UnixTask, at: GuestAddress, expected: number, until: Instant | undefined, bits: number): Reply {
    const waiting = task.futex;
    if (waiting !== undefined) return this.#again(task, waiting.woken, until);
    if (bits === 0) return -Errno.EINVAL;
    if (at % 4 !== 0) return -Errno.EINVAL;
    const value = task.space.load32(at);
    if (typeof value !== 'number') {
      task.interruptible = false;
      return value;
    }
    if (value < 0) return value;
    if (value !== expected >>> 0) return -Errno.EAGAIN;
    const key = task.space.wordKey(at);
    if (key === undefined) return -Errno.EFAULT;
    task.futex = { key, memory: task.memory, at, bits, woken: false };
    this.#enqueue(key, task);
    return this.#again(task, false, until);
  }

  /** Tasks woken. */
  wakeAt(task: UnixTask, at: GuestAddress, most: number, bits: number): Result {
    if (at % 4 !== 0 || bits === 0) return -Errno.EINVAL;
    if (this.#waiters.size === 0) return task.space.load32(at) === -Errno.EFAULT ? -Errno.EFAULT : 0;
    const key = task.space.wordKey(at);
    return key === undefined ? -Errno.EFAULT : this.#wake(key, most, bits);
  }

  requeue(task: UnixTask, at: GuestAddress, wake: number, move: number, to: GuestAddress, expected: number | undefined): Result {
    if (at % 4 !== 0 || to % 4 !== 0 || wake < 0 || move < 0) return -Errno.EINVAL;
    if (expected !== undefined) {
      const value = task.space.load32(at);
      // A page that is not at hand cannot hold a futex that somebody waits on; the caller tries again.
      if (typeof value !== 'number') return -Errno.EAGAIN;
      if (value < 0) return value;
      if (value !== expected >>> 0) return -Errno.EAGAIN;
    }
    const from = task.space.wordKey(at);
    const target = task.space.wordKey(to);
    if (from === undefined || target === undefined) return -Errno.EFAULT;
    return this.#wake(from, wake, -1) + this.#move(task, from, target, to, move);
  }

  /** The task's wait is over for another reason. */
  cancel(task: UnixTask): void {
    const waiting = task.futex;
    if (waiting === undefined) return;
    task.futex = undefined;
    if (!waiting.woken) this.#dequeue(waiting.key, task);
  }

  /** After a restore: the word of a waiter has another key. */
  restore(task: UnixTask): void {
    const waiting = task.futex;
    if (waiting === undefined || waiting.woken) return;
    waiting.key = waiting.memory.space.wordKey(waiting.at as GuestAddress) ?? `lost:${task.id}`;
    this.#enqueue(waiting.key, task);
  }

  /** Waiters in the order in which they came, for saving. */
  waiters(): UnixTask[] {
    return [...this.#waiters.values()].flat();
  }

  #again(task: UnixTask, woken: boolean, until: Instant | undefined): Reply {
    if (woken) {
      task.futex = undefined;
      return 0;
    }
    if (until === undefined) return FOREVER;
    if (compareInstants(this.#core.now(), until) < 0) return { on: FOREVER.on, until };
    this.cancel(task);
    return -Errno.ETIMEDOUT;
  }

  #wake(key: string, most: number, bits: number): number {
    const queue = this.#waiters.get(key);
    if (queue === undefined) return 0;
    let woken = 0;
    for (let at = 0; at < queue.length && woken < most; ) {
      const task = queue[at] as UnixTask;
      const waiting = task.futex;
      if (waiting === undefined || (waiting.bits & bits) === 0) {
        at++;
        continue;
      }
      queue.splice(at, 1);
      waiting.woken = true;
      woken++;
      this.#core.scheduler.wake(task);
    }
    if (queue.length === 0) this.#waiters.delete(key);
    return woken;
  }

  #move(caller: UnixTask, from: string, target: string, to: GuestAddress, most: number): number {
    const queue = this.#waiters.get(from);
    if (queue === undefined) return 0;
    if (from === target) return Math.min(queue.length, most);
    const moved = queue.splice(0, most);
    if (queue.length === 0) this.#waiters.delete(from);
    for (const task of moved) {
      if (task.futex === undefined) continue;
      task.futex.key = target;
      task.futex.memory = caller.memory;
      task.futex.at = to;
      this.#enqueue(target, task);
    }
    return moved.length;
  }

  #enqueue(key: string, task: UnixTask): void {
    const queue = this.#waiters.get(key);
    if (queue === undefined) this.#waiters.set(key, [task]);
    else queue.push(task);
  }

  #dequeue(key: string, task: UnixTask): void {
    const queue = this.#waiters.get(key);
    if (queue === undefined) return;
    const at = queue.indexOf(task);
    if (at >= 0) queue.splice(at, 1);
    if (queue.length === 0) this.#waiters.delete(key);
  }
}
