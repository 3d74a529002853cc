import { Prot, type Riscv64Context, TrapAnswer } from '@ashlar/hardware';
import { describe, expect, it, vi } from 'vitest';
import { loopProgram } from '../differential/loops.ts';
import { address, made, TestAccount } from '../differential/machine.ts';
import { Random } from '../differential/random.ts';
import { Shelf } from '../differential/shelf.ts';
import type { trace } from '../differential/stops.ts';
import { tangle } from '../differential/tangles.ts';
import * as Word from '../differential/words.ts';
import type { Translation, TranslatorOptions } from './options.ts';
import type { KeptProgram } from './program.ts';

const CODE = 0x1_0000;
const FAR = 0x4_0000;
const ALL = Prot.READ | Prot.WRITE | Prot.EXEC;
const [RA, A0, A1, A2, A3] = [1, 10, 11, 12, 13] as const;

/** A process of its own as far as the CPU's modules know: nothing that another has translated is in its memory. */
async function inProcess<T>(work: (modules: { Riscv64Cpu: typeof import('../cpu.ts').Riscv64Cpu; trace: typeof trace }) => T): Promise<T> {
  vi.resetModules();
  const { Riscv64Cpu } = await import('../cpu.ts');
  const stops = await import('../differential/stops.ts');
  const { loadCompiler } = await import('./compiler.ts');
  await loadCompiler();
  return work({ Riscv64Cpu, trace: stops.trace });
}

/** Runs `programs` of one space in turns in a process that keeps its code on `shelf`. */
function running(
  shelf: Shelf,
  work: (machine: Machine) => void,
  translation: Translation | TranslatorOptions = 'hot',
): Promise<Readonly<Record<string, number>>> {
  return inProcess(({ Riscv64Cpu }) => {
    const store = shelf.open();
    const cpu = new Riscv64Cpu(store, translation);
    const space = made(cpu.space(new TestAccount()));
    const context = made(cpu.context(space)) as Riscv64Context;
    work({
      context,
      write: (at, ...words) => {
        space.map(address(at), 4096, ALL, undefined, 0, 'private');
        space.copyOut(address(at), new Uint8Array(Uint32Array.from(words).buffer), true);
      },
      run: (from, a1) => {
        context.pc = address(from);
        context.writeNumber(A0, 0);
        context.writeNumber(A1, a1);
        for (;;) {
          const exit = cpu.run(context, space, () => TrapAnswer.LEAVE, 100_000);
          if (exit !== 'budget') return context.readNumber(A0);
        }
      },
    });
    const counters = cpu.counters();
    space.destroy();
    store.end();
    return counters;
  });
}

interface Machine {
  readonly context: Riscv64Context;
  readonly write: (at: number, ...words: readonly number[]) => void;
  /** Runs from an address to the next trap; gives a0, which begins as 0. */
  readonly run: (from: number, a1: number) => number;
}

/** a0 += step, a1 times. */
const loop = (step: number): number[] => [Word.addi(A0, A0, step), Word.addi(A1, A1, -1), Word.bnez(A1, -8), Word.ECALL];
/** Calls what a2 points to, a1 times. */
const CALLER = [Word.jalr(RA, A2, 0), Word.addi(A1, A1, -1), Word.bnez(A1, -8), Word.ECALL];
const MANY = 400_000;
/** a0 += step, of more instructions than are translated within a caller. */
const callee = (step: number): number[] => [
  Word.addi(A0, A0, step),
  ...Array.from({ length: 80 }, () => Word.addi(A0, A0, 0)),
  Word.jalr(0, RA, 0),
];

