import type { EventKey, Events } from '@ashlar/hardware';

/** Most keys of one hub that are allocated at a time. A leak of keys ends here, with an error that says so, and not in a slow host. */
export const EVENT_KEYS_MAX = 1 << 20;

/** The events of the machines of one thread. */
export class EventHub implements Events {
  #position = 0;
  #next = 1;
  /** Position of the last firing by key. A key that was given back is absent. */
  readonly #last = new Map<number, number>();
  #wakes: (() => void)[] = [];

  allocate(): EventKey {
    if (this.#last.size >= EVENT_KEYS_MAX)
      throw new RangeError(`more than ${EVENT_KEYS_MAX} event keys in use: some device does not release them`);
    if (this.#next > 0x7fff_ffff) throw new RangeError('all 2^31 - 1 event keys of this machine were used');
    const key = this.#next as EventKey;
    this.#next += 1;
    this.#last.set(key, 0);
    return key;
  }

  release(key: EventKey): void {
    if (!this.#last.delete(key)) return;
    this.#advance();
  }

  fire(key: EventKey): void {
    const position = this.#position + 1;
    if (this.#last.has(key)) this.#last.set(key, position);
    this.#advance();
  }

  now(): number {
    return this.#position;
  }

  /** A key that was given back counts as fired with every firing: whoever still waits for it must ask again rather than sleep for good. */
  last(key: EventKey): number {
    const position = this.#last.get(key);
    if (position !== undefined) return position;
    return key >= 1 && key < this.#next ? this.#position : 0;
  }

  onNext(wake: () => void): void {
    this.#wakes.push(wake);
  }

  #advance(): void {
    this.#position += 1;
    if (this.#wakes.length === 0) return;
    const wakes = this.#wakes;
    this.#wakes = [];
    for (const wake of wakes) wake();
  }
}
