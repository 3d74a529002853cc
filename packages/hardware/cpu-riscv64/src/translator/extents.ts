import type { Op } from './op.ts';

/**
 * What is known of a register's value within one turn of a loop: the sum of what the registers in `roots` held when the turn began (bit n: xn), plus a
 * number from `low` to `high`.
 */
export interface Extent {
  readonly roots: number;
  readonly low: number;
  readonly high: number;
}

/** Numbers farther from zero are not followed: no window of memory is as large. */
const FAR = 2 ** 30;

/** The extents of all integer registers; undefined where nothing is known. */
export type Extents = (Extent | undefined)[];

const numbers = (low: number, high: number): Extent => ({ roots: 0, low, high });
const number = (value: number): Extent => numbers(value, value);
const isNumber = (extent: Extent | undefined): extent is Extent => extent !== undefined && extent.roots === 0;

/** Each register as it is when a turn begins. */
export const atStart = (): Extents =>
  Array.from({ length: 32 }, (_, register) => (register === 0 ? number(0) : { roots: 1 << register, low: 0, high: 0 }));

/** What both say. */
export function either(a: Extent | undefined, b: Extent | undefined): Extent | undefined {
  if (a === undefined || b === undefined || a.roots !== b.roots) return undefined;
  return { ...a, low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) };
}

function near(extent: Extent): Extent | undefined {
  return extent.low < -FAR || extent.high > FAR ? undefined : extent;
}

function sum(a: Extent | undefined, b: Extent | undefined): Extent | undefined {
  if (a === undefined || b === undefined || (a.roots & b.roots) !== 0) return undefined;
  return near({ roots: a.roots | b.roots, low: a.low + b.low, high: a.high + b.high });
}

function scaled(a: Extent | undefined, power: number): Extent | undefined {
  if (!isNumber(a) || power > 30) return undefined;
  const by = 2 ** power;
  return near(numbers(a.low * by, a.high * by));
}

function shiftedRight(a: Extent | undefined, power: number, bits: 32 | 64): Extent | undefined {
  const widest = 2 ** (bits - power) - 1;
  if (isNumber(a) && a.low >= 0) return numbers(Math.floor(a.low / 2 ** power), Math.floor(a.high / 2 ** power));
  return widest <= FAR ? numbers(0, widest) : undefined;
}

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
  sub: (_, a, b) => (isNumber(b) ? sum(a, numbers(-b.high, -b.low)) : undefined),
  andi: ({ imm }) => (imm >= 0 ? numbers(0, imm) : undefined),
  and: (_, a, b) => masked(a, b),
  slli: ({ imm }, a) => scaled(a, imm),
  srli: ({ imm }, a) => shiftedRight(a, imm, 64),
  srliw: ({ imm }, a) => (imm === 0 ? undefined : shiftedRight(isNumber(a) ? a : undefined, imm, 32)),
  // Numbers that are followed are no longer when cut to 32 bits.
  addiw: ({ imm }, a) => (isNumber(a) ? sum(a, number(imm)) : undefined),
  addw: (_, a, b) => (isNumber(a) && isNumber(b) ? sum(a, b) : undefined),
  'add.uw': (_, a, b) => (isNumber(a) && a.low >= 0 ? sum(a, b) : undefined),
  sh1add: (_, a, b) => sum(scaled(a, 1), b),
  sh2add: (_, a, b) => sum(scaled(a, 2), b),
  sh3add: (_, a, b) => sum(scaled(a, 3), b),
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
