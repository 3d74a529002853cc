import { IMMEDIATE_PLACES } from './immediates.ts';
import { gather, type Move, moves } from './moves.ts';

/**
 * The C extension: unprivileged ISA manual, chapter 27. Every compressed instruction is short for one 32-bit instruction, and nothing but its length is
 * different from there on. A form says which bits go where, as the manual's tables do; {@link expand} goes by it, and so does the interpreter's predecoder.
 */
export interface CompressedForm {
  readonly name: string;
  /** A halfword `c` has the first form of {@link FORMS} with `(c & mask) === match`. */
  readonly mask: number;
  readonly match: number;
  /** Bits of which one must be set, or the halfword is reserved; 0: there are none. */
  readonly nonzero: number;
  /** The long form without what is moved there. */
  readonly word: number;
  readonly moves: readonly Move[];
}

/** An immediate: the format that it has in the long form, and its bits in the order of the short form, as the manual writes them; `signed`: the highest is its sign. */
interface Immediate {
  readonly format: keyof typeof IMMEDIATE_PLACES;
  readonly bits: string;
  readonly signed: boolean;
}
const unsigned = (format: Immediate['format'], bits: string): Immediate => ({ format, bits, signed: false });
const signed = (format: Immediate['format'], bits: string): Immediate => ({ format, bits, signed: true });

/** Which fields of the long form a letter of a pattern is: rd, rs1 and rs2 by their lowest bits. Small letters are x8 … x15, in three bits. */
const FIELDS: Readonly<Record<string, readonly number[]>> = { d: [7], s: [15], t: [20], b: [7, 15] };

/**
 * A form by its pattern, from bit 15 down: 0, 1, `i` for the immediate, and `d`, `s`, `t` for rd, rs1 and rs2, `b` for rd and rs1 at once. `nonzero`: a letter
 * whose bits must not all be 0.
 */
function form(name: string, pattern: string, word: number, immediate?: Immediate, nonzero?: string): CompressedForm {
  const letters = pattern.replaceAll(' ', '');
  const bitsOf = (wanted: string): number[] => [...letters].flatMap((letter, i) => (wanted.includes(letter) ? [15 - i] : []));
  const set = (places: readonly number[]): number => places.reduce((all, bit) => all | (1 << bit), 0);
  const pairs: (readonly [from: number, to: number])[] = [];
  let fixed = word;
  for (const [letter, fields] of Object.entries(FIELDS)) {
    for (const [written, low] of [[letter, 8] as const, [letter.toUpperCase(), 0] as const]) {
      const bits = bitsOf(written);
      if (bits.length === 0) continue;
      for (const field of fields) {
        fixed |= low << field;
        for (const [i, from] of bits.entries()) pairs.push([from, field + bits.length - 1 - i]);
      }
    }
  }
  const moved = immediate === undefined ? [] : immediateMoves(immediate, bitsOf('i'));
  return {
    name,
    mask: set(bitsOf('01')),
    match: set(bitsOf('1')),
    nonzero: nonzero === undefined ? 0 : set(bitsOf(nonzero)),
    word: fixed >>> 0,
    moves: [...moves(pairs), ...moved],
  };
}

function immediateMoves({ format, bits, signed: hasSign }: Immediate, places: readonly number[]): Move[] {
  const { at, high: top } = IMMEDIATE_PLACES[format];
  const numbers = bits.split('|').flatMap((run) => {
    const [high = 0, low = high] = run.split(':').map(Number);
    return Array.from({ length: high - low + 1 }, (_, i) => high - i);
  });
  if (numbers.length !== places.length) throw new Error(`immediate ${bits} has ${numbers.length} bits for ${places.length}`);
  const sign = hasSign ? Math.max(...numbers) : Number.POSITIVE_INFINITY;
  const plain: [number, number][] = [];
  const extended: [number, number][] = [];
  for (const [i, n] of numbers.entries()) {
    const from = places[i] as number;
    if (n < sign) plain.push([from, at(n)]);
    else for (let bit = n; bit <= top; bit++) extended.push([from, at(bit)]);
  }
  return [...moves(plain), ...moves(extended, true)];
}

const long = (opcode: number, funct3 = 0, funct7 = 0): number => opcode | (funct3 << 12) | (funct7 << 25);
const X1_RD = 1 << 7;
const X2_RD = 2 << 7;
const X2_RS1 = 2 << 15;

const LOAD = 0x03;
const LOAD_FP = 0x07;
const OP_IMM = 0x13;
const OP_IMM_32 = 0x1b;
const STORE = 0x23;
const STORE_FP = 0x27;
const OP = 0x33;
const LUI = 0x37;
const OP_32 = 0x3b;
const BRANCH = 0x63;
const JALR = 0x67;
const JAL = 0x6f;
const EBREAK = 0x0010_0073;

/** Shift amounts and immediates of six bits. */
const SIX = '5|4:0';
const DOUBLE_OFFSET = '5:3|7:6';
const WORD_OFFSET = '5:3|2|6';
const BRANCH_OFFSET = '8|4:3|7:6|2:1|5';

