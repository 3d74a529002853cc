import { describe, expect, it } from 'vitest';
import * as Word from '../differential/words.ts';
import { structure } from './flow.ts';
import { planGuards } from './guards.ts';
import { type Merge, planMerges } from './merges.ts';
import { type Block, exploreRegion, type Region } from './region.ts';

const START = 0x1_0000;
const [RA, SP, T0, T1, T2, A0, A1, A2, A3, A4] = [1, 2, 5, 6, 7, 10, 11, 12, 13, 14] as const;
const sb = (register: number, base: number, at: number): number => Word.store(0, register, base, at);

/** Of one block that ends with a return. */
function mergesOf(...words: readonly number[]): ReadonlyMap<number, Merge> {
  const halves = new Uint16Array(Uint32Array.from([...words, Word.jalr(0, RA, 0)]).buffer);
  const view = { half: (pc: number) => halves[(pc - START) / 2] ?? -1, taken: () => false, reached: () => true };
  const region = exploreRegion(view, [START]) as Region;
  const { ops } = region.blocks.get(START) as Block;
  return planMerges(ops, planGuards(region, structure(region)).blocks.get(START) ?? new Map());
}

/** Loads of `count` bytes, put together in A1 as unsigned numbers are, or signed ones of 32 bits. */
function putTogether(count: number, shift: (rd: number, rs1: number, by: number) => number = Word.slli): number[] {
  const words = [Word.lbu(A1, A0, 16)];
  for (let k = 1; k < count; k++) words.push(Word.lbu(A2, A0, 16 + k), shift(A2, A2, k * 8), Word.or(A1, A1, A2));
  return words;
}

const kinds = (merges: ReadonlyMap<number, Merge>): readonly string[] => [...merges.values()].map(({ kind }) => kind).sort();

