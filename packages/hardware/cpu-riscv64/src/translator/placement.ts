import type { CodePages } from '../code-pages.ts';
import type { Counters } from '../counters.ts';
import type { Engine } from '../engine.ts';
import { BASE, ENTERED, Handle, JUMP_COUNT, JUMP_MASK, JUMPS, PAGE_SHIFT, PAGE_SIZE, PERMS, Perm, REGIONS_MAX } from '../layout.ts';
import type { Shape, Span } from './shape.ts';
import type { Shared } from './shared-module.ts';

/** Times a page's code may change before it is no longer translated: it is data as well, or a compiler's scratch. */
const CHANGES_MAX = 16;
/** By what the table grows. V8 has a copy of it for each module, of 20 bytes an index, all of which are resident. */
const TABLE_GROWTH = 1.25;

/**
 * Modules with an instance at a time. V8 keeps each for as long as its table lives, with a copy of the table, so that this many are enough reason to
 * start over with a new one.
 */
const INSTANCES_MAX = 256;

/** A region that was put in place in a space. */
export interface Placed {
  readonly shape: Shape;
  /** Where its function is in the table: it takes jumps to this index for jumps within. */
  readonly index: number;
}

/** A module in a space. */
interface PlacedModule {
  readonly shared: Shared;
  /** Index of its first region in the table. */
  readonly base: number;
  /** Numbers of the regions that were not put in place yet: their code is not what was translated, is not there yet, or others have it. */
  readonly waiting: Set<number>;
}

/** Which translated code a space has where, and that none is run whose bytes have changed. */
export class Placement {
  readonly #engine: Engine;
  readonly #code: CodePages;
  readonly #counters: Counters;
  /** By page: for each halfword the index of the region that is entered there, or 0. */
  readonly #owners = new Map<number, Uint16Array>();
  /** By index in the table what is entered there; 0 is never used. */
  #byIndex: (Placed | undefined)[] = [undefined];
  readonly #byPage = new Map<number, Set<Placed>>();
  readonly #changes = new Map<number, number>();
  readonly #modules = new Map<Shared, PlacedModule>();
  #instructions = 0;

  constructor(engine: Engine, code: CodePages, counters: Counters) {
    this.#engine = engine;
    this.#code = code;
    this.#counters = counters;
    code.onChange = (page) => this.#changed(page);
    code.onSlot = (page) => this.#reached(page);
    code.onClear = (page) => this.#mark(page);
  }

  /** Whether it is time to start over: called where no translated code is running. */
  get isFull(): boolean {
    return this.#modules.size >= INSTANCES_MAX || this.#byIndex.length > REGIONS_MAX / 2;
  }

  /** The region that is entered at addresses around `pc`. */
  ownerOf(pc: number): Placed | undefined {
    return this.#byIndex[this.#owners.get(pc >>> PAGE_SHIFT)?.[(pc & (PAGE_SIZE - 1)) >> 1] ?? 0];
  }

  /** Guest instructions of all regions that are entered. */
  get instructions(): number {
    return this.#instructions;
  }

  /** All regions that are entered, the newest first. */
  all(): Placed[] {
    return this.#byIndex.filter((placed): placed is Placed => placed !== undefined).reverse();
  }

  /** Regions that are entered and jump to addresses known only at run time. */
  switching(): Placed[] {
    return this.#byIndex.filter((placed): placed is Placed => placed?.shape.switches === true);
  }

