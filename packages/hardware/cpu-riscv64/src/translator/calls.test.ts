import { type AddressSpace, type Context, FORGETFUL, Prot, type Riscv64Context, type Trap, TrapAnswer } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { Riscv64Cpu } from '../cpu.ts';
import { address, made, TestAccount } from '../differential/machine.ts';
import * as Word from '../differential/words.ts';

/** Each tier has its code elsewhere: what one has translated the next would take over. */
const PLACES = { off: 0x1_0000, eager: 0x2_0000, hot: 0x3_0000 } as const;
/** From the program to the function that it calls, in bytes. */
const FAR = 0x1000;
const STACK = 0x4_0000;
const STACK_BYTES = 0x1_0000;
const ALL = Prot.READ | Prot.WRITE | Prot.EXEC;
const [RA, SP, T0, T1, A0, A1, A2] = [1, 2, 5, 6, 10, 11, 12] as const;
const RETURN = Word.jalr(0, RA, 0);

/** A program that calls a function that is {@link FAR} behind it; `onCall` answers its system calls and breakpoints, which are gone on behind. */
function start(
  translation: keyof typeof PLACES,
  program: readonly number[],
  called: readonly number[],
  onCall: (space: AddressSpace, context: Riscv64Context) => void = () => undefined,
) {
  const code = PLACES[translation];
  const cpu = new Riscv64Cpu(FORGETFUL, translation);
  const space = made(cpu.space(new TestAccount()));
  const context = made(cpu.context(space)) as Riscv64Context;
  space.map(address(code), 8192, ALL, undefined, 0, 'private');
  space.map(address(STACK), STACK_BYTES, Prot.READ | Prot.WRITE, undefined, 0, 'private');
  const write = (at: number, words: readonly number[]): void => {
    space.copyOut(address(code + at), new Uint8Array(Uint32Array.from(words).buffer), true);
  };
  write(0, program);
  write(FAR, called);
  context.pc = address(code);
  context.writeNumber(SP, STACK + 64);
  const last: { trap?: Trap } = {};
  const onTrap = (_context: Context, trap: Trap): TrapAnswer => {
    const { cause } = trap;
    last.trap = { ...trap };
    if (cause === 'fault' || context.pc < code + FAR) return TrapAnswer.LEAVE;
    context.pc = address(context.pc + 4);
    onCall(space, context);
    return TrapAnswer.RESUME;
  };
  const run = (): string => {
    for (;;) {
      const exit = cpu.run(context, space, onTrap, 50_000) as string;
      if (exit !== 'budget') return exit;
    }
  };
  return { cpu, space, context, write, run, last };
}

const TURNS = 60_000;
/** a0 += what the function adds, a1 times; leaves at an ecall. */
const LOOP = [Word.jal(RA, FAR), Word.addi(A1, A1, -1), Word.bnez(A1, -8), Word.ECALL];

const [NEAREST, UP] = [0, 3] as const;

/** Sets the dynamic rounding mode; flags stay. */
function setMode(context: Riscv64Context, mode: number): void {
  const state = new Uint8Array(260);
  context.copyFloatTo(state);
  state[256] = ((state[256] as number) & 31) | (mode << 5);
  context.copyFloatFrom(state);
}

/** A system call is made from within translated code, a breakpoint is for the interpreter. */
const TRAPS = [
  ['system call', Word.ECALL],
  ['breakpoint', Word.EBREAK],
] as const;

