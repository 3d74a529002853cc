import { type AddressSpace, FORGETFUL, Prot, type Riscv64Context, type Trap, TrapAnswer } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { Riscv64Cpu } from '../cpu.ts';
import type { Translation, TranslatorOptions } from '../translator/options.ts';
import { address, made, TestAccount } from './machine.ts';
import { Random } from './random.ts';
import * as Word from './words.ts';

/** Environment: ASHLAR_SEED for another run than the usual one. */
const SEED = Number(process.env.ASHLAR_SEED ?? 5);
const RUNS = 12;
const STEPS = 120;
const MAIN = 0x1_0000;
/** Two pages of functions that are replaced, and one where pages wait to be moved from. */
const FUNCTIONS = [0x2_0000, 0x3_0000] as const;
const WAITING = 0x4_0000;
const [RA, A0, A1, A2, S0, S1] = [1, 10, 11, 12, 8, 9] as const;
const EXECUTABLE = Prot.READ | Prot.EXEC;

/** For ever: a1 turns of the first function, one of the second, called by a register or by a distance. */
const LOOPS = [
  [Word.addi(A1, 0, 7), Word.jalr(RA, S0, 0), Word.addi(A1, A1, -1), Word.bnez(A1, -8), Word.jalr(RA, S1, 0), Word.jal(0, -20)],
  [
    ...[Word.addi(A1, 0, 7), Word.jal(RA, FUNCTIONS[0] - MAIN - 4), Word.addi(A1, A1, -1), Word.bnez(A1, -8)],
    ...[Word.jal(RA, FUNCTIONS[1] - MAIN - 16), Word.jal(0, -20)],
  ],
] as const;

/** A function that can be told from others by what it does: some rounds of a0 = (a0 << 1) + step. */
function functionOf(random: Random): number[] {
  return [
    Word.addi(A2, 0, random.between(1, 6)),
    Word.add(A0, A0, A0),
    Word.addi(A0, A0, random.between(-2048, 2047)),
    Word.addi(A2, A2, -1),
    Word.bnez(A2, -12),
    ...(random.chance(3) ? [Word.sd(A0, 2, 0), Word.ld(A0, 2, 0)] : []),
    Word.jalr(0, RA, 0),
  ];
}

/** A guest, and a kernel that changes its code in every way that a kernel can. */
class Rig {
  readonly #cpu: Riscv64Cpu;
  readonly #random: Random;
  #space: AddressSpace;
  #context: Riscv64Context;
  readonly notes: string[] = [];

  constructor(seed: number, translation: Translation | TranslatorOptions) {
    this.#random = new Random(seed);
    this.#cpu = new Riscv64Cpu(FORGETFUL, translation);
    this.#space = made(this.#cpu.space(new TestAccount()));
    this.#context = made(this.#cpu.context(this.#space)) as Riscv64Context;
    this.#map(MAIN, LOOPS[seed % 2] as readonly number[]);
    for (const page of [...FUNCTIONS, WAITING]) this.#map(page, functionOf(this.#random));
    this.#space.map(address(0x5_0000), 4096, Prot.READ | Prot.WRITE, undefined, 0, 'private');
    this.#context.writeNumber(2, 0x5_0000);
    this.#context.writeNumber(S0, FUNCTIONS[0]);
    this.#context.writeNumber(S1, FUNCTIONS[1]);
    this.#context.pc = address(MAIN);
  }

  step(): void {
    this.#change(this.#random.pick(FUNCTIONS));
    for (let n = this.#random.between(1, 3); n > 0; n--)
      this.#run(this.#random.chance(3) ? this.#random.between(1, 30) : this.#random.between(100, 4000));
  }

  destroy(): void {
    this.#context.destroy();
    this.#space.destroy();
  }

  #change(page: number): void {
    const space = this.#space;
    const code = functionOf(this.#random);
    switch (this.#random.below(8)) {
      case 0:
        this.#write(page, code);
        break;
      case 1:
        space.unmap(address(page), 4096);
        break;
      case 2:
        this.#map(page, code);
        break;
      case 3:
        space.protect(address(page), 4096, Prot.READ);
        break;
      case 4:
        space.discard(address(page), 4096);
        break;
      case 5:
        space.unmap(address(page), 4096);
        space.move(address(WAITING), address(page), 4096);
        this.#map(WAITING, code);
        break;
      case 6:
        this.#fork();
        break;
      default:
        space.protect(address(page), 4096, Prot.READ | Prot.WRITE | Prot.EXEC);
    }
  }

  #fork(): void {
    const child = made(this.#space.fork()) as AddressSpace;
    const context = made(this.#cpu.clone(this.#context, child)) as Riscv64Context;
    this.destroy();
    this.#space = child;
    this.#context = context;
  }

  #map(page: number, code: readonly number[]): void {
    this.#space.map(address(page), 4096, EXECUTABLE, undefined, 0, 'private');
    this.#write(page, code);
  }

  #write(page: number, code: readonly number[]): void {
    this.#space.copyOut(address(page), new Uint8Array(Uint32Array.from(code).buffer), true);
  }

  #run(budget: number): void {
    const exit = this.#cpu.run(this.#context, this.#space, (_context, trap) => this.#onTrap(trap), budget);
    this.#note(String(exit));
  }

  /** The code is not there, or may not be executed: it is made so. */
  #onTrap({ cause, address: at, access, reason }: Trap): TrapAnswer {
    this.#note(`${cause} ${access} ${at} ${reason}`);
    const page = (this.#context.pc as number) & ~4095;
    this.#map(page, functionOf(this.#random));
    this.#context.pc = address(page);
    return TrapAnswer.LEAVE;
  }

  #note(what: string): void {
    const general = new Uint8Array(256);
    this.#context.copyGeneralTo(general);
    this.notes.push(`${what} ${this.#context.retired} ${general.join(' ')}`);
  }
}

function notesOf(seed: number, translation: Translation | TranslatorOptions): readonly string[] {
  const rig = new Rig(seed, translation);
  for (let i = 0; i < STEPS; i++) rig.step();
  rig.destroy();
  return rig.notes;
}

describe('code that is replaced, moved, discarded, forbidden or forked', () => {
  it(`is what is executed: ${RUNS} runs, seed ${SEED}`, () => {
    for (let i = 0; i < RUNS; i++) {
      const seed = SEED * 100_003 + i;
      const random = new Random(seed);
      const late = {
        period: random.below(4),
        samples: random.between(1, 3),
        batch: random.between(1, 4),
        eager: random.chance(2),
        patience: random.below(500),
        joinLeast: random.below(1000),
        joinPatience: 0,
      };
      const expected = notesOf(seed, 'off');
      expect(expected.filter((note) => note.startsWith('fault')).length).toBeGreaterThan(10);
      for (const translation of ['eager', late] as const) {
        const found = notesOf(seed, translation);
        const differs = expected.findIndex((note, k) => note !== found[k]);
        expect({ seed, translation, differs, note: found[differs] }).toEqual({ seed, translation, differs: -1, note: undefined });
        expect(found.length).toBe(expected.length);
      }
    }
  });
});
