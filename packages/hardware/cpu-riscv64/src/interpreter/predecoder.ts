import { type CompressedForm, FORMS_BY_KEY, formKey } from '../isa/compressed.ts';
import { IMMEDIATES } from '../isa/immediates.ts';
import type { Instruction } from '../isa/instruction.ts';
import type { Move } from '../isa/moves.ts';
import { hasReservedMode, roundingImmediateOf } from '../isa/rounding.ts';
import { INSTRUCTIONS } from '../isa/table.ts';
import * as Layout from '../layout.ts';
import { type Callee, type Code, call, type Local } from '../wasm/code.ts';
import { type I32, i32 } from '../wasm/expression.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import { OPCODE_OF } from './opcodes.ts';

/**
 * What makes entries of instructions (see {@link Layout.Entry}), as a part of the interpreter's module: a program's first milliseconds go into that, when
 * nothing in JavaScript is optimised yet. It goes by the tables of isa/, which the module brings along as data.
 */

/** Instructions decoded at most in one go: enough for most basic blocks, few enough to waste little on code that is never reached. */
const RUN_MAX = 32;

const Flag = {
  /** rd is an integer register. */
  X: 1,
  /** The immediate is a distance, and the row has a second case for near ones. */
  JUMPS: 2,
  /** It has a rounding mode, of which some are reserved. */
  ROUNDS: 4,
  /** It goes elsewhere, or stops: nothing behind it is decoded with it. */
  ENDS: 8,
} as const;

/** Records of both kinds have 16 bytes; a list of them ends with one that anything matches. Offsets within one; two bytes each, but for the first ones with four. */
const RECORD_BYTES = 16;
const Row = { MASK: 0, MATCH: 4, OPCODE: 8, FLAGS: 10, MOVES: 12, MOVES_END: 14 } as const;
const Form = { WORD: 0, MASK: 4, MATCH: 6, NONZERO: 8, MOVES: 10, MOVES_END: 12 } as const;
/** A {@link Move} in two bytes: from, then these. */
const MOVE = { TO_SHIFT: 5, WIDTH_SHIFT: 10, SIGN: 1 << 15 } as const;

/** Where lists of rows begin, by bits 2…6 of an instruction, and of forms, by {@link formKey}: two bytes each. */
const ROW_LISTS = Layout.PREDECODER;
const FORM_LISTS = ROW_LISTS + 64;

const NOTHING: CompressedForm = { name: 'reserved', mask: 0, match: 0, nonzero: 0, word: 0, moves: [] };

/** The tables as they are in memory, from Layout.PREDECODER on. */
class Tables {
  readonly #view = new DataView(new ArrayBuffer(Layout.CALLEES - Layout.PREDECODER));
  #end = FORM_LISTS + 64;
  readonly #moves = new Map<readonly Move[], number>();

  constructor() {
    for (let key = 0; key < 32; key++) {
      const rows = INSTRUCTIONS.filter(({ match }) => ((match >>> 2) & 31) === key);
      this.#list(ROW_LISTS + 2 * key, [...rows, undefined], (at, row) => this.#row(at, row));
      this.#list(FORM_LISTS + 2 * key, [...(FORMS_BY_KEY[key] ?? []), NOTHING], (at, form) => this.#form(at, form));
    }
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.#view.buffer, 0, this.#end - Layout.PREDECODER);
  }