describe.each(['off', 'eager', 'hot'] as const)('calls that have to wait, translation %s', (translation) => {
  it.each(TRAPS)('go on behind a %s in the function', (_name, trap) => {
    const { context, run } = start(translation, LOOP, [Word.addi(A0, A0, 1), trap, Word.addi(A0, A0, 2), RETURN], (_, guest) => {
      guest.writeNumber(A0, guest.readNumber(A0) + 4);
    });
    context.writeNumber(A1, TURNS);
    expect(run()).toBe('left');
    expect(context.readNumber(A0)).toBe(7 * TURNS);
    // A breakpoint is never complete.
    expect(context.retired).toBe((trap === Word.ECALL ? 7 : 6) * TURNS);
  });

  it.each(TRAPS)('do not go on in code that was written meanwhile, at a %s', (_name, trap) => {
    let calls = 0;
    const { context, run, write } = start(
      translation,
      [Word.jal(RA, FAR), Word.addi(A0, A0, 1), Word.addi(A1, A1, -1), Word.bnez(A1, -12), Word.ECALL],
      [trap, RETURN],
      () => {
        if (++calls === TURNS / 2) write(4, [Word.addi(A0, A0, 3)]);
      },
    );
    context.writeNumber(A1, TURNS);
    expect(run()).toBe('left');
    // The call under way comes back to what was written.
    expect(context.readNumber(A0)).toBe(TURNS / 2 - 1 + 3 * (TURNS / 2 + 1));
  });

  it.each(TRAPS)('leave nothing checked that lost a right meanwhile, at a %s', (_name, trap) => {
    let times = 0;
    // A loop within the loop, so that it is hot and where the call comes back is not.
    const spin = [Word.addi(A2, 0, 100), Word.addi(A2, A2, -1), Word.bnez(A2, -4)];
    const { context, run, space } = start(
      translation,
      [...spin, ...[Word.sd(A1, SP, 0), Word.jal(RA, FAR - 16), Word.sd(A1, SP, 0), Word.addi(A1, A1, -1), Word.bnez(A1, -28), Word.ECALL]],
      [trap, RETURN],
      (guest) =>
        void guest.takeDirty((page) => {
          if (page === STACK >> 12) times++;
        }),
    );
    context.writeNumber(A1, TURNS / 10);
    expect(run()).toBe('left');
    expect(times).toBe(TURNS / 10);
    // The last store was behind the last call.
    const rest: number[] = [];
    space.takeDirty((page) => rest.push(page));
    expect(rest).toEqual([STACK >> 12]);
  });

  it('come back to whoever called through a jump that links elsewhere', () => {
    // As a PLT does: jalr t1, t0.
    const { context, run } = start(translation, LOOP, [
      Word.addi(T0, A2, 0),
      Word.jalr(T1, T0, 16),
      Word.ECALL,
      0,
      Word.addi(A0, A0, 5),
      RETURN,
    ]);
    context.writeNumber(A1, TURNS);
    context.writeNumber(A2, PLACES[translation] + FAR);
    expect(run()).toBe('left');
    expect(context.readNumber(A0)).toBe(5 * TURNS);
    expect(context.readNumber(T1)).toBe(PLACES[translation] + FAR + 8);
  });

  it('go on behind an arm that is hardly ever taken', () => {
    const rare = [Word.andi(T0, A1, 63), Word.bnez(T0, 12), Word.addi(A0, A0, 100), Word.addi(A0, A0, 100), Word.addi(A0, A0, 1), RETURN];
    const { context, run } = start(translation, [...LOOP.slice(0, 2), Word.addi(A2, A2, 1), Word.bnez(A1, -12), Word.ECALL], rare);
    context.writeNumber(A1, 10 * TURNS);
    expect(run()).toBe('left');
    expect(context.readNumber(A0)).toBe(10 * TURNS + 200 * Math.floor((10 * TURNS) / 64));
    expect(context.readNumber(A2)).toBe(10 * TURNS);
  });

  it('nest as deep as the guest likes, each with a system call within', () => {
    const depth = STACK_BYTES / 16 - 1;
    const { context, run } = start(
      translation,
      [Word.jal(RA, FAR), Word.addi(A2, A2, -1), Word.bnez(A2, -8), Word.ECALL],
      [
        ...[Word.addi(SP, SP, -16), Word.sd(RA, SP, 0), Word.ECALL, Word.addi(A0, A0, 1)],
        ...[Word.andi(T0, A1, -1), Word.beqz(T0, 20), Word.addi(A1, A1, -1), Word.jal(RA, -28), Word.addi(A1, A1, 1), Word.addi(A0, A0, 1)],
        ...[Word.ld(RA, SP, 0), Word.addi(SP, SP, 16), RETURN],
      ],
    );
    context.writeNumber(SP, STACK + STACK_BYTES);
    context.writeNumber(A1, depth - 1);
    // The callees are made ready by the first rounds.
    context.writeNumber(A2, 30);
    expect(run()).toBe('left');
    expect(context.readNumber(A0)).toBe(30 * (2 * depth - 1));
  });
});

