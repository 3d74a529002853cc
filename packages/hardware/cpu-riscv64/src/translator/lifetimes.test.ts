import { describe, expect, it } from 'vitest';
import * as Word from '../differential/words.ts';
import { structure } from './flow.ts';
import { type Lifetimes, lifetimes } from './lifetimes.ts';
import { type Block, exploreRegion, type Region, returns } from './region.ts';

const START = 0x1_0000;
const [RA, S0, A0, A1, A2] = [1, 8, 10, 11, 12] as const;
const RET = Word.jalr(0, RA, 0);

/** The region of these instructions, and its lifetimes as the writer asks for them. */
function of(...words: readonly number[]): { region: Region; found: Lifetimes } {
  const halves = new Uint16Array(Uint32Array.from(words).buffer);
  const region = exploreRegion({ half: (pc) => halves[(pc - START) / 2] ?? -1, taken: () => false, reached: () => true }, [
    START,
  ]) as Region;
  const flow = structure(region);
  return { region, found: lifetimes(region, flow, new Set([...flow.selected.keys(), ...flow.headers, ...returns(region)])) };
}

const set = (...registers: number[]): number => registers.reduce((bits, r) => bits | (1 << r), 0);
const last = ({ blocks }: Region): Block => [...blocks.values()].at(-1) as Block;

describe('lifetimes', () => {
  it('load what is read before it is written, and write back what was written', () => {
    const { found } = of(Word.add(A0, A0, A1), Word.addi(A2, A0, 1), RET);
    expect(found.dirty.get(START)).toEqual({ x: set(A0, A2), f: 0 });
    // Its way out for want of fuel writes back what the block writes, so that is loaded too.
    expect(found.needed.get(START)).toEqual({ x: set(RA, A0, A1, A2), f: 0 });
    expect(found.exitKinds).toEqual([{ x: set(A0, A2), f: 0 }]);
  });

  it('keep what is dirty valid until it is written back', () => {
    // s0 is written before the loop and not read in it: the loop's ways out write it back.
    const { region, found } = of(Word.addi(S0, 0, 1), Word.ld(A0, A1, 0), Word.bnez(A0, -4), RET);
    const loop = START + 4;
    expect(region.entries).toContain(loop);
    expect(found.needed.get(loop)?.x).toBe(set(RA, S0, A0, A1));
    expect(found.exitKinds[found.exitKind.get(loop) as number]?.x).toBe(set(S0, A0));
  });

  it('begin anew where a call comes back', () => {
    const { region, found } = of(Word.addi(S0, 0, 1), Word.jal(RA, 0x100), Word.add(A0, A0, A1), RET);
    expect(found.dirty.get(START)?.x).toBe(set(RA, S0));
    const back = last(region);
    expect(back.start).toBe(START + 8);
    expect(found.dirty.get(back.start)?.x).toBe(set(A0));
    expect(found.needed.get(back.start)?.x).toBe(set(RA, A0, A1));
  });

  it('merge kinds of exits past a limit, and load what the merged ones write back', () => {
    // Every block writes another register and may be left at its load.
    const words: number[] = [];
    for (let r = 5; r < 30; r++) words.push(Word.addi(r, 0, r), Word.ld(r, r, 0), Word.beqz(r, 4));
    const { region, found } = of(...words, RET);
    expect(region.blocks.size).toBeGreaterThan(20);
    expect(found.exitKinds.length).toBeLessThanOrEqual(16);
    for (const [pc, kind] of found.exitKind) {
      const written = found.exitKinds[kind] as { x: number };
      expect((found.needed.get(pc)?.x ?? 0) & written.x).toBe(written.x);
    }
  });
});