  #list<T>(head: number, records: readonly T[], write: (at: number, record: T) => void): void {
    const start = this.#take(records.length * RECORD_BYTES);
    this.#put16(head, start);
    for (const [i, record] of records.entries()) write(start + i * RECORD_BYTES, record);
  }

  #row(at: number, row: Instruction | undefined): void {
    this.#put32(at + Row.MASK, row?.mask ?? 0);
    this.#put32(at + Row.MATCH, row?.match ?? 0);
    this.#put16(at + Row.OPCODE, (row && OPCODE_OF.get(row)) ?? Layout.Opcode.ILLEGAL);
    this.#put16(at + Row.FLAGS, row === undefined ? Flag.ENDS : flagsOf(row));
    const format = row?.format ?? 'NONE';
    this.#putMoves(at + Row.MOVES, format === 'RM' || format === 'R4' ? IMMEDIATES.NONE : IMMEDIATES[format]);
  }

  #form(at: number, { word, mask, match, nonzero, moves }: CompressedForm): void {
    this.#put32(at + Form.WORD, word);
    this.#put16(at + Form.MASK, mask);
    this.#put16(at + Form.MATCH, match);
    this.#put16(at + Form.NONZERO, nonzero);
    this.#putMoves(at + Form.MOVES, moves);
  }

  /** Writes where moves begin and where they end. */
  #putMoves(at: number, moves: readonly Move[]): void {
    let start = this.#moves.get(moves);
    if (start === undefined) {
      start = this.#take(moves.length * 2);
      this.#moves.set(moves, start);
      for (const [i, { from, to, width, isSign }] of moves.entries()) {
        this.#put16(start + 2 * i, from | (to << MOVE.TO_SHIFT) | ((width - 1) << MOVE.WIDTH_SHIFT) | (isSign ? MOVE.SIGN : 0));
      }
    }
    this.#put16(at, start);
    this.#put16(at + 2, start + moves.length * 2);
  }

  #take(bytes: number): number {
    const start = this.#end;
    this.#end += bytes;
    if (this.#end > Layout.CALLEES) throw new Error(`the predecoder's tables need more than ${Layout.CALLEES - Layout.PREDECODER} bytes`);
    return start;
  }

  #put16(at: number, value: number): void {
    this.#view.setUint16(at - Layout.PREDECODER, value, true);
  }

  #put32(at: number, value: number): void {
    this.#view.setUint32(at - Layout.PREDECODER, value, true);
  }
}

function flagsOf({ name, format, destination }: Instruction): number {
  const jumps = format === 'B' || format === 'J';
  const ends = jumps || name === 'jalr' || name === 'ecall';
  const rounds = format === 'RM' || format === 'R4';
  return (destination === 'x' ? Flag.X : 0) | (jumps ? Flag.JUMPS : 0) | (rounds ? Flag.ROUNDS : 0) | (ends ? Flag.ENDS : 0);
}

/**
 * (pc, entry) → 1; 0 if the instruction at `pc` goes on in a page that cannot be executed. Decodes instructions from `pc` into entries, up to a jump, the end
 * of the page or what was decoded before. `follow`: (page) → whether it can be executed.
 */
export function predecodeFunction(module: ModuleBuilder, follow: Callee): Callee {
  module.data(Layout.PREDECODER, new Tables().bytes);
  const gather = gatherFunction(module);
  const expand = expandFunction(module, gather);
  const mark = markFunction(module);
  return module.function(['i32', 'i32'], 'i32', (code, [pc, first]) => {
    const page = code.let(i32.shrU(pc, i32.const(Layout.PAGE_SHIFT)));
    code.call(mark, page);
    const at = code.let(pc);
    const entry = code.let(first);
    const isBehind = i32.ne(at, pc);
    const left = code.let(i32.const(RUN_MAX));
    const word = code.local('i32');
    const length = code.local('i32');
    code.loop((next) => {
      const half = code.let(i32.load16u(at, Layout.BASE));
      code.if(
        i32.eq(i32.and(half, i32.const(3)), i32.const(3)),
        () => {
          code.if(i32.eq(i32.and(at, i32.const(Layout.PAGE_SIZE - 2)), i32.const(Layout.PAGE_SIZE - 2)), () => {
            code.if(isBehind, () => code.return(i32.const(1)));
            const other = code.let(i32.add(page, i32.const(1)));
            code.if(i32.eqz(call('i32', follow, other)), () => code.return(i32.const(0)));
            code.call(mark, other);
          });
          code.set(word, i32.load(at, Layout.BASE));
          code.set(length, i32.const(4));
        },
        () => {
          code.set(word, call('i32', expand, half));
          code.set(length, i32.const(2));
        },
      );
      const place = code.let(wordAt(entry));
      code.if(i32.and(isBehind, i32.ne(i32.load(place), i32.const(0))), () => code.return(i32.const(1)));
      const ends = writeEntry(code, { gather, page, at, word, length, entry, place });
      code.if(ends, () => code.return(i32.const(1)));
      code.set(at, i32.add(at, length));
      code.set(entry, i32.add(entry, i32.shl(length, i32.const(2))));
      code.set(left, i32.sub(left, i32.const(1)));
      const isWithin = i32.ne(i32.and(at, i32.const(Layout.PAGE_SIZE - 1)), i32.const(0));
      code.brIf(next, i32.and(isWithin, i32.ne(left, i32.const(0))));
    });
    code.return(i32.const(1));
    code.unreachable();
  });
}