describe.each(['off', 'eager', 'hot'] as const)('system calls, translation %s', (translation) => {
  const code = PLACES[translation];

  it('are made from within translated code', () => {
    let calls = 0;
    const loop = [Word.jal(RA, FAR), Word.addi(A1, A1, -1), Word.addi(A2, A2, 1), Word.bnez(A1, -12), Word.ECALL];
    const { cpu, context, run } = start(translation, loop, [Word.addi(A0, A0, 3), Word.ECALL, Word.addi(A0, A0, 2), RETURN], (_, guest) => {
      // Of the eight instructions of a turn, two are in front of it.
      if (guest.retired !== 8 * calls++ + 2) throw new Error(`call ${calls} after ${guest.retired} instructions`);
    });
    context.writeNumber(A1, 10 * TURNS);
    expect(run()).toBe('left');
    expect([calls, context.readNumber(A0)]).toEqual([10 * TURNS, 50 * TURNS]);
    const { exitsToInterpretOne = 0, exitsToUntranslatedCode = 0 } = cpu.counters();
    expect(exitsToInterpretOne + exitsToUntranslatedCode).toBeLessThan(TURNS / 100);
  });

  it('round as the kernel says when they come back', () => {
    // fdiv.d f2, f0, f1 with the dynamic mode, and the last bit of its result.
    const last = [Word.rType(0x53, 7, 0x0d, 2, 0, 1), Word.rType(0x53, 0, 0x71, T0, 2, 0), Word.andi(T0, T0, 1)];
    const { context, run } = start(translation, LOOP, [Word.ECALL, ...last, Word.add(A0, A0, T0), RETURN], (_, guest) => {
      setMode(guest, guest.readNumber(A1) % 2 === 0 ? UP : NEAREST);
    });
    context.copyFloatFrom(new Uint8Array(Float64Array.from({ length: 33 }, (_, r) => (r === 0 ? 1 : r === 1 ? 3 : 0)).buffer, 0, 260));
    context.writeNumber(A1, TURNS);
    expect(run()).toBe('left');
    // A third is even when it is rounded up, odd to nearest.
    expect(context.readNumber(A0)).toBe(TURNS / 2);
  });

  it('make what was accessed in front of them fault behind them if the kernel takes it away', () => {
    const data = (rd: number, offset: number): readonly number[] => [Word.lui(rd, STACK >>> 12), Word.ld(T0, rd, offset)];
    const { context, run, last } = start(
      translation,
      [...data(A2, 0), Word.jal(RA, FAR - 8), ...data(T1, 8), Word.addi(A1, A1, -1), Word.bnez(A1, -24), Word.ECALL],
      [Word.ECALL, RETURN],
      (space, guest) => {
        if (guest.readNumber(A1) === TURNS / 2) space.protect(address(STACK), STACK_BYTES, Prot.NONE);
      },
    );
    context.writeNumber(A1, TURNS);
    expect(run()).toBe('left');
    expect([last.trap, context.pc]).toMatchObject([{ cause: 'fault', access: 'read', address: STACK + 8 }, code + 16]);
    expect([context.readNumber(A1), context.retired]).toEqual([TURNS / 2, (TURNS / 2) * 9 + 6]);
  });

  it('go on wherever the kernel says', () => {
    const { context, run } = start(
      translation,
      [Word.jal(RA, 12), Word.addi(A0, A0, 100), Word.ECALL, ...[Word.addi(A2, RA, 0), Word.jal(RA, FAR - 16), Word.jal(0, -4)]],
      [Word.ECALL, Word.addi(A0, A0, 1), Word.addi(A1, A1, -1), RETURN],
      (_, guest) => {
        // As when a signal's handler jumps out of the loop that never ends.
        if (guest.readNumber(A1) === 0) guest.pc = address(code + 4);
      },
    );
    context.writeNumber(A1, TURNS);
    expect(run()).toBe('left');
    expect(context.readNumber(A0)).toBe(TURNS + 100);
    expect(context.pc).toBe(code + 8);
  });
});

