import { describe, expect, it } from 'vitest';
import * as Word from '../differential/words.ts';
import { structure } from './flow.ts';
import { planGuards } from './guards.ts';
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
  return {
    region,
    found: lifetimes(region, flow, new Set([...flow.selected.keys(), ...flow.headers, ...returns(region)]), planGuards(region, flow)),
  };
}

const set = (...registers: number[]): number => registers.reduce((bits, r) => bits | (1 << r), 0);
const last = ({ blocks }: Region): Block => [...blocks.values()].at(-1) as Block;

describe('lifetimes', () => {
  it('load what is read before it is written, and store what is written', () => {
    const { found } = of(Word.add(A0, A0, A1), Word.addi(A2, A0, 1), RET);
    expect(found.needed.get(START)).toEqual({ x: set(RA, A0, A1), f: 0 });
    expect(found.stored.get(START)).toEqual(new Set([0, 1]));
    expect(found.dirty.get(START)).toEqual({ x: 0, f: 0 });
    expect(found.exitKinds).toEqual([{ x: 0, f: 0 }]);
  });

  it('do not store what is written again before anyone may look', () => {
    const { found } = of(Word.addi(A0, 0, 1), Word.addi(A0, A0, 1), Word.ld(A1, A2, 0), Word.addi(A0, A0, 1), RET);
    // The load may be left to the interpreter, and that sees all registers.
    expect(found.stored.get(START)).toEqual(new Set([1, 2, 3]));
    expect(found.exitKind.get(START)).toBe(0);
  });

  it('look into the blocks that follow', () => {
    // a0 is written on both ways, on one after a load.
    const { region, found } = of(Word.addi(A0, 0, 1), Word.beqz(A1, 12), Word.addi(A0, 0, 2), RET, Word.addi(A0, 0, 3), RET);
    expect(region.blocks.size).toBe(3);
    expect(found.stored.get(START)).toEqual(new Set());
    const other = of(Word.addi(A0, 0, 1), Word.beqz(A1, 12), Word.addi(A0, 0, 2), RET, Word.ld(A0, A1, 0), RET);
    expect(other.found.stored.get(START)).toEqual(new Set([0]));
  });

  it('keep in locals what a small loop writes for its next round until it is left', () => {
    const { region, found } = of(Word.addi(S0, 0, 1), Word.ld(A2, A1, 0), Word.add(A0, A0, A2), Word.bnez(A2, -8), RET);
    const [loop, after] = [START + 4, START + 16];
    expect(region.entries).toContain(loop);
    expect(found.stored.get(START)).toEqual(new Set([0]));
    // a2 is loaded anew in each round: it would be kept for the ways out alone.
    expect(found.stored.get(loop)).toEqual(new Set([0]));
    expect(found.deferred.get(loop)?.x).toBe(set(A0));
    expect(found.exitKinds[found.exitKind.get(loop) as number]?.x).toBe(set(A0));
    expect(found.needed.get(loop)?.x).toBe(set(RA, A0, A1));
    expect(found.dirty.get(loop)?.x).toBe(set(A0));
    expect(found.deferred.get(after)?.x).toBe(0);
  });

  it('tell what is read from what is merely written back', () => {
    // a0 is written before it is read in both loops, and carried in neither; a2 is carried in the second.
    const { found } = of(Word.ld(A2, A1, 0), Word.add(A0, A2, A2), Word.bnez(A0, -8), Word.add(A2, A2, A0), Word.bnez(A2, -4), RET);
    expect(found.read.get(START)?.x).toBe(set(RA, A1));
    expect(found.read.get(START + 12)?.x).toBe(set(RA, A0, A2));
  });

  it('store everything in a loop with many ways out', () => {
    const loads = [5, 6, 7, 28, 29, 30, 31, 12].map((r) => Word.ld(r, r, 0));
    const { found } = of(...loads, Word.bnez(A0, -4 * loads.length), RET);
    expect(found.stored.get(START)?.size).toBe(loads.length);
    expect(found.exitKinds).toEqual([{ x: 0, f: 0 }]);
  });

  it('begin anew where a call comes back', () => {
    const { region, found } = of(Word.addi(S0, 0, 1), Word.jal(RA, 0x100), Word.add(A0, A0, A1), RET);
    expect(found.stored.get(START)).toEqual(new Set([0, 1]));
    const back = last(region);
    expect(back.start).toBe(START + 8);
    expect(found.needed.get(back.start)?.x).toBe(set(RA, A0, A1));
  });

  it('merge kinds of exits past a limit, and load what the merged ones write back', () => {
    // Every loop writes another register and may be left at its load.
    const words: number[] = [];
    for (let r = 5; r < 30; r++) words.push(Word.ld(r, r, 0), Word.bnez(r, -4));
    const { region, found } = of(...words, RET);
    expect(region.blocks.size).toBeGreaterThan(20);
    expect(found.exitKinds.length).toBeLessThanOrEqual(16);
    for (const [pc, kind] of found.exitKind) {
      const written = found.exitKinds[kind] as { x: number };
      expect((found.needed.get(pc)?.x ?? 0) & written.x).toBe(written.x);
    }
  });
});
