import type { Bytes } from './bytes.ts';

/**
 * Typed WebAssembly expressions: trees that write themselves as a stack-machine sequence. TypeScript checks the operand types, so that a
 * mistake in the semantics table is a compile error here and not a validation error at start-up. Opcodes: core specification, chapter 5.4.
 */
export type ValueType = 'i32' | 'i64' | 'f32' | 'f64';

export interface Expr<T extends ValueType> {
  readonly type: T;
  /** Set for integer constants that fit a JavaScript number, so that builders can fold them. */
  readonly value?: number;
  write(out: Bytes): void;
}

export type I32 = Expr<'i32'>;
export type I64 = Expr<'i64'>;
export type F32 = Expr<'f32'>;
export type F64 = Expr<'f64'>;

function unary<R extends ValueType, A extends ValueType>(type: R, code: number): (a: Expr<A>) => Expr<R> {
  return (a) => ({
    type,
    write(out) {
      a.write(out);
      out.u8(code);
    },
  });
}

function binary<R extends ValueType, A extends ValueType>(type: R, code: number): (a: Expr<A>, b: Expr<A>) => Expr<R> {
  return (a, b) => ({
    type,
    write(out) {
      a.write(out);
      b.write(out);
      out.u8(code);
    },
  });
}

/** The saturating conversions, which have a prefix byte. */
function saturating<R extends ValueType, A extends ValueType>(type: R, code: number): (a: Expr<A>) => Expr<R> {
  return (a) => ({
    type,
    write(out) {
      a.write(out);
      out.u8(0xfc);
      out.u32(code);
    },
  });
}

/** A load; the alignment hint is always 0, which promises nothing and costs nothing on the hosts V8 supports. */
function load<R extends ValueType>(type: R, code: number): (address: I32, offset?: number) => Expr<R> {
  return (address, offset = 0) => ({
    type,
    write(out) {
      address.write(out);
      out.u8(code);
      out.u8(0);
      out.u32(offset);
    },
  });
}

function select<T extends ValueType>(type: T): (condition: I32, ifTrue: Expr<T>, ifFalse: Expr<T>) => Expr<T> {
  return (condition, ifTrue, ifFalse) => ({
    type,
    write(out) {
      ifTrue.write(out);
      ifFalse.write(out);
      condition.write(out);
      out.u8(0x1b);
    },
  });
}

const TYPE_CODE = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c } as const;

export function typeCode(type: ValueType): number {
  return TYPE_CODE[type];
}

/** `if` as an expression: only the taken side is evaluated. */
export function choose<T extends ValueType>(condition: I32, ifTrue: Expr<T>, ifFalse: Expr<T>): Expr<T> {
  return {
    type: ifTrue.type,
    write(out) {
      condition.write(out);
      out.u8(0x04);
      out.u8(typeCode(ifTrue.type));
      ifTrue.write(out);
      out.u8(0x05);
      ifFalse.write(out);
      out.u8(0x0b);
    },
  };
}

function constant32(value: number): I32 {
  return {
    type: 'i32',
    value: value | 0,
    write(out) {
      out.u8(0x41);
      out.s32(value);
    },
  };
}

/** `value` is a safe integer, taken modulo 2⁶⁴; constants beyond that are built with {@link words}. */
function constant64(value: number): I64 {
  return {
    type: 'i64',
    value,
    write(out) {
      out.u8(0x42);
      out.s64(value % 0x1_0000_0000, Math.floor(value / 0x1_0000_0000));
    },
  };
}

/** The 64-bit constant `high`:`low`. */
function words(high: number, low: number): I64 {
  return {
    type: 'i64',
    write(out) {
      out.u8(0x42);
      out.s64(low, high);
    },
  };
}

