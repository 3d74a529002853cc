import { describe, expect, it } from 'vitest';
import * as Word from '../differential/words.ts';
import { expectCallees, expectedCallees } from './callees.ts';
import { inlineCalls } from './inlining.ts';
import { type Block, exploreRegion, type Region, redirected, successors } from './region.ts';

const START = 0x1_0000;
const CALLED = [START + 0x100, START + 0x200, START + 0x300] as const;
const [RA, A0, A1, A2] = [1, 10, 11, 12] as const;
const RET = Word.jalr(0, RA, 0);

interface Code {
  readonly region: Region;
  readonly half: (pc: number) => number;
}

/** A caller, and functions at {@link CALLED}, which add 1, 2 and 3. */
function codeOf(caller: readonly number[], seeds: readonly number[] = [0]): Code {
  const words = new Map([...caller.entries()].map(([i, word]) => [START + 4 * i, word]));
  for (const [i, at] of CALLED.entries()) words.set(at, Word.addi(A0, A0, i + 1)).set(at + 4, RET);
  const half = (pc: number): number => {
    const word = words.get(pc & ~3);
    return word === undefined ? -1 : (word >>> ((pc & 2) * 8)) & 0xffff;
  };
  const region = exploreRegion(
    { half, taken: () => false, reached: () => true },
    seeds.map((i) => START + 4 * i),
  );
  return { region: region as Region, half };
}

const expecting = ({ region }: Code, callees: readonly number[]): Region => expectCallees(region, { calleesOf: () => callees });

/** Where the blocks after one lead in the end, by what is in the register, as addresses. */
function called({ blocks }: Region, from: number, register: number): string {
  const block = blocks.get(from) as Block;
  const { end } = block;
  if (end.kind === 'go') return called({ blocks } as Region, end.to, register);
  if (end.kind === 'expect') return called({ blocks } as Region, register === end.callee ? end.likely : end.next, register);
  return end.kind === 'call' ? `call ${end.to.toString(16)}` : end.kind;
}

/** Calls what a2 holds, as a block of its own if a branch leads to it, and adds 1 behind it. */
const LOOP = [Word.addi(A1, A1, -1), Word.jalr(RA, A2, 0), Word.addi(A0, A0, 1), Word.bnez(A1, -12), Word.ECALL];
const ALONE = [Word.beqz(A1, 8), Word.addi(A1, A1, -1), Word.jalr(RA, A2, 0), Word.bnez(A1, -4), Word.ECALL];

describe('expected callees', () => {
  it.each([
    ['behind other instructions', LOOP],
    ['in a block of its own', ALONE],
  ])('are called as if the code said so, and others as before, %s', (_name, program) => {
    const code = codeOf(program);
    for (const callees of [CALLED.slice(0, 1), CALLED.slice(0, 2), CALLED]) {
      const region = expecting(code, callees);
      for (const callee of CALLED) {
        const direct = `call ${callee.toString(16)}`;
        expect(called(region, [...region.blocks.keys()].find((pc) => region.blocks.get(pc)?.end.kind === 'expect') as number, callee)).toBe(
          callees.includes(callee) ? direct : 'callIndirect',
        );
      }
      expect([...expectedCallees(region).values()].map((all) => all.toSorted())).toEqual([callees]);
    }
  });

  it('are each reached from wherever the call was, but for entries', () => {
    const code = codeOf(ALONE, [0, 2]);
    const call = START + 8;
    const before = [...code.region.blocks.values()].filter((block) => successors(code.region, block).includes(call));
    expect(before).toHaveLength(3);
    const region = expecting(code, CALLED);
    for (const { start } of before) {
      const [to] = successors(region, region.blocks.get(start) as Block).filter((pc) => region.blocks.get(pc)?.address === call);
      expect(region.blocks.get(to as number)?.end.kind).toBe('expect');
    }
    expect(region.entries).toContain(call);
    expect(region.blocks.get(call)).toEqual(code.region.blocks.get(call));
  });

  it('execute the same instructions', () => {
    for (const program of [LOOP, ALONE]) {
      const code = codeOf(program);
      const { blocks } = expecting(code, CALLED);
      const instructions = (all: Region['blocks']): number[] =>
        [...new Set([...all.values()].flatMap(({ ops }) => ops.map(({ pc }) => pc)))].sort((a, b) => a - b);
      expect(instructions(blocks)).toEqual(instructions(code.region.blocks));
      for (const { end, ops } of blocks.values()) if (end.kind === 'call') expect(ops.map(({ pc }) => pc)).toHaveLength(1);
    }
  });

  it('are copied each to a place of its own', () => {
    const code = codeOf(LOOP);
    const view = { half: code.half, reached: () => true };
    const region = inlineCalls(expecting(code, CALLED), view, { most: 24, regionMost: 1500, isOften: () => true });
    const copies = [...region.blocks.values()].filter(({ ops }) => ops.some(({ pc }) => (CALLED as readonly number[]).includes(pc)));
    expect(copies.map(({ address: at }) => at).sort()).toEqual(CALLED);
    for (const { address: at, end } of copies) expect([at, end]).toEqual([at, { kind: 'go', to: START + 8 }]);
  });

  it.each([
    ['register is written by the call', Word.jalr(RA, RA, 0)],
    ['address is beside the register', Word.jalr(RA, A2, 4)],
    ['link is another', Word.jalr(5, A2, 0)],
  ])('are none where the %s', (_name, call) => {
    const code = codeOf([Word.addi(A1, A1, -1), call, Word.ECALL]);
    expect(expecting(code, CALLED)).toBe(code.region);
  });

  it('lead elsewhere as other blocks do', () => {
    const end = { kind: 'expect', register: A2, callee: CALLED[0], likely: START, next: START + 4 } as const;
    expect(redirected(end, (to) => to + 1)).toEqual({ ...end, likely: START + 1, next: START + 5 });
  });

  it('are none where none was seen', () => {
    const code = codeOf(LOOP);
    expect(expecting(code, [])).toBe(code.region);
  });
});
