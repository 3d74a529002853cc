import type { Clock, EventKey, Events, Instant, Wait } from '@ashlar/hardware';

/**
 * Remembers that something answered with a wait, so that it is asked again only when that wait is over. Looking costs one comparison for each
 * key, so a step over many idle processes is cheap.
 */
export class Gate {
  #wait: Wait | undefined;
  #since = 0;

  /** Whether to ask (again). */
  open(events: Events, clock: Clock, now: Instant): boolean {
    const wait = this.#wait;
    if (wait === undefined) return true;
    if (!over(wait, this.#since, events, clock, now)) return false;
    this.#wait = undefined;
    return true;
  }

  close(wait: Wait, events: Events): void {
    this.#wait = wait;
    this.#since = events.now();
  }

  /** Adds what is waited for. */
  collect(into: WaitSet): void {
    if (this.#wait !== undefined) into.add(this.#wait);
  }
}

function over(wait: Wait, since: number, events: Events, clock: Clock, now: Instant): boolean {
  for (const key of wait.on) if (events.last(key) > since) return true;
  if (wait.until === undefined) return false;
  clock.read('monotonic', now);
  return now.sec > wait.until.sec || (now.sec === wait.until.sec && now.nsec >= wait.until.nsec);
}

/** Several waits as one. */
export class WaitSet {
  readonly #keys = new Set<EventKey>();
  #until: Instant | undefined;

  add(wait: Wait): void {
    for (const key of wait.on) this.#keys.add(key);
    const { until } = wait;
    if (until === undefined) return;
    const earlier =
      this.#until === undefined || until.sec < this.#until.sec || (until.sec === this.#until.sec && until.nsec < this.#until.nsec);
    if (earlier) this.#until = until;
  }

  key(key: EventKey): void {
    this.#keys.add(key);
  }

  wait(): Wait {
    const on = [...this.#keys];
    return this.#until === undefined ? { on } : { on, until: this.#until };
  }
}
