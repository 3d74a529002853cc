import { Op } from '../binary/opcodes.ts';
import type { Writer } from '../binary/writer.ts';
import type { Locals, Operands } from './operands.ts';
import type { Plan } from './plan.ts';
import { OUT_OF_FUEL, POP, PUSH, REWIND_FUEL, SAVED_INDEX, State, type Target, writeZero } from './target.ts';

/** Absolute levels of the blocks around a function that can be left: a branch to level L from depth D is `br D-L`. */
export const UNWIND_LEVEL = 1;
export const BODY_LEVEL = 2;

/** The local that the rewriter adds in front of the operand slots. */
export interface OwnLocals {
  /** Fuel, while the function runs. */
  readonly fuel: number;
}

/** Takes `cost` from the fuel. */
export function writeCharge(out: Writer, own: OwnLocals, cost: number): void {
  if (cost === 0) return;
  out.op(Op.LOCAL_GET, own.fuel);
  out.i32const(cost);
  out.byte(Op.I32_SUB);
  out.op(Op.LOCAL_SET, own.fuel);
}

export function writeFlush(out: Writer, target: Target, own: OwnLocals): void {
  out.op(Op.LOCAL_GET, own.fuel);
  out.op(Op.GLOBAL_SET, target.fuel);
}

export function writeReload(out: Writer, target: Target, own: OwnLocals): void {
  out.op(Op.GLOBAL_GET, target.fuel);
  out.op(Op.LOCAL_SET, own.fuel);
}

/** Behind a call at a point: goes on, or leaves the frame when the callee is being left. `depth`: blocks open here. */
export function writeLeaveIfUnwinding(out: Writer, target: Target, point: number, depth: number): void {
  out.i32const(point);
  out.op(Op.GLOBAL_GET, target.state);
  out.op(Op.BR_IF, depth - UNWIND_LEVEL);
  out.byte(Op.DROP);
}

/** The frames are back: from here on the program runs again, with the fuel that the CPU put aside. */
function writeGoOn(out: Writer, target: Target, own: OwnLocals): void {
  out.i32const(State.NORMAL);
  out.op(Op.GLOBAL_SET, target.state);
  out.op(Op.GLOBAL_GET, target.refill);
  out.op(Op.LOCAL_SET, own.fuel);
}

/** Leaves the frame; there the CPU is told. No call here: values that live across one would be kept in memory by the loop around it. */
function writeOutOfFuel(out: Writer, target: Target, own: OwnLocals, point: number, depth: number): void {
  writeFlush(out, target, own);
  out.i32const(point);
  out.op(Op.BR, depth - UNWIND_LEVEL);
}

/** A checkpoint whose label was just closed: nothing is on the engine's stack. */
export function writeCheckpoint(out: Writer, target: Target, own: OwnLocals, point: number, depth: number): void {
  out.op(Op.BLOCK, 0x40);
  out.op(Op.LOCAL_GET, own.fuel);
  out.i32const(0);
  out.byte(Op.I32_GE_S);
  out.op(Op.BR_IF, 0);
  out.op(Op.GLOBAL_GET, target.state);
  out.op(Op.IF, 0x40);
  writeGoOn(out, target, own);
  out.op(Op.BR, 1);
  out.byte(Op.END);
  writeOutOfFuel(out, target, own, point, depth + 1);
  out.byte(Op.END);
}

/** Opens the blocks of a region, the one that ends last first; returns the depth within them. */
export function writeRegionBlocks(out: Writer, target: Target, plan: Plan, region: number, depth: number): number {
  const ends = plan.regionEnds[region]!;
  for (let at = ends.length - 1; at >= 0; at--) {
    out.byte(Op.BLOCK);
    out.s32(target.resultsOnly(plan.endType[ends[at]!]!));
  }
  return depth + ends.length;
}

/**
 * The head of a region: charges `cost` and, when fuel is used up, leaves, or goes to the point to resume. `restore` writes what must happen before
 * that at a function's entry; there the fuel so far is in the global, else in its local.
 */
