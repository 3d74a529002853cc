import type { Op } from './op.ts';

/** So many times what a register holds when the turn begins. */
export interface Term {
  readonly register: number;
  /** Not 0. */
  readonly times: number;
}

/** Terms, at most one of each register and in their order, plus a number from `low` to `high`. */
export interface Sum {
  readonly terms: readonly Term[];
  readonly low: number;
  readonly high: number;
}

/** What is known of a register's value within one turn of a loop: a sum, modulo 2⁶⁴. */
export interface Extent extends Sum {
  /** It is that sum if all of these are from 0 to 2³¹ − 1: an instruction has cut them to 32 bits, and extended what was left. Those with the same terms are one. */
  readonly naturals: readonly Sum[];
}

/** Numbers farther from zero are not followed: no window of memory is as large. */
const FAR = 2 ** 30;
/** What is shifted into the upper half, to be shifted back, is followed as a sum of multiples of this. */
const UPPER = 2 ** 32;
const NATURALS_MAX = 4;

/** The extents of all integer registers; undefined where nothing is known. */
export type Extents = (Extent | undefined)[];

const numbers = (low: number, high: number): Extent => ({ terms: [], low, high, naturals: [] });
const number = (value: number): Extent => numbers(value, value);
const isNumber = (extent: Extent | undefined): extent is Extent =>
  extent !== undefined && extent.terms.length === 0 && extent.naturals.length === 0;

/** The number 0, and no terms. */
export const ZERO = number(0);

/** Each register as it is when a turn begins. */
export const atStart = (): Extents =>
  Array.from({ length: 32 }, (_, register) => (register === 0 ? ZERO : { ...ZERO, terms: [{ register, times: 1 }] }));

/** What both say. */
export function either(a: Extent | undefined, b: Extent | undefined): Extent | undefined {
  if (a === undefined || b === undefined || !areSame(a.terms, b.terms)) return undefined;
  const naturals = allOf(a.naturals, b.naturals);
  return naturals && { ...hull(a, b), naturals };
}

/** All of both, of those with the same terms one that covers both; the very first if it covers the others. Undefined if there are too many. */
export function allOf(some: readonly Sum[], more: readonly Sum[]): readonly Sum[] | undefined {
  let all = some;
  for (const one of more) {
    const same = all.find(({ terms }) => areSame(terms, one.terms));
    if (same === undefined) all = [...all, one];
    else if (one.low < same.low || one.high > same.high) all = all.map((other) => (other === same ? hull(same, one) : other));
  }
  return all.length > NATURALS_MAX ? undefined : all;
}

export const areSame = (a: readonly Term[], b: readonly Term[]): boolean =>
  a === b || (a.length === b.length && a.every(({ register, times }, i) => b[i]?.register === register && b[i]?.times === times));

const hull = ({ terms, low, high }: Sum, other: Sum): Sum => ({ terms, low: Math.min(low, other.low), high: Math.max(high, other.high) });

/** Whether all numbers of a sum are near; or multiples of another one than 1, and near for that. */
export function isNear({ terms, low, high }: Sum, one = 1): boolean {
  const isMultiple = (value: number): boolean => value % one === 0 && Math.abs(value) <= FAR * one;
  return isMultiple(low) && isMultiple(high) && terms.every(({ times }) => isMultiple(times));
}

/** An extent if its numbers are multiples of 1, or of another one, and near for that. */
const near = (extent: Extent, one = 1): Extent | undefined => (isNear(extent, one) ? extent : undefined);

/** Of two in the same half: of another the numbers would not be exact. */
export function sum(a: Extent | undefined, b: Extent | undefined): Extent | undefined {
  if (a === undefined || b === undefined) return undefined;
  const one = isNear(a) && isNear(b) ? 1 : isNear(a, UPPER) && isNear(b, UPPER) ? UPPER : undefined;
  const naturals = allOf(a.naturals, b.naturals);
  if (one === undefined || naturals === undefined) return undefined;
  return near({ terms: together(a.terms, b.terms), low: a.low + b.low, high: a.high + b.high, naturals }, one);
}

function together(a: readonly Term[], b: readonly Term[]): readonly Term[] {
  if (a.length === 0 || b.length === 0) return a.length === 0 ? b : a;
  const times = new Map(a.map((term) => [term.register, term.times]));
  for (const term of b) times.set(term.register, (times.get(term.register) ?? 0) + term.times);
  const terms = [...times].map(([register, all]): Term => ({ register, times: all }));
  return terms.filter((term) => term.times !== 0).sort((one, other) => one.register - other.register);
}

