import { type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import { type Guest, type Instruction, rType, shiftType, unaryType } from './instruction.ts';

/** Zba, Zbb and Zbs: unprivileged ISA manual, chapter 28. */
const OP_IMM = 0x13;
const OP_IMM_32 = 0x1b;
const OP = 0x33;
const OP_32 = 0x3b;

const rs1 = (g: Guest): I64 => g.x('rs1');
const rs2 = (g: Guest): I64 => g.x('rs2');
const low1 = (g: Guest): I32 => i32.wrap(rs1(g));
const low2 = (g: Guest): I32 => i32.wrap(rs2(g));
const unsignedWord = (g: Guest): I64 => i64.extendU(low1(g));
const setWord = (g: Guest, value: I32): void => g.setX(i64.extendS(value));
const not = (value: I64): I64 => i64.xor(value, i64.const(-1));
const bit = (index: I64): I64 => i64.shl(i64.const(1), index);
const times = (value: I64, power: number): I64 => i64.shl(value, i64.const(power));

const ZBA: readonly Instruction[] = [
  ...[1, 2, 3].flatMap((power) => [
    rType(`sh${power}add`, OP, power * 2, 0x10, (g) => g.setX(i64.add(times(rs1(g), power), rs2(g)))),
    rType(`sh${power}add.uw`, OP_32, power * 2, 0x10, (g) => g.setX(i64.add(times(unsignedWord(g), power), rs2(g)))),
  ]),
  rType('add.uw', OP_32, 0, 0x04, (g) => g.setX(i64.add(unsignedWord(g), rs2(g)))),
  shiftType('slli.uw', OP_IMM_32, 1, 0x02, 6, (g) => g.setX(i64.shl(unsignedWord(g), g.imm))),
];

const choosing = (name: string, funct3: number, compare: (a: I64, b: I64) => I32): Instruction =>
  rType(name, OP, funct3, 0x05, (g) => {
    const a = g.code.let(rs1(g));
    const b = g.code.let(rs2(g));
    g.setX(i64.select(compare(a, b), a, b));
  });

/** Each byte becomes 0xff unless it is zero. */
function orCombine(g: Guest): void {
  const { code } = g;
  const v = code.let(rs1(g));
  const ones = i64.words(0x01010101, 0x01010101);
  const low7 = i64.words(0x7f7f7f7f, 0x7f7f7f7f);
  // Bit 7 of each byte: set when the byte has any bit set; the addition does not carry between bytes.
  const any = i64.or(i64.add(i64.and(v, low7), low7), v);
  g.setX(i64.mul(i64.and(i64.shrU(any, i64.const(7)), ones), i64.const(0xff)));
}

function swapBytes(g: Guest): void {
  const { code } = g;
  const v = code.let(rs1(g));
  const halves = (value: I64, mask: I64, by: number): I64 =>
    i64.or(i64.and(i64.shrU(value, i64.const(by)), mask), i64.shl(i64.and(value, mask), i64.const(by)));
  code.set(v, halves(v, i64.words(0x00ff00ff, 0x00ff00ff), 8));
  code.set(v, halves(v, i64.words(0x0000ffff, 0x0000ffff), 16));
  g.setX(i64.rotl(v, i64.const(32)));
}

const ZBB: readonly Instruction[] = [
  rType('andn', OP, 7, 0x20, (g) => g.setX(i64.and(rs1(g), not(rs2(g))))),
  rType('orn', OP, 6, 0x20, (g) => g.setX(i64.or(rs1(g), not(rs2(g))))),
  rType('xnor', OP, 4, 0x20, (g) => g.setX(not(i64.xor(rs1(g), rs2(g))))),
  unaryType('clz', OP_IMM, 1, 0x600, (g) => g.setX(i64.clz(rs1(g)))),
  unaryType('ctz', OP_IMM, 1, 0x601, (g) => g.setX(i64.ctz(rs1(g)))),
  unaryType('cpop', OP_IMM, 1, 0x602, (g) => g.setX(i64.popcnt(rs1(g)))),
  unaryType('sext.b', OP_IMM, 1, 0x604, (g) => g.setX(i64.extend8(rs1(g)))),
  unaryType('sext.h', OP_IMM, 1, 0x605, (g) => g.setX(i64.extend16(rs1(g)))),
  unaryType('zext.h', OP_32, 4, 0x080, (g) => g.setX(i64.and(rs1(g), i64.const(0xffff)))),
  unaryType('clzw', OP_IMM_32, 1, 0x600, (g) => setWord(g, i32.clz(low1(g)))),
  unaryType('ctzw', OP_IMM_32, 1, 0x601, (g) => setWord(g, i32.ctz(low1(g)))),
  unaryType('cpopw', OP_IMM_32, 1, 0x602, (g) => setWord(g, i32.popcnt(low1(g)))),
  choosing('min', 4, i64.ltS),
  choosing('minu', 5, i64.ltU),
  choosing('max', 6, i64.gtS),
  choosing('maxu', 7, i64.gtU),
  rType('rol', OP, 1, 0x30, (g) => g.setX(i64.rotl(rs1(g), rs2(g)))),
  rType('ror', OP, 5, 0x30, (g) => g.setX(i64.rotr(rs1(g), rs2(g)))),
  rType('rolw', OP_32, 1, 0x30, (g) => setWord(g, i32.rotl(low1(g), low2(g)))),
  rType('rorw', OP_32, 5, 0x30, (g) => setWord(g, i32.rotr(low1(g), low2(g)))),
  shiftType('rori', OP_IMM, 5, 0x18, 6, (g) => g.setX(i64.rotr(rs1(g), g.imm))),
  shiftType('roriw', OP_IMM_32, 5, 0x30, 5, (g) => setWord(g, i32.rotr(low1(g), g.imm32))),
  unaryType('orc.b', OP_IMM, 5, 0x287, orCombine),
  unaryType('rev8', OP_IMM, 5, 0x6b8, swapBytes),
];

const ZBS: readonly Instruction[] = [
  rType('bclr', OP, 1, 0x24, (g) => g.setX(i64.and(rs1(g), not(bit(rs2(g)))))),
  rType('bext', OP, 5, 0x24, (g) => g.setX(i64.and(i64.shrU(rs1(g), rs2(g)), i64.const(1)))),
  rType('binv', OP, 1, 0x34, (g) => g.setX(i64.xor(rs1(g), bit(rs2(g))))),
  rType('bset', OP, 1, 0x14, (g) => g.setX(i64.or(rs1(g), bit(rs2(g))))),
  shiftType('bclri', OP_IMM, 1, 0x12, 6, (g) => g.setX(i64.and(rs1(g), not(bit(g.imm))))),
  shiftType('bexti', OP_IMM, 5, 0x12, 6, (g) => g.setX(i64.and(i64.shrU(rs1(g), g.imm), i64.const(1)))),
  shiftType('binvi', OP_IMM, 1, 0x1a, 6, (g) => g.setX(i64.xor(rs1(g), bit(g.imm)))),
  shiftType('bseti', OP_IMM, 1, 0x0a, 6, (g) => g.setX(i64.or(rs1(g), bit(g.imm)))),
];

export const BITMANIP: readonly Instruction[] = [...ZBA, ...ZBB, ...ZBS];
