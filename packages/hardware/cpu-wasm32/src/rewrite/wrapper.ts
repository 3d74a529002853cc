import { MODULE_LIMITS } from '../binary/limits.ts';
import type { FunctionImport, FunctionType } from '../binary/module.ts';
import { Op, typeName, ValueType } from '../binary/opcodes.ts';
import { ModuleError } from '../binary/reader.ts';
import { Writer } from '../binary/writer.ts';
import { OUT_OF_FUEL, POP, PUSH, RESERVE, RESULT, SAVED_INDEX, type Target, writeZero } from './target.ts';

const { i32, i64, f32, f64 } = ValueType;

/** Units of host stack that must be left when the CPU's handler is called; see the support module's `reserve`. */
export const RESERVED_STACK_UNITS = 24;

/** 32-bit words that values of these types take when they cross to the host. */
export function wordCount(types: Uint8Array, of: FunctionImport): number {
  let words = 0;
  for (const type of types) {
    if (type !== i32 && type !== i64 && type !== f32 && type !== f64) {
      throw new ModuleError(`import ${of.module}.${of.name} takes or returns a ${typeName(type)}; imports can have i32, i64, f32 and f64`);
    }
    words += type === i64 || type === f64 ? 2 : 1;
  }
  if (words > MODULE_LIMITS.importWords)
    throw new ModuleError(`import ${of.module}.${of.name} has more than ${MODULE_LIMITS.importWords} words of parameters or results`);
  return words;
}

function writeArgument(out: Writer, type: number, local: number): void {
  out.op(Op.LOCAL_GET, local);
  if (type === f32) out.byte(Op.I32_REINTERPRET_F32);
  if (type === i32 || type === f32) return;
  if (type === f64) out.byte(Op.I64_REINTERPRET_F64);
  out.byte(Op.I32_WRAP_I64);
  out.op(Op.LOCAL_GET, local);
  if (type === f64) out.byte(Op.I64_REINTERPRET_F64);
  out.copy(SHIFT_32);
  out.byte(Op.I64_SHR_U);
  out.byte(Op.I32_WRAP_I64);
}

/** i64.const 32 */
const SHIFT_32 = Uint8Array.of(0x42, 32);

function writeResult(out: Writer, type: number, word: number): void {
  writeWord(out, word);
  if (type === i64 || type === f64) {
    out.byte(Op.I64_EXTEND_I32_U);
    writeWord(out, word + 1);
    out.byte(Op.I64_EXTEND_I32_U);
    out.copy(SHIFT_32);
    out.byte(Op.I64_SHL);
    out.byte(Op.I64_OR);
  }
  if (type === f32) out.byte(Op.F32_REINTERPRET_I32);
  if (type === f64) out.byte(Op.F64_REINTERPRET_I64);
}

function writeWord(out: Writer, word: number): void {
  out.i32const(word);
  out.op(Op.CALL, RESULT);
}

/** Saves the arguments when the host wants to leave, and returns zeroes. */
function writeLeave(out: Writer, target: Target, { params, results }: FunctionType): void {
  out.op(Op.GLOBAL_GET, target.state);
  out.op(Op.IF, 0x40);
  params.forEach((param, local) => {
    out.op(Op.LOCAL_GET, local);
    out.op(Op.CALL, PUSH + SAVED_INDEX[param]!);
  });
  for (const result of results) writeZero(out, result);
  out.byte(Op.RETURN);
  out.byte(Op.END);
}

/**
 * The function that stands for an import: it hands the arguments to the host as 32-bit words, and when the host wants to leave it saves them,
 * so that the same call is made again. It asks the host only when no fuel is owed, so that instructions are counted exactly there.
 * `lowered` is the index of the import itself, which returns the first word of the results.
 */
export function writeWrapper(code: Writer, target: Target, type: FunctionType, lowered: number): void {
  const out = new Writer(64);
  const { params, results } = type;
  out.u32(1);
  out.u32(1);
  out.byte(i32);
  out.op(Op.GLOBAL_GET, target.fuel);
  out.i32const(0);
  out.byte(Op.I32_LT_S);
  out.op(Op.IF, 0x40);
  out.op(Op.GLOBAL_GET, target.state);
  out.op(Op.IF, 0x40);
  for (let local = params.length - 1; local >= 0; local--) {
    out.op(Op.CALL, POP + SAVED_INDEX[params[local]!]!);
    out.op(Op.LOCAL_SET, local);
  }
  out.byte(Op.END);
  out.op(Op.CALL, OUT_OF_FUEL);
  writeLeave(out, target, type);
  out.byte(Op.END);
  out.i32const(RESERVED_STACK_UNITS);
  out.op(Op.CALL, RESERVE);
  params.forEach((param, local) => {
    writeArgument(out, param, local);
  });
  out.op(Op.CALL, lowered);
  if (results.length > 0) out.op(Op.LOCAL_SET, params.length);
  writeLeave(out, target, type);
  writeResults(out, results, params.length);
  out.byte(Op.END);
  code.sized(out);
}

/** The import returned the first word: that is all for a single i32, which is nearly always so. */
function writeResults(out: Writer, results: Uint8Array, first: number): void {
  if (results.length === 1 && results[0] === i32) {
    out.op(Op.LOCAL_GET, first);
    return;
  }
  let word = 0;
  for (const type of results) {
    writeResult(out, type, word);
    word += type === i64 || type === f64 ? 2 : 1;
  }
}
