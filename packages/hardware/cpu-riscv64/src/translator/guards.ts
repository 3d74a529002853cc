import { Perm } from '../layout.ts';
import type { Flow } from './flow.ts';
import type { Op } from './op.ts';
import { type Block, calls, type Region, successors } from './region.ts';

/**
 * A check for several accesses that use the same base register, from their lowest byte to their highest: the pages of both are looked at, and there is
 * none between them. Permissions do not change while translated code runs, nor while it waits for a call (it is left if they did: see finishCall of the
 * interpreter), so what was checked once need not be again while the base is the same; and an access that is refused early is executed by the interpreter all the same.
 */
export interface Guard {
  /** Distances from the base of the first and the last byte. */
  readonly low: number;
  readonly high: number;
  /** All of these rights. */
  readonly rights: number;
}

/** What an instruction of a block needs of memory: a guard in front of it, nothing (it is behind one), or (absent) a check of its own. */
export type Plan = ReadonlyMap<number, Guard | 'guarded'>;

export interface Plans {
  readonly blocks: ReadonlyMap<number, Plan>;
  /** Blocks that end with a call after which what is known of the stack still counts, if the stack pointer is the same. */
  readonly keepStack: ReadonlySet<number>;
}

/** Farthest that the bytes of a guard may be from each other. */
const REACH_MAX = 2048;
/** Farthest that bytes of which something is known may be from each other: less than a page, so that there is none between the first and the last. */
const KNOWN_MAX = 4096;
/** Times that all blocks are looked at, at most, until what is known of each is settled. */
const ROUNDS_MAX = 12;
export const STACK_POINTER = 2;
const LOADS = new Set([0x03, 0x07]);
const STORES = new Set([0x23, 0x27]);

/** What is known of the memory at a register, by register. */
type Known = Map<number, Guard>;

/** `admitted`: blocks whose accesses an admission vouches for; see versions.ts. */
export function planGuards(region: Region, flow: Flow, admitted: ReadonlySet<number> = new Set()): Plans {
  const known = settle(region, flow.order);
  const blocks = new Map<number, Plan>();
  const keepStack = new Set<number>();
  for (const block of region.blocks.values()) {
    const plan = new Map<number, Guard | 'guarded'>();
    const after = new Map(known.get(block.start));
    follow(block, after, plan);
    if (admitted.has(block.start)) for (const [i, op] of block.ops.entries()) if (accessOf(op) !== undefined) plan.set(i, 'guarded');
    blocks.set(block.start, plan);
    if (calls(block) && after.has(STACK_POINTER)) keepStack.add(block.start);
  }
  return { blocks, keepStack };
}

/** What is known where each block begins, on whatever way it is reached; nothing where the region is entered. */
function settle(region: Region, order: readonly number[]): ReadonlyMap<number, Known> {
  const known = new Map<number, Known>(region.entries.map((pc) => [pc, new Map()]));
  const unsettled = new Set(order);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    for (const pc of order) {
      if (!unsettled.delete(pc)) continue;
      const block = region.blocks.get(pc) as Block;
      // A block that no way was found to yet may be reached by one back.
      const after = new Map(known.get(pc));
      follow(block, after);
      if (calls(block)) for (const register of after.keys()) if (register !== STACK_POINTER) after.delete(register);
      if (block.end.kind === 'jumpIndirect') continue;
      for (const to of successors(region, block)) if (narrow(known, to, after)) unsettled.add(to);
    }
    if (unsettled.size === 0) return known;
  }
  return new Map();
}

/** Keeps of what is known at a block only what is also known on one more way there. Whether that changed it. */
function narrow(known: Map<number, Known>, pc: number, more: Known): boolean {
  const before = known.get(pc);
  if (before === undefined) {
    known.set(pc, new Map(more));
    return true;
  }
  let changed = false;
  for (const [register, guard] of before) {
    const other = more.get(register);
    const both = other === undefined ? undefined : common(guard, other);
    if (both === undefined) before.delete(register);
    else if (both.low !== guard.low || both.high !== guard.high || both.rights !== guard.rights) before.set(register, both);
    else continue;
    changed = true;
  }
  return changed;
}