  /** The halfword at an address; −1 where code may not be executed, is not present, or changes too often. */
  half(pc: number): number {
    const page = pc >>> PAGE_SHIFT;
    const { u8, u16 } = this.#engine;
    const flags = u8[PERMS + page] as number;
    if ((flags & Perm.PRESENT) === 0 || (flags & Perm.EXEC) === 0) return -1;
    if ((this.#changes.get(page) ?? 0) >= CHANGES_MAX) return -1;
    return u16[(BASE + pc) >>> 1] as number;
  }

  /**
   * Puts in place what a module that was made before has at `pc`, if that is right here and no other region has that code, and with it all else in the
   * module that is right. Whether there is translated code at `pc` now.
   */
  borrow(shared: Shared, pc: number): boolean {
    const number = shared.shapes.findIndex(({ entries, superseded }) => !superseded && entries.includes(pc));
    const shape = shared.shapes[number];
    const known = this.#modules.get(shared);
    if (shape === undefined || known?.waiting.has(number) === false) return false;
    if (!this.#isSame(shape) || !this.#isFree(shape)) return false;
    if (known !== undefined) this.#settle(known);
    else if (this.install(shared)) this.#counters.modulesShared++;
    return this.ownerOf(pc) !== undefined;
  }

  /** Puts the regions of a module in place whose code is what this space has there. False if there is no room. */
  install(shared: Shared): boolean {
    const { module: compiled, shapes } = shared;
    const base = compiled === undefined ? undefined : this.#room(shapes.length);
    if (compiled === undefined || base === undefined) return false;
    for (const _ of shapes) this.#byIndex.push(undefined);
    this.#engine.place(compiled, base);
    const module: PlacedModule = { shared, base, waiting: new Set(shapes.keys()) };
    this.#modules.set(shared, module);
    this.#settle(module);
    return true;
  }

  /** Puts the regions of a module in the place of others, whose code they have. */
  exchange(replaced: readonly Placed[], shared: Shared): void {
    for (const placed of replaced) {
      if (this.#byIndex[placed.index] !== placed) continue;
      this.#counters.regionsDropped++;
      placed.shape.superseded = true;
      this.#remove(placed);
    }
    this.install(shared);
    // Where nothing is translated any more, no change of the code would be noticed, and what was replaced may be running.
    if (replaced.some(({ shape }) => shape.pages.some((page) => !this.#byPage.has(page)))) this.#engine.withdraw();
  }

  /** Drops everything, so that the host can give back what modules hold. */
  startOver(): void {
    this.clear();
    this.#byIndex = [undefined];
    this.#instructions = 0;
    this.#owners.clear();
    this.#byPage.clear();
    this.#modules.clear();
    this.#engine.renewTable();
  }

  /** Lets go of everything. */
  clear(): void {
    for (const placed of this.#byIndex) if (placed !== undefined) this.#leave(placed);
    for (const page of this.#byPage.keys()) this.#code.release(page);
    this.#engine.i32.fill(0, JUMPS >> 2, (JUMPS >> 2) + JUMP_COUNT * 2);
  }

  // ─────

  /** First of so many indices in a row. None is used again before all are: the other regions of its module look there for the one that had it. */
  #room(count: number): number | undefined {
    const { table } = this.#engine;
    const start = this.#byIndex.length;
    const end = start + count;
    if (end > REGIONS_MAX) return undefined;
    if (end > table.length) table.grow(Math.min(REGIONS_MAX, Math.max(end, Math.ceil(table.length * TABLE_GROWTH))) - table.length);
    return start;
  }

  #isSame({ spans, copied }: Shape): boolean {
    return spans.every((span) => this.#isThere(span)) && copied.every((span) => this.#isThere(span));
  }

  #isThere({ start, halves }: Span): boolean {
    for (let i = 0; i < halves.length; i++) if (this.half(start + i * 2) !== halves[i]) return false;
    return true;
  }

  #isFree({ spans }: Shape): boolean {
    for (const { start, halves } of spans) {
      for (let i = 0; i < halves.length; i++) if (this.ownerOf(start + i * 2) !== undefined) return false;
    }
    return true;
  }

  /** Puts in place what of a module is right by now and was not before. */
  #settle(module: PlacedModule): void {
    for (const number of module.waiting) this.#settleOne(module, number);
  }

  #settleOne({ shared, base, waiting }: PlacedModule, number: number): void {
    const shape = shared.shapes[number] as Shape;
    if (shape.superseded || !this.#isSame(shape) || !this.#isFree(shape)) return;
    waiting.delete(number);
    this.#place(shape, base + number);
  }

  #place(shape: Shape, index: number): void {
    const placed: Placed = { shape, index };
    for (const page of shape.pages) {
      const set = this.#byPage.get(page);
      if (set === undefined) this.#byPage.set(page, new Set([placed]));
      else set.add(placed);
      this.#code.hold(page);
    }
    this.#byIndex[index] = placed;
    this.#instructions += shape.instructions;
    this.#engine.u8[ENTERED + index] = 1;
    this.#own(shape, index, 0);
    for (const [i, entry] of shape.entries.entries()) this.#code.setHandle(entry, handleOf(index, i));
  }

  /** Notes the owner of a region's code, where `before` is noted. */
  #own({ spans }: Shape, index: number, before: number): void {
    for (const { start, halves } of spans) {
      for (let i = 0; i < halves.length; i++) {
        const pc = start + i * 2;
        const owners = this.#ownersOf(pc >>> PAGE_SHIFT);
        const at = (pc & (PAGE_SIZE - 1)) >> 1;
        if (owners[at] === before) owners[at] = index;
      }
    }
  }

  #ownersOf(page: number): Uint16Array {
    let owners = this.#owners.get(page);
    if (owners === undefined) {
      owners = new Uint16Array(PAGE_SIZE / 2);
      this.#owners.set(page, owners);
    }
    return owners;
  }

  /** Neither jumps nor its module's other regions find it any more. */
  #leave({ shape, index }: Placed): void {
    this.#engine.u8[ENTERED + index] = 0;
    for (const entry of shape.entries) {
      this.#code.setHandle(entry, 0);
      this.#forgetJump(entry);
    }
    this.#own(shape, 0, index);
    this.#engine.table.set(index, null);
  }

  /** What the last jump to an address found is no longer so. */
  #forgetJump(pc: number): void {
    const { i32 } = this.#engine;
    const at = (JUMPS + ((pc << 2) & JUMP_MASK)) >> 2;
    if (i32[at] !== (pc | 0)) return;
    i32[at] = 0;
    i32[at + 1] = 0;
  }

