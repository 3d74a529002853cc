import { type AddressSpace, FORGETFUL, Prot, type Riscv64Context, type Trap, TrapAnswer } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { Riscv64Cpu } from '../cpu.ts';
import type { Translation } from '../translator/options.ts';
import { address, made, TestAccount } from './machine.ts';
import { Random } from './random.ts';
import * as Tangle from './tangles.ts';
import { tangle } from './tangles.ts';
import * as Word from './words.ts';

/** Instructions of a program that is stopped at each of them: enough for every part of it, few enough for a run per instruction. */
const LENGTH_MIN = 150;
const LENGTH_MAX = 500;
const PROGRAMS = 4;
const INTRUDER_CODE = 0x9_0000;
const INTRUDER_DATA = 0xa_0000;
const ALL = Prot.READ | Prot.WRITE | Prot.EXEC;

/** A thread that uses every register and the reservation, on a page of its own: add the loop's turn to memory, by LR and SC. */
const INTRUDER = [
  ...Word.li(10, INTRUDER_DATA),
  (0x1000_302f | (10 << 15) | (11 << 7)) >>> 0, // lr.d a1, (a0)
  Word.addi(11, 11, 1),
  (0x1800_302f | (10 << 15) | (11 << 20) | (12 << 7)) >>> 0, // sc.d a2, a1, (a0)
  ...Array.from({ length: 18 }, (_, i) => Word.addi(13 + i, 13 + i, 1)),
  Word.jal(0, -4 * 21),
];

/** A program under way, with what a kernel does at its traps. */
class Rig {
  readonly cpu: Riscv64Cpu;
  readonly space: AddressSpace;
  readonly context: Riscv64Context;
  readonly intruder: Riscv64Context;
  over = false;

  constructor(code: Uint8Array, random: Random, translation: Translation) {
    this.cpu = new Riscv64Cpu(FORGETFUL, translation);
    this.space = made(this.cpu.space(new TestAccount()));
    const map = (at: number, bytes: number, prot: number): number => this.space.map(address(at), bytes, prot, undefined, 0, 'private');
    map(Tangle.TANGLE_CODE, Tangle.TANGLE_CODE_BYTES, ALL);
    map(Tangle.TANGLE_DATA, Tangle.TANGLE_DATA_BYTES, Prot.READ | Prot.WRITE);
    map(Tangle.TANGLE_READABLE, 4096, Prot.READ);
    map(Tangle.TANGLE_STACK - 4096, 4096, Prot.READ | Prot.WRITE);
    map(INTRUDER_CODE, 4096, ALL);
    map(INTRUDER_DATA, 4096, Prot.READ | Prot.WRITE);
    this.space.copyOut(address(Tangle.TANGLE_CODE), code);
    this.space.copyOut(
      address(Tangle.TANGLE_DATA),
      new Uint8Array(Tangle.TANGLE_DATA_BYTES).map(() => random.below(256)),
    );
    this.space.copyOut(address(INTRUDER_CODE), new Uint8Array(Uint32Array.from(INTRUDER).buffer));
    this.context = made(this.cpu.context(this.space)) as Riscv64Context;
    for (let r = 1; r < 27; r++) this.context.writeHalves(r, random.bits(), random.chance(2) ? 0 : random.bits());
    this.context.pc = address(Tangle.TANGLE_CODE);
    this.intruder = made(this.cpu.context(this.space)) as Riscv64Context;
    this.intruder.pc = address(INTRUDER_CODE);
  }

  /** Completes so many instructions, or runs to the end. */
  run(instructions: number): void {
    const { context } = this;
    const end = context.retired + instructions;
    // What traps without completing uses budget, so that it may take several runs.
    while (!this.over && context.retired < end) {
      this.cpu.run(context, this.space, (_context, trap) => this.#onTrap(trap), end - context.retired);
    }
  }

  intrude(): void {
    this.cpu.run(this.intruder, this.space, () => TrapAnswer.LEAVE, 40);
  }

  state(): string {
    const { context } = this;
    const general = new Uint8Array(256);
    const float = new Uint8Array(260);
    context.copyGeneralTo(general);
    context.copyFloatTo(float);
    return `${context.retired} ${context.pc.toString(16)} ${hex(general)} ${hex(float)}`;
  }

  memory(): string {
    const bytes = new Uint8Array(Tangle.TANGLE_DATA_BYTES);
    this.space.copyIn(address(Tangle.TANGLE_DATA), bytes);
    return hex(bytes);
  }

  #onTrap(trap: Trap): TrapAnswer {
    const { context } = this;
    const half = new Uint8Array(2);
    this.space.copyIn(context.pc, half);
    if (trap.cause === 'syscall' && context.readNumber(17) === 93) {
      this.over = true;
      return TrapAnswer.LEAVE;
    }
    context.pc = address(context.pc + (((half[0] as number) & 3) === 3 ? 4 : 2));
    return TrapAnswer.LEAVE;
  }
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');

/** A program of a length that can be stopped everywhere, with the state after each of its instructions and the memory at its end. */
function reference(seed: number): { code: Uint8Array; states: readonly string[]; memory: string } | undefined {
  const code = tangle(new Random(seed));
  const rig = new Rig(code, new Random(seed), 'off');
  const states = [rig.state()];
  while (!rig.over && states.length <= LENGTH_MAX) {
    rig.run(1);
    states.push(rig.state());
  }
  const memory = rig.memory();
  rig.space.destroy();
  return rig.over && states.length > LENGTH_MIN ? { code, states, memory } : undefined;
}

describe('a program that is stopped at each of its instructions', () => {
  const seeds: number[] = [];
  for (let seed = 1; seeds.length < PROGRAMS && seed < 1000; seed++) if (reference(seed) !== undefined) seeds.push(seed);

  it('has programs to stop', () => {
    expect(seeds).toHaveLength(PROGRAMS);
  });

  it.each(seeds.flatMap((seed) => (['off', 'eager'] as const).map((translation) => ({ seed, translation }))))(
    'shows exact registers there, and ends the same when another thread ran in between: seed $seed, translation $translation',
    ({ seed, translation }) => {
      const { code, states, memory } = reference(seed) as NonNullable<ReturnType<typeof reference>>;
      for (let stop = 1; stop < states.length; stop++) {
        const rig = new Rig(code, new Random(seed), translation);
        rig.run(stop);
        expect(rig.state()).toBe(states[stop]);
        rig.intrude();
        rig.run(LENGTH_MAX * 2);
        expect(rig.state()).toBe(states.at(-1));
        expect(rig.memory()).toBe(memory);
        rig.space.destroy();
      }
    },
  );
});