/** Makes of what is known before a block what is known after it, and notes in `plan` what its accesses need. */
function follow({ ops }: Block, known: Known, plan?: Map<number, Guard | 'guarded'>): void {
  for (let i = 0; i < ops.length; i++) {
    const op = ops[i] as Op;
    const access = accessOf(op);
    if (access !== undefined) {
      const before = known.get(op.rs1);
      if (before !== undefined && covers(before, access)) plan?.set(i, 'guarded');
      else {
        const guard = grouped(ops, i, access);
        if (guard !== access) plan?.set(i, guard);
        known.set(op.rs1, before === undefined ? guard : joined(before, guard));
      }
    }
    moveKnown(op, known);
  }
}

/** The guard for an access and for those behind it in the block that use the same base. */
function grouped(ops: readonly Op[], from: number, first: Guard): Guard {
  const base = (ops[from] as Op).rs1;
  let guard = first;
  for (let i = from; ; ) {
    if (writes(ops[i] as Op, base) || ++i === ops.length) return guard;
    const op = ops[i] as Op;
    const access = op.rs1 === base ? accessOf(op) : undefined;
    if (access === undefined) continue;
    const both = hull(guard, access, guard.rights | access.rights);
    if (both.high - both.low < REACH_MAX) guard = both;
  }
}

/** What an instruction makes of what is known: a register that is another plus a constant knows what that one does. */
function moveKnown(op: Op, known: Known): void {
  if (op.uses.writes.x === 0) return;
  const { name } = op.row;
  const from = name === 'addi' ? op.rs1 : name === 'add' && op.rs1 === 0 ? op.rs2 : 0;
  const guard = from === 0 ? undefined : known.get(from);
  if (guard === undefined) known.delete(op.rd);
  else known.set(op.rd, name === 'addi' ? { ...guard, low: guard.low - op.imm, high: guard.high - op.imm } : guard);
}

const writes = ({ uses }: Op, register: number): boolean => ((uses.writes.x >>> register) & 1) !== 0;

/** The bytes that a load or store touches, from where its base register points; undefined for other instructions. */
export function accessOf({ row, rs1, imm }: Op): Guard | undefined {
  const opcode = row.match & 0x7f;
  if (rs1 === 0 || !(LOADS.has(opcode) || STORES.has(opcode))) return undefined;
  const size = 1 << ((row.match >>> 12) & 3);
  return { low: imm, high: imm + size - 1, rights: LOADS.has(opcode) ? Perm.READ : Perm.WRITE };
}

const covers = (a: Guard, b: Guard): boolean => a.low <= b.low && a.high >= b.high && (a.rights & b.rights) === b.rights;
const hull = (a: Guard, b: Guard, rights: number): Guard => ({ low: Math.min(a.low, b.low), high: Math.max(a.high, b.high), rights });

/** What two checks say together; the later one if that is more than either. */
function joined(before: Guard, later: Guard): Guard {
  const both = hull(before, later, before.rights & later.rights);
  return both.rights === later.rights && both.high - both.low < KNOWN_MAX ? both : later;
}

/** What both say; undefined if nothing. */
function common(a: Guard, b: Guard): Guard | undefined {
  const both = { low: Math.max(a.low, b.low), high: Math.min(a.high, b.high), rights: a.rights & b.rights };
  return both.low <= both.high && both.rights !== 0 ? both : undefined;
}

/** Accesses in translated code by whether they check their permissions themselves. */
export interface CheckCounts {
  kept: number;
  elided: number;
}

const ATOMICS = 0x2f;

/** Adds the accesses of a block. */
export function countChecks(ops: readonly Op[], plan: Plan, counts: CheckCounts): void {
  for (let at = 0; at < ops.length; at++) {
    const opcode = (ops[at] as Op).row.match & 0x7f;
    if (!LOADS.has(opcode) && !STORES.has(opcode) && opcode !== ATOMICS) continue;
    if (plan.get(at) === 'guarded') counts.elided++;
    else counts.kept++;
  }
}
