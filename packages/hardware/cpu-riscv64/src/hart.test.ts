import { type AddressSpace, type Backing, type Exit, Prot, type Riscv64Context, type Trap, TrapAnswer } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { Riscv64Cpu } from './cpu.ts';
import { address, made, TestAccount, TestMachine } from './differential/machine.ts';
import { Random } from './differential/random.ts';
import { program } from './differential/sequences.ts';
import * as Word from './differential/words.ts';

/** Traps, faults, budgets and self-modifying code. */
const CODE = 0x1_0000;
const DATA = 0x2_0000;
const [ZERO, RA, A0, A1, A2] = [0, 1, 10, 11, 12] as const;

const bytesOf = (...words: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(words).buffer);

function machineWith(...words: readonly number[]): TestMachine {
  const machine = new TestMachine();
  machine.map(CODE, 8192, Prot.READ | Prot.EXEC);
  machine.map(DATA, 8192);
  machine.write(CODE, bytesOf(...words));
  machine.context.pc = address(CODE);
  return machine;
}

const zeroes = (id: string): Backing => ({ id, fetch: () => 0 });

const general = (context: Riscv64Context): Uint8Array => {
  const out = new Uint8Array(256);
  context.copyGeneralTo(out);
  return out;
};

describe('faults', () => {
  const load = Word.ld(A0, A1, 0);
  const store = Word.sd(A0, A1, 0);
  const amo = (A0 << 20) | (A1 << 15) | (3 << 12) | (A2 << 7) | 0x2f;
  const lr = (2 << 27) | (A1 << 15) | (3 << 12) | (A2 << 7) | 0x2f;
  const last = DATA + 8192;

  it.each([
    ['a load', load, 0x5_0000, 'read', 'unmapped', 0x5_0000],
    ['a store', store, 0x5_0000, 'write', 'unmapped', 0x5_0000],
    ['a store to code', store, CODE + 8, 'write', 'protection', CODE + 8],
    ['a load above 4 GiB', load, 0x1_0000_0000 + DATA, 'read', 'unmapped', 0x1_0000_0000 + DATA],
    ['a load below zero', load, -8, 'read', 'unmapped', -8],
    ['a load past the last page', load, last - 4, 'read', 'unmapped', last],
    ['a store past the last page', store, last - 1, 'write', 'unmapped', last],
    ['an atomic on code', amo, CODE + 8, 'write', 'protection', CODE + 8],
    ['a misaligned atomic', amo, DATA + 4, 'write', 'misaligned', DATA + 4],
    ['a misaligned lr', lr, DATA + 4, 'read', 'misaligned', DATA + 4],
  ] as const)('%s leaves everything as it was', (_what, word, at, access, reason, reported) => {
    const machine = machineWith(Word.addi(A2, ZERO, 5), word);
    machine.context.writeNumber(A1, at);
    machine.context.writeNumber(A0, 77);
    expect(machine.run(1)).toBe('budget');
    const before = general(machine.context);
    expect(machine.run(10)).toBe('left');
    expect(machine.traps).toEqual([{ cause: 'fault', address: reported, access, reason }]);
    expect(general(machine.context)).toEqual(before);
    expect([machine.context.pc, machine.context.retired]).toEqual([CODE + 4, 1]);
  });

  it.each([
    ['a load', load, 0],
    ['a jump', Word.jalr(RA, A1, 0), 1],
  ])('%s to any of 2^64 addresses tells it exactly', (_what, word, before) => {
    for (const [low, high] of [
      [0x5_0000, 0],
      [0x9abc_def0 | 0, 0x1234_5678],
      [0x7654_3210, 0xfedc_ba98 | 0],
      [-2, -1],
    ] as const) {
      const machine = machineWith(word);
      machine.context.writeHalves(A1, low, high);
      if (before > 0) expect(machine.run(before)).toBe('budget');
      expect(machine.run(10)).toBe('left');
      expect(machine.traps[0]).toMatchObject({ cause: 'fault', address: low + (low < 0 ? 2 ** 32 : 0) + high * 2 ** 32 });
      expect([machine.context.faultLow, machine.context.faultHigh]).toEqual([low, high]);
    }
  });

  it('a store across the end of writable memory stores nothing', () => {
    const machine = machineWith(store);
    machine.context.writeNumber(A1, last - 4);
    machine.context.writeNumber(A0, -1);
    expect(machine.run(10)).toBe('left');
    expect(machine.read(last - 8, 8)).toEqual(new Uint8Array(8));
  });

  it('a jump to where nothing may be executed is taken, and faults there', () => {
    for (const target of [DATA, 0x9_0000, 2 ** 33]) {
      const machine = machineWith(Word.jalr(RA, A1, 0));
      machine.context.writeNumber(A1, target);
      expect(machine.run(1)).toBe('budget');
      expect(machine.run(10)).toBe('left');
      expect(machine.traps[0]).toMatchObject({ cause: 'fault', address: target, access: 'execute' });
      expect([machine.context.pc, machine.context.readNumber(RA), machine.context.retired]).toEqual([target, CODE + 4, 1]);
    }
  });

  it.each([
    ['jal', Word.jal(RA, -0x4_0000), -0x3_0000],
    ['jalr to the top of 4 GiB', Word.jalr(RA, A1, 0), 0xfffd_0000],
    ['jalr below zero', Word.jalr(RA, A2, 0), -0x3_0000],
  ])('%s goes to all 64 bits of its target', (_what, word, target) => {
    const pc = target < 0 ? target + 2 ** 64 : target;
    for (const runs of [1, 200]) {
      const machine = machineWith(word);
      machine.context.writeNumber(A1, 0xfffd_0000);
      machine.context.writeNumber(A2, -0x3_0000);
      // Again and again, for a translator.
      for (let i = 1; i < runs; i++) {
        machine.context.pc = address(CODE);
        expect(machine.run(10)).toBe('left');
      }
      machine.traps.length = 0;
      machine.context.pc = address(CODE);
      expect(machine.run(1)).toBe('budget');
      expect(machine.context.pc).toBe(pc);
      expect(machine.run(10)).toBe('left');
      expect(machine.traps).toMatchObject([{ cause: 'fault', address: target, access: 'execute' }]);
      expect([machine.context.pc, machine.context.readNumber(RA)]).toEqual([pc, CODE + 4]);
      // The same where it need not stop in between.
      machine.context.pc = address(CODE);
      expect(machine.run(10)).toBe('left');
      expect(machine.traps[1]).toEqual(machine.traps[0]);
      expect(machine.context.pc).toBe(pc);
    }
  });

  it('an instruction whose second half is on a page that may not be executed faults on that page', () => {
    const machine = machineWith();
    machine.map(CODE + 4096, 4096);
    machine.write(CODE + 4094, bytesOf(Word.addi(A0, ZERO, 1)));
    machine.context.pc = address(CODE + 4094);
    expect(machine.run(10)).toBe('left');
    expect(machine.traps[0]).toMatchObject({ address: CODE + 4096, access: 'execute', reason: 'protection' });
    machine.space.protect(address(CODE + 4096), 4096, Prot.READ | Prot.EXEC);
    expect(machine.run(1)).toBe('budget');
    expect([machine.context.readNumber(A0), machine.context.pc]).toEqual([1, CODE + 4098]);
  });

  it('says nomemory when the account is full', () => {
    const machine = new TestMachine(3);
    machine.map(CODE, 4096, Prot.READ | Prot.EXEC);
    machine.map(DATA, 4 * 4096);
    machine.write(CODE, bytesOf(Word.sd(A0, A1, 0), Word.add(A1, A1, A2), Word.jal(0, -8)));
    machine.context.writeNumber(A1, DATA);
    machine.context.writeNumber(A2, 4096);
    machine.context.pc = address(CODE);
    expect(machine.run(100)).toBe('left');
    expect(machine.traps[0]).toMatchObject({ cause: 'nomemory', address: DATA + 2 * 4096, access: 'write' });
    expect([machine.account.usedPages, machine.space.residentPages]).toEqual([3, 3]);
  });

  it('ebreak and illegal instructions trap at their address', () => {
    const machine = machineWith(0x0010_0073, 0xffff_ffff);
    expect(machine.run(10)).toBe('left');
    machine.context.pc = address(CODE + 4);
    expect(machine.run(10)).toBe('left');
    expect(machine.traps.map(({ cause, address: at }) => [cause, at])).toEqual([
      ['breakpoint', CODE],
      ['illegal', CODE + 4],
    ]);
    expect(machine.context.retired).toBe(0);
  });
});

