import { IMMEDIATE, Immediate, Op, OpFc, SIMD_IMMEDIATE, SIMD_KNOWN, SimdImmediate } from '../binary/opcodes.ts';
import { ModuleError, type Reader } from '../binary/reader.ts';

/** Names the features behind opcodes that mode precise refuses. */
function refuse(reader: Reader, op: number, at: number): never {
  const what =
    op >= 0x06 && op <= 0x1f
      ? 'exception handling'
      : op === 0xfe
        ? 'atomic instructions (threads)'
        : op === 0xfb
          ? 'garbage-collected types'
          : op === 0x14 || op === 0x15 || op >= 0xd3
            ? 'typed function references'
            : `opcode 0x${op.toString(16)}`;
  throw new ModuleError(`${what} at byte ${at} of ${reader.bytes.length} is not supported in mode precise`);
}

function skipPrefixFc(reader: Reader): void {
  const op = reader.u32();
  if (op < OpFc.MEMORY_INIT) return;
  if (op > OpFc.TABLE_FILL) throw new ModuleError(`opcode 0xfc ${op} at byte ${reader.at} is not supported`);
  reader.skipLeb();
  if (op === OpFc.MEMORY_INIT || op === OpFc.MEMORY_COPY || op === OpFc.TABLE_INIT || op === OpFc.TABLE_COPY) reader.skipLeb();
}

/** Passes over the immediates of a vector instruction whose sub-opcode was read. */
export function skipSimdImmediate(reader: Reader, op: number): void {
  if (op > 255 || !SIMD_KNOWN[op])
    throw new ModuleError(`vector opcode ${op} at byte ${reader.at} is not supported (relaxed SIMD differs between hosts)`);
  const kind = SIMD_IMMEDIATE[op];
  if (kind === SimdImmediate.MEMARG || kind === SimdImmediate.MEMARG_LANE) {
    reader.skipLeb();
    reader.skipLeb();
  }
  if (kind === SimdImmediate.LANE || kind === SimdImmediate.MEMARG_LANE) reader.skip(1);
  else if (kind === SimdImmediate.BYTES_16) reader.skip(16);
}

/** Passes over the immediates of an instruction whose opcode was just read. */
export function skipImmediate(reader: Reader, op: number): void {
  switch (IMMEDIATE[op]) {
    case Immediate.NONE:
      return;
    case Immediate.LEB:
      reader.skipLeb();
      return;
    case Immediate.LEB_LEB:
      reader.skipLeb();
      reader.skipLeb();
      return;
    case Immediate.BYTES_4:
      reader.skip(4);
      return;
    case Immediate.BYTES_8:
      reader.skip(8);
      return;
    case Immediate.BLOCK_TYPE:
      reader.s33();
      return;
    case Immediate.BR_TABLE:
      for (let count = reader.u32() + 1; count > 0; count--) reader.skipLeb();
      return;
    case Immediate.TYPES:
      reader.skip(reader.u32());
      return;
    case Immediate.PREFIX_FC:
      skipPrefixFc(reader);
      return;
    case Immediate.PREFIX_SIMD:
      skipSimdImmediate(reader, reader.u32());
      return;
    default:
      refuse(reader, op, reader.at - 1);
  }
}

/** Behind an instruction that never falls through: stops in front of the `else` or `end` where code can be reached again. */
export function skipDead(reader: Reader): void {
  for (let depth = 0; ; ) {
    const op = reader.byte();
    if (op === Op.BLOCK || op === Op.LOOP || op === Op.IF) depth++;
    else if (op === Op.END || op === Op.ELSE) {
      if (depth === 0) {
        reader.at--;
        return;
      }
      if (op === Op.END) depth--;
    }
    skipImmediate(reader, op);
  }
}

/** Passes over the declarations of locals; calls back for each run of one type. */
export function readLocals(reader: Reader, run: (count: number, type: number) => void): void {
  for (let runs = reader.u32(); runs > 0; runs--) run(reader.u32(), reader.byte());
}
