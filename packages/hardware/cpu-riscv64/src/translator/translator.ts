import type { CodeStore } from '@ashlar/hardware';
import type { CodePages } from '../code-pages.ts';
import type { Counters } from '../counters.ts';
import type { Engine } from '../engine.ts';
import { COUNTDOWN, TRANSLATED } from '../layout.ts';
import { withoutInlining } from '../v8-flags.ts';
import { inlineCalls } from './inlining.ts';
import { Library } from './library.ts';
import type { TranslatorOptions } from './options.ts';
import { type Placed, Placement } from './placement.ts';
import { type Program, programName } from './program.ts';
import {
  type Addresses,
  copiesIn,
  exploreRegion,
  instructionsOf,
  leadsTo,
  REGION_INSTRUCTIONS_MAX,
  type ReachedCode,
  type Region,
  switches,
} from './region.ts';

/** Addresses with samples that are remembered. */
const SAMPLES_MAX = 1 << 14;
/** Times a region may be made anew with more entries, by what it takes to be worth it: each asks for twice the samples. */
const GROWTH_MAX = 8;
/** When something is translated, so is what has this part of the samples that make it hot: it is likely to come next. */
const WARM_PART = 4;
/** With this part of them, a translation that was made for another space is put in place, which costs some 0.2 ms: a short program does not earn that. */
const BORROW_PART = 32;
/** With this part of them, a loop that begins there is worth two versions when it is translated. */
const LOOP_PART = 64;
/** Nothing is translated while less than this part of all instructions is interpreted: it would cost more than it saves. */
const INTERPRETED_PART = 25;
/** The same where much of the program was kept by processes before this one: what they did not translate is hardly ever worth it. */
const SETTLED_INTERPRETED_PART = 4;
/** So many times as long it is waited there: what begins is interpreted until it is put in place. */
const SETTLED_PATIENCE = 10;
/** The first regions that a CPU makes are hot with this part of the samples: many a program has no more, and is over soon. */
const EARLY_REGIONS = 24;
const EARLY_PART = 4;
/** Most instructions of a function that is translated within its callers: larger ones cost more than their calls do; and in the first regions. */
const COPIED_MAX = 24;
const EARLY_COPIED_MAX = 64;
/** Instructions after which what was interpreted before counts no more. */
const LOOK_BACK = 20_000_000;
/** Most regions in a module. */
const MODULE_REGIONS_MAX = 128;
/** Regions that switch and are not farther apart than this many bytes are taken for parts of one function: the cases of one switch. */
const SWITCH_REACH = 4096;
/** Most times that a region is explored anew because it met others. */
const ROUNDS_MAX = 5;

const library = new Library();

/** A region that is about to be translated. */
interface Candidate {
  readonly region: Region;
  readonly generation: number;
  /** Regions in place that it takes over. */
  readonly replaced: ReadonlySet<Placed>;
  readonly instructions: number;
}

/** Finds hot code of a space, and has it translated. */
export class Translator {
  readonly #engine: Engine;
  readonly #code: CodePages;
  readonly #options: TranslatorOptions;
  readonly #counters: Counters;
  readonly #placement: Placement;
  readonly #store: CodeStore;
  readonly #view: ReachedCode;
  readonly #samples = new Map<number, number>();
  #hot: number[] = [];
  /** Instructions that were run since something became hot, and how many of them were interpreted. */
  #waited = 0;
  #interpreted = 0;
  /** Instructions run by translated code when it was looked at last, modulo 2³². */
  #translated = 0;
  /** The host made no more modules: nothing is translated any more. */
  #exhausted = false;

  /** The program whose code this is, if anything is kept of it; known once it was opened. */
  #program: Program | undefined;
  #opened: boolean;
  /** Page where the program began. */
  origin: number | undefined;

  constructor(engine: Engine, code: CodePages, options: TranslatorOptions, counters: Counters, store: CodeStore) {
    this.#engine = engine;
    this.#store = store;
    this.#opened = !store.keeps;
    this.#counters = counters;
    this.#code = code;
    this.#options = options;
    this.#placement = new Placement(engine, code, counters);
    this.#view = { half: (at) => this.#placement.half(at), reached: (at) => options.eager || code.isDecoded(at) };
    engine.i32[COUNTDOWN >> 2] = options.period;
  }

