import { expect, it } from 'vitest';
import { DATA, differ, HOT, JOINED, type Setup } from './directed.ts';
import * as Word from './words.ts';

const [RA, T0, T1, T2, S0, S1, A0, A1, A2, A3, A4, A7] = [1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 17] as const;
const EXIT = [Word.addi(A7, 0, 93), Word.ECALL];
const TRANSLATIONS = { eager: 'eager', hot: HOT, joined: JOINED } as const;

const NOP = Word.addi(0, 0, 0);

/** Runs before those that are to be short. */
interface Warm {
  readonly runs: number;
  readonly budget: number;
}

/** What differs from the interpreter with each of these budgets, by how code is translated. What others translated is not borrowed: it is at other addresses. */
function differences(code: readonly number[], setup: Setup, budgets: readonly number[], warm: Warm = { runs: 0, budget: 0 }): string[] {
  const found: string[] = [];
  for (const [place, [name, translation]] of Object.entries(TRANSLATIONS).entries()) {
    const moved = [...Array.from({ length: place }, () => NOP), ...code];
    for (const budget of budgets) {
      const difference = differ(moved, setup, translation, (k) => (k < warm.runs ? warm.budget : budget), 200);
      if (difference !== undefined) found.push(`${name}, budget ${budget}: ${difference}`);
    }
  }
  return found;
}

const upTo = (most: number, step = 1): number[] => Array.from({ length: Math.floor(most / step) }, (_, i) => 1 + i * step);
const LARGE = Array.from({ length: 80 }, () => Word.addi(A2, A2, 1));

it('loop right behind a call', () => {
  const code = [
    ...Word.li(A3, 60),
    ...Word.li(S0, DATA),
    Word.addi(A1, 0, 20),
    Word.jal(RA, 4 * 9),
    Word.lbu(T0, S0, 0),
    Word.addi(S0, S0, 1),
    Word.addi(A1, A1, -1),
    Word.bnez(A1, -12),
    Word.addi(A3, A3, -1),
    Word.bnez(A3, -32),
    ...EXIT,
    ...LARGE,
    Word.jalr(0, RA, 0),
  ];
  expect(differences(code, {}, [85, 90, 97, 103, 110])).toEqual([]);
});

it('expected callee right behind a call', () => {
  const code = [
    ...Word.li(A3, 60),
    Word.auipc(S1, 0),
    Word.addi(S1, S1, 4 * (80 + 10 - 2)),
    Word.jal(RA, 4 * 6), // 4
    Word.jalr(RA, S1, 0), // 5
    Word.addi(A3, A3, -1),
    Word.bnez(A3, -12), // 6 7
    ...EXIT, // 8 9
    ...LARGE.slice(1),
    Word.jalr(0, RA, 0), // 10..89
    ...LARGE,
    Word.jalr(0, RA, 0), // 90
  ];
  expect(differences(code, {}, [83, 84, 99, 120])).toEqual([]);
});

it('expected callee as a loop’s header', () => {
  const code = [
    ...Word.li(A3, 6),
    Word.auipc(S1, 0),
    Word.addi(S1, S1, 4 * (12 - 2)), // 2 3
    Word.addi(A4, 0, 4), // 4
    Word.jalr(RA, S1, 0), // 5
    Word.addi(A4, A4, -1),
    Word.bnez(A4, -8), // 6 7
    Word.addi(A3, A3, -1),
    Word.bnez(A3, -20), // 8 9
    ...EXIT, // 10 11
    ...LARGE,
    Word.jalr(0, RA, 0), // 12
  ];
  expect(differences(code, {}, [1, 2, 3, 50])).toEqual([]);
});

it('loop entered in two ways whose inner loop begins steadily', () => {
  const code = [
    ...Word.li(A3, 40),
    ...Word.li(S0, DATA),
    Word.addi(A1, 0, 10), // 4
    Word.addi(A4, 0, 6), // 5
    Word.andi(T1, A3, 1),
    Word.bnez(T1, 8), // 6 7
    Word.addi(A2, A2, 3), // 8: outer
    Word.lbu(T0, S0, 0),
    Word.addi(S0, S0, 1),
    Word.addi(A1, A1, -1),
    Word.bnez(A1, -12), // 9..12
    Word.addi(A1, 0, 3),
    Word.addi(A4, A4, -1),
    Word.bnez(A4, -28), // 13 14 15
    Word.addi(A3, A3, -1),
    Word.bnez(A3, -4 * 14), // 16 17
    ...EXIT,
  ];
  expect(differences(code, {}, upTo(60, 4))).toEqual([]);
});

it('rotated: a transient register written behind an entry in the middle', () => {
  const code = [
    ...Word.li(A3, 60),
    ...Word.li(S0, DATA),
    Word.addi(S1, S0, 800),
    Word.jal(0, 4 * 5), // 5
    Word.addi(T1, T0, 1),
    Word.sd(T1, S0, 0),
    Word.addi(S0, S0, 8),
    Word.branch(0, S0, S1, 4 * 4), // 6..9
    Word.add(T0, S0, A2),
    Word.addi(A2, A2, 3),
    Word.jal(0, -4 * 6), // 10 11 12
    Word.addi(A3, A3, -1),
    Word.bnez(A3, -4 * 12), // 13 14
    ...EXIT,
  ];
  expect(differences(code, {}, upTo(40), { runs: 4, budget: 1000 })).toEqual([]);
});