describe('bytes next to each other', () => {
  it.each([2, 4, 8])('are loaded at once where %d of them are put together', (count) => {
    const merges = mergesOf(...putTogether(count));
    const wide = { number: 0, bytes: count, low: 16 };
    expect(merges.get(0)).toEqual({ kind: 'loaded', wide, byte: 0, isFirst: true });
    expect(merges.get(1)).toEqual({ kind: 'loaded', wide, byte: 1, isFirst: false });
    expect(merges.get(3 * (count - 1))).toEqual({ kind: 'whole', wide, isSigned: false });
    expect(merges.size).toBe(count + 1);
  });

  it('are loaded where the first of them is, in whatever order they come, into the base too', () => {
    const shifted = [Word.slli(A2, A2, 8), Word.slli(A3, A3, 16), Word.slli(A0, A0, 24)];
    const joined = [Word.or(A3, A3, A0), Word.or(A1, A1, A2), Word.or(A1, A3, A1)];
    const loads = [Word.lbu(A3, A0, 2), Word.lbu(A1, A0, 0), Word.lbu(A2, A0, 1), Word.lbu(A0, A0, 3)];
    const merges = mergesOf(...loads, ...shifted, ...joined);
    const wide = { number: 0, bytes: 4, low: 0 };
    expect(merges.get(0)).toEqual({ kind: 'loaded', wide, byte: 2, isFirst: true });
    expect(merges.get(3)).toEqual({ kind: 'loaded', wide, byte: 3, isFirst: false });
    expect(merges.get(9)).toEqual({ kind: 'whole', wide, isSigned: false });
  });

  it('are signed where the uppermost is shifted within a word', () => {
    expect(mergesOf(...putTogether(4, Word.slliw)).get(9)).toMatchObject({ kind: 'whole', isSigned: true });
  });

  it('are not loaded at once where the sign of a word is shifted, or below others', () => {
    const [low, high] = [Word.lbu(A1, A0, 0), Word.lbu(A2, A0, 1)] as const;
    expect(kinds(mergesOf(low, high, Word.slliw(A1, A1, 24), Word.slli(A2, A2, 32), Word.or(A1, A1, A2)))).toEqual([]);
    expect(kinds(mergesOf(low, high, Word.slliw(A2, A2, 24), Word.slli(A2, A2, 0), Word.slli(A1, A1, 16), Word.or(A1, A1, A2)))).toEqual(
      [],
    );
  });

  it('are not loaded at once if something is stored among them, the base changes, or they are not next to each other', () => {
    const [first, ...rest] = putTogether(2) as [number, ...number[]];
    expect(kinds(mergesOf(first, Word.sd(T0, SP, 0), ...rest))).toEqual([]);
    expect(kinds(mergesOf(first, Word.addi(A0, A0, 1), ...rest))).toEqual([]);
    expect(kinds(mergesOf(first, Word.lbu(A2, A0, 18), ...rest.slice(1)))).toEqual([]);
    expect(kinds(mergesOf(first, Word.lbu(A2, A0, 17), Word.slli(A2, A2, 16), Word.or(A1, A1, A2)))).toEqual([]);
  });

  it('are copied at once', () => {
    const merges = mergesOf(...[T0, T1, T2, A3].map((r, k) => Word.lbu(r, A0, k)), ...[T0, T1, T2, A3].map((r, k) => sb(r, A4, 8 + k)));
    const wide = { number: 0, bytes: 4, low: 0 };
    expect(merges.get(4)).toEqual({ kind: 'left' });
    expect(merges.get(7)).toEqual({ kind: 'stored', low: 8, bytes: 4, value: { kind: 'wide', wide } });
    expect(kinds(merges)).toEqual(['left', 'left', 'left', 'loaded', 'loaded', 'loaded', 'loaded', 'stored']);
  });

  it.each([2, 4, 8])('are stored at once where a number is taken apart into %d of them', (count) => {
    const words = [sb(A1, A0, 0)];
    for (let k = 1; k < count; k++) words.push(Word.srli(T0, A1, k * 8), sb(T0, A0, k));
    const merges = mergesOf(...words);
    expect(merges.get(2 * (count - 1))).toEqual({
      kind: 'stored',
      low: 0,
      bytes: count,
      value: { kind: 'register', register: A1, without: 0 },
    });
    expect(merges.size).toBe(count);
  });

  it('are stored one by one where the number was another at one of them, or is at the last', () => {
    const [first, shift, second] = [sb(A1, A0, 0), Word.srli(T0, A1, 8), sb(T0, A0, 1)] as const;
    const change = Word.addi(A1, A1, 1);
    expect(kinds(mergesOf(first, shift, second))).toEqual(['left', 'stored']);
    expect(kinds(mergesOf(first, change, shift, second))).toEqual([]);
    expect(kinds(mergesOf(first, shift, change, second))).toEqual([]);
    expect(kinds(mergesOf(first, Word.srli(A1, A1, 8), sb(A1, A0, 1)))).toEqual([]);
  });

  it('are stored at once if there are four of them, whatever they are', () => {
    const merges = mergesOf(sb(A1, A0, 3), sb(A2, A0, 0), sb(0, A0, 1), sb(A1, A0, 2));
    expect(merges.get(3)).toEqual({ kind: 'stored', low: 0, bytes: 4, value: { kind: 'registers', registers: [A2, 0, A1, A1] } });
  });

  it('are stored one by one if anyone may look at memory among them, or they are no longer what they were', () => {
    const stores = [sb(A1, A0, 0), sb(A2, A0, 1), sb(A3, A0, 2), sb(A4, A0, 3)] as const;
    const [first, ...rest] = stores;
    expect(kinds(mergesOf(...stores))).toHaveLength(4);
    expect(kinds(mergesOf(first, Word.lbu(T0, A0, 0), ...rest))).toEqual([]);
    expect(kinds(mergesOf(first, Word.ld(T0, SP, 0), ...rest))).toEqual([]);
    expect(kinds(mergesOf(first, Word.addi(A1, A1, 1), ...rest))).toEqual([]);
    expect(kinds(mergesOf(first, Word.addi(A0, A0, 1), ...rest))).toEqual([]);
  });
});