describe('system calls', () => {
  const handle = (machine: TestMachine, handler: (trap: Trap, context: Riscv64Context) => TrapAnswer, budget: number): Exit =>
    machine.cpu.run(machine.context, machine.space, (context, trap) => handler(trap, context as Riscv64Context), budget) as Exit;

  it('a handler that moves the pc completes the call; one that does not is asked again', () => {
    const machine = machineWith(Word.ECALL, Word.addi(A0, A0, 1), Word.jal(0, -8));
    const parked = (): TrapAnswer => TrapAnswer.LEAVE;
    expect(handle(machine, parked, 100)).toBe('left');
    expect(handle(machine, parked, 100)).toBe('left');
    expect([machine.context.pc, machine.context.retired]).toEqual([CODE, 0]);
    const seen: number[] = [];
    const completing = (_trap: Trap, context: Riscv64Context): TrapAnswer => {
      seen.push(context.retired);
      context.pc = address(context.pc + 4);
      return TrapAnswer.RESUME;
    };
    expect(handle(machine, completing, 7)).toBe('budget');
    expect([seen, machine.context.readNumber(A0), machine.context.retired]).toEqual([[0, 3, 6], 2, 7]);
  });

  it('resuming without completing uses budget, and retires nothing', () => {
    const machine = machineWith(Word.ECALL);
    let calls = 0;
    const idle = (): TrapAnswer => {
      calls++;
      return TrapAnswer.RESUME;
    };
    expect(handle(machine, idle, 50)).toBe('budget');
    expect([calls, machine.context.retired]).toEqual([50, 0]);
  });

  it('interrupt in a handler ends the run after the call', () => {
    const machine = machineWith(Word.ECALL, Word.jal(0, -4));
    const interrupting = (_trap: Trap, context: Riscv64Context): TrapAnswer => {
      context.pc = address(context.pc + 4);
      machine.cpu.interrupt(context);
      return TrapAnswer.RESUME;
    };
    expect(handle(machine, interrupting, 50)).toBe('interrupted');
    expect([machine.context.pc, machine.context.retired]).toEqual([CODE + 4, 1]);
  });

  it('memory may grow under a handler', () => {
    const machine = machineWith(Word.ECALL, Word.addi(A0, A0, 1), Word.jal(0, -8));
    machine.map(0x800_0000, 4096);
    const growing = (_trap: Trap, context: Riscv64Context): TrapAnswer => {
      machine.write(0x800_0000, bytesOf(7));
      context.writeNumber(A0, 41);
      context.pc = address(context.pc + 4);
      return TrapAnswer.RESUME;
    };
    expect(handle(machine, growing, 2)).toBe('budget');
    expect(machine.context.readNumber(A0)).toBe(42);
  });
});

