import { describe, expect, it } from 'vitest';
import * as Word from '../differential/words.ts';
import { type Inlining, inlineCalls } from './inlining.ts';
import { type Block, exploreRegion, type Region } from './region.ts';

const START = 0x1_0000;
/** Where the function is that is called. */
const CALLED = START + 0x100;
const [RA, SP, A0, A1] = [1, 2, 10, 11] as const;
const RET = Word.jalr(0, RA, 0);
const OFTEN: Inlining = { most: 24, regionMost: 1500, isOften: () => true };

interface Program {
  readonly caller: readonly number[];
  readonly called: readonly number[];
  /** Addresses of the function's code that was never reached. */
  readonly cold?: readonly number[];
}

function inlined({ caller, called, cold = [] }: Program, how = OFTEN): Region {
  const words = new Map([...caller.entries()].map(([i, word]) => [START + 4 * i, word]));
  for (const [i, word] of called.entries()) words.set(CALLED + 4 * i, word);
  const half = (pc: number): number => {
    const word = words.get(pc & ~3);
    return word === undefined ? -1 : (word >>> ((pc & 2) * 8)) & 0xffff;
  };
  const view = { half, taken: () => false, reached: (pc: number) => !cold.includes(pc) };
  return inlineCalls(exploreRegion(view, [START]) as Region, view, how);
}

const copies = ({ blocks }: Region): Block[] => [...blocks.values()].filter(({ start, address }) => start !== address);
/** The region's blocks that end as `kind`. */
const ending = <K extends Block['end']['kind']>(region: Region, kind: K): (Block['end'] & { kind: K })[] =>
  [...region.blocks.values()].flatMap(({ end }) => (end.kind === kind ? [end as Block['end'] & { kind: K }] : []));

/** Calls the function once, and returns to somewhere in memory. */
const caller = [Word.jal(RA, CALLED - START), Word.addi(A0, A0, 1), Word.ld(RA, SP, 0), RET];
const leaf = [Word.addi(A0, A0, 2), Word.bnez(A1, 8), Word.addi(A0, A0, 4), RET];
const framed = [Word.addi(SP, SP, -16), Word.sd(RA, SP, 8), Word.ld(RA, SP, 8), Word.addi(SP, SP, 16), RET];

describe('inlining', () => {
  it('goes on with a copy where a small function is called, and behind the call where that returns', () => {
    const region = inlined({ caller, called: leaf });
    expect(copies(region).map(({ address, ops }) => [address - CALLED, ops.length])).toEqual([
      [0, 2],
      [8, 1],
      [12, 1],
    ]);
    expect(ending(region, 'call')).toEqual([]);
    const first = copies(region)[0] as Block;
    expect(region.blocks.get(START)?.end).toEqual({ kind: 'go', to: first.start });
    expect(copies(region)[2]?.end).toEqual({ kind: 'go', to: START + 4 });
    expect(region.copied.map(({ start }) => start)).toEqual([CALLED, CALLED + 8, CALLED + 12]);
  });

  it('keeps its keys between the call and what is behind it, in order', () => {
    const keys = [...inlined({ caller, called: leaf }).blocks.keys()];
    expect(keys).toEqual([...keys].sort((a, b) => a - b));
    expect(keys.filter((key) => key > START && key < START + 2)).toHaveLength(3);
  });

  it('looks at the address that a function returns to if it wrote ra', () => {
    const region = inlined({ caller, called: framed });
    expect(ending(region, 'back')).toEqual([{ kind: 'back', next: START + 4 }]);
  });

  it('leaves calls of the function calls, which come back to the copy', () => {
    const called = [...framed.slice(0, 2), Word.jal(RA, 0x100), ...framed.slice(2)];
    const region = inlined({ caller, called });
    const [call] = ending(region, 'call');
    expect(call?.to).toBe(CALLED + 0x108);
    expect(region.blocks.get(call?.next as number)?.address).toBe(CALLED + 12);
  });

  it('calls the rest of the function where that was never reached', () => {
    const region = inlined({ caller, called: leaf, cold: [CALLED + 8] });
    expect(ending(region, 'rest')).toEqual([{ kind: 'rest', to: CALLED + 8, next: START + 4 }]);
    expect(copies(region).map(({ address, ops }) => [address - CALLED, ops.length])).toEqual([
      [0, 2],
      [12, 1],
      [8, 0],
    ]);
  });

  it.each([
    ['is large', [...Array.from({ length: 24 }, () => Word.addi(A0, A0, 1)), RET], 'call'],
    ['is just as large as may be', [...Array.from({ length: 23 }, () => Word.addi(A0, A0, 1)), RET], 'go'],
    ['never returns', [Word.addi(A0, A0, 1), Word.jal(0, -4)], 'call'],
    ['goes on by a jump to anywhere', [Word.jalr(0, A0, 0)], 'call'],
    ['returns behind where it was called', [Word.jalr(0, RA, 4)], 'call'],
    ['is not there', [], 'call'],
  ] as const)('of a function that %s', (_, called, kind) => {
    expect(inlined({ caller, called }).blocks.get(START)?.end.kind).toBe(kind);
  });

  it('is for functions that are called often, or in a loop', () => {
    const seldom = { most: 24, regionMost: 1500, isOften: () => false };
    expect(inlined({ caller, called: leaf }, seldom).copied).toEqual([]);
    const loop = [Word.addi(A1, A1, -1), Word.jal(RA, CALLED - START - 4), Word.bnez(A1, -8), Word.ld(RA, SP, 0), RET];
    expect(inlined({ caller: loop, called: leaf }, seldom).copied).toHaveLength(3);
  });

  it('is not for calls that link elsewhere', () => {
    const called = [Word.addi(A0, A0, 1), RET];
    expect(inlined({ caller: [Word.jal(5, CALLED - START), Word.addi(A0, A0, 1), RET], called }).copied).toEqual([]);
  });
});
