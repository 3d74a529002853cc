import { type Context, FORGETFUL, Prot, type Riscv64Context, type Trap, TrapAnswer } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { Riscv64Cpu } from '../cpu.ts';
import { address, made, TestAccount } from '../differential/machine.ts';
import * as Word from '../differential/words.ts';
import { Perm } from '../layout.ts';
import { planRegion } from './blueprint.ts';
import { type Term, ZERO } from './extents.ts';
import { structure } from './flow.ts';
import type { Translation } from './options.ts';
import { exploreRegion, type Region } from './region.ts';
import { type Version, versionLoops } from './versions.ts';

const START = 0x1_0000;
const DATA = 0x4_0000;
const [T0, T1, A0, A1, A2, A3, A4] = [5, 6, 10, 11, 12, 13, 14] as const;

function regionOf(words: readonly number[], hot?: ReadonlySet<number>): Region {
  const halves = new Uint16Array(Uint32Array.from(words).buffer);
  const view = { half: (pc: number) => halves[(pc - START) / 2] ?? -1, taken: () => false, reached: () => true };
  return exploreRegion(view, [START], hot) as Region;
}

/** The versions of the loops of these instructions, hot or not. */
function versionsOf(words: readonly number[], hot?: ReadonlySet<number>): readonly Version[] {
  const region = regionOf(words, hot);
  return versionLoops(region, structure(region), false).versions;
}

/** A loop of `body` that a1 counts down to 0. */
const loop = (...body: readonly number[]): number[] => [...body, Word.addi(A1, A1, -1), Word.bnez(A1, -4 * (body.length + 1)), Word.ECALL];
/** Each register once. */
const terms = (...registers: number[]): Term[] => registers.map((register) => ({ register, times: 1 }));
const set = (...registers: number[]): number => registers.reduce((bits, r) => bits | (1 << r), 0);

