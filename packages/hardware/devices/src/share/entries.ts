import { Errno, type Result } from '@ashlar/hardware';
import type { Budget } from './budget.ts';

/** A name of a directory that differs from the layers below. */
export interface Entry {
  readonly name: string;
  /** The node it names; 0 hides what the layers have there. */
  readonly number: number;
  readonly type: number;
  /** Place in the order of listing: grows with each entry made in this directory and is never used again. */
  readonly cookie: number;
}

/** Cookies of these entries lie above those of the layers' names. */
export const FIRST_ENTRY_COOKIE = 2 ** 31;
const COOKIE_MAX = 2 ** 32 - 1;
/** Bytes charged for an entry beside its name. */
const ENTRY_BYTES = 160;

/** The names of one directory that differ from the layers: what was made, and what is hidden. */
export class Entries {
  readonly #byName = new Map<string, Entry>();
  /** By cookie, ascending; entries that are gone leave holes until it is compacted. */
  #order: (Entry | undefined)[] = [];
  #cookies: number[] = [];
  #next: number = FIRST_ENTRY_COOKIE;

  constructor(private readonly budget: Budget) {}

  get size(): number {
    return this.#byName.size;
  }

  get(name: string): Entry | undefined {
    return this.#byName.get(name);
  }

  values(): Iterable<Entry> {
    return this.#byName.values();
  }

  /** Puts an entry in place of the one of that name, if there was one. -ENOSPC */
  set(name: string, number: number, type: number): Result {
    if (this.#next > COOKIE_MAX) return -Errno.ENOSPC;
    return this.restore({ name, number, type, cookie: this.#next });
  }

  /** Puts a saved entry back, with its cookie. To be called with ascending cookies. */
  restore(entry: Entry): Result {
    const charged = this.budget.charge(ENTRY_BYTES + entry.name.length);
    if (charged < 0) return charged;
    this.delete(entry.name);
    this.#byName.set(entry.name, entry);
    this.#order.push(entry);
    this.#cookies.push(entry.cookie);
    this.#next = entry.cookie + 1;
    return 0;
  }

  get nextCookie(): number {
    return this.#next;
  }

  set nextCookie(cookie: number) {
    this.#next = cookie;
  }

  delete(name: string): void {
    const entry = this.#byName.get(name);
    if (entry === undefined) return;
    this.#byName.delete(name);
    this.#order[this.#firstFrom(entry.cookie)] = undefined;
    this.budget.refund(ENTRY_BYTES + name.length);
    if (this.#order.length > 16 && this.#byName.size * 2 < this.#order.length) this.#compact();
  }

  clear(): void {
    for (const name of [...this.#byName.keys()]) this.delete(name);
  }

  /** The entry with the smallest cookie above `cookie`, hidden ones left out. */
  after(cookie: number): Entry | undefined {
    for (let i = this.#firstFrom(cookie + 1); i < this.#order.length; i++) {
      const entry = this.#order[i];
      if (entry !== undefined && entry.number !== 0) return entry;
    }
    return undefined;
  }

  /** Index of the first place whose cookie is at least `cookie`. */
  #firstFrom(cookie: number): number {
    let low = 0;
    let high = this.#cookies.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#cookies[middle]! < cookie) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #compact(): void {
    this.#order = this.#order.filter((entry) => entry !== undefined);
    this.#cookies = this.#order.map((entry) => entry!.cookie);
  }
}
