import { type Extent, type Extents, either, follow } from './extents.ts';
import type { Op } from './op.ts';
import { type Block, type Region, successors } from './region.ts';

/** What is known of one turn of a loop, relative to the registers where it begins. */
export interface Turn {
  /** The registers where each access is. */
  readonly accesses: readonly { readonly op: Op; readonly base: Extent | undefined }[];
  /** The registers where each block ends. */
  readonly ends: ReadonlyMap<number, Extents>;
  /** What a turn makes of the registers. */
  readonly after: Extents;
}

/**
 * Follows a loop's blocks from its header, in an order in which every way but those to the header goes forward; undefined if a turn may be left to the
 * interpreter. `start`: what is known of the registers when it begins.
 */
export function followTurn(
  region: Region,
  blocks: readonly Block[],
  header: number,
  members: ReadonlySet<number>,
  start: Extents,
): Turn | undefined {
  const accesses: { op: Op; base: Extent | undefined }[] = [];
  const ends = new Map<number, Extents>();
  const before = new Map<number, Extents>([[header, start]]);
  let after: Extents | undefined;
  const meet = (known: Extents | undefined, more: Extents): Extents => known?.map((extent, r) => either(extent, more[r])) ?? [...more];
  for (const block of blocks) {
    const extents = before.get(block.start);
    if (extents === undefined) return undefined;
    for (const op of block.ops) {
      if (op.access !== undefined) accesses.push({ op, base: extents[op.rs1] });
      else if (op.uses.leaves) return undefined;
      follow(op, extents, op.uses.writes.x !== 0);
    }
    ends.set(block.start, extents);
    for (const to of successors(region, block)) {
      if (to === header) after = meet(after, extents);
      else if (members.has(to)) before.set(to, meet(before.get(to), extents));
    }
  }
  return after === undefined ? undefined : { accesses, ends, after };
}
