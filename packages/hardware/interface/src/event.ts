import type { EventKey } from './value.ts';

/**
 * The events of one machine in one thread. A payload reads them only at the start of a step, so what it sees is a function of the firings
 * logged before that step (this is what record and replay rely on).
 *
 * An event carries no data and no count: it says "ask again". It may fire for no reason.
 */
export interface Events {
  /** A key that nobody else has. At most 2^31 − 1 in the life of a machine. */
  allocate(): EventKey;
  /** Gives a key back; waits that name it are woken. */
  release(key: EventKey): void;
  /** Marks the key as fired now. Legal at any time, also in the middle of a step. */
  fire(key: EventKey): void;
  /** Position in the order of firings: grows by one with each `fire`. */
  now(): number;
  /** Position of the key's last firing; 0 if it never fired. A payload whose last step began at position p has news iff `last(key) > p`. */
  last(key: EventKey): number;
  /** Calls `wake` once, at the next firing of any key (used by executors and thread edges; a payload has no business here). */
  onNext(wake: () => void): void;
}