  #remove(placed: Placed): void {
    this.#leave(placed);
    this.#byIndex[placed.index] = undefined;
    this.#instructions -= placed.shape.instructions;
    for (const page of placed.shape.pages) {
      const set = this.#byPage.get(page);
      set?.delete(placed);
      if (set?.size !== 0) continue;
      this.#byPage.delete(page);
      this.#owners.delete(page);
      this.#code.release(page);
    }
  }

  /** The bytes of a page change, or it may no longer be executed: regions there are wrong. */
  #changed(page: number): void {
    const wrong = this.#byPage.get(page);
    if (wrong === undefined) return;
    this.#changes.set(page, (this.#changes.get(page) ?? 0) + 1);
    this.#engine.withdraw();
    for (const placed of wrong) {
      this.#counters.regionsDropped++;
      this.#remove(placed);
    }
  }

  /** A page of code is there, and is about to be executed: what was waiting for it may be right by now. */
  #reached(page: number): void {
    for (const module of this.#modules.values()) {
      if (module.waiting.size === 0) continue;
      for (const number of module.shared.regionsOn(page)) if (module.waiting.has(number)) this.#settleOne(module, number);
    }
    this.#mark(page);
  }

  /** Makes the entries on a page known to the interpreter, if it has a slot. */
  #mark(page: number): void {
    for (const { shape, index } of this.#byPage.get(page) ?? []) {
      for (const [i, entry] of shape.entries.entries()) if (entry >>> PAGE_SHIFT === page) this.#code.setHandle(entry, handleOf(index, i));
    }
  }
}

const handleOf = (index: number, entry: number): number => ((entry + 1) << Handle.ENTRY_SHIFT) | index;
