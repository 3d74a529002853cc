import { Errno, type MemoryAccount, Prot, type Trap, type Wait } from '@ashlar/hardware';
import type { CodePages } from './code-pages.ts';
import type { Engine } from './engine.ts';
import { BASE, PAGE_SIZE, PERMS, Perm } from './layout.ts';
import type { Mappings, Region } from './mappings.ts';
import type { PageHolder, SharedObjects } from './shared.ts';

/** Why `touch` refused. */
export type Refusal = Trap['reason'] | 'nomemory' | 'wait';

/** What a mapping allows, as permission bits: on RISC-V, what can be written can be read. */
export function allowed(prot: number): number {
  return prot & Prot.WRITE ? prot | Prot.READ : prot;
}

/**
 * Which pages of a space are resident, and what the fast path may do with them. A permission byte never allows more than the mapping; it may
 * allow less, and then the first such access comes here.
 */
export class Residency implements PageHolder {
  /** Pages present, each charged. */
  count = 0;
  /** One past the highest page that was ever present. */
  top = 0;
  refusal: Refusal = 'none';
  wait: Wait | undefined;
  readonly account: MemoryAccount;
  readonly #engine: Engine;
  readonly #mappings: Mappings;
  readonly #code: CodePages;
  readonly #objects: SharedObjects;
  readonly #onWatched: (page: number) => void;
  readonly #onTaken: (page: number) => void;

  /**
   * `onWatched` is told when a page that was watched for stores is about to be written or goes away; `onTaken`, when one goes to another space, which may
   * store to it before it comes back.
   */
  constructor(
    engine: Engine,
    mappings: Mappings,
    code: CodePages,
    account: MemoryAccount,
    objects: SharedObjects,
    onWatched: (page: number) => void,
    onTaken: (page: number) => void,
  ) {
    this.#engine = engine;
    this.#mappings = mappings;
    this.#code = code;
    this.account = account;
    this.#objects = objects;
    this.#onWatched = onWatched;
    this.#onTaken = onTaken;
  }

  flags(page: number): number {
    return this.#engine.u8[PERMS + page] as number;
  }

  bytesOf(page: number): Uint8Array {
    const at = BASE + page * PAGE_SIZE;
    return this.#engine.u8.subarray(at, at + PAGE_SIZE);
  }