export const i32 = {
  const: constant32,
  load: load('i32', 0x28),
  load8s: load('i32', 0x2c),
  load8u: load('i32', 0x2d),
  load16s: load('i32', 0x2e),
  load16u: load('i32', 0x2f),
  eqz: unary<'i32', 'i32'>('i32', 0x45),
  eq: binary<'i32', 'i32'>('i32', 0x46),
  ne: binary<'i32', 'i32'>('i32', 0x47),
  ltS: binary<'i32', 'i32'>('i32', 0x48),
  ltU: binary<'i32', 'i32'>('i32', 0x49),
  gtS: binary<'i32', 'i32'>('i32', 0x4a),
  gtU: binary<'i32', 'i32'>('i32', 0x4b),
  leS: binary<'i32', 'i32'>('i32', 0x4c),
  leU: binary<'i32', 'i32'>('i32', 0x4d),
  geS: binary<'i32', 'i32'>('i32', 0x4e),
  geU: binary<'i32', 'i32'>('i32', 0x4f),
  clz: unary<'i32', 'i32'>('i32', 0x67),
  ctz: unary<'i32', 'i32'>('i32', 0x68),
  popcnt: unary<'i32', 'i32'>('i32', 0x69),
  add: binary<'i32', 'i32'>('i32', 0x6a),
  sub: binary<'i32', 'i32'>('i32', 0x6b),
  mul: binary<'i32', 'i32'>('i32', 0x6c),
  divS: binary<'i32', 'i32'>('i32', 0x6d),
  divU: binary<'i32', 'i32'>('i32', 0x6e),
  remS: binary<'i32', 'i32'>('i32', 0x6f),
  remU: binary<'i32', 'i32'>('i32', 0x70),
  and: binary<'i32', 'i32'>('i32', 0x71),
  or: binary<'i32', 'i32'>('i32', 0x72),
  xor: binary<'i32', 'i32'>('i32', 0x73),
  shl: binary<'i32', 'i32'>('i32', 0x74),
  shrS: binary<'i32', 'i32'>('i32', 0x75),
  shrU: binary<'i32', 'i32'>('i32', 0x76),
  rotl: binary<'i32', 'i32'>('i32', 0x77),
  rotr: binary<'i32', 'i32'>('i32', 0x78),
  wrap: unary<'i32', 'i64'>('i32', 0xa7),
  fromBits: unary<'i32', 'f32'>('i32', 0xbc),
  extend8: unary<'i32', 'i32'>('i32', 0xc0),
  extend16: unary<'i32', 'i32'>('i32', 0xc1),
  truncSatF64S: saturating<'i32', 'f64'>('i32', 2),
  truncSatF64U: saturating<'i32', 'f64'>('i32', 3),
  select: select('i32'),
} as const;

const add64 = binary<'i64', 'i64'>('i64', 0x7c);

export const i64 = {
  const: constant64,
  words,
  load: load('i64', 0x29),
  load8s: load('i64', 0x30),
  load8u: load('i64', 0x31),
  load16s: load('i64', 0x32),
  load16u: load('i64', 0x33),
  load32s: load('i64', 0x34),
  load32u: load('i64', 0x35),
  eqz: unary<'i32', 'i64'>('i32', 0x50),
  eq: binary<'i32', 'i64'>('i32', 0x51),
  ne: binary<'i32', 'i64'>('i32', 0x52),
  ltS: binary<'i32', 'i64'>('i32', 0x53),
  ltU: binary<'i32', 'i64'>('i32', 0x54),
  gtS: binary<'i32', 'i64'>('i32', 0x55),
  gtU: binary<'i32', 'i64'>('i32', 0x56),
  leS: binary<'i32', 'i64'>('i32', 0x57),
  leU: binary<'i32', 'i64'>('i32', 0x58),
  geS: binary<'i32', 'i64'>('i32', 0x59),
  geU: binary<'i32', 'i64'>('i32', 0x5a),
  clz: unary<'i64', 'i64'>('i64', 0x79),
  ctz: unary<'i64', 'i64'>('i64', 0x7a),
  popcnt: unary<'i64', 'i64'>('i64', 0x7b),
  /** Nothing is added to what a constant 0 is added to: that is how the guest moves a register. */
  add: (a: I64, b: I64): I64 => (b.value === 0 ? a : a.value === 0 ? b : add64(a, b)),
  sub: binary<'i64', 'i64'>('i64', 0x7d),
  mul: binary<'i64', 'i64'>('i64', 0x7e),
  divS: binary<'i64', 'i64'>('i64', 0x7f),
  divU: binary<'i64', 'i64'>('i64', 0x80),
  remS: binary<'i64', 'i64'>('i64', 0x81),
  remU: binary<'i64', 'i64'>('i64', 0x82),
  and: binary<'i64', 'i64'>('i64', 0x83),
  or: binary<'i64', 'i64'>('i64', 0x84),
  xor: binary<'i64', 'i64'>('i64', 0x85),
  shl: binary<'i64', 'i64'>('i64', 0x86),
  shrS: binary<'i64', 'i64'>('i64', 0x87),
  shrU: binary<'i64', 'i64'>('i64', 0x88),
  rotl: binary<'i64', 'i64'>('i64', 0x89),
  rotr: binary<'i64', 'i64'>('i64', 0x8a),
  extendS: unary<'i64', 'i32'>('i64', 0xac),
  extendU: unary<'i64', 'i32'>('i64', 0xad),
  extend8: unary<'i64', 'i64'>('i64', 0xc2),
  extend16: unary<'i64', 'i64'>('i64', 0xc3),
  extend32: unary<'i64', 'i64'>('i64', 0xc4),
  fromBits: unary<'i64', 'f64'>('i64', 0xbd),
  truncSatF64S: saturating<'i64', 'f64'>('i64', 6),
  truncSatF64U: saturating<'i64', 'f64'>('i64', 7),
  select: select('i64'),
} as const;

