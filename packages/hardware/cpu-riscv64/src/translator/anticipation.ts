import { Perm } from '../layout.ts';
import type { Access } from './accesses.ts';
import type { Move } from './moves.ts';
import type { Op } from './op.ts';
import { type Block, calls, type Region, successors } from './region.ts';

export const STACK_POINTER = 2;
/** x0, which is the base of what is accessed at constant addresses. */
export const ABSOLUTE = 0;
/** Registers that a callee gives back as they were by the calling convention (RISC-V ELF psABI, chapter 1): sp, gp, tp and s0 to s11. Nobody relies on it. */
const CALLEE_SAVED = (1 << STACK_POINTER) | 0x0ffc_0318;

/** Registers that the call at the end of a block is likely to give back: not the rest of a function, which ends its frame. */
export const keptRegisters = ({ end }: Block): number => (end.kind === 'rest' ? 0 : CALLEE_SAVED);

/** Times that all blocks are looked at, at most; and so many that registers are followed that constants are added to: in a loop, farther each time. */
const ROUNDS_MAX = 12;
const MOVING_ROUNDS_MAX = 4;
/** Farthest that bytes on different ways may be from each other to be checked together: parts of one small thing, hardly ever on two pages. */
const REACH_MAX = 512;
/** Numbers that tell the reach of a state's registers: by register the distance of the first byte, by register + 32 that of the last. */
const STATE_NUMBERS = 64;

/** Where the reaches are: one for all regions, as a region's are looked at only while its guards are planned. */
let reaches = new Int32Array(STATE_NUMBERS * 256);

/**
 * Accesses that are yet to come, by base register: what is made on every way from a place on through the register as it is there, or that plus a constant, however far within the
 * region. The bytes are those from the lowest to the highest on any of the ways; they are written only if they are on all of them. A check that is to be made
 * anyway may be for all of them ("very busy expressions", as compilers have it): if they are refused, what follows would have been left. Ways out of the
 * region do not count where there is another: they were not seen to be taken.
 */
export class Anticipation {
  readonly #region: Region;
  /** Number of a block, whose states are 2 × number where it begins and 2 × number + 1 where it ends. */
  readonly #numbers = new Map<number, number>();
  readonly #reaches: Int32Array;
  /** By state: registers with accesses, and those of them with stores; bit n for xn. */
  readonly #registers: Int32Array;
  readonly #stores: Int32Array;
  /** States that anything is known of. */
  readonly #known: Uint8Array;
  /** A state to compare with. */
  readonly #before: number;
  /** Whether moves are followed. */
  #follows = true;

