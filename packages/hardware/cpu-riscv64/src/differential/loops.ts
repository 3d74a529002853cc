import { byteGroup } from './byte-groups.ts';
import { floatItem } from './float-items.ts';
import type { Random } from './random.ts';
import { TANGLE_DATA, TANGLE_DATA_BYTES } from './tangles.ts';
import * as Word from './words.ts';

/**
 * Random programs of loops as compilers write them: pointers that move by constants or by a register, up or down, indices of 32 bits, pointers that follow others, tables, temporaries that each turn
 * writes anew, sums that it adds to, numbers put together from bytes, taken apart or copied, rotations, branches, and loops of a few turns that they begin with or that some of their turns come to. They
 * begin and end near or beyond the ends of what is mapped. For what runs at {@link TANGLE_DATA} and its surroundings.
 */
const POINTERS = [8, 9, 18] as const;
const STRIDE = 19;
const COUNT = 20;
const AGAIN = 21;
const TABLE = 22;
/** What the count is when a way out in the middle is taken. */
const LAST = 23;
/** Turns of the loop that a loop begins with or comes to. */
const SCAN = 24;
/** What is at an index of 32 bits is so many times that from here. */
const INDEX = 25;
const INDEXED = 26;
/** Some turns make it the first pointer plus a number. */
const FOLLOWER = 27;
const TEMPORARIES = [5, 6, 7, 28, 29] as const;
const SUMS = [10, 11, 12, 13, 14] as const;
const A7 = 17;
const SYS_EXIT = 93;

/** opcode, funct3 and funct7 of instructions with two sources. */
const OPERATIONS = [
  [0x33, 0, 0x00],
  [0x33, 0, 0x20],
  [0x33, 4, 0x00],
  [0x33, 7, 0x00],
  [0x33, 3, 0x00],
  [0x33, 5, 0x00],
  [0x3b, 0, 0x00],
  [0x3b, 1, 0x00],
  [0x33, 0, 0x01],
] as const;

/** What the items of a program have in common. */
export interface Style {
  /** Bits that an index is shifted by, and whether it is extended with its sign. */
  readonly shift: number;
  readonly isSigned: boolean;
  /** One in so many is of floating point. */
  readonly floatOneIn: number;
}

export const anyStyle = (random: Random): Style => ({
  shift: random.below(4),
  isSigned: random.chance(2),
  floatOneIn: random.pick([14, 14, 2]),
});

/** A program to be loaded at its first instruction; it ends with a call of exit. */
export function loopProgram(random: Random): Uint8Array {
  const style = anyStyle(random);
  const stream = new Word.Stream();
  stream.word(...Word.li(AGAIN, random.between(1, 4)), ...Word.li(TABLE, TANGLE_DATA));
  const again = stream.length;
  const near = TANGLE_DATA + random.below(TANGLE_DATA_BYTES);
  for (const pointer of POINTERS) {
    const at = random.chance(3) ? near : TANGLE_DATA + random.between(-128, TANGLE_DATA_BYTES + 128);
    stream.word(...Word.li(pointer, random.chance(3) ? at : at & -8));
  }
  const count = random.between(1, random.chance(2) ? 40 : 400);
  stream.word(...Word.li(STRIDE, random.pick([0, 4, 8, 8, 16, 24, 40, 520, 3, -8])), ...Word.li(COUNT, count));
  stream.word(...Word.li(LAST, random.below(count)));
  stream.word(...firstIndex(random, style), Word.addi(FOLLOWER, POINTERS[0], random.pick([0, 8, 16, -8])));
  stream.word(...loop(random, style));
  stream.word(Word.addi(AGAIN, AGAIN, -1));
  stream.word(Word.bnez(AGAIN, again - stream.length));
  stream.word(Word.addi(A7, 0, SYS_EXIT), Word.ECALL);
  return stream.bytes();
}

/** The index, near where it changes its sign or is cut, and what it is an index of, so that it is within what is mapped. */
export function firstIndex(random: Random, { shift, isSigned }: Style): number[] {
  const index = random.pick([0, 0, 30, 300, 2 ** 30, 2 ** 31 - 1, -(2 ** 31), -1]) + random.between(-40, 40);
  const at = TANGLE_DATA + random.below(TANGLE_DATA_BYTES);
  const extended = isSigned ? [] : [Word.slli(INDEX, INDEX, 32), Word.srli(INDEX, INDEX, 32)];
  const [scaled] = TEMPORARIES;
  return [
    ...Word.li(INDEX, index | 0),
    ...extended,
    Word.slli(scaled, INDEX, shift),
    ...Word.li(INDEXED, random.chance(3) ? at : at & -8),
    Word.sub(INDEXED, INDEXED, scaled),
  ];
}

/** A loop of COUNT turns. */
function loop(random: Random, style: Style): number[] {
  const begins = random.chance(6) ? scan(random, style) : [];
  const comesTo = random.chance(6) ? scan(random, style) : undefined;
  const rest = body(random, style, comesTo === undefined ? 2 : comesTo.length + 6);
  return [...begins, ...rest, ...next(random, comesTo, begins.length + rest.length)];
}

/** What leads to a loop's next turn, perhaps through another loop. `length`: of what is in front of it. */
function next(random: Random, comesTo: readonly number[] | undefined, length: number): number[] {
  const turn = (at: number): number[] => [Word.addi(COUNT, COUNT, -1), Word.bnez(COUNT, -(length + at + 1) * 4)];
  if (comesTo === undefined) return turn(0);
  const there = Word.branch(random.pick([0, 1, 4, 6]), random.pick(SUMS), random.pick(TEMPORARIES), 4 * 4);
  return [there, ...turn(1), Word.jal(0, (1 + comesTo.length + 2) * 4), ...comesTo, ...turn(4 + comesTo.length)];
}

