import type { CodeStore } from '@ashlar/hardware';
import type { CodePages } from '../code-pages.ts';
import type { Counters } from '../counters.ts';
import type { Engine } from '../engine.ts';
import { ModestGrowth } from '../heap-growth.ts';
import { COUNTDOWN, TRANSLATED } from '../layout.ts';
import { withoutInlining } from '../v8-flags.ts';
import type { ObservedCode } from './callees.ts';
import type { Search } from './compilation.ts';
import {
  COPIED_MAX,
  type Compiled,
  type Compiler,
  compiler,
  EARLY_COPIED_MAX,
  EARLY_REGIONS,
  GROWTH_MAX,
  isCompilerLoaded,
} from './compiler.ts';
import { hostFuses } from './fusing.ts';
import { Library } from './library.ts';
import type { TranslatorOptions } from './options.ts';
import { Placement } from './placement.ts';
import { type Program, programName } from './program.ts';
import { forgetCallees, seenCallees } from './seen-callees.ts';

/** Addresses with samples that are remembered. */
const SAMPLES_MAX = 1 << 14;
/** When something is translated, so is what has this part of the samples that make it hot: it is likely to come next. */
const WARM_PART = 4;
/** With this part of them, a translation that was made for another space is put in place, which costs some 0.2 ms: a short program does not earn that. */
const BORROW_PART = 32;
/** What is kept of the program is looked for when so many samples were taken in all, by those that make hot: a process pays some 2 ms for it. */
const OPEN_PART = 8;
/** With this part of them, code is translated for the next process when this one ends, if this one found much that no other had kept. */
const FORESEEN_PART = 16;
/** So many of such addresses are explored at a time, neighbours together: what that takes is garbage before the next. */
const EXPLORED_AT_ONCE = 64;
/** With this part of them, a loop that begins there is worth two versions when it is translated. */
const LOOP_PART = 64;
/** Nothing is translated while less than this part of all instructions is interpreted: it would cost more than it saves. */
const INTERPRETED_PART = 25;
/** The same where much of the program was kept by processes before this one: what they did not translate is hardly ever worth it. */
const SETTLED_INTERPRETED_PART = 4;
/** So many times as long it is waited there: what begins is interpreted until it is put in place. */
const SETTLED_PATIENCE = 10;
/** The first regions that a CPU makes are hot with this part of the samples. */
const EARLY_PART = 4;
/**
 * Most instructions of a region: the host's optimiser takes longer than in proportion for large ones, and more memory, which hardly any is worth before all is
 * made anew for the next process (see program.ts).
 */
const REGION_MAX = 200;
/** The same in the first regions: what a small program does may be one large loop. */
const EARLY_REGION_MAX = 600;
/** Instructions after which what was interpreted before counts no more. */
const LOOK_BACK = 20_000_000;
/** All is made anew as one module when at least this part of it was made since that was done. */
const APART_PART = 2;
/** If there are no more guest instructions than so many: nothing else runs meanwhile, which takes some 25 µs for each. */
const JOINED_MAX = 20_000;
/** Hot addresses that wait for the compiler, at most. */
const HOT_MAX = 1024;

const library = new Library();