describe('versions of loops', () => {
  it('know where accesses go, and how that moves', () => {
    const [version] = versionsOf(loop(Word.ld(A0, A2, 8), Word.sd(A0, A2, -8), Word.addi(A2, A2, 16)));
    expect(version?.reaches).toEqual([{ terms: terms(A2), low: -8, high: 15, right: Perm.WRITE, stride: 16, added: [] }]);
    expect(version?.shortest).toBe(5);
  });

  it('know registers that are added in each turn, and bases that are sums of registers', () => {
    const [added] = versionsOf(loop(Word.ld(A0, A2, 0), Word.add(A2, A2, A3)));
    expect(added?.reaches).toMatchObject([{ terms: terms(A2), stride: 0, added: terms(A3) }]);
    const [both] = versionsOf(loop(Word.add(T0, A2, A3), Word.ld(A0, T0, 0), Word.addi(A3, A3, 8)));
    expect(both?.reaches).toMatchObject([{ terms: terms(A2, A3), low: 0, high: 7, stride: 8 }]);
  });

  it('know tables by the range of their indices', () => {
    const [version] = versionsOf(loop(Word.andi(T0, A0, 0xf8), Word.add(T0, T0, A2), Word.ld(A0, T0, 0)));
    expect(version?.reaches).toEqual([{ terms: terms(A2), low: 0, high: 0xff, right: Perm.READ, stride: 0, added: [] }]);
  });

  it('know indices of 32 bits, and what has to be natural for them to be there', () => {
    const scaled = [Word.slli(T0, A3, 32), Word.srli(T0, T0, 29), Word.add(T0, T0, A2)];
    const [unsigned] = versionsOf(loop(...scaled, Word.ld(A0, T0, 8), Word.addiw(A3, A3, -1)));
    const terms = [
      { register: A2, times: 1 },
      { register: A3, times: 8 },
    ];
    const index = [{ register: A3, times: 1 }];
    expect(unsigned?.reaches).toEqual([{ terms, low: 8, high: 15, right: Perm.READ, stride: -8, added: [] }]);
    expect(unsigned?.naturals).toEqual([{ terms: index, low: -1, high: 0, stride: -1, added: [] }]);
    const [signed] = versionsOf(loop(Word.slli(T0, A3, 3), Word.add(T0, T0, A2), Word.ld(A0, T0, 8), Word.addw(A3, A3, A4)));
    expect(signed?.reaches).toMatchObject([{ terms, low: 8, high: 15, stride: 0, added: [{ register: A4, times: 8 }] }]);
    const both = [...index, { register: A4, times: 1 }];
    expect(signed?.naturals).toMatchObject([{ terms: both, low: 0, high: 0, stride: 0, added: [{ register: A4, times: 1 }] }]);
  });

  it('know pointers that follow others', () => {
    const [version] = versionsOf(loop(Word.sd(A0, T0, 8), Word.addi(A2, A2, 16), Word.addi(T0, A2, 4)));
    expect(version?.reaches).toMatchObject([{ terms: terms(A2), low: 12, high: 19, stride: 16 }]);
    expect(version?.zeros).toEqual([{ ...ZERO, terms: [...terms(T0), { register: A2, times: -1 }], low: -4, high: -4 }]);
  });

  it('are not made where an access may be anywhere', () => {
    expect(versionsOf(loop(Word.ld(A2, A2, 0)))).toEqual([]);
    expect(versionsOf(loop(Word.ld(A0, A2, 0), Word.add(A2, A2, A0)))).toEqual([]);
    // What moves, or follows, by as much as the upper half holds.
    expect(versionsOf(loop(Word.ld(A0, A2, 0), Word.slli(T0, A3, 32), Word.add(A2, A2, T0)))).toEqual([]);
    expect(versionsOf(loop(Word.ld(A0, A2, 0), Word.slli(A2, A3, 32)))).toEqual([]);
    // Up or down, as a branch has it.
    expect(versionsOf(loop(Word.ld(A0, A2, 0), Word.beqz(A0, 8), Word.addi(A2, A2, -16), Word.addi(A2, A2, 8)))).toEqual([]);
  });

  it('are not made of loops with calls, nor of loops that nobody saw run', () => {
    expect(versionsOf(loop(Word.jal(1, 0x100)))).toEqual([]);
    const body = loop(Word.addi(A0, A0, 1));
    expect(versionsOf(body, new Set([START]))).toHaveLength(1);
    expect(versionsOf(body, new Set([START + 0x100]))).toEqual([]);
  });

  it('know what a turn writes before anyone may look', () => {
    const [plain] = versionsOf(loop(Word.addi(T0, A0, 1), Word.add(A0, A0, T0)));
    expect(plain?.transient).toEqual({ x: set(T0), f: 0 });
    // t0 is what it was if the loop is left in the middle.
    const [left] = versionsOf(loop(Word.beqz(A0, 16), Word.addi(T0, A0, 1)));
    expect(left?.transient).toEqual({ x: 0, f: 0 });
  });
});

describe('long turns', () => {
  it('are several behind each other, as many as are not too much code', () => {
    const turnsOf = (count: number): number | undefined =>
      versionsOf(loop(...Array.from({ length: count - 2 }, () => Word.addi(T0, T0, 1))))[0]?.turns;
    expect([23, 24, 60, 128, 129].map(turnsOf)).toEqual([1, 8, 4, 2, 1]);
  });
});

describe('turns that are all the same', () => {
  const long = (...body: readonly number[]): number[] => loop(...Array.from({ length: 24 }, () => Word.addi(T0, T0, 1)), ...body);

  it('are counted by a register that accesses are relative to, or by another that moves evenly', () => {
    const [based] = versionsOf(long(Word.ld(A0, A2, 8), Word.addi(A2, A2, 16)));
    expect(based?.counting).toEqual({
      register: A2,
      stride: 16,
      instructions: 28,
      ends: new Map([[START, { moved: 16, executed: 28 }]]),
    });
    const [other] = versionsOf(long(Word.ld(A0, A2, 8)));
    expect(other?.counting).toMatchObject({ register: T0, stride: 24 });
  });

  it('know where they may be left', () => {
    const [version] = versionsOf(long(Word.addi(A2, A2, -8), Word.beqz(A0, 16), Word.sd(A0, A2, 0)));
    const behind = START + 4 * 26;
    expect(version?.counting?.ends).toEqual(
      new Map([
        [START, { moved: -8, executed: 26 }],
        [behind, { moved: -8, executed: 29 }],
      ]),
    );
  });

  it('are not if they are short, have several ways, or only a register that moves far', () => {
    expect(versionsOf(loop(Word.ld(A0, A2, 8), Word.addi(A2, A2, 16)))[0]?.counting).toBeUndefined();
    expect(versionsOf(long(Word.beqz(A0, 8), Word.addi(A2, A2, 8)))[0]?.counting).toBeUndefined();
    const far = Array.from({ length: 24 }, () => Word.addi(A1, A1, -100));
    expect(versionsOf([...far, Word.bnez(A1, -4 * far.length), Word.ECALL])[0]?.counting).toBeUndefined();
  });
});

