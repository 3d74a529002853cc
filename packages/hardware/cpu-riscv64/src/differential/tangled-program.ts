import { type Segment, staticElf } from './elf.ts';
import type { Random } from './random.ts';
import { floatBits, integerBits } from './states.ts';
import { peerTangle, TANGLE_DATA, TANGLE_DATA_BYTES, TANGLE_READABLE, TANGLE_STACK } from './tangles.ts';
import * as Word from './words.ts';

/**
 * Many programs with tangled control flow in one executable that runs on the peer and here, each from registers of its own in the memory that the one
 * before left. After each it writes the registers, the memory, and a log of what a signal handler saw: for each fault its number and address, and all
 * registers as they were at the instruction. The handler then goes on behind the instruction.
 *
 * Here the test plays the kernel and the handler in one, so that it depends on nothing but the CPU.
 */
const CODE = 0x10_0000;
const STACK_BYTES = 0x1_0000;
const BLOCKS = 0x200_0000;

/** A block: address of the program, x1, x2, x5 … x31, f0 … f31, fcsr. */
const X_NUMBERS = [1, 2, ...Array.from({ length: 27 }, (_, i) => i + 5)];
const X_AT = 8;
const F_AT = X_AT + X_NUMBERS.length * 8;
const FCSR_AT = F_AT + 32 * 8;
export const REGISTER_BYTES = FCSR_AT + 8;

/** The log: how many faults there were, then a record of each of the first. */
export const LOG = 0x180_0000;
export const RECORDS_MAX = 24;
/** Signal number, address, pc and x1 … x31, f0 … f31 and fcsr. */
export const RECORD_BYTES = 16 + 256 + 264;
const LOG_BYTES = 8 + RECORDS_MAX * RECORD_BYTES;
const ACTION = LOG + 0x8000;

const BLOCK = 3;
const ENTRY = 4;
const [RA, T0, T1, T2, A0, A1, A2, A3, A7, T3, T4, T5] = [1, 5, 6, 7, 10, 11, 12, 13, 17, 28, 29, 30] as const;
const SYS_WRITE = 64;
const SYS_EXIT = 93;
export const SYS_SIGACTION = 134;
const SIGNALS = [4, 5, 7, 11];
const SA_SIGINFO = 4;

// Linux, arch/riscv/include/uapi/asm/{ucontext,ptrace}.h; siginfo_t's si_addr.
const SI_ADDR = 16;
const UC_GENERAL = 176;
const UC_FLOAT = 432;

export interface TangledProgram {
  readonly elf: Uint8Array;
  readonly count: number;
}

