import { type Exit, FORGETFUL, Prot, type Riscv64Context, TrapAnswer } from '@ashlar/hardware';
import { Riscv64Cpu } from '../cpu.ts';
import type { Translation, TranslatorOptions } from '../translator/options.ts';
import { address, made, TestAccount } from './machine.ts';
import { Random } from './random.ts';

const CODE = 0x1_0000;
export const DATA = 0x4_0000;
const NEVER = Number.POSITIVE_INFINITY;
export const HOT: TranslatorOptions = { period: 0, samples: 2, batch: 1, eager: false, patience: 0, joinLeast: NEVER, joinPatience: NEVER };
export const JOINED: TranslatorOptions = { period: 0, samples: 2, batch: 1, eager: false, patience: 0, joinLeast: 1, joinPatience: 0 };
const hex = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');

export interface Setup {
  readonly registers?: Readonly<Record<number, number>>;
  readonly maps?: readonly (readonly [at: number, bytes: number, prot: number])[];
  /** Memory is random bytes of this seed. */
  readonly fill?: number;
}

/** Runs in slices of the given budgets, noting all at each stop. */
export function run(
  code: readonly number[],
  setup: Setup,
  translation: Translation | TranslatorOptions,
  budgets: (k: number) => number,
  stops = 60,
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
    const v = new BigUint64Array(general.slice().buffer);
    notes.push(
      `${what} pc=${context.pc.toString(16)} n=${context.retired} ${[...v]
        .map((x, i) => (x === 0n ? '' : `x${i}=${x.toString(16)}`))
        .filter(Boolean)
        .join(' ')} ${hex(float).replace(/^0*$/, '')}`,
    );
  };
  for (const [r, value] of Object.entries(setup.registers ?? {}))
    context.writeHalves(Number(r), value | 0, Math.floor(value / 2 ** 32) | 0);
  context.pc = address(CODE);
  let over = false;
  for (let k = 0; k < stops && !over; k++) {
    const exit = cpu.run(
      context,
      space,
      (_context, trap) => {
        note(`${trap.cause} ${trap.access} ${trap.address} ${trap.reason}`);
        if (trap.cause === 'syscall' && context.readNumber(17) === 93) over = true;
        context.pc = address(context.pc + 4);
        return trap.cause === 'syscall' && !over ? TrapAnswer.RESUME : TrapAnswer.LEAVE;
      },
      budgets(k),
    ) as Exit;
    note(String(exit));
  }
  let h = 0;
  for (const [at, bytes] of setup.maps ?? [[DATA, 0x3000]]) {
    const sum = new Uint8Array(bytes);
    space.copyIn(address(at), sum);
    for (const byte of sum) h = (Math.imul(h, 31) + byte) | 0;
  }
  notes.push(`memory ${h}`);
  space.destroy();
  return notes;
}

export function differ(
  code: readonly number[],
  setup: Setup,
  translation: Translation | TranslatorOptions,
  budgets: (k: number) => number,
  stops = 60,
): string | undefined {
  const expected = run(code, setup, 'off', budgets, stops);
  const found = run(code, setup, translation, budgets, stops);
  const at = expected.findIndex((line, k) => line !== found[k]);
  return at < 0 ? undefined : `note ${at}:\n  expected ${expected[at]}\n  found    ${found[at]}`;
}