describe('translated code that is kept', () => {
  it('is used by the next process, which translates nothing', async () => {
    const shelf = new Shelf();
    const work = ({ write, run }: Machine): void => {
      write(CODE, ...loop(3));
      expect(run(CODE, MANY)).toBe(3 * MANY);
    };
    expect(await running(shelf, work)).toMatchObject({ modulesMade: 1, modulesShared: 0 });
    const again = await running(shelf, work);
    expect(again).toMatchObject({ modulesMade: 0, modulesShared: 1 });
    expect(again.instructionsInterpreted).toBeLessThan(20_000);
  });

  it('is not used where the code is another, though it begins the same', async () => {
    const shelf = new Shelf();
    const work =
      (step: number) =>
      ({ context, write, run }: Machine): void => {
        write(CODE, ...CALLER);
        write(FAR, ...callee(step));
        context.writeNumber(A2, FAR);
        expect(run(CODE, MANY)).toBe(step * MANY);
      };
    await running(shelf, work(1));
    expect(await running(shelf, work(2))).toMatchObject({ modulesMade: 1, modulesShared: 1 });
    // Both are there now.
    expect(await running(shelf, work(1))).toMatchObject({ modulesMade: 0 });
    expect(await running(shelf, work(2))).toMatchObject({ modulesMade: 0 });
  });

  it('expects what was called when it was made, if that was not too much', async () => {
    // Each turn calls the function that its number says.
    const caller = (count: number): number[] => [
      ...[Word.andi(A2, A1, count - 1), Word.slli(A2, A2, 4), Word.add(A2, A2, A3)],
      ...[Word.jalr(RA, A2, 0), Word.addi(A1, A1, -1), Word.bnez(A1, -20), Word.ECALL],
    ];
    const expected = async (count: number): Promise<readonly number[]> => {
      const shelf = new Shelf();
      for (let process = 0; process < 2; process++) {
        await running(shelf, ({ context, write, run }) => {
          write(CODE, ...caller(count));
          write(FAR, ...[1, 2, 3, 4].flatMap((step) => [Word.addi(A0, A0, step), Word.jalr(0, RA, 0), 0, 0]));
          context.writeNumber(A3, FAR);
          expect(run(CODE, MANY)).toBe((MANY * (count + 1)) / 2);
        });
      }
      const [program] = [...shelf.values.values()].filter((value): value is KeptProgram => (value as KeptProgram).modules !== undefined);
      return program?.modules.flatMap(({ shapes }) => shapes.flatMap(({ callees }) => [...(callees.get(CODE + 12) ?? [])])) ?? [];
    };
    expect(await expected(1)).toEqual([FAR]);
    expect((await expected(2)).toSorted()).toEqual([FAR, FAR + 16]);
    expect(await expected(4)).toEqual([]);
  });

  it('calls what has the code of a callee now, in the same process and in the next', async () => {
    const shelf = new Shelf();
    const TIMES = 20_000;
    const work =
      (...steps: readonly number[]) =>
      ({ write, run }: Machine): void => {
        write(CODE, Word.jal(RA, FAR - CODE), Word.addi(A1, A1, -1), Word.bnez(A1, -8), Word.ECALL);
        for (const step of steps) {
          write(FAR, ...callee(step));
          expect(run(CODE, TIMES)).toBe(step * TIMES);
        }
      };
    const counters = await running(shelf, work(1, 2));
    // The caller, which calls its first callee directly, was not made anew.
    expect(counters).toMatchObject({ modulesMade: 2, regionsMade: 3, regionsDropped: 1 });
    await running(shelf, work(3));
    await running(shelf, work(2, 1));
  });

  describe('of a program that runs for long', () => {
    const SOON = { period: 127, samples: 256, batch: 24, eager: false, patience: 400_000, joinLeast: 10 * MANY, joinPatience: 100 };
    const inTurns = ({ write, run }: Machine): void => {
      for (const [at, step] of [
        [CODE, 3],
        [FAR, 4],
      ] as const) {
        write(at, ...loop(step));
        expect(run(at, MANY)).toBe(step * MANY);
      }
      for (let turn = 0; turn < 3; turn++) {
        expect(run(CODE, MANY)).toBe(3 * MANY);
        expect(run(FAR, MANY)).toBe(4 * MANY);
      }
    };

    it('is made anew as one module, once, and kept as it is', async () => {
      const shelf = new Shelf();
      expect(await running(shelf, inTurns, SOON)).toMatchObject({ modulesMade: 3, regionsMade: 4, regionsDropped: 2 });
      const kept = [...shelf.values.values()].flatMap((value) => (value as Partial<KeptProgram>).modules ?? []);
      expect(kept.map(({ shapes }) => shapes.map(({ entries }) => entries))).toEqual([[[CODE], [FAR]]]);
      expect(await running(shelf, inTurns, SOON)).toMatchObject({ modulesMade: 0, modulesShared: 1, regionsDropped: 0 });
    });

    it('is not if it has not run for long enough, for as much as there is', async () => {
      const once = { modulesMade: 2, regionsMade: 2, regionsDropped: 0 };
      expect(await running(new Shelf(), inTurns, { ...SOON, joinLeast: 100 * MANY })).toMatchObject(once);
      expect(await running(new Shelf(), inTurns, { ...SOON, joinPatience: 10 * MANY })).toMatchObject(once);
    });

    it('is dropped like any other when its code changes, and made once more when half of it is new', async () => {
      const work = (machine: Machine): void => {
        inTurns(machine);
        machine.write(FAR, ...loop(5));
        expect(machine.run(FAR, MANY)).toBe(5 * MANY);
        expect(machine.run(CODE, MANY)).toBe(3 * MANY);
      };
      expect(await running(new Shelf(), work, SOON)).toMatchObject({ modulesMade: 5, regionsMade: 7, regionsDropped: 5 });
    });
  });

  describe('is made for the next process', () => {
    const loops =
      (near: number, far: number) =>
      ({ write, run }: Machine): void => {
        write(CODE, ...loop(3));
        write(FAR, ...loop(4));
        expect(run(CODE, near)).toBe(3 * near);
        if (far > 0) expect(run(FAR, far)).toBe(4 * far);
      };

    it('of what the first was on the way to translate', async () => {
      const shelf = new Shelf();
      expect(await running(shelf, loops(MANY, 4_000))).toMatchObject({ modulesMade: 1, regionsMade: 1 });
      const again = await running(shelf, loops(MANY, 30_000));
      expect(again).toMatchObject({ modulesMade: 0, modulesShared: 1 });
      expect(again.instructionsInterpreted).toBeLessThan(20_000);
    });

    it('of what was hot in a settled one and not worth it', async () => {
      const shelf = new Shelf();
      await running(shelf, loops(10 * MANY, 0));
      const settled = await running(shelf, loops(10 * MANY, 80_000));
      expect(settled.modulesMade).toBe(0);
      expect(settled.instructionsInterpreted).toBeGreaterThan(200_000);
      const again = await running(shelf, loops(10 * MANY, 80_000));
      expect(again.modulesMade).toBe(0);
      expect(again.instructionsInterpreted).toBeLessThan(20_000);
    });
  });

  it('is put in place region by region, as its pages come', async () => {
    const shelf = new Shelf();
    await running(shelf, ({ context, write, run }) => {
      write(CODE, ...loop(1), ...CALLER);
      write(FAR, ...callee(2));
      context.writeNumber(A2, FAR);
      // So often that both get hot together.
      for (let turn = 0; turn < 120; turn++) {
        expect(run(CODE, 1000)).toBe(1000);
        expect(run(CODE + 16, 1000)).toBe(2000);
      }
    });
    // The interpreter's machine code is there as well if the host has optimised it by now.
    const lengths = [...shelf.values.values()].flatMap(
      (kept) => (kept as Partial<KeptProgram>).modules?.map(({ shapes }) => shapes.length) ?? [],
    );
    expect(lengths).toEqual([2]);
    const counters = await running(shelf, ({ context, write, run }) => {
      write(CODE, ...loop(1), ...CALLER);
      expect(run(CODE, MANY)).toBe(MANY);
      write(FAR, ...callee(2));
      context.writeNumber(A2, FAR);
      expect(run(CODE + 16, MANY)).toBe(2 * MANY);
    });
    expect(counters).toMatchObject({ modulesMade: 0, modulesShared: 1 });
    expect(counters.instructionsInterpreted).toBeLessThan(60_000);
  });

  it('is what the regions were at last: what they grew from is not entered again', async () => {
    const shelf = new Shelf();
    const work = ({ context, write, run }: Machine): void => {
      // The arm that is taken where a3 is not 0.
      write(
        CODE,
        ...[Word.bnez(A3, 16), Word.addi(A1, A1, -1), Word.bnez(A1, -8), Word.ECALL],
        ...[Word.addi(A0, A0, 1), Word.addi(A1, A1, -1), Word.bnez(A1, -24), Word.ECALL],
      );
      for (const a3 of [0, 1, 0]) {
        context.writeNumber(A3, a3);
        expect(run(CODE, MANY)).toBe(a3 * MANY);
      }
    };
    expect(await running(shelf, work)).toMatchObject({ modulesMade: 2, regionsDropped: 1 });
    const again = await running(shelf, work);
    expect(again).toMatchObject({ modulesMade: 0, regionsDropped: 0 });
    expect(again.instructionsInterpreted).toBeLessThan(20_000);
  });

  it('does what the interpreter does at every stop', { timeout: 120_000 }, async () => {
    const shelf = new Shelf();
    const programs = Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? loopProgram(new Random(i)) : tangle(new Random(i))));
    const traces = (translation: 'off' | 'eager') =>
      inProcess(({ Riscv64Cpu, trace }) => {
        const store = shelf.open();
        const cpu = new Riscv64Cpu(store, translation);
        const notes = programs.map((code, seed) => trace(code, new Random(seed), cpu));
        store.end();
        return { notes, counters: cpu.counters() };
      });
    const { notes: expected } = await traces('off');
    const first = await traces('eager');
    expect(first.notes).toEqual(expected);
    const modules = [...shelf.values.values()].flatMap((kept) => (kept as Partial<KeptProgram>).modules ?? []);
    expect(modules.filter(({ shapes }) => shapes.length > 1).length).toBeGreaterThan(5);
    const joined = await traces('eager');
    expect(joined.notes).toEqual(expected);
    expect(joined.counters.modulesMade).toBeLessThan(first.counters.modulesMade as number);
    expect(joined.counters.modulesShared).toBeGreaterThan(50);
  });

  it('is made anew as one module before the process ends', async () => {
    const shelf = new Shelf();
    const work = ({ context, write, run }: Machine): void => {
      write(CODE, ...loop(1), ...CALLER);
      write(FAR, ...callee(2));
      context.writeNumber(A2, FAR);
      // One after the other, so that each is a module of its own.
      expect(run(CODE, MANY)).toBe(MANY);
      expect(run(CODE + 16, MANY)).toBe(2 * MANY);
    };
    const first = await running(shelf, work);
    expect(first.modulesMade).toBeGreaterThan(1);
    const program = [...shelf.values.values()].find((kept): kept is KeptProgram => (kept as Partial<KeptProgram>).runs !== undefined);
    expect(program).toMatchObject({ runs: 1, modules: [{ shapes: { length: first.regionsMade } }] });
    const joined = await running(shelf, work);
    expect(joined).toMatchObject({ modulesMade: 0, modulesShared: 1 });
    expect(joined.instructionsInterpreted).toBeLessThan(60_000);
  });

  it('is made anew as one again when most of it is something else', async () => {
    const shelf = new Shelf();
    const work =
      (...steps: readonly number[]) =>
      ({ write, run }: Machine): void => {
        write(CODE, ...loop(1));
        for (const step of steps) write(FAR + 4096 * step, ...loop(step));
        // Where it begins says which program it is.
        expect(run(CODE, 1)).toBe(1);
        // So many turns that it is translated also when the program is taken to be settled.
        for (const step of steps) expect(run(FAR + 4096 * step, 10 * MANY)).toBe(step * 10 * MANY);
      };
    const parts = (): unknown =>
      [...shelf.values.values()].flatMap((kept) => {
        const { modules } = kept as Partial<KeptProgram>;
        return modules === undefined ? [] : [modules.map(({ shapes }) => shapes.length)];
      });
    await running(shelf, work(1, 2, 3));
    expect(parts()).toEqual([[3]]);
    await running(shelf, work(4));
    expect(parts()).toEqual([[3, 1]]);
    await running(shelf, work(5, 6, 7));
    expect(parts()).toEqual([[7]]);
    // What is less is one module of its own.
    await running(shelf, work(8, 9));
    expect(parts()).toEqual([[7, 2]]);
    expect(await running(shelf, work(1, 2, 3, 4, 5, 6, 7, 8, 9))).toMatchObject({ modulesMade: 0, modulesShared: 2 });
  });
});
