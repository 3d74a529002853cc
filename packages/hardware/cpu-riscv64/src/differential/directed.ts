import { type Exit, FORGETFUL, Prot, type Riscv64Context, TrapAnswer } from '@ashlar/hardware';
import { Riscv64Cpu } from '../cpu.ts';
import type { Translation, TranslatorOptions } from '../translator/options.ts';
import { address, made, TestAccount } from './machine.ts';
import { Random } from './random.ts';

const CODE = 0x1_0000;
export const DATA = 0x4_0000;
const NEVER = Number.POSITIVE_INFINITY;
/** Translated at the second jump there, piece by piece; and all of it made anew as one at once. */
export const HOT: TranslatorOptions = { period: 0, samples: 2, batch: 1, eager: false, patience: 0, joinLeast: NEVER, joinPatience: NEVER };
export const JOINED: TranslatorOptions = { period: 0, samples: 2, batch: 1, eager: false, patience: 0, joinLeast: 1, joinPatience: 0 };
const hex = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');

/** What a directed program begins with. */
export interface Setup {
  readonly registers?: Readonly<Record<number, number>>;
  /** By default 12 KiB at {@link DATA} that may be read and written. */
  readonly maps?: readonly (readonly [at: number, bytes: number, prot: number])[];
  /** What is mapped, and registers that are not told, are random bytes of this seed; 0 otherwise. */
  readonly fill?: number;
}

/** Runs in slices of the given budgets, up to a call of exit, and notes all that may be seen at each stop. */
function run(
  code: readonly number[],
  setup: Setup,
  translation: Translation | TranslatorOptions,
  budgets: (stop: number) => number,
  stops: number,
): string[] {
  const cpu = new Riscv64Cpu(FORGETFUL, translation);
  const space = made(cpu.space(new TestAccount()));
  const context = made(cpu.context(space)) as Riscv64Context;
  space.map(address(CODE), 0x4000, Prot.READ | Prot.WRITE | Prot.EXEC, undefined, 0, 'private');
  for (const [at, bytes, prot] of setup.maps ?? [[DATA, 0x3000, Prot.READ | Prot.WRITE]])
    space.map(address(at), bytes, prot, undefined, 0, 'private');
  space.copyOut(address(CODE), new Uint8Array(Uint32Array.from(code).buffer), true);
  if (setup.fill !== undefined) {
    const random = new Random(setup.fill);
    for (const [at, bytes] of setup.maps ?? [])
      space.copyOut(
        address(at),
        new Uint8Array(bytes).map(() => random.below(256)),
        true,
      );
    for (const r of [5, 6, 7, 10, 11, 12, 13, 14, 28, 29]) context.writeHalves(r, random.bits(), random.chance(2) ? 0 : random.bits());
  }
  const general = new Uint8Array(256);
  const float = new Uint8Array(260);
  const notes: string[] = [];
  const note = (what: string): void => {
    context.copyGeneralTo(general);
    context.copyFloatTo(float);
    const registers = Array.from(new BigUint64Array(general.slice().buffer), (x, i) => (x === 0n ? '' : ` x${i}=${x.toString(16)}`));
    notes.push(`${what} pc=${context.pc.toString(16)} n=${context.retired}${registers.join('')} ${hex(float)}`);
  };
  for (const [r, value] of Object.entries(setup.registers ?? {}))
    context.writeHalves(Number(r), value | 0, Math.floor(value / 2 ** 32) | 0);
  context.pc = address(CODE);
  let over = false;
  for (let stop = 0; stop < stops && !over; stop++) {
    const exit = cpu.run(
      context,
      space,
      (_context, trap) => {
        note(`${trap.cause} ${trap.access} ${trap.address} ${trap.reason}`);
        if (trap.cause === 'syscall' && context.readNumber(17) === 93) over = true;
        context.pc = address(context.pc + 4);
        return trap.cause === 'syscall' && !over ? TrapAnswer.RESUME : TrapAnswer.LEAVE;
      },
      budgets(stop),
    ) as Exit;
    note(String(exit));
  }
  let sum = 0;
  for (const [at, bytes] of setup.maps ?? [[DATA, 0x3000]]) {
    const stored = new Uint8Array(bytes);
    space.copyIn(address(at), stored);
    for (const byte of stored) sum = (Math.imul(sum, 31) + byte) | 0;
  }
  notes.push(`memory ${sum}`);
  space.destroy();
  return notes;
}

/** The first note of a program that is another when it is translated than when it is interpreted. */
export function differ(
  code: readonly number[],
  setup: Setup,
  translation: Translation | TranslatorOptions,
  budgets: (stop: number) => number,
  stops: number,
): string | undefined {
  const expected = run(code, setup, 'off', budgets, stops);
  const found = run(code, setup, translation, budgets, stops);
  const at = expected.findIndex((line, k) => line !== found[k]);
  return at < 0 ? undefined : `note ${at}:\n  expected ${expected[at]}\n  found    ${found[at]}`;
}
