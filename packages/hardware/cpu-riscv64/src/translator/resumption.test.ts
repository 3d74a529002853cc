import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { A0, A1, A3, addressesAfter, jumbledRegion, regionOf, START } from '../differential/jumbled-region.ts';
import * as Word from '../differential/words.ts';
import { structure } from './flow.ts';
import { type Block, REGION_INSTRUCTIONS_MAX, type Region, successors } from './region.ts';
import { setEntriesApart } from './resumption.ts';

/** An outer loop, with so many instructions behind the inner one. */
const nest = (more: number): readonly number[] => [
  Word.addi(A3, A0, 0),
  Word.addi(A1, A1, -1),
  Word.bnez(A1, -4),
  ...Array.from({ length: more }, () => Word.addi(A0, A0, 1)),
  Word.bnez(A3, -12 - more * 4),
  Word.ECALL,
];

/** Keys of the loops' blocks that are entered past the header, loops in loops left aside. */
function enteredInside(region: Region): readonly number[] {
  const loops = structure(region).items.filter(({ body }) => body !== undefined);
  return loops.flatMap(({ block, members }) =>
    region.entries.some((pc) => pc !== block && members.has(pc)) ? [...members].filter((pc) => pc >= 2 ** 32) : [],
  );
}

describe('entries in the middle of loops', () => {
  it('are set apart from the turns that come from the header', () => {
    const region = regionOf(nest(2));
    expect(region.entries).toEqual([START, START + 4]);
    const whole = structure(region).items[0];
    expect([whole?.block, whole?.members.has(START + 4)]).toEqual([START, true]);

    const apart = setEntriesApart(region);
    expect(apart.entries).toEqual(region.entries);
    const [loop] = structure(apart).items.filter(({ block }) => block === START);
    expect([...(loop?.members ?? [])].filter((pc) => pc < 2 ** 32)).toEqual([START]);
    expect(loop?.members.size).toBe(3);
    // What is entered goes on at the header.
    const behind = apart.blocks.get(START + 12) as Block;
    expect(successors(apart, behind)).toContain(START);
  });

  it('stay where they are if it would be too much code', () => {
    const region = regionOf(nest(REGION_INSTRUCTIONS_MAX / 2));
    expect(structure(region).items).toHaveLength(2);
    expect(setEntriesApart(region)).toBe(region);
  });

  it('are none where loops are entered at their headers', () => {
    const region = regionOf([Word.addi(A1, A1, -1), Word.bnez(A1, -4), Word.ECALL]);
    expect(setEntriesApart(region)).toBe(region);
  });

  it('lead where they led before, and no loop of copies has one in its middle', () => {
    fc.assert(
      fc.property(jumbledRegion, (region) => {
        const apart = setEntriesApart(region);
        expect(apart.entries).toEqual(region.entries);
        for (const block of apart.blocks.values()) {
          const before = region.blocks.get(block.address) as Block;
          expect(block.ops).toBe(before.ops);
          expect(addressesAfter(apart, block)).toEqual(addressesAfter(region, before));
        }
        expect(enteredInside(apart)).toEqual([]);
      }),
    );
  });
});
