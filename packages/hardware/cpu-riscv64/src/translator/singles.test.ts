import { describe, expect, it } from 'vitest';
import * as Word from '../differential/words.ts';
import { structure } from './flow.ts';
import { planGuards } from './guards.ts';
import { lifetimes } from './lifetimes.ts';
import { exploreRegion, type Region, returns } from './region.ts';
import { flowOfSingles, type Singles, type SinglesFlow } from './singles.ts';

const START = 0x1_0000;
const [RA, A0, A1] = [1, 10, 11] as const;
const RET = Word.jalr(0, RA, 0);
const flw = (rd: number): number => ((A1 << 15) | (2 << 12) | (rd << 7) | 0x07) >>> 0;
const fsw = (rs2: number): number => ((rs2 << 20) | (A1 << 15) | (2 << 12) | 0x27) >>> 0;
const faddS = (rd: number, rs1: number, rs2: number): number => ((rs2 << 20) | (rs1 << 15) | (7 << 12) | (rd << 7) | 0x53) >>> 0;
const faddD = (rd: number, rs1: number, rs2: number): number => (faddS(rd, rs1, rs2) | (1 << 25)) >>> 0;

/** What is known as a single in the region of these instructions. */
function of(...words: readonly number[]): SinglesFlow {
  const halves = new Uint16Array(Uint32Array.from(words).buffer);
  const view = { half: (pc: number) => halves[(pc - START) / 2] ?? -1, taken: () => false, reached: () => true };
  const region = exploreRegion(view, [START]) as Region;
  const flow = structure(region);
  const checkpoints = new Set([...flow.selected.keys(), ...flow.headers, ...returns(region)]);
  const { needed } = lifetimes(region, flow, checkpoints, planGuards(region, flow));
  return flowOfSingles(region, flow.order, needed);
}

const set = (...registers: number[]): number => registers.reduce((bits, r) => bits | (1 << r), 0);
const at = ({ start }: SinglesFlow, word: number): Singles => start.get(START + word * 4) as Singles;

describe('singles', () => {
  it('are of the registers that are read as such', () => {
    expect(of(faddS(1, 2, 3), faddD(4, 5, 6), fsw(7), RET).read).toBe(set(2, 3, 7));
    expect(of(faddD(4, 5, 6), RET).read).toBe(0);
  });

  it('are values where the region is entered, and boxed behind what writes singles', () => {
    const found = of(flw(1), Word.beqz(A0, 8), faddS(2, 2, 1), RET);
    expect(at(found, 0)).toEqual({ known: set(2), boxed: 0 });
    expect(at(found, 2)).toEqual({ known: set(1, 2), boxed: set(1) });
  });

  it('are not known behind what writes a double', () => {
    const found = of(flw(1), faddD(2, 2, 2), Word.beqz(A0, 8), faddS(2, 2, 1), RET);
    expect(at(found, 3)).toEqual({ known: set(1), boxed: set(1) });
  });

  it('are known where they are on all ways', () => {
    // f1 is written as a single on one way and as a double on the other, f2 as a single on both.
    const found = of(Word.beqz(A0, 16), flw(1), flw(2), Word.jal(0, 12), faddD(1, 1, 1), flw(2), faddS(1, 1, 2), RET);
    expect(at(found, 6)).toEqual({ known: set(2), boxed: set(2) });
  });

  it('are what is loaded again behind a call', () => {
    // The callee is not of the region. f2 is not needed after the call: it is written first.
    const found = of(flw(1), flw(2), faddS(3, 1, 2), Word.jal(RA, 0x1000), flw(2), faddS(3, 1, 2), RET);
    expect(at(found, 4)).toEqual({ known: set(1), boxed: 0 });
  });
});
