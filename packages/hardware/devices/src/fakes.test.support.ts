import type { EventKey, Events, Instant, PartReader, PartWriter, Plain } from '@ashlar/hardware';

/** Events without a machine, for tests. */
export class FakeEvents implements Events {
  #next = 1;
  #position = 0;
  readonly #last = new Map<EventKey, number>();
  #wakes: (() => void)[] = [];

  allocate(): EventKey {
    return this.#next++ as EventKey;
  }
  release(): void {}
  fire(key: EventKey): void {
    this.#last.set(key, ++this.#position);
    for (const wake of this.#wakes.splice(0)) wake();
  }
  now(): number {
    return this.#position;
  }
  last(key: EventKey): number {
    return this.#last.get(key) ?? 0;
  }
  onNext(wake: () => void): void {
    this.#wakes.push(wake);
  }
}

/** A clock that moves by one nanosecond with each look, so that every change has a time of its own. */
export function tickingClock(): (out: Instant) => void {
  let ticks = 0;
  return (out) => {
    out.sec = 1000;
    out.nsec = ++ticks;
  };
}

/** A part being saved in memory; {@link read} gives it back. Values are copied as a real one would. */
export class MemoryPart implements PartWriter {
  readonly #values = new Map<string, Plain>();
  readonly #pages = new Map<string, Map<number, Uint8Array>>();
  readonly #parts = new Map<string, MemoryPart>();

  put(key: string, value: Plain): void {
    if (this.#values.has(key)) throw new Error(`${key} was put twice`);
    this.#values.set(key, structuredClone(value) as Plain);
  }
  page(key: string, page: number, bytes: Uint8Array): void {
    const pages = this.#pages.get(key) ?? new Map<number, Uint8Array>();
    pages.set(page, bytes.slice());
    this.#pages.set(key, pages);
  }
  part(key: string): MemoryPart {
    const part = new MemoryPart();
    this.#parts.set(key, part);
    return part;
  }

  read(): PartReader {
    const values = this.#values;
    const pages = this.#pages;
    const parts = this.#parts;
    return {
      has: (key) => values.has(key),
      get: (key) => {
        const value = values.get(key);
        if (value === undefined) throw new Error(`no ${key}`);
        return value;
      },
      pages: (key) => [...(pages.get(key)?.keys() ?? [])].sort((a, b) => a - b),
      page: (key, page, into) => into.set(pages.get(key)?.get(page) ?? new Uint8Array(into.length)),
      part: (key) => {
        const part = parts.get(key);
        if (part === undefined) throw new Error(`no part ${key}`);
        return part.read();
      },
      parts: () => [...parts.keys()],
      keys: () => [...values.keys()],
      pageKeys: () => [...pages.keys()],
    };
  }
}
