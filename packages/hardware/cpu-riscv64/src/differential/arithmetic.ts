import fc from 'fast-check';
import * as Word from './words.ts';

/** Instructions that make sums of registers, with what they give, and arbitrary ones on a few registers. */

/** Those that they are on. */
export const REGISTERS = [5, 6, 7, 10, 11] as const;

export const signed = (value: bigint): bigint => BigInt.asIntN(64, value);
const word = (value: bigint): bigint => BigInt.asIntN(32, value);
const low = (value: bigint): bigint => BigInt.asUintN(32, value);

interface Kind {
  readonly encode: (rd: number, rs1: number, rs2: number, imm: number) => number;
  /** RISC-V unprivileged ISA manual, chapters 2, 4 and 28. */
  readonly result: (a: bigint, b: bigint, imm: bigint) => bigint;
  /** Whether the immediate is by how far something is shifted, and most of that. */
  readonly shiftMax?: number;
}

const add = (funct3: number, funct7: number, isWord: boolean): Kind['encode'] => {
  return (rd, rs1, rs2) => Word.rType(isWord ? 0x3b : 0x33, funct3, funct7, rd, rs1, rs2);
};
const KINDS: readonly Kind[] = [
  { encode: (rd, rs1, _, imm) => Word.addi(rd, rs1, imm), result: (a, _, imm) => a + imm },
  { encode: (rd, rs1, _, imm) => Word.addiw(rd, rs1, imm), result: (a, _, imm) => word(a + imm) },
  { encode: (rd, rs1, _, imm) => Word.andi(rd, rs1, imm), result: (a, _, imm) => a & imm },
  { encode: Word.add, result: (a, b) => a + b },
  { encode: Word.sub, result: (a, b) => a - b },
  { encode: Word.addw, result: (a, b) => word(a + b) },
  { encode: add(0, 0x20, true), result: (a, b) => word(a - b) },
  { encode: add(7, 0, false), result: (a, b) => a & b },
  { encode: add(0, 0x04, true), result: (a, b) => low(a) + b },
  { encode: add(2, 0x10, false), result: (a, b) => (a << 1n) + b },
  { encode: add(6, 0x10, true), result: (a, b) => (low(a) << 3n) + b },
  { encode: (rd, rs1, _, by) => Word.slli(rd, rs1, by), result: (a, _, by) => a << by, shiftMax: 63 },
  { encode: (rd, rs1, _, by) => Word.srli(rd, rs1, by), result: (a, _, by) => BigInt.asUintN(64, a) >> by, shiftMax: 63 },
  { encode: (rd, rs1, _, by) => Word.iType(0x13, 5, rd, rs1, 0x400 | by), result: (a, _, by) => a >> by, shiftMax: 63 },
  { encode: (rd, rs1, _, by) => Word.slliw(rd, rs1, by), result: (a, _, by) => word(a << by), shiftMax: 31 },
  { encode: (rd, rs1, _, by) => Word.srliw(rd, rs1, by), result: (a, _, by) => word(low(a) >> by), shiftMax: 31 },
  { encode: (rd, rs1, _, by) => Word.iType(0x1b, 1, rd, rs1, 0x080 | by), result: (a, _, by) => low(a) << by, shiftMax: 63 },
];

const register = fc.constantFrom(...REGISTERS);
const anyInstruction = fc.record({
  kind: fc.constantFrom(...KINDS),
  rd: register,
  rs1: fc.oneof({ weight: 6, arbitrary: register }, fc.constant(0)),
  rs2: register,
  imm: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -2048, max: 2047 })),
  by: fc.oneof(fc.constantFrom(0, 1, 3, 29, 31, 32, 48), fc.nat(63)),
});
/** What a register holds: near where 31 and 32 bits end, or anything. */
export const value = fc.oneof(
  ...[0, 0, 2 ** 30, 2 ** 31, -(2 ** 31), 2 ** 32].map((place) => fc.integer({ min: place - 40, max: place + 40 }).map(BigInt)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);

/** An instruction, and what it does. */
export interface Instruction {
  readonly rd: number;
  readonly raw: number;
  /** What it gives where registers hold `values`. */
  result(values: ReadonlyMap<number, bigint>): bigint;
}

export const instruction: fc.Arbitrary<Instruction> = anyInstruction.map(({ kind, rd, rs1, rs2, imm, by }) => {
  const number = kind.shiftMax === undefined ? imm : Math.min(by, kind.shiftMax);
  const of = (values: ReadonlyMap<number, bigint>, register: number): bigint => values.get(register) ?? 0n;
  return {
    rd,
    raw: kind.encode(rd, rs1, rs2, number),
    result: (values) => signed(kind.result(of(values, rs1), of(values, rs2), BigInt(number))),
  };
});
