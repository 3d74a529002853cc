import { expand } from '../isa/compressed.ts';
import { find } from '../isa/decode.ts';
import type { Instruction } from '../isa/instruction.ts';
import { INSTRUCTIONS } from '../isa/table.ts';
import type { Random } from './random.ts';
import * as Word from './words.ts';

/**
 * Random programs with tangled control flow that always end: a few functions of blocks with bounded loops, branches into loops from outside, calls,
 * recursion, tail calls and returns past several callers, indirect jumps and calls, system calls, accesses that fault or are misaligned, and stores to their own
 * code.
 */
export const TANGLE_CODE = 0x1_0000;
export const TANGLE_CODE_BYTES = 0x4000;
export const TANGLE_DATA = 0x4_0000;
export const TANGLE_DATA_BYTES = 0x3000;
/** A page behind the data that can only be read; behind it, nothing. */
export const TANGLE_READABLE = TANGLE_DATA + TANGLE_DATA_BYTES;
/** Mapped only when a fault asks for it. */
export const TANGLE_LATE = 0x6_0000;
export const TANGLE_STACK = 0x8_0000;

/** Registers with a meaning, never written by random instructions: fuel of all loops, data, late data, code, stack. */
const SP = 2;
const TURNS = 31;
const DATA = 30;
const LATE = 29;
const CODE = 28;
const LINK = 1;
const TARGET = 27;
/** The stack pointer of the first function. */
const HOME = 26;
const SMALL_FUNCTIONS = 5;
/** For whatever runs the program. */
const FRAME = [3, 4] as const;
const RESERVED = new Set([SP, TURNS, DATA, LATE, CODE, LINK, TARGET, HOME, ...FRAME]);

/** ctzw: see sequences.ts. */
const HARMLESS = INSTRUCTIONS.filter(
  ({ match, name }) => [0x13, 0x1b, 0x33, 0x3b, 0x43, 0x47, 0x4b, 0x4f, 0x53].includes(match & 0x7f) && name !== 'ctzw',
);
const MEMORY = INSTRUCTIONS.filter(({ match }) => [0x03, 0x07, 0x23, 0x27].includes(match & 0x7f));
const AMO = INSTRUCTIONS.filter(({ match }) => (match & 0x7f) === 0x2f);

/** Where a jump's word is, in bytes, and the block that it goes to. */
interface Fix {
  readonly at: number;
  readonly to: string;
  readonly word: (distance: number) => number;
}

class Assembler {
  /** Only what every emulator does alike. */
  readonly strict: boolean;
  /** How many functions the program has. */
  functions = 0;
  readonly stream = new Word.Stream();
  readonly labels = new Map<string, number>();
  readonly fixes: Fix[] = [];

  constructor(strict = false) {
    this.strict = strict;
  }

  label(name: string): void {
    this.labels.set(name, this.stream.length);
  }

  to(name: string, word: (distance: number) => number): void {
    this.fixes.push({ at: this.stream.length, to: name, word });
    this.stream.word(0);
  }

  /** Address of a label into a register: two words. */
  address(register: number, name: string): void {
    this.to(name, (d) => Word.auipc(register, (d + 0x800) >> 12));
    const at = this.stream.length - 4;
    this.fixes.push({ at: at + 4, to: name, word: (d) => Word.addi(register, register, ((d + 4) << 20) >> 20) });
    this.stream.word(0);
  }

  bytes(): Uint8Array {
    const bytes = this.stream.bytes();
    const view = new DataView(bytes.buffer);
    for (const { at, to, word } of this.fixes) view.setUint32(at, word((this.labels.get(to) as number) - at), true);
    return bytes;
  }
}

/** A program that exits at its end. */
export function tangle(random: Random): Uint8Array {
  const asm = new Assembler();
  writeTangle(random, asm, TANGLE_CODE, random.between(20, 400));
  asm.stream.word(Word.addi(17, 0, 93), Word.ECALL);
  return asm.bytes();
}

/**
 * A program for address `code` that goes to `leave` at its end, and does nothing in which emulators may differ: no counters, code is changed only
 * with fence.i before it is executed, LR and SC are together, atomics are aligned.
 */
export function peerTangle(random: Random, code: number, leave: number): Uint8Array {
  const asm = new Assembler(true);
  writeTangle(random, asm, code, random.chance(4) ? random.between(100, 400) : random.between(5, 60));
  const from = code + asm.stream.length;
  const low = ((leave - from) << 20) >> 20;
  asm.stream.word(Word.auipc(TARGET, (leave - from - low) >> 12), Word.jalr(0, TARGET, low));
  return asm.bytes();
}