  /** A jump to `pc` was sampled. Gives the number of jumps until the next. */
  sample(pc: number): number {
    const { period, samples, batch } = this.#options;
    const owner = this.#placement.ownerOf(pc);
    const needed = owner === undefined ? this.#enough() : samples << owner.shape.generation;
    const seen = (this.#samples.get(pc) ?? 0) + 1;
    if (seen < needed) {
      if (this.#samples.size >= SAMPLES_MAX) this.#samples.clear();
      this.#samples.set(pc, seen);
      if (owner === undefined && seen === Math.ceil(samples / BORROW_PART)) this.#borrow(pc);
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
    if (this.#placement.isFull) this.#placement.startOver();
    const translated = this.#engine.u32[TRANSLATED >> 2] as number;
    const interpreted = instructions - ((translated - this.#translated) >>> 0);
    this.#translated = translated;
    if (this.#hot.length === 0) return;
    this.#waited += instructions;
    this.#interpreted += interpreted;
    const isSettled = this.#program?.isSettled === true;
    if (this.#waited < this.#options.patience * (isSettled ? SETTLED_PATIENCE : 1)) return;
    const part = isSettled ? SETTLED_INTERPRETED_PART : INTERPRETED_PART;
    if (this.#interpreted >= this.#waited / part) this.#translateTimed();
    else if (this.#waited > LOOK_BACK) this.#lookAnew();
  }

  /** Samples of an address where nothing is in place that make it hot. */
  #enough(): number {
    const { samples } = this.#options;
    return this.#isEarly && this.#program?.isSettled !== true ? Math.ceil(samples / EARLY_PART) : samples;
  }

  get #isEarly(): boolean {
    return this.#counters.regions < EARLY_REGIONS;
  }

  #lookAnew(): void {
    this.#waited = 0;
    this.#interpreted = 0;
  }

  /** Lets go of everything: the space ends. */
  clear(): void {
    this.#placement.clear();
    this.#code.onChange = () => undefined;
    this.#code.onSlot = () => undefined;
  }

  #translateTimed(): void {
    const startMs = performance.now();
    withoutInlining(() => this.#translate());
    this.#counters.translationMs += performance.now() - startMs;
  }

  /** Translates what became hot, and what is warm, so that calls among them are direct. */
  #translate(): void {
    const seeds = this.#hot;
    this.#hot = [];
    this.#lookAnew();
    if (this.#exhausted) return;
    const batch = new Batch(new Hot(this.#samples, this.#options.samples / LOOP_PART));
    for (const pc of seeds) {
      batch.hot.add(pc);
      this.#gather(pc, batch);
    }
    for (const pc of this.#warm()) if (batch.size < MODULE_REGIONS_MAX && batch.at(pc) === undefined) this.#gather(pc, batch);
    // A call into the middle of another region of the batch makes an entry there.
    for (const pc of batch.targets()) this.#gather(pc, batch);
    const candidates = batch.all();
    if (candidates.length > 0) this.#make(candidates, batch);
    // Code that could not be put in place, as instructions that overlap others' may not, is not tried again.
    for (const pc of seeds) if (this.#placement.ownerOf(pc) === undefined) this.#samples.set(pc, Number.MIN_SAFE_INTEGER);
  }

  /** Addresses that are on the way to being hot and not translated. */
  #warm(): readonly number[] {
    const enough = this.#enough() / WARM_PART;
    const warm: number[] = [];
    // Many, and hardly any of them warm.
    this.#samples.forEach((seen, pc) => {
      if (seen >= enough && this.#placement.ownerOf(pc) === undefined) warm.push(pc);
    });
    return warm;
  }

  #make(candidates: readonly Candidate[], batch: Batch): void {
    const counters = this.#counters;
    const checks = { kept: 0, elided: 0 };
    const regions = candidates.map(({ region }) => this.#withCopies(region, batch));
    const made = library.add(
      regions,
      candidates.map(({ generation }) => generation),
      checks,
      this.#program,
    );
    if (made === undefined) {
      this.#exhausted = true;
      return;
    }
    counters.modules++;
    counters.regions += candidates.length;
    for (const { instructions } of made.shapes) counters.regionInstructions += instructions;
    for (const { blocks, copied } of regions)
      if (copied.length > 0) counters.copiedInstructions += instructionsOf(copiesIn(blocks.values()));
    counters.checksKept += checks.kept;
    counters.checksElided += checks.elided;
    for (const { replaced } of candidates) for (const placed of replaced) this.#placement.replace(placed);
    this.#placement.install(made);
  }

  /** The region with copies of the small functions that it calls. */
  #withCopies(region: Region, { hot }: Batch): Region {
    const { eager } = this.#options;
    const most = this.#isEarly ? EARLY_COPIED_MAX : COPIED_MAX;
    return inlineCalls(region, this.#view, { most, isOften: (pc) => eager || hot.has(pc) });
  }

  /** Takes a translation of the code at `pc` that was made for another space, or in another process. */
  #borrow(pc: number): boolean {
    this.#openProgram();
    for (const shared of library.at(pc)) if (this.#placement.borrow(shared, pc)) return true;
    return false;
  }

  /** Has what is kept of the program at hand. Not before it has run for a while: a short program pays nothing. */
  #openProgram(): void {
    const { origin } = this;
    if (this.#opened || origin === undefined) return;
    const words = this.#code.words(origin);
    if (words === undefined) return;
    this.#opened = true;
    this.#program = library.program(this.#store, programName(words, origin));
  }

  /** Adds the region around `pc` to the batch, as one with the regions that it turns out to be one with. */
  #gather(pc: number, batch: Batch): void {
    const replaced = new Set<Placed>();
    const absorbed = new Set<Candidate>();
    const owner = this.#placement.ownerOf(pc);
    const pending = batch.at(pc);
    if (pending?.region.entries.includes(pc) === true || (pending === undefined && owner?.shape.entries.includes(pc) === true)) return;
    if (pending !== undefined) absorbed.add(pending);
    else if (owner !== undefined) replaced.add(owner);
    for (let round = 0; ; round++) {
      const found = this.#explore(pc, batch, replaced, absorbed);
      if (found === undefined) return;
      const { candidate, met } = found;
      const joins = round < ROUNDS_MAX ? met.filter((other) => isJoinable(other, candidate)) : [];
      if (joins.length === 0) {
        for (const other of absorbed) batch.remove(other);
        batch.add(candidate);
        return;
      }
      for (const other of joins) {
        if ('shape' in other) replaced.add(other);
        else absorbed.add(other);
      }
    }
  }

  #explore(
    pc: number,
    batch: Batch,
    replaced: ReadonlySet<Placed>,
    absorbed: ReadonlySet<Candidate>,
  ): { candidate: Candidate; met: (Placed | Candidate)[] } | undefined {
    const { eager } = this.#options;
    const all = new Set([...replaced, ...[...absorbed].flatMap((other) => [...other.replaced])]);
    const met = new Set<Placed | Candidate>();
    const taken = (at: number): boolean => {
      const pending = batch.at(at);
      if (pending !== undefined) {
        if (absorbed.has(pending)) return false;
        met.add(pending);
        return true;
      }
      const owner = this.#placement.ownerOf(at);
      if (owner === undefined || all.has(owner)) return false;
      met.add(owner);
      return true;
    };
    const seeds = new Set([pc]);
    let generation = 0;
    for (const { shape } of all) {
      for (const entry of shape.entries) seeds.add(entry);
      for (const entry of shape.hot ?? []) batch.hot.add(entry);
      generation = Math.max(generation, shape.generation + 1);
    }
    for (const { region } of absorbed) for (const entry of region.entries) seeds.add(entry);
    const region = exploreRegion({ ...this.#view, taken }, [...seeds], eager ? undefined : batch.hot);
    if (region === undefined) return undefined;
    const candidate = { region, generation, replaced: all, instructions: instructionsOf(region.blocks.values()) };
    for (const other of this.#cases(candidate, batch)) if (!all.has(other as Placed) && !absorbed.has(other as Candidate)) met.add(other);
    return { candidate, met: [...met] };
  }

  /** Regions that seem to be cases of the same switch. */
  #cases({ region }: Candidate, batch: Batch): (Placed | Candidate)[] {
    if (!switches(region)) return [];
    const near = (entries: readonly number[]): boolean =>
      entries.some((pc) => region.entries.some((own) => Math.abs(own - pc) <= SWITCH_REACH));
    const pending = batch.all().filter((other) => switches(other.region) && near(other.region.entries));
    return [...pending, ...this.#placement.switching().filter(({ shape }) => near(shape.entries))];
  }
}

/** Whether another region may become part of a candidate: it is not too large then, and was not made anew too often. */
function isJoinable(other: Placed | Candidate, { instructions }: Candidate): boolean {
  const [more, generation] = 'shape' in other ? [other.shape.instructions, other.shape.generation] : [other.instructions, 0];
  return generation < GROWTH_MAX && instructions + more < REGION_INSTRUCTIONS_MAX;
}

/** Where code was seen to run often: addresses that were told, and those with enough samples. */
class Hot implements Addresses {
  readonly #told = new Set<number>();
  readonly #samples: ReadonlyMap<number, number>;
  readonly #enough: number;

  constructor(samples: ReadonlyMap<number, number>, enough: number) {
    this.#samples = samples;
    this.#enough = enough;
  }

  add(pc: number): void {
    this.#told.add(pc);
  }

  has(pc: number): boolean {
    return this.#told.has(pc) || (this.#samples.get(pc) ?? 0) >= this.#enough;
  }
}

/** Regions that are translated together. None has an instruction of another. */
class Batch {
  /** Where they, or regions that they replace, run often. */
  readonly hot: Hot;
  readonly #candidates = new Set<Candidate>();
  readonly #at = new Map<number, Candidate>();

  constructor(hot: Hot) {
    this.hot = hot;
  }

  get size(): number {
    return this.#candidates.size;
  }

  all(): Candidate[] {
    return [...this.#candidates];
  }

  /** The candidate with an instruction at `pc`. */
  at(pc: number): Candidate | undefined {
    return this.#at.get(pc);
  }

  add(candidate: Candidate): void {
    this.#candidates.add(candidate);
    for (const { ops } of candidate.region.blocks.values()) for (const { pc } of ops) this.#at.set(pc, candidate);
  }

  remove(candidate: Candidate): void {
    this.#candidates.delete(candidate);
    for (const { ops } of candidate.region.blocks.values()) for (const { pc } of ops) this.#at.delete(pc);
  }

  /** Addresses in regions of the batch that others of it lead to. */
  targets(): number[] {
    const found = new Set<number>();
    for (const { region } of this.#candidates)
      for (const pc of leadsTo(region)) if (!region.blocks.has(pc) && this.#at.has(pc)) found.add(pc);
    return [...found];
  }
}
