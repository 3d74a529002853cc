import { Errno, type Reply } from '@ashlar/hardware';
import type { Description, DescriptionObserver } from './description.ts';
import type { WaitQueue } from './wait-queue.ts';

/** Operations of flock(2). */
const LOCK_SHARED = 1;
const LOCK_EXCLUSIVE = 2;
const LOCK_NONBLOCK = 4;
const LOCK_UNLOCK = 8;

interface FileLock {
  exclusive: boolean;
  readonly holders: Set<Description>;
  readonly queue: WaitQueue;
}

/** flock(2): whole-file locks that belong to open file descriptions, within one stub. */
export class LockTable implements DescriptionObserver {
  readonly #locks = new Map<string, FileLock>();
  readonly #newQueue: () => WaitQueue;

  constructor(newQueue: () => WaitQueue) {
    this.#newQueue = newQueue;
  }

  /** -EWOULDBLOCK with LOCK_NB, a wait without; -EINVAL; -EBADF for what cannot be locked. */
  lock(description: Description, operation: number): Reply {
    const key = description.lockKey();
    if (key === undefined) return -Errno.EBADF;
    const kind = operation & ~LOCK_NONBLOCK;
    if (kind === LOCK_UNLOCK) {
      this.#unlock(key, description);
      return 0;
    }
    if (kind !== LOCK_SHARED && kind !== LOCK_EXCLUSIVE) return -Errno.EINVAL;
    return this.#acquire(key, description, kind === LOCK_EXCLUSIVE, (operation & LOCK_NONBLOCK) !== 0);
  }

  gone(description: Description): void {
    const key = description.lockKey();
    if (key !== undefined) this.#unlock(key, description);
  }

  /** What the description holds: 0, LOCK_SH or LOCK_EX. For saving. */
  held(description: Description): number {
    const key = description.lockKey();
    const lock = key === undefined ? undefined : this.#locks.get(key);
    if (lock === undefined || !lock.holders.has(description)) return 0;
    return lock.exclusive ? LOCK_EXCLUSIVE : LOCK_SHARED;
  }

  #acquire(key: string, description: Description, exclusive: boolean, nonblocking: boolean): Reply {
    let lock = this.#locks.get(key);
    if (lock === undefined) {
      lock = { exclusive, holders: new Set(), queue: this.#newQueue() };
      this.#locks.set(key, lock);
    }
    const others = lock.holders.size - (lock.holders.has(description) ? 1 : 0);
    if (others > 0 && (exclusive || lock.exclusive)) return nonblocking ? -Errno.EAGAIN : lock.queue.wait;
    const shares = lock.exclusive && !exclusive;
    lock.exclusive = exclusive;
    lock.holders.add(description);
    description.observe(this);
    if (shares) lock.queue.wake();
    return 0;
  }

  #unlock(key: string, description: Description): void {
    const lock = this.#locks.get(key);
    if (lock === undefined || !lock.holders.delete(description)) return;
    description.unobserve(this);
    lock.queue.wake();
    if (lock.holders.size > 0) return;
    lock.queue.destroy();
    this.#locks.delete(key);
  }
}
