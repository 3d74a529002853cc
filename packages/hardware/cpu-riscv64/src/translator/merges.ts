import { Perm } from '../layout.ts';
import type { Plan } from './guards.ts';
import type { Op } from './op.ts';

/**
 * Bytes that a block loads or stores one by one because the guest's memory need not do more at odd addresses, and that the host may well load or store at
 * once: a number put together from its bytes by shifts and `or`, one taken apart, or one that is copied. Besides the work it saves the wait for a
 * store that is narrower than the load that follows it. All but the first of the accesses are known to be allowed (see guards.ts), so that nobody can
 * tell: what a block is left for comes before or behind all of them.
 */
export type Merge =
  /** A load of one byte, of a wide one that is done where the first of its bytes is. */
  | { readonly kind: 'loaded'; readonly wide: Wide; readonly byte: number; readonly isFirst: boolean }
  /** An `or` whose result is all that was loaded. */
  | { readonly kind: 'whole'; readonly wide: Wide; readonly isSigned: boolean }
  /** A store of one byte that a later one does. */
  | { readonly kind: 'left' }
  /** The last of several stores, for all of them: `low` is the distance of the lowest from the base. */
  | { readonly kind: 'stored'; readonly low: number; readonly bytes: Bytes; readonly value: Stored };

/** How many at once. */
export type Bytes = 2 | 4 | 8;

/** Bytes that are loaded at once. */
export interface Wide {
  /** Among those of its block. */
  readonly number: number;
  readonly bytes: Bytes;
  /** Distance of the lowest from the base. */
  readonly low: number;
}

/** What is stored: what was loaded, a register without its lowest bytes, or the low bytes of four registers. */
export type Stored =
  | { readonly kind: 'wide'; readonly wide: Wide }
  | { readonly kind: 'register'; readonly register: number; readonly without: number }
  | { readonly kind: 'registers'; readonly registers: readonly number[] };

const NOTHING: ReadonlyMap<number, Merge> = new Map();

/** What can be merged of a block's accesses, by their places in it. */
export function planMerges(ops: readonly Op[], plan: Plan): ReadonlyMap<number, Merge> {
  let accesses = 0;
  for (const { row } of ops) if (row.name === 'lbu' || row.name === 'sb') accesses++;
  return accesses < 2 ? NOTHING : new Merger(ops, plan).merge();
}

/** A register whose bytes from `at` on, `count` of them, were loaded by `loads`; the others are 0, or the sign of a word. */
interface Loaded {
  /** The base register and how often it was written before. */
  readonly base: number;
  readonly version: number;
  /** Stores before it in the block. */
  readonly stores: number;
  /** Distance from the base of what would be the register's lowest byte. */
  readonly low: number;
  readonly at: number;
  readonly count: number;
  readonly isSigned: boolean;
  readonly loads: readonly number[];
}

/** A register whose lowest byte is this one of another register, as that was. */
interface Shifted {
  readonly register: number;
  readonly version: number;
  readonly byte: number;
}

/** One of several stores of a byte with the same base. */
interface Store {
  readonly i: number;
  readonly distance: number;
  readonly register: number;
  readonly loaded: Loaded | undefined;
  readonly shifted: Shifted;
  /** How often each register was written before it. */
  readonly versions: readonly number[];
}

interface Demand {
  readonly loads: readonly number[];
  readonly low: number;
  /** Notes what uses the wide load. */
  readonly use: (wide: Wide) => void;
}

const isSize = (count: number): count is Bytes => count === 2 || count === 4 || count === 8;
const SIZES = [8, 4, 2] as const;
const SHIFTS_RIGHT = new Set(['srli', 'srai', 'srliw', 'sraiw']);

class Merger {
  readonly #ops: readonly Op[];
  readonly #plan: Plan;
  readonly #merges = new Map<number, Merge>();
  readonly #versions: number[] = Array.from({ length: 32 }, () => 0);
  readonly #loaded: (Loaded | undefined)[] = [];
  readonly #shifted: (Shifted | undefined)[] = [];
  #stores = 0;
  /** Stores that nothing came between that looks at memory or may leave. */
  #pending: Store[] = [];
  readonly #demands: Demand[] = [];

