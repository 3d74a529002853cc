import {
  type Guest,
  type HelperName,
  type Instruction,
  type LoadOp,
  type SingleSum,
  TrapCause,
  type TrapCode,
} from '../isa/instruction.ts';
import { type Callee, Code } from '../wasm/code.ts';
import { type F32, type F64, f32, f64, type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import { helperModule } from './helper-module.ts';
import type { Op } from './op.ts';

/** Which register operands an instruction reads and writes. Found by running its effect, so that the table need not say it twice. */
interface Operands {
  readonly reads: ReadonlySet<'x1' | 'x2' | 'f1' | 'f2' | 'f3'>;
  readonly writes: 'x' | 'f' | undefined;
  /** Which of `reads` are read as singles. */
  readonly readsSingles: readonly ('f1' | 'f2' | 'f3')[];
  readonly writesSingle: boolean;
  /** Functions that it may call. */
  readonly helpers: ReadonlySet<HelperName>;
  /** Whether it may be left to the interpreter: it accesses memory, or traps; but for system calls, which are calls. */
  readonly leaves: boolean;
}

const FFLAGS = 1;

/** A set of registers: bit n of `x` for xn, of `f` for fn. */
export interface Registers {
  x: number;
  f: number;
}

/** Calls `visit` for each register of a set, by ascending number. */
export function eachRegister(set: number, visit: (r: number) => void): void {
  for (let rest = set; rest !== 0; rest &= rest - 1) visit(31 - Math.clz32(rest & -rest));
}

/** Whether a register is in a set. */
export const has = (set: number, r: number): boolean => ((set >>> r) & 1) !== 0;

const known = new Map<Instruction, Operands>();

function operandsOf(row: Instruction): Operands {
  let operands = known.get(row);
  if (operands === undefined) {
    const recorder = new Recorder();
    row.effect(recorder);
    const { reads, readsSingles, writes, writesSingle, helpers, leaves } = recorder;
    operands = { reads, readsSingles: [...readsSingles], writes, writesSingle, helpers, leaves };
    known.set(row, operands);
  }
  return operands;
}

/** What one instruction does with registers, found when it is decoded: the translator asks again and again. x0 is never among them. */
export interface Uses {
  readonly reads: Readonly<Registers>;
  readonly writes: Readonly<Registers>;
  /** Whether it may be left to the interpreter: it accesses memory, or traps; but for system calls, which are calls. */
  readonly leaves: boolean;
}

/** What the instruction that `word` is does with registers. */
export function usesOf(row: Instruction, word: number): Uses {
  const { reads, writes, leaves: mayLeave } = operandsOf(row);
  // Of the CSRs that are translated, those with frm may be left: see checkFcsr.
  const leaves = mayLeave && !(row.format === 'CSR' && word >>> 20 === FFLAGS);
  const [rd, rs1, rs2] = [1 << (word >>> 7), 1 << (word >>> 15), 1 << (word >>> 20)];
  const x = (reads.has('x1') ? rs1 : 0) | (reads.has('x2') ? rs2 : 0);
  const f = (reads.has('f1') ? rs1 : 0) | (reads.has('f2') ? rs2 : 0) | (reads.has('f3') ? 1 << (word >>> 27) : 0);
  return { reads: registers(x & ~1, f), writes: registers(writes === 'x' ? rd & ~1 : 0, writes === 'f' ? rd : 0), leaves };
}

/** Sets of integer registers alone, of which there are some 500 that instructions use. */
const integerSets = new Map<number, Readonly<Registers>>();

function registers(x: number, f: number): Readonly<Registers> {
  if (f !== 0) return { x, f };
  let set = integerSets.get(x);
  if (set === undefined) {
    set = { x, f };
    integerSets.set(x, set);
  }
  return set;
}

/** Adds what an instruction reads and writes. */
export function addOperands({ uses: { reads, writes } }: Op, used: Registers): void {
  used.x |= reads.x | writes.x;
  used.f |= reads.f | writes.f;
}

/** Adds the register that an instruction writes, if it writes any. */
export function addWritten({ uses: { writes } }: Op, written: Registers): void {
  written.x |= writes.x;
  written.f |= writes.f;
}

/** Adds to `exposed` what an instruction reads of what is not in `written`, the registers written before it. */
export function addExposed({ uses: { reads } }: Op, exposed: Registers, written: Readonly<Registers>): void {
  exposed.x |= reads.x & ~written.x;
  exposed.f |= reads.f & ~written.f;
}

/** The registers that an instruction reads as singles. */
export function singlesRead(op: Op): number {
  let read = 0;
  for (const operand of operandsOf(op.row).readsSingles) read |= 1 << (operand === 'f1' ? op.rs1 : operand === 'f2' ? op.rs2 : rs3(op));
  return read;
}

/** Whether an instruction writes a single. */
export const writesSingle = (row: Instruction): boolean => operandsOf(row).writesSingle;

/** The functions that instructions may call. */
export const functionsFor = (rows: Iterable<Instruction>): ReadonlySet<HelperName> =>
  new Set([...rows].flatMap((row) => [...operandsOf(row).helpers]));

/** The third source register of an R4 instruction. */
export const rs3 = (op: Op): number => (op.imm >>> 27) & 31;

const floatOperand = (operand: 'rs1' | 'rs2' | 'rs3'): 'f1' | 'f2' | 'f3' => (operand === 'rs1' ? 'f1' : operand === 'rs2' ? 'f2' : 'f3');

/** Sees of an instruction what it reads and writes, and that it may leave. */
export class Recorder implements Guest {
  readonly code = new Code([]);
  readonly reads = new Set<'x1' | 'x2' | 'f1' | 'f2' | 'f3'>();
  readonly readsSingles = new Set<Operands['readsSingles'][number]>();
  writes: Operands['writes'];
  writesSingle = false;
  readonly helpers = new Set<HelperName>();
  leaves = false;
  readonly imm: I64 = i64.const(0);
  readonly imm32: I32 = i32.const(0);
  readonly pc: I64 = i64.const(0);
  readonly nextPc: I64 = i64.const(0);
  readonly fcsr = i32.const(0);
  readonly reservation = i64.const(0);
  readonly sourcesAreOne = false;
  readonly mode = undefined;
  readonly fcsrField = undefined;
  readonly fast = i32.const(0);
  readonly hostLimit64 = i64.const(0);
  readonly hostLimit32 = i32.const(0);

  d(operand: 'rs1' | 'rs2' | 'rs3'): F64 {
    this.f(operand);
    return f64.const(0);
  }

  setD(): void {
    this.writes = 'f';
  }

  loadDouble(): F64 {
    this.leaves = true;
    return f64.const(0);
  }

  s(operand: 'rs1' | 'rs2' | 'rs3'): F32 {
    this.f(operand);
    this.readsSingles.add(floatOperand(operand));
    return f32.fromBits(i32.const(0));
  }

  half(operand: 'rs1' | 'rs2'): F32 {
    return this.s(operand);
  }

  setS(): void {
    this.writes = 'f';
    this.writesSingle = true;
  }

  loadSingle(): F32 {
    this.leaves = true;
    return f32.fromBits(i32.const(0));
  }

  multiplyAddSingle(): SingleSum {
    return { sum: f32.fromBits(i32.const(0)), isNearest: undefined };
  }

  multiplyAdd(): F64 {
    this.helper('fmaNearest64');
    return f64.const(0);
  }

  x(operand: 'rs1' | 'rs2'): I64 {
    this.reads.add(operand === 'rs1' ? 'x1' : 'x2');
    return i64.const(0);
  }

  f(operand: 'rs1' | 'rs2' | 'rs3'): I64 {
    this.reads.add(floatOperand(operand));
    return i64.const(0);
  }

  setX(_value: I64): void {
    this.writes = 'x';
  }

  setF(): void {
    this.writes = 'f';
  }

  load(_op: LoadOp): I64 {
    this.leaves = true;
    return i64.const(0);
  }

  atomic(): I32 {
    this.leaves = true;
    return i32.const(0);
  }

  reserve(): I32 {
    this.leaves = true;
    return i32.const(0);
  }

  placeLoad(_size: 4 | 8): I64 {
    return i64.const(0);
  }

  roundingMode(): I32 {
    return i32.const(0);
  }

  fcsrChanged(): void {}
  checkFcsr(): void {}
  setFcsr(): void {}
  placeStore(): void {}
  setReservation(): void {}
  branch(): void {}
  jump(): void {}
  jumpTo(): void {}
  publishFuel(): void {}

  store(): void {
    this.leaves = true;
  }

  storeDouble(): void {
    this.leaves = true;
  }

  storeSingle(): void {
    this.leaves = true;
  }

  trap(cause: TrapCode): void {
    this.leaves ||= cause !== TrapCause.syscall;
  }

  helper(name: HelperName): Callee {
    this.helpers.add(name);
    return helperModule().signatures.get(name) as Callee;
  }
}