/** A loop of up to three turns. */
function scan(random: Random, style: Style): number[] {
  const turn = [...item(random, style), Word.addi(SCAN, SCAN, -1)];
  return [...turn, Word.branch(4, 0, SCAN, -turn.length * 4), Word.iType(0x13, 7, SCAN, COUNT, 3)];
}

/** `behind`: instructions that follow in the loop. */
function body(random: Random, style: Style, behind: number): number[] {
  // Some are long enough for their turns to be counted by a register.
  const items: number[][] = Array.from({ length: random.between(2, random.chance(4) ? 24 : 9) }, () => item(random, style));
  for (const pointer of POINTERS) {
    if (random.chance(5)) continue;
    const moves = random.chance(5) ? Word.rType(0x33, 0, 0, pointer, pointer, STRIDE) : Word.addi(pointer, pointer, step(random));
    items.splice(random.below(items.length + 1), 0, [moves]);
  }
  for (const moves of [nextIndex(random), Word.addi(FOLLOWER, POINTERS[0], random.pick([0, 8, 16, 24, -8]))]) {
    if (!random.chance(8)) items.splice(random.below(items.length + 1), 0, [moves]);
  }
  for (let i = 0; i < items.length; i++) {
    if (!random.chance(6)) continue;
    const over = items[i] as number[];
    const [a, b] = [random.pick(SUMS), random.pick(TEMPORARIES)];
    items[i] = [Word.branch(random.pick([0, 1, 4, 6]), a, b, 4 + over.length * 4), ...over];
  }
  // Perhaps a way out in the middle.
  const place = random.below(items.length + 1);
  if (random.chance(3)) {
    const rest = items.slice(place).reduce((sum, { length }) => sum + length, 0);
    items.splice(place, 0, [Word.branch(0, COUNT, LAST, (1 + rest + behind) * 4)]);
  }
  return items.flat();
}

export const step = (random: Random): number => random.pick([1, 2, 4, 8, 8, 8, 16, -1, -4, -8, -8, 40, 520, -264]);

export const nextIndex = (random: Random): number =>
  random.chance(5) ? Word.addw(INDEX, INDEX, STRIDE) : Word.addiw(INDEX, INDEX, random.pick([1, 1, 1, 2, 3, -1, -1, -2, 65]));

/** What is at the index, or at one near it. */
function indexedItem(random: Random, { shift, isSigned }: Style, rd: number, size: number): number[] {
  const [index, beside] = random.chance(2) ? [INDEX, []] : [rd, [Word.addiw(rd, INDEX, random.between(-2, 3))]];
  // Now and then it is extended the other way.
  const scaled = random.chance(10) !== isSigned ? [Word.slli(rd, index, shift)] : [Word.slli(rd, index, 32), Word.srli(rd, rd, 32 - shift)];
  const imm = random.below(3) << size;
  const access = random.chance(3) ? Word.store(size, random.pick(SUMS), rd, imm) : Word.iType(0x03, size, rd, rd, imm);
  return [...beside, ...scaled, Word.add(rd, rd, INDEXED), access];
}

/** Two shifts and what joins them, of which any may write what another reads; now and then they do not fit. */
function rotation(random: Random, rd: number, source: number): number[] {
  const [left, right] = [random.pick(TEMPORARIES), random.pick([source, ...TEMPORARIES])];
  const by = random.between(1, 63);
  const shifts = [Word.slli(left, source, random.chance(8) ? 63 : 64 - by), Word.srli(right, source, by)];
  if (random.chance(2)) shifts.reverse();
  return [...shifts, Word.rType(0x33, random.pick([0, 4, 6]), 0, rd, left, right)];
}

export function item(random: Random, style: Style): number[] {
  const rd = random.pick(random.chance(2) ? SUMS : TEMPORARIES);
  const source = random.pick(random.chance(2) ? SUMS : TEMPORARIES);
  const pointer = random.pick(POINTERS);
  const size = random.below(4);
  const imm = (random.between(-4, 6) << size) + (random.chance(12) ? 1 : 0);
  if (random.chance(style.floatOneIn)) return floatItem(random, { rd, source, pointer, imm });
  switch (random.below(13)) {
    case 5:
      return indexedItem(random, style, rd, size);
    case 11:
      return [random.chance(2) ? Word.store(size, source, FOLLOWER, imm) : Word.iType(0x03, size, rd, FOLLOWER, imm)];
    case 10:
      return rotation(random, rd, source);
    case 9:
      return byteGroup(random, { pointers: POINTERS, pointer, temporaries: TEMPORARIES, whole: rd });
    case 0:
    case 1:
      return [Word.iType(0x03, size === 3 ? 3 : size + (random.chance(2) ? 4 : 0), rd, pointer, imm)];
    case 2:
      return [Word.store(size, source, pointer, imm)];
    case 3:
      // An entry of a table.
      return [
        Word.iType(0x13, 7, rd, source, (random.chance(2) ? 0x7f : 0x3f) & -(1 << size)),
        Word.add(rd, rd, TABLE),
        random.chance(3) ? Word.store(size, source, rd, 8) : Word.iType(0x03, size, rd, rd, 16),
      ];
    case 4:
      return [Word.add(rd, pointer, STRIDE), Word.iType(0x03, size, rd, rd, imm)];
    case 6:
      return [Word.iType(random.pick([0x13, 0x1b]), 0, rd, source, random.between(-64, 64))];
    default: {
      const [opcode, funct3, funct7] = random.pick(OPERATIONS);
      return [Word.rType(opcode, funct3, funct7, rd, source, random.pick(random.chance(2) ? SUMS : TEMPORARIES))];
    }
  }
}
