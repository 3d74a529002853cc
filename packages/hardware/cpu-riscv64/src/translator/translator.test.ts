import { type Context, Prot, type Riscv64Context, type Trap, TrapAnswer } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { Riscv64Cpu } from '../cpu.ts';
import { address, made, TestAccount } from '../differential/machine.ts';
import * as Word from '../differential/words.ts';
import type { Translation } from './options.ts';

const CODE = 0x1_0000;
const ALL = Prot.READ | Prot.WRITE | Prot.EXEC;
const [A0, A1, A2, A3] = [10, 11, 12, 13] as const;

function start(translation: Translation, ...words: readonly number[]) {
  const cpu = new Riscv64Cpu(translation);
  const space = made(cpu.space(new TestAccount()));
  const context = made(cpu.context(space)) as Riscv64Context;
  space.map(address(CODE), 8192, ALL, undefined, 0, 'private');
  const write = (...code: readonly number[]): void => {
    space.copyOut(address(CODE), new Uint8Array(Uint32Array.from(code).buffer), true);
  };
  write(...words);
  context.pc = address(CODE);
  const traps: Pick<Trap, 'cause' | 'access' | 'reason'>[] = [];
  const onTrap = (_context: Context, { cause, access, reason }: Trap): TrapAnswer => {
    traps.push({ cause, access, reason });
    return TrapAnswer.LEAVE;
  };
  return { context, space, traps, write, run: (budget: number) => cpu.run(context, space, onTrap, budget) };
}

describe.each(['off', 'eager', 'hot'] as const)('code that changes, translation %s', (translation) => {
  // a0 += 1, ten times; the immediate is the first instruction's.
  const loop = (step: number): number[] => [Word.addi(A0, A0, step), Word.addi(A1, A1, -1), Word.bnez(A1, -8), Word.ECALL];

  it('by the kernel, between runs', () => {
    const { context, write, run } = start(translation, ...loop(1));
    for (const step of [1, 2, 3]) {
      write(...loop(step));
      context.pc = address(CODE);
      context.writeNumber(A0, 0);
      context.writeNumber(A1, 100_000);
      expect(run(1_000_000)).toBe('left');
      expect(context.readNumber(A0)).toBe(100_000 * step);
    }
    expect(context.retired).toBe(3 * 300_000);
  });

  it('by itself, in the loop that it is in', () => {
    // The immediate of the addi that follows is a1's low bits.
    const { context, run } = start(
      translation,
      ...Word.li(A2, CODE),
      Word.addi(A1, 0, 500),
      0x00050513 | (20 << 7) | 0, // addi x20, x10, 0: a mere filler
      (20 << 20) | (A1 << 15) | (1 << 12) | (A3 << 7) | 0x13,
      0x0000_0013 | (0 << 7) | (A3 << 15) | (6 << 12) | 0, // ori x0, a3, 0
      Word.lui(14, 0x50),
      Word.addi(14, 14, 0x513),
      Word.add(A3, A3, 14),
      0x23 | (2 << 12) | (A2 << 15) | (A3 << 20) | (1 << 25) | (8 << 7), // sw a3, 40(a2)
      Word.addi(A0, A0, 0),
      Word.addi(A1, A1, -1),
      Word.bnez(A1, -32),
      Word.ECALL,
    );
    context.writeNumber(A0, 0);
    expect(run(1_000_000)).toBe('left');
    expect(context.readNumber(A0)).toBe((500 * 501) / 2);
  });

  it.each(['unmapped', 'protection'] as const)('by a store, and is then %s before it was executed again', (reason) => {
    const { context, space, traps, write, run } = start(translation, ...loop(1));
    context.writeNumber(A1, 1_000_000);
    expect(run(500_001)).toBe('budget');
    write(...loop(2));
    if (reason === 'unmapped') space.unmap(address(CODE), 8192);
    else space.protect(address(CODE), 8192, Prot.READ);
    const { retired } = context;
    expect(run(1000)).toBe('left');
    expect(traps).toEqual([{ cause: 'fault', access: 'execute', reason }]);
    expect(context.retired).toBe(retired);
  });

  it('by losing the right to be executed', () => {
    const { context, space, run } = start(translation, ...loop(1));
    context.writeNumber(A1, 1_000_000);
    expect(run(500_001)).toBe('budget');
    space.protect(address(CODE), 4096, Prot.READ);
    const { pc, retired } = context;
    expect(run(1000)).toBe('left');
    expect([context.pc, context.retired]).toEqual([pc, retired]);
    space.protect(address(CODE), 4096, ALL);
    expect(run(10)).toBe('budget');
    expect(context.retired).toBe(retired + 10);
  });
});

describe.each(['off', 'eager', 'hot'] as const)('accesses, translation %s', (translation) => {
  const [RA, SP] = [1, 2] as const;

  it('are refused where the callee came back with another stack pointer, though they were checked with the one before', () => {
    const { context, traps, run } = start(
      translation,
      Word.ld(A3, SP, 0),
      Word.jal(RA, 20),
      Word.ld(A0, SP, 0),
      Word.addi(A1, A1, -1),
      Word.bnez(A1, -16),
      Word.ECALL,
      Word.add(SP, SP, A2),
      Word.jalr(0, RA, 0),
    );
    context.writeNumber(SP, CODE + 4096);
    context.writeNumber(A1, 1_000_000);
    expect(run(700_002)).toBe('budget');
    context.writeNumber(A2, 0x1000_0000);
    expect(run(1000)).toBe('left');
    expect(traps).toEqual([{ cause: 'fault', access: 'read', reason: 'unmapped' }]);
    expect(context.pc).toBe(CODE + 8);
    expect(context.readNumber(SP)).toBe(0x1000_0000 + CODE + 4096);
  });

  it('count every instruction before one that is refused, and none of it', () => {
    const { context, traps, run } = start(
      translation,
      Word.ld(A0, A2, 0),
      Word.add(A3, A3, A0),
      Word.addi(A1, A1, 1),
      Word.sd(A1, A2, 8),
      Word.add(A2, A2, A0),
      Word.jal(0, -20),
    );
    context.writeNumber(A2, CODE + 4096);
    expect(run(600_000)).toBe('budget');
    expect(context.readNumber(A1)).toBe(100_000);
    const { retired } = context;
    // From here on the base moves by what is loaded: at last to where nothing is mapped.
    context.writeNumber(A2, CODE + 8192 - 8);
    expect(run(1000)).toBe('left');
    expect(traps).toEqual([{ cause: 'fault', access: 'write', reason: 'unmapped' }]);
    expect([context.pc, context.retired - retired, context.readNumber(A1)]).toEqual([CODE + 12, 3, 100_001]);
  });
});
