import { floatHelpers } from '../float/helpers.ts';
import { integerHelpers } from '../interpreter/helpers.ts';
import type { Guest, HelperName, Instruction, LoadOp } from '../isa/instruction.ts';
import * as Layout from '../layout.ts';
import { type Callee, Code } from '../wasm/code.ts';
import { type F32, type F64, f32, f64, type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import type { Op } from './region.ts';

/** Which register operands an instruction reads and writes. Found by running its effect, so that the table need not say it twice. */
interface Operands {
  readonly reads: readonly ('x1' | 'x2' | 'f1' | 'f2' | 'f3')[];
  readonly writes: 'x' | 'f' | undefined;
  /** Which of `reads` are read as singles. */
  readonly readsSingles: readonly ('f1' | 'f2' | 'f3')[];
  readonly writesSingle: boolean;
  /** Functions that it may call; the second ones round. */
  readonly helpers: ReadonlySet<HelperName>;
  readonly rounders: ReadonlySet<HelperName>;
  /** Whether it may be left to the interpreter: it accesses memory, or traps. */
  readonly leaves: boolean;
}

const FFLAGS = 1;

/** A set of registers: bit n of `x` for xn, of `f` for fn. */
export interface Registers {
  x: number;
  f: number;
}

let signatures: ReadonlyMap<HelperName, Callee> | undefined;

/** Types of the helpers that translated code imports. */
export function helperSignatures(): ReadonlyMap<HelperName, Callee> {
  if (signatures === undefined) {
    const module = new ModuleBuilder(Layout.BASE_WASM_PAGES);
    const { helpers, mulhu } = integerHelpers(module);
    signatures = new Map([...helpers, ...floatHelpers(module, mulhu)]);
  }
  return signatures;
}

const known = new Map<Instruction, Operands>();

function operandsOf(row: Instruction): Operands {
  let operands = known.get(row);
  if (operands === undefined) {
    const recorder = new Recorder();
    row.effect(recorder);
    const { writes, writesSingle, helpers, rounders, leaves } = recorder;
    operands = { reads: [...recorder.reads], readsSingles: [...recorder.readsSingles], writes, writesSingle, helpers, rounders, leaves };
    known.set(row, operands);
  }
  return operands;
}

/** Adds what an instruction reads and writes. */
export function addOperands(op: Op, used: Registers): void {
  addReads(op, used);
  addWritten(op, used);
}

/** Adds the register that an instruction writes, if it writes any. */
export function addWritten(op: Op, written: Registers): void {
  const { writes } = operandsOf(op.row);
  if (writes === undefined || (writes === 'x' && op.rd === 0)) return;
  written[writes] |= 1 << op.rd;
}

export function addReads(op: Op, used: Registers): void {
  for (const read of operandsOf(op.row).reads) {
    if (read === 'x1') used.x |= 1 << op.rs1;
    else if (read === 'x2') used.x |= 1 << op.rs2;
    else if (read === 'f1') used.f |= 1 << op.rs1;
    else if (read === 'f2') used.f |= 1 << op.rs2;
    else used.f |= 1 << rs3(op);
  }
}

/** Adds to `exposed` what an instruction reads of what is not in `written`, the registers written before it. */
export function addExposed(op: Op, exposed: Registers, written: Readonly<Registers>): void {
  const read: Registers = { x: 0, f: 0 };
  addReads(op, read);
  exposed.x |= read.x & ~written.x & ~1;
  exposed.f |= read.f & ~written.f;
}

/** The registers that an instruction reads as singles. */
export function singlesRead(op: Op): number {
  let read = 0;
  for (const operand of operandsOf(op.row).readsSingles) read |= 1 << (operand === 'f1' ? op.rs1 : operand === 'f2' ? op.rs2 : rs3(op));
  return read;
}

/** Whether an instruction writes a single. */
export const writesSingle = (row: Instruction): boolean => operandsOf(row).writesSingle;

/** The functions that instructions may call: any, and of those the ones that round. */
export function functionsFor(rows: Iterable<Instruction>): {
  readonly all: ReadonlySet<HelperName>;
  readonly rounders: ReadonlySet<HelperName>;
} {
  const all = new Set<HelperName>();
  const rounders = new Set<HelperName>();
  for (const row of rows) {
    const operands = operandsOf(row);
    for (const name of operands.helpers) all.add(name);
    for (const name of operands.rounders) {
      all.add(name);
      rounders.add(name);
    }
  }
  return { all, rounders };
}

/** Whether an instruction may be left to the interpreter after all. Of the CSRs that are translated, only those with frm are: see checkFcsr. */
export const mayLeave = ({ row, imm }: Op): boolean => operandsOf(row).leaves && !(row.format === 'CSR' && (imm & 0xfff) === FFLAGS);

/** The third source register of an R4 instruction. */
export const rs3 = (op: Op): number => (op.imm >>> 27) & 31;

const floatOperand = (operand: 'rs1' | 'rs2' | 'rs3'): 'f1' | 'f2' | 'f3' => (operand === 'rs1' ? 'f1' : operand === 'rs2' ? 'f2' : 'f3');

/** Sees of an instruction what it reads and writes, and that it may leave. */
export class Recorder implements Guest {
  readonly code = new Code([]);
  readonly reads = new Set<Operands['reads'][number]>();
  readonly readsSingles = new Set<Operands['readsSingles'][number]>();
  writes: Operands['writes'];
  writesSingle = false;
  readonly helpers = new Set<HelperName>();
  readonly rounders = new Set<HelperName>();
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

  trap(): void {
    this.leaves = true;
  }

  helper(name: HelperName): Callee {
    this.helpers.add(name);
    return helperSignatures().get(name) as Callee;
  }

  rounding(name: HelperName): Callee {
    this.rounders.add(name);
    return helperSignatures().get(name) as Callee;
  }
}
