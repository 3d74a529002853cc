import { describe, expect, it } from 'vitest';
import * as Word from '../differential/words.ts';
import { type Flow, type Item, structure } from './flow.ts';
import { exploreRegion, type Region } from './region.ts';

const START = 0x1_0000;
const [A0, A1, A2, A3, A4] = [10, 11, 12, 13, 14] as const;

/** `seeds`: where the region was found, as distances from the start. */
function flowOf(words: readonly number[], seeds: readonly number[] = [0]): { region: Region; flow: Flow } {
  const halves = new Uint16Array(Uint32Array.from(words).buffer);
  const view = { half: (pc: number) => halves[(pc - START) / 2] ?? -1, taken: () => false, reached: () => true };
  const region = exploreRegion(
    view,
    seeds.map((at) => START + at),
  ) as Region;
  return { region, flow: structure(region) };
}

/** The headers of loops, outer ones first, as distances from the start. */
const headersOf = (items: readonly Item[]): number[] =>
  items.flatMap(({ block, body }) => (body === undefined ? [] : [block - START, ...headersOf(body)]));

describe('the flow of a region', () => {
  it('has a loop begin where the header of the one around it leads, whatever is at lower addresses', () => {
    const { region, flow } = flowOf([
      Word.lbu(A2, A0, 0),
      Word.bnez(A4, 12),
      Word.jal(0, 16),
      Word.addi(A4, A4, -1),
      Word.andi(A3, A4, 1),
      Word.beqz(A3, -8),
      Word.addi(A1, A1, -1),
      Word.bnez(A1, -28),
      Word.ECALL,
    ]);
    expect(region.entries).toContain(START + 12);
    expect(headersOf(flow.items)).toEqual([0, 16]);
    // So that way needs no dispatch: only those from without do.
    expect([...flow.selected.keys()]).toEqual(region.entries);
  });

  it('has a loop that is found in its middle begin where no other loop is left around it', () => {
    // Two ways back lead to the load at 8, one by way of the count at 0, which is at the lowest address, and one behind an inner loop.
    const { flow } = flowOf(
      [
        Word.addi(A1, A1, -1),
        Word.beqz(A1, 32),
        Word.lbu(A2, A0, 0),
        Word.bnez(A2, -12),
        Word.addi(A3, A3, -1),
        Word.bnez(A3, -4),
        Word.addi(A1, A1, -1),
        Word.beqz(A1, 8),
        Word.bnez(A1, -24),
        Word.ECALL,
      ],
      [8],
    );
    expect(headersOf(flow.items)).toEqual([8, 16]);
  });

  it('leaves an innermost loop one when it is found in the middle of those around it', () => {
    const { flow } = flowOf(
      [
        Word.addi(A3, A0, 0),
        Word.addi(A2, A3, 0),
        Word.addi(A1, A1, -1),
        Word.bnez(A1, -4),
        Word.bnez(A2, -12),
        Word.bnez(A3, -20),
        Word.ECALL,
      ],
      [8],
    );
    expect(headersOf(flow.items)).toEqual([4, 8]);
  });

  it('leads ways into the middle of a loop through its header', () => {
    const { region, flow } = flowOf([Word.beqz(A0, 8), Word.addi(A1, A1, 1), Word.addi(A2, A2, 1), Word.bnez(A2, -8), Word.ECALL]);
    expect(headersOf(flow.items)).toEqual([4]);
    expect([...flow.selected.keys()]).toEqual([...region.entries, START + 8]);
  });
});
