import type { Extent } from './extents.ts';
import { has } from './operands.ts';
import { type Block, type Region, successors } from './region.ts';
import type { Turn } from './turn.ts';

/**
 * How a steady version is counted whose turns are all the same: by a register that each turn moves as far. Nothing is taken off the fuel in it, so that the host
 * has one register more for the guest's; its gate compares the register with where that will be once all turns are made that were admitted, and where
 * the version is left before, the distance from there tells how many were.
 */
export interface Counting {
  readonly register: number;
  /** How far a turn moves it, up if positive; not 0. */
  readonly stride: number;
  /** Instructions of a turn. */
  readonly instructions: number;
  /** Of each block of the loop, in the first turn behind the gate. */
  readonly ends: ReadonlyMap<number, Position>;
}

/** Where a block ends: how far the register was moved since the gate, and how many instructions were executed. */
export interface Position {
  readonly moved: number;
  readonly executed: number;
}

/** Farther strides are not counted by: the distance of all turns that may be admitted at a time is to fit in 32 bits. */
const STRIDE_MAX = 1024;

/** How a loop is counted; undefined: some turns are longer than others, or no register moves evenly. `bases`: registers that accesses are relative to. */
export function countingOf(
  region: Region,
  blocks: readonly Block[],
  members: ReadonlySet<number>,
  turn: Turn,
  bases: number,
): Counting | undefined {
  const executed = new Map<number, number>();
  let instructions = 0;
  for (const block of blocks) {
    if (successors(region, block).filter((to) => members.has(to)).length !== 1) return undefined;
    instructions += block.ops.length;
    executed.set(block.start, instructions);
  }
  const registers = Array.from({ length: 31 }, (_, i) => i + 1);
  // What accesses are relative to is held in 64 bits in any case.
  for (const register of [...registers.filter((r) => has(bases, r)), ...registers.filter((r) => !has(bases, r))]) {
    const stride = movedBy(turn.after[register], register);
    if (stride === undefined || stride === 0 || Math.abs(stride) > STRIDE_MAX) continue;
    const ends = new Map<number, Position>();
    for (const [block, extents] of turn.ends) {
      const moved = movedBy(extents[register], register);
      if (moved !== undefined) ends.set(block, { moved, executed: executed.get(block) as number });
    }
    if (ends.size === blocks.length) return { register, stride, instructions, ends };
  }
  return undefined;
}

/** How far a register is from where it was when the turn began. */
function movedBy(extent: Extent | undefined, register: number): number | undefined {
  if (extent === undefined || extent.low !== extent.high || extent.naturals.length > 0) return undefined;
  const [term, ...more] = extent.terms;
  return term?.register === register && term.times === 1 && more.length === 0 ? extent.low : undefined;
}

/** Where a block ends that is in a later one of the turns that are copied behind each other. */
export const inTurn = ({ stride, instructions }: Counting, { moved, executed }: Position, turn: number): Position => ({
  moved: moved + turn * stride,
  executed: executed + turn * instructions,
});