export function tangledProgram(random: Random, count: number): TangledProgram {
  const frame = new Frame();
  const leave = frame.write();
  const blocks = new Uint8Array(count * REGISTER_BYTES + 8);
  const codes: Uint8Array[] = [frame.stream.bytes()];
  let at = CODE + frame.stream.length;
  for (let i = 0; i < count; i++) {
    writeRegisters(random, blocks, i * REGISTER_BYTES, at);
    const code = peerTangle(random, at, leave);
    codes.push(code);
    at += code.length;
  }
  const data = new Uint8Array(TANGLE_DATA_BYTES).map(() => random.below(256));
  const segments: Segment[] = [
    { address: TANGLE_DATA, flags: 6, bytes: data },
    { address: TANGLE_READABLE, flags: 4, bytes: new Uint8Array(4096).map(() => random.below(256)) },
    { address: TANGLE_STACK - STACK_BYTES, flags: 6, bytes: new Uint8Array(STACK_BYTES) },
    { address: CODE, flags: 7, bytes: joined(codes) },
    { address: LOG, flags: 6, bytes: new Uint8Array(0x9000) },
    { address: BLOCKS, flags: 6, bytes: blocks },
  ];
  return { elf: staticElf(CODE, segments), count };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function writeRegisters(random: Random, blocks: Uint8Array, at: number, entry: number): void {
  const view = new DataView(blocks.buffer, at);
  const put = (offset: number, [high, low]: readonly [number, number]): void => {
    view.setInt32(offset, low, true);
    view.setInt32(offset + 4, high, true);
  };
  put(0, [0, entry]);
  for (const i of X_NUMBERS.keys()) put(X_AT + i * 8, integerBits(random));
  for (let r = 0; r < 32; r++) put(F_AT + r * 8, floatBits(random));
  put(FCSR_AT, [0, (random.below(5) << 5) | (random.chance(2) ? random.below(32) : 0)]);
}

/** The code around the programs: installs the handler, and runs each between loading and saving registers. */
class Frame {
  readonly stream = new Word.Stream();

  /** Gives the address that the programs go to at their end. */
  write(): number {
    const { stream } = this;
    stream.word(0); // to the beginning, once it is known
    const handler = stream.length;
    this.#handler();
    const start = stream.length;
    stream.patch(0, Word.jal(0, start));
    this.#install(CODE + handler);
    stream.word(...Word.li(BLOCK, BLOCKS));
    const enter = stream.length;
    stream.word(Word.ld(ENTRY, BLOCK, 0));
    const test = stream.length;
    stream.word(0, Word.ld(1, BLOCK, FCSR_AT), Word.csrrw(0, 0x003, 1));
    for (let r = 0; r < 32; r++) stream.word(Word.fld(r, BLOCK, F_AT + r * 8));
    for (const [i, r] of X_NUMBERS.entries()) stream.word(Word.ld(r, BLOCK, X_AT + i * 8));
    stream.word(Word.jalr(0, ENTRY, 0));
    const leave = stream.length;
    for (const [i, r] of X_NUMBERS.entries()) stream.word(Word.sd(r, BLOCK, X_AT + i * 8));
    for (let r = 0; r < 32; r++) stream.word(Word.fsd(r, BLOCK, F_AT + r * 8));
    stream.word(Word.csrrs(1, 0x003, 0), Word.sd(1, BLOCK, FCSR_AT));
    stream.word(Word.addi(A1, BLOCK, 0), ...Word.li(A2, REGISTER_BYTES));
    this.#writeAll();
    stream.word(...Word.li(A1, TANGLE_DATA), ...Word.li(A2, TANGLE_DATA_BYTES));
    this.#writeAll();
    stream.word(...Word.li(A1, LOG), ...Word.li(A2, LOG_BYTES));
    this.#writeAll();
    this.#clearLog();
    stream.word(Word.addi(BLOCK, BLOCK, REGISTER_BYTES));
    stream.word(Word.jal(0, enter - stream.length));
    stream.patch(test, Word.beqz(ENTRY, stream.length - test));
    stream.word(Word.addi(A0, 0, 0), Word.addi(A7, 0, SYS_EXIT), Word.ECALL);
    return CODE + leave;
  }

  /** write(1, a1, a2), in as many calls as it takes. */
  #writeAll(): void {
    const { stream } = this;
    const again = stream.length;
    stream.word(Word.addi(A0, 0, 1), Word.addi(A7, 0, SYS_WRITE), Word.ECALL);
    stream.word(Word.add(A1, A1, A0), Word.sub(A2, A2, A0));
    stream.word(Word.bnez(A2, again - stream.length));
  }

  #clearLog(): void {
    const { stream } = this;
    stream.word(...Word.li(T0, LOG), ...Word.li(T1, LOG + LOG_BYTES));
    const again = stream.length;
    stream.word(Word.sd(0, T0, 0), Word.addi(T0, T0, 8));
    stream.word(Word.branch(6, T0, T1, again - stream.length));
  }

  #install(handler: number): void {
    const { stream } = this;
    stream.word(...Word.li(T0, ACTION), ...Word.li(T1, handler), Word.sd(T1, T0, 0), Word.addi(T1, 0, SA_SIGINFO), Word.sd(T1, T0, 8));
    for (const signal of SIGNALS) {
      stream.word(Word.addi(A0, 0, signal), Word.addi(A1, T0, 0), Word.addi(A2, 0, 0), Word.addi(A3, 0, 8));
      stream.word(Word.addi(A7, 0, SYS_SIGACTION), Word.ECALL);
    }
  }

  /** handler(signal, siginfo, ucontext): as {@link record} does it here. */
  #handler(): void {
    const { stream } = this;
    stream.word(...Word.li(T0, LOG), Word.ld(T1, T0, 0), Word.addi(T2, T1, 1), Word.sd(T2, T0, 0), Word.addi(T3, 0, RECORDS_MAX));
    const full = stream.length;
    stream.word(0, Word.addi(T4, 0, RECORD_BYTES), mul(T4, T4, T1), Word.add(T0, T0, T4), Word.addi(T0, T0, 8));
    stream.word(Word.sd(A0, T0, 0), Word.ld(T5, A1, SI_ADDR), Word.sd(T5, T0, 8));
    for (let at = 0; at < 256; at += 8) stream.word(Word.ld(T5, A2, UC_GENERAL + at), Word.sd(T5, T0, 16 + at));
    for (let at = 0; at < 256; at += 8) stream.word(Word.ld(T5, A2, UC_FLOAT + at), Word.sd(T5, T0, 272 + at));
    stream.word(Word.lw(T5, A2, UC_FLOAT + 256), Word.sd(T5, T0, 272 + 256));
    stream.patch(full, Word.branch(7, T1, T3, stream.length - full));
    stream.word(Word.ld(T1, A2, UC_GENERAL), Word.lhu(T2, T1, 0), Word.andi(T2, T2, 3), Word.addi(T3, 0, 3), Word.addi(T4, 0, 4));
    stream.word(Word.branch(0, T2, T3, 8), Word.addi(T4, 0, 2), Word.add(T1, T1, T4), Word.sd(T1, A2, UC_GENERAL), Word.jalr(0, RA, 0));
  }
}