describe('the first turn of a loop', () => {
  /** Loads from a table that a2 points to; index and result are in a0. */
  const lookUp = [Word.andi(T0, A0, 0xf8), Word.add(T0, T0, A2), Word.ld(A0, T0, 0)];
  const beginningsOf = (lasts: boolean, ...body: readonly number[]) =>
    planRegion(regionOf([Word.addi(A4, A4, 1), ...loop(...body)]), lasts).versions.map(({ beginning }) => beginning);
  const firstTurnsOf = (...body: readonly number[]): readonly number[] =>
    beginningsOf(false, ...body).map((beginning) => beginning?.turns ?? 0);

  it('is a steady one where that saves checks', () => {
    expect(firstTurnsOf(...lookUp, ...lookUp)).toEqual([16]);
    expect(firstTurnsOf(...lookUp)).toEqual([0]);
  });

  it('has others behind it, and no gate, where a small loop is translated for long', () => {
    expect(beginningsOf(true, ...lookUp)).toMatchObject([{ copies: 8, turns: 8, gate: undefined, looksAtFuel: false }]);
    expect(beginningsOf(true, ...lookUp, ...lookUp)).toMatchObject([{ copies: 8, turns: 8, gate: undefined }]);
    const more = Array.from({ length: 12 }, () => Word.addi(A4, A4, 1));
    expect(beginningsOf(true, ...lookUp, ...more)).toEqual([undefined]);
    expect(beginningsOf(true, ...lookUp, ...lookUp, ...more)).toMatchObject([{ copies: 3, turns: 16, gate: expect.any(Number) }]);
    expect(beginningsOf(false, ...lookUp, ...lookUp)).toMatchObject([{ copies: 1, turns: 16, gate: expect.any(Number) }]);
  });

  it('looks at the fuel itself where nothing that is come through does', () => {
    const scan = [Word.ld(T0, A2, 0), Word.addi(A2, A2, 8), Word.bnez(T0, -8), Word.addi(A3, A3, -1), Word.bnez(A3, -16), Word.ECALL];
    const { versions, checkpoints } = planRegion(regionOf(scan), true);
    expect(versions).toMatchObject([{ beginning: { copies: 8, gate: undefined, looksAtFuel: true } }]);
    expect(checkpoints.has(versions[0]?.beginning?.begin as number)).toBe(true);
    expect(planRegion(regionOf(scan), false).versions).toEqual([]);
  });

  it('is an exact one if accesses may be far from each other in the next ones', () => {
    expect(firstTurnsOf(...lookUp, ...lookUp, Word.addi(A2, A2, 1024))).toEqual([8]);
    expect(firstTurnsOf(...lookUp, ...lookUp, Word.addi(A2, A2, -2047), Word.addi(A2, A2, -1000))).toEqual([0]);
    expect(firstTurnsOf(...lookUp, ...lookUp, Word.add(A2, A2, A3))).toEqual([0]);
  });

  it('is an exact one if what a turn makes a word may be anything before it', () => {
    expect(firstTurnsOf(...lookUp, ...lookUp, Word.add(T1, T1, A3), Word.addiw(A3, A3, 1))).toEqual([0]);
  });
});