it('bytes put together of which a later one is checked only behind the first', () => {
  const END = 0xc8_0000;
  const code = [
    ...Word.li(A3, 40), // 0 1
    ...Word.li(S0, END - 0x1000),
    Word.lui(S1, 1),
    Word.addi(S1, S1, -1), // 2 3 4 5
    Word.branch(1, A3, A2, 8),
    Word.add(S0, S0, S1), // 6 7: the last turn is at the end
    Word.lbu(T0, S0, 0), // 8
    Word.beqz(A4, 12 + 16), // 9 -> 16
    Word.lbu(T0, S0, 0),
    Word.lhu(T2, S0, 2),
    Word.lbu(T1, S0, 1),
    Word.slli(T1, T1, 8),
    Word.or(T0, T0, T1),
    Word.add(A0, A0, T0), // 10..15
    Word.addi(A3, A3, -1),
    Word.bnez(A3, -4 * 11), // 16 17
    ...EXIT,
  ];
  const setup = { registers: { [A4]: 1, [A2]: 1 }, maps: [[END - 0x3000, 0x3000, 3]] } as const;
  expect(differences(code, setup, [300])).toEqual([]);
});

it('copied function that calls by t0 what changes ra', () => {
  const code = [
    ...Word.li(A3, 60), // 0 1
    Word.jal(RA, 4 * 7), // 2 -> 9
    Word.addi(A0, A0, 1), // 3
    Word.addi(A1, A1, 1), // 4
    Word.addi(A3, A3, -1),
    Word.bnez(A3, -4 * 4), // 5 6
    ...EXIT, // 7 8
    Word.jal(T0, 4 * 3), // 9: g -> 12
    Word.addi(A2, A2, 1),
    Word.jalr(0, RA, 0), // 10 11
    Word.addi(RA, RA, 4),
    Word.jalr(0, T0, 0), // 12 13
  ];
  expect(differences(code, {}, [30, 37], { runs: 2, budget: 1000 })).toEqual([]);
});

it('copied function with a jump that only one way makes a near one', () => {
  const code = [
    ...Word.li(A3, 60), // 0 1
    Word.auipc(T1, 0),
    Word.addi(T1, T1, 4 * (16 - 2) - 16), // 2 3
    Word.jal(RA, 4 * 6), // 4 -> 10
    Word.addi(A0, A0, 1), // 5
    Word.addi(A3, A3, -1),
    Word.bnez(A3, -4 * 5), // 6 7
    ...EXIT, // 8 9
    Word.beqz(A4, 8), // 10: g -> 12
    Word.auipc(T1, 0), // 11
    Word.jalr(0, T1, 16), // 12: -> 15 or where t1 says
    Word.addi(A2, A2, 1),
    Word.addi(A2, A2, 1), // 13 14
    Word.jalr(0, RA, 0), // 15
    Word.addi(A1, A1, 1),
    Word.jalr(0, RA, 0), // 16 17
  ];
  expect(differences(code, {}, [30, 37], { runs: 2, budget: 1000 })).toEqual([]);
});

it('an index that has to be natural, moves down from far, and moves no access', () => {
  for (const first of [0x7fff_ff00, 0x5555_5556, 0x4000_0001]) {
    for (const more of [0, 20]) {
      for (const arm of [[], [Word.branch(0, T1, S0, 8), Word.addi(A3, A3, 1)]]) {
        const body = [
          ...arm,
          ...[Word.addiw(T0, A1, 0), Word.sub(T0, T0, A1), Word.add(T0, T0, S0), Word.lbu(T1, T0, 0), Word.add(A0, A0, T1)],
          ...Array.from({ length: more }, () => Word.addi(A2, A2, 1)),
          Word.addi(A1, A1, -1),
        ];
        const code = [...Word.li(S0, DATA), ...body, Word.bnez(A1, -4 * body.length), ...EXIT];
        expect(differences(code, { registers: { [A1]: first } }, [3000])).toEqual([]);
      }
    }
  }
});

it('header of a larger loop whose smaller one turned out to be none', () => {
  const code = [
    Word.jal(0, 4 * 12), // 0
    Word.addi(A3, A3, 0), // 1
    Word.addi(A0, A0, 1),
    Word.andi(T0, A0, 1), // 2 3
    Word.beqz(T0, -12), // 4
    Word.branch(6, A0, A3, -12), // 5
    Word.addi(A1, A1, 1),
    Word.branch(4, A4, 0, -8), // 6 7
    Word.addi(A0, 0, 0),
    Word.addi(A2, A2, -1),
    Word.bnez(A2, 8),
    Word.jal(0, 12), // 8 9 10 11
    Word.addi(A0, A0, 0),
    Word.jal(0, -4 * 9), // 12 13 -> 4
    ...EXIT, // 14 15
  ];
  // It begins with a jump backwards, which is where it is translated from.
  const begun = [Word.jal(0, 4 * (code.length + 2)), ...code, 0, Word.jal(0, -4 * (code.length + 1))];
  expect(differences(begun, { registers: { [A3]: 20, [A2]: 8 } }, upTo(5), { runs: 3, budget: 100 })).toEqual([]);
});

it('a word that a refused instruction was to make anything else of', () => {
  const code = [
    ...Word.li(S0, DATA),
    ...Word.li(S1, DATA + 0x3000 - 8 * 40),
    Word.addi(A1, 0, 60),
    Word.sd(S1, S0, 0),
    Word.addw(A0, A0, A3),
    Word.ld(T0, S0, 0),
    Word.ld(A0, T0, 0),
    Word.add(A2, A2, A0),
    Word.addi(S1, S1, 8),
    Word.addi(A1, A1, -1),
    Word.bnez(A1, -28),
    ...EXIT,
  ];
  expect(differences(code, { registers: { [A3]: -5 } }, [10_000, 50, 7])).toEqual([]);
});
