import type { Instruction } from '../isa/instruction.ts';
import { INSTRUCTIONS } from '../isa/table.ts';
import type { Random } from './random.ts';
import * as Word from './words.ts';

/** Where a jumble begins. */
export const JUMBLE_CODE = 0x1_0000;

/** Words of code with jumps, calls and returns wherever, most of them to near by; and what its calls by a register were seen to call, by their addresses. */
export interface Jumble {
  readonly words: number[];
  readonly callees: ReadonlyMap<number, readonly number[]>;
}

const REGISTERS = [1, 2, 5, 6, 8, 9, 10, 11, 12, 20] as const;
/** Major opcodes of what neither jumps nor traps as a rule: RISC-V unprivileged ISA manual, "RV32/64G Instruction Set Listings". */
const PLAIN_OPCODES: ReadonlySet<number> = new Set([0x13, 0x1b, 0x33, 0x3b, 0x03, 0x23, 0x07, 0x27, 0x2f, 0x53, 0x43, 0x37]);
const PLAIN = INSTRUCTIONS.filter(({ match }) => PLAIN_OPCODES.has(match & 0x7f));
/** What compilers write most. */
const USUAL: ReadonlySet<string> = new Set('addi addiw lbu sb ld sd slli srli or add lw sw mul andi and sub'.split(' '));
const SIMPLE = PLAIN.filter(({ name }) => USUAL.has(name));
const DYNAMIC_ROUNDING = 7 << 12;

export function jumble(random: Random): Jumble {
  const length = random.between(4, random.chance(3) ? 90 : 30);
  const callees = new Map<number, readonly number[]>();
  const words: number[] = [];
  while (words.length < length) words.push(word(random, words.length, length, callees));
  return { words, callees };
}

/** The instruction at `index` of so many. */
function word(random: Random, index: number, length: number, callees: Map<number, readonly number[]>): number {
  const register = (): number => random.pick(REGISTERS);
  const distance = (): number => 4 * (target(random, index, length) - index);
  const link = (most: number): number => (random.chance(most) ? 5 : 1);
  const kind = random.below(random.chance(2) ? 14 : 30);
  if (kind < 4) return Word.branch(random.pick([0, 1, 4, 5, 6, 7]), register(), random.chance(3) ? 0 : register(), distance());
  if (kind === 4) return Word.jal(0, distance());
  if (kind === 5) return Word.jal(link(8), distance());
  if (kind === 6) {
    const seen = Array.from({ length: random.below(4) }, () => JUMBLE_CODE + 4 * random.below(length));
    callees.set(JUMBLE_CODE + 4 * index, [...new Set(seen)]);
    return Word.jalr(link(5), register(), 0);
  }
  if (kind === 7) return random.chance(3) ? Word.ECALL : Word.jalr(0, 1, 0);
  if (kind === 8) return random.chance(2) ? Word.jalr(0, register(), 0) : Word.auipc(random.pick([1, 6]), 0);
  return plain(random, random.pick(random.chance(2) ? SIMPLE : PLAIN));
}

function target(random: Random, index: number, length: number): number {
  if (random.chance(3)) return random.below(length);
  return Math.max(0, Math.min(length - 1, index + random.between(-6, 8)));
}

/** An instruction with any operands, half of the time with registers that others use too. */
function plain(random: Random, { match, mask, destination, format }: Instruction): number {
  let bits = match | (random.bits() & ~mask);
  if (random.chance(2) && destination === 'x') {
    const [rd, rs1] = [random.pick(REGISTERS), random.pick(REGISTERS)];
    bits = (bits & ~((31 << 7) | (31 << 15))) | (rd << 7) | (rs1 << 15);
  }
  if (format === 'RM' || format === 'R4') bits |= DYNAMIC_ROUNDING;
  return bits >>> 0;
}
