import { expand } from '../isa/compressed.ts';
import { find, immediate } from '../isa/decode.ts';
import type { Instruction } from '../isa/instruction.ts';
import { isReservedMode } from '../isa/rounding.ts';
import { type Access, accessOf } from './accesses.ts';
import { type Move, moveOf } from './moves.ts';
import { type Uses, usesOf } from './operands.ts';

/** What an instruction is, wherever it stands. */
interface Decoded {
  readonly length: 2 | 4;
  readonly raw: number;
  readonly row: Instruction;
  readonly imm: number;
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  readonly uses: Uses;
  readonly access: Access | undefined;
  readonly move: Move | undefined;
}

/** A decoded instruction at its address. What it is is shared with all others that are the same: a large program has a hundred thousand. */
export class Op {
  readonly pc: number;
  readonly #decoded: Decoded;

  constructor(pc: number, decoded: Decoded) {
    this.pc = pc;
    this.#decoded = decoded;
  }

  /** Bytes. */
  get length(): 2 | 4 {
    return this.#decoded.length;
  }

  /** Its bytes as a number. */
  get raw(): number {
    return this.#decoded.raw;
  }

  get row(): Instruction {
    return this.#decoded.row;
  }

  get imm(): number {
    return this.#decoded.imm;
  }

  get rd(): number {
    return this.#decoded.rd;
  }

  get rs1(): number {
    return this.#decoded.rs1;
  }

  get rs2(): number {
    return this.#decoded.rs2;
  }

  get uses(): Uses {
    return this.#decoded.uses;
  }

  /** What a load or store accesses; undefined for other instructions. */
  get access(): Access | undefined {
    return this.#decoded.access;
  }

  /** The instruction as a move, if it is one. */
  get move(): Move | undefined {
    return this.#decoded.row.name === 'auipc' ? moveOf(this.row, this) : this.#decoded.move;
  }
}

/** What is remembered of instructions: all of it is let go of when there is more. */
const KNOWN_MAX = 16384;
const known = new Map<number, Decoded | undefined>();

/** The instruction at `pc`; undefined if it is not for a translator. `half`: the halfword at an address, negative where there is no code. */
export function decodeAt(half: (pc: number) => number, pc: number): Op | undefined {
  const low = half(pc);
  if (low < 0) return undefined;
  let raw = low;
  if ((low & 3) === 3) {
    const high = half(pc + 2);
    if (high < 0) return undefined;
    raw = (low | (high << 16)) >>> 0;
  }
  let decoded = known.get(raw);
  if (decoded === undefined && !known.has(raw)) {
    if (known.size >= KNOWN_MAX) known.clear();
    decoded = decode(raw);
    known.set(raw, decoded);
  }
  return decoded === undefined || goesBelowZero(pc, decoded) ? undefined : new Op(pc, decoded);
}

/** Whether a jump by a distance leads to an address that is no number of 32 bits: the interpreter knows what becomes of it. */
const goesBelowZero = (pc: number, { row, imm }: Decoded): boolean => (row.format === 'J' || row.format === 'B') && pc + imm < 0;

/** Rows that end a region: what they do needs the host, and is rare. */
const LEAVING = new Set(['ebreak', 'fence.i']);
/** Only these CSRs are plain state of the context. */
const FLOAT_CSRS = new Set([1, 2, 3]);

function decode(raw: number): Decoded | undefined {
  const isWhole = (raw & 3) === 3;
  const word = isWhole ? raw : expand(raw) >>> 0;
  const row = find(word);
  if (row === undefined || LEAVING.has(row.name)) return undefined;
  const mode = (word >>> 12) & 7;
  if ((row.format === 'RM' || row.format === 'R4') && isReservedMode(mode)) return undefined;
  if (row.format === 'CSR' && !FLOAT_CSRS.has(word >>> 20)) return undefined;
  const imm = immediate(row.format, word);
  const [rd, rs1, rs2] = [(word >>> 7) & 31, (word >>> 15) & 31, (word >>> 20) & 31];
  return {
    length: isWhole ? 4 : 2,
    raw,
    row,
    imm,
    rd,
    rs1,
    rs2,
    uses: usesOf(row, word),
    access: accessOf(row, rs1, imm),
    move: moveOf(row, { pc: 0, rd, rs1, rs2, imm }),
  };
}
