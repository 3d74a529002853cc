import { expand } from '../isa/compressed.ts';
import { find } from '../isa/decode.ts';
import type { Instruction } from '../isa/instruction.ts';
import { INSTRUCTIONS } from '../isa/table.ts';
import { staticElf } from './elf.ts';
import type { Random } from './random.ts';
import { floatBits, integerBits } from './states.ts';
import * as Word from './words.ts';

/**
 * Random instruction sequences in one executable that runs them all, each from a state of its own, and writes the states that they end in. The
 * same executable runs on the peer and on this CPU.
 */
const CODE = 0x1_0000;
const DATA = 0x200_0000;

/** A state block: address of the sequence, x1 … x29, f0 … f31, fcsr, scratch memory. Overwritten by the result. */
const X_AT = 8;
const F_AT = X_AT + 29 * 8;
const FCSR_AT = F_AT + 32 * 8;
const SCRATCH_AT = FCSR_AT + 8;
const SCRATCH_BYTES = 512;
export const BLOCK_BYTES = SCRATCH_AT + SCRATCH_BYTES;

const LINK = 30;
const BLOCK = 31;
/** Registers that hold addresses in the middle of the scratch memory, and are never written. x2 and x8 are what compressed accesses can name. */
const BASES = [2, 8, 29] as const;
const isBase = (register: number): boolean => register === 2 || register === 8 || register >= 29;

/**
 * Left out: what stops the program; and what QEMU 7.2 gets wrong: its ctzw of a word of zeroes goes on counting above bit 31, where the ISA manual
 * (section 28.4.5) asks for 32. Counters are left out by withCsr: no two CPUs agree on them.
 */
const EXCLUDED = new Set(['ecall', 'ebreak', 'ctzw']);
const ROWS = INSTRUCTIONS.filter(({ name }) => !EXCLUDED.has(name));

/** Neither memory nor control flow. */
const HARMLESS = ROWS.filter(({ match }) => [0x13, 0x1b, 0x33, 0x3b, 0x53].includes(match & 0x7f));

export interface Sequence {
  /** Human-readable names, for a failure's report. */
  readonly names: readonly string[];
  readonly words: readonly number[];
}

export interface Program {
  readonly elf: Uint8Array;
  readonly sequences: readonly Sequence[];
  /** State blocks before the run, as the output is after it. */
  readonly blocks: Uint8Array;
}

/** A program of `count` sequences of 4 … 24 instructions. */
export function program(random: Random, count: number): Program {
  const stream = new Word.Stream();
  const leave = frame(stream, count);
  const sequences: Sequence[] = [];
  const blocks = new Uint8Array(count * BLOCK_BYTES + 8);
  for (let i = 0; i < count; i++) {
    writeState(random, blocks, i * BLOCK_BYTES, CODE + stream.length);
    sequences.push(sequence(random, stream));
    const offset = leave - stream.length;
    const low = (offset << 20) >> 20;
    stream.word(Word.auipc(LINK, (offset - low) >> 12), Word.jalr(LINK, LINK, low));
  }
  const elf = staticElf(CODE, [
    { address: CODE, flags: 5, bytes: stream.bytes() },
    { address: DATA, flags: 6, bytes: blocks },
  ]);
  return { elf, sequences, blocks };
}

