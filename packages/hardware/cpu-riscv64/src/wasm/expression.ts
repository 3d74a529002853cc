import type { Bytes } from './bytes.ts';

/**
 * Typed WebAssembly expressions: trees that write themselves as a stack-machine sequence. TypeScript checks the operand types, so that a
 * mistake in the semantics table is a compile error here and not a validation error at start-up. Opcodes: core specification, chapter 5.4.
 */
export type ValueType = 'i32' | 'i64' | 'f32' | 'f64';

export interface Expr<T extends ValueType> {
  readonly type: T;
  /** Set for integer constants that fit a JavaScript number, so that builders can fold them. */
  readonly value?: number | undefined;
  /** Of some i64: an i32 that is its low half, to be written instead of it. Either is written, never both: what they are made of may be a load or a call. */
  readonly low?: I32 | undefined;
  /** Of an i64: whether it is a word, the sign extension of its low half. Then `i32.wrap` of it costs nothing. */
  readonly isWord?: boolean;
  /** Whether it is known to be from 0 to 2³¹ − 1, so that its sign extension is its zero extension, which is often free. An i64 that is natural is a word. */
  readonly isNatural?: boolean;
  write(out: Bytes): void;
}

export type I32 = Expr<'i32'>;
export type I64 = Expr<'i64'>;
export type F32 = Expr<'f32'>;
export type F64 = Expr<'f64'>;

/** What is known of an integer. */
interface Facts {
  readonly isNatural: boolean;
  readonly isWord: boolean;
  readonly low: I32 | undefined;
}

const NOTHING: Facts = { isNatural: false, isWord: false, low: undefined };
const NATURAL: Facts = { isNatural: true, isWord: false, low: undefined };

// Hundreds of thousands of expressions are made for a large program: objects of a few classes, not closures.

/** An operator with one operand. */
class Unary<T extends ValueType> implements Expr<T> {
  readonly type: T;
  readonly isNatural: boolean;
  readonly isWord: boolean;
  readonly low: I32 | undefined;
  readonly #code: number;
  readonly #a: Expr<ValueType>;

  constructor(type: T, code: number, a: Expr<ValueType>, { isNatural, isWord, low }: Facts) {
    this.type = type;
    this.isNatural = isNatural;
    this.isWord = isWord;
    this.low = low;
    this.#code = code;
    this.#a = a;
  }

  write(out: Bytes): void {
    this.#a.write(out);
    out.u8(this.#code);
  }
}

/** An operator with two operands. */
class Binary<T extends ValueType> implements Expr<T> {
  readonly type: T;
  readonly isNatural: boolean;
  readonly #code: number;
  readonly #a: Expr<ValueType>;
  readonly #b: Expr<ValueType>;

  constructor(type: T, code: number, a: Expr<ValueType>, b: Expr<ValueType>, isNatural: boolean) {
    this.type = type;
    this.isNatural = isNatural;
    this.#code = code;
    this.#a = a;
    this.#b = b;
  }

  write(out: Bytes): void {
    this.#a.write(out);
    this.#b.write(out);
    out.u8(this.#code);
  }
}

/** The alignment hint is always 0, which promises nothing and costs nothing on the hosts V8 supports. */
class Load<T extends ValueType> implements Expr<T> {
  readonly type: T;
  readonly isNatural: boolean;
  readonly isWord: boolean;
  readonly low: I32 | undefined;
  readonly #code: number;
  readonly #address: I32;
  readonly #offset: number;

  constructor(type: T, code: number, address: I32, offset: number, { isNatural, isWord, low }: Facts) {
    this.type = type;
    this.isNatural = isNatural;
    this.isWord = isWord;
    this.low = low;
    this.#code = code;
    this.#address = address;
    this.#offset = offset;
  }

