import type { Callee, Code } from '../wasm/code.ts';
import type { F32, F64, I32, I64 } from '../wasm/expression.ts';

/**
 * What one instruction is: how it is encoded and what it does. `effect` writes WebAssembly through a {@link Guest}, which says where
 * registers, operands and the program counter live. The interpreter's guest reads operands from predecoded entries; a translator's has them
 * as constants and keeps registers in locals. Both use these same rows, so an instruction means one thing.
 */
export interface Instruction {
  readonly name: string;
  /** A 32-bit word `w` is this instruction when `(w & mask) === match`. */
  readonly mask: number;
  readonly match: number;
  readonly format: Format;
  /** Which register file rd names. */
  readonly destination: 'x' | 'f';
  readonly effect: (g: Guest) => void;
}

/**
 * Operand formats of the unprivileged ISA manual, chapter 2.2, and what `imm` holds in each:
 * R none · R4 and RM: rounding mode, fast-path mask and rs3 ({@link roundingImmediate}) · I, S, B, J: the sign-extended immediate · U: the immediate shifted left by 12 ·
 * SHAMT: shift amount 0…63 · CSR: CSR number, with the register number or uimm of rs1 above it · FENCE: none.
 */
export type Format = 'R' | 'R4' | 'RM' | 'I' | 'S' | 'B' | 'J' | 'U' | 'SHAMT' | 'CSR' | 'NONE';

export type LoadOp = 'load8s' | 'load8u' | 'load16s' | 'load16u' | 'load32s' | 'load32u' | 'load64';
export type StoreSize = 1 | 2 | 4 | 8;

/** Why an instruction stops the straight flow; the numbers are what the generated module passes to its host. */
export const TrapCause = { syscall: 0, breakpoint: 1, illegal: 2 } as const;
export type TrapCode = (typeof TrapCause)[keyof typeof TrapCause];

/** wasm functions that several instructions share; see float/ and interpreter/module.ts. */
export type HelperName =
  | 'mulhu'
  | 'csrRead'
  | 'csrWrite'
  | `${'add' | 'mul' | 'div' | 'sqrt' | 'fma' | 'min' | 'max' | 'class' | 'unordered' | 'fromInteger'}${32 | 64}`
  | 'fmaNearest64'
  | 'toInteger'
  | 'narrow'
  | 'widen';

/** A single, and whether it is the nearest to what was computed; undefined: it is. */
export interface SingleSum {
  readonly sum: F32;
  readonly isNearest: I32 | undefined;
}

/** Bits of fcsr that have a CSR of their own. */
export interface FcsrField {
  readonly shift: number;
  readonly width: number;
}