describe('registers from outside', () => {
  it.each([0, 1, -1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53 - 1, -(2 ** 53) + 1, -(2 ** 32) - 5])('%i survives', (value) => {
    const { context } = machineWith();
    context.writeNumber(A0, value);
    expect(context.readNumber(A0)).toBe(value);
    context.writeHalves(A1, context.readLow(A0), context.readHigh(A0));
    expect(context.readNumber(A1)).toBe(value);
  });

  it('x0 stays zero', () => {
    const { context } = machineWith();
    context.writeNumber(0, 5);
    context.writeHalves(0, 5, 5);
    expect(context.readNumber(0)).toBe(0);
  });

  it('general and float registers move in bulk', () => {
    const { context, cpu, space } = machineWith();
    const x = Uint8Array.from({ length: 256 }, (_, i) => (i === 0 ? 4 : i % 251));
    const f = Uint8Array.from({ length: 260 }, (_, i) => (i > 256 ? 0 : (i * 7) % 256));
    context.copyGeneralFrom(x);
    context.copyFloatFrom(f);
    const copy = made(cpu.clone(context, space)) as Riscv64Context;
    const outF = new Uint8Array(260);
    copy.copyFloatTo(outF);
    expect([general(copy), outF]).toEqual([x, f]);
  });
});

describe('budgets', () => {
  it('cutting a run at every instruction changes nothing', () => {
    const { elf } = program(new Random(3), 20);
    const outcome = (slice: (left: number) => number): unknown => {
      const machine = new TestMachine();
      machine.load(elf);
      let exit: Exit = 'budget';
      let runs = 0;
      while (exit === 'budget') {
        const before = machine.context.retired;
        const budget = slice(runs++);
        exit = machine.run(budget);
        if (exit === 'budget' && machine.context.retired !== before + budget)
          throw new Error(`${machine.context.retired - before} of ${budget}`);
      }
      const result = [machine.status, machine.context.retired, machine.output.map((bytes) => bytes.toString())];
      machine.destroy();
      return result;
    };
    const whole = outcome(() => 1_000_000_000);
    expect(outcome(() => 1)).toEqual(whole);
    expect(outcome((n) => (n % 13) + 1)).toEqual(whole);
  });
});