  write(out: Bytes): void {
    this.#address.write(out);
    out.u8(this.#code);
    out.u8(0);
    out.u32(this.#offset);
  }
}

class Constant32 implements I32 {
  readonly type = 'i32';
  readonly value: number;
  readonly isNatural: boolean;

  constructor(value: number) {
    this.value = value | 0;
    this.isNatural = this.value >= 0;
  }

  write(out: Bytes): void {
    out.u8(0x41);
    out.s32(this.value);
  }
}

class Constant64 implements I64 {
  readonly type = 'i64';
  readonly value: number;
  readonly isWord: boolean;
  readonly isNatural: boolean;

  constructor(value: number) {
    this.value = value;
    this.isWord = value === (value | 0);
    this.isNatural = value === (value & 0x7fff_ffff);
  }

  write(out: Bytes): void {
    const { value } = this;
    out.u8(0x42);
    if (this.isWord) out.s32(value);
    else out.s64(value % 0x1_0000_0000, Math.floor(value / 0x1_0000_0000));
  }
}

/** A constant that no JavaScript number need hold. */
class WideConstant implements I64 {
  readonly type = 'i64';
  readonly #high: number;
  readonly #low: number;

  constructor(high: number, low: number) {
    this.#high = high;
    this.#low = low;
  }

  write(out: Bytes): void {
    out.u8(0x42);
    out.s64(this.#low, this.#high);
  }
}

/** A value of which more is known. */
class Natural implements I32 {
  readonly type = 'i32';
  readonly isNatural = true;
  readonly #a: I32;

  constructor(a: I32) {
    this.#a = a;
  }

  write(out: Bytes): void {
    this.#a.write(out);
  }
}

function unary<R extends ValueType, A extends ValueType>(type: R, code: number, isNatural = false): (a: Expr<A>) => Expr<R> {
  const facts = isNatural ? NATURAL : NOTHING;
  return (a) => new Unary(type, code, a, facts);
}

function binary<R extends ValueType, A extends ValueType>(
  type: R,
  code: number,
  isNatural: boolean | ((a: Expr<A>, b: Expr<A>) => boolean) = false,
): (a: Expr<A>, b: Expr<A>) => Expr<R> {
  if (typeof isNatural === 'boolean') return (a, b) => new Binary(type, code, a, b, isNatural);
  return (a, b) => new Binary(type, code, a, b, isNatural(a, b));
}

/** Comparisons give 0 or 1. */
const comparison = <A extends ValueType>(code: number): ((a: Expr<A>, b: Expr<A>) => I32) => binary<'i32', A>('i32', code, true);
const isEither = (a: I32, b: I32): boolean => a.isNatural === true || b.isNatural === true;
const isBoth = (a: I32, b: I32): boolean => a.isNatural === true && b.isNatural === true;
const isFirst = (a: I32): boolean => a.isNatural === true;
/** A shift to the right by a constant brings in zeros. */
const isShifted = (a: I32, by: I32): boolean => a.isNatural === true || (by.value !== undefined && (by.value & 31) !== 0);

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

function load<R extends ValueType>(type: R, code: number, isNatural = false): (address: I32, offset?: number) => Expr<R> {
  const facts = isNatural ? NATURAL : NOTHING;
  return (address, offset = 0) => new Load(type, code, address, offset, facts);
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

/** Small constants are made once: zero, shifts, masks, and most displacements. */
const [LEAST, MOST] = [-128, 255];
const smallOf = <T>(make: (value: number) => T): readonly T[] => Array.from({ length: MOST - LEAST + 1 }, (_, i) => make(LEAST + i));
const SMALL_32 = smallOf((value) => new Constant32(value));
const SMALL_64 = smallOf((value) => new Constant64(value));

const constant32 = (value: number): I32 => (value >= LEAST && value <= MOST ? (SMALL_32[value - LEAST] as I32) : new Constant32(value));
/** `value` is a safe integer, taken modulo 2⁶⁴; constants beyond that are built with {@link words}. */
const constant64 = (value: number): I64 => (value >= LEAST && value <= MOST ? (SMALL_64[value - LEAST] as I64) : new Constant64(value));
/** The same value, which is known to be natural. */
const natural = (a: I32): I32 => (a.isNatural === true ? a : new Natural(a));

/** The 64-bit constant `high`:`low`. */
const words = (high: number, low: number): I64 => new WideConstant(high, low);

const add32 = binary<'i32', 'i32'>('i32', 0x6a);
const wrap = unary<'i32', 'i64'>('i32', 0xa7);

/** The low half. */
function low(a: I64): I32 {
  return a.low ?? (a.value === undefined ? wrap(a) : constant32(a.value));
}

export const i32 = {
  const: constant32,
  natural,
  load: load('i32', 0x28),
  load8s: load('i32', 0x2c),
  load8u: load('i32', 0x2d, true),
  load16s: load('i32', 0x2e),
  load16u: load('i32', 0x2f, true),
  eqz: unary<'i32', 'i32'>('i32', 0x45, true),
  eq: comparison<'i32'>(0x46),
  ne: comparison<'i32'>(0x47),
  ltS: comparison<'i32'>(0x48),
  ltU: comparison<'i32'>(0x49),
  gtS: comparison<'i32'>(0x4a),
  gtU: comparison<'i32'>(0x4b),
  leS: comparison<'i32'>(0x4c),
  leU: comparison<'i32'>(0x4d),
  geS: comparison<'i32'>(0x4e),
  geU: comparison<'i32'>(0x4f),
  clz: unary<'i32', 'i32'>('i32', 0x67, true),
  ctz: unary<'i32', 'i32'>('i32', 0x68, true),
  popcnt: unary<'i32', 'i32'>('i32', 0x69, true),
  /** As {@link i64}'s: that is how the guest extends a word. */
  add: (a: I32, b: I32): I32 => (b.value === 0 ? a : a.value === 0 ? b : add32(a, b)),
  sub: binary<'i32', 'i32'>('i32', 0x6b),
  mul: binary<'i32', 'i32'>('i32', 0x6c),
  divS: binary<'i32', 'i32'>('i32', 0x6d),
  divU: binary<'i32', 'i32'>('i32', 0x6e),
  remS: binary<'i32', 'i32'>('i32', 0x6f),
  remU: binary<'i32', 'i32'>('i32', 0x70),
  and: binary<'i32', 'i32'>('i32', 0x71, isEither),
  or: binary<'i32', 'i32'>('i32', 0x72, isBoth),
  xor: binary<'i32', 'i32'>('i32', 0x73, isBoth),
  shl: binary<'i32', 'i32'>('i32', 0x74),
  shrS: binary<'i32', 'i32'>('i32', 0x75, isFirst),
  shrU: binary<'i32', 'i32'>('i32', 0x76, isShifted),
  rotl: binary<'i32', 'i32'>('i32', 0x77),
  rotr: binary<'i32', 'i32'>('i32', 0x78),
  wrap: low,
  fromBits: unary<'i32', 'f32'>('i32', 0xbc),
  extend8: unary<'i32', 'i32'>('i32', 0xc0),
  extend16: unary<'i32', 'i32'>('i32', 0xc1),
  truncSatF64S: saturating<'i32', 'f64'>('i32', 2),
  truncSatF64U: saturating<'i32', 'f64'>('i32', 3),
  select: select('i32'),
} as const;

const add64 = binary<'i64', 'i64'>('i64', 0x7c);
const [SIGN_EXTENSION, ZERO_EXTENSION, EXTEND_32] = [0xac, 0xad, 0xc4] as const;
const wideAnd = binary<'i64', 'i64'>('i64', 0x83);

/** A natural number is extended with zeros, as most of what makes it has done already on the usual hosts. */
function extendS(a: I32): I64 {
  const isNatural = a.isNatural === true;
  return new Unary('i64', isNatural ? ZERO_EXTENSION : SIGN_EXTENSION, a, { isNatural, isWord: true, low: a });
}

function extendU(a: I32): I64 {
  const isNatural = a.isNatural === true;
  return new Unary('i64', ZERO_EXTENSION, a, { isNatural, isWord: isNatural, low: a });
}

/** A load of fewer bits, of which the low half can be loaded as well. */
function partLoad(code: number, isWord: boolean, part: (address: I32, offset?: number) => I32): (address: I32, offset?: number) => I64 {
  return (address, offset = 0) => {
    const low = part(address, offset);
    return new Load('i64', code, address, offset, { low, isWord, isNatural: low.isNatural === true });
  };
}

const shiftS = binary<'i64', 'i64'>('i64', 0x87);
const shiftU = binary<'i64', 'i64'>('i64', 0x88);
/** Whether a shift by this much is one that 32 bits have too. */
const isWithinWord = ({ value }: I64): boolean => value !== undefined && value >= 0 && value < 32;

const areWords = (a: I64, b: I64): boolean => a.isWord === true && b.isWord === true;

/** Words compare as their low halves do, signed and unsigned: sign extension keeps both orders. */
function ordering(code: number, narrow: (a: I32, b: I32) => I32): (a: I64, b: I64) => I32 {
  const wide = comparison<'i64'>(code);
  return (a, b) => (areWords(a, b) ? narrow(low(a), low(b)) : wide(a, b));
}

/** What bits that repeat above the low half give repeats there too. */
function bitwise(code: number, narrow: (a: I32, b: I32) => I32): (a: I64, b: I64) => I64 {
  const wide = binary<'i64', 'i64'>('i64', code);
  return (a, b) => (areWords(a, b) ? extendS(narrow(low(a), low(b))) : wide(a, b));
}

export const i64 = {
  const: constant64,
  words,
  load: load('i64', 0x29),
  load8s: partLoad(0x30, true, i32.load8s),
  load8u: partLoad(0x31, true, i32.load8u),
  load16s: partLoad(0x32, true, i32.load16s),
  load16u: partLoad(0x33, true, i32.load16u),
  load32s: partLoad(0x34, true, i32.load),
  load32u: partLoad(0x35, false, i32.load),
  eqz: unary<'i32', 'i64'>('i32', 0x50, true),
  eq: ordering(0x51, i32.eq),
  ne: ordering(0x52, i32.ne),
  ltS: ordering(0x53, i32.ltS),
  ltU: ordering(0x54, i32.ltU),
  gtS: ordering(0x55, i32.gtS),
  gtU: ordering(0x56, i32.gtU),
  leS: ordering(0x57, i32.leS),
  leU: ordering(0x58, i32.leU),
  geS: ordering(0x59, i32.geS),
  geU: ordering(0x5a, i32.geU),
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
  and: (a: I64, b: I64): I64 =>
    areWords(a, b) || a.isNatural === true || b.isNatural === true ? extendS(i32.and(low(a), low(b))) : wideAnd(a, b),
  or: bitwise(0x84, i32.or),
  xor: bitwise(0x85, i32.xor),
  shl: binary<'i64', 'i64'>('i64', 0x86),
  shrS: (a: I64, b: I64): I64 => (a.isWord === true && isWithinWord(b) ? extendS(i32.shrS(low(a), low(b))) : shiftS(a, b)),
  shrU: (a: I64, b: I64): I64 => (a.isNatural === true && isWithinWord(b) ? extendS(i32.shrU(low(a), low(b))) : shiftU(a, b)),
  rotl: binary<'i64', 'i64'>('i64', 0x89),
  rotr: binary<'i64', 'i64'>('i64', 0x8a),
  extendS,
  extendU,
  extend8: unary<'i64', 'i64'>('i64', 0xc2),
  extend16: unary<'i64', 'i64'>('i64', 0xc3),
  extend32: (a: I64): I64 => (a.isWord === true ? a : new Unary('i64', EXTEND_32, a, { isNatural: false, isWord: true, low: low(a) })),
  fromBits: unary<'i64', 'f64'>('i64', 0xbd),
  truncSatF64S: saturating<'i64', 'f64'>('i64', 6),
  truncSatF64U: saturating<'i64', 'f64'>('i64', 7),
  select: select('i64'),
} as const;

/** SIMD operations on the low lane: splat each operand, apply, take lane 0. Opcodes: core specification 5.4.10, relaxed SIMD proposal. */
const relaxedMadd =
  <T extends 'f32' | 'f64'>(type: T, splat: number, madd: number, lane: number) =>
  (a: Expr<T>, b: Expr<T>, c: Expr<T>): Expr<T> => ({
    type,
    write(out) {
      for (const operand of [a, b, c]) {
        operand.write(out);
        out.u8(0xfd);
        out.u32(splat);
      }
      out.u8(0xfd);
      out.u32(madd);
      out.u8(0xfd);
      out.u32(lane);
      out.u8(0);
    },
  });

export const f32 = {
  /** See {@link f64}'s. */
  relaxedMadd: relaxedMadd('f32', 0x13, 0x105, 0x1f),
  load: load('f32', 0x2a),
  eq: comparison<'f32'>(0x5b),
  ne: comparison<'f32'>(0x5c),
  lt: comparison<'f32'>(0x5d),
  gt: comparison<'f32'>(0x5e),
  le: comparison<'f32'>(0x5f),
  ge: comparison<'f32'>(0x60),
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

export const f64 = {
  load: load('f64', 0x2b),
  /** a × b + c, fused or not as the host likes (f64x2.relaxed_madd); not every host has it. */
  relaxedMadd: relaxedMadd('f64', 0x14, 0x107, 0x21),
  const(value: number): F64 {
    return {
      type: 'f64',
      write(out) {
        out.u8(0x44);
        out.f64(value);
      },
    };
  },
  eq: comparison<'f64'>(0x61),
  ne: comparison<'f64'>(0x62),
  lt: comparison<'f64'>(0x63),
  gt: comparison<'f64'>(0x64),
  le: comparison<'f64'>(0x65),
  ge: comparison<'f64'>(0x66),
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