/** By quadrant and funct3, as the manual's tables. Of two that match the first is it. */
export const FORMS: readonly CompressedForm[] = [
  form('c.addi4spn', '000 iiiiiiii ddd 00', long(OP_IMM) | X2_RS1, unsigned('I', '5:4|9:6|2|3'), 'i'),
  form('c.fld', '001 iii sss ii ddd 00', long(LOAD_FP, 3), unsigned('I', DOUBLE_OFFSET)),
  form('c.lw', '010 iii sss ii ddd 00', long(LOAD, 2), unsigned('I', WORD_OFFSET)),
  form('c.ld', '011 iii sss ii ddd 00', long(LOAD, 3), unsigned('I', DOUBLE_OFFSET)),
  form('c.fsd', '101 iii sss ii ttt 00', long(STORE_FP, 3), unsigned('S', DOUBLE_OFFSET)),
  form('c.sw', '110 iii sss ii ttt 00', long(STORE, 2), unsigned('S', WORD_OFFSET)),
  form('c.sd', '111 iii sss ii ttt 00', long(STORE, 3), unsigned('S', DOUBLE_OFFSET)),

  form('c.addi', '000 i BBBBB iiiii 01', long(OP_IMM), signed('I', SIX)),
  form('c.addiw', '001 i BBBBB iiiii 01', long(OP_IMM_32), signed('I', SIX), 'B'),
  form('c.li', '010 i DDDDD iiiii 01', long(OP_IMM), signed('I', SIX)),
  form('c.addi16sp', '011 i 00010 iiiii 01', long(OP_IMM) | X2_RD | X2_RS1, signed('I', '9|4|6|8:7|5'), 'i'),
  form('c.lui', '011 i DDDDD iiiii 01', long(LUI), signed('U', '17|16:12'), 'i'),
  form('c.srli', '100 i 00 bbb iiiii 01', long(OP_IMM, 5), unsigned('I', SIX)),
  form('c.srai', '100 i 01 bbb iiiii 01', long(OP_IMM, 5, 0x20), unsigned('I', SIX)),
  form('c.andi', '100 i 10 bbb iiiii 01', long(OP_IMM, 7), signed('I', SIX)),
  form('c.sub', '100 0 11 bbb 00 ttt 01', long(OP, 0, 0x20)),
  form('c.xor', '100 0 11 bbb 01 ttt 01', long(OP, 4)),
  form('c.or', '100 0 11 bbb 10 ttt 01', long(OP, 6)),
  form('c.and', '100 0 11 bbb 11 ttt 01', long(OP, 7)),
  form('c.subw', '100 1 11 bbb 00 ttt 01', long(OP_32, 0, 0x20)),
  form('c.addw', '100 1 11 bbb 01 ttt 01', long(OP_32)),
  form('c.j', '101 iiiiiiiiiii 01', long(JAL), signed('J', '11|4|9:8|10|6|7|3:1|5')),
  form('c.beqz', '110 iii sss iiiii 01', long(BRANCH), signed('B', BRANCH_OFFSET)),
  form('c.bnez', '111 iii sss iiiii 01', long(BRANCH, 1), signed('B', BRANCH_OFFSET)),

  form('c.slli', '000 i BBBBB iiiii 10', long(OP_IMM, 1), unsigned('I', SIX)),
  form('c.fldsp', '001 i DDDDD iiiii 10', long(LOAD_FP, 3) | X2_RS1, unsigned('I', '5|4:3|8:6')),
  form('c.lwsp', '010 i DDDDD iiiii 10', long(LOAD, 2) | X2_RS1, unsigned('I', '5|4:2|7:6'), 'D'),
  form('c.ldsp', '011 i DDDDD iiiii 10', long(LOAD, 3) | X2_RS1, unsigned('I', '5|4:3|8:6'), 'D'),
  form('c.jr', '100 0 SSSSS 00000 10', long(JALR), undefined, 'S'),
  form('c.mv', '100 0 DDDDD TTTTT 10', long(OP)),
  form('c.ebreak', '100 1 00000 00000 10', EBREAK),
  form('c.jalr', '100 1 SSSSS 00000 10', long(JALR) | X1_RD),
  form('c.add', '100 1 BBBBB TTTTT 10', long(OP)),
  form('c.fsdsp', '101 iiiiii TTTTT 10', long(STORE_FP, 3) | X2_RS1, unsigned('S', '5:3|8:6')),
  form('c.swsp', '110 iiiiii TTTTT 10', long(STORE, 2) | X2_RS1, unsigned('S', '5:2|7:6')),
  form('c.sdsp', '111 iiiiii TTTTT 10', long(STORE, 3) | X2_RS1, unsigned('S', '5:3|8:6')),
];

/** Quadrant and funct3, which every form has: a number below 32. */
export const formKey = (c: number): number => ((c & 3) << 3) | (c >>> 13);

/** Forms by {@link formKey}. */
export const FORMS_BY_KEY: readonly (readonly CompressedForm[])[] = Array.from({ length: 32 }, (_, key) =>
  FORMS.filter(({ match }) => formKey(match) === key),
);

/** A word that matches no instruction. */
const ILLEGAL = 0;

/** The 32-bit instruction that the compressed instruction `c` (16 bits, low two not both set) stands for; 0 if it is illegal. */
export function expand(c: number): number {
  const found = FORMS_BY_KEY[formKey(c)]?.find(({ mask, match }) => (c & mask) === match);
  if (found === undefined || (found.nonzero !== 0 && (c & found.nonzero) === 0)) return ILLEGAL;
  return gather(c, found.moves, found.word) >>> 0;
}
