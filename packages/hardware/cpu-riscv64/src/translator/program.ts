import type { CodeName, CodeStore, KeptCode } from '@ashlar/hardware';
import { withModestGrowth } from '../heap-growth.ts';
import { compiler } from './compiler.ts';
import { hostFuses } from './fusing.ts';
import type { Shape } from './shape.ts';
import { type KeptModule, Shared } from './shared-module.ts';

/** After so many runs of a program, what is kept anew must be worth it: the host's optimiser is done with most of the code by then. */
const RUNS_TO_KEEP = 4;
/** It must be this part of all then, at least: writing all takes some 2 % of a program's first run. */
const NEWS_PART = 32;
/** Most modules that are held of those that a process makes; the newest are. */
const MADE_MAX = 192;

/** Entries of what is foreseen, at most. */
const FORESEEN_MAX = 8192;

/** All is made anew as one module when at least this part of it is outside of the largest one, or when so many were kept. */
const APART_PART = 2;
const KEPT_MAX = 16;
/** What that takes, in milliseconds for each guest instruction; it may take this part of the time that the process has taken. */
const JOIN_MS = 0.01;
const JOIN_PART = 3;

/** What a store keeps under a program's name. */
export interface KeptProgram {
  /** Processes since the last one that kept much that was new. */
  readonly runs: number;
  /** The oldest first. */
  readonly modules: readonly KeptModule[];
}

/**
 * What was translated of a program, in this process and in ones before it. It is known by the code where it begins. What a process makes are many small
 * modules, as it finds what is hot; before it ends, one is made of them, or of all that is kept.
 */
export class Program {
  /** What processes before this one kept, the oldest first. */
  readonly #found: readonly Shared[];
  /** By this process, the oldest first; and those of them that are of all there was then. */
  readonly #made = new Set<Shared>();
  readonly #whole = new Set<Shared>();
  /** What this process did not translate and the next one is to have, by its entries. */
  readonly #foreseen = new Map<number, Shape>();
  readonly #runs: number;
  /** Guest instructions translated in this process. */
  #news = 0;

  constructor(store: CodeStore, name: CodeName) {
    const { runs, modules } = (store.load(name) ?? { runs: 0, modules: [] }) as KeptProgram;
    this.#runs = runs;
    this.#found = modules.map(({ shapes, bytes, code }) => new Shared(shapes, undefined, bytes, code));
    store.keep(name, () => this.#kept());
  }

  /** Whether what it does as a rule is translated: a process before this one saw to it. */
  get isSettled(): boolean {
    return this.#runs > 0;
  }

  /** Whether this process found much that was not kept: the first one, or one that did what no other had done. */
  get hasNews(): boolean {
    return this.#news >= liveIn(this.modules) / NEWS_PART;
  }

  /** The oldest first. */
  get modules(): readonly Shared[] {
    return [...this.#found, ...this.#made];
  }

  /** A module was made; `isWhole`: of all that there was, as one. */
  add(shared: Shared, isWhole: boolean): void {
    this.#news += shared.liveInstructions;
    this.#made.add(shared);
    if (isWhole) this.#whole.add(shared);
    if (this.#made.size <= MADE_MAX) return;
    for (const oldest of this.#made) {
      this.#made.delete(oldest);
      this.#whole.delete(oldest);
      return;
    }
  }

  /** Whether code at an address was foreseen. */
  foresees(pc: number): boolean {
    return this.#foreseen.has(pc);
  }

  /** Whether so many regions more would be worth keeping. */
  isWorth(regions: number): boolean {
    if (regions === 0 || !this.isSettled) return regions > 0;
    const known = this.modules.reduce((sum, { shapes }) => sum + shapes.length, this.#foreseen.size);
    return regions >= known / NEWS_PART;
  }

  /** Code that is to be translated before the process ends. */
  foresee(shapes: readonly Shape[]): void {
    for (const shape of shapes) {
      if (this.#foreseen.size >= FORESEEN_MAX) return;
      this.#news += shape.instructions;
      for (const entry of shape.entries) this.#foreseen.set(entry, shape);
    }
  }

  #kept(): KeptCode | undefined {
    const live = liveIn(this.modules);
    const { hasNews } = this;
    if (live === 0 || (this.#runs >= RUNS_TO_KEEP && !hasNews)) return undefined;
    const modules = this.#together(live).flatMap((shared) => shared.kept() ?? []);
    // The host's optimiser begins anew with what is new.
    const runs = hasNews ? 1 : this.#runs + 1;
    const buffers = modules.flatMap(({ bytes, code }) => [bytes.buffer, ...(code === undefined ? [] : [code])]);
    return { value: { runs, modules } satisfies KeptProgram, buffers };
  }

  /** All of it, in few modules: most of it in one. */
  #together(live: number): readonly Shared[] {
    const { modules } = this;
    const foreseen = new Set(this.#foreseen.values());
    const largest = Math.max(...modules.map(({ liveInstructions }) => liveInstructions));
    if (live - largest > live / APART_PART || this.#found.length >= KEPT_MAX) return joined(modules, foreseen) ?? modules;
    const rest = [...this.#made].filter((shared) => !this.#whole.has(shared));
    return [...this.#found, ...this.#whole, ...(joined(rest, foreseen) ?? rest)];
  }
}

/**
 * These with one more, of all that is live in them and what was foreseen; undefined if they are one already, it would take too long or there is no compiler at
 * hand: the process has translated nothing.
 */
function joined(modules: readonly Shared[], foreseen: ReadonlySet<Shape>): readonly Shared[] | undefined {
  if (modules.length < 2 && foreseen.size === 0) return undefined;
  const instructions = [...foreseen].reduce((sum, shape) => sum + shape.instructions, liveIn(modules));
  if (instructions * JOIN_MS > performance.now() / JOIN_PART) return undefined;
  const live = modules.toReversed().flatMap((shared) => shared.shapes.filter(({ superseded }) => !superseded));
  const shapes = [...live, ...foreseen];
  const made = withModestGrowth(() => compiler()?.join(shapes, hostFuses()));
  if (made === undefined) return undefined;
  for (const shape of made.joined) shape.superseded = true;
  // Where the code of some is not what newer ones have there, they stay live.
  return [...modules, new Shared(made.shapes, undefined, made.bytes)];
}

const liveIn = (modules: Iterable<Shared>): number => [...modules].reduce((sum, { liveInstructions }) => sum + liveInstructions, 0);

/** Name of the program that begins with this code, the 32-bit words of a page. Two programs of one name would share a place, and be none the worse. */
export function programName(words: Int32Array, page: number): CodeName {
  let [low, high] = [page, 0x9e37_79b9];
  for (const word of words) {
    low = mixed(low ^ word);
    high = mixed(Math.imul(high, 31) + word);
  }
  return `riscv64-${hostFuses() ? 'fma' : 'plain'}-${hex(low)}${hex(high)}`;
}

/** A step of a hash: every bit of the result depends on many of `bits`. */
function mixed(bits: number): number {
  const once = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b);
  return once ^ (once >>> 13);
}

const hex = (bits: number): string => (bits >>> 0).toString(16).padStart(8, '0');