describe('code that changes', () => {
  const set = (value: number): number => Word.addi(A0, ZERO, value);

  it('a store to code that was executed takes effect at once', () => {
    const machine = machineWith();
    machine.map(CODE, 4096, Prot.READ | Prot.WRITE | Prot.EXEC);
    // Executes `set(1)`, then stores `set(2)` over it and executes it again.
    machine.write(
      CODE,
      bytesOf(set(1), Word.branch(1, A2, ZERO, 16), Word.sd(A1, RA, 0), Word.addi(A2, ZERO, 1), Word.jal(0, -16), Word.ECALL),
    );
    machine.context.writeNumber(RA, CODE);
    machine.context.writeHalves(A1, set(2), Word.branch(1, A2, ZERO, 16));
    machine.context.pc = address(CODE);
    expect(machine.run(5)).toBe('budget');
    expect(machine.context.readNumber(A0)).toBe(1);
    expect(machine.run(2)).toBe('budget');
    expect([machine.context.readNumber(A0), machine.context.pc]).toEqual([2, CODE + 20]);
  });

  it('a store may overwrite the next instruction', () => {
    const machine = machineWith();
    machine.map(CODE, 4096, Prot.READ | Prot.WRITE | Prot.EXEC);
    const sw = (A1 << 20) | (RA << 15) | (2 << 12) | (4 << 7) | 0x23;
    machine.write(CODE, bytesOf(sw, set(1), Word.jal(0, -8)));
    machine.context.writeNumber(RA, CODE);
    machine.context.writeHalves(A1, set(2), 0);
    machine.context.pc = address(CODE);
    expect(machine.run(2)).toBe('budget');
    expect(machine.context.readNumber(A0)).toBe(2);
  });

  it('the kernel may write code, also the second half of an instruction at the end of a page', () => {
    const machine = machineWith();
    machine.write(CODE + 4094, bytesOf(set(1), Word.jal(0, -4)));
    machine.context.pc = address(CODE + 4094);
    expect(machine.run(3)).toBe('budget');
    expect(machine.context.readNumber(A0)).toBe(1);
    // The upper half of an addi holds its immediate.
    machine.write(CODE + 4096, bytesOf(set(3), 0).subarray(2, 4));
    expect(machine.run(2)).toBe('budget');
    expect(machine.context.readNumber(A0)).toBe(3);
    machine.space.window(address(CODE + 4096), 2, false);
    machine.space.protect(address(CODE + 4096), 4096, Prot.READ | Prot.WRITE | Prot.EXEC);
    machine.space.window(address(CODE + 4096), 2, true)?.set(bytesOf(set(5), 0).subarray(2, 4));
    expect(machine.run(2)).toBe('budget');
    expect(machine.context.readNumber(A0)).toBe(5);
  });

  it('unmapped, protected and replaced code is not executed any more', () => {
    const machine = machineWith(set(1), Word.jal(0, -4));
    expect(machine.run(4)).toBe('budget');
    machine.space.protect(address(CODE), 4096, Prot.READ);
    expect(machine.run(4)).toBe('left');
    machine.map(CODE, 4096, Prot.READ | Prot.EXEC);
    machine.write(CODE, bytesOf(set(2), Word.jal(0, -4)));
    expect(machine.run(4)).toBe('budget');
    expect(machine.context.readNumber(A0)).toBe(2);
    machine.space.unmap(address(CODE), 4096);
    expect(machine.run(4)).toBe('left');
    expect(machine.traps.map(({ reason }) => reason)).toEqual(['protection', 'unmapped']);
  });

  it('more code than there are slots still runs', () => {
    const machine = new TestMachine();
    const pages = 700;
    machine.map(CODE, pages * 4096, Prot.READ | Prot.EXEC);
    // Each page adds one and jumps to the next; the last jumps back to the first.
    for (let i = 0; i < pages; i++) {
      const onward = i === pages - 1 ? Word.jalr(0, RA, 0) : Word.jal(0, 4092);
      machine.write(CODE + i * 4096, bytesOf(Word.addi(A0, A0, 1), onward));
    }
    machine.context.writeNumber(RA, CODE);
    machine.context.pc = address(CODE);
    expect(machine.run(pages * 2 * 3)).toBe('budget');
    expect([machine.context.readNumber(A0), machine.context.pc]).toEqual([pages * 3, CODE]);
  });
});

