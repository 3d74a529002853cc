import { IntegerKind } from '../float/convert.ts';
import { DOUBLE, type FloatFormat, ones, Rounding, SINGLE, signMask } from '../float/format.ts';
import { isModest32, isModest64, isPlain32, isPlain64, isZero32, isZero64 } from '../float/plain.ts';
import { call, type Local } from '../wasm/code.ts';
import { type Expr, type F32, type F64, f32, f64, type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import { type Guest, type Instruction, iType, row } from './instruction.ts';

/**
 * F and D: unprivileged ISA manual, chapters 20 and 21.
 *
 * Arithmetic has a fast path and an exact one. Rounding to nearest with the inexact flag already set, a normal result of the host's own operation
 * is the right one and changes no flag, so it is taken at once. Everything else goes to the functions under float/.
 */
const LOAD_FP = 0x07;
const STORE_FP = 0x27;
const OP_FP = 0x53;

/** What differs between the two formats. `fmt`: the instruction field; `suffix`: the mnemonic's. */
interface Precision {
  readonly format: FloatFormat;
  readonly fmt: 0 | 1;
  readonly suffix: 's' | 'd';
  readonly bits: 32 | 64;
}
const S: Precision = { format: SINGLE, fmt: 0, suffix: 's', bits: 32 };
const D: Precision = { format: DOUBLE, fmt: 1, suffix: 'd', bits: 64 };

/** OP-FP with a rounding mode in funct3. */
const rounded = (name: string, funct7: number, effect: (g: Guest) => void, destination: 'x' | 'f' = 'f'): Instruction =>
  row(name, 0xfe00007f, (funct7 << 25) | OP_FP, 'RM', effect, destination);
/** The same with rs2 fixed. */
const roundedUnary = (name: string, funct7: number, rs2: number, effect: (g: Guest) => void, destination: 'x' | 'f' = 'f'): Instruction =>
  row(name, 0xfff0007f, (funct7 << 25) | (rs2 << 20) | OP_FP, 'RM', effect, destination);
/** OP-FP with funct3 fixed, and perhaps rs2. */
const plain = (
  name: string,
  funct7: number,
  funct3: number,
  rs2: number | undefined,
  effect: (g: Guest) => void,
  destination: 'x' | 'f',
): Instruction =>
  row(
    name,
    rs2 === undefined ? 0xfe00707f : 0xfff0707f,
    (funct7 << 25) | ((rs2 ?? 0) << 20) | (funct3 << 12) | OP_FP,
    'R',
    effect,
    destination,
  );

/** Where the mode is known to be none that the host has, only the exact path is written. */
const hostMayRound = ({ mode }: Guest): boolean => mode === undefined || mode === Rounding.NEAREST_EVEN || mode === Rounding.DYNAMIC;

/** For what is never rounded: an illegal mode in frm is refused there as well (section 20.2), though nothing depends on it. */
function refuseIllegalMode(g: Guest): void {
  // Where the mode is known, it is legal.
  if (g.mode !== undefined) return;
  const { code } = g;
  code.ifRarely(i32.eqz(g.fast), () => code.drop(g.roundingMode()));
}

/** Whether a result that is not known to be good is right all the same, in any mode, and raises no flag. */
type IsExact<T extends 'f32' | 'f64'> = (r: Local<T>) => I32;

/** The host's result if it is good, else the exact path's. */
function round<T extends 'f32' | 'f64'>(
  g: Guest,
  host: Expr<T>,
  isGood: (r: Local<T>) => I32,
  exact: (mode: I32) => Expr<T>,
  isExact?: IsExact<T>,
): Local<T> {
  const { code } = g;
  const r = code.local(host.type);
  const goExact = (): void => code.set(r, exact(g.roundingMode()));
  if (hostMayRound(g)) {
    code.set(r, host);
    code.ifRarely(i32.eqz(isGood(r)), () => {
      // Where the mode is not known, it may be illegal.
      if (isExact === undefined || g.mode === undefined) goExact();
      else code.if(i32.eqz(isExact(r)), goExact);
    });
  } else goExact();
  return r;
}

/** An exact function's result: register contents. */
type Exact = (mode: I32) => I64;

function roundDouble(g: Guest, host: F64, isGood: (r: F64) => I32, exact: Exact, isExact?: IsExact<'f64'>): void {
  g.setD(round(g, host, isGood, (mode) => f64.fromBits(exact(mode)), isExact));
}

/** Exact functions give singles boxed. */
function roundSingle(g: Guest, host: F32, isGood: (r: F32) => I32, exact: Exact, isExact?: IsExact<'f32'>): void {
  g.setS(round(g, host, isGood, (mode) => f32.fromBits(i32.wrap(exact(mode))), isExact));
}

interface Host {
  readonly single: (a: F32, b: F32) => F32;
  readonly double: (a: F64, b: F64) => F64;
  /** Results below the normal range are good too: sums are exact there. */
  readonly anySmall: boolean;
  /** A result that is zero is exact if the first operand is, or if either is. */
  readonly zeroIf?: 'first' | 'either';
}

const goodDouble =
  (g: Guest, anySmall = false) =>
  (r: F64): I32 =>
    anySmall ? isModest64(r, g.hostLimit64) : isPlain64(r, g.hostLimit64);
const goodSingle =
  (g: Guest, anySmall = false) =>
  (r: F32): I32 =>
    anySmall ? isModest32(r, g.hostLimit32) : isPlain32(r, g.hostLimit32);

function arithmetic(p: Precision, name: string, funct5: number, helper: 'add' | 'mul' | 'div', host: Host, negateB = false): Instruction {
  return rounded(`f${name}.${p.suffix}`, (funct5 << 2) | p.fmt, (g) => {
    const { code } = g;
    const exact = (a: I64, b: I64) => (mode: I32) =>
      call('i64', g.helper(`${helper}${p.bits}`), a, negateB ? i64.xor(b, signMask(p.format)) : b, mode);
    if (p.bits === 64) {
      const a = code.let(g.d('rs1'));
      const b = code.let(g.d('rs2'));
      const isZero = zeroOf(host, a, b, isZero64);
      roundDouble(g, host.double(a, b), goodDouble(g, host.anySmall), exact(i64.fromBits(a), i64.fromBits(b)), isZero);
    } else {
      const a = code.let(g.s('rs1'));
      const b = code.let(g.s('rs2'));
      const isZero = zeroOf(host, a, b, isZero32);
      roundSingle(g, host.single(a, b), goodSingle(g, host.anySmall), exact(g.f('rs1'), g.f('rs2')), isZero);
    }
  });
}

/** Whether a result is zero because of an operand that is: no other zero is exact. */
function zeroOf<T extends 'f32' | 'f64'>(
  { zeroIf }: Host,
  a: Expr<T>,
  b: Expr<T>,
  isZero: (value: Expr<T>) => I32,
): IsExact<T> | undefined {
  if (zeroIf === undefined) return undefined;
  return (r) => i32.and(isZero(r), zeroIf === 'first' ? isZero(a) : i32.or(isZero(a), isZero(b)));
}

function squareRoot(p: Precision): Instruction {
  return roundedUnary(`fsqrt.${p.suffix}`, (0x0b << 2) | p.fmt, 0, (g) => {
    const exact = (a: I64) => (mode: I32) => call('i64', g.helper(`sqrt${p.bits}`), a, mode);
    if (p.bits === 64) {
      const a = g.code.let(g.d('rs1'));
      roundDouble(g, f64.sqrt(a), goodDouble(g), exact(i64.fromBits(a)));
    } else roundSingle(g, f32.sqrt(g.s('rs1')), goodSingle(g), exact(g.f('rs1')));
  });
}

/** ±(rs1 × rs2) ± rs3 as one of four opcodes; a negated result is the sum of a negated product and a negated addend. */
function fused(p: Precision, name: string, opcode: number, negateProduct: boolean, negateAddend: boolean): Instruction {
  const effect = p.bits === 64 ? fusedDouble : fusedSingle;
  return row(`${name}.${p.suffix}`, 0x0600007f, (p.fmt << 25) | opcode, 'R4', (g) => effect(g, negateProduct, negateAddend), 'f');
}

function fusedDouble(g: Guest, negateProduct: boolean, negateAddend: boolean): void {
  const { code } = g;
  const flip = (value: F64, when: boolean): F64 => (when ? f64.neg(value) : value);
  const a = code.let(flip(g.d('rs1'), negateProduct));
  const b = code.let(g.d('rs2'));
  const c = code.let(flip(g.d('rs3'), negateAddend));
  roundDouble(g, g.multiplyAdd(a, b, c), goodDouble(g), (mode) =>
    call('i64', g.helper('fma64'), i64.fromBits(a), i64.fromBits(b), i64.fromBits(c), mode),
  );
}

function fusedSingle(g: Guest, negateProduct: boolean, negateAddend: boolean): void {
  const flip = (value: F32, when: boolean): F32 => (when ? f32.neg(value) : value);
  const flipRaw = (raw: I64, when: boolean): I64 => (when ? i64.xor(raw, signMask(SINGLE)) : raw);
  const { sum, isNearest } = g.multiplyAddSingle(flip(g.s('rs1'), negateProduct), g.s('rs2'), flip(g.s('rs3'), negateAddend));
  const isGood = goodSingle(g);
  roundSingle(
    g,
    sum,
    (r) => (isNearest === undefined ? isGood(r) : i32.and(isNearest, isGood(r))),
    (mode) => call('i64', g.helper('fma32'), flipRaw(g.f('rs1'), negateProduct), g.f('rs2'), flipRaw(g.f('rs3'), negateAddend), mode),
  );
}

type SignOf = 'same' | 'opposite' | 'both';

/** fsgnj, fsgnjn, fsgnjx: rs1 with the sign of rs2, the opposite of it, or the product of both signs. */
function signInjection(p: Precision, name: string, funct3: number, sign: SignOf): Instruction {
  const effect = p.bits === 64 ? injectDouble : injectSingle;
  return plain(`${name}.${p.suffix}`, 0x10 | p.fmt, funct3, undefined, (g) => effect(g, sign), 'f');
}

/** With one source these are moves, negations and absolute values; the host's change the sign bit alone, as these do. */
function injectDouble(g: Guest, sign: SignOf): void {
  const a = g.code.let(g.d('rs1'));
  if (g.sourcesAreOne) {
    g.setD(sign === 'same' ? a : sign === 'opposite' ? f64.neg(a) : f64.abs(a));
    return;
  }
  const b = g.code.let(g.d('rs2'));
  if (sign === 'both') g.setF(i64.xor(i64.fromBits(a), i64.and(i64.fromBits(b), signMask(DOUBLE))));
  else g.setD(f64.copysign(a, sign === 'same' ? b : f64.neg(b)));
}

function injectSingle(g: Guest, sign: SignOf): void {
  const { code } = g;
  const a = code.let(g.s('rs1'));
  if (g.sourcesAreOne) {
    g.setS(sign === 'same' ? a : sign === 'opposite' ? f32.neg(a) : f32.abs(a));
    return;
  }
  const b = code.let(g.s('rs2'));
  if (sign === 'both') g.setS(f32.fromBits(i32.xor(i32.fromBits(a), i32.and(i32.fromBits(b), i32.const(-(2 ** 31))))));
  else g.setS(f32.copysign(a, sign === 'same' ? b : f32.neg(b)));
}

/** The host's minimum and maximum differ for NaNs alone. */
function extreme(p: Precision, which: 'min' | 'max'): Instruction {
  const effect = (g: Guest): void => {
    const { code } = g;
    const unordered = (isNumber: I32, write: (exact: I64) => void): void =>
      code.ifRarely(i32.eqz(isNumber), () => {
        write(call('i64', g.helper(`${which}${p.bits}`), g.f('rs1'), g.f('rs2')));
      });
    if (p.bits === 64) {
      const r = code.let(f64[which](g.d('rs1'), g.d('rs2')));
      unordered(f64.eq(r, r), (exact) => code.set(r, f64.fromBits(exact)));
      g.setD(r);
    } else {
      const r = code.let(f32[which](g.s('rs1'), g.s('rs2')));
      unordered(f32.eq(r, r), (exact) => code.set(r, f32.fromBits(i32.wrap(exact))));
      g.setS(r);
    }
  };
  return plain(`f${which}.${p.suffix}`, 0x14 | p.fmt, which === 'min' ? 0 : 1, undefined, effect, 'f');
}

interface Ordering {
  readonly single: (a: F32, b: F32) => I32;
  readonly double: (a: F64, b: F64) => I32;
  readonly quiet: 0 | 1;
}

function comparison(p: Precision, name: string, funct3: number, order: Ordering): Instruction {
  const effect = (g: Guest): void => {
    const { code } = g;
    const result = code.local('i32');
    // A difference is NaN if an operand is, and between equal infinities.
    const complain = (mayBeUnordered: I32, unordered: I32): void =>
      code.ifRarely(mayBeUnordered, () =>
        code.if(unordered, () => {
          code.call(g.helper(`unordered${p.bits}`), g.f('rs1'), g.f('rs2'), i32.const(order.quiet));
        }),
      );
    if (p.bits === 64) {
      const x = code.let(g.d('rs1'));
      const y = code.let(g.d('rs2'));
      code.set(result, order.double(x, y));
      const difference = code.let(f64.sub(x, y));
      complain(f64.ne(difference, difference), i32.or(f64.ne(x, x), f64.ne(y, y)));
    } else {
      const x = code.let(g.s('rs1'));
      const y = code.let(g.s('rs2'));
      code.set(result, order.single(x, y));
      const difference = code.let(f32.sub(x, y));
      complain(f32.ne(difference, difference), i32.or(f32.ne(x, x), f32.ne(y, y)));
    }
    g.setX(i64.extendU(result));
  };
  return plain(`${name}.${p.suffix}`, 0x50 | p.fmt, funct3, undefined, effect, 'x');
}

function classify(p: Precision): Instruction {
  const effect = (g: Guest): void => g.setX(call('i64', g.helper(`class${p.bits}`), g.f('rs1')));
  return plain(`fclass.${p.suffix}`, 0x70 | p.fmt, 1, 0, effect, 'x');
}

const INTEGERS = [
  { suffix: 'w', kind: IntegerKind.W, extend: (x: I64): I64 => i64.extend32(x) },
  { suffix: 'wu', kind: IntegerKind.WU, extend: (x: I64): I64 => i64.and(x, ones(32)) },
  { suffix: 'l', kind: IntegerKind.L, extend: (x: I64): I64 => x },
  { suffix: 'lu', kind: IntegerKind.LU, extend: (x: I64): I64 => x },
] as const;

const isWord = (kind: number): boolean => kind === IntegerKind.W || kind === IntegerKind.WU;
const isUnsigned = (kind: number): boolean => (kind & 1) !== 0;

function toInteger(p: Precision, kind: number, suffix: string): Instruction {
  const effect = (g: Guest): void => {
    const { code } = g;
    const value = code.let(p.bits === 64 ? g.d('rs1') : f64.promote(g.s('rs1')));
    const exact = (): void => {
      g.setX(call('i64', g.helper('toInteger'), value, g.roundingMode(), i32.const(kind)));
    };
    const { mode } = g;
    if (mode !== Rounding.TOWARDS_ZERO && mode !== Rounding.NEAREST_EVEN && mode !== Rounding.DYNAMIC) {
      exact();
      return;
    }
    const rounded = code.let(mode === Rounding.TOWARDS_ZERO ? f64.trunc(value) : f64.nearest(value));
    code.if(
      i32.and(g.fast, isInRange(rounded, kind)),
      () => {
        const whole = kind === IntegerKind.LU ? i64.truncSatF64U(rounded) : i64.truncSatF64S(rounded);
        g.setX(kind === IntegerKind.WU ? i64.extend32(whole) : whole);
      },
      exact,
    );
  };
  return roundedUnary(`fcvt.${suffix}.${p.suffix}`, 0x60 | p.fmt, kind, effect, 'x');
}

/** Whether a whole number is one of the integer type; the least of a signed type is left to the exact path, as are NaNs. */
function isInRange(whole: F64, kind: number): I32 {
  const end = f64.const(2 ** ((isWord(kind) ? 31 : 63) + (isUnsigned(kind) ? 1 : 0)));
  if (isUnsigned(kind)) return i32.and(f64.ge(whole, f64.const(0)), f64.lt(whole, end));
  return f64.lt(f64.abs(whole), end);
}

function fromInteger(p: Precision, kind: number, suffix: string, extend: (x: I64) => I64): Instruction {
  const effect = (g: Guest): void => {
    const value = g.code.let(extend(g.x('rs1')));
    // A double has room for any word.
    if (p.bits === 64 && isWord(kind)) {
      refuseIllegalMode(g);
      g.setD(f64.fromI64S(value));
      return;
    }
    const exact: Exact = (mode) => call('i64', g.helper(`fromInteger${p.bits}`), value, mode, i32.const(kind & 1));
    const isGood = (): I32 => g.fast;
    if (p.bits === 64) roundDouble(g, isUnsigned(kind) ? f64.fromI64U(value) : f64.fromI64S(value), isGood, exact);
    else roundSingle(g, isUnsigned(kind) ? f32.fromI64U(value) : f32.fromI64S(value), isGood, exact);
  };
  return roundedUnary(`fcvt.${p.suffix}.${suffix}`, 0x68 | p.fmt, kind, effect);
}

const conversions = (p: Precision): Instruction[] =>
  INTEGERS.flatMap(({ suffix, kind, extend }) => [toInteger(p, kind, suffix), fromInteger(p, kind, suffix, extend)]);

const ADD: Host = { single: f32.add, double: f64.add, anySmall: true };
const SUBTRACT: Host = { single: f32.sub, double: f64.sub, anySmall: true };
const MULTIPLY: Host = { single: f32.mul, double: f64.mul, anySmall: false, zeroIf: 'either' };
const DIVIDE: Host = { single: f32.div, double: f64.div, anySmall: false, zeroIf: 'first' };

function bothPrecisions(p: Precision): Instruction[] {
  return [
    arithmetic(p, 'add', 0x00, 'add', ADD),
    arithmetic(p, 'sub', 0x01, 'add', SUBTRACT, true),
    arithmetic(p, 'mul', 0x02, 'mul', MULTIPLY),
    arithmetic(p, 'div', 0x03, 'div', DIVIDE),
    squareRoot(p),
    fused(p, 'fmadd', 0x43, false, false),
    fused(p, 'fmsub', 0x47, false, true),
    fused(p, 'fnmsub', 0x4b, true, false),
    fused(p, 'fnmadd', 0x4f, true, true),
    signInjection(p, 'fsgnj', 0, 'same'),
    signInjection(p, 'fsgnjn', 1, 'opposite'),
    signInjection(p, 'fsgnjx', 2, 'both'),
    extreme(p, 'min'),
    extreme(p, 'max'),
    comparison(p, 'fle', 0, { single: f32.le, double: f64.le, quiet: 0 }),
    comparison(p, 'flt', 1, { single: f32.lt, double: f64.lt, quiet: 0 }),
    comparison(p, 'feq', 2, { single: f32.eq, double: f64.eq, quiet: 1 }),
    classify(p),
    ...conversions(p),
  ];
}

const address = (g: Guest): I64 => i64.add(g.x('rs1'), g.imm);

export const FLOAT: readonly Instruction[] = [
  row('flw', 0x707f, (2 << 12) | LOAD_FP, 'I', (g) => g.setS(g.loadSingle(address(g))), 'f'),
  row('fld', 0x707f, (3 << 12) | LOAD_FP, 'I', (g) => g.setD(g.loadDouble(address(g))), 'f'),
  iType('fsw', STORE_FP, 2, (g) => g.storeSingle(address(g), g.half('rs2')), 'S'),
  iType('fsd', STORE_FP, 3, (g) => g.storeDouble(address(g), g.d('rs2')), 'S'),
  ...bothPrecisions(S),
  ...bothPrecisions(D),
  // Moves do not look at what they move, so they do not unbox.
  plain('fmv.x.w', 0x70, 0, 0, (g) => g.setX(i64.extendS(i32.fromBits(g.half('rs1')))), 'x'),
  plain('fmv.w.x', 0x78, 0, 0, (g) => g.setS(f32.fromBits(i32.wrap(g.x('rs1')))), 'f'),
  plain('fmv.x.d', 0x71, 0, 0, (g) => g.setX(g.f('rs1')), 'x'),
  plain('fmv.d.x', 0x79, 0, 0, (g) => g.setF(g.x('rs1')), 'f'),
  roundedUnary('fcvt.s.d', 0x20, 1, (g) => {
    const a = g.code.let(g.d('rs1'));
    roundSingle(g, f32.demote(a), goodSingle(g), (mode) => call('i64', g.helper('narrow'), i64.fromBits(a), mode));
  }),
  roundedUnary('fcvt.d.s', 0x21, 0, (g) => {
    refuseIllegalMode(g);
    const r = g.code.let(f64.promote(g.s('rs1')));
    g.code.ifRarely(f64.ne(r, r), () => {
      g.code.set(r, f64.fromBits(call('i64', g.helper('widen'), g.f('rs1'))));
    });
    g.setD(r);
  }),
];
