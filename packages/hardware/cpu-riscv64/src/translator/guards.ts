import { Perm } from '../layout.ts';
import { addOperands } from './operands.ts';
import type { Op } from './region.ts';

/**
 * One check for several accesses of a block that use the same base: from its lowest byte to its highest, before the first of them. Permissions do
 * not change while translated code runs, and an access that is refused early is executed by the interpreter all the same.
 */
export interface Guard {
  /** Distances from the base of the first and the last byte. */
  readonly low: number;
  readonly high: number;
  /** base + anchor must be a multiple of `alignment`; then all of the accesses are aligned. */
  readonly anchor: number;
  readonly alignment: number;
  /** All of these rights. */
  readonly rights: number;
}

/** What an instruction of a block needs of memory: a guard in front of it, nothing (it is behind one), or (absent) a check of its own. */
export type Plan = ReadonlyMap<number, Guard | 'guarded'>;

interface Access {
  readonly at: number;
  readonly offset: number;
  readonly size: number;
  readonly rights: number;
}

/** Farthest that the accesses of a guard may be from each other: they touch two pages at most. */
const REACH_MAX = 2048;
const LOADS = new Set([0x03, 0x07]);
const STORES = new Set([0x23, 0x27]);

export function planGuards(ops: readonly Op[]): Plan {
  const plan = new Map<number, Guard | 'guarded'>();
  const open = new Map<number, Access[]>();
  for (const [at, op] of ops.entries()) {
    const opcode = op.row.match & 0x7f;
    if ((LOADS.has(opcode) || STORES.has(opcode)) && op.rs1 !== 0) {
      const access = { at, offset: op.imm, size: 1 << ((op.row.match >>> 12) & 3), rights: LOADS.has(opcode) ? Perm.READ : Perm.WRITE };
      const group = open.get(op.rs1);
      if (group === undefined) open.set(op.rs1, [access]);
      else group.push(access);
    }
    const written = { x: 0, f: 0 };
    addOperands(op, { x: 0, f: 0 }, written);
    for (const [base, group] of open) {
      if (((written.x >>> base) & 1) === 0) continue;
      close(group, plan);
      open.delete(base);
    }
  }
  for (const group of open.values()) close(group, plan);
  return plan;
}

function close(group: readonly Access[], plan: Map<number, Guard | 'guarded'>): void {
  const anchor = group.reduce((best, access) => (access.size > best.size ? access : best));
  const fits = ({ offset, size }: Access): boolean =>
    (offset - anchor.offset) % size === 0 && Math.abs(offset - anchor.offset) < REACH_MAX / 2;
  const members = group.filter(fits);
  if (members.length < 2) return;
  const guard: Guard = {
    low: Math.min(...members.map(({ offset }) => offset)),
    high: Math.max(...members.map(({ offset, size }) => offset + size - 1)),
    anchor: anchor.offset,
    alignment: anchor.size,
    rights: members.reduce((all, { rights }) => all | rights, 0),
  };
  for (const [i, { at }] of members.entries()) plan.set(at, i === 0 ? guard : 'guarded');
}

/** Accesses in translated code by whether they check their permissions themselves. */
export interface CheckCounts {
  kept: number;
  elided: number;
}

const ATOMICS = 0x2f;

/** Adds the accesses of a block. */
export function countChecks(ops: readonly Op[], plan: Plan, counts: CheckCounts): void {
  for (const [at, { row }] of ops.entries()) {
    const opcode = row.match & 0x7f;
    if (!LOADS.has(opcode) && !STORES.has(opcode) && opcode !== ATOMICS) continue;
    if (plan.get(at) === 'guarded') counts.elided++;
    else counts.kept++;
  }
}