describe('reservations', () => {
  const lr = ((2 << 27) | (A1 << 15) | (3 << 12) | (A0 << 7) | 0x2f) >>> 0;
  const sc = ((3 << 27) | (A2 << 20) | (A1 << 15) | (3 << 12) | (A0 << 7) | 0x2f) >>> 0;
  const store = Word.sd(A2, A1, 0);

  /** Runs one instruction of a second thread between lr and sc of the first. */
  function between(other: number, at: number): { failed: number; value: number } {
    const machine = machineWith(lr, sc);
    machine.write(CODE + 0x100, bytesOf(other));
    const { context, space, cpu } = machine;
    context.writeNumber(A1, DATA);
    context.writeNumber(A2, 5);
    machine.run(1);
    const thread = made(cpu.clone(context, space)) as Riscv64Context;
    thread.pc = address(CODE + 0x100);
    thread.writeNumber(A1, at);
    thread.writeNumber(A2, 0);
    expect(cpu.run(thread, space, () => TrapAnswer.LEAVE, 1)).toBe('budget');
    expect(machine.run(1)).toBe('budget');
    return { failed: context.readNumber(A0), value: machine.read(DATA, 1)[0] as number };
  }

  it('survive a switch to a thread that stores elsewhere', () =>
    expect(between(Word.ld(A0, A1, 0), DATA)).toEqual({ failed: 0, value: 5 }));
  it('are lost to another thread that stores the same value there', () => expect(between(store, DATA)).toEqual({ failed: 1, value: 0 }));
  it('survive when the run is cut between lr and sc', () => {
    const machine = machineWith(lr, sc);
    machine.context.writeNumber(A1, DATA);
    machine.context.writeNumber(A2, 9);
    for (let i = 0; i < 2; i++) expect(machine.run(1)).toBe('budget');
    expect([machine.context.readNumber(A0), machine.read(DATA, 1)[0]]).toEqual([0, 9]);
  });

  it('are lost to another space that shares the page and stores there', () => {
    const cpu = new Riscv64Cpu();
    const account = new TestAccount();
    const [a, b] = [0, 1].map(() => made(cpu.space(account))) as [AddressSpace, AddressSpace];
    const [object, code] = [zeroes('object'), zeroes('code')];
    const contexts = [a, b].map((space) => {
      space.map(address(CODE), 4096, Prot.READ | Prot.EXEC, code, 0, 'private');
      space.map(address(DATA), 4096, Prot.READ | Prot.WRITE, object, 0, 'shared');
      space.copyOut(address(CODE), bytesOf(lr, Word.addi(A2, A0, 1), sc), true);
      const context = made(cpu.context(space)) as Riscv64Context;
      context.pc = address(CODE);
      context.writeNumber(A1, DATA);
      return context;
    }) as [Riscv64Context, Riscv64Context];
    const run = (context: Riscv64Context, instructions: number): Exit =>
      cpu.run(context, context === contexts[0] ? a : b, () => TrapAnswer.LEAVE, instructions);
    expect([run(contexts[0], 1), run(contexts[1], 3), run(contexts[0], 2)]).toEqual(['budget', 'budget', 'budget']);
    expect(contexts.map((context) => context.readNumber(A0))).toEqual([1, 0]);
    expect(a.load32(address(DATA))).toBe(1);
  });

  it.each(['swap32', 'copyOut', 'trap'])('are lost to %s', (what) => {
    const machine = machineWith(lr, what === 'trap' ? 0x0010_0073 : sc, sc);
    machine.context.writeNumber(A1, DATA);
    machine.run(1);
    if (what === 'swap32') machine.space.swap32(address(DATA), 0, 0);
    else if (what === 'copyOut') machine.write(DATA, Uint8Array.of(0));
    else {
      machine.run(1);
      machine.context.pc = address(CODE + 8);
    }
    expect(machine.run(1)).toBe('budget');
    expect(machine.context.readNumber(A0)).toBe(1);
  });
});
