/** Value types by their binary encoding (core specification 5.3). */
export const ValueType = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b, funcref: 0x70, externref: 0x6f } as const;

const NAMES: Readonly<Record<number, string>> = Object.fromEntries(Object.entries(ValueType).map(([name, code]) => [code, name]));

/** The text format's name of a value type, for messages. */
export const typeName = (type: number): string => NAMES[type] ?? `type 0x${type.toString(16)}`;

export const isReference = (type: number): boolean => type === ValueType.funcref || type === ValueType.externref;

/** Opcodes that the rewriter treats one by one (core specification 5.4). */
export const Op = {
  UNREACHABLE: 0x00,
  NOP: 0x01,
  BLOCK: 0x02,
  LOOP: 0x03,
  IF: 0x04,
  ELSE: 0x05,
  END: 0x0b,
  BR: 0x0c,
  BR_IF: 0x0d,
  BR_TABLE: 0x0e,
  RETURN: 0x0f,
  CALL: 0x10,
  CALL_INDIRECT: 0x11,
  RETURN_CALL: 0x12,
  RETURN_CALL_INDIRECT: 0x13,
  DROP: 0x1a,
  SELECT: 0x1b,
  SELECT_TYPED: 0x1c,
  LOCAL_GET: 0x20,
  LOCAL_SET: 0x21,
  LOCAL_TEE: 0x22,
  GLOBAL_GET: 0x23,
  GLOBAL_SET: 0x24,
  TABLE_GET: 0x25,
  TABLE_SET: 0x26,
  MEMORY_SIZE: 0x3f,
  MEMORY_GROW: 0x40,
  I32_CONST: 0x41,
  I64_CONST: 0x42,
  F32_CONST: 0x43,
  F64_CONST: 0x44,
  I32_EQZ: 0x45,
  I32_EQ: 0x46,
  I32_LT_S: 0x48,
  I32_GE_S: 0x4e,
  I32_SUB: 0x6b,
  I32_ADD: 0x6a,
  I32_SHR_U: 0x76,
  I64_OR: 0x84,
  I64_SHL: 0x86,
  I64_SHR_U: 0x88,
  I32_WRAP_I64: 0xa7,
  I64_EXTEND_I32_U: 0xad,
  I32_REINTERPRET_F32: 0xbc,
  I64_REINTERPRET_F64: 0xbd,
  F32_REINTERPRET_I32: 0xbe,
  F64_REINTERPRET_I64: 0xbf,
  REF_NULL: 0xd0,
  REF_IS_NULL: 0xd1,
  REF_FUNC: 0xd2,
  PREFIX_FC: 0xfc,
  PREFIX_SIMD: 0xfd,
} as const;

/** Sub-opcodes after 0xFC. */
export const OpFc = {
  MEMORY_INIT: 8,
  DATA_DROP: 9,
  MEMORY_COPY: 10,
  MEMORY_FILL: 11,
  TABLE_INIT: 12,
  ELEM_DROP: 13,
  TABLE_COPY: 14,
  TABLE_GROW: 15,
  TABLE_SIZE: 16,
  TABLE_FILL: 17,
} as const;

/** What follows an opcode. */
export const Immediate = {
  NONE: 0,
  LEB: 1,
  LEB_LEB: 2,
  BYTES_4: 3,
  BYTES_8: 4,
  BLOCK_TYPE: 5,
  BR_TABLE: 6,
  TYPES: 7,
  PREFIX_FC: 8,
  PREFIX_SIMD: 9,
  UNKNOWN: 255,
} as const;

/** Immediate kind of each one-byte opcode. */
export const IMMEDIATE = new Uint8Array(256).fill(Immediate.UNKNOWN);
/** Operands taken by each simple opcode, and the type pushed (0: none). Opcodes that depend on context are not simple. */
export const POPS = new Uint8Array(256);
export const PUSH = new Uint8Array(256);
export const SIMPLE = new Uint8Array(256);

function simple(first: number, last: number, pops: number, push: number, immediate: number = Immediate.NONE): void {
  for (let op = first; op <= last; op++) {
    IMMEDIATE[op] = immediate;
    POPS[op] = pops;
    PUSH[op] = push;
    SIMPLE[op] = 1;
  }
}

function context(op: number, immediate: number): void {
  IMMEDIATE[op] = immediate;
}

const { i32, i64, f32, f64, v128 } = ValueType;
simple(Op.NOP, Op.NOP, 0, 0);
for (const op of [Op.UNREACHABLE, Op.ELSE, Op.END, Op.RETURN, Op.SELECT, Op.REF_IS_NULL]) context(op, Immediate.NONE);
for (const op of [Op.BLOCK, Op.LOOP, Op.IF]) context(op, Immediate.BLOCK_TYPE);
for (const op of [Op.BR, Op.BR_IF, Op.CALL, Op.RETURN_CALL, Op.LOCAL_GET, Op.LOCAL_SET, Op.LOCAL_TEE, Op.GLOBAL_GET])
  context(op, Immediate.LEB);