export const f32 = {
  load: load('f32', 0x2a),
  eq: binary<'i32', 'f32'>('i32', 0x5b),
  ne: binary<'i32', 'f32'>('i32', 0x5c),
  lt: binary<'i32', 'f32'>('i32', 0x5d),
  gt: binary<'i32', 'f32'>('i32', 0x5e),
  le: binary<'i32', 'f32'>('i32', 0x5f),
  ge: binary<'i32', 'f32'>('i32', 0x60),
  abs: unary<'f32', 'f32'>('f32', 0x8b),
  neg: unary<'f32', 'f32'>('f32', 0x8c),
  sqrt: unary<'f32', 'f32'>('f32', 0x91),
  add: binary<'f32', 'f32'>('f32', 0x92),
  sub: binary<'f32', 'f32'>('f32', 0x93),
  mul: binary<'f32', 'f32'>('f32', 0x94),
  div: binary<'f32', 'f32'>('f32', 0x95),
  min: binary<'f32', 'f32'>('f32', 0x96),
  max: binary<'f32', 'f32'>('f32', 0x97),
  copysign: binary<'f32', 'f32'>('f32', 0x98),
  demote: unary<'f32', 'f64'>('f32', 0xb6),
  fromI64S: unary<'f32', 'i64'>('f32', 0xb4),
  fromI64U: unary<'f32', 'i64'>('f32', 0xb5),
  fromBits: unary<'f32', 'i32'>('f32', 0xbe),
} as const;

/** SIMD operations on the low lane: splat each operand, apply, take lane 0. Opcodes: core specification 5.4.10, relaxed SIMD proposal. */
function relaxedMadd(a: F64, b: F64, c: F64): F64 {
  return {
    type: 'f64',
    write(out) {
      for (const operand of [a, b, c]) {
        operand.write(out);
        out.u8(0xfd);
        out.u32(0x14);
      }
      out.u8(0xfd);
      out.u32(0x107);
      out.u8(0xfd);
      out.u32(0x21);
      out.u8(0);
    },
  };
}

export const f64 = {
  load: load('f64', 0x2b),
  /** a × b + c, fused or not as the host likes (f64x2.relaxed_madd); not every host has it. */
  relaxedMadd,
  const(value: number): F64 {
    return {
      type: 'f64',
      write(out) {
        out.u8(0x44);
        out.f64(value);
      },
    };
  },
  eq: binary<'i32', 'f64'>('i32', 0x61),
  ne: binary<'i32', 'f64'>('i32', 0x62),
  lt: binary<'i32', 'f64'>('i32', 0x63),
  gt: binary<'i32', 'f64'>('i32', 0x64),
  le: binary<'i32', 'f64'>('i32', 0x65),
  ge: binary<'i32', 'f64'>('i32', 0x66),
  abs: unary<'f64', 'f64'>('f64', 0x99),
  neg: unary<'f64', 'f64'>('f64', 0x9a),
  ceil: unary<'f64', 'f64'>('f64', 0x9b),
  floor: unary<'f64', 'f64'>('f64', 0x9c),
  trunc: unary<'f64', 'f64'>('f64', 0x9d),
  nearest: unary<'f64', 'f64'>('f64', 0x9e),
  sqrt: unary<'f64', 'f64'>('f64', 0x9f),
  add: binary<'f64', 'f64'>('f64', 0xa0),
  sub: binary<'f64', 'f64'>('f64', 0xa1),
  mul: binary<'f64', 'f64'>('f64', 0xa2),
  div: binary<'f64', 'f64'>('f64', 0xa3),
  min: binary<'f64', 'f64'>('f64', 0xa4),
  max: binary<'f64', 'f64'>('f64', 0xa5),
  copysign: binary<'f64', 'f64'>('f64', 0xa6),
  fromI64S: unary<'f64', 'i64'>('f64', 0xb9),
  fromI64U: unary<'f64', 'i64'>('f64', 0xba),
  promote: unary<'f64', 'f32'>('f64', 0xbb),
  fromBits: unary<'f64', 'i64'>('f64', 0xbf),
  select: select('f64'),
} as const;
