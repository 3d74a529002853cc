import { type AddressSpace, type Exit, FORGETFUL, Prot, type Riscv64Context, TrapAnswer } from '@ashlar/hardware';
import { Riscv64Cpu } from '../cpu.ts';
import type { TranslatorOptions } from '../translator/options.ts';
import { address, made, TestAccount } from './machine.ts';
import { Random } from './random.ts';
import { floatBits } from './states.ts';
import * as Tangle from './tangles.ts';

const STOPS_MAX = 400;

/**
 * Runs a program at {@link Tangle.TANGLE_CODE} from random registers and memory with random budgets, noting all that a kernel could see at each stop and
 * each trap; the last is memory. A fault is gone on with behind the instruction.
 */
export function trace(code: Uint8Array, random: Random, cpu: Riscv64Cpu): string[] {
  const space = made(cpu.space(new TestAccount()));
  const context = made(cpu.context(space)) as Riscv64Context;
  const all = Prot.READ | Prot.WRITE | Prot.EXEC;
  const map = (at: number, bytes: number, prot: number): void => {
    space.map(address(at), bytes, prot, undefined, 0, 'private');
  };
  map(Tangle.TANGLE_CODE, Tangle.TANGLE_CODE_BYTES, all);
  map(Tangle.TANGLE_DATA, Tangle.TANGLE_DATA_BYTES, Prot.READ | Prot.WRITE);
  map(Tangle.TANGLE_READABLE, 4096, Prot.READ);
  map(Tangle.TANGLE_STACK - 4096, 4096, Prot.READ | Prot.WRITE);
  space.copyOut(address(Tangle.TANGLE_CODE), code);
  space.copyOut(address(Tangle.TANGLE_DATA), content(random));
  for (let r = 1; r < 27; r++) context.writeHalves(r, random.bits(), random.chance(2) ? 0 : random.bits());
  setFloat(random, context);
  context.pc = address(Tangle.TANGLE_CODE);
  const notes: string[] = [];
  const general = new Uint8Array(256);
  const float = new Uint8Array(260);
  const note = (what: string): void => {
    context.copyGeneralTo(general);
    context.copyFloatTo(float);
    notes.push(`${what} ${context.pc.toString(16)} ${context.retired} ${space.residentPages} ${hex(general)} ${hex(float)}`);
  };
  let over = false;
  for (let stop = 0; stop < STOPS_MAX && !over; stop++) {
    const budget = random.chance(3) ? random.between(1, 20) : random.between(1, 5000);
    const exit = cpu.run(
      context,
      space,
      (_context, trap) => {
        note(`${trap.cause} ${trap.access} ${trap.address} ${trap.reason}`);
        if (trap.cause === 'syscall' && context.readNumber(17) === 93) over = true;
        if (
          trap.cause === 'fault' &&
          trap.reason === 'unmapped' &&
          trap.address >> 16 === Tangle.TANGLE_LATE >> 16 &&
          trap.address % 3 !== 0
        ) {
          map(Tangle.TANGLE_LATE, 4096, Prot.READ | Prot.WRITE);
          return TrapAnswer.LEAVE;
        }
        if (notes.length > STOPS_MAX * 4) over = true;
        if (trap.cause === 'syscall' && !over) return systemCall(random, cpu, space, context);
        const half = new Uint8Array(2);
        space.copyIn(context.pc, half);
        context.pc = address(context.pc + (((half[0] as number) & 3) === 3 ? 4 : 2));
        return TrapAnswer.LEAVE;
      },
      budget,
    ) as Exit;
    note(exit);
  }
  const memory = new Uint8Array(Tangle.TANGLE_DATA_BYTES);
  space.copyIn(address(Tangle.TANGLE_DATA), memory);
  notes.push(hex(memory));
  space.destroy();
  return notes;
}

/** Any bytes, and numbers at the edges of floating point. */
function content(random: Random): Uint8Array {
  const bytes = new Uint8Array(Tangle.TANGLE_DATA_BYTES).map(() => random.below(256));
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += 8) if (random.chance(2)) putFloat(random, view, at);
  return bytes;
}

function putFloat(random: Random, view: DataView, at: number): void {
  const [high, low] = floatBits(random);
  view.setInt32(at, low, true);
  view.setInt32(at + 4, high, true);
}

function setFloat(random: Random, context: Riscv64Context): void {
  const state = new Uint8Array(260);
  const view = new DataView(state.buffer);
  for (let r = 0; r < 32; r++) putFloat(random, view, r * 8);
  view.setUint32(256, (random.below(5) << 5) | (random.chance(2) ? random.below(32) : 0), true);
  context.copyFloatFrom(state);
}

/** What a kernel may do at a system call, which it completes as a rule. */
function systemCall(random: Random, cpu: Riscv64Cpu, space: AddressSpace, context: Riscv64Context): TrapAnswer {
  const at = context.pc;
  context.pc = address(at + 4);
  switch (random.below(12)) {
    case 0:
      context.writeHalves(random.between(5, 26), random.bits(), random.bits());
      break;
    case 1:
      changeFloat(random, context);
      break;
    case 2:
      space.takeDirty(() => undefined);
      break;
    case 3:
      space.protect(address(Tangle.TANGLE_DATA), 4096 * random.between(1, 3), random.chance(3) ? Prot.READ : Prot.READ | Prot.WRITE);
      return TrapAnswer.LEAVE;
    case 4: {
      // The same code anew.
      const code = new Uint8Array(4);
      space.copyIn(at, code);
      space.copyOut(at, code, true);
      break;
    }
    case 5:
      cpu.interrupt(context);
      break;
    case 6:
      return TrapAnswer.LEAVE;
    case 7:
      // It is to be made again, at once or with the instruction in front of it.
      context.pc = address(random.chance(2) ? at : at - 4);
  }
  return TrapAnswer.RESUME;
}

function changeFloat(random: Random, context: Riscv64Context): void {
  const state = new Uint8Array(260);
  context.copyFloatTo(state);
  const view = new DataView(state.buffer);
  view.setInt32(random.below(64) * 4, random.bits(), true);
  view.setUint32(256, (random.below(5) << 5) | (random.chance(2) ? random.below(32) : view.getUint32(256, true) & 31), true);
  context.copyFloatFrom(state);
}

/** Interpreted before it is translated, so that it is seen what it calls, and made anew as one now and then. */
const SOON: TranslatorOptions = { period: 0, samples: 3, batch: 1, eager: false, patience: 0, joinLeast: 500, joinPatience: 0 };
/** The same, but never made anew: loops are entered in their middle then, and turns are not behind each other. */
const PIECEWISE: TranslatorOptions = { ...SOON, joinLeast: Number.POSITIVE_INFINITY };
const TRANSLATIONS = [SOON, PIECEWISE, 'eager'] as const;

/**
 * Runs a program interpreted and translated with the same budgets, some at once, some soon, and of those some anew.
 *
 * @returns How much was noted, and the first note of the translated run that is not the interpreter's.
 */
export function compare(code: Uint8Array, seed: number): { readonly notes: number; readonly difference: string | undefined } {
  const expected = trace(code, new Random(seed), new Riscv64Cpu(FORGETFUL, 'off'));
  const found = trace(code, new Random(seed), new Riscv64Cpu(FORGETFUL, TRANSLATIONS[seed % 3]));
  const at = expected.findIndex((line, k) => line !== found[k]);
  const difference = at < 0 ? undefined : `note ${at}: ${found[at]}`;
  return { notes: expected.length, difference: difference ?? (found.length > expected.length ? 'more notes' : undefined) };
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
