import { type Access, covers, hull, isChecked } from './accesses.ts';
import { ABSOLUTE, Anticipation, keptRegisters, STACK_POINTER } from './anticipation.ts';
import type { Flow } from './flow.ts';
import type { Op } from './op.ts';
import { has } from './operands.ts';
import { type Block, calls, comesBackTo, type Region, successors, switches } from './region.ts';

/**
 * A check for several accesses through the same base register, or that plus constants, from their lowest byte to their highest: the pages of both are looked at, and there is
 * none between them. Permissions do not change while translated code runs, nor while it waits for a call (it is left if they did: see finishCall of the
 * interpreter), so what was checked once need not be again while the base is the same; and an access that is refused early is executed by the interpreter all the same.
 */
export type Guard = Access;

/** What an instruction of a block needs of memory: a guard in front of it, nothing (it is behind one), or (absent) a check of its own. */
export type Plan = ReadonlyMap<number, Guard | 'guarded'>;

export interface Plans {
  readonly blocks: ReadonlyMap<number, Plan>;
  /** Of blocks that end with a call: registers of which still counts what was known before it, if they are the same after it. Bit n for xn. */
  readonly kept: ReadonlyMap<number, number>;
  /** Of entries: what is taken for known there, by register, x0 for constant addresses, because it is on all ways from within. It is checked on the way from without. */
  readonly entries: ReadonlyMap<number, ReadonlyMap<number, Guard>>;
}

/** Farthest that the bytes of a guard may be from each other. */
const REACH_MAX = 2048;
/** The same with bytes that are accessed behind the block. */
const AHEAD_MAX = 512;
/** Farthest that bytes of which something is known may be from each other: less than a page, so that there is none between the first and the last. */
const KNOWN_MAX = 4096;
/** Times that all blocks are looked at, at most, until what is known of each is settled. */
const ROUNDS_MAX = 12;
/** What is known of the memory at a register, by register; at x0, of constant addresses. */
type Known = Map<number, Guard>;

/** What guards are planned by. */
interface Looking {
  readonly ahead: Anticipation;
  /** Blocks whose accesses an admission vouches for. */
  readonly admitted: ReadonlySet<number>;
}

/** `admitted`: blocks whose accesses an admission vouches for; see versions.ts. */
export function planGuards(region: Region, flow: Flow, admitted: ReadonlySet<number> = new Set()): Plans {
  const ahead = new Anticipation(region, flow.order);
  const looking = { ahead, admitted };
  const known = settle(region, flow, looking);
  const blocks = new Map<number, Plan>();
  const kept = new Map<number, number>();
  for (const block of region.blocks.values()) {
    const plan = new Map<number, Guard | 'guarded'>();
    const after = new Map(known.get(block.start));
    follow(block, after, looking, plan);
    blocks.set(block.start, plan);
    if (calls(block)) kept.set(block.start, keptBy(block, after, region, ahead));
  }
  const entries = new Map(region.entries.flatMap((pc) => (known.get(pc)?.size ? [[pc, known.get(pc) as Known] as const] : [])));
  return { blocks, kept, entries };
}

/**
 * What is known where each block begins, on whatever way it is reached; nothing where the region is entered, but where a loop begins, as it does for most
 * loops: there, what is known on all ways from within, as far as it is sure to be needed, so that what does not change need not be checked in every turn.
 */
function settle(region: Region, { order, headers }: Flow, looking: Looking): ReadonlyMap<number, Known> {
  // Indirect jumps within the region go to entries too.
  const entered = switches(region) ? [] : region.entries.filter((pc) => headers.has(pc));
  const known = new Map<number, Known>(region.entries.flatMap((pc) => (entered.includes(pc) ? [] : [[pc, new Map()]])));
  const unsettled = new Set(order);
  if (!spread(region, order, looking, known, unsettled)) return new Map();
  for (const pc of entered) if (narrowEntry(known, pc, looking.ahead)) unsettled.add(pc);
  return spread(region, order, looking, known, unsettled) ? known : new Map();
}

/** Follows all ways from blocks that are not settled until all are; false if that takes too long. */
function spread(region: Region, order: readonly number[], looking: Looking, known: Map<number, Known>, unsettled: Set<number>): boolean {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    for (const pc of order) {
      if (!unsettled.delete(pc)) continue;
      const block = region.blocks.get(pc) as Block;
      // A block that no way was found to yet may be reached by one back.
      const after = new Map(known.get(pc));
      follow(block, after, looking);
      if (calls(block)) forgetBut(keptBy(block, after, region, looking.ahead) | (1 << ABSOLUTE), after);
      if (block.end.kind === 'jumpIndirect') continue;
      for (const to of successors(region, block)) if (narrow(known, to, after)) unsettled.add(to);
    }
    if (unsettled.size === 0) return true;
  }
  return false;
}

/** Leaves of what is known at an entry what is sure to be needed. Whether that changed it. */
function narrowEntry(known: Map<number, Known>, pc: number, ahead: Anticipation): boolean {
  const needed: Known = new Map();
  for (const register of known.get(pc)?.keys() ?? []) {
    const later = ahead.atStart(pc, register);
    if (later !== undefined) needed.set(register, later);
  }
  return narrow(known, pc, needed);
}

