import {
  type AddressSpace,
  type Backing,
  type CodeStore,
  Errno,
  type GuestAddress,
  type Mapping,
  type MemoryAccount,
  type PartReader,
  type PartWriter,
  Prot,
  type Reply,
  type Result,
} from '@ashlar/hardware';
import { CodePages } from './code-pages.ts';
import type { Counters } from './counters.ts';
import { Engine } from './engine.ts';
import { Hart } from './hart.ts';
import { BASE, CONTEXT_BYTES, GUEST_BASE, GUEST_LIMIT, PAGE_SIZE, Perm } from './layout.ts';
import { MAPPINGS_MAX, Mappings, type Region } from './mappings.ts';
import { pageOf, Residency } from './residency.ts';
import { restoreSpace, saveSpace } from './saved-space.ts';
import type { SharedObject, SharedObjects } from './shared.ts';
import type { TranslatorOptions } from './translator/options.ts';
import { Translator } from './translator/translator.ts';

const PROT_ALL = Prot.READ | Prot.WRITE | Prot.EXEC;
/** Tells private memory of different spaces apart in futex keys; never saved, never seen by a guest. */
let spaces = 0;

const pageAligned = (value: number): boolean => Number.isSafeInteger(value) && value >= 0 && value % PAGE_SIZE === 0;

/** What all spaces of a CPU have in common. */
export interface SpaceSettings {
  /** When to translate; undefined: never. */
  readonly translate: TranslatorOptions | undefined;
  readonly counters: Counters;
  /** Where translated code is kept for other processes. */
  readonly codes: CodeStore;
}

/** An address space in a WebAssembly memory of its own. */
export class Riscv64Space implements AddressSpace {
  readonly kind = 'paged';
  readonly base = GUEST_BASE as GuestAddress;
  readonly limit = GUEST_LIMIT as GuestAddress;
  readonly regions = new Mappings();
  readonly residency: Residency;
  readonly hart: Hart;
  readonly objects: SharedObjects;
  readonly #engine: Engine;
  readonly #code: CodePages;
  readonly #translator: Translator | undefined;
  readonly #cpu: SpaceSettings;
  readonly #number = ++spaces;
  #epoch = 0;
  #alive = true;

