import type { Instruction } from '../isa/instruction.ts';
import { Perm } from '../layout.ts';
import type { Op } from './op.ts';

/** Bytes relative to a base register, and what must be allowed there. */
export interface Access {
  /** Distances from the base of the first and the last byte. */
  readonly low: number;
  readonly high: number;
  /** Perm.READ; or Perm.WRITE, which never comes without it. */
  readonly right: number;
}

const LOADS = new Set([0x03, 0x07]);
const STORES = new Set([0x23, 0x27]);
const ATOMICS = 0x2f;

/** The bytes that a load or store touches, from where its base register points; undefined for other instructions. See {@link Op.access}. */
export function accessOf(row: Instruction, rs1: number, imm: number): Access | undefined {
  const opcode = row.match & 0x7f;
  if (rs1 === 0 || !(LOADS.has(opcode) || STORES.has(opcode))) return undefined;
  const size = 1 << ((row.match >>> 12) & 3);
  return { low: imm, high: imm + size - 1, right: LOADS.has(opcode) ? Perm.READ : Perm.WRITE };
}

export const covers = (a: Access, b: Access): boolean => a.low <= b.low && a.high >= b.high && a.right >= b.right;

/** All bytes from the lowest of either to the highest, and what either needs. */
export const hull = (a: Access, b: Access): Access => ({
  low: Math.min(a.low, b.low),
  high: Math.max(a.high, b.high),
  right: Math.max(a.right, b.right),
});

/** Whether an instruction accesses memory, for which permissions are checked. */
export function isChecked({ row }: Op): boolean {
  const opcode = row.match & 0x7f;
  return LOADS.has(opcode) || STORES.has(opcode) || opcode === ATOMICS;
}
