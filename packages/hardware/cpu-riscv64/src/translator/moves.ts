import type { Instruction } from '../isa/instruction.ts';

/**
 * What an instruction does that gives a register the value of another, or its own, plus a constant, and does nothing else. Constants are moves from x0, which is 0.
 */
export interface Move {
  readonly from: number;
  readonly to: number;
  readonly by: number;
}

interface MoveOperands {
  readonly pc: number;
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  readonly imm: number;
}

/** Larger constants are none that anything is accessed at, or differ from one by 4 GiB. */
const CONSTANT_MAX = 2 ** 31;

/** The instruction as a move, if it is one. `pc`: its address. */
export function moveOf({ name }: Instruction, { pc, rd, rs1, rs2, imm }: MoveOperands): Move | undefined {
  if (rd === 0) return undefined;
  if (name === 'addi' && rs1 !== 0) return { from: rs1, to: rd, by: imm };
  if (name === 'add' && rs1 === 0 && rs2 !== 0) return { from: rs2, to: rd, by: 0 };
  const constant = name === 'lui' || name === 'addi' ? imm : name === 'auipc' ? pc + imm : -1;
  return constant < 0 || constant >= CONSTANT_MAX ? undefined : { from: 0, to: rd, by: constant };
}
