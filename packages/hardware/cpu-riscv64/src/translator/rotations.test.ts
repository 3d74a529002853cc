import { describe, expect, it } from 'vitest';
import * as Word from '../differential/words.ts';
import { decodeAt, type Op } from './op.ts';
import { planRotations } from './rotations.ts';

const START = 0x1_0000;
const [T0, T1, T2, A0] = [5, 6, 7, 10] as const;
const xor = (rd: number, rs1: number, rs2: number): number => Word.rType(0x33, 4, 0, rd, rs1, rs2);

function planned(...words: readonly number[]): { readonly sources: unknown; readonly results: unknown } {
  const halves = new Uint16Array(Uint32Array.from(words).buffer);
  const ops = words.map((_, i) => decodeAt((pc) => halves[(pc - START) / 2] ?? -1, START + 4 * i) as Op);
  const { sources, results } = planRotations(ops);
  return { sources: Object.fromEntries(sources), results: Object.fromEntries(results) };
}

const nothing = { sources: {}, results: {} };

describe('rotations', () => {
  it('are found in two shifts that are joined, in either order', () => {
    const found = { sources: { 0: 0 }, results: { 2: { source: 0, by: 14 } } };
    expect(planned(Word.srli(T0, A0, 14), Word.slli(T1, A0, 50), Word.or(T0, T0, T1))).toEqual(found);
    expect(planned(Word.slli(T1, A0, 50), Word.srli(T0, A0, 14), xor(T0, T0, T1))).toEqual(found);
    expect(planned(Word.srli(T0, A0, 14), Word.slli(T1, A0, 50), Word.add(T2, T1, T0))).toEqual(found);
  });

  it('are found where a shift replaces what is shifted', () => {
    const found = { sources: { 0: 0 }, results: { 2: { source: 0, by: 57 } } };
    expect(planned(Word.slli(T0, A0, 7), Word.srli(A0, A0, 57), Word.or(A0, A0, T0))).toEqual(found);
  });

  it('take a value down once for each shift', () => {
    const two = [Word.srli(T0, A0, 1), Word.slli(T1, A0, 63), Word.or(T1, T0, T1), Word.slli(T2, A0, 63), Word.or(T2, T2, T0)];
    expect(planned(...two)).toEqual({ sources: { 0: 0 }, results: { 2: { source: 0, by: 1 }, 4: { source: 0, by: 1 } } });
  });

  it('are none if bits are missing or in both, or the values are two', () => {
    expect(planned(Word.srli(T0, A0, 14), Word.slli(T1, A0, 49), Word.or(T0, T0, T1))).toEqual(nothing);
    expect(planned(Word.srli(T0, A0, 32), Word.srli(T1, A0, 32), Word.or(T0, T0, T1))).toEqual(nothing);
    expect(planned(Word.srli(T0, A0, 14), Word.slli(T1, T2, 50), Word.or(T0, T0, T1))).toEqual(nothing);
    expect(planned(Word.srli(T0, A0, 14), Word.addi(A0, A0, 1), Word.slli(T1, A0, 50), Word.or(T0, T0, T1))).toEqual(nothing);
    expect(planned(Word.srli(T0, A0, 14), Word.slli(T1, A0, 50), Word.addi(T0, T0, 0), Word.or(T0, T0, T1))).toEqual(nothing);
  });
});
