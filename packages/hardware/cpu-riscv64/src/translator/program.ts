import type { CodeName, CodeStore } from '@ashlar/hardware';
import { hostFuses } from './fusing.ts';
import { type KeptModule, Shared } from './shared-module.ts';

/** After so many runs of a program, what it does as a rule is translated. */
const RUNS_TO_SETTLE = 2;
/** After so many, what is kept anew must be worth it: the host's optimiser is done with most of the code by then. */
const RUNS_TO_KEEP = 4;
/** It must be this part of all then, at least: writing all takes some 2 % of a program's first run. */
const NEWS_PART = 32;
/** Most modules of a program that are held and kept; the newest are. */
const MODULES_MAX = 192;

/** What a store keeps under a program's name. */
export interface KeptProgram {
  readonly runs: number;
  readonly modules: readonly KeptModule[];
}

/** What was translated of a program, in this process and in ones before it. It is known by the code where it begins. */
export class Program {
  readonly #modules = new Set<Shared>();
  /** Processes that kept something of it. */
  readonly #runs: number;
  /** Guest instructions translated in this process. */
  #news = 0;

  constructor(store: CodeStore, name: CodeName) {
    const { runs, modules } = (store.load(name) ?? { runs: 0, modules: [] }) as KeptProgram;
    this.#runs = runs;
    for (const { shapes, bytes, code } of modules) this.#modules.add(new Shared(shapes, undefined, bytes, code));
    store.keep(name, () => this.#kept());
  }

  /** Whether what it does as a rule is translated. */
  get isSettled(): boolean {
    return this.#runs >= RUNS_TO_SETTLE;
  }

  get modules(): Iterable<Shared> {
    return this.#modules;
  }

  /** A module was made. */
  add(shared: Shared): void {
    this.#news += shared.liveInstructions;
    this.#modules.add(shared);
    if (this.#modules.size <= MODULES_MAX) return;
    for (const oldest of this.#modules) {
      this.#modules.delete(oldest);
      return;
    }
  }

  #kept(): KeptProgram | undefined {
    const all = [...this.#modules].reduce((sum, { liveInstructions }) => sum + liveInstructions, 0);
    if (all === 0 || (this.#runs >= RUNS_TO_KEEP && this.#news < all / NEWS_PART)) return undefined;
    return { runs: this.#runs + 1, modules: [...this.#modules].flatMap((shared) => shared.kept() ?? []) };
  }
}

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
