import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { A0, A1, A3, addressesAfter, jumbledRegion, regionOf, START } from '../differential/jumbled-region.ts';
import * as Word from '../differential/words.ts';
import { planRegion } from './blueprint.ts';
import { innermost, structure } from './flow.ts';
import { type Block, type Region, successors } from './region.ts';
import { beginsLarger, separateLoops } from './separation.ts';

const separated = (region: Region, isWorth = (): boolean => true): Region => separateLoops(region, structure(region).items, isWorth);

/** Goes up while A0 is not 0, then down, and begins again. */
const scan = [Word.ld(A0, A1, 0), Word.addi(A1, A1, 8), Word.bnez(A0, -8), Word.addi(A3, A3, -1), Word.bnez(A3, -16), Word.ECALL];

/** Goes up, and where A0 is 0 comes to a loop that A3 counts. */
const walk = [
  ...[Word.ld(A0, A1, 0), Word.addi(A1, A1, 8), Word.branch(0, A0, 0, 12)],
  ...[Word.addi(A3, A3, 1), Word.bnez(A1, -16)],
  ...[Word.addi(A3, A3, -1), Word.bnez(A3, -4)],
  ...[Word.bnez(A1, -28), Word.ECALL],
];

describe('loops that begin with a smaller one', () => {
  it('get a header of their own, and the smaller one is an innermost loop', () => {
    const region = regionOf(scan);
    expect([...innermost(structure(region).items)].map(({ members }) => members.size)).toEqual([2]);

    const apart = separated(region);
    const [inner] = [...innermost(structure(apart).items)];
    expect(inner?.members.size).toBe(1);
    expect(beginsLarger(inner?.block as number)).toBe(true);
    expect(apart.blocks.get(inner?.block as number)).toMatchObject({ address: START, ops: region.blocks.get(START)?.ops });
    expect(apart.blocks.get(START)).toMatchObject({ ops: [], end: { kind: 'go', to: inner?.block } });
  });

  it('look at the fuel where the smaller one begins', () => {
    const { region, checkpoints, longest, versions } = planRegion(regionOf(scan), false);
    const inner = [...region.blocks.keys()].find(beginsLarger) as number;
    expect(checkpoints.has(inner)).toBe(true);
    expect([longest.get(START), longest.get(inner)]).toEqual([0, 6]);
    expect(versions).toEqual([]);
  });

  it('are those that go on with their next turn before they come to a loop, if that is worth it', () => {
    const region = regionOf(walk);
    const sizes = (of: Region): number[] => [...innermost(structure(of).items)].map(({ members }) => members.size);
    expect(sizes(region)).toEqual([1]);
    expect(separated(region, () => false)).toBe(region);
    expect(sizes(separated(region)).sort()).toEqual([1, 2]);

    const { versions } = planRegion(region, false);
    const version = versions.find(({ header }) => beginsLarger(header));
    expect([...(version?.members ?? [])].map((pc) => separated(region).blocks.get(pc)?.address)).toEqual([START + 12, START]);
    expect(version?.reaches).toMatchObject([{ terms: [{ register: A1, times: 1 }], low: 0, high: 7, stride: 8 }]);
  });

  it('are none where a loop is all there is', () => {
    const region = regionOf([Word.addi(A1, A1, -1), Word.bnez(A1, -4), Word.ECALL]);
    expect(separated(region)).toBe(region);
  });

  it('lead where they led before, and no block that leads to itself begins a larger loop', () => {
    fc.assert(
      fc.property(jumbledRegion, (region) => {
        const apart = separated(region);
        expect(apart.entries).toEqual(region.entries);
        for (const block of apart.blocks.values()) {
          const before = region.blocks.get(block.address) as Block;
          if (block.ops.length === 0) expect(addressesAfter(apart, block)).toEqual([block.address]);
          else expect([block.ops, addressesAfter(apart, block)]).toEqual([before.ops, addressesAfter(region, before)]);
        }
        for (const { block, members } of structure(apart).items) {
          if (members.size > 1) expect(successors(apart, apart.blocks.get(block) as Block)).not.toContain(block);
        }
      }),
    );
  });
});
