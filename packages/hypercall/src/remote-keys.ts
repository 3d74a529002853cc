import type { EventKey, Events } from '@ashlar/hardware';

/** Most keys of the far end that one client remembers; the oldest is woken and forgotten beyond. */
export const REMOTE_KEYS_MAX = 16_384;

/**
 * Which key of the hardware's thread a key of this thread stands for. Levels that relay frames do not look into them, so what a far end calls its keys
 * are the hardware's, at any depth.
 */
const FAR_KEYS = new WeakMap<Events, Map<EventKey, number>>();

/** The hardware's names for these keys; keys that live only in this thread are left out. */
export function farKeys(events: Events, keys: readonly EventKey[]): number[] {
  const far = FAR_KEYS.get(events);
  return keys.map((key) => far?.get(key)).filter((key): key is number => key !== undefined);
}

/** Asks the hardware to report the next firing of these keys of its, and names them here. */
export type WatchFar = (far: readonly number[]) => readonly EventKey[];

const WATCHES = new WeakMap<Events, WatchFar>();

/** Says how a thread whose events are `events` hears of the hardware's keys. The hardware's own thread says nothing. */
export function setFarWatch(events: Events, watch: WatchFar): void {
  WATCHES.set(events, watch);
}

/** Keys of this thread for the hardware's, which will fire with them; in the hardware's own thread they are the same. */
export function nearKeys(events: Events, far: readonly number[]): readonly EventKey[] {
  const watch = WATCHES.get(events);
  return watch === undefined ? (far as readonly EventKey[]) : watch(far);
}

/** Gives each event key of the far end one of this thread's. */
export class RemoteKeys {
  readonly #events: Events;
  readonly #local = new Map<number, EventKey>();
  readonly #far: Map<EventKey, number>;

  constructor(events: Events) {
    this.#events = events;
    this.#far = FAR_KEYS.get(events) ?? new Map();
    FAR_KEYS.set(events, this.#far);
  }

  local(remote: number): EventKey {
    const known = this.#local.get(remote);
    if (known !== undefined) return known;
    if (this.#local.size >= REMOTE_KEYS_MAX) this.#forgetOldest();
    const key = this.#events.allocate();
    this.#local.set(remote, key);
    this.#far.set(key, remote);
    return key;
  }

  fired(remote: number): void {
    const key = this.#local.get(remote);
    if (key !== undefined) this.#events.fire(key);
  }

  /** Wakes whoever waits for anything of the far end: it ended. */
  fireAll(): void {
    for (const key of this.#local.values()) this.#events.fire(key);
  }

  #forgetOldest(): void {
    const oldest = this.#local.entries().next().value;
    if (oldest === undefined) return;
    this.#local.delete(oldest[0]);
    this.#far.delete(oldest[1]);
    this.#events.release(oldest[1]);
  }
}
