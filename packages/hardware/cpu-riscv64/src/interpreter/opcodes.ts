import type { Instruction } from '../isa/instruction.ts';
import { INSTRUCTIONS } from '../isa/table.ts';
import { Opcode } from '../layout.ts';

/** One case of the interpreter. */
export interface Case {
  readonly instruction: Instruction;
  /**
   * Of a branch or jump whose target is in the same page, where it is a distance between entries and needs no look-up. Such instructions have
   * two cases, far and near, in this order.
   */
  readonly near: boolean;
}

export const CASES: readonly Case[] = INSTRUCTIONS.flatMap((instruction) =>
  instruction.format === 'B' || instruction.format === 'J'
    ? [
        { instruction, near: false },
        { instruction, near: true },
      ]
    : [{ instruction, near: false }],
);

/** Opcode of each row's first case. */
export const OPCODE_OF: ReadonlyMap<Instruction, number> = new Map(
  CASES.flatMap(({ instruction, near }, i) => (near ? [] : [[instruction, Opcode.FIRST + i] as const])),
);
