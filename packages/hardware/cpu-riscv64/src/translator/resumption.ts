import { type Item, structure } from './flow.ts';
import {
  type Block,
  instructionsOf,
  REGION_BLOCKS_MAX,
  REGION_INSTRUCTIONS_MAX,
  type Region,
  redirected,
  successors,
  withBlocks,
} from './region.ts';

/**
 * Loops that are entered in their middle, since the region is gone on with there when it ran out of fuel or a call did not come back as calls do. A loop of WebAssembly is
 * entered where it begins, so each turn would look whether it is on the way to such an entry, and what is known of registers and memory would end there. But
 * entering is rare. So there are two of all that entries in the middle of a loop lead to before its next turn: one that is entered, which keeps its
 * addresses, and one for the turns that come from the header, with keys of its own.
 *
 *     header       the next turn, of either
 *      │    entry
 *     turns  resumed
 */

/** Keys of the blocks that are not entered are above all others: see versions.ts. */
const TURNS = 2 ** 40;

/** The region with entries apart from its outermost loops, as far as it stays small enough. */
export function setEntriesApart(region: Region): Region {
  const blocks = new Map(region.blocks);
  let instructions = instructionsOf(blocks.values());
  for (const item of structure(region).items) {
    const resumed = resumedIn(region, item);
    const copied = instructionsOf(resumed.map((pc) => blocks.get(pc) as Block));
    if (resumed.length === 0 || blocks.size + resumed.length > REGION_BLOCKS_MAX || instructions + copied > REGION_INSTRUCTIONS_MAX)
      continue;
    instructions += copied;
    copyTurns(blocks, item.members, new Set(resumed));
  }
  if (blocks.size === region.blocks.size) return region;
  return withBlocks(region, blocks);
}

/** Blocks of a loop that entries in its middle lead to before its next turn. */
function resumedIn(region: Region, { block: header, body, members }: Item): readonly number[] {
  if (body === undefined) return [];
  const resumed = new Set(region.entries.filter((pc) => pc !== header && members.has(pc)));
  for (const pc of resumed) {
    for (const to of successors(region, region.blocks.get(pc) as Block)) if (to !== header && members.has(to)) resumed.add(to);
  }
  return [...resumed];
}

/** Adds the blocks for turns that come from the header, and has the rest of the loop lead to them. */
function copyTurns(blocks: Map<number, Block>, members: ReadonlySet<number>, resumed: ReadonlySet<number>): void {
  const inTurns = (to: number): number => (resumed.has(to) ? to + TURNS : to);
  for (const pc of members) {
    const block = blocks.get(pc) as Block;
    const turning = { ...block, start: inTurns(pc), end: redirected(block.end, inTurns) };
    blocks.set(turning.start, turning);
  }
}
