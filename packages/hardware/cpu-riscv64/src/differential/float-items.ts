import type { Instruction } from '../isa/instruction.ts';
import { INSTRUCTIONS } from '../isa/table.ts';
import type { Random } from './random.ts';
import * as Word from './words.ts';

/** Instructions of floating point for random programs: all there are, on a few registers, so that one reads what another wrote; and branches on what they compare. */
const FLOATS = [0, 1, 2, 3, 8] as const;
const [FP, FMADD, FNMADD] = [0x53, 0x43, 0x4f] as const;
const ROWS = INSTRUCTIONS.filter(({ match }) => (match & 0x7f) === FP || ((match & 0x7f) >= FMADD && (match & 0x7f) <= FNMADD));
/** Those that programs mostly consist of. */
const COMMON = ROWS.filter(({ name }) => /^f(add|sub|mul|n?m(add|sub)|sgnj|cvt\.[sd]\.[sdw])/.test(name));
const [FFLAGS, FRM, FCSR] = [0x001, 0x002, 0x003] as const;
const MODES = [0, 1, 2, 3, 4] as const;
const DYNAMIC = 7;
const ILLEGAL = 5;

/** Registers of the program that an item may use. */
export interface Integers {
  readonly rd: number;
  readonly source: number;
  /** The base of an access, and how far from it. */
  readonly pointer: number;
  readonly imm: number;
}

export function floatItem(random: Random, integers: Integers): number[] {
  switch (random.below(10)) {
    case 0:
    case 1:
      return [Word.iType(0x07, random.pick([2, 3]), random.pick(FLOATS), integers.pointer, integers.imm)];
    case 2:
      return [Word.storeFloat(random.pick([2, 3]), random.pick(FLOATS), integers.pointer, integers.imm)];
    case 3:
      return random.chance(3) ? [control(random, integers)] : [operation(random, ROWS, integers)];
    case 4:
      return branchOn(random, integers);
    default:
      return [operation(random, random.chance(3) ? ROWS : COMMON, integers)];
  }
}

/** Reads the flags or the mode, or sets them; rarely to a mode that there is not. */
function control(random: Random, { rd, source }: Integers): number {
  switch (random.below(5)) {
    case 0:
      return Word.csrrs(rd, random.pick([FFLAGS, FRM, FCSR]), 0);
    case 1:
      return Word.csrrwi(rd, FRM, random.chance(12) ? ILLEGAL : random.pick(MODES));
    case 2:
      return Word.csrrwi(0, FRM, 0);
    case 3:
      return Word.csrrwi(rd, FFLAGS, random.below(32));
    default:
      return Word.csrrw(rd, FFLAGS, source);
  }
}

/** Adds one to a register or not, by what is compared. */
function branchOn(random: Random, { rd, source }: Integers): number[] {
  const compare = Word.rType(FP, random.below(3), random.pick([0x50, 0x51]), rd, random.pick(FLOATS), random.pick(FLOATS));
  return [compare, Word.branch(random.below(2), rd, 0, 8), Word.addi(source, source, 1)];
}

function operation(random: Random, rows: readonly Instruction[], integers: Integers): number {
  const row = random.pick(rows);
  const free = (shift: number, width: number): boolean => ((row.mask >>> shift) & ((1 << width) - 1)) === 0;
  let word = row.match >>> 0;
  const put = (shift: number, width: number, value: number): void => {
    if (free(shift, width)) word = (word | (value << shift)) >>> 0;
  };
  put(7, 5, row.destination === 'f' ? random.pick(FLOATS) : integers.rd);
  put(15, 5, /^fcvt\.[sd]\.[wl]|^fmv\.[wd]\.x/.test(row.name) ? integers.source : random.pick(FLOATS));
  put(20, 5, random.pick(FLOATS));
  if (row.format === 'R4') put(27, 5, random.pick(FLOATS));
  put(12, 3, random.chance(3) ? random.pick(MODES) : random.chance(60) ? ILLEGAL : DYNAMIC);
  return word;
}