export function writeRegionHead(
  out: Writer,
  target: Target,
  plan: Plan,
  own: OwnLocals,
  region: number,
  depth: number,
  cost: number,
  restore: ((out: Writer) => void) | undefined,
): void {
  out.op(Op.BLOCK, 0x40);
  if (restore) out.op(Op.GLOBAL_GET, target.fuel);
  else out.op(Op.LOCAL_GET, own.fuel);
  out.i32const(cost);
  out.byte(Op.I32_SUB);
  out.op(Op.LOCAL_TEE, own.fuel);
  out.i32const(0);
  out.byte(Op.I32_GE_S);
  out.op(Op.BR_IF, 0);
  out.op(Op.GLOBAL_GET, target.state);
  out.op(Op.IF, 0x40);
  restore?.(out);
  writeDispatch(out, target, plan, region);
  writeGoOn(out, target, own);
  out.op(Op.BR, 1);
  out.byte(Op.END);
  writeOutOfFuel(out, target, own, plan.regionFirst[region]!, depth + 1);
  out.byte(Op.END);
}

/** Blocks around the dispatch within those of its region: the head's, the `if` on the state, and the dispatch's own. */
const DISPATCH_DEPTH = 3;

/** Jumps to the label in front of the point that the frame was left at; falls through for the region's own. */
function writeDispatch(out: Writer, target: Target, plan: Plan, region: number): void {
  const first = plan.regionFirst[region]!;
  const last = plan.regionLast[region]!;
  if (last === first) return;
  out.op(Op.BLOCK, 0x40);
  out.op(Op.GLOBAL_GET, target.resume);
  out.i32const(first);
  out.byte(Op.I32_SUB);
  out.op(Op.BR_TABLE, last - first + 1);
  out.u32(0);
  for (const end of plan.regionEnds[region]!) {
    if (plan.endFirst[end]! < 0) continue;
    // The first end is the innermost of the region's blocks.
    const label = plan.endPlace[end]! + DISPATCH_DEPTH;
    for (let point = plan.endFirst[end]!; point <= plan.endLast[end]!; point++) out.u32(label);
  }
  out.u32(0);
  out.byte(Op.END);
}

/** What a frame keeps: parameters and locals that are read after some point, operand slots. */
export interface FrameLayout {
  readonly locals: Locals;
  readonly kept: Uint8Array;
  readonly operands: Operands;
}

function* saved({ locals, kept, operands }: FrameLayout): Generator<{ readonly local: number; readonly type: number }> {
  for (let local = 0; local < locals.count; local++) if (kept[local]) yield { local, type: locals.types[local]! };
  yield* operands.savedSlots();
}

/** Takes the frame from the saved stack again. Its point goes to a global: no call comes between here and the last dispatch that reads it. */
export function writeRestore(out: Writer, target: Target, own: OwnLocals, frame: FrameLayout): void {
  for (const { local, type } of [...saved(frame)].reverse()) {
    out.op(Op.CALL, POP + SAVED_INDEX[type]!);
    out.op(Op.LOCAL_SET, local);
  }
  out.op(Op.CALL, POP);
  out.op(Op.GLOBAL_SET, target.resume);
  out.i32const(REWIND_FUEL);
  out.op(Op.LOCAL_SET, own.fuel);
}

/**
 * Behind the `$unwind` block: the point is on the stack. Saves the frame, tells the CPU if it is not what began this, and returns zeroes, which
 * nobody reads.
 */
export function writeUnwind(out: Writer, target: Target, frame: FrameLayout, results: Uint8Array): void {
  out.op(Op.GLOBAL_GET, target.state);
  out.byte(Op.I32_EQZ);
  out.op(Op.IF, 0x40);
  out.op(Op.CALL, OUT_OF_FUEL);
  out.byte(Op.END);
  out.op(Op.CALL, PUSH);
  for (const { local, type } of saved(frame)) {
    out.op(Op.LOCAL_GET, local);
    out.op(Op.CALL, PUSH + SAVED_INDEX[type]!);
  }
  for (const type of results) writeZero(out, type);
}
