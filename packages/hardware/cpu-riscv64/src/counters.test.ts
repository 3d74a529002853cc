import { FORGETFUL, Prot, type Riscv64Context, TrapAnswer } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { Riscv64Cpu } from './cpu.ts';
import { address, made, TestAccount } from './differential/machine.ts';
import * as Word from './differential/words.ts';
import type { Translation } from './translator/options.ts';

const CODE = 0x1_0000;
const [A0, A1, A2] = [10, 11, 12] as const;
const ROUNDS = 4_000_000;

/** A loop with two loads off one base, an instruction that is never translated, another loop, a system call, and a load that faults. Code that was translated before is not translated again: `offset` makes it new. */
const program = (offset: number): number[] => [
  ...Word.li(A2, CODE),
  ...Word.li(A1, ROUNDS),
  Word.ld(A0, A2, offset),
  Word.ld(A0, A2, offset + 8),
  Word.addi(A1, A1, -1),
  Word.bnez(A1, -12),
  Word.FENCE_I,
  Word.addi(A1, 0, 9),
  Word.addi(A1, A1, -1),
  Word.bnez(A1, -4),
  Word.ECALL,
  Word.ld(A0, 0, 0),
];

function counted(translation: Translation, offset: number) {
  const cpu = new Riscv64Cpu(FORGETFUL, translation);
  const space = made(cpu.space(new TestAccount()));
  const context = made(cpu.context(space)) as Riscv64Context;
  space.map(address(CODE), 4096, Prot.READ | Prot.WRITE | Prot.EXEC, undefined, 0, 'private');
  space.copyOut(address(CODE), new Uint8Array(Uint32Array.from(program(offset)).buffer), true);
  context.pc = address(CODE);
  const exit = cpu.run(
    context,
    space,
    (_context, trap) => {
      if (trap.cause === 'fault') return TrapAnswer.LEAVE;
      context.pc = address(context.pc + 4);
      return TrapAnswer.RESUME;
    },
    40_000_000,
  );
  expect(exit).toBe('left');
  const alive = cpu.counters();
  const { retired } = context;
  space.destroy();
  return { retired, alive, after: cpu.counters() };
}

describe('counters', () => {
  it.each(['off', 'hot', 'eager'] as const)('account for every instruction and trap, translation %s', (translation) => {
    const { retired, alive } = counted(translation, 0);
    const { instructionsInterpreted = 0, instructionsTranslated = 0 } = alive;
    expect(instructionsInterpreted + instructionsTranslated).toBe(retired);
    expect(alive).toMatchObject({ systemCalls: 1, faults: 1, otherTraps: 0, exitsToWildAddress: 0 });
    if (translation === 'off') expect(alive).toMatchObject({ instructionsTranslated: 0, regionsMade: 0, modulesMade: 0, checksKept: 0 });
    else expect(instructionsTranslated).toBeGreaterThan(retired * 0.8);
  });

  it('tell what translation made, and why it was left', () => {
    const { alive } = counted('eager', 16);
    expect(alive.regionsMade).toBeGreaterThan(0);
    expect(alive.modulesMade).toBeGreaterThan(0);
    expect(alive.regionInstructions).toBeGreaterThan(0);
    // The second load of the loop is behind the check of the first.
    expect(alive.checksElided).toBeGreaterThan(0);
    // The first loop ends at the fence, the last load is refused.
    expect(alive.exitsToUntranslatedCode).toBeGreaterThan(0);
    expect(alive.exitsToInterpretOne).toBeGreaterThan(0);
  });

  it('outlast the space, and the next space of the same memory begins anew', () => {
    const { alive, after } = counted('eager', 32);
    expect(after).toEqual(alive);
    expect(counted('eager', 32).alive.instructionsTranslated).toBe(alive.instructionsTranslated);
  });
});