/** What is known of the stack, and of other registers what spares all checks behind a call: it is a comparison that tells whether they are the same. */
function keptBy(block: Block, known: Known, region: Region, ahead: Anticipation): number {
  const likely = keptRegisters(block);
  const next = comesBackTo(region, block);
  let kept = known.has(STACK_POINTER) ? likely & (1 << STACK_POINTER) : 0;
  if (next === undefined) return kept;
  for (const [register, guard] of known) {
    const later = has(likely, register) ? ahead.atStart(next, register) : undefined;
    if (later !== undefined && covers(guard, later)) kept |= 1 << register;
  }
  return kept;
}

function forgetBut(kept: number, known: Known): void {
  for (const register of known.keys()) if (!has(kept, register)) known.delete(register);
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
    else if (both.low !== guard.low || both.high !== guard.high || both.right !== guard.right) before.set(register, both);
    else continue;
    changed = true;
  }
  return changed;
}

/** By register, its value where that is constant. */
const constants = new Float64Array(32);
/** By register, how far it is from the base of the guard that is being made. */
const distances = new Float64Array(32);

/** Makes of what is known before a block what is known after it, and notes in `plan` what its accesses need. */
function follow(block: Block, known: Known, { ahead, admitted }: Looking, plan?: Map<number, Guard | 'guarded'>): void {
  const { ops } = block;
  const isAdmitted = admitted.has(block.start);
  /** Registers that are constant: bit n for xn. */
  let constant = 1 << ABSOLUTE;
  for (let i = 0; i < ops.length; i++) {
    const op = ops[i] as Op;
    const { access, rs1: base } = op;
    if (access !== undefined) {
      const before = known.get(base);
      if (before !== undefined && covers(before, access)) plan?.set(i, 'guarded');
      else {
        const at = has(constant, base) ? constants[base] : undefined;
        // An admission knows nothing of what is behind the loop.
        const guard = isAdmitted ? access : grouped(block, i, access, ahead, at);
        if (isAdmitted) plan?.set(i, 'guarded');
        else if (guard !== access) plan?.set(i, guard);
        const after = before === undefined ? guard : joined(before, guard);
        known.set(base, after);
        if (at !== undefined) known.set(ABSOLUTE, shifted(after, at));
      }
    }
    moveKnown(op, known);
    constant = moveAll(op, constant, constants);
  }
}

/**
 * The guard for an access and for those behind it through the same base, or that plus a constant, in the block and, if they are not far, behind it. `at`: the
 * base, if it is constant itself.
 */
function grouped({ start, ops }: Block, from: number, first: Guard, ahead: Anticipation, at: number | undefined): Guard {
  const { rs1 } = ops[from] as Op;
  /** Registers that are the base plus a constant: bit n for xn. */
  let related = 1 << rs1;
  distances[rs1] = 0;
  if (at !== undefined) {
    related |= 1 << ABSOLUTE;
    distances[ABSOLUTE] = -at;
  }
  let guard = first;
  for (let i = from; ; ) {
    related = moveAll(ops[i] as Op, related, distances);
    if (related === 0) return guard;
    if (++i === ops.length) break;
    const { access, rs1: base } = ops[i] as Op;
    if (access === undefined || !has(related, base)) continue;
    const both = hull(guard, shifted(access, distances[base] as number));
    if (both.high - both.low < REACH_MAX) guard = both;
  }
  for (let register = 0; register < 32; register++) {
    const later = has(related, register) ? ahead.atEnd(start, register) : undefined;
    if (later !== undefined) guard = withAhead(guard, shifted(later, distances[register] as number));
  }
  return guard;
}

/** What an instruction makes of registers that are something plus a constant: which they are then. `numbers`: the constants, by register. */
function moveAll({ move, uses: { writes } }: Op, registers: number, numbers: Float64Array): number {
  if (move === undefined || !has(registers, move.from)) return registers & ~writes.x;
  numbers[move.to] = (numbers[move.from] as number) + move.by;
  return registers | writes.x;
}

const shifted = (access: Access, by: number): Access => ({ ...access, low: access.low + by, high: access.high + by });

function withAhead(guard: Guard, later: Guard | undefined): Guard {
  if (later === undefined || covers(guard, later)) return guard;
  const both = hull(guard, later);
  return both.high - both.low < AHEAD_MAX ? both : guard;
}

/** What an instruction makes of what is known: a register that is another plus a constant knows what that one does. */
function moveKnown(op: Op, known: Known): void {
  if (op.uses.writes.x === 0) return;
  const { move } = op;
  const guard = move === undefined ? undefined : known.get(move.from);
  if (move === undefined || guard === undefined) known.delete(op.rd);
  else known.set(op.rd, shifted(guard, -move.by));
}

/** What two checks say together; the later one if that is more than either. */
function joined(before: Guard, later: Guard): Guard {
  const both = { ...hull(before, later), right: Math.min(before.right, later.right) };
  return both.right === later.right && both.high - both.low < KNOWN_MAX ? both : later;
}

/** What both say; undefined if nothing. */
function common(a: Guard, b: Guard): Guard | undefined {
  const both = { low: Math.max(a.low, b.low), high: Math.min(a.high, b.high), right: Math.min(a.right, b.right) };
  return both.low <= both.high ? both : undefined;
}

/** Accesses in translated code by whether they check their permissions themselves. */
export interface CheckCounts {
  kept: number;
  elided: number;
}

/** Adds the accesses of a block. */
export function countChecks(ops: readonly Op[], plan: Plan, counts: CheckCounts): void {
  for (let at = 0; at < ops.length; at++) {
    if (!isChecked(ops[at] as Op)) continue;
    if (plan.get(at) === 'guarded') counts.elided++;
    else counts.kept++;
  }
}
