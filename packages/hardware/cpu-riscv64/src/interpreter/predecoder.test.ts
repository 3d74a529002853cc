import { FORGETFUL } from '@ashlar/hardware';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Random } from '../differential/random.ts';
import { Engine } from '../engine.ts';
import { expand } from '../isa/compressed.ts';
import { find, immediate } from '../isa/decode.ts';
import { INSTRUCTIONS } from '../isa/table.ts';
import {
  BASE,
  CODE_SLOT_BYTES,
  CODE_SLOTS,
  ENTRY_BYTES,
  Entry,
  Opcode,
  PAGE_SIZE,
  PERMS,
  Perm,
  WITHDRAWALS,
  X_DISCARD,
} from '../layout.ts';
import { OPCODE_OF } from './opcodes.ts';

const PAGE = 16;
const PC = PAGE * PAGE_SIZE + 0x800;
const SLOT = 1;
const ADDI = 0x0015_0513;
const ECALL = 0x73;

let engine: Engine;
let followed: number[];
let mayFollow: boolean;

const entryOf = (pc: number): number => CODE_SLOTS + SLOT * CODE_SLOT_BYTES + (pc - PAGE * PAGE_SIZE) * (ENTRY_BYTES / 2);
const entryAt = (pc: number): readonly [word: number, imm: number] => {
  const at = entryOf(pc) >> 2;
  return [engine.i32[at] as number, engine.i32[at + 1] as number];
};

function put(pc: number, word: number): void {
  engine.u16[(BASE + pc) >> 1] = word;
  engine.u16[(BASE + pc + 2) >> 1] = word >>> 16;
}

/** Decodes what is at a pc, with nothing decoded in its page so far. */
function decode(pc: number): number {
  engine.i32.fill(0, (CODE_SLOTS + SLOT * CODE_SLOT_BYTES) >> 2, (CODE_SLOTS + (SLOT + 1) * CODE_SLOT_BYTES) >> 2);
  return engine.predecode(pc, entryOf(pc));
}

/** What the interpreter has to see of an instruction at {@link PC}; of an illegal one, which fields it has does not matter. */
function wanted(raw: number): { fields: number; imm: number; ends: boolean } {
  const isWhole = (raw & 3) === 3;
  const word = isWhole ? raw : expand(raw);
  const steps = isWhole ? 16 : 8;
  const row = find(word);
  const mode = (word >>> 12) & 7;
  const rounds = row?.format === 'RM' || row?.format === 'R4';
  if (row === undefined || (rounds && (mode === 5 || mode === 6)))
    return { fields: (Opcode.ILLEGAL << Entry.OPCODE_SHIFT) | steps, imm: 0, ends: true };
  const jumps = row.format === 'B' || row.format === 'J';
  const imm = immediate(row.format, word);
  const isNear = jumps && (PC + imm) >>> 12 === PAGE;
  const rd = (word >>> 7) & 31;
  const destination = rd === 0 && row.destination === 'x' ? X_DISCARD : rd;
  const sources = (((word >>> 20) & 31) << Entry.RS2_SHIFT) | (((word >>> 15) & 31) << Entry.RS1_SHIFT);
  const opcode = (OPCODE_OF.get(row) as number) + (isNear ? 1 : 0);
  return {
    fields: (opcode << Entry.OPCODE_SHIFT) | (destination << Entry.RD_SHIFT) | sources | steps,
    imm: isNear ? imm * (ENTRY_BYTES / 2) : imm,
    ends: jumps || row.name === 'jalr' || row.name === 'ecall',
  };
}

/** What is wrong with the entry that an instruction gets. */
function mistake(raw: number): string | undefined {
  const length = (raw & 3) === 3 ? 4 : 2;
  put(PC, raw);
  put(PC + length, ECALL);
  decode(PC);
  const { fields, imm, ends } = wanted(raw);
  const [word, found] = entryAt(PC);
  const isIllegal = fields >>> Entry.OPCODE_SHIFT === Opcode.ILLEGAL;
  const sees = isIllegal ? (word & (-1 << Entry.OPCODE_SHIFT)) | (word & Entry.LENGTH_MASK) : word;
  const wentOn = entryAt(PC + length)[0] !== 0;
  if (sees === fields && (isIllegal || found === imm) && wentOn === !ends) return undefined;
  return `${raw.toString(16)}: ${sees.toString(16)}, ${found}, ${wentOn} instead of ${fields.toString(16)}, ${imm}, ${!ends}`;
}