/** `turns`: of all loops together. */
function writeTangle(random: Random, asm: Assembler, code: number, turns: number): void {
  const functions = random.between(2, 5);
  asm.functions = functions;
  asm.stream.word(...Word.li(TURNS, turns), ...Word.li(DATA, TANGLE_DATA + 0x800), ...Word.li(LATE, TANGLE_LATE + 0x800));
  asm.stream.word(...Word.li(CODE, code), ...Word.li(SP, TANGLE_STACK), Word.addi(HOME, SP, -16));
  for (let i = 0; i < functions; i++) writeFunction(random, asm, i, functions);
  for (let i = 0; i < SMALL_FUNCTIONS; i++) writeSmallFunction(random, asm, i);
  asm.label('end');
}

function writeFunction(random: Random, asm: Assembler, index: number, functions: number): void {
  const blocks = random.between(3, 10);
  const name = (block: number): string => `${index}.${block}`;
  asm.label(`f${index}`);
  asm.stream.word(Word.addi(SP, SP, -16), Word.sd(LINK, SP, 8));
  // An instruction that others change.
  asm.label(`slot${index}`);
  asm.stream.word(Word.addi(5, 5, 1));
  for (let b = 0; b < blocks; b++) {
    asm.label(name(b));
    for (let n = random.between(0, 6); n > 0; n--) filler(random, asm);
    if (random.chance(3)) asm.to(`g${random.below(SMALL_FUNCTIONS)}`, (d) => Word.jal(LINK, d));
    else if (random.chance(4))
      callOneOf(
        asm,
        Array.from({ length: random.between(1, 5) }, () => `g${random.below(SMALL_FUNCTIONS)}`),
      );
    const back = name(random.below(b + 1));
    const ahead = b + 1 < blocks ? name(random.between(b + 1, blocks - 1)) : `${index}.leave`;
    const [r, s] = [random.below(27), random.below(27)];
    const condition = random.pick([0, 1, 4, 5, 6, 7]);
    switch (random.below(10)) {
      case 0:
      case 1:
        // Backward, as long as there are turns left.
        asm.stream.word(Word.addi(TURNS, TURNS, -1));
        if (random.chance(2)) asm.stream.word(Word.branch(condition, r, s, 8));
        asm.to(back, (d) => Word.branch(5, TURNS, 0, d));
        break;
      case 2:
      case 3:
        asm.to(ahead, (d) => Word.branch(condition, r, s, d));
        break;
      case 4:
        asm.to(ahead, (d) => Word.jal(0, d));
        break;
      case 5:
        if (index + 1 >= functions) break;
        call(random, asm, `f${random.between(index + 1, functions - 1)}`);
        break;
      case 6:
        recursion(random, asm, functions);
        break;
      case 7:
        asm.stream.word(Word.addi(TURNS, TURNS, -1), Word.branch(4, TURNS, 0, 16));
        asm.address(TARGET, random.chance(2) ? back : ahead);
        asm.stream.word(Word.jalr(0, TARGET, 0));
        break;
      default:
        systemCall(asm);
    }
  }
  if (index > 0 && random.chance(6)) longReturn(asm);
  asm.label(`${index}.leave`);
  asm.stream.word(Word.ld(LINK, SP, 8), Word.addi(SP, SP, 16));
  if (index === 0) asm.to('end', (d) => Word.jal(0, d));
  else if (index + 1 < functions && random.chance(4)) asm.to(`f${index + 1}`, (d) => Word.jal(0, d));
  else asm.stream.word(Word.jalr(0, LINK, 0));
}

/** One that may be translated within its callers: with a frame or without, sometimes with a loop or a way that is hardly taken. */
function writeSmallFunction(random: Random, asm: Assembler, index: number): void {
  const name = `g${index}`;
  const hasFrame = random.chance(2);
  asm.label(name);
  if (hasFrame) asm.stream.word(Word.addi(SP, SP, -16), Word.sd(LINK, SP, 8));
  asm.label(`${name}.again`);
  for (let n = random.between(0, 3); n > 0; n--) filler(random, asm);
  if (random.chance(2)) {
    asm.to(`${name}.leave`, (d) => Word.branch(random.pick([0, 1, 4, 5, 6, 7]), random.below(27), random.below(27), d));
    for (let n = random.between(0, 3); n > 0; n--) filler(random, asm);
  }
  if (random.chance(4)) systemCall(asm);
  if (hasFrame && index > 0) call(random, asm, `g${index - 1}`);
  if (random.chance(4)) {
    asm.stream.word(Word.addi(TURNS, TURNS, -1));
    asm.to(`${name}.again`, (d) => Word.branch(5, TURNS, 0, d));
  }
  if (random.chance(6)) longReturn(asm);
  asm.label(`${name}.leave`);
  if (hasFrame) asm.stream.word(Word.ld(LINK, SP, 8), Word.addi(SP, SP, 16));
  asm.stream.word(Word.jalr(0, LINK, 0));
}