  /** `objects`: the shared memory of the domain that the account belongs to. `cpu`: what its spaces have in common. */
  constructor(account: MemoryAccount, objects: SharedObjects, cpu: SpaceSettings) {
    const { translate, counters, codes } = cpu;
    this.objects = objects;
    this.#cpu = cpu;
    this.#engine = Engine.take(codes, counters);
    this.#code = new CodePages(this.#engine);
    this.residency = new Residency(
      this.#engine,
      this.regions,
      this.#code,
      account,
      objects,
      (page) => this.hart.loseReservations(page),
      (page) => this.hart.storedFromOutside(page),
    );
    this.#translator = translate && new Translator(this.#engine, this.#code, translate, counters, codes);
    this.hart = new Hart(this.#engine, this.residency, this.#code, this.#translator, counters);
    counters.add(this.#engine);
  }

  get residentPages(): number {
    return this.residency.count;
  }

  get epoch(): number {
    return this.#epoch;
  }

  map(at: GuestAddress, bytes: number, prot: number, from: Backing | undefined, offset: number, sharing: 'private' | 'shared'): Result {
    if (!this.#isRange(at, bytes) || (prot & ~PROT_ALL) !== 0 || !pageAligned(offset)) return -Errno.EINVAL;
    if (at < this.base || at + bytes > this.limit || this.regions.count + 2 > MAPPINGS_MAX) return -Errno.ENOMEM;
    const start = pageOf(at);
    const end = start + bytes / PAGE_SIZE;
    this.#take(start, end);
    const shared = sharing === 'shared' ? this.objects.of(from) : undefined;
    this.insert({ start, end, prot, backing: from, first: from === undefined && shared === undefined ? 0 : offset / PAGE_SIZE, shared });
    this.#epoch++;
    return 0;
  }

  unmap(at: GuestAddress, bytes: number): Result {
    if (!this.#isRange(at, bytes)) return -Errno.EINVAL;
    if (this.regions.count + 1 > MAPPINGS_MAX) return -Errno.ENOMEM;
    this.#take(pageOf(at), pageOf(at + bytes));
    this.#epoch++;
    return 0;
  }

  protect(at: GuestAddress, bytes: number, prot: number): Result {
    if (!this.#isRange(at, bytes) || (prot & ~PROT_ALL) !== 0) return -Errno.EINVAL;
    const start = pageOf(at);
    const end = pageOf(at + bytes);
    if (!this.#covers(start, end) || this.regions.count + 2 > MAPPINGS_MAX) return -Errno.ENOMEM;
    for (const region of this.regions.isolate(start, end)) {
      if (region.prot === prot) continue;
      region.prot = prot;
      this.residency.restrict(region.start, region.end, prot);
    }
    this.regions.join(start, end);
    this.#epoch++;
    return 0;
  }

  discard(at: GuestAddress, bytes: number): Result {
    if (!this.#isRange(at, bytes)) return -Errno.EINVAL;
    const start = pageOf(at);
    const end = pageOf(at + bytes);
    if (!this.#covers(start, end)) return -Errno.ENOMEM;
    for (const region of this.regions.within(start, end)) if (region.shared === undefined) this.residency.drop(region, start, end);
    return 0;
  }

  move(from: GuestAddress, to: GuestAddress, bytes: number): Result {
    if (!this.#isRange(from, bytes) || !this.#isRange(to, bytes)) return -Errno.EINVAL;
    if (to < this.base || to + bytes > this.limit || this.regions.count + 2 > MAPPINGS_MAX) return -Errno.ENOMEM;
    const start = pageOf(from);
    const end = pageOf(from + bytes);
    const target = pageOf(to);
    if (!this.#covers(start, end)) return -Errno.EFAULT;
    for (const _ of this.regions.within(target, target + (end - start))) return -Errno.EINVAL;
    // The memory grows before anything moves, so that nothing can fail half-way.
    const top = Math.min(end, this.residency.top);
    if (top > start && !this.#engine.reach((target + top - start) * PAGE_SIZE)) return -Errno.ENOMEM;
    const by = target - start;
    for (const region of this.regions.remove(start, end)) {
      for (let page = region.start; page < Math.min(region.end, top); page++) {
        if ((this.residency.flags(page) & Perm.PRESENT) === 0) continue;
        this.residency.move(page, page + by);
        region.shared?.adopt(region.first + (page - region.start), this.residency, page + by);
      }
      this.regions.add({ ...region, start: region.start + by, end: region.end + by });
    }
    this.#epoch++;
    return 0;
  }

  mappings(): readonly Mapping[] {
    return this.regions.list();
  }

  gap(bytes: number, from: GuestAddress, to: GuestAddress, align: number): Result {
    if (!pageAligned(bytes) || bytes === 0 || !pageAligned(align) || align === 0) return -Errno.EINVAL;
    const low = Math.max(from, this.base);
    const high = Math.min(to, this.limit);
    const page = this.regions.gap(bytes / PAGE_SIZE, Math.ceil(low / PAGE_SIZE), pageOf(high), align / PAGE_SIZE);
    return page < 0 ? -Errno.ENOMEM : page * PAGE_SIZE;
  }

  copyIn(at: GuestAddress, to: Uint8Array): Reply {
    let done = 0;
    while (done < to.length) {
      const address = at + done;
      if (!this.#open(address, Perm.READ)) return this.#partial(done);
      const bytes = Math.min(to.length - done, PAGE_SIZE - (address % PAGE_SIZE));
      this.#engine.copyOut(BASE + address, bytes, to, done);
      done += bytes;
    }
    return done;
  }

  copyOut(at: GuestAddress, from: Uint8Array, force = false): Reply {
    let done = 0;
    while (done < from.length) {
      const address = at + done;
      if (!this.#open(address, Perm.WRITE, force)) return this.#partial(done);
      const bytes = Math.min(from.length - done, PAGE_SIZE - (address % PAGE_SIZE));
      this.#engine.copyIn(from, done, bytes, BASE + address);
      done += bytes;
    }
    return done;
  }

  load32(at: GuestAddress): Reply {
    if (at % 4 !== 0) return this.#load32Misaligned(at);
    if (!this.#open(at, Perm.READ)) return this.#partial(0);
    return this.#engine.u32[(BASE + at) / 4] as number;
  }

  store32(at: GuestAddress, value: number): Reply {
    if (at % 4 !== 0) {
      scratch.setUint32(0, value, true);
      const reply = this.copyOut(at, scratchBytes);
      return typeof reply !== 'number' ? reply : reply === 4 ? 0 : -Errno.EFAULT;
    }
    if (!this.#open(at, Perm.WRITE)) return this.#partial(0);
    this.#engine.u32[(BASE + at) / 4] = value;
    return 0;
  }

  swap32(at: GuestAddress, expected: number, next: number): Reply {
    if (at % 4 !== 0) return -Errno.EINVAL;
    if (!this.#open(at, Perm.WRITE)) return this.#partial(0);
    const { u32 } = this.#engine;
    const word = (BASE + at) / 4;
    if (u32[word] !== expected >>> 0) return 0;
    u32[word] = next;
    return 1;
  }

  window(at: GuestAddress, bytes: number, write: boolean): Uint8Array | undefined {
    if (!this.#inside(at) || at + bytes > this.limit) return undefined;
    const last = bytes === 0 ? at : at + bytes - 1;
    if (!this.residency.ready(pageOf(at), pageOf(last), write ? Perm.WRITE : Perm.READ)) return undefined;
    if (write) for (let page = pageOf(at); page <= pageOf(last); page++) this.hart.storedFromOutside(page);
    return this.#engine.u8.subarray(BASE + at, BASE + at + bytes);
  }

  wordKey(at: GuestAddress): string | undefined {
    const region = this.#inside(at) ? this.regions.find(pageOf(at)) : undefined;
    if (region === undefined) return undefined;
    if (region.shared === undefined) return `private:${this.#number}:${at}`;
    return `shared:${region.shared.id}:${(region.first - region.start) * PAGE_SIZE + at}`;
  }

  fork(account: MemoryAccount = this.residency.account): Riscv64Space | Result {
    let pages = 0;
    for (const region of this.regions.all()) if (region.shared === undefined) pages += this.#resident(region);
    const charged = account.charge(pages);
    if (charged < 0) return charged;
    const child = new Riscv64Space(account, this.objects, this.#cpu);
    if (this.#translator !== undefined && child.#translator !== undefined) child.#translator.origin = this.#translator.origin;
    for (const region of this.regions.all()) child.insert({ ...region });
    if (!this.#copyPagesTo(child)) {
      account.charge(child.residentPages - pages);
      child.destroy();
      return -Errno.ENOMEM;
    }
    return child;
  }

  takeDirty(visit: (page: number) => void): Result {
    return this.residency.takeDirty(visit);
  }

  save(out: PartWriter): Reply {
    return saveSpace(this, out);
  }

  restore(part: PartReader, backingOf: (id: string) => Backing | undefined): Reply {
    return restoreSpace(this, part, backingOf);
  }

  destroy(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.hart.unloadAny();
    for (const region of this.regions.all()) if (region.shared !== undefined) this.residency.drop(region, region.start, region.end);
    for (const object of this.#sharedObjects()) object.leave(this.residency);
    this.residency.account.charge(-this.residency.count);
    this.#translator?.clear();
    this.#cpu.counters.remove(this.#engine);
    this.#engine.release(() => {
      this.#code.dropAll();
      this.residency.scrub();
      this.#engine.u8.fill(0, 0, CONTEXT_BYTES);
    });
  }

  /** Adds a region to the table; the place is free. */
  insert(region: Region): void {
    region.shared?.join(this.residency);
    this.regions.add(region);
  }

  // ─────

  #isRange(at: number, bytes: number): boolean {
    return pageAligned(at) && pageAligned(bytes) && bytes > 0;
  }

  #inside(at: number): boolean {
    return at >= 0 && at < this.limit;
  }

  /** Empties [start, end). */
  #take(start: number, end: number): void {
    const removed = this.regions.remove(start, end);
    for (const region of removed) this.residency.drop(region, region.start, region.end);
    for (const { shared } of removed) if (shared !== undefined && !this.#sharedObjects().has(shared)) shared.leave(this.residency);
  }

  #sharedObjects(): Set<SharedObject> {
    const found = new Set<SharedObject>();
    for (const { shared } of this.regions.all()) if (shared !== undefined) found.add(shared);
    return found;
  }

  #covers(start: number, end: number): boolean {
    let at = start;
    for (const region of this.regions.within(start, end)) {
      if (region.start > at) return false;
      at = region.end;
    }
    return at >= end;
  }

  #resident(region: Region): number {
    let pages = 0;
    const end = Math.min(region.end, this.residency.top);
    for (let page = region.start; page < end; page++) if ((this.residency.flags(page) & Perm.PRESENT) !== 0) pages++;
    return pages;
  }

  /** Private pages as they are, a copy per run; the child holds the charge already. */
  #copyPagesTo(child: Riscv64Space): boolean {
    for (const [start, end] of this.residency.runs()) {
      if (!child.#engine.reach(end * PAGE_SIZE)) return false;
      child.#engine.u8.set(this.#engine.u8.subarray(BASE + start * PAGE_SIZE, BASE + end * PAGE_SIZE), BASE + start * PAGE_SIZE);
      for (let page = start; page < end; page++) {
        const shared = this.regions.find(page)?.shared;
        const keep = Perm.READ | Perm.WRITE | Perm.EXEC | Perm.DIRTY;
        if (shared === undefined) child.residency.place(page, this.residency.flags(page) & keep);
        else child.residency.bytesOf(page).fill(0);
      }
    }
    return true;
  }

  /** Opens the page of an address for the host. */
  #open(address: number, perm: number, force = false): boolean {
    if (!this.#inside(address)) {
      this.residency.refusal = 'unmapped';
      return false;
    }
    const page = pageOf(address);
    if (perm === Perm.WRITE) this.hart.storedFromOutside(page);
    return (this.residency.flags(page) & perm) !== 0 || this.residency.touch(page, perm, force);
  }

  /** The reply when `done` bytes were moved before a page was refused. */
  #partial(done: number): Reply {
    if (done > 0) return done;
    const { refusal, wait } = this.residency;
    if (refusal === 'wait' && wait !== undefined) return wait;
    return refusal === 'nomemory' ? -Errno.ENOMEM : -Errno.EFAULT;
  }

  #load32Misaligned(at: GuestAddress): Reply {
    const reply = this.copyIn(at, scratchBytes);
    if (typeof reply !== 'number') return reply;
    return reply === 4 ? scratch.getUint32(0, true) : -Errno.EFAULT;
  }
}

const scratchBytes = new Uint8Array(4);
const scratch = new DataView(scratchBytes.buffer);
