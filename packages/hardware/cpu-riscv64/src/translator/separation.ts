import type { Item } from './flow.ts';
import { type Block, type Region, redirected, successors, withBlocks } from './region.ts';

/**
 * Loops that begin with a smaller one, as `for (;;) { do left++; while (*left < pivot); … }` does: both begin at the same block, which leads back to itself and
 * is led back to from elsewhere. Taken for one loop, as loops that begin at the same block are, the smaller one would not be an innermost loop. Here the
 * larger one gets a header of its own, without code, at the address of both.
 *
 *     header       the larger loop's: leads to the smaller one
 *     inner        the smaller loop, which leads back to itself
 */

/** Keys of the smaller loops are above all others: see versions.ts and resumption.ts. */
const INNER = 2 ** 42;

/** The region with such loops apart. `items`: how it is arranged. */
export function separateLoops(region: Region, items: readonly Item[]): Region {
  const shared = [...sharedHeaders(region, items)];
  if (shared.length === 0) return region;
  const blocks = new Map(region.blocks);
  for (const header of shared) {
    const block = blocks.get(header) as Block;
    const inner = header + INNER;
    blocks.set(header, { ...block, ops: [], end: { kind: 'go', to: inner } });
    blocks.set(inner, { ...block, start: inner, end: redirected(block.end, (to) => (to === header ? inner : to)) });
  }
  return withBlocks(region, blocks);
}

/** Whether a loop begins a larger one, by its header. */
export const beginsLarger = (header: number): boolean => header >= INNER;

/** Blocks that a loop begins with, and that lead back to themselves besides. */
function* sharedHeaders(region: Region, items: readonly Item[]): Generator<number> {
  for (const { block, body, members } of items) {
    if (body === undefined) continue;
    if (members.size > 1 && successors(region, region.blocks.get(block) as Block).includes(block)) yield block;
    yield* sharedHeaders(region, body);
  }
}
