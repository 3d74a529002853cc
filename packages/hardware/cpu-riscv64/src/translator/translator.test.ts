import { type Context, FORGETFUL, Prot, type Riscv64Context, type Trap, TrapAnswer } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { Riscv64Cpu } from '../cpu.ts';
import { address, made, TestAccount } from '../differential/machine.ts';
import * as Word from '../differential/words.ts';
import type { Translation } from './options.ts';

const CODE = 0x1_0000;
const ALL = Prot.READ | Prot.WRITE | Prot.EXEC;
const [A0, A1, A2, A3] = [10, 11, 12, 13] as const;

function start(translation: Translation, ...words: readonly number[]) {
  const cpu = new Riscv64Cpu(FORGETFUL, translation);
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

const FLW = (rd: number, rs1: number, imm: number): number => ((imm << 20) | (rs1 << 15) | (2 << 12) | (rd << 7) | 0x07) >>> 0;
const OP_FP = (funct7: number, rd: number, rs1: number, rs2: number, mode: number): number =>
  ((funct7 << 25) | (rs2 << 20) | (rs1 << 15) | (mode << 12) | (rd << 7) | 0x53) >>> 0;
const [FADD_S, FADD_D, FMUL_D, FDIV_D, DYNAMIC, FRM, FCSR] = [0x00, 0x01, 0x09, 0x0d, 7, 2, 3] as const;
const RET = Word.jalr(0, 1, 0);

/** f0 … f31, then fcsr. */
function floats(context: Riscv64Context): DataView {
  const bytes = new Uint8Array(260);
  context.copyFloatTo(bytes);
  return new DataView(bytes.buffer);
}

describe.each(['off', 'eager', 'hot'] as const)('an illegal rounding mode, translation %s', (translation) => {
  it('traps where it is used, however the region was entered', () => {
    const { context, traps, run } = start(translation, OP_FP(FADD_D, 0, 0, 1, DYNAMIC), Word.addi(A0, A0, 1), Word.jal(0, -8));
    expect(run(300_000)).toBe('budget');
    const bytes = new Uint8Array(260);
    context.copyFloatTo(bytes);
    new DataView(bytes.buffer).setUint32(256, 5 << 5, true);
    context.copyFloatFrom(bytes);
    context.pc = address(CODE);
    expect(run(10)).toBe('left');
    expect(traps).toMatchObject([{ cause: 'illegal' }]);
    expect([context.pc, context.retired, context.readNumber(A0)]).toEqual([CODE, 300_000, 100_000]);
  });

  it.each([FRM, FCSR])('traps behind the write to CSR %i that made it so', (csr) => {
    // a1 is written to it each time.
    const { context, traps, run } = start(
      translation,
      Word.csrrw(0, csr, A1),
      OP_FP(FADD_D, 0, 0, 1, DYNAMIC),
      Word.addi(A0, A0, 1),
      Word.jal(0, -12),
    );
    expect(run(400_000)).toBe('budget');
    context.writeNumber(A1, csr === FRM ? 6 : 6 << 5);
    expect(run(10)).toBe('left');
    expect(traps).toMatchObject([{ cause: 'illegal' }]);
    expect([context.pc, context.retired, context.readNumber(A0)]).toEqual([CODE + 4, 400_001, 100_000]);
  });

  it('traps where a call that made it so comes back', () => {
    const { context, traps, run } = start(
      translation,
      Word.jal(1, 16),
      OP_FP(FADD_D, 0, 0, 1, DYNAMIC),
      Word.addi(A0, A0, 1),
      Word.jal(0, -12),
      Word.csrrw(0, FRM, A1),
      RET,
    );
    expect(run(600_000)).toBe('budget');
    context.writeNumber(A1, 7);
    expect(run(10)).toBe('left');
    expect(traps).toMatchObject([{ cause: 'illegal' }]);
    expect([context.pc, context.retired, context.readNumber(A0)]).toEqual([CODE + 4, 600_003, 100_000]);
  });
});

describe.each(['off', 'eager', 'hot'] as const)('results that are zero, translation %s', (translation) => {
  const [TINY, FLAGS_NX, FLAGS_UF_NX] = [5e-324, 1, 3] as const;
  const cases = [
    { what: 'because a factor is', operation: FMUL_D, a: -3, b: 0, result: -0, flags: [0, FLAGS_NX] },
    { what: 'because the dividend is', operation: FDIV_D, a: 0, b: -3, result: -0, flags: [0, FLAGS_NX] },
    { what: 'because the product is too small', operation: FMUL_D, a: TINY, b: 0.25, result: 0, flags: [FLAGS_UF_NX, FLAGS_UF_NX] },
    { what: 'because the quotient is too small', operation: FDIV_D, a: TINY, b: 4, result: 0, flags: [FLAGS_UF_NX, FLAGS_UF_NX] },
  ];

  it.each(cases)('$what, raise the flags that they should', ({ operation, a, b, result, flags }) => {
    for (const [before, after] of [
      [0, flags[0]],
      [FLAGS_NX, flags[1]],
    ] as const) {
      const { context, run } = start(translation, OP_FP(operation, 2, 0, 1, DYNAMIC), Word.addi(A0, A0, 1), Word.jal(0, -8));
      const bytes = new Uint8Array(260);
      const view = new DataView(bytes.buffer);
      // It is translated with numbers of which nothing is to be said.
      for (const at of [0, 8]) view.setFloat64(at, 1, true);
      context.copyFloatFrom(bytes);
      expect(run(30_000)).toBe('budget');
      view.setFloat64(0, a, true);
      view.setFloat64(8, b, true);
      bytes[256] = before;
      context.copyFloatFrom(bytes);
      expect(run(300)).toBe('budget');
      const seen = floats(context);
      expect([seen.getFloat64(16, true), seen.getUint8(256)]).toEqual([result, after]);
    }
  });
});

describe.each(['off', 'eager', 'hot'] as const)('singles, translation %s', (translation) => {
  const ONE_S = 0x3f80_0000;

  it('are boxed in the registers that are seen from outside', () => {
    // f1 = f1 + f0, f2 = what was loaded, until the budget ends in the midst of the loop.
    const { context, space, run } = start(
      translation,
      FLW(0, A2, 0),
      OP_FP(FADD_S, 1, 1, 0, DYNAMIC),
      FLW(2, A2, 4),
      Word.addi(A0, A0, 1),
      Word.jal(0, -16),
    );
    space.copyOut(address(CODE + 4096), new Uint8Array(Uint32Array.of(ONE_S, 0x7f80_0001).buffer), true);
    context.writeNumber(A2, CODE + 4096);
    context.copyFloatFrom(new Uint8Array(260).fill(0xff, 0, 16).fill(0, 8, 12));
    expect(run(5 * 1000 + 3)).toBe('budget');
    const seen = floats(context);
    expect([seen.getUint32(0, true), seen.getUint32(4, true)]).toEqual([ONE_S, 0xffff_ffff]);
    expect([seen.getFloat32(8, true), seen.getUint32(12, true)]).toEqual([1001, 0xffff_ffff]);
    expect([seen.getUint32(16, true), seen.getUint32(20, true)]).toEqual([0x7f80_0001, 0xffff_ffff]);
  });

  it('are not what is seen of a register that holds a double', () => {
    // f1 = f1 + f0, and f1 is read as a single too.
    const { context, run } = start(
      translation,
      OP_FP(FADD_D, 1, 1, 0, DYNAMIC),
      OP_FP(FADD_S, 2, 1, 1, DYNAMIC),
      Word.addi(A0, A0, 1),
      Word.jal(0, -12),
    );
    const bytes = new Uint8Array(260);
    new DataView(bytes.buffer).setFloat64(0, 1, true);
    context.copyFloatFrom(bytes);
    expect(run(4 * 10_000 + 1)).toBe('budget');
    expect(floats(context).getFloat64(8, true)).toBe(10_001);
  });

  it('are forgotten where the register is written as a double', () => {
    // f1 = f3 + f3 as singles, then f0 + f0 as doubles, and that is read as a single.
    const { context, run } = start(
      translation,
      OP_FP(FADD_S, 1, 3, 3, DYNAMIC),
      OP_FP(FADD_D, 1, 0, 0, DYNAMIC),
      OP_FP(FADD_S, 2, 1, 1, DYNAMIC),
      Word.jal(0, -12),
    );
    const bytes = new Uint8Array(260);
    const view = new DataView(bytes.buffer);
    view.setFloat64(0, 1, true);
    view.setBigUint64(24, 0xffff_ffff_3f80_0000n, true);
    bytes[256] = 1;
    context.copyFloatFrom(bytes);
    expect(run(40_000)).toBe('budget');
    expect(floats(context).getBigUint64(16, true)).toBe(0xffff_ffff_7fc0_0000n);
  });

  it('are NaN where a register holds a double, and its low half is still what is stored and moved', () => {
    // f1 = f0 + f0 as singles, fmv.x.w a1, f0, again and again; f0 is a double.
    const { context, run } = start(translation, OP_FP(FADD_S, 1, 0, 0, DYNAMIC), OP_FP(0x70, A1, 0, 0, 0), Word.jal(0, -8));
    const bytes = new Uint8Array(260);
    new DataView(bytes.buffer).setBigUint64(0, 0x3ff0_0000_3f80_0000n, true);
    // Inexact is raised, so that the host's results are taken.
    bytes[256] = 1;
    context.copyFloatFrom(bytes);
    expect(run(30_000)).toBe('budget');
    const seen = floats(context);
    expect([seen.getUint32(8, true), seen.getUint32(12, true), context.readNumber(A1)]).toEqual([0x7fc0_0000, 0xffff_ffff, ONE_S]);
    expect(seen.getBigUint64(0, true)).toBe(0x3ff0_0000_3f80_0000n);
  });
});
