import type { CodeName, CodeStore } from '@ashlar/hardware';
import { compiler } from './compiler.ts';
import { hostFuses } from './fusing.ts';
import { type KeptModule, Shared } from './shared-module.ts';

/** After so many runs of a program, what is kept anew must be worth it: the host's optimiser is done with most of the code by then. */
const RUNS_TO_KEEP = 4;
/** It must be this part of all then, at least: writing all takes some 2 % of a program's first run. */
const NEWS_PART = 32;
/** Most modules of a program that are held and kept; the newest are. */
const MODULES_MAX = 192;

/** All is made anew as one module when at least this part of it is not in the one that there is. */
const APART_PART = 2;
/** What that takes, in milliseconds for each guest instruction; it may take this part of the time that the process has taken. */
const JOIN_MS = 0.01;
const JOIN_PART = 3;

/** What a store keeps under a program's name. */
export interface KeptProgram {
  readonly runs: number;
  /** What was made anew as one module. */
  readonly whole: KeptModule | undefined;
  readonly modules: readonly KeptModule[];
}

/** What was translated of a program, in this process and in ones before it. It is known by the code where it begins. */
export class Program {
  /** The oldest first. */
  readonly #modules = new Set<Shared>();
  /** What was known of the program when that was made anew, in one module; what is translated since then is in others. */
  #whole: Shared | undefined;
  /** Processes that kept something of it. */
  readonly #runs: number;
  /** Guest instructions translated in this process. */
  #news = 0;

  constructor(store: CodeStore, name: CodeName) {
    const { runs, whole, modules } = (store.load(name) ?? { runs: 0, modules: [] }) as KeptProgram;
    this.#runs = runs;
    this.#whole = whole && sharedFrom(whole);
    for (const module of modules) this.#modules.add(sharedFrom(module));
    store.keep(name, () => this.#kept());
  }

  /** Whether what it does as a rule is translated: a process before this one saw to it. */
  get isSettled(): boolean {
    return this.#runs > 0;
  }

  get modules(): Iterable<Shared> {
    return this.#whole === undefined ? this.#modules : [this.#whole, ...this.#modules];
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

  /** Guest instructions in regions that no other has replaced. */
  get #live(): number {
    return liveIn(this.modules);
  }

  /** Whether most of the program is in pieces. */
  get #isToBeJoined(): boolean {
    return liveIn(this.#modules) > this.#live / APART_PART;
  }

  #kept(): KeptProgram | undefined {
    const live = this.#live;
    if (live === 0 || (this.#runs >= RUNS_TO_KEEP && this.#news < live / NEWS_PART)) return undefined;
    const isJoined = this.#isToBeJoined && live * JOIN_MS < performance.now() / JOIN_PART && this.#join();
    return {
      // The host's optimiser begins anew with one module.
      runs: isJoined ? 1 : this.#runs + 1,
      whole: this.#whole?.kept(),
      modules: [...this.#modules].flatMap((shared) => shared.kept() ?? []),
    };
  }

  /** Makes all anew as one module; false if there is no compiler at hand: this process translated nothing. */
  #join(): boolean {
    const shapes = [...this.modules].reverse().flatMap((shared) => shared.shapes.filter(({ superseded }) => !superseded));
    const made = compiler()?.join(shapes, hostFuses());
    if (made === undefined) return false;
    for (const shape of made.joined) shape.superseded = true;
    this.#whole = new Shared(made.shapes, undefined, made.bytes);
    return true;
  }
}

const sharedFrom = ({ shapes, bytes, code }: KeptModule): Shared => new Shared(shapes, undefined, bytes, code);

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
