import { expectedCallees } from './callees.ts';
import { type Block, instructionsOf, pagesOf, type Region, switches } from './region.ts';

/** Consecutive code of a region: its halfwords from an address on. */
export interface Span {
  readonly start: number;
  readonly halves: Uint16Array;
}

/** What must be the same in a space for a region's translation to be right there, and what is needed to put it in place. */
export interface Shape {
  readonly entries: readonly number[];
  /** See {@link Region.hot}. */
  readonly hot: ReadonlySet<number> | undefined;
  readonly spans: readonly Span[];
  /** Code of other functions that it has copies of. */
  readonly copied: readonly Span[];
  /** Of both. */
  readonly pages: readonly number[];
  readonly instructions: number;
  /** By call, the functions that it was seen to call: see callees.ts. */
  readonly callees: ReadonlyMap<number, readonly number[]>;
  /** How often it was made anew. */
  readonly generation: number;
  /** Whether it jumps to addresses known only at run time, as a switch or an interpreter does. */
  readonly switches: boolean;
  /** Whether a region that has more of the same code replaced it somewhere. */
  superseded: boolean;
}

/** The shape of a translated region. */
export function shapeOf(region: Region, generation: number): Shape {
  const { blocks, entries, copied } = region;
  const own = [...blocks.values()].filter(({ start, address }) => start === address);
  const hot = region.hot && new Set(own.flatMap(({ start }) => (region.hot?.has(start) ? [start] : [])));
  return {
    entries,
    hot,
    spans: spansOf(own),
    copied: spansOf(copied),
    pages: pagesOf([...own, ...copied]),
    instructions: instructionsOf(own),
    callees: expectedCallees(region),
    generation,
    switches: switches(region),
    superseded: false,
  };
}

/** `blocks`: by ascending address. They may share bytes, where one begins within an instruction of another. */
function spansOf(blocks: Iterable<Block>): readonly Span[] {
  const spans: Span[] = [];
  let halves: number[] = [];
  let start = -1;
  let end = -1;
  for (const { ops } of blocks) {
    for (const { pc, raw, length } of ops) {
      if (pc > end) {
        if (halves.length > 0) spans.push({ start, halves: Uint16Array.from(halves) });
        halves = [];
        start = pc;
        end = pc;
      }
      if (end === pc) {
        halves.push(raw & 0xffff);
        end += 2;
      }
      if (length === 4 && end === pc + 2) {
        halves.push(raw >>> 16);
        end += 2;
      }
    }
  }
  if (halves.length > 0) spans.push({ start, halves: Uint16Array.from(halves) });
  return spans;
}