for (const op of [Op.GLOBAL_SET, Op.TABLE_GET, Op.TABLE_SET, Op.MEMORY_GROW, Op.REF_NULL, Op.REF_FUNC]) context(op, Immediate.LEB);
for (const op of [Op.CALL_INDIRECT, Op.RETURN_CALL_INDIRECT]) context(op, Immediate.LEB_LEB);
context(Op.BR_TABLE, Immediate.BR_TABLE);
context(Op.SELECT_TYPED, Immediate.TYPES);
context(Op.PREFIX_FC, Immediate.PREFIX_FC);
context(Op.PREFIX_SIMD, Immediate.PREFIX_SIMD);
simple(Op.DROP, Op.DROP, 1, 0);
// Loads, by result type, then stores.
simple(0x28, 0x28, 1, i32, Immediate.LEB_LEB);
simple(0x29, 0x29, 1, i64, Immediate.LEB_LEB);
simple(0x2a, 0x2a, 1, f32, Immediate.LEB_LEB);
simple(0x2b, 0x2b, 1, f64, Immediate.LEB_LEB);
simple(0x2c, 0x2f, 1, i32, Immediate.LEB_LEB);
simple(0x30, 0x35, 1, i64, Immediate.LEB_LEB);
simple(0x36, 0x3e, 2, 0, Immediate.LEB_LEB);
simple(Op.MEMORY_SIZE, Op.MEMORY_SIZE, 0, i32, Immediate.LEB);
simple(Op.I32_CONST, Op.I32_CONST, 0, i32, Immediate.LEB);
simple(Op.I64_CONST, Op.I64_CONST, 0, i64, Immediate.LEB);
simple(Op.F32_CONST, Op.F32_CONST, 0, f32, Immediate.BYTES_4);
simple(Op.F64_CONST, Op.F64_CONST, 0, f64, Immediate.BYTES_8);
// Comparisons.
simple(0x45, 0x45, 1, i32);
simple(0x46, 0x4f, 2, i32);
simple(0x50, 0x50, 1, i32);
simple(0x51, 0x66, 2, i32);
// Arithmetic: one operand, then two, type by type.
simple(0x67, 0x69, 1, i32);
simple(0x6a, 0x78, 2, i32);
simple(0x79, 0x7b, 1, i64);
simple(0x7c, 0x8a, 2, i64);
simple(0x8b, 0x91, 1, f32);
simple(0x92, 0x98, 2, f32);
simple(0x99, 0x9f, 1, f64);
simple(0xa0, 0xa6, 2, f64);
// Conversions.
simple(0xa7, 0xab, 1, i32);
simple(0xac, 0xb1, 1, i64);
simple(0xb2, 0xb6, 1, f32);
simple(0xb7, 0xbb, 1, f64);
simple(0xbc, 0xbc, 1, i32);
simple(0xbd, 0xbd, 1, i64);
simple(0xbe, 0xbe, 1, f32);
simple(0xbf, 0xbf, 1, f64);
simple(0xc0, 0xc1, 1, i32);
simple(0xc2, 0xc4, 1, i64);

/** Simple instructions that may be run twice, on whatever values: they neither trap nor read memory. */
export const REPEATABLE = new Uint8Array(256).fill(1, Op.I32_CONST, 0xc5);
for (const [first, last] of [
  // Division and remainder, then truncation of floats.
  [0x6d, 0x70],
  [0x7f, 0x82],
  [0xa8, 0xab],
  [0xae, 0xb1],
] as const) {
  REPEATABLE.fill(0, first, last + 1);
}

/** What follows a SIMD sub-opcode. */
export const SimdImmediate = { NONE: 0, MEMARG: 1, LANE: 2, MEMARG_LANE: 3, BYTES_16: 4 } as const;

/** SIMD sub-opcodes 0 … 255 (core specification 5.4.8). */
export const SIMD_KNOWN = new Uint8Array(256);
export const SIMD_IMMEDIATE = new Uint8Array(256);
export const SIMD_POPS = new Uint8Array(256);
export const SIMD_PUSH = new Uint8Array(256);

function simd(first: number, last: number, pops: number, push: number, immediate: number = SimdImmediate.NONE): void {
  for (let op = first; op <= last; op++) {
    SIMD_KNOWN[op] = 1;
    SIMD_IMMEDIATE[op] = immediate;
    SIMD_POPS[op] = pops;
    SIMD_PUSH[op] = push;
  }
}

simd(35, 255, 2, v128);
// Codes that the specification leaves free.
for (const free of [154, 162, 165, 166, 175, 176, 178, 179, 180, 187, 194, 197, 198, 207, 208, 210, 211, 212, 226, 238])
  SIMD_KNOWN[free] = 0;
simd(0, 10, 1, v128, SimdImmediate.MEMARG);
simd(11, 11, 2, 0, SimdImmediate.MEMARG);
simd(12, 12, 0, v128, SimdImmediate.BYTES_16);
simd(13, 13, 2, v128, SimdImmediate.BYTES_16);
simd(14, 14, 2, v128);
simd(15, 20, 1, v128);
for (const [op, type] of [
  [21, i32],
  [22, i32],
  [24, i32],
  [25, i32],
  [27, i32],
  [29, i64],
  [31, f32],
  [33, f64],
] as const) {
  simd(op, op, 1, type, SimdImmediate.LANE);
}
for (const op of [23, 26, 28, 30, 32, 34]) simd(op, op, 2, v128, SimdImmediate.LANE);
simd(77, 77, 1, v128);
simd(82, 82, 3, v128);
for (const op of [83, 99, 100, 131, 132, 163, 164, 195, 196]) simd(op, op, 1, i32);
simd(84, 87, 2, v128, SimdImmediate.MEMARG_LANE);
simd(88, 91, 2, 0, SimdImmediate.MEMARG_LANE);
simd(92, 93, 1, v128, SimdImmediate.MEMARG);
for (const op of [94, 95, 96, 97, 98, 103, 104, 105, 106, 116, 117, 122, 124, 125, 126, 127, 128, 129]) simd(op, op, 1, v128);
for (const op of [135, 136, 137, 138, 148, 160, 161, 167, 168, 169, 170, 192, 193, 199, 200, 201, 202]) simd(op, op, 1, v128);
for (const op of [224, 225, 227, 236, 237, 239, 248, 249, 250, 251, 252, 253, 254, 255]) simd(op, op, 1, v128);