const mul = (rd: number, rs1: number, rs2: number): number => (Word.add(rd, rs1, rs2) | (1 << 25)) >>> 0;

// ───── what was written ─────

/** What is written after each program. */
export const OUTPUT_BYTES = REGISTER_BYTES + TANGLE_DATA_BYTES + LOG_BYTES;

/** The first program that ended differently, with what differs; undefined if none did. */
export function firstDifference(ours: Uint8Array, theirs: Uint8Array): string | undefined {
  for (let at = 0; at + 8 <= Math.min(ours.length, theirs.length); at += 8) {
    const [mine, peer] = [hexAt(ours, at), hexAt(theirs, at)];
    if (mine === peer) continue;
    const program = Math.floor(at / OUTPUT_BYTES);
    const from = program * OUTPUT_BYTES;
    const lines: string[] = [];
    for (let k = from; k < from + OUTPUT_BYTES && lines.length < 12; k += 8) {
      const [a, b] = [hexAt(ours, k), hexAt(theirs, k)];
      if (a !== b) lines.push(`${placeName(k - from)}: here ${a}, peer ${b}`);
    }
    return `program ${program}\n  ${lines.join('\n  ')}`;
  }
  return ours.length === theirs.length ? undefined : `${ours.length} bytes here, ${theirs.length} of the peer`;
}

const hexAt = (bytes: Uint8Array, at: number): string =>
  Array.from(bytes.subarray(at, at + 8), (b) => b.toString(16).padStart(2, '0'))
    .reverse()
    .join('');

function placeName(at: number): string {
  if (at < X_AT) return 'entry';
  if (at < F_AT) return `x${X_NUMBERS[(at - X_AT) / 8]}`;
  if (at < FCSR_AT) return `f${(at - F_AT) / 8}`;
  if (at < REGISTER_BYTES) return 'fcsr';
  if (at < REGISTER_BYTES + TANGLE_DATA_BYTES) return `memory 0x${(at - REGISTER_BYTES + TANGLE_DATA).toString(16)}`;
  const log = at - REGISTER_BYTES - TANGLE_DATA_BYTES;
  if (log < 8) return 'number of faults';
  const part = (log - 8) % RECORD_BYTES;
  const of = `fault ${Math.floor((log - 8) / RECORD_BYTES)}`;
  if (part < 16) return `${of} ${part === 0 ? 'signal' : 'address'}`;
  if (part < 272) return part === 16 ? `${of} pc` : `${of} x${(part - 16) / 8}`;
  return part < 528 ? `${of} f${(part - 272) / 8}` : `${of} fcsr`;
}
