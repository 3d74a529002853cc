import { describe, expect, it } from 'vitest';
import * as Word from '../differential/words.ts';
import type { Move } from './moves.ts';
import { decodeAt } from './op.ts';

const PC = 0x1_0000;
const [A0, A1] = [10, 11] as const;

function moveOf(word: number, pc = PC): Move | undefined {
  return decodeAt((at) => (at === pc ? word & 0xffff : word >>> 16), pc)?.move;
}

describe('moves', () => {
  it('are additions of constants, copies and constants', () => {
    expect(moveOf(Word.addi(A0, A1, -8))).toEqual({ from: A1, to: A0, by: -8 });
    expect(moveOf(Word.add(A0, 0, A1))).toEqual({ from: A1, to: A0, by: 0 });
    expect(moveOf(Word.addi(A0, 0, 5))).toEqual({ from: 0, to: A0, by: 5 });
    expect(moveOf(Word.lui(A0, 0x52))).toEqual({ from: 0, to: A0, by: 0x5_2000 });
    expect(moveOf(Word.auipc(A0, 1))).toEqual({ from: 0, to: A0, by: PC + 0x1000 });
    expect(moveOf(Word.auipc(A0, 1), PC + 4)).toEqual({ from: 0, to: A0, by: PC + 0x1004 });
  });

  it('are not what else is added, what goes nowhere, or constants that nothing is accessed at', () => {
    for (const word of [Word.add(A0, A1, A1), Word.sub(A0, A1, A1), Word.addi(0, A1, 8), Word.ld(A0, A1, 0)]) {
      expect(moveOf(word)).toBeUndefined();
    }
    for (const word of [Word.addi(A0, 0, -1), Word.lui(A0, 0x8_0000), Word.auipc(A0, 0x8_0000), Word.auipc(A0, 0x7_fff0)]) {
      expect(moveOf(word)).toBeUndefined();
    }
  });
});
