import type { CodePages } from '../code-pages.ts';
import type { Counters } from '../counters.ts';
import { type Engine, REGIONS_MAX } from '../engine.ts';
import { BASE, COUNTDOWN, Handle, JUMP_COUNT, JUMP_MASK, JUMPS, PAGE_SHIFT, PAGE_SIZE, PERMS, Perm } from '../layout.ts';
import { Library, type Shape, type Shared } from './library.ts';
import type { TranslatorOptions } from './options.ts';
import { type CodeView, exploreRegion, REGION_INSTRUCTIONS_MAX, type Region } from './region.ts';

/** Addresses with samples that are remembered. */
const SAMPLES_MAX = 1 << 14;
/** Times a page's code may change before it is no longer translated: it is data as well, or a compiler's scratch. */
const CHANGES_MAX = 16;
/** Times a region may be made anew with more entries, by what it takes to be worth it: each asks for twice the samples. */
const GROWTH_MAX = 8;

const library = new Library();

/** A region in the table of one space. */
interface Installed {
  readonly shape: Shape;
  readonly index: number;
  alive: boolean;
}

/** Finds hot code of a space, has it translated, and drops it when its bytes change. */
export class Translator {
  readonly #engine: Engine;
  readonly #code: CodePages;
  readonly #options: TranslatorOptions;
  readonly #samples = new Map<number, number>();
  #hot: number[] = [];
  /** By page: for each halfword the index of the region with an instruction there, or 0. */
  readonly #owners = new Map<number, Uint16Array>();
  readonly #installed: (Installed | undefined)[] = [undefined];
  readonly #byPage = new Map<number, Set<Installed>>();
  readonly #changes = new Map<number, number>();
  /** Modules that have an instance here. */
  readonly #borrowed = new Set<Shared>();
  #waited = 0;

  readonly #counters: Counters;

  constructor(engine: Engine, code: CodePages, options: TranslatorOptions, counters: Counters) {
    this.#counters = counters;
    this.#engine = engine;
    this.#code = code;
    this.#options = options;
    engine.i32[COUNTDOWN >> 2] = options.period;
    code.onChange = (page) => this.#changed(page);
    code.onSlot = (page) => this.#mark(page);
  }

