import { call } from '../wasm/code.ts';
import { choose, type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import { type Guest, type Instruction, rType } from './instruction.ts';

/** The M extension: unprivileged ISA manual, chapter 12. Division never traps: table 12.1 gives the results by zero and on overflow. */
const OP = 0x33;
const OP_32 = 0x3b;
const MUL_DIV = 0x01;

const m = (name: string, funct3: number, effect: (g: Guest, a: I64, b: I64) => void): Instruction =>
  rType(name, OP, funct3, MUL_DIV, (g) => effect(g, g.code.let(g.x('rs1')), g.code.let(g.x('rs2'))));
const mw = (name: string, funct3: number, effect: (g: Guest, a: I32, b: I32) => void): Instruction =>
  rType(name, OP_32, funct3, MUL_DIV, (g) => effect(g, g.code.let(i32.wrap(g.x('rs1'))), g.code.let(i32.wrap(g.x('rs2')))));

const high = (g: Guest, a: I64, b: I64): I64 => call('i64', g.helper('mulhu'), a, b);
/** What to subtract from the unsigned high product when `sign` is negative. */
const ifNegative = (sign: I64, value: I64): I64 => i64.and(i64.shrS(sign, i64.const(63)), value);
const MIN64 = i64.words(-0x8000_0000, 0);
const MIN32 = i32.const(-0x8000_0000);

const overflows64 = (a: I64, b: I64): I32 => i32.and(i64.eq(a, MIN64), i64.eq(b, i64.const(-1)));
const overflows32 = (a: I32, b: I32): I32 => i32.and(i32.eq(a, MIN32), i32.eq(b, i32.const(-1)));

export const MULTIPLY: readonly Instruction[] = [
  m('mul', 0, (g, a, b) => g.setX(i64.mul(a, b))),
  m('mulh', 1, (g, a, b) => g.setX(i64.sub(i64.sub(high(g, a, b), ifNegative(a, b)), ifNegative(b, a)))),
  m('mulhsu', 2, (g, a, b) => g.setX(i64.sub(high(g, a, b), ifNegative(a, b)))),
  m('mulhu', 3, (g, a, b) => g.setX(high(g, a, b))),
  m('div', 4, (g, a, b) => g.setX(choose(i64.eqz(b), i64.const(-1), choose(overflows64(a, b), MIN64, i64.divS(a, b))))),
  m('divu', 5, (g, a, b) => g.setX(choose(i64.eqz(b), i64.const(-1), i64.divU(a, b)))),
  // wasm's rem_s of MIN by −1 is 0, as RISC-V asks.
  m('rem', 6, (g, a, b) => g.setX(choose(i64.eqz(b), a, i64.remS(a, b)))),
  m('remu', 7, (g, a, b) => g.setX(choose(i64.eqz(b), a, i64.remU(a, b)))),
  mw('mulw', 0, (g, a, b) => g.setX(i64.extendS(i32.mul(a, b)))),
  mw('divw', 4, (g, a, b) => g.setX(i64.extendS(choose(i32.eqz(b), i32.const(-1), choose(overflows32(a, b), MIN32, i32.divS(a, b)))))),
  mw('divuw', 5, (g, a, b) => g.setX(i64.extendS(choose(i32.eqz(b), i32.const(-1), i32.divU(a, b))))),
  mw('remw', 6, (g, a, b) => g.setX(i64.extendS(choose(i32.eqz(b), a, i32.remS(a, b))))),
  mw('remuw', 7, (g, a, b) => g.setX(i64.extendS(choose(i32.eqz(b), a, i32.remU(a, b))))),
];