export function scaled(a: Extent | undefined, by: number): Extent | undefined {
  if (a === undefined) return undefined;
  const [one, other] = [a.low * by, a.high * by];
  const terms = a.terms.map(({ register, times }): Term => ({ register, times: times * by }));
  const all = { terms, low: Math.min(one, other), high: Math.max(one, other), naturals: a.naturals };
  // What is far may not be exact, but by a power of two.
  return near(all) ?? (Number.isInteger(Math.log2(Math.abs(by))) ? near(all, UPPER) : undefined);
}

/** The low half of an extent, extended with its sign, or with zeros: the same, if it is natural. */
function cut(a: Extent | undefined, isSigned: boolean): Extent | undefined {
  if (a === undefined || !isNear(a)) return undefined;
  if (a.terms.length === 0) return isSigned || a.low >= 0 ? a : undefined;
  const naturals = allOf(a.naturals, [a]);
  return naturals && { ...a, naturals };
}

function shiftedRight(a: Extent | undefined, power: number, isSigned: boolean): Extent | undefined {
  if (a !== undefined && !isNear(a)) return power <= 32 ? scaled(cut(scaled(a, 1 / UPPER), isSigned), 2 ** (32 - power)) : undefined;
  return (isNumber(a) && quotient(a, power)) || (isSigned ? undefined : bits(64 - power));
}

function quotient(a: Extent, power: number): Extent | undefined {
  return a.low < 0 ? undefined : numbers(Math.floor(a.low / 2 ** power), Math.floor(a.high / 2 ** power));
}

/** What so many bits may hold. */
const bits = (count: number): Extent | undefined => near(numbers(0, 2 ** count - 1));

function masked(a: Extent | undefined, b: Extent | undefined): Extent | undefined {
  const bound = Math.min(isNumber(a) && a.low >= 0 ? a.high : FAR, isNumber(b) && b.low >= 0 ? b.high : FAR);
  return bound < FAR ? numbers(0, bound) : undefined;
}

/** What an instruction's result is: RISC-V unprivileged ISA manual, chapters 2, 4 and 28 for what each does. */
const RESULTS: Readonly<Record<string, (op: Op, a: Extent | undefined, b: Extent | undefined) => Extent | undefined>> = {
  lui: ({ imm }) => near(number(imm)),
  auipc: ({ pc, imm }) => near(number(pc + imm)),
  addi: ({ imm }, a) => sum(a, number(imm)),
  add: (_, a, b) => sum(a, b),
  sub: (_, a, b) => sum(a, scaled(b, -1)),
  andi: ({ imm }) => (imm >= 0 ? numbers(0, imm) : undefined),
  and: (_, a, b) => masked(a, b),
  slli: ({ imm }, a) => scaled(a, 2 ** imm),
  srli: ({ imm }, a) => shiftedRight(a, imm, false),
  srai: ({ imm }, a) => shiftedRight(a, imm, true),
  srliw: ({ imm }, a) => (imm === 0 ? undefined : (isNumber(a) && isNear(a) && quotient(a, imm)) || bits(32 - imm)),
  addiw: ({ imm }, a) => cut(sum(a, number(imm)), true),
  addw: (_, a, b) => cut(sum(a, b), true),
  subw: (_, a, b) => cut(sum(a, scaled(b, -1)), true),
  slliw: ({ imm }, a) => cut(scaled(a, 2 ** imm), true),
  'slli.uw': ({ imm }, a) => scaled(cut(a, false), 2 ** imm),
  'add.uw': (_, a, b) => sum(cut(a, false), b),
  sh1add: (_, a, b) => sum(scaled(a, 2), b),
  sh2add: (_, a, b) => sum(scaled(a, 4), b),
  sh3add: (_, a, b) => sum(scaled(a, 8), b),
  'sh1add.uw': (_, a, b) => sum(scaled(cut(a, false), 2), b),
  'sh2add.uw': (_, a, b) => sum(scaled(cut(a, false), 4), b),
  'sh3add.uw': (_, a, b) => sum(scaled(cut(a, false), 8), b),
  'zext.h': () => numbers(0, 0xffff),
  lbu: () => numbers(0, 0xff),
  lhu: () => numbers(0, 0xffff),
  lb: () => numbers(-0x80, 0x7f),
  lh: () => numbers(-0x8000, 0x7fff),
  slt: () => numbers(0, 1),
  sltu: () => numbers(0, 1),
  slti: () => numbers(0, 1),
  sltiu: () => numbers(0, 1),
};

/** Makes of the extents before an instruction those after it. `writes`: whether it writes an integer register, rd. */
export function follow(op: Op, extents: Extents, writes: boolean): void {
  if (!writes || op.rd === 0) return;
  extents[op.rd] = RESULTS[op.row.name]?.(op, extents[op.rs1], extents[op.rs2]);
}