describe.each(['off', 'eager', 'hot'] as const)('functions that are copied to where they are called, translation %s', (translation) => {
  const code = PLACES[translation];
  // Not as the loops above: what was translated of those would be taken.
  const loop = [Word.jal(RA, FAR), Word.addi(T1, T1, 1), Word.addi(A1, A1, -1), Word.bnez(A1, -12), Word.ECALL];

  it('are what they are now, whatever they were', () => {
    const { cpu, space, context, run, write } = start(translation, loop, [Word.addi(A0, A0, 1), RETURN]);
    context.writeNumber(A1, 10 * TURNS);
    const runOn = (instructions: number): string => cpu.run(context, space, () => TrapAnswer.LEAVE, instructions);
    expect(runOn(15 * TURNS)).toBe('budget');
    const done = context.readNumber(A0);
    expect(done).toBeGreaterThan(TURNS);
    write(FAR, [Word.addi(A0, A0, 3)]);
    expect(run()).toBe('left');
    expect(cpu.counters().copiedInstructions !== 0).toBe(translation !== 'off');
    expect(context.readNumber(A0)).toBe(done + 3 * (10 * TURNS - done));
  });

  it('return to elsewhere if they are told to', () => {
    const framed = [Word.addi(SP, SP, -16), Word.sd(RA, SP, 8), Word.addi(A0, A0, 1), Word.bnez(A1, 8), Word.sd(A2, SP, 8)];
    const { context, run } = start(
      translation,
      [...[Word.jal(RA, FAR), Word.addi(A1, A1, -1), Word.jal(0, -8)], Word.addi(A0, A0, 100), Word.ECALL],
      [...framed, Word.ld(RA, SP, 8), Word.addi(SP, SP, 16), RETURN],
    );
    context.writeNumber(A1, TURNS);
    context.writeNumber(A2, code + 12);
    expect(run()).toBe('left');
    expect(context.readNumber(A0)).toBe(TURNS + 101);
    expect(context.readNumber(RA)).toBe(code + 12);
    expect(context.readNumber(SP)).toBe(STACK + 64);
  });

  it('fault where they are, and go on there', () => {
    const { context, run, last } = start(translation, loop, [Word.ld(T0, A2, 0), Word.addi(A0, A0, 1), RETURN]);
    context.writeNumber(A1, TURNS);
    context.writeNumber(A2, STACK);
    context.writeNumber(A1, TURNS);
    expect(run()).toBe('left');
    context.pc = address(code);
    context.writeNumber(A1, 1);
    context.writeNumber(A2, STACK + STACK_BYTES);
    expect(run()).toBe('left');
    expect(last.trap).toMatchObject({ cause: 'fault', access: 'read', address: STACK + STACK_BYTES });
    expect(context.pc).toBe(code + FAR);
    expect(context.readNumber(RA)).toBe(code + 4);
    expect(context.readNumber(A0)).toBe(TURNS);
  });
});

describe.each(['off', 'eager', 'hot'] as const)('calls of what a register holds, translation %s', (translation) => {
  const code = PLACES[translation];
  const [S2, S3, S4, S5] = [18, 19, 20, 21] as const;
  /** Larger than what is copied, and changes who is called next: s4 and s5 are the two, s2 is what it is not. */
  const large = (step: number): number[] => [
    ...Array.from({ length: 70 }, () => Word.addi(T0, T0, 1)),
    ...[Word.addi(A0, A0, step), Word.sub(S2, S4, S2), Word.add(S2, S2, S5), RETURN],
  ];

  it('call what it holds by then, though each call changes it', () => {
    const second = FAR + large(1).length * 4;
    const third = second + large(1).length * 4;
    const { context, run } = start(
      translation,
      // Sometimes s3 instead, which is small.
      [
        Word.jalr(RA, S2, 0),
        Word.andi(T1, A1, 4),
        Word.beqz(T1, 8),
        Word.jalr(RA, S3, 0),
        Word.addi(A1, A1, -1),
        Word.bnez(A1, -20),
        Word.ECALL,
      ],
      [...large(1), ...large(100), Word.addi(A0, A0, 1000), RETURN],
    );
    for (const register of [S2, S4]) context.writeNumber(register, code + FAR);
    context.writeNumber(S5, code + second);
    context.writeNumber(S3, code + third);
    context.writeNumber(A1, 8000);
    expect(run()).toBe('left');
    expect(context.readNumber(A0)).toBe(4000 * 101 + 4000 * 1000);
    expect(context.readNumber(S2)).toBe(code + FAR);
  });
});