/** One that no Linux knows. */
function systemCall(asm: Assembler): void {
  asm.stream.word(Word.addi(17, 0, 1000), Word.ECALL);
}

/** A call, of an address in the instruction or in a register. */
function call(random: Random, asm: Assembler, callee: string): void {
  if (random.chance(2)) {
    asm.to(callee, (d) => Word.jal(LINK, d));
    return;
  }
  asm.address(TARGET, callee);
  asm.stream.word(Word.jalr(LINK, TARGET, 0));
}

/** A call of one of some functions, which are not the same each time. */
function callOneOf(asm: Assembler, callees: readonly string[]): void {
  for (const [i, callee] of callees.entries()) {
    if (i > 0) asm.stream.word(Word.andi(LINK, TURNS, 1 << (i - 1)), Word.branch(0, LINK, 0, 12));
    asm.address(TARGET, callee);
  }
  asm.stream.word(Word.jalr(LINK, TARGET, 0));
}

/** A call of any function, also of one that is under way, as long as there are turns left. */
function recursion(random: Random, asm: Assembler, functions: number): void {
  const callee = `f${random.between(1, functions - 1)}`;
  asm.stream.word(Word.addi(TURNS, TURNS, -1));
  if (random.chance(2)) {
    asm.stream.word(Word.branch(4, TURNS, 0, 8));
    asm.to(callee, (d) => Word.jal(LINK, d));
    return;
  }
  asm.stream.word(Word.branch(4, TURNS, 0, 16));
  asm.address(TARGET, callee);
  asm.stream.word(Word.jalr(LINK, TARGET, 0));
}

/** To the end of the first function, past all callers, by what looks like a return; seldom, since the whole program ends there. */
function longReturn(asm: Assembler): void {
  asm.stream.word(Word.andi(TARGET, TURNS, 7), Word.bnez(TARGET, 20));
  asm.stream.word(Word.addi(SP, HOME, 0));
  asm.address(LINK, '0.leave');
  asm.stream.word(Word.jalr(0, LINK, 0));
}

/** Changes an instruction of some function; the next that comes there executes the new one. */
function remoteModification(random: Random, asm: Assembler): void {
  if ((asm.stream.length & 2) !== 0) asm.stream.half(0x0001);
  asm.address(TARGET, `slot${random.below(asm.functions)}`);
  // addi x5, x5, TURNS: seldom the same twice.
  asm.stream.word((20 << 20) | (TURNS << 15) | (1 << 12) | (6 << 7) | 0x13, ...Word.li(7, (5 << 15) | (5 << 7) | 0x13), Word.add(6, 6, 7));
  asm.stream.word(0x23 | (2 << 12) | (TARGET << 15) | (6 << 20));
  asm.stream.word(asm.strict || random.chance(2) ? 0x100f : 0x13);
}

/** An instruction that goes on behind itself, unless it faults. */
function filler(random: Random, asm: Assembler): void {
  const kind = random.below(24);
  if (kind < 4) asm.stream.half(compressed(random));
  else if (kind < 14) asm.stream.word(instruction(random, HARMLESS));
  else if (kind < 20) accesses(random, asm);
  else if (kind === 20) atomics(random, asm);
  else if (kind === 21) asm.stream.word(csr(random, asm.strict));
  else if (kind === 22) modification(asm, asm.strict || random.chance(2));
  else if (random.chance(3)) remoteModification(random, asm);
  else if (random.chance(8)) asm.stream.word(...random.pick([[0x0010_0073], [0xffff_ffff], [0x9002_0001], [0x0001_0000]]));
}

function atomics(random: Random, asm: Assembler): void {
  const row = random.pick(AMO);
  const operands = (): number => (random.below(27) << 20) | (DATA << 15) | (destination(random) << 7);
  const pair = asm.strict && /^(lr|sc)/.test(row.name) ? row.name.slice(2) : undefined;
  if (pair === undefined) {
    asm.stream.word((row.match | operands()) >>> 0);
    return;
  }
  const [lr, sc] = [`lr${pair}`, `sc${pair}`].map((name) => AMO.find((each) => each.name === name) as Instruction) as [
    Instruction,
    Instruction,
  ];
  asm.stream.word((lr.match | (DATA << 15) | (destination(random) << 7)) >>> 0);
  for (let n = random.below(3); n > 0; n--) asm.stream.word(instruction(random, HARMLESS));
  asm.stream.word((sc.match | operands()) >>> 0);
}

