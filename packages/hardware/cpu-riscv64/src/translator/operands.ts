import { floatHelpers } from '../float/helpers.ts';
import { integerHelpers } from '../interpreter/helpers.ts';
import type { Guest, HelperName, Instruction } from '../isa/instruction.ts';
import * as Layout from '../layout.ts';
import { type Callee, Code } from '../wasm/code.ts';
import { type F64, f64, type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import type { Op } from './region.ts';

/** Which register operands an instruction reads and writes. Found by running its effect, so that the table need not say it twice. */
interface Operands {
  readonly reads: ReadonlySet<'x1' | 'x2' | 'f1' | 'f2' | 'f3'>;
  readonly writes: 'x' | 'f' | undefined;
  /** Whether it may be left to the interpreter: it accesses memory, or traps. */
  readonly leaves: boolean;
}

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
    operands = { reads: recorder.reads, writes: recorder.writes, leaves: recorder.leaves };
    known.set(row, operands);
  }
  return operands;
}

/** What one instruction does with registers, found when it is decoded: the translator asks again and again. x0 is never among them. */
export interface Uses {
  readonly reads: Readonly<Registers>;
  readonly writes: Readonly<Registers>;
  /** Whether it may be left to the interpreter: it accesses memory, or traps. */
  readonly leaves: boolean;
}

/** What the instruction that `word` is does with registers. */
export function usesOf(row: Instruction, word: number): Uses {
  const { reads, writes, leaves } = operandsOf(row);
  const [rd, rs1, rs2] = [1 << (word >>> 7), 1 << (word >>> 15), 1 << (word >>> 20)];
  const x = (reads.has('x1') ? rs1 : 0) | (reads.has('x2') ? rs2 : 0);
  const f = (reads.has('f1') ? rs1 : 0) | (reads.has('f2') ? rs2 : 0) | (reads.has('f3') ? 1 << (word >>> 27) : 0);
  return { reads: { x: x & ~1, f }, writes: { x: writes === 'x' ? rd & ~1 : 0, f: writes === 'f' ? rd : 0 }, leaves };
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

/** The third source register of an R4 instruction. */
export const rs3 = (op: Op): number => (op.imm >>> 27) & 31;

class Recorder implements Guest {
  readonly code = new Code([]);
  readonly reads = new Set<'x1' | 'x2' | 'f1' | 'f2' | 'f3'>();
  writes: Operands['writes'];
  leaves = false;
  readonly imm = i64.const(0);
  readonly imm32 = i32.const(0);
  readonly pc = i64.const(0);
  readonly nextPc = i64.const(0);
  readonly fcsr = i32.const(0);
  readonly reservation = i64.const(0);
  readonly sourcesAreOne = false;
  readonly mode = undefined;
  readonly fast = i32.const(0);

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

  multiplyAdd(): F64 {
    return f64.const(0);
  }

  x(operand: 'rs1' | 'rs2'): I64 {
    this.reads.add(operand === 'rs1' ? 'x1' : 'x2');
    return i64.const(0);
  }

  f(operand: 'rs1' | 'rs2' | 'rs3'): I64 {
    this.reads.add(operand === 'rs1' ? 'f1' : operand === 'rs2' ? 'f2' : 'f3');
    return i64.const(0);
  }

  setX(): void {
    this.writes = 'x';
  }

  setF(): void {
    this.writes = 'f';
  }

  load(): I64 {
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

  placeLoad(): I64 {
    return i64.const(0);
  }

  fcsrChanged(): void {}
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

  trap(): void {
    this.leaves = true;
  }

  helper(name: HelperName): Callee {
    return helperSignatures().get(name) as Callee;
  }
}
