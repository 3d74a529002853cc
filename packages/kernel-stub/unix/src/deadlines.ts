import type { Instant } from '@ashlar/hardware';
import { compareInstants, instant } from './instant.ts';

/** Something that happens at a time: a parked task, an interval timer, a timer descriptor. */
export interface Timed {
  /** Monotonic; read while it is in a {@link Deadlines}. */
  readonly deadline: Instant;
  /** The deadline passed, and the entry was taken out; it may put itself in again. */
  expire(now: Instant): void;
}

/**
 * Deadlines of one stub. `expire` looks at a single lower bound until that passes, so checking after each slice is cheap; the order in which
 * entries due together expire is the order in which they were added.
 */
export class Deadlines {
  readonly #entries = new Set<Timed>();
  /** No entry is earlier than this. */
  readonly #bound: Instant = instant();

  get empty(): boolean {
    return this.#entries.size === 0;
  }

  add(entry: Timed): void {
    if (this.#entries.size === 0 || compareInstants(entry.deadline, this.#bound) < 0) this.#setBound(entry.deadline);
    this.#entries.add(entry);
  }

  remove(entry: Timed): void {
    this.#entries.delete(entry);
  }

  /** Takes out and expires all entries due at `now`. */
  expire(now: Instant): void {
    if (this.#entries.size === 0 || compareInstants(this.#bound, now) > 0) return;
    const due: Timed[] = [];
    let earliest: Instant | undefined;
    for (const entry of this.#entries) {
      if (compareInstants(entry.deadline, now) <= 0) due.push(entry);
      else if (earliest === undefined || compareInstants(entry.deadline, earliest) < 0) earliest = entry.deadline;
    }
    if (earliest !== undefined) this.#setBound(earliest);
    for (const entry of due) this.#entries.delete(entry);
    for (const entry of due) entry.expire(now);
  }

  /** The earliest deadline, copied into `out`; false if there is none. */
  earliest(out: Instant): boolean {
    let found = false;
    for (const entry of this.#entries) {
      if (found && compareInstants(entry.deadline, out) >= 0) continue;
      out.sec = entry.deadline.sec;
      out.nsec = entry.deadline.nsec;
      found = true;
    }
    if (found) this.#setBound(out);
    return found;
  }

  #setBound(to: Instant): void {
    this.#bound.sec = to.sec;
    this.#bound.nsec = to.nsec;
  }
}
