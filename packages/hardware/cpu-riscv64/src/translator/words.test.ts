import { FORGETFUL, Prot, type Riscv64Context, TrapAnswer } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { Riscv64Cpu } from '../cpu.ts';
import { address, made, TestAccount } from '../differential/machine.ts';
import * as Word from '../differential/words.ts';
import { structure } from './flow.ts';
import { planGuards } from './guards.ts';
import { lifetimes } from './lifetimes.ts';
import type { Translation } from './options.ts';
import { exploreRegion, type Region, returns } from './region.ts';
import { heldAtExits, planWords } from './words.ts';

const START = 0x1_0000;
const [RA, S0, A0, A1, A2, A3] = [1, 8, 10, 11, 12, 13] as const;
const RET = Word.jalr(0, RA, 0);

function of(...words: readonly number[]) {
  const halves = new Uint16Array(Uint32Array.from(words).buffer);
  const region = exploreRegion({ half: (pc) => halves[(pc - START) / 2] ?? -1, taken: () => false, reached: () => true }, [
    START,
  ]) as Region;
  const flow = structure(region);
  const checkpoints = new Set([...flow.selected.keys(), ...flow.headers, ...returns(region)]);
  const found = lifetimes(region, flow, checkpoints, planGuards(region, flow));
  const plan = planWords(region, flow, found.read);
  return { plan, found, atExits: heldAtExits(region, plan, found) };
}

const set = (...registers: number[]): number => registers.reduce((bits, r) => bits | (1 << r), 0);

describe('words', () => {
  it('are what 32-bit instructions, loads of less than 64 bits and comparisons make', () => {
    const { plan } = of(
      Word.addw(A0, A1, A2),
      Word.lbu(A1, A2, 0),
      Word.add(A3, A0, A0),
      Word.addi(S0, A0, 0),
      Word.beqz(A2, 8),
      RET,
      Word.add(A2, A2, A2),
      RET,
    );
    expect(plan.start.get(START)).toEqual({ words: 0, naturals: 0 });
    expect(plan.start.get(START + 24)).toEqual({ words: set(A0, A1, S0), naturals: set(A1) });
    expect(plan.ever).toBe(set(A0, A1, S0));
  });

  it('stay words where they are combined, and natural if one of two masks the other', () => {
    const or = (rd: number, rs1: number, rs2: number): number => (Word.add(rd, rs1, rs2) | (6 << 12)) >>> 0;
    const and = (rd: number, rs1: number, rs2: number): number => (Word.add(rd, rs1, rs2) | (7 << 12)) >>> 0;
    const { plan } = of(
      Word.addw(A0, A0, A0),
      Word.lbu(A1, A1, 0),
      or(S0, A0, A1),
      and(A3, A1, A2),
      or(A0, A0, A2),
      Word.beqz(A2, 8),
      RET,
      RET,
    );
    expect(plan.start.get(START + 28)).toEqual({ words: set(A1, S0, A3), naturals: set(A1, A3) });
  });

  it('are words only if they are on all ways', () => {
    const { plan } = of(Word.addiw(A0, A0, 1), Word.beqz(A1, 8), Word.add(A0, A1, A1), Word.addiw(A2, A2, 1), RET);
    expect(plan.start.get(START + 12)).toEqual({ words: 0, naturals: 0 });
  });

  it('are none where a call came back', () => {
    const { plan } = of(Word.addiw(S0, S0, 1), Word.jal(RA, 0x100), Word.addiw(S0, S0, 1), RET);
    expect(plan.start.get(START + 8)).toEqual({ words: 0, naturals: 0 });
  });

  it('are taken for words where a loop is entered, if they are on the ways from within and read', () => {
    // a1 and s0 go around unchanged, a2 is written before it is read.
    const { plan } = of(Word.addiw(A0, A0, 0), Word.addiw(S0, A1, 0), Word.addw(A0, A0, S0), Word.addw(A2, A1, A0), Word.bnez(A2, -8), RET);
    expect(plan.start.get(START + 8)?.words).toBe(set(A0, S0));
  });

  it('are not taken for words because nothing in the loop changes them, nor for a constant', () => {
    const { plan } = of(Word.addw(A0, A0, A1), Word.beqz(A1, 8), Word.addi(A2, 0, 0), Word.add(A3, A3, A2), Word.bnez(A0, -16), RET);
    expect(plan.start.get(START)).toEqual({ words: set(A0), naturals: 0 });
  });

  it('are written back as words where they are at every way out of that kind', () => {
    const { found, atExits } = of(Word.addiw(A0, 0, 1), Word.lw(A2, A1, 0), Word.addw(A0, A0, A2), Word.bnez(A2, -8), RET);
    const kind = found.exitKind.get(START + 4) as number;
    expect((atExits[kind]?.words ?? 0) & (found.exitKinds[kind]?.x ?? 0)).toBe(set(A0));
  });
});

