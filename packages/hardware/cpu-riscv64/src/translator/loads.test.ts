import { describe, expect, it } from 'vitest';
import * as Word from '../differential/words.ts';
import { structure } from './flow.ts';
import { planGuards } from './guards.ts';
import { lifetimes } from './lifetimes.ts';
import { type Loads, placeLoads } from './loads.ts';
import { exploreRegion, type Region, returns } from './region.ts';
import { planWords } from './words.ts';

const START = 0x1_0000;
const [RA, SP, A0, A1, A2, A3] = [1, 2, 10, 11, 12, 13] as const;
const RET = Word.jalr(0, RA, 0);

/** Where the region of these instructions, entered at its beginning, loads registers. */
function loadsOf(...words: readonly number[]): Loads {
  const halves = new Uint16Array(Uint32Array.from(words).buffer);
  const region = exploreRegion({ half: (pc) => halves[(pc - START) / 2] ?? -1, taken: () => false, reached: () => true }, [
    START,
  ]) as Region;
  const flow = structure(region);
  const plans = planGuards(region, flow);
  const lives = lifetimes(region, flow, new Set([...flow.selected.keys(), ...flow.headers, ...returns(region)]), plans);
  return placeLoads(region, flow, lives, plans.kept, planWords(region, flow, lives.read));
}

const set = (...registers: number[]): number => registers.reduce((bits, r) => bits | (1 << r), 0);
const x = (of: ReadonlyMap<number, { x: number }>, block: number): number => of.get(START + block)?.x ?? 0;

describe('loads', () => {
  it('are in the block that first reads a register', () => {
    const loads = loadsOf(Word.beqz(A0, 12), Word.addi(A0, A1, 1), RET, Word.add(A0, A0, A2), RET);
    expect(x(loads.own, 0)).toBe(set(A0));
    expect(x(loads.own, 4)).toBe(set(RA, A1));
    // a0 came along.
    expect(x(loads.own, 12)).toBe(set(RA, A2));
    expect(x(loads.valid, 12)).toBe(set(A0));
  });

  it('are in front of a loop, not in it', () => {
    const loads = loadsOf(Word.addi(A0, 0, 9), Word.add(A1, A1, A2), Word.addi(A0, A0, -1), Word.bnez(A0, -8), RET);
    expect(x(loads.valid, 4)).toBe(set(A0, A1, A2));
    expect(x(loads.own, 4)).toBe(0);
    // The way in brings a0 only, and has the rest to load.
    expect(x(loads.left, 0)).toBe(set(A0));
    expect(x(loads.own, 16)).toBe(set(RA));
  });

  it('are made on the way back from a call for those that come without one', () => {
    // a1 and a2 are read behind a call that is made on one way only.
    const words = [Word.add(A1, A1, A2), Word.beqz(A0, 8), Word.jal(RA, 0x100), Word.add(A1, A1, A2), RET];
    const loads = loadsOf(...words);
    expect(x(loads.left, 8)).toBe(0);
    expect(x(loads.valid, 12)).toBe(set(A1, A2));
    expect(x(loads.own, 12)).toBe(set(RA));
  });

  it('begin anew behind a call, but for the stack pointer where it was compared', () => {
    const loads = loadsOf(Word.sd(A0, SP, 0), Word.jal(RA, 0x100), Word.ld(A1, SP, 0), Word.add(A0, A1, A3), RET);
    expect(x(loads.left, 0)).toBe(set(SP));
    expect(x(loads.valid, 8)).toBe(set(SP));
    expect(x(loads.own, 8)).toBe(set(RA, A3));
  });

  it('are the same for all entries where a jump may lead to any', () => {
    // The second is a loop that needs a1; the jump in front of it may lead back to it.
    const loads = loadsOf(Word.add(A2, A2, A2), Word.add(A0, A0, A1), Word.bnez(A0, -4), Word.jalr(0, A2, 0));
    expect(x(loads.valid, 4)).toBe(set(A0, A1, A2));
    expect(loads.dispatched.x & set(A0, A1, A2)).toBe(set(A0, A1, A2));
  });
});