/** The code around the sequences; gives the offset of the part that they all end in. */
function frame(stream: Word.Stream, count: number): number {
  stream.word(...Word.li(BLOCK, DATA));
  const enter = stream.length;
  stream.word(Word.ld(LINK, BLOCK, 0));
  const check = stream.length;
  // Distances are counted from here: 3 for fcsr, 61 loads, a jump, 64 stores and 4 more.
  stream.word(Word.beqz(LINK, 4 * (1 + 2 + 32 + 29 + 1 + 29 + 32 + 2 + 2)));
  stream.word(Word.ld(1, BLOCK, FCSR_AT), Word.csrrw(0, 0x003, 1));
  for (let r = 0; r < 32; r++) stream.word(Word.fld(r, BLOCK, F_AT + r * 8));
  for (let r = 1; r <= 29; r++) stream.word(Word.ld(r, BLOCK, X_AT + (r - 1) * 8));
  stream.word(Word.jalr(0, LINK, 0));
  const leave = stream.length;
  for (let r = 1; r <= 29; r++) stream.word(Word.sd(r, BLOCK, X_AT + (r - 1) * 8));
  for (let r = 0; r < 32; r++) stream.word(Word.fsd(r, BLOCK, F_AT + r * 8));
  stream.word(Word.csrrs(1, 0x003, 0), Word.sd(1, BLOCK, FCSR_AT));
  stream.word(Word.addi(BLOCK, BLOCK, BLOCK_BYTES));
  stream.word(Word.jal(0, enter - stream.length));
  if (stream.length - check !== 4 * (1 + 2 + 32 + 29 + 1 + 29 + 32 + 2 + 2)) throw new Error('the frame and its branch disagree');
  // All done: write the blocks, in as many calls as it takes, and exit.
  stream.word(...Word.li(9, DATA), ...Word.li(18, count * BLOCK_BYTES));
  const again = stream.length;
  stream.word(Word.addi(10, 0, 1), Word.addi(11, 9, 0), Word.addi(12, 18, 0), Word.addi(17, 0, 64), Word.ECALL);
  stream.word(Word.add(9, 9, 10), Word.sub(18, 18, 10));
  stream.word(Word.bnez(18, again - stream.length));
  stream.word(Word.addi(10, 0, 0), Word.addi(17, 0, 93), Word.ECALL);
  return leave;
}

// ───── states ─────

function writeState(random: Random, blocks: Uint8Array, at: number, entry: number): void {
  const view = new DataView(blocks.buffer, at);
  const put = (offset: number, [high, low]: readonly [number, number]): void => {
    view.setInt32(offset, low, true);
    view.setInt32(offset + 4, high, true);
  };
  put(0, [0, entry]);
  for (let r = 1; r <= 29; r++) {
    const middle = DATA + at + SCRATCH_AT + SCRATCH_BYTES / 2;
    put(X_AT + (r - 1) * 8, isBase(r) ? [0, middle + (r === 2 ? -128 : r === 8 ? -64 : 0)] : integerBits(random));
  }
  for (let r = 0; r < 32; r++) put(F_AT + r * 8, floatBits(random));
  put(FCSR_AT, [0, (random.below(5) << 5) | (random.chance(2) ? random.below(32) : 0)]);
  for (let i = 0; i < SCRATCH_BYTES; i += 8) put(SCRATCH_AT + i, random.chance(2) ? floatBits(random) : integerBits(random));
}

// ───── instructions ─────

/** A branch or jump that waits for its target: the offset of its word, and how many instructions it skips. */
interface Pending {
  readonly index: number;
  left: number;
}

interface Chosen {
  readonly word: number;
  readonly length: 2 | 4;
  readonly name: string;
}

function sequence(random: Random, stream: Word.Stream): Sequence {
  const chosen: Chosen[] = [];
  const pending: Pending[] = [];
  const targets = new Map<number, number>();
  const count = random.between(4, 24);
  let reserved = false;
  for (let i = 0; i < count; i++) {
    const next: Chosen = i < chosen.length ? (chosen[i] as Chosen) : random.chance(4) ? compressed(random) : instruction(random, ROWS);
    if (i === chosen.length && isReserving(next)) {
      if (reserved) {
        i--;
        continue;
      }
      reserved = next.name.startsWith('lr');
      chosen.push(...(reserved ? reservingGroup(random, next) : [next]));
    }
    const row = find(next.length === 2 ? expand(next.word) : next.word);
    if (row?.format === 'B' || row?.format === 'J') pending.push({ index: i, left: random.between(1, 4) });
    if (i === chosen.length) chosen.push(next);
    for (const p of pending) {
      if (p.index !== i && p.left > 0 && --p.left === 0) targets.set(p.index, i + 1);
    }
  }
  for (const p of pending) if (!targets.has(p.index)) targets.set(p.index, chosen.length);
  // What SC does to a reservation of the round before is not the same everywhere, so sequences with one run once.
  const rounds = chosen.some(isReserving) || random.chance(2) ? 1 : random.between(2, 5);
  if (rounds === 1) return emit(chosen, targets, stream);
  stream.word(Word.addi(LINK, 0, rounds));
  const top = stream.length;
  const { names, words } = emit(chosen, targets, stream);
  const back: readonly number[] = [Word.addi(LINK, LINK, -1), Word.bnez(LINK, top - stream.length - 4)];
  stream.word(...back);
  return { names: [`${rounds} rounds of`, ...names], words: [0, ...words] };
}