/** Finds hot code of a space, and has it translated. */
export class Translator {
  readonly #engine: Engine;
  readonly #code: CodePages;
  readonly #options: TranslatorOptions;
  readonly #counters: Counters;
  readonly #placement: Placement;
  readonly #store: CodeStore;
  readonly #view: ObservedCode;
  readonly #samples = new Map<number, number>();
  /** Samples taken of addresses that have no translated code. */
  #taken = 0;
  #hot: number[] = [];
  /** Instructions that were run since something became hot, and how many of them were interpreted. */
  #waited = 0;
  #interpreted = 0;
  /** Instructions run by translated code when it was looked at last, modulo 2³². */
  #translated = 0;
  /** Instructions run by translated code since all was made anew, and guest instructions in the regions that were made since. */
  #sinceJoined = 0;
  #apart = 0;
  /** The host made no more modules: nothing is translated any more. */
  #exhausted = false;
  readonly #growth = new ModestGrowth();

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
    this.#view = {
      half: (at) => this.#placement.half(at),
      reached: (at) => options.eager || code.isDecoded(at),
      calleesOf: (pc) => seenCallees(engine.u32, pc),
    };
    engine.i32[COUNTDOWN >> 2] = options.period;
    // Not before: kept bytecode, as the compiler's, counts for V8's usual flags.
    if (isCompilerLoaded()) this.#growth.wishIfEnough();
  }

  /** A jump to `pc` was sampled. Gives the number of jumps until the next. */
  sample(pc: number): number {
    const { period, samples, batch } = this.#options;
    const owner = this.#placement.ownerOf(pc);
    if (owner === undefined) this.#taken++;
    const needed = owner === undefined ? this.#enough() : samples << owner.shape.generation;
    const seen = (this.#samples.get(pc) ?? 0) + 1;
    if (seen < needed) {
      if (this.#samples.size >= SAMPLES_MAX) this.#samples.clear();
      this.#samples.set(pc, seen);
      if (owner === undefined && seen % Math.ceil(samples / BORROW_PART) === 0) this.#borrow(pc);
      return period;
    }
    this.#samples.delete(pc);
    if (owner !== undefined && (owner.shape.generation >= GROWTH_MAX || owner.shape.entries.includes(pc))) return period;
    if (owner === undefined && this.#borrow(pc)) return period;
    if (this.#hot.length < HOT_MAX) this.#hot.push(pc);
    if (this.#hot.length >= batch) this.#timed((loaded) => this.#translate(loaded));
    return period;
  }

  /** So many instructions were run; called where no translated code is running. */
  ran(instructions: number): void {
    if (this.#placement.isFull) this.#placement.startOver();
    const translated = this.#engine.u32[TRANSLATED >> 2] as number;
    const more = (translated - this.#translated) >>> 0;
    const interpreted = instructions - more;
    this.#translated = translated;
    this.#sinceJoined += more;
    if (this.#isToBeJoined) this.#timed((loaded) => this.#join(loaded));
    if (this.#hot.length === 0) return;
    this.#waited += instructions;
    this.#interpreted += interpreted;
    const isSettled = this.#program?.isSettled === true;
    if (this.#waited < this.#options.patience * (isSettled ? SETTLED_PATIENCE : 1)) return;
    const part = isSettled ? SETTLED_INTERPRETED_PART : INTERPRETED_PART;
    if (this.#interpreted >= this.#waited / part) this.#timed((loaded) => this.#translate(loaded));
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
    this.#foresee();
    this.#placement.clear();
    forgetCallees(this.#engine.u32);
    this.#code.onChange = () => undefined;
    this.#code.onSlot = () => undefined;
    this.#code.onClear = () => undefined;
    this.#growth.end();
  }

  /** Does what takes the compiler, if that is loaded by now. */
  #timed(work: (compiler: Compiler) => void): void {
    const loaded = compiler();
    if (loaded === undefined) return;
    const startMs = performance.now();
    this.#growth.wishIfEnough();
    withoutInlining(() => work(loaded));
    this.#counters.translationMs += performance.now() - startMs;
  }

  #translate({ compile }: Compiler): void {
    const hot = this.#hot;
    this.#hot = [];
    this.#lookAnew();
    if (this.#exhausted) return;
    const made = compile({
      ...this.#search(hot),
      warm: this.#sampled(this.#enough() / WARM_PART),
      regionMax: this.#isEarly ? EARLY_REGION_MAX : REGION_MAX,
      copiedMax: this.#isEarly ? EARLY_COPIED_MAX : COPIED_MAX,
      fuses: hostFuses(),
      // Where all is translated at once, for tests, as it is where it is kept.
      entriesApart: this.#options.eager,
      lasts: this.#options.eager,
    });
    if (made !== undefined && this.#install(made)) for (const { instructions } of made.shapes) this.#apart += instructions;
    // Code that could not be put in place, as instructions that overlap others' may not, is not tried again.
    for (const pc of hot) if (this.#placement.ownerOf(pc) === undefined) this.#samples.set(pc, Number.MIN_SAFE_INTEGER);
  }

  /** What is looked for around hot addresses. */
  #search(hot: Iterable<number>): Omit<Search, 'regionMax'> {
    const enough = this.#options.samples / LOOP_PART;
    const seen = { has: (pc: number) => (this.#samples.get(pc) ?? 0) >= enough };
    return { hot, seen, code: this.#view, placement: this.#placement, eager: this.#options.eager };
  }

  /** Addresses that are not translated and have at least so many samples. */
  #sampled(enough: number): readonly number[] {
    const sampled: number[] = [];
    // Many, and hardly any of them often.
    this.#samples.forEach((seen, pc) => {
      if (seen >= enough && this.#placement.ownerOf(pc) === undefined) sampled.push(pc);
    });
    return sampled;
  }

  /** Tells the program what was run often here and not translated, while its code is there: for this process it was not worth it. */
  #foresee(): void {
    const program = this.#program;
    if (program === undefined || !isCompilerLoaded()) return;
    const often = program.hasNews ? this.#sampled(this.#options.samples / FORESEEN_PART) : [];
    const unknown = [...this.#hot, ...often].filter((pc) => !program.foresees(pc) && this.#placement.ownerOf(pc) === undefined);
    const hot = [...new Set(unknown)].toSorted((a, b) => a - b);
    if (!program.isWorth(hot.length)) return;
    this.#timed(({ explore }) => {
      for (let i = 0; i < hot.length; i += EXPLORED_AT_ONCE) {
        program.foresee(explore({ ...this.#search(hot.slice(i, i + EXPLORED_AT_ONCE)), regionMax: REGION_MAX }));
      }
    });
  }

  /** Whether much was made piece by piece, and what there is has run for so long that to make it anew as one is little. */
  get #isToBeJoined(): boolean {
    const { joinLeast, joinPatience } = this.#options;
    if (this.#apart === 0 || this.#sinceJoined < joinLeast) return false;
    const { instructions } = this.#placement;
    if (instructions > JOINED_MAX || this.#apart < instructions / APART_PART) return false;
    return this.#sinceJoined >= joinPatience * instructions;
  }

  /** Makes all anew as one module: see {@link Compiler.join}. */
  #join({ join }: Compiler): void {
    this.#sinceJoined = 0;
    this.#apart = 0;
    if (this.#exhausted) return;
    const placed = this.#placement.all();
    const made = join(
      placed.map(({ shape }) => shape),
      hostFuses(),
    );
    if (made === undefined) return;
    const joined = new Set(made.joined);
    this.#install({ ...made, replaced: placed.filter(({ shape }) => joined.has(shape)) }, true);
  }

  /** False if the host makes no more modules. `isWhole`: whether it is of all that there was. */
  #install({ bytes, shapes, replaced, copiedInstructions, checks }: Compiled, isWhole = false): boolean {
    const counters = this.#counters;
    const made = library.add(bytes, shapes, this.#program, isWhole);
    if (made === undefined) {
      this.#exhausted = true;
      return false;
    }
    counters.modules++;
    counters.regions += shapes.length;
    for (const { instructions } of shapes) counters.regionInstructions += instructions;
    counters.copiedInstructions += copiedInstructions;
    counters.checksKept += checks.kept;
    counters.checksElided += checks.elided;
    this.#placement.exchange(replaced, made);
    return true;
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
    if (this.#opened || origin === undefined || this.#taken < this.#options.samples / OPEN_PART) return;
    const words = this.#code.words(origin);
    if (words === undefined) return;
    this.#opened = true;
    this.#program = library.program(this.#store, programName(words, origin));
  }
}