/** Where the word of an entry is that the interpreter goes by: where translated code begins, it is not in the entry. */
function wordAt(entry: I32): I32 {
  // The shift takes TRANSLATED out.
  const handle = i32.shl(i32.load(entry), i32.const(Math.log2(Layout.HANDLE_BYTES)));
  return i32.select(i32.ltS(i32.load(entry), i32.const(0)), i32.add(handle, i32.const(Layout.HANDLES + 4)), entry);
}

interface Decoding {
  readonly gather: Callee;
  readonly page: Local<'i32'>;
  readonly at: Local<'i32'>;
  /** The instruction as one of 32 bits. */
  readonly word: Local<'i32'>;
  /** Its bytes. */
  readonly length: Local<'i32'>;
  readonly entry: Local<'i32'>;
  /** Where the entry's word goes. */
  readonly place: Local<'i32'>;
}

/** Writes the entry of one instruction; whether nothing is to be decoded behind it. */
function writeEntry(code: Code, { gather, page, at, word, length, entry, place }: Decoding): I32 {
  const row = code.let(i32.load16u(i32.shrU(i32.and(word, i32.const(0x7c)), i32.const(1)), ROW_LISTS));
  find(code, row, () => i32.eq(i32.and(word, i32.load(row, Row.MASK)), i32.load(row, Row.MATCH)));
  const opcode = code.let(i32.load16u(row, Row.OPCODE));
  const flags = code.let(i32.load16u(row, Row.FLAGS));
  const has = (flag: number): I32 => i32.and(flags, i32.const(flag));
  const imm = code.let(call('i32', gather, word, i32.load16u(row, Row.MOVES), i32.load16u(row, Row.MOVES_END), i32.const(0)));
  code.if(has(Flag.ROUNDS), () => {
    code.set(imm, roundingImmediateOf(word));
    code.if(hasReservedMode(word), () => {
      code.set(opcode, i32.const(Layout.Opcode.ILLEGAL));
      code.set(flags, i32.const(Flag.ENDS));
    });
  });
  code.if(has(Flag.JUMPS), () => {
    // Near: the immediate is a distance between entries.
    code.if(i32.eq(i32.shrU(i32.add(at, imm), i32.const(Layout.PAGE_SHIFT)), page), () => {
      code.set(opcode, i32.add(opcode, i32.const(1)));
      code.set(imm, i32.shl(imm, i32.const(Math.log2(Layout.ENTRY_BYTES / 2))));
    });
  });
  const rd = code.let(i32.and(i32.shrU(word, i32.const(7)), i32.const(31)));
  code.if(i32.eqz(rd), () => code.set(rd, i32.mul(has(Flag.X), i32.const(Layout.X_DISCARD))));
  const { OPCODE_SHIFT, RD_SHIFT, RS1_SHIFT } = Layout.Entry;
  // rs1 and rs2 are beside each other in both.
  const sources = i32.and(i32.shrU(word, i32.const(15 - RS1_SHIFT)), i32.const(0x3ff << RS1_SHIFT));
  const fields = i32.or(i32.or(i32.shl(opcode, i32.const(OPCODE_SHIFT)), i32.shl(rd, i32.const(RD_SHIFT))), sources);
  code.store('i32', entry, imm, 4);
  code.store('i32', place, i32.or(fields, i32.shl(length, i32.const(2))));
  return has(Flag.ENDS);
}