/** Writes the instructions, with the distances of branches, all forward, now that lengths are known. */
function emit(chosen: readonly Chosen[], targets: ReadonlyMap<number, number>, stream: Word.Stream): Sequence {
  const words: number[] = [];
  for (const [i, { word, length }] of chosen.entries()) {
    const target = targets.get(i);
    let distance = 0;
    for (let k = i; target !== undefined && k < target; k++) distance += (chosen[k] as Chosen).length;
    const final = target === undefined ? word : withDistance(word, length, distance);
    words.push(final);
    if (length === 2) stream.half(final);
    else stream.word(final);
  }
  return { names: chosen.map(({ name }) => name), words };
}

function withDistance(word: number, length: 2 | 4, distance: number): number {
  if (length === 2) return (word & 0xe003) === 0xa001 ? compressedJump(distance) : compressedBranch(word, distance);
  const opcode = word & 0x7f;
  return opcode === 0x6f
    ? Word.jal((word >>> 7) & 31, distance)
    : Word.branch((word >>> 12) & 7, (word >>> 15) & 31, (word >>> 20) & 31, distance);
}

const compressedJump = (d: number): number =>
  0xa001 |
  (((d >> 11) & 1) << 12) |
  (((d >> 4) & 1) << 11) |
  (((d >> 8) & 3) << 9) |
  (((d >> 10) & 1) << 8) |
  (((d >> 6) & 1) << 7) |
  (((d >> 7) & 1) << 6) |
  (((d >> 1) & 7) << 3) |
  (((d >> 5) & 1) << 2);
const compressedBranch = (word: number, d: number): number =>
  (word & 0xe383) | (((d >> 8) & 1) << 12) | (((d >> 3) & 3) << 10) | (((d >> 6) & 3) << 5) | (((d >> 1) & 3) << 3) | (((d >> 5) & 1) << 2);

/** A register that may be written. */
function destination(random: Random): number {
  for (;;) {
    const register = random.below(29);
    if (!isBase(register)) return register;
  }
}

const source = (random: Random): number => random.below(30);
const MEMORY_OPCODES = new Set([0x03, 0x07, 0x23, 0x27]);

const isReserving = ({ name }: Chosen): boolean => name.startsWith('lr.') || name.startsWith('sc.');

/**
 * LR, something harmless, and SC of the same width, usually to the same place, once in a sequence. What SC does when the widths differ, or when the
 * hart itself has stored to the place, is left to the implementation (ISA manual, section 13.2), and QEMU and this CPU differ in it.
 */
function reservingGroup(random: Random, lr: Chosen): Chosen[] {
  const between = Array.from({ length: random.below(3) }, () => instruction(random, HARMLESS));
  const rs1 = random.chance(4) ? random.pick(BASES) : (lr.word >>> 15) & 31;
  const sc = instruction(
    random,
    ROWS.filter(({ name }) => name === lr.name.replace('lr', 'sc')),
  );
  return [lr, ...between, { ...sc, word: ((sc.word & ~(31 << 15)) | (rs1 << 15)) >>> 0 }];
}

function instruction(random: Random, rows: readonly Instruction[]): Chosen {
  const row = random.pick(rows);
  let word = (row.match | (random.bits() & ~row.mask)) >>> 0;
  const opcode = word & 0x7f;
  const set = (shift: number, value: number): void => {
    if (((row.mask >>> shift) & 31) === 0) word = ((word & ~(31 << shift)) | (value << shift)) >>> 0;
  };
  if (row.format !== 'S' && row.format !== 'B') set(7, row.destination === 'f' ? random.below(32) : destination(random));
  if (row.format !== 'U' && row.format !== 'J' && !isFloatSource(row)) set(15, source(random));
  if (row.format === 'R' && !isFloatSource(row)) set(20, source(random));
  if (MEMORY_OPCODES.has(opcode)) word = withAddress(random, row, word);
  else if (opcode === 0x2f) set(15, random.pick(BASES));
  else if (opcode === 0x67) word = Word.auipc(destination(random), 0);
  else if (row.format === 'RM' || row.format === 'R4') word = withMode(random, word);
  else if (row.format === 'CSR') word = withCsr(random, word);
  return { word, length: 4, name: opcode === 0x67 ? 'auipc' : row.name };
}