/** Where a piece of generated code finds the guest's state. */
export interface Guest {
  readonly code: Code;
  /** Value of an integer register operand. */
  x(operand: 'rs1' | 'rs2'): I64;
  /** Writes rd; a write to x0 is dropped. */
  setX(value: I64): void;
  /** Raw 64 bits of a floating-point register operand. */
  f(operand: 'rs1' | 'rs2' | 'rs3'): I64;
  setF(bits: I64): void;
  /** The same registers as doubles: not a bit is changed on the way. */
  d(operand: 'rs1' | 'rs2' | 'rs3'): F64;
  setD(value: F64): void;
  /** The single-precision value in a register: the canonical NaN unless it is boxed. */
  s(operand: 'rs1' | 'rs2' | 'rs3'): F32;
  /** Writes a single, boxed. */
  setS(value: F32): void;
  /** The low half of a register, whatever is above it. */
  half(operand: 'rs1' | 'rs2'): F32;
  /** Whether both source registers are known to be the same one; the interpreter never knows. */
  readonly sourcesAreOne: boolean;
  /** The rounding mode field of the instruction; undefined where it is known only when it runs. */
  readonly mode: number | undefined;
  /** The instruction's rounding mode, as functions that round take it. Illegal modes trap. */
  roundingMode(): I32;
  /** Whether a rounded operation may take the host's result: to nearest, ties to even, and the inexact flag is raised already. */
  readonly fast: I32;
  /** The same as what float/plain.ts compares doubles and singles with: 0 if the host's result may not be taken. */
  readonly hostLimit64: I64;
  readonly hostLimit32: I32;
  /** After fcsr may have changed. */
  fcsrChanged(): void;
  /** a × b + c as doubles, rounded once to nearest; NaN if that is not known. */
  multiplyAdd(a: F64, b: F64, c: F64): F64;
  /** The same as singles, and whether it was rounded once, where that is not sure. */
  multiplyAddSingle(a: F32, b: F32, c: F32): SingleSum;
  /** The immediate, sign-extended. */
  readonly imm: I64;
  readonly imm32: I32;
  /** Address of this instruction, and of the one after it. */
  readonly pc: I64;
  readonly nextPc: I64;
  /** The word at offset `imm` of the format FCSR: fflags in bits 0…4, frm in 5…7. */
  readonly fcsr: I32;
  /** The part of fcsr that a CSR instruction is about; undefined where it may be about another CSR. */
  readonly fcsrField: FcsrField | undefined;
  /** Before fcsr is set: where no instruction looks whether the dynamic rounding mode is legal, one that is not is refused here. */
  checkFcsr(value: I32): void;
  setFcsr(value: I32): void;
  /** Checked load; faults leave before anything is changed. */
  load(op: LoadOp, address: I64): I64;
  store(size: StoreSize, address: I64, value: I64): void;
  loadDouble(address: I64): F64;
  storeDouble(address: I64, value: F64): void;
  loadSingle(address: I64): F32;
  storeSingle(address: I64, value: F32): void;
  /** Checks an aligned read-modify-write of `size` bytes at `address` and gives its place in the module's memory. */
  atomic(size: 4 | 8, address: I64): I32;
  /** As `atomic`, for LR, which only reads. */
  reserve(size: 4 | 8, address: I64): I32;
  /** A load or store at a place that `atomic` or `reserve` gave. */
  placeLoad(size: 4 | 8, place: I32): I64;
  placeStore(size: 4 | 8, place: I32, value: I64): void;
  /** The address that LR reserved, or −1. */
  readonly reservation: I64;
  setReservation(address: I64): void;
  /** Goes to pc + imm when the condition holds. */
  branch(condition: I32): void;
  jump(): void;
  jumpTo(target: I64): void;
  /** Makes the count of retired instructions visible to the counters' helper. */
  publishFuel(): void;
  trap(cause: TrapCode): void;
  helper(name: HelperName): Callee;
}

export function row(
  name: string,
  mask: number,
  match: number,
  format: Format,
  effect: (g: Guest) => void,
  destination: 'x' | 'f' = 'x',
): Instruction {
  return { name, mask: mask >>> 0, match: match >>> 0, format, destination, effect };
}

/** R-type: funct7, funct3, opcode fixed. */
export function rType(name: string, opcode: number, funct3: number, funct7: number, effect: (g: Guest) => void): Instruction {
  return row(name, 0xfe00707f, (funct7 << 25) | (funct3 << 12) | opcode, 'R', effect);
}

/** I-, S- and B-types: funct3 and opcode fixed. */
export function iType(name: string, opcode: number, funct3: number, effect: (g: Guest) => void, format: Format = 'I'): Instruction {
  return row(name, 0x707f, (funct3 << 12) | opcode, format, effect);
}

/** Shift by a constant: the top six bits (seven for a 32-bit operand) are fixed. */
export function shiftType(name: string, opcode: number, funct3: number, top: number, bits: 5 | 6, effect: (g: Guest) => void): Instruction {
  const mask = bits === 6 ? 0xfc00707f : 0xfe00707f;
  return row(name, mask, (top << (20 + bits)) | (funct3 << 12) | opcode, 'SHAMT', effect);
}

/** One operand, the rest fixed (rs2 field and funct7 as a 12-bit number). */
export function unaryType(name: string, opcode: number, funct3: number, funct12: number, effect: (g: Guest) => void): Instruction {
  return row(name, 0xfff0707f, (funct12 << 20) | (funct3 << 12) | opcode, 'R', effect);
}
