import type { Item } from './flow.ts';
import { type Block, type Region, redirected, successors, withBlocks } from './region.ts';

/**
 * Loops that begin with a smaller one, as `for (;;) { do left++; while (*left < pivot); … }` does, or one that goes on with its next turn before it comes to a loop
 * within it: both begin at the same block, to which the smaller one leads back, and the larger one from elsewhere. Taken for one loop, as loops that begin
 * at the same block are, the smaller one would not be an innermost loop. Here the larger one gets a header of its own, without code, at the address of both.
 *
 *     header       the larger loop's: leads to the smaller one
 *     inner …      the smaller loop, which leads back to its own beginning
 */

/** Keys of the smaller loops are above all others: see versions.ts and resumption.ts. */
const INNER = 2 ** 42;

/** A loop that begins a larger one. */
interface Beginning {
  /** Of both. */
  readonly header: number;
  /** Blocks of the smaller one: all ways from one of them lead out of it or on to the header. */
  readonly members: ReadonlySet<number>;
}

/**
 * The region with such loops apart: those of one block, and of the others those that it is worth for. `items`: how it is arranged; `isWorth`: see
 * {@link isSteady} in versions.ts.
 */
export function separateLoops(
  region: Region,
  items: readonly Item[],
  isWorth: (header: number, members: ReadonlySet<number>) => boolean,
): Region {
  const beginnings = [...beginningsIn(region, items)].filter(({ header, members }) => members.size === 1 || isWorth(header, members));
  if (beginnings.length === 0) return region;
  const blocks = new Map(region.blocks);
  for (const beginning of beginnings) separate(blocks, beginning);
  return withBlocks(region, blocks);
}

/** Whether a loop begins a larger one, by its header. */
export const beginsLarger = (header: number): boolean => header >= INNER;

function separate(blocks: Map<number, Block>, { header, members }: Beginning): void {
  const inner = header + INNER;
  const again = (to: number): number => (to === header ? inner : to);
  for (const pc of members) {
    const block = blocks.get(pc) as Block;
    const start = again(pc);
    blocks.set(start, { ...block, start, end: redirected(block.end, again) });
  }
  blocks.set(header, { ...(blocks.get(header) as Block), ops: [], end: { kind: 'go', to: inner } });
}

function* beginningsIn(region: Region, items: readonly Item[]): Generator<Beginning> {
  for (const { block: header, body, members: all } of items) {
    if (body === undefined) continue;
    if (all.size > 1) {
      const members = nextOf(region, header).includes(header) ? new Set([header]) : besidesLoops(region, header, body);
      if (members.size > 0) yield { header, members };
    }
    yield* beginningsIn(region, body);
  }
}

/** Of a loop with loops in it, the blocks of those turns that come to none of them. */
function besidesLoops(region: Region, header: number, body: readonly Item[]): ReadonlySet<number> {
  const inOrBehindLoops = new Set<number>();
  for (const { block, body: loop, members } of body) {
    if (loop === undefined && !inOrBehindLoops.has(block)) continue;
    for (const pc of members) for (const one of [pc, ...nextOf(region, pc)]) inOrBehindLoops.add(one);
  }
  const besides = new Set([header]);
  if (inOrBehindLoops.size === 0) return new Set();
  for (const { block } of body.toReversed()) {
    if (!inOrBehindLoops.has(block) && nextOf(region, block).some((to) => besides.has(to))) besides.add(block);
  }
  return nextOf(region, header).some((to) => besides.has(to)) ? besides : new Set();
}

const nextOf = (region: Region, pc: number): readonly number[] => successors(region, region.blocks.get(pc) as Block);
