import { type Block, instructionsOf, redirected } from './region.ts';
import { beginsLarger } from './separation.ts';
import type { Version } from './versions.ts';

/**
 * How a loop begins steadily: with copies of its blocks behind each other, one for each turn, once it was found out that all accesses of so many turns are
 * allowed, by the pages of the first byte and the last. They look neither at permissions nor at the fuel. A loop that is over after a few turns has nothing but
 * straight code then: where its end is not foreseen, as that of most, the host begins anew behind it, and waits at each jump on the way to the next such branch.
 *
 *     begin           where the loop is come to: the first turns if they are admitted, else the loop's admission
 *     gate            only if more turns are admitted than there are copies: enough for all copies; else the loop's admission
 *     first blocks    copies of the loop's blocks; their ways back lead to the next copy, the last one's to the gate or, without one, to the loop's admission
 */
export interface Beginning {
  readonly begin: number;
  readonly gate: number | undefined;
  /** Of each block. */
  readonly copies: number;
  /** Turns that are admitted: at least one for each copy. */
  readonly turns: number;
  /** Whether it is found out first that there is enough fuel for them; otherwise what comes to the loop looks. */
  readonly looksAtFuel: boolean;
}

/**
 * Keys of blocks that are at no address, as in versions.ts, and for copies of what may have any other key. Below 2⁴⁵, where doubles have eight bits for fractions
 * left: see inlining.ts.
 */
const BEGIN = 2 ** 35;
const GATE = 2 ** 43;
const FIRST = 2 ** 44;
const TURN = 2 ** 36;

/** Copies of a small loop, and what a small one has at most. */
const SMALL_COPIES = 8;
const SMALL_INSTRUCTIONS_MAX = 16;
const SMALL_BLOCKS_MAX = 3;
/** Copies of others: fewer than turns that are admitted. */
const COPIES_MAX = 3;

/** What is to begin steadily. */
interface Beginnable {
  /** Of the loop. */
  readonly blocks: readonly Block[];
  /** Turns that can be admitted at once; 0: not even a few. */
  readonly admitted: number;
  /** Turns that its steady version has behind each other. */
  readonly together: number;
  /** See versionLoops. */
  readonly lasts: boolean;
}

/** How the loop of this header may begin; undefined: not steadily. */
export function beginningOf(header: number, { blocks, admitted, together, lasts }: Beginnable): Beginning | undefined {
  if (admitted === 0) return undefined;
  const begin = header + BEGIN;
  const isSmall = instructionsOf(blocks) <= SMALL_INSTRUCTIONS_MAX && blocks.length <= SMALL_BLOCKS_MAX;
  if (isSmall && lasts) {
    const copies = Math.min(SMALL_COPIES, admitted);
    return { begin, gate: undefined, copies, turns: copies, looksAtFuel: beginsLarger(header) };
  }
  return { begin, gate: header + GATE, copies: Math.min(COPIES_MAX, together), turns: admitted, looksAtFuel: true };
}

/** Of a block of the loop, the copy for one of its first turns, from 0. */
const firstOf = (pc: number, turn: number): number => pc + FIRST + turn * TURN;

/** The blocks of a version's first turns. */
export const firstBlocks = ({ members, beginning }: Version): readonly number[] =>
  Array.from({ length: beginning?.copies ?? 0 }, (_, turn) => [...members].map((pc) => firstOf(pc, turn))).flat();

/** Adds what a version begins with, and leads there what comes to the loop. */
export function addBeginning(
  blocks: Map<number, Block>,
  { header, members, admission }: Version,
  { begin, gate, copies }: Beginning,
): void {
  const { address } = blocks.get(header) as Block;
  for (const [pc, block] of blocks) {
    if (members.has(pc)) continue;
    blocks.set(pc, { ...block, end: redirected(block.end, (to) => (to === header ? begin : to)) });
  }
  for (let turn = 0; turn < copies; turn++) {
    const again = turn + 1 < copies ? firstOf(header, turn + 1) : (gate ?? admission);
    const first = (to: number): number => (to === header ? again : members.has(to) ? firstOf(to, turn) : to);
    for (const pc of members) {
      const block = blocks.get(pc) as Block;
      blocks.set(firstOf(pc, turn), { ...block, start: firstOf(pc, turn), end: redirected(block.end, first) });
    }
  }
  const first = firstOf(header, 0);
  blocks.set(begin, { start: begin, address, ops: [], end: { kind: 'begin', first: gate ?? first, admission } });
  if (gate !== undefined) blocks.set(gate, { start: gate, address, ops: [], end: { kind: 'gate', steady: first, admission } });
}