describe('the predecoder', () => {
  beforeEach(() => {
    engine = Engine.take(FORGETFUL);
    followed = [];
    mayFollow = true;
    const follow = (page: number): number => {
      followed.push(page);
      return mayFollow ? 1 : 0;
    };
    engine.host = { trap: () => 1, miss: () => 0, enter: () => 0, follow, hot: () => 0 };
  });

  afterEach(() => engine.u8.fill(0, PERMS + PAGE, PERMS + PAGE + 2));

  it('makes of every halfword what the tables say', () => {
    const halves = Array.from({ length: 1 << 16 }, (_, half) => half).filter((half) => (half & 3) !== 3);
    expect(halves.map(mistake).filter((wrong) => wrong !== undefined)).toEqual([]);
  });

  it('makes of every instruction, whatever its operands are, what the tables say', () => {
    const random = new Random(7);
    const words = INSTRUCTIONS.flatMap(({ match, mask }) => Array.from({ length: 40 }, () => (match | (random.bits() & ~mask)) >>> 0));
    expect(words.map(mistake).filter((wrong) => wrong !== undefined)).toEqual([]);
  });

  it('takes for illegal what is no instruction', () => {
    const random = new Random(8);
    const words = Array.from({ length: 20_000 }, () => (random.bits() | 3) >>> 0);
    expect(words.filter((word) => find(word) === undefined).length).toBeGreaterThan(1000);
    expect(words.map(mistake).filter((wrong) => wrong !== undefined)).toEqual([]);
  });

  it('stops before what was decoded already, and after 32 instructions', () => {
    for (let n = 0; n < 40; n++) put(PC + 4 * n, ADDI);
    expect(decode(PC + 40)).toBe(1);
    const [before] = entryAt(PC + 40);
    engine.i32[(entryOf(PC + 40) >> 2) + 1] = 77;
    expect(engine.predecode(PC, entryOf(PC))).toBe(1);
    expect([entryAt(PC + 36)[0], entryAt(PC + 40)]).toEqual([before, [before, 77]]);
    decode(PC);
    expect([31, 32].map((n) => entryAt(PC + 4 * n)[0])).toEqual([before, 0]);
  });

  it('withholds stores to the page, which voids what was found out about it', () => {
    engine.u8[PERMS + PAGE] = Perm.PRESENT | Perm.READ | Perm.WRITE | Perm.EXEC;
    const withdrawals = engine.i32[WITHDRAWALS >> 2] as number;
    put(PC, ECALL);
    for (let n = 0; n < 2; n++) {
      decode(PC);
      expect(engine.u8[PERMS + PAGE]).toBe(Perm.PRESENT | Perm.READ | Perm.EXEC | Perm.CODE);
      expect(engine.i32[WITHDRAWALS >> 2]).toBe(withdrawals + 1);
    }
  });

  it('asks for the next page only where the first instruction goes on there', () => {
    const last = (PAGE + 1) * PAGE_SIZE - 2;
    put(last - 4, ADDI);
    put(last, ADDI);
    decode(last - 4);
    expect([followed, entryAt(last - 4)[0] !== 0, entryAt(last)[0]]).toEqual([[], true, 0]);
    expect(decode(last)).toBe(1);
    expect([followed, entryAt(last)[0] !== 0]).toEqual([[PAGE + 1], true]);
    expect([PAGE, PAGE + 1].map((page) => (engine.u8[PERMS + page] as number) & Perm.CODE)).toEqual([Perm.CODE, Perm.CODE]);
    mayFollow = false;
    expect([decode(last), entryAt(last)[0]]).toEqual([0, 0]);
  });

  it('stops at the end of the page', () => {
    const end = (PAGE + 1) * PAGE_SIZE;
    for (let pc = end - 16; pc < end + 16; pc += 4) put(pc, ADDI);
    decode(end - 16);
    expect([entryAt(end - 4)[0] !== 0, followed]).toEqual([true, []]);
  });
});