  constructor(region: Region, order: readonly number[]) {
    this.#region = region;
    for (const [number, pc] of order.entries()) this.#numbers.set(pc, number);
    this.#before = 2 * order.length;
    const states = this.#before + 1;
    if (reaches.length < states * STATE_NUMBERS) reaches = new Int32Array(2 * states * STATE_NUMBERS);
    this.#reaches = reaches;
    this.#registers = new Int32Array(states);
    this.#stores = new Int32Array(states);
    this.#known = new Uint8Array(states);
    if (!this.#settle(order)) this.#known.fill(0);
  }

  /** Where a block begins: undefined if there need not be any through the register. */
  atStart(pc: number, register: number): Access | undefined {
    return this.#at(2 * (this.#numbers.get(pc) as number), register);
  }

  /** Where it ends. */
  atEnd(pc: number, register: number): Access | undefined {
    return this.#at(2 * (this.#numbers.get(pc) as number) + 1, register);
  }

  #at(state: number, register: number): Access | undefined {
    if (this.#known[state] === 0 || !this.#has(state, register)) return undefined;
    const at = state * STATE_NUMBERS + register;
    const stores = ((this.#stores[state] as number) >>> register) & 1;
    return {
      low: this.#reaches[at] as number,
      high: this.#reaches[at + 32] as number,
      right: stores === 0 ? Perm.READ : Perm.WRITE,
    };
  }

  #settle(order: readonly number[]): boolean {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      this.#follows = round < MOVING_ROUNDS_MAX;
      let changed = false;
      for (let number = order.length - 1; number >= 0; number--) {
        const block = this.#region.blocks.get(order[number] as number) as Block;
        this.#meetSuccessors(block, 2 * number + 1);
        this.#copy(2 * number + 1, this.#before);
        this.#goBack(block.ops, this.#before);
        if (this.#isSame(this.#before, 2 * number)) continue;
        this.#copy(this.#before, 2 * number);
        changed = true;
      }
      if (!changed) return true;
    }
    return false;
  }

  /** What all blocks say that may come next; of those that nothing is known of yet nothing is asked. */
  #meetSuccessors(block: Block, state: number): void {
    let isFirst = true;
    if (block.end.kind !== 'jumpIndirect') {
      for (const to of successors(this.#region, block)) {
        const other = 2 * (this.#numbers.get(to) as number);
        if (this.#known[other] === 0) continue;
        if (isFirst) this.#copy(other, state);
        else this.#meet(state, other);
        isFirst = false;
      }
    }
    if (isFirst) this.#forget(state, -1);
    if (calls(block)) this.#forget(state, ~(keptRegisters(block) | (1 << ABSOLUTE)));
    this.#known[state] = 1;
  }

  #goBack(ops: readonly Op[], state: number): void {
    for (let i = ops.length - 1; i >= 0; i--) {
      const op = ops[i] as Op;
      const { move } = op;
      if (move === undefined || !this.#follows) this.#forget(state, op.uses.writes.x);
      else this.#move(state, move);
      const access = op.access;
      if (access !== undefined) this.#add(state, op.rs1, access);
    }
  }

  // ───── states ─────

  #has(state: number, register: number): boolean {
    return (((this.#registers[state] as number) >>> register) & 1) !== 0;
  }

  #copy(from: number, to: number): void {
    this.#reaches.copyWithin(to * STATE_NUMBERS, from * STATE_NUMBERS, (from + 1) * STATE_NUMBERS);
    this.#registers[to] = this.#registers[from] as number;
    this.#stores[to] = this.#stores[from] as number;
    this.#known[to] = 1;
  }

  #isSame(a: number, b: number): boolean {
    if (this.#known[b] === 0 || this.#registers[a] !== this.#registers[b] || this.#stores[a] !== this.#stores[b]) return false;
    for (let rest = this.#registers[a] as number; rest !== 0; rest &= rest - 1) {
      const r = 31 - Math.clz32(rest & -rest);
      const [one, other] = [a * STATE_NUMBERS + r, b * STATE_NUMBERS + r];
      if (this.#reaches[one] !== this.#reaches[other] || this.#reaches[one + 32] !== this.#reaches[other + 32]) return false;
    }
    return true;
  }

  /** Registers are written: what comes behind is not through what they are here. */
  #forget(state: number, registers: number): void {
    this.#registers[state] = (this.#registers[state] as number) & ~registers;
    this.#stores[state] = (this.#stores[state] as number) & ~registers;
  }

  /** What is accessed through the register that was moved is through the one that it came from. */
  #move(state: number, { from, to, by }: Move): void {
    const at = state * STATE_NUMBERS + to;
    const [low, high] = [(this.#reaches[at] as number) + by, (this.#reaches[at + 32] as number) + by];
    const [registers, stores] = [((this.#registers[state] as number) >>> to) & 1, ((this.#stores[state] as number) >>> to) & 1];
    this.#forget(state, 1 << to);
    if (registers === 0) return;
    if (!this.#has(state, from)) {
      this.#reaches[state * STATE_NUMBERS + from] = low;
      this.#reaches[state * STATE_NUMBERS + from + 32] = high;
    } else if (!this.#widen(state, from, low, high)) return;
    this.#registers[state] = (this.#registers[state] as number) | (registers << from);
    this.#stores[state] = (this.#stores[state] as number) | (stores << from);
  }

  /** An access comes first. If what comes later is far from it, that one alone counts. */
  #add(state: number, register: number, { low, high, right }: Access): void {
    const bit = 1 << register;
    if (!this.#has(state, register) || !this.#widen(state, register, low, high)) {
      this.#forget(state, bit);
      this.#reaches[state * STATE_NUMBERS + register] = low;
      this.#reaches[state * STATE_NUMBERS + register + 32] = high;
    }
    this.#registers[state] = (this.#registers[state] as number) | bit;
    if (right === Perm.WRITE) this.#stores[state] = (this.#stores[state] as number) | bit;
  }

  /** Another way goes on from here. */
  #meet(state: number, other: number): void {
    this.#registers[state] = (this.#registers[state] as number) & (this.#registers[other] as number);
    this.#stores[state] = (this.#stores[state] as number) & (this.#stores[other] as number);
    for (let rest = this.#registers[state] as number; rest !== 0; rest &= rest - 1) {
      const r = 31 - Math.clz32(rest & -rest);
      const at = other * STATE_NUMBERS + r;
      if (!this.#widen(state, r, this.#reaches[at] as number, this.#reaches[at + 32] as number)) this.#forget(state, 1 << r);
    }
  }

  /** Makes a register's reach a wider one; false if it would be too wide. */
  #widen(state: number, register: number, low: number, high: number): boolean {
    const at = state * STATE_NUMBERS + register;
    const lowest = Math.min(low, this.#reaches[at] as number);
    const highest = Math.max(high, this.#reaches[at + 32] as number);
    if (highest - lowest >= REACH_MAX) return false;
    this.#reaches[at] = lowest;
    this.#reaches[at + 32] = highest;
    return true;
  }
}