/** What was seen of a program that ran with a budget, and then to its end. */
function observed(
  words: readonly number[],
  translation: Translation,
  budget: number,
  registers: Readonly<Record<number, number>>,
): string[] {
  const cpu = new Riscv64Cpu(FORGETFUL, translation);
  const space = made(cpu.space(new TestAccount()));
  const context = made(cpu.context(space)) as Riscv64Context;
  space.map(address(START), 4096, Prot.READ | Prot.EXEC, undefined, 0, 'private');
  space.map(address(DATA), 3 * 4096, Prot.READ | Prot.WRITE, undefined, 0, 'private');
  space.copyOut(address(START), new Uint8Array(Uint32Array.from(words).buffer), true);
  // Absent pages would have no access admitted.
  space.copyOut(address(DATA), new Uint8Array(3 * 4096).fill(7));
  context.pc = address(START);
  const general = new Uint8Array(256);
  for (const [r, value] of Object.entries(registers)) context.writeHalves(Number(r), value >>> 0, Math.floor(value / 2 ** 32));
  const seen: string[] = [];
  const note = (what: string): void => {
    context.copyGeneralTo(general);
    seen.push(`${what} ${context.pc} ${context.retired} ${general.join()}`);
  };
  const onTrap = (_context: Context, { cause, address: at }: Trap): TrapAnswer => {
    note(`${cause} ${at}`);
    return TrapAnswer.LEAVE;
  };
  note(cpu.run(context, space, onTrap, budget));
  note(cpu.run(context, space, onTrap, 10_000));
  space.destroy();
  return seen;
}

/** What a test runs: instructions, and what registers hold before. */
interface Running {
  readonly words: readonly number[];
  readonly registers: Readonly<Record<number, number>>;
}

/**
 * A loop that is come to from within its region, with these in a1 to a4: at the last of five times, since a region has nothing but what was executed before.
 * Until then it has two turns, and what it accesses is there. `skipped`: instructions that it is entered behind at the last time; `behind`: what is behind it.
 */
function comeTo(
  body: readonly number[],
  registers: Readonly<Record<number, number>>,
  { skipped = 0, behind = [] }: { readonly skipped?: number; readonly behind?: readonly number[] } = {},
): Running {
  const [TIMES, IS_LAST, USUAL, MORE] = [8, 9, 18, 22];
  const usual = [2, DATA + 512, 0, DATA + 516];
  const set = [A1, A2, A3, A4].flatMap((register, i) => [Word.rType(0x33, 7, 0, T0, MORE + i, IS_LAST), Word.add(register, T0, USUAL + i)]);
  const begin = [
    Word.iType(0x13, 3, IS_LAST, TIMES, 2),
    Word.sub(IS_LAST, 0, IS_LAST),
    ...set,
    Word.addiw(A3, A3, 0),
    Word.bnez(IS_LAST, 4 + 4 * skipped),
  ];
  const words = [...begin, ...loop(...body).slice(0, -1), ...behind, Word.addi(TIMES, TIMES, -1)];
  const all: Record<number, number> = { [TIMES]: 5 };
  for (const [i, register] of [A1, A2, A3, A4].entries()) {
    const value = usual[i] as number;
    all[USUAL + i] = value;
    all[MORE + i] = (registers[register] ?? value) - value;
  }
  return { words: [...words, Word.bnez(TIMES, -4 * words.length), Word.ECALL], registers: all };
}