  /** A jump to `pc` was sampled. Gives the number of jumps until the next. */
  sample(pc: number): number {
    const { period, samples, batch } = this.#options;
    const owner = this.#ownerOf(pc);
    const needed = owner === undefined ? samples : samples << owner.shape.generation;
    const seen = (this.#samples.get(pc) ?? 0) + 1;
    if (seen < needed) {
      if (this.#samples.size >= SAMPLES_MAX) this.#samples.clear();
      this.#samples.set(pc, seen);
      if (owner === undefined && seen <= 2) this.#borrow(pc);
      return period;
    }
    this.#samples.delete(pc);
    if (owner !== undefined && (owner.shape.generation >= GROWTH_MAX || owner.shape.entries.includes(pc))) return period;
    if (owner === undefined && this.#borrow(pc)) return period;
    this.#hot.push(pc);
    if (this.#hot.length >= batch) this.#translateTimed();
    return period;
  }

  /** So many instructions were run; called where no translated code is running. */
  ran(instructions: number): void {
    if (this.#hot.length === 0) return;
    this.#waited += instructions;
    if (this.#waited >= this.#options.patience) this.#translateTimed();
  }

  /** Lets go of everything: the space ends. */
  clear(): void {
    const { table } = this.#engine;
    for (const installed of this.#installed) if (installed !== undefined) table.set(installed.index, null);
    this.#engine.i32.fill(0, JUMPS >> 2, (JUMPS >> 2) + JUMP_COUNT * 2);
    this.#code.onChange = () => undefined;
    this.#code.onSlot = () => undefined;
  }

  #translateTimed(): void {
    const startMs = performance.now();
    this.#translate();
    this.#counters.translationMs += performance.now() - startMs;
  }

  /** Translates what became hot. */
  #translate(): void {
    const seeds = this.#hot;
    this.#hot = [];
    this.#waited = 0;
    const regions: Region[] = [];
    const generations: number[] = [];
    const seen = new Set<number>();
    for (const pc of seeds) {
      if (seen.has(pc)) continue;
      const found = this.#explore(pc, seen);
      if (found === undefined) continue;
      for (const { ops } of found.region.blocks.values()) for (const op of ops) seen.add(op.pc);
      regions.push(found.region);
      generations.push(found.generation);
    }
    if (regions.length > 0) this.#install(this.#make(regions, generations));
    // Code that could not be put in place, as instructions that overlap others' may not, is not tried again.
    for (const pc of seeds) if (this.#ownerOf(pc) === undefined) this.#samples.set(pc, Number.MIN_SAFE_INTEGER);
  }

  #make(regions: readonly Region[], generations: readonly number[]): Shared {
    const counters = this.#counters;
    const checks = { kept: 0, elided: 0 };
    const made = library.add(regions, generations, checks);
    counters.modules++;
    counters.regions += regions.length;
    for (const { instructions } of made.shapes) counters.regionInstructions += instructions;
    counters.checksKept += checks.kept;
    counters.checksElided += checks.elided;
    return made;
  }

  /** Takes a translation of the code at `pc` that was made for another space. */
  #borrow(pc: number): boolean {
    for (const shared of library.at(pc)) {
      if (this.#borrowed.has(shared)) continue;
      const shape = shared.shapes.find(({ entries }) => entries.includes(pc)) as Shape;
      if (!this.#fits(shape)) continue;
      this.#counters.modulesShared++;
      this.#install(shared);
      return true;
    }
    return false;
  }

  /** Puts the regions of a module in place whose code is what this space has there. */
  #install(shared: Shared): void {
    this.#borrowed.add(shared);
    const { table } = this.#engine;
    const base = this.#installed.length;
    const end = base + shared.shapes.length;
    if (end > REGIONS_MAX) return;
    if (end > table.length) table.grow(Math.min(REGIONS_MAX, Math.max(end, table.length * 2)) - table.length);
    this.#engine.place(shared.module, base);
    for (const [i, shape] of shared.shapes.entries()) {
      this.#installed.push(undefined);
      if (this.#fits(shape)) this.#claim(shape, base + i);
      else table.set(base + i, null);
    }
  }

  /** Whether a region's code is here, may be executed, and is not translated yet. */
  #fits({ spans }: Shape): boolean {
    for (const { start, halves } of spans) {
      for (let i = 0; i < halves.length; i++) {
        const pc = start + i * 2;
        if (this.#half(pc) !== halves[i] || this.#ownerOf(pc) !== undefined) return false;
      }
    }
    return true;
  }

  /** The region around `pc`, together with the regions that it turns out to be one with, which are dropped. `seen`: is another's already. */
  #explore(pc: number, seen: ReadonlySet<number>): { region: Region; generation: number } | undefined {
    const owner = this.#ownerOf(pc);
    if (owner?.shape.entries.includes(pc) === true) return undefined;
    const { eager } = this.#options;
    const replaced = new Set<Installed>(owner === undefined ? [] : [owner]);
    for (let round = 0; ; round++) {
      const met = new Set<Installed>();
      const taken = (at: number): boolean => {
        const other = this.#ownerOf(at);
        if (other === undefined || replaced.has(other)) return seen.has(at);
        met.add(other);
        return true;
      };
      const seeds = [pc];
      let size = 0;
      let generation = 0;
      for (const { shape } of replaced) {
        seeds.push(...shape.entries);
        size += shape.instructions;
        generation = Math.max(generation, shape.generation + 1);
      }
      const view: CodeView = { half: (at) => this.#half(at), taken, reached: (at) => eager || this.#code.isDecoded(at) };
      const region = exploreRegion(view, seeds);
      if (region === undefined) return undefined;
      const joins = [...met].filter(({ shape }) => shape.generation < GROWTH_MAX && size + shape.instructions < REGION_INSTRUCTIONS_MAX);
      if (joins.length === 0 || round >= 4) {
        for (const old of replaced) this.#drop(old);
        return { region, generation };
      }
      for (const other of joins) replaced.add(other);
    }
  }

  #claim(shape: Shape, index: number): void {
    const installed: Installed = { shape, index, alive: true };
    this.#installed[index] = installed;
    this.#own(shape, index, 0);
    for (const page of shape.pages) {
      const set = this.#byPage.get(page);
      if (set === undefined) this.#byPage.set(page, new Set([installed]));
      else set.add(installed);
      this.#code.hold(page);
    }
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

  #drop(installed: Installed): void {
    if (!installed.alive) return;
    installed.alive = false;
    this.#counters.regionsDropped++;
    const { shape, index } = installed;
    for (const entry of shape.entries) {
      this.#code.setHandle(entry, 0);
      this.#forgetJump(entry);
    }
    this.#own(shape, 0, index);
    for (const page of shape.pages) {
      const set = this.#byPage.get(page);
      set?.delete(installed);
      if (set?.size !== 0) continue;
      this.#byPage.delete(page);
      this.#owners.delete(page);
      this.#code.release(page);
    }
    this.#engine.table.set(index, null);
    this.#installed[index] = undefined;
  }

  /** What the last jump to an address found is no longer so. */
  #forgetJump(pc: number): void {
    const { i32 } = this.#engine;
    const at = (JUMPS + ((pc << 2) & JUMP_MASK)) >> 2;
    if (i32[at] !== (pc | 0)) return;
    i32[at] = 0;
    i32[at + 1] = 0;
  }

  /** The bytes of a page change, or it may no longer be executed. */
  #changed(page: number): void {
    const regions = this.#byPage.get(page);
    if (regions === undefined) return;
    this.#changes.set(page, (this.#changes.get(page) ?? 0) + 1);
    for (const installed of [...regions]) this.#drop(installed);
  }

  /** Makes the entries on a page known to the interpreter, if it has a slot. */
  #mark(page: number): void {
    const regions = this.#byPage.get(page);
    if (regions === undefined) return;
    for (const { shape, index } of regions) {
      for (const [i, entry] of shape.entries.entries()) if (entry >>> PAGE_SHIFT === page) this.#code.setHandle(entry, handleOf(index, i));
    }
  }

  #half(pc: number): number {
    const page = pc >>> PAGE_SHIFT;
    const { u8, u16 } = this.#engine;
    const flags = u8[PERMS + page] as number;
    if ((flags & Perm.PRESENT) === 0 || (flags & Perm.EXEC) === 0) return -1;
    if ((this.#changes.get(page) ?? 0) >= CHANGES_MAX) return -1;
    return u16[(BASE + pc) >>> 1] as number;
  }

  #ownerOf(pc: number): Installed | undefined {
    const index = this.#owners.get(pc >>> PAGE_SHIFT)?.[(pc & (PAGE_SIZE - 1)) >> 1] ?? 0;
    return index === 0 ? undefined : this.#installed[index];
  }

  #ownersOf(page: number): Uint16Array {
    let owners = this.#owners.get(page);
    if (owners === undefined) {
      owners = new Uint16Array(PAGE_SIZE / 2);
      this.#owners.set(page, owners);
    }
    return owners;
  }
}

const handleOf = (index: number, entry: number): number => ((entry + 1) << Handle.ENTRY_SHIFT) | index;
