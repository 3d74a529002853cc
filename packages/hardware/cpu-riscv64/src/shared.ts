import type { Backing, MemoryAccount, Reply } from '@ashlar/hardware';
import { PAGE_SIZE } from './layout.ts';

/** A space that holds a page of a shared object. */
export interface PageHolder {
  /** The live bytes of a resident page. */
  bytesOf(page: number): Uint8Array;
  /** The page is taken away, by another holder or for another place here: it is absent now, and no longer charged. Whether it was written here. */
  surrender(page: number, to: PageHolder): boolean;
}

/** Where the contents of one page of an object are, when not in its backing. */
type Place = { readonly holder: PageHolder; readonly page: number } | { readonly parked: Uint8Array; readonly account: MemoryAccount };

/**
 * Memory that several mappings share. Two WebAssembly memories cannot alias, so a page is in one place at a time and migrates to whoever touches
 * it; in one thread, that is indistinguishable from sharing. A page that no mapping holds and no backing stores is parked here, still charged.
 */
export class SharedObject {
  readonly id: string;
  readonly backing: Backing | undefined;
  readonly #places = new Map<number, Place>();
  readonly #users = new Set<PageHolder>();
  /** Pages whose contents differ from the backing's, apart from what their holder knows to be dirty. */
  readonly #written = new Set<number>();
  readonly #onUnused: () => void;

  constructor(id: string, backing: Backing | undefined, onUnused: () => void) {
    this.id = id;
    this.backing = backing;
    this.#onUnused = onUnused;
  }

  /** `holder` maps the object; until `leave`. */
  join(holder: PageHolder): void {
    this.#users.add(holder);
  }

  leave(holder: PageHolder): void {
    this.#users.delete(holder);
    if (this.#users.size > 0) return;
    for (const place of this.#places.values()) if ('parked' in place) place.account.charge(-1);
    this.#places.clear();
    this.#onUnused();
  }

  /** Whether `holder` is the one that saves the parked pages: exactly one user is. */
  isFirst(holder: PageHolder): boolean {
    return this.#users.values().next().value === holder;
  }

  /** Brings a page into `into` (4,096 zeroed bytes), which is `page` of `holder` from now on. The caller has charged it. */
  take(index: number, into: Uint8Array, holder: PageHolder, page: number): Reply {
    const place = this.#places.get(index);
    if (place === undefined) {
      const reply = this.backing === undefined ? 0 : this.backing.fetch(index, into);
      if (typeof reply !== 'number' || reply < 0) return reply;
    } else if ('parked' in place) {
      into.set(place.parked);
      place.account.charge(-1);
    } else {
      into.set(place.holder.bytesOf(place.page));
      if (place.holder.surrender(place.page, holder)) this.#written.add(index);
    }
    this.#places.set(index, { holder, page });
    return PAGE_SIZE;
  }

  /** Copies a page into `into` from where it is, if that is not the backing. */
  copy(index: number, into: Uint8Array): boolean {
    const place = this.#places.get(index);
    if (place === undefined) return false;
    into.set('parked' in place ? place.parked : place.holder.bytesOf(place.page));
    return true;
  }

  /** The holder unmaps a page: its bytes go to the backing if it stores, and stay here otherwise. True if the charge stays with them. */
  giveUp(index: number, bytes: Uint8Array, dirty: boolean, account: MemoryAccount): boolean {
    this.#places.delete(index);
    if (!dirty && !this.#written.has(index) && this.backing !== undefined) return false;
    const stored = this.backing?.store?.(index, bytes);
    if (typeof stored === 'number' && stored >= 0) {
      this.#written.delete(index);
      return false;
    }
    this.park(index, bytes, account);
    return true;
  }

  /** Keeps a copy of a page that `account` is charged for. */
  park(index: number, bytes: Uint8Array, account: MemoryAccount): void {
    this.#places.set(index, { parked: bytes.slice(), account });
    this.#written.add(index);
  }

  /** A page was written, and its holder is about to forget it. */
  wrote(index: number): void {
    this.#written.add(index);
  }

  /** `holder` has the page already, from a restore or another place in the same space. */
  adopt(index: number, holder: PageHolder, page: number): void {
    this.#places.set(index, { holder, page });
  }

  *parked(): Generator<readonly [number, Uint8Array]> {
    for (const [index, place] of this.#places) if ('parked' in place) yield [index, place.parked];
  }
}

/** The shared objects of one domain, by backing id. */
export class SharedObjects {
  readonly #objects = new Map<string, SharedObject>();
  #anonymous = 0;

  /** The object of a backing; `undefined` makes a new one of zeroes. */
  of(backing: Backing | undefined): SharedObject {
    if (backing !== undefined) return this.named(backing.id, backing);
    do this.#anonymous++;
    while (this.#objects.has(`anonymous:${this.#anonymous}`));
    return this.named(`anonymous:${this.#anonymous}`, undefined);
  }

  /** Copies a page of a backing as its shared mappings have it; false if none does. */
  copy(backing: Backing | undefined, index: number, into: Uint8Array): boolean {
    return backing !== undefined && (this.#objects.get(backing.id)?.copy(index, into) ?? false);
  }

  named(id: string, backing: Backing | undefined): SharedObject {
    let object = this.#objects.get(id);
    if (object === undefined) {
      object = new SharedObject(id, backing, () => this.#objects.delete(id));
      this.#objects.set(id, object);
    }
    return object;
  }
}