  /**
   * Makes a page present and opens it for one kind of access. False: refused, see `refusal`. `force` writes past the protection, and leaves the
   * page as protected as it was.
   */
  touch(page: number, perm: number, force = false): boolean {
    const region = this.#mappings.find(page);
    if (region === undefined) return this.#refuse('unmapped');
    const may = allowed(region.prot);
    if ((may & perm) === 0 && !force) return this.#refuse('protection');
    if ((this.flags(page) & Perm.PRESENT) === 0 && !this.#bring(page, region)) return false;
    if (perm === Perm.WRITE) this.#openForWriting(page, may);
    else this.#set(page, this.flags(page) | (may & (Perm.READ | Perm.EXEC)));
    return true;
  }

  /** Whether all pages from `page` to `last` may be accessed now; makes nothing present. */
  ready(page: number, last: number, perm: number): boolean {
    for (let p = page; p <= last; p++) {
      const flags = this.flags(p);
      if ((flags & perm) !== 0) continue;
      if ((flags & Perm.PRESENT) === 0 || !this.touch(p, perm)) return false;
    }
    return true;
  }

  /** Drops the pages of a region within [start, end), which are absent then. */
  drop(region: Region, start: number, end: number): void {
    const from = Math.max(start, region.start);
    const to = Math.min(end, region.end, this.top);
    for (let page = from; page < to; page++) {
      if ((this.flags(page) & Perm.PRESENT) === 0) continue;
      const { shared } = region;
      const index = region.first + (page - region.start);
      const stays = shared?.giveUp(index, this.bytesOf(page), (this.flags(page) & Perm.DIRTY) !== 0, this.account) ?? false;
      this.#release(page, !stays);
    }
  }

  surrender(page: number, to: PageHolder): boolean {
    const dirty = (this.flags(page) & Perm.DIRTY) !== 0;
    if (to !== this) this.#onTaken(page);
    this.#release(page, true);
    return dirty;
  }

  /** Withdraws what a new protection of [start, end) may no longer allow; accesses that it does allow come here once more. */
  restrict(start: number, end: number, prot: number): void {
    const may = allowed(prot) & (Perm.READ | Perm.EXEC);
    const to = Math.min(end, this.top);
    for (let page = start; page < to; page++) {
      const flags = this.flags(page);
      if ((flags & Perm.PRESENT) === 0) continue;
      if ((may & Perm.EXEC) === 0 && this.#code.has(page)) this.#code.drop(page);
      this.#set(page, (this.flags(page) & ~(Perm.READ | Perm.WRITE | Perm.EXEC)) | may);
    }
  }

  /** Withholds stores to a page until `onWatched` was told of the first. */
  watch(page: number): void {
    const flags = this.flags(page);
    if ((flags & Perm.PRESENT) !== 0) this.#set(page, (flags & ~Perm.WRITE) | Perm.WATCHED);
  }

  /** Moves a present page to an absent place. */
  move(from: number, to: number): void {
    const flags = this.flags(from);
    this.#engine.reach((to + 1) * PAGE_SIZE);
    this.bytesOf(to).set(this.bytesOf(from));
    this.#release(from, false);
    this.count++;
    this.top = Math.max(this.top, to + 1);
    this.#set(to, Perm.PRESENT | (flags & (Perm.READ | Perm.EXEC | Perm.DIRTY)));
  }

  /** A charged page with given contents, as a restore or a fork makes it; `flags` beside PRESENT. */
  place(page: number, flags: number): Uint8Array | undefined {
    if (!this.#engine.reach((page + 1) * PAGE_SIZE)) return undefined;
    this.count++;
    this.top = Math.max(this.top, page + 1);
    this.#set(page, Perm.PRESENT | flags);
    return this.bytesOf(page);
  }

  /** Visits pages written since the last time. */
  takeDirty(visit: (page: number) => void): number {
    let found = 0;
    for (let page = 0; page < this.top; page++) {
      const flags = this.flags(page);
      if ((flags & (Perm.PRESENT | Perm.DIRTY)) !== (Perm.PRESENT | Perm.DIRTY)) continue;
      this.#set(page, flags & ~(Perm.DIRTY | Perm.WRITE));
      const region = this.#mappings.find(page);
      region?.shared?.wrote(region.first + (page - region.start));
      visit(page);
      found++;
    }
    return found;
  }

  /** Ascending runs of present pages. */
  *runs(): Generator<readonly [start: number, end: number]> {
    let start = -1;
    for (let page = 0; page <= this.top; page++) {
      const present = page < this.top && (this.flags(page) & Perm.PRESENT) !== 0;
      if (present && start < 0) start = page;
      if (!present && start >= 0) {
        yield [start, page];
        start = -1;
      }
    }
  }

  /** Zeroes all guest memory that was ever used, for the next space. */
  scrub(): void {
    const { u8 } = this.#engine;
    let start = -1;
    for (let page = 0; page <= this.top; page++) {
      const used = page < this.top && ((u8[PERMS + page] as number) & (Perm.PRESENT | Perm.STALE)) !== 0;
      if (used && start < 0) start = page;
      if (!used && start >= 0) {
        u8.fill(0, BASE + start * PAGE_SIZE, BASE + page * PAGE_SIZE);
        start = -1;
      }
    }
    u8.fill(0, PERMS, PERMS + this.top);
  }

  #refuse(refusal: Refusal): false {
    this.refusal = refusal;
    return false;
  }

  #set(page: number, flags: number): void {
    const { u8 } = this.#engine;
    const rights = Perm.READ | Perm.WRITE | Perm.EXEC;
    if (((u8[PERMS + page] as number) & ~flags & rights) !== 0) this.#engine.withdraw();
    u8[PERMS + page] = flags;
  }

  #bring(page: number, region: Region): boolean {
    if (this.account.charge(1) < 0) return this.#refuse('nomemory');
    if (!this.#engine.reach((page + 1) * PAGE_SIZE)) {
      this.account.charge(-1);
      return this.#refuse('nomemory');
    }
    if ((this.flags(page) & Perm.STALE) !== 0) this.bytesOf(page).fill(0);
    if (!this.#fetch(page, region)) {
      // The backing may have written some of it.
      this.#set(page, Perm.STALE);
      this.top = Math.max(this.top, page + 1);
      this.account.charge(-1);
      return false;
    }
    this.count++;
    this.top = Math.max(this.top, page + 1);
    this.#set(page, Perm.PRESENT);
    return true;
  }

  #fetch(page: number, region: Region): boolean {
    const index = region.first + (page - region.start);
    const { shared, backing } = region;
    if (shared === undefined && backing === undefined) return true;
    const into = this.bytesOf(page);
    // What shared mappings of it hold may not be in the backing yet.
    if (shared === undefined && this.#objects.copy(backing, index, into)) return true;
    const reply = shared !== undefined ? shared.take(index, into, this, page) : backing === undefined ? 0 : backing.fetch(index, into);
    if (typeof reply !== 'number') {
      this.wait = reply;
      return this.#refuse('wait');
    }
    if (reply >= 0) return true;
    return this.#refuse(reply === -Errno.ENOMEM ? 'nomemory' : 'past-end');
  }

  #openForWriting(page: number, may: number): void {
    const flags = this.flags(page);
    if ((flags & Perm.CODE) !== 0) this.#code.invalidate(page);
    if ((flags & Perm.WATCHED) !== 0) this.#onWatched(page);
    this.#set(page, (this.flags(page) & ~(Perm.CODE | Perm.WATCHED)) | Perm.DIRTY | (may & (Perm.READ | Perm.WRITE | Perm.EXEC)));
  }

  #release(page: number, uncharge: boolean): void {
    const flags = this.flags(page);
    if (this.#code.has(page)) this.#code.drop(page);
    if ((flags & Perm.WATCHED) !== 0) this.#onWatched(page);
    this.#set(page, Perm.STALE);
    this.count--;
    if (uncharge) this.account.charge(-1);
  }
}

export const pageOf = (address: number): number => Math.floor(address / PAGE_SIZE);
