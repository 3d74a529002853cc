import { type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import { type Guest, type Instruction, row } from './instruction.ts';

/**
 * The A extension: unprivileged ISA manual, chapter 13. `aq` and `rl` ask for nothing more than what one hart at a time already gives. A
 * misaligned address faults as a misaligned store (chapter 13.4), which Linux reports as SIGBUS.
 */
const AMO = 0x2f;

function atomicRow(name: string, funct5: number, size: 4 | 8, fixedRs2: boolean, effect: (g: Guest) => void): Instruction {
  const mask = fixedRs2 ? 0xf9f0707f : 0xf800707f;
  return row(name, mask, (funct5 << 27) | ((size === 4 ? 2 : 3) << 12) | AMO, 'R', effect);
}

/** Read, compute, write; rd gets the old value, sign-extended for words. */
function amo(name: string, funct5: number, next: (old: I64, operand: I64) => I64): Instruction[] {
  return ([4, 8] as const).map((size) =>
    atomicRow(`${name}.${size === 4 ? 'w' : 'd'}`, funct5, size, false, (g) => {
      const { code } = g;
      const place = code.let(g.atomic(size, g.x('rs1')));
      const old = code.let(g.placeLoad(size, place));
      const operand = code.let(size === 4 ? i64.extend32(g.x('rs2')) : g.x('rs2'));
      g.placeStore(size, place, next(old, operand));
      g.setX(old);
    }),
  );
}

/** Unsigned order on sign-extended words is the same as on the words themselves. */
const pick =
  (compare: (a: I64, b: I64) => I32) =>
  (old: I64, operand: I64): I64 =>
    i64.select(compare(old, operand), old, operand);

const reserving = ([4, 8] as const).flatMap((size) => [
  atomicRow(`lr.${size === 4 ? 'w' : 'd'}`, 0x02, size, true, (g) => {
    const address = g.code.let(g.x('rs1'));
    const place = g.reserve(size, address);
    g.setReservation(address);
    g.setX(g.placeLoad(size, place));
  }),
  atomicRow(`sc.${size === 4 ? 'w' : 'd'}`, 0x03, size, false, (g) => {
    const { code } = g;
    const address = code.let(g.x('rs1'));
    // Checked even when the reservation is lost, so that a bad address always faults.
    const place = code.let(g.atomic(size, address));
    const fails = code.let(i64.ne(g.reservation, address));
    code.if(i32.eqz(fails), () => g.placeStore(size, place, g.x('rs2')));
    g.setReservation(i64.const(-1));
    g.setX(i64.extendU(fails));
  }),
]);

export const ATOMIC: readonly Instruction[] = [
  ...reserving,
  ...amo('amoswap', 0x01, (_old, operand) => operand),
  ...amo('amoadd', 0x00, i64.add),
  ...amo('amoxor', 0x04, i64.xor),
  ...amo('amoand', 0x0c, i64.and),
  ...amo('amoor', 0x08, i64.or),
  ...amo('amomin', 0x10, pick(i64.ltS)),
  ...amo('amomax', 0x14, pick(i64.gtS)),
  ...amo('amominu', 0x18, pick(i64.ltU)),
  ...amo('amomaxu', 0x1c, pick(i64.gtU)),
];
