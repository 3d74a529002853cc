import { expectCallees, type ObservedCode } from './callees.ts';
import { COPIED_MAX, EARLY_COPIED_MAX, EARLY_REGIONS, GROWTH_MAX } from './compiler.ts';
import { type Emission, regionModule } from './emit.ts';
import type { CheckCounts } from './guards.ts';
import { inlineCalls } from './inlining.ts';
import { KnownCode } from './known-code.ts';
import type { Placed, Placement } from './placement.ts';
import {
  type Addresses,
  copiesIn,
  exploreRegion,
  instructionsOf,
  leadsTo,
  REGION_INSTRUCTIONS_MAX,
  type Region,
  switches,
} from './region.ts';
import { setEntriesApart } from './resumption.ts';
import { type Shape, shapeOf } from './shape.ts';

/** With so many regions in a module none is added that is only warm: while it is made, all of them are in the host's memory. */
const MODULE_REGIONS_MAX = 32;
/** Regions that switch and are not farther apart than this many bytes are taken for parts of one function: the cases of one switch. */
const SWITCH_REACH = 4096;
/** Most times that a region is explored anew because it met others. */
const ROUNDS_MAX = 5;

/** What is looked for. */
export interface Search {
  /** Addresses that are hot, around which code is translated. */
  readonly hot: Iterable<number>;
  /** Where code was seen to run often. */
  readonly seen: Addresses;
  readonly code: ObservedCode;
  /** What is in place already. */
  readonly placement: Pick<Placement, 'ownerOf' | 'switching'>;
  /** Translates also what was never executed. */
  readonly eager: boolean;
  /** Most instructions of a region, but for what takes over a larger one. */
  readonly regionMax: number;
}

/** What is to be compiled. */
export interface Work extends Search, Emission {
  /** Addresses that are likely to be hot soon. */
  readonly warm: readonly number[];
  /** Most instructions of a function that is translated within its callers. */
  readonly copiedMax: number;
  /** Whether entries in the middle of loops are set apart: see resumption.ts. */
  readonly entriesApart: boolean;
}

/** A module, and what it is. */
export interface Compiled {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Of its regions, in the order of its functions in the table. */
  readonly shapes: readonly Shape[];
  /** Regions in place that it takes over. */
  readonly replaced: readonly Placed[];
  readonly copiedInstructions: number;
  readonly checks: CheckCounts;
}

/** Translates what is hot, and what is warm, in one module, so that calls among them are direct. Undefined if none of it can be. */
export function compile(work: Work): Compiled | undefined {
  return new Compilation(work).compile();
}

/** The code that {@link compile} would translate of what is hot, for {@link join}: nothing is written. */
export function explore(search: Search): readonly Shape[] {
  return new Compilation({ ...search, warm: [], copiedMax: 0, entriesApart: false, fuses: false, lasts: false }).explore();
}

/** A module that was made of regions of others. */
export interface Joined extends Compiled {
  readonly joined: readonly Shape[];
}

/**
 * Translates the code of regions anew in one module, as if all of it had been known from the start: what was cut or found piece by piece is one region, and
 * all calls are direct. `shapes`: the newest first; one whose code is not what others have at the same addresses is left out. Undefined if nothing is left.
 */
export function join(shapes: readonly Shape[], fuses: boolean): Joined | undefined {
  const code = new KnownCode();
  const joined = shapes.filter((shape) => code.add(shape));
  const hot = new Set(joined.flatMap((shape) => [...(shape.hot ?? [])]));
  const placement = { ownerOf: () => undefined, switching: () => [] };
  const work = {
    hot: [],
    warm: [],
    seen: hot,
    code,
    placement,
    eager: false,
    regionMax: REGION_INSTRUCTIONS_MAX,
    copiedMax: joined.length <= EARLY_REGIONS ? EARLY_COPIED_MAX : COPIED_MAX,
    entriesApart: true,
    fuses,
    lasts: true,
  };
  const compiled = new Compilation(work).join(joined);
  return compiled && { ...compiled, joined };
}

/** A region that is about to be translated. */
interface Candidate {
  readonly region: Region;
  readonly generation: number;
  /** Regions in place that it takes over. */
  readonly replaced: ReadonlySet<Placed>;
  readonly instructions: number;
}

/** Finds the regions of a module. */
class Compilation {
  readonly #work: Work;
  readonly #batch: Batch;

  constructor(work: Work) {
    this.#work = work;
    this.#batch = new Batch(new Hot(work.seen));
  }

  compile(): Compiled | undefined {
    const batch = this.#batch;
    this.#gatherHot();
    for (const pc of this.#work.warm) if (batch.size < MODULE_REGIONS_MAX && batch.at(pc) === undefined) this.#gather([pc]);
    return this.#finish();
  }

  explore(): readonly Shape[] {
    this.#gatherHot();
    return this.#batch.all().map(({ region, generation }) => shapeOf(region, generation));
  }

  /** Regions of all the code of others. */
  join(shapes: readonly Shape[]): Compiled | undefined {
    const inOrder = shapes.toSorted((a, b) => (a.entries[0] as number) - (b.entries[0] as number));
    for (const { entries } of inOrder) this.#gather(entries);
    // What does not fit into a region is in one of its own.
    const tried = new Set<number>();
    for (let rest = this.#restBesides(tried); rest.length > 0; rest = this.#restBesides(tried)) {
      for (const pc of rest) {
        tried.add(pc);
        this.#gather([pc]);
      }
    }
    return this.#finish();
  }

  #gatherHot(): void {
    for (const pc of this.#work.hot) {
      this.#batch.hot.add(pc);
      this.#gather([pc]);
    }
  }