  constructor(ops: readonly Op[], plan: Plan) {
    this.#ops = ops;
    this.#plan = plan;
  }

  merge(): ReadonlyMap<number, Merge> {
    for (const [i, op] of this.#ops.entries()) this.#follow(i, op);
    this.#mergeStores();
    this.#mergeLoads();
    return this.#merges;
  }

  #follow(i: number, op: Op): void {
    if (op.row.name === 'sb') this.#addStore(i, op);
    else if (op.uses.leaves) this.#mergeStores();
    if (op.uses.leaves && op.access?.right !== Perm.READ) this.#stores++;
    if (op.uses.writes.x === 0) return;
    const { rd } = op;
    const [loaded, shifted] = [this.#loadedBy(i, op), this.#shiftedBy(op)];
    (this.#versions[rd] as number)++;
    this.#loaded[rd] = loaded;
    this.#shifted[rd] = shifted;
  }

  /** What an instruction makes of loaded bytes. */
  #loadedBy(i: number, { row, rs1, rs2, imm }: Op): Loaded | undefined {
    const first = this.#loaded[rs1];
    switch (row.name) {
      case 'lbu': {
        const version = this.#versions[rs1] as number;
        return { base: rs1, version, stores: this.#stores, low: imm, at: 0, count: 1, isSigned: false, loads: [i] };
      }
      case 'slli':
        return first && moved(first, imm, 8);
      case 'slliw':
        return first && moved(first, imm, 4);
      case 'addi':
        return imm === 0 ? first : undefined;
      case 'add':
        return rs1 === 0 ? this.#loaded[rs2] : undefined;
      case 'or': {
        const whole = joined(first, this.#loaded[rs2]);
        if (whole !== undefined && whole.at === 0 && isSize(whole.count)) this.#demandWhole(i, whole);
        return whole;
      }
      default:
        return undefined;
    }
  }

  /** What it makes of a register that is taken apart. */
  #shiftedBy({ row, rs1, imm }: Op): Shifted | undefined {
    const { name } = row;
    if (name === 'andi' ? imm !== 255 : !SHIFTS_RIGHT.has(name)) return undefined;
    const byte = name === 'andi' ? 0 : imm / 8;
    if (rs1 === 0 || !Number.isInteger(byte)) return undefined;
    return { register: rs1, version: this.#versions[rs1] as number, byte };
  }

  // ───── loads ─────

  #demandWhole(i: number, { low, loads, isSigned }: Loaded): void {
    this.#demands.push({ loads, low, use: (wide) => this.#merges.set(i, { kind: 'whole', wide, isSigned }) });
  }

  /** Of bytes that are wanted in several ways, the widest is loaded. */
  #mergeLoads(): void {
    const wides = new Map<string, Wide>();
    const taken = new Set<number>();
    for (const { loads, low, use } of this.#demands.toSorted((a, b) => b.loads.length - a.loads.length)) {
      const key = loads.join();
      let wide = wides.get(key);
      if (wide === undefined) {
        if (loads.some((i) => taken.has(i)) || !this.#areAllowed(loads)) continue;
        wide = { number: wides.size, bytes: loads.length as Bytes, low };
        wides.set(key, wide);
        this.#take(loads, wide, taken);
      }
      use(wide);
    }
  }

  #take(loads: readonly number[], wide: Wide, taken: Set<number>): void {
    const first = Math.min(...loads);
    for (const [byte, i] of loads.entries()) {
      taken.add(i);
      this.#merges.set(i, { kind: 'loaded', wide, byte, isFirst: i === first });
    }
  }

  /** Whether all accesses but the first are allowed if that is: what is checked between them may be what allows the later ones. */
  #areAllowed(places: readonly number[]): boolean {
    const [first, last] = [Math.min(...places), Math.max(...places)];
    const { rs1: base } = this.#ops[first] as Op;
    const isChecked = (i: number): boolean => this.#plan.get(i) !== 'guarded';
    for (let i = first + 1; i < last; i++) {
      const { access, rs1 } = this.#ops[i] as Op;
      if (access !== undefined && rs1 === base && isChecked(i)) return false;
    }
    return places.every((i) => !isChecked(i) || (i === first && this.#plan.has(i)));
  }

  // ───── stores ─────

  #addStore(i: number, { rs1, rs2, imm }: Op): void {
    const pending = this.#pending;
    const last = pending.at(-1);
    const continues =
      last !== undefined &&
      this.#plan.get(i) === 'guarded' &&
      this.#isSameBase(last.i, rs1) &&
      pending.every(({ distance }) => distance !== imm);
    if (!continues) this.#mergeStores();
    if (!this.#plan.has(i)) return;
    const shifted = this.#shifted[rs2] ?? { register: rs2, version: this.#versions[rs2] as number, byte: 0 };
    this.#pending.push({ i, distance: imm, register: rs2, loaded: this.#loaded[rs2], shifted, versions: [...this.#versions] });
  }

  #isSameBase(i: number, base: number): boolean {
    const last = this.#pending.at(-1) as Store;
    return (this.#ops[i] as Op).rs1 === base && last.versions[base] === this.#versions[base];
  }

  #mergeStores(): void {
    let stores = this.#pending;
    this.#pending = [];
    while (stores.length > 1) {
      const merged = SIZES.find((bytes) => stores.length >= bytes && this.#mergeAs(bytes, stores.slice(0, bytes)));
      stores = stores.slice(merged ?? 1);
    }
  }

  #mergeAs(bytes: Bytes, stores: readonly Store[]): boolean {
    const last = stores.at(-1) as Store;
    const ordered = stores.toSorted((a, b) => a.distance - b.distance);
    const { distance: low, loaded, shifted } = ordered[0] as Store;
    if (ordered.some(({ distance }, k) => distance !== low + k)) return false;
    const store = (value: Stored): void => {
      for (const { i } of stores) this.#merges.set(i, { kind: 'left' });
      this.#merges.set(last.i, { kind: 'stored', low, bytes, value });
    };
    if (loaded !== undefined && ordered.every((one, k) => one.loaded !== undefined && isByteOf(loaded, one.loaded, k))) {
      const loads = ordered.map((one) => one.loaded?.loads[0] as number);
      this.#demands.push({ loads, low: loaded.low, use: (wide) => store({ kind: 'wide', wide }) });
      return true;
    }
    const isTaken = ordered.every((one, k) => isSame(one.shifted, shifted) && one.shifted.byte === shifted.byte + k);
    if (isTaken && shifted.register !== 0 && last.versions[shifted.register] === shifted.version) {
      store({ kind: 'register', register: shifted.register, without: shifted.byte });
      return true;
    }
    if (bytes !== 4 || ordered.some(({ register, versions }) => versions[register] !== last.versions[register])) return false;
    store({ kind: 'registers', registers: ordered.map(({ register }) => register) });
    return true;
  }
}

const isSame = (a: Shifted, b: Shifted): boolean => a.register === b.register && a.version === b.version;
const areNeighbours = (a: Loaded, b: Loaded): boolean => a.base === b.base && a.version === b.version && a.stores === b.stores;

/** Whether the lowest byte of `other` was `k` bytes behind that of `first` in memory. */
const isByteOf = (first: Loaded, other: Loaded, k: number): boolean =>
  first.at === 0 && other.at === 0 && areNeighbours(first, other) && other.low === first.low + k;

/** Loaded bytes after a shift to the left in a register of so many bytes. */
function moved(loaded: Loaded, bits: number, bytes: 4 | 8): Loaded | undefined {
  const by = bits / 8;
  const at = loaded.at + by;
  const end = at + loaded.count;
  if (!Number.isInteger(by) || end > bytes || loaded.isSigned) return undefined;
  return { ...loaded, low: loaded.low - by, at, isSigned: bytes === 4 && end === 4 };
}

/** What two registers with loaded bytes have together, if those are next to each other in memory too. */
function joined(a: Loaded | undefined, b: Loaded | undefined): Loaded | undefined {
  if (a === undefined || b === undefined || !areNeighbours(a, b) || a.low !== b.low) return undefined;
  const [lower, upper] = a.at < b.at ? [a, b] : [b, a];
  if (lower.at + lower.count !== upper.at || lower.isSigned) return undefined;
  return { ...upper, at: lower.at, count: lower.count + upper.count, loads: [...lower.loads, ...upper.loads] };
}