/** Reads or writes of flags and rounding mode, which stays one of the five; where emulators may differ, reads of the instruction count. */
function csr(random: Random, strict: boolean): number {
  if (random.chance(2)) return Word.csrrs(destination(random), random.pick([1, 2, 3, strict ? 1 : 0xc02]), 0);
  if (random.chance(2)) return Word.csrrw(destination(random), 1, random.below(27));
  // csrrwi
  return ((0x002 << 20) | (random.below(5) << 15) | (5 << 12) | (destination(random) << 7) | 0x73) >>> 0;
}

/** Loads and stores, some around the end of what is mapped. */
function accesses(random: Random, asm: Assembler): void {
  if (random.chance(2)) {
    edges(random, asm);
    return;
  }
  const base = random.chance(12) && !asm.strict ? LATE : DATA;
  for (let n = random.between(1, 4); n > 0; n--) asm.stream.word(memory(random, base));
}

/** Accesses around the ends of pages with different rights, by a base that moves in between. */
function edges(random: Random, asm: Assembler): void {
  const edge = random.pick([TANGLE_DATA, TANGLE_READABLE, TANGLE_READABLE, TANGLE_READABLE + 4096]);
  asm.stream.word(...Word.li(TARGET, edge + (random.chance(4) ? random.between(-20, 20) : 8 * random.between(-12, 12))));
  for (let n = random.between(2, 5); n > 0; n--) {
    const row = random.pick(MEMORY);
    const size = 1 << ((row.match >>> 12) & 3);
    const offset = size * random.between(-8, 8);
    asm.stream.word(withOffset(random, row, TARGET, offset));
    if (random.chance(4)) asm.stream.word(Word.addi(TARGET, TARGET, 8 * random.between(-12, 12)));
  }
}

/** Changes the immediate of an instruction that follows, to another each time. */
function modification(asm: Assembler, fenced: boolean): void {
  if ((asm.stream.length & 2) !== 0) asm.stream.half(0x0001);
  const at = asm.stream.length;
  asm.stream.word(...Word.li(TARGET, (5 << 15) | (5 << 7) | 0x13));
  // TURNS is seldom the same twice.
  asm.stream.word((20 << 20) | (TURNS << 15) | (1 << 12) | (6 << 7) | 0x13, Word.add(TARGET, TARGET, 6));
  asm.stream.word(0x23 | (2 << 12) | (CODE << 15) | (TARGET << 20) | storeOffset(at + 24));
  asm.stream.word(fenced ? 0x100f : 0x13, Word.addi(5, 5, 1));
}

const storeOffset = (offset: number): number => (offset < 2048 ? (((offset >> 5) << 25) | ((offset & 31) << 7)) >>> 0 : 0);

function destination(random: Random): number {
  for (;;) {
    const register = random.below(32);
    if (!RESERVED.has(register)) return register;
  }
}

function instruction(random: Random, rows: typeof HARMLESS): number {
  const row = random.pick(rows);
  let word = (row.match | (random.bits() & ~row.mask)) >>> 0;
  if (row.format === 'RM' || row.format === 'R4') word = ((word & ~0x7000) | (random.pick([0, 0, 0, 1, 2, 3, 4, 7, 7]) << 12)) >>> 0;
  return row.destination === 'x' ? ((word & ~(31 << 7)) | (destination(random) << 7)) >>> 0 : word;
}

function memory(random: Random, base: number): number {
  const row = random.pick(MEMORY);
  const size = 1 << ((row.match >>> 12) & 3);
  const offset = random.between(-1024, 1023) & (random.chance(10) ? -1 : -size);
  return withOffset(random, row, base, offset);
}

function withOffset(random: Random, row: Instruction, base: number, offset: number): number {
  const fields = (row.match | (base << 15)) >>> 0;
  if (row.format === 'S') return (fields | (random.below(27) << 20) | ((offset >> 5) << 25) | ((offset & 31) << 7)) >>> 0;
  return (fields | (offset << 20) | (destination(random) << 7)) >>> 0;
}

function compressed(random: Random): number {
  for (;;) {
    const half = random.below(0x1_0000);
    if ((half & 3) === 3) continue;
    const word = expand(half);
    const row = find(word);
    if (row === undefined || !HARMLESS.includes(row)) continue;
    if (row.destination === 'f' || !RESERVED.has((word >>> 7) & 31)) return half;
  }
}