/** Moves `record` on to the first in its list that matches. */
function find(code: Code, record: Local<'i32'>, matches: () => I32): void {
  code.block((found) =>
    code.loop((again) => {
      code.brIf(found, matches());
      code.set(record, i32.add(record, i32.const(RECORD_BYTES)));
      code.br(again);
    }),
  );
}

/** (source, moves, their end, into): see {@link gather} of isa/moves.ts. Shifts go by the low five bits of what they shift by. */
function gatherFunction(module: ModuleBuilder): Callee {
  return module.function(['i32', 'i32', 'i32', 'i32'], 'i32', (code, [source, moves, end, into]) => {
    code.block((done) =>
      code.loop((next) => {
        code.brIf(done, i32.eq(moves, end));
        const move = code.let(i32.load16u(moves));
        const bits = code.let(i32.shrU(source, move));
        code.if(i32.and(move, i32.const(MOVE.SIGN)), () => code.set(bits, i32.sub(i32.const(0), i32.and(bits, i32.const(1)))));
        const mask = i32.sub(i32.shl(i32.const(2), i32.shrU(move, i32.const(MOVE.WIDTH_SHIFT))), i32.const(1));
        code.set(into, i32.or(into, i32.shl(i32.and(bits, mask), i32.shrU(move, i32.const(MOVE.TO_SHIFT)))));
        code.set(moves, i32.add(moves, i32.const(2)));
        code.br(next);
      }),
    );
    code.return(into);
    code.unreachable();
  });
}

/** (halfword) → word: see {@link expand} of isa/compressed.ts. */
function expandFunction(module: ModuleBuilder, gather: Callee): Callee {
  return module.function(['i32'], 'i32', (code, [half]) => {
    const form = code.let(i32.load16u(i32.shl(keyOf(half), i32.const(1)), FORM_LISTS));
    find(code, form, () => i32.eq(i32.and(half, i32.load16u(form, Form.MASK)), i32.load16u(form, Form.MATCH)));
    const nonzero = code.let(i32.load16u(form, Form.NONZERO));
    code.if(nonzero, () => code.if(i32.eqz(i32.and(half, nonzero)), () => code.return(i32.const(0))));
    const [moves, end, word] = [i32.load16u(form, Form.MOVES), i32.load16u(form, Form.MOVES_END), i32.load(form, Form.WORD)];
    code.return(call('i32', gather, half, moves, end, word));
    code.unreachable();
  });
}

/** As {@link formKey}. */
const keyOf = (half: I32): I32 => i32.or(i32.shl(i32.and(half, i32.const(3)), i32.const(3)), i32.shrU(half, i32.const(13)));

/** (page): withholds stores to a page with decoded instructions, as CodePages does. */
function markFunction(module: ModuleBuilder): Callee {
  return module.function(['i32'], undefined, (code, [page]) => {
    const zero = i32.const(0);
    const { CODE, WRITE } = Layout.Perm;
    const flags = code.let(i32.load8u(page, Layout.PERMS));
    code.if(i32.and(flags, i32.const(WRITE)), () => {
      code.store('i32', zero, i32.add(i32.load(zero, Layout.WITHDRAWALS), i32.const(1)), Layout.WITHDRAWALS);
    });
    code.store('i32_8', page, i32.and(i32.or(flags, i32.const(CODE)), i32.const(~WRITE)), Layout.PERMS);
  });
}