describe('loops in two versions', () => {
  /** The second follows the first. */
  const lookUpTwice = [T0, T1].flatMap((to) => [Word.andi(to, A0, 0xf8), Word.add(to, to, A2), Word.ld(A0, to, 0)]);
  const long = Array.from({ length: 24 }, (_, i) => Word.addi(T0, T0, i));
  const cases: Record<string, Running> = {
    'that leave what a turn writes to the next one': {
      words: loop(Word.addi(T0, A1, 5), Word.add(A0, A0, T0), Word.sd(T0, A2, 0), Word.addi(A2, A2, 8)),
      registers: { [A1]: 40, [A2]: DATA },
    },
    'that are left in the middle of a turn': {
      words: [...loop(Word.branch(0, A1, A3, 20), Word.addi(T0, A1, 5), Word.add(A0, A0, T0)), Word.ECALL],
      registers: { [A1]: 40, [A3]: 9 },
    },
    'that come to the end of what is mapped': {
      words: loop(Word.addi(T0, A1, 5), Word.ld(T1, A2, 0), Word.addi(A2, A2, 1024)),
      registers: { [A1]: 40, [A2]: DATA },
    },
    'that come to its beginning': {
      words: loop(Word.addi(T0, A1, 5), Word.ld(T1, A2, 0), Word.addi(A2, A2, -1024)),
      registers: { [A1]: 40, [A2]: DATA + 0x2ff8 },
    },
    'with misaligned accesses': {
      words: loop(Word.addi(T0, A1, 5), Word.ld(T1, A2, 0), Word.add(A0, A0, T0), Word.addi(A2, A2, 8)),
      registers: { [A1]: 40, [A2]: DATA + 0xf03 },
    },
    'with an access beyond 32 bits that few turns make': {
      words: loop(Word.branch(1, A1, A3, 8), Word.ld(T1, A2, 0), Word.addi(T0, A1, 5)),
      registers: { [A1]: 40, [A2]: 2 ** 32 + DATA, [A3]: 11 },
    },
    'with an access far from where the pages are': {
      words: loop(Word.branch(1, A1, A3, 8), Word.ld(T1, A2, 0), Word.addi(A4, A4, 1)),
      registers: { [A1]: 40, [A2]: DATA + 3 * 4096 - 4, [A3]: 11 },
    },
    'that begin again and again': {
      words: [
        ...Word.li(A1, 3),
        ...loop(...lookUpTwice, Word.sd(A0, A2, 0)).slice(0, -1),
        Word.addi(A3, A3, -1),
        Word.bnez(A3, -44),
        Word.ECALL,
      ],
      registers: { [A2]: DATA + 8, [A3]: 6 },
    },
    'of long turns, that are left at their end': {
      words: loop(...long, Word.ld(T1, A2, 8), Word.addi(A2, A2, 16)),
      registers: { [A1]: 9, [A2]: DATA },
    },
    'of long turns, that are left in the middle, and move down': {
      words: [...loop(...long, Word.addi(A2, A2, -8), Word.branch(0, A1, A3, 16), Word.sd(T0, A2, 0)), Word.ECALL],
      registers: { [A1]: 9, [A2]: DATA + 512, [A3]: 3 },
    },
    'whose index becomes too large for 31 bits': {
      words: loop(Word.slli(T0, A3, 3), Word.add(T0, T0, A2), Word.ld(T1, T0, 0), Word.addiw(A3, A3, 1)),
      registers: { [A1]: 40, [A2]: DATA - 8 * (2 ** 31 - 20), [A3]: 2 ** 31 - 20 },
    },
    'whose index becomes negative': {
      words: loop(Word.slli(T0, A3, 32), Word.srli(T0, T0, 29), Word.add(T0, T0, A2), Word.ld(T1, T0, 0), Word.addiw(A3, A3, -1)),
      registers: { [A1]: 40, [A2]: DATA + 1024, [A3]: 20 },
    },
    'whose index moves by a register and becomes too large': {
      words: loop(Word.slli(T0, A3, 3), Word.add(T0, T0, A2), Word.ld(T1, T0, 0), Word.addw(A3, A3, A4)),
      registers: { [A1]: 40, [A2]: DATA - 8 * (2 ** 31 - 60), [A3]: 2 ** 31 - 60, [A4]: 3 },
    },
    'whose index moves by a negative register': {
      words: loop(Word.slli(T0, A3, 3), Word.add(T0, T0, A2), Word.ld(T1, T0, 0), Word.addw(A3, A3, A4)),
      registers: { [A1]: 40, [A2]: DATA, [A3]: 100, [A4]: -8 },
    },
    'whose index is negative, which few turns look at': {
      words: loop(
        Word.branch(1, A1, A4, 20),
        Word.slli(T0, A3, 32),
        Word.srli(T0, T0, 29),
        Word.add(T0, T0, A2),
        Word.ld(T1, T0, 0),
        Word.addiw(A3, A3, 1),
      ),
      registers: { [A1]: 40, [A2]: DATA + 8 * 400, [A3]: -400, [A4]: 11 },
    },
    'that begin a larger one': {
      words: [
        ...[Word.ld(T0, A2, 0), Word.addi(A2, A2, 8), Word.addi(A1, A1, -1), Word.andi(T1, A1, 3), Word.bnez(T1, -16)],
        ...[Word.addi(A3, A3, -1), Word.bnez(A3, -24), Word.ECALL],
      ],
      registers: { [A1]: 7, [A2]: DATA, [A3]: 12 },
    },
    'that are entered behind what makes a pointer follow another': comeTo(
      [Word.sd(A0, A4, 8), Word.addi(A2, A2, 16), Word.addi(A4, A2, 4)],
      { [A1]: 20, [A2]: DATA, [A4]: DATA + 3 * 4096 - 8 },
      { skipped: 3 },
    ),
    'that move by a register, further than a window': {
      words: loop(Word.branch(4, A3, A1, 8), Word.ld(T1, A2, 0), Word.add(A2, A2, A4)),
      registers: { [A1]: 40, [A2]: DATA, [A3]: 12, [A4]: -(2 ** 31) },
    },
  };

  const indexedBy = (...shift: readonly number[]): number[] => [
    ...[0, 0, 1].flatMap((by) => [Word.addiw(T0, A3, by), ...shift, Word.add(T0, T0, A2), Word.ld(A0, T0, 0)]),
    Word.addiw(A3, A3, 1),
  ];
  const begun: Readonly<Record<string, readonly [body: readonly number[], registers: Readonly<Record<number, number>>]>> = {
    'come to the end of what is mapped': [[...lookUpTwice, Word.addi(A2, A2, 1024)], { [A1]: 40, [A2]: DATA }],
    'come there with the last turn that could be steady': [[...lookUpTwice, Word.addi(A2, A2, 1024)], { [A1]: 40, [A2]: DATA + 0x1400 }],
    'come there with the turn after that': [[...lookUpTwice, Word.addi(A2, A2, 1024)], { [A1]: 40, [A2]: DATA + 0x1000 }],
    'come to its beginning': [[...lookUpTwice, Word.addi(A2, A2, -1024)], { [A1]: 40, [A2]: DATA + 0x2e00 }],
    'begin where nothing is mapped': [lookUpTwice, { [A1]: 40, [A2]: DATA - 64 }],
    'begin beyond 32 bits': [lookUpTwice, { [A1]: 40, [A2]: 2 ** 32 + DATA }],
    'are over after some turns': [lookUpTwice, { [A1]: 5, [A2]: DATA }],
    'are over near the end of what is mapped': [[Word.ld(A0, A2, 0), Word.sub(A4, A4, A0)], { [A1]: 5, [A2]: DATA + 3 * 4096 - 256 }],
    'are over with the last turn that is surely steady': [lookUpTwice, { [A1]: 8, [A2]: DATA }],
    'are over soon after that': [lookUpTwice, { [A1]: 17, [A2]: DATA }],
    'have a single access': [[Word.ld(A0, A2, 0), Word.sub(A4, A4, A0), Word.addi(A2, A2, 512)], { [A1]: 40, [A2]: DATA }],
    'have an index that is negative': [
      indexedBy(Word.slli(T0, T0, 32), Word.srli(T0, T0, 29)),
      { [A1]: 40, [A2]: DATA + 8 * 400, [A3]: -5 },
    ],
    'have an index that becomes too large': [
      indexedBy(Word.slli(T0, T0, 3)),
      { [A1]: 40, [A2]: DATA - 8 * (2 ** 31 - 6), [A3]: 2 ** 31 - 6 },
    ],
    'have a pointer that follows another from the second turn on': [
      [...lookUpTwice, Word.sd(A0, A4, 8), Word.addi(A2, A2, 16), Word.addi(A4, A2, 4)],
      { [A1]: 20, [A2]: DATA, [A4]: DATA + 3 * 4096 - 8 },
    ],
  };
  const longer = Array.from({ length: 12 }, () => Word.add(T1, T1, A0));
  for (const [what, [body, registers]] of Object.entries(begun)) {
    cases[`that begin steadily and ${what}`] = comeTo(body, registers);
    cases[`with an access behind them, that begin steadily and ${what}`] = comeTo(body, registers, { behind: [Word.sd(A0, A2, 400)] });
    cases[`of longer turns that begin steadily and ${what}`] = comeTo([...longer, ...body], registers);
  }

  it.each(Object.entries(cases))('%s show the same wherever they are stopped', (_what, { words, registers }) => {
    for (let budget = 1; budget < 260; budget++) {
      expect(observed(words, 'eager', budget, registers), `budget ${budget}`).toEqual(observed(words, 'off', budget, registers));
    }
  });
});