function start(translation: Translation, ...words: readonly number[]) {
  const cpu = new Riscv64Cpu(FORGETFUL, translation);
  const space = made(cpu.space(new TestAccount()));
  const context = made(cpu.context(space)) as Riscv64Context;
  space.map(address(START), 8192, Prot.READ | Prot.WRITE | Prot.EXEC, undefined, 0, 'private');
  space.copyOut(address(START), new Uint8Array(Uint32Array.from(words).buffer), true);
  context.pc = address(START);
  return { cpu, context, run: (budget: number) => cpu.run(context, space, () => TrapAnswer.LEAVE, budget) };
}

describe.each(['off', 'eager', 'hot'] as const)('registers that were taken for words, translation %s', (translation) => {
  const ROUNDS = 100_000;
  /** a3 = the sum of all a0 and a2 += a0, where a0 is made a word before the loop and in it. */
  const loop = [Word.addiw(A0, A0, 0), Word.add(A3, A3, A0), Word.addw(A0, A0, A2), Word.addi(A1, A1, -1), Word.bnez(A1, -12), Word.ECALL];
  const enter = (context: Riscv64Context, pc: number, a0: number): void => {
    context.pc = address(pc);
    context.writeNumber(A0, a0);
    context.writeNumber(A1, ROUNDS);
    context.writeNumber(A2, 0);
    context.writeNumber(A3, 0);
  };

  it.each([2 ** 40 + 5, 2 ** 31, 2 ** 32 - 1, -(2 ** 31) - 1])('may be %d where the loop is entered', (value) => {
    const { context, run } = start(translation, ...loop);
    enter(context, START, -7);
    expect(run(10_000_000)).toBe('left');
    expect(context.readNumber(A3)).toBe(-7 * ROUNDS);
    const { retired } = context;
    enter(context, START + 4, value);
    expect(run(10_000_000)).toBe('left');
    // It is a word from the first addw on.
    expect(context.readNumber(A3)).toBe(value + (ROUNDS - 1) * (value | 0));
    expect(context.readNumber(A0)).toBe(value | 0);
    expect(context.retired - retired).toBe(ROUNDS * 4);
  });

  it('are exact at every budget, from such a beginning', () => {
    const { context, run } = start(translation, ...loop);
    enter(context, START, 1);
    expect(run(10_000_000)).toBe('left');
    for (const budget of [1, 2, 3, 4, 5, 9, 102]) {
      enter(context, START + 4, 2 ** 40);
      const { retired } = context;
      expect(run(budget)).toBe('budget');
      expect(context.retired - retired).toBe(budget);
      expect([context.pc, context.readNumber(A3)]).toEqual([START + 4 + (budget % 4) * 4, 2 ** 40]);
      expect(context.readNumber(A0)).toBe(budget === 1 ? 2 ** 40 : 0);
    }
  });

  it('are extended where all of them is used, and in memory', () => {
    // a0 counts down from 2³¹ − 2 as a word and wraps; a2 is a copy, a3 collects the 64 bits, memory gets them.
    const { context, run } = start(
      translation,
      ...Word.li(A0, 0x7fff_f000),
      Word.addiw(A0, A0, 0x7ff),
      Word.add(A3, A3, A0),
      Word.addi(A2, A0, 0),
      Word.addi(A1, A1, -1),
      Word.bnez(A1, -16),
      Word.ECALL,
    );
    context.writeNumber(A1, ROUNDS);
    expect(run(10_000_000)).toBe('left');
    let [a0, a3] = [0x7fff_f000, 0];
    for (let i = 0; i < ROUNDS; i++) {
      a0 = (a0 + 0x7ff) | 0;
      a3 += a0;
    }
    expect([A0, A2, A3].map((r) => context.readNumber(r))).toEqual([a0, a0, a3]);
  });

  it('may be negative where the loop is entered, though they are not on the ways from within', () => {
    // a0 is 0 before the loop, and a byte in it. The jump back at the end has all of it translated together.
    const program = [
      Word.addi(A0, 0, 0),
      Word.add(A3, A3, A0),
      Word.lbu(A0, A2, 0),
      Word.addi(A1, A1, -1),
      Word.bnez(A1, -12),
      Word.ECALL,
      Word.jal(0, -24),
    ];
    const { context, run } = start(translation, ...program);
    const sum = (ROUNDS - 1) * ((program[0] as number) & 0xff);
    enter(context, START + 24, 0);
    context.writeNumber(A2, START);
    expect(run(10_000_000)).toBe('left');
    expect(context.readNumber(A3)).toBe(sum);
    enter(context, START + 4, -5);
    context.writeNumber(A2, START);
    expect(run(10_000_000)).toBe('left');
    expect(context.readNumber(A3)).toBe(sum - 5);
  });

  it('are extended on the way to where they are not words on all ways', () => {
    // a0 is a word in every other round, and else a sum of 64 bits.
    const { context, run } = start(
      translation,
      Word.andi(S0, A1, 1),
      Word.beqz(S0, 12),
      Word.addw(A0, A2, A1),
      Word.jal(0, 8),
      Word.add(A0, A2, A2),
      Word.add(A3, A3, A0),
      Word.addi(A1, A1, -1),
      Word.bnez(A1, -28),
      Word.ECALL,
    );
    enter(context, START, 0);
    const step = 2 ** 33 - 2 ** 20;
    context.writeNumber(A2, step);
    expect(run(10_000_000)).toBe('left');
    let sum = 0;
    for (let i = ROUNDS; i > 0; i--) sum += i % 2 === 1 ? (step + i) | 0 : step * 2;
    expect(context.readNumber(A3)).toBe(sum);
  });

  it.each([0, 1, 2])('are exact in memory where a loop that keeps them is left at access %d', (refused) => {
    // a0 goes around in 64 bits, and is a word at the second access only. Each base becomes one that is refused in the middle.
    const bases = [5, 6, 7] as const;
    const { context, run } = start(
      translation,
      Word.lw(S0, bases[0], 0),
      Word.addw(A0, A0, A2),
      Word.lw(S0, bases[1], 0),
      Word.add(A0, A0, A1),
      Word.lw(S0, bases[2], 0),
      Word.addi(A1, A1, -1),
      Word.bnez(A1, -24),
      Word.ECALL,
    );
    const begin = (rounds: number, a0: number): void => {
      enter(context, START, a0);
      context.writeNumber(A1, rounds);
      context.writeNumber(A2, -1);
      for (const base of bases) context.writeNumber(base, START);
    };
    begin(ROUNDS, 0);
    expect(run(10_000_000)).toBe('left');
    begin(2 ** 40, 2 ** 35 + 7);
    context.writeNumber(bases[refused] as number, 2 ** 30);
    expect(run(10_000_000)).toBe('left');
    expect(context.pc).toBe(START + refused * 8);
    expect(context.readNumber(A0)).toBe([2 ** 35 + 7, 6, 2 ** 40 + 6][refused]);
  });

  it('are exact in memory where a loop is left in which they are words, and are not behind it', () => {
    const { context, run } = start(
      translation,
      Word.addw(A0, A0, A2),
      Word.addi(A1, A1, -1),
      Word.bnez(A1, -8),
      Word.add(A0, A3, A3),
      Word.add(A3, A0, A0),
      Word.ECALL,
    );
    enter(context, START, 0);
    expect(run(10_000_000)).toBe('left');
    for (const budget of [3, 30, 300_000 - 3]) {
      enter(context, START, 0);
      context.writeNumber(A2, -3);
      expect(run(budget)).toBe('budget');
      expect([context.pc, context.readNumber(A0)]).toEqual([START, -budget]);
    }
  });

  it('are exact in memory where what would make one of them anew is refused', () => {
    // a0 is a sum of 64 bits when a word is loaded into it.
    const { context, run } = start(
      translation,
      Word.add(A3, A3, A0),
      Word.add(A0, A0, A2),
      Word.lw(A0, S0, 0),
      Word.addi(A1, A1, -1),
      Word.bnez(A1, -16),
      Word.ECALL,
    );
    enter(context, START, 0);
    context.writeNumber(S0, START);
    expect(run(10_000_000)).toBe('left');
    enter(context, START, -9);
    context.writeNumber(A2, 2 ** 36);
    context.writeNumber(S0, 2 ** 30);
    expect(run(10_000_000)).toBe('left');
    expect([context.pc, context.readNumber(A0)]).toEqual([START + 8, 2 ** 36 - 9]);
  });

  it('are extended where an indirect jump leads within what was translated together', () => {
    const A5 = 15;
    const { context, run } = start(
      translation,
      Word.addw(A0, A0, A2),
      Word.jalr(0, A5, 0),
      Word.ECALL,
      Word.add(A3, A3, A0),
      Word.addi(A1, A1, -1),
      Word.bnez(A1, -20),
      Word.ECALL,
    );
    enter(context, START, 0);
    context.writeNumber(A2, -2);
    context.writeNumber(A5, START + 12);
    expect(run(10_000_000)).toBe('left');
    expect(context.readNumber(A3)).toBe(-ROUNDS * (ROUNDS + 1));
    expect(context.readNumber(A0)).toBe(-2 * ROUNDS);
  });

  it('leave to the interpreter no more than an instruction for each entry', () => {
    const { cpu, context, run } = start(translation, ...loop);
    enter(context, START, 1);
    expect(run(10_000_000)).toBe('left');
    enter(context, START + 4, 2 ** 40);
    expect(run(10_000_000)).toBe('left');
    if (translation === 'eager') expect(cpu.counters().exitsToInterpretOne).toBe(1);
  });
});
