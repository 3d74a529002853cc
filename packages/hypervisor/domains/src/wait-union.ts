import type { EventKey, Instant, Wait } from '@ashlar/hardware';
import { add, copy, isBefore, isZero } from './instant.ts';

/** Most keys of the wait of a whole hypervisor; beyond, it asks to be stepped again soon instead. */
export const WAIT_KEYS_MAX = 4096;

/** What several domains wait for, as one wait of the hypervisor around them. */
export class WaitUnion {
  readonly #keys = new Set<EventKey>();
  #until: Instant | undefined;
  #overflow = false;

  add(wait: Wait, toOuter: Readonly<Instant>): void {
    for (const key of wait.on) this.key(key);
    if (wait.until !== undefined) this.deadline(isZero(toOuter) ? wait.until : add(wait.until, toOuter, { sec: 0, nsec: 0 }));
  }

  key(key: EventKey): void {
    if (this.#keys.size < WAIT_KEYS_MAX) this.#keys.add(key);
    else this.#overflow = true;
  }

  /** In the hypervisor's own monotonic time. */
  deadline(until: Readonly<Instant>): void {
    if (this.#until === undefined || isBefore(until, this.#until)) this.#until = copy(until);
  }

  /** Whether not all keys are in the wait, so that it must end by itself. */
  get overflow(): boolean {
    return this.#overflow;
  }

  wait(): Wait {
    const on = [...this.#keys];
    return this.#until === undefined ? { on } : { on, until: this.#until };
  }
}
