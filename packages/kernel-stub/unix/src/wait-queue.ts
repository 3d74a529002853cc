import type { EventKey, Events, Wait } from '@ashlar/hardware';

/** A wait that only the kernel itself ends: a futex wake, a signal. */
export const FOREVER: Wait = Object.freeze({ on: Object.freeze([]) });

/** Whoever wants to know at once that a key of the stub's own fired: the scheduler. */
export interface WakeListener {
  /** The key is the stub's own from now on: its firings are told by {@link woken}. */
  allocated(key: EventKey): void;
  woken(key: EventKey): void;
  released(key: EventKey): void;
}

/**
 * What tasks (and the operator) wait on inside the stub: a pipe getting room, a child ending. Waiting takes no memory: {@link wait} is one
 * record made once. `wake` costs nothing while nobody has asked since the last one.
 *
 * Rule: ask for `wait` *after* finding that nothing can be done, and look again when woken; a wake in between is then never lost, since the
 * stub is single-threaded.
 */
export class WaitQueue {
  readonly #events: Events;
  readonly #listener: WakeListener;
  #record: Wait | undefined;
  #armed = false;

  constructor(events: Events, listener: WakeListener) {
    this.#events = events;
    this.#listener = listener;
  }

  /** The event key; it is allocated at the first use. */
  get key(): EventKey {
    return this.wait.on[0] as EventKey;
  }

  /** A wait on this queue alone. The same frozen record each time; asking for it arms the queue. */
  get wait(): Wait {
    this.#armed = true;
    if (this.#record === undefined) {
      const key = this.#events.allocate();
      this.#record = Object.freeze({ on: Object.freeze([key]) });
      this.#listener.allocated(key);
    }
    return this.#record;
  }

  wake(): void {
    if (!this.#armed || this.#record === undefined) return;
    this.#armed = false;
    const key = this.#record.on[0] as EventKey;
    this.#events.fire(key);
    this.#listener.woken(key);
  }

  /** Wakes all and gives the key back; a later use allocates another. */
  destroy(): void {
    if (this.#record === undefined) return;
    const key = this.key;
    this.wake();
    this.#listener.released(key);
    this.#events.release(key);
    this.#record = undefined;
    this.#armed = false;
  }
}