/** Whether rs1 and rs2 name f registers: any of those may be read. */
function isFloatSource(row: Instruction): boolean {
  const opcode = row.match & 0x7f;
  if (opcode !== 0x53) return opcode === 0x43 || opcode === 0x47 || opcode === 0x4b || opcode === 0x4f;
  return !/^fcvt\.[sd]\.[wl]|^fmv\.[wd]\.x/.test(row.name);
}

/** Rounding mode: one of the five, or dynamic. */
const withMode = (random: Random, word: number): number => ((word & ~0x7000) | (random.pick([0, 1, 2, 3, 4, 7, 7]) << 12)) >>> 0;

function withAddress(random: Random, row: Instruction, word: number): number {
  // Anywhere in the scratch memory that all bases reach, aligned or not.
  const offset = random.between(-128, 247);
  const base = random.pick(BASES);
  const cleared = word & ~(31 << 15);
  if (row.format === 'I') return ((cleared & 0xfffff) | (offset << 20) | (base << 15)) >>> 0;
  return ((cleared & 0x01fff07f) | ((offset >> 5) << 25) | ((offset & 31) << 7) | (base << 15)) >>> 0;
}

/** fflags with any value; frm and fcsr only such that the mode stays one of the five. */
function withCsr(random: Random, word: number): number {
  const rd = (word >>> 7) & 31;
  if (random.chance(3)) return Word.csrrs(rd, random.pick([1, 2, 3]), 0);
  if (random.chance(2)) return ((word & 0xfffff) | (0x001 << 20)) >>> 0;
  // csrrwi
  const toMode = random.chance(2);
  return ((toMode ? 0x002 : 0x003) << 20) | ((toMode ? random.below(5) : random.below(32)) << 15) | (5 << 12) | (rd << 7) | 0x73;
}

/** A compressed instruction that keeps to the rules above. */
function compressed(random: Random): Chosen {
  for (;;) {
    const half = random.below(0x1_0000);
    if ((half & 3) === 3) continue;
    const word = expand(half);
    const row = find(word);
    if (row === undefined || EXCLUDED.has(row.name) || row.name === 'jalr' || (row.name === 'addi' && word === 0x13)) continue;
    const opcode = word & 0x7f;
    const writesX = row.format !== 'S' && row.format !== 'B' && row.destination === 'x';
    const rd = (word >>> 7) & 31;
    if (writesX && isBase(rd)) continue;
    if (MEMORY_OPCODES.has(opcode) && !isInScratch((word >>> 15) & 31, offsetOf(row, word))) continue;
    return { word: half, length: 2, name: `c.${row.name}` };
  }
}

const offsetOf = (row: Instruction, word: number): number => (row.format === 'I' ? word >> 20 : ((word >> 25) << 5) | ((word >>> 7) & 31));

function isInScratch(base: number, offset: number): boolean {
  const from = base === 2 ? 128 : base === 8 ? 192 : base === 29 ? 256 : Number.NaN;
  return from + offset >= 0 && from + offset + 8 <= SCRATCH_BYTES;
}

/** What differs between two runs of a sequence, in words; empty if nothing does. */
export function differences(before: Uint8Array, ours: Uint8Array, theirs: Uint8Array): string[] {
  const found: string[] = [];
  const hex = (bytes: Uint8Array, at: number): string =>
    Array.from(bytes.subarray(at, at + 8), (b) => b.toString(16).padStart(2, '0'))
      .reverse()
      .join('');
  for (let at = 0; at < BLOCK_BYTES; at += 8) {
    const mine = hex(ours, at);
    const peer = hex(theirs, at);
    if (mine !== peer) found.push(`${placeName(at)}: was ${hex(before, at)}, here ${mine}, peer ${peer}`);
  }
  return found;
}

function placeName(at: number): string {
  if (at < X_AT) return 'entry';
  if (at < F_AT) return `x${(at - X_AT) / 8 + 1}`;
  if (at < FCSR_AT) return `f${(at - F_AT) / 8}`;
  return at === FCSR_AT ? 'fcsr' : `scratch+${at - SCRATCH_AT}`;
}