  /** Where regions of the batch lead to that is in none of them, though it was reached. */
  #restBesides(tried: ReadonlySet<number>): readonly number[] {
    const { code } = this.#work;
    const isRest = (pc: number): boolean => this.#batch.at(pc) === undefined && code.reached(pc) && !tried.has(pc);
    return this.#batch.all().flatMap(({ region }) => [...leadsTo(region)].filter(isRest));
  }

  #finish(): Compiled | undefined {
    const batch = this.#batch;
    // A call into the middle of another region of the batch makes an entry there.
    for (const pc of batch.targets()) this.#gather([pc]);
    const candidates = batch.all();
    if (candidates.length === 0) return undefined;
    const regions = candidates.map(({ region }) => this.#withCopies(region));
    const checks = { kept: 0, elided: 0 };
    const bytes = regionModule(regions, this.#work, checks);
    return {
      bytes,
      shapes: regions.map((region, i) => shapeOf(region, candidates[i]?.generation ?? 0)),
      replaced: candidates.flatMap(({ replaced }) => [...replaced]),
      copiedInstructions: regions.reduce((sum, { blocks }) => sum + instructionsOf(copiesIn(blocks.values())), 0),
      checks,
    };
  }

  /** The region with copies of the small functions that it calls, and of what entries lead to that are set apart. */
  #withCopies(region: Region): Region {
    const { eager, regionMax, copiedMax, entriesApart, code } = this.#work;
    const isOften = (pc: number): boolean => eager || this.#batch.hot.has(pc);
    const whole = inlineCalls(expectCallees(region, code), code, { most: copiedMax, regionMost: regionMax, isOften });
    return entriesApart ? setEntriesApart(whole) : whole;
  }

  /** Adds the region around some addresses to the batch, as one with the regions that it turns out to be one with. */
  #gather(seeds: readonly number[]): void {
    const replaced = new Set<Placed>();
    const absorbed = new Set<Candidate>();
    const wanted = seeds.filter((pc) => {
      const pending = this.#batch.at(pc);
      const owner = pending === undefined ? this.#work.placement.ownerOf(pc) : undefined;
      if ((pending?.region.entries ?? owner?.shape.entries)?.includes(pc) === true) return false;
      if (pending !== undefined) absorbed.add(pending);
      if (owner !== undefined) replaced.add(owner);
      return true;
    });
    if (wanted.length === 0) return;
    const batch = this.#batch;
    for (let round = 0; ; round++) {
      const found = this.#explore(wanted, replaced, absorbed);
      if (found === undefined) return;
      const { candidate, met } = found;
      const joins = round < ROUNDS_MAX ? met.filter((other) => this.#isJoinable(other, candidate)) : [];
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
    wanted: readonly number[],
    replaced: ReadonlySet<Placed>,
    absorbed: ReadonlySet<Candidate>,
  ): { candidate: Candidate; met: (Placed | Candidate)[] } | undefined {
    const { eager, regionMax, code, placement } = this.#work;
    const batch = this.#batch;
    const all = new Set([...replaced, ...[...absorbed].flatMap((other) => [...other.replaced])]);
    const met = new Set<Placed | Candidate>();
    const taken = (at: number): boolean => {
      const pending = batch.at(at);
      if (pending !== undefined) {
        if (absorbed.has(pending)) return false;
        met.add(pending);
        return true;
      }
      const owner = placement.ownerOf(at);
      if (owner === undefined || all.has(owner)) return false;
      met.add(owner);
      return true;
    };
    const seeds = new Set(wanted);
    let generation = 0;
    let most = regionMax;
    for (const { shape } of all) {
      for (const entry of shape.entries) seeds.add(entry);
      for (const entry of shape.hot ?? []) batch.hot.add(entry);
      generation = Math.max(generation, shape.generation + 1);
      // What is larger stays so.
      if (shape.instructions > regionMax) most = REGION_INSTRUCTIONS_MAX;
    }
    for (const { region } of absorbed) for (const entry of region.entries) seeds.add(entry);
    const region = exploreRegion({ ...code, taken }, [...seeds], eager ? undefined : batch.hot, most);
    if (region === undefined) return undefined;
    const candidate = { region, generation, replaced: all, instructions: instructionsOf(region.blocks.values()) };
    for (const other of this.#cases(candidate)) if (!all.has(other as Placed) && !absorbed.has(other as Candidate)) met.add(other);
    return { candidate, met: [...met] };
  }

  /** Whether another region may become part of a candidate: it is not too large then, and was not made anew too often. */
  #isJoinable(other: Placed | Candidate, { instructions }: Candidate): boolean {
    const [more, generation] = 'shape' in other ? [other.shape.instructions, other.shape.generation] : [other.instructions, 0];
    return generation < GROWTH_MAX && instructions + more < this.#work.regionMax;
  }

  /** Regions that seem to be cases of the same switch. */
  #cases({ region }: Candidate): (Placed | Candidate)[] {
    if (!switches(region)) return [];
    const near = (entries: readonly number[]): boolean =>
      entries.some((pc) => region.entries.some((own) => Math.abs(own - pc) <= SWITCH_REACH));
    const pending = this.#batch.all().filter((other) => switches(other.region) && near(other.region.entries));
    return [...pending, ...this.#work.placement.switching().filter(({ shape }) => near(shape.entries))];
  }
}

/** Where code was seen to run often, and addresses that were told. */
class Hot implements Addresses {
  readonly #told = new Set<number>();
  readonly #seen: Addresses;

  constructor(seen: Addresses) {
    this.#seen = seen;
  }

  add(pc: number): void {
    this.#told.add(pc);
  }

  has(pc: number): boolean {
    return this.#told.has(pc) || this.#seen.has(pc);
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
