import { isFinite32, isFinite64, isPlain32, isPlain64 } from '../float/arithmetic.ts';
import { IntegerKind } from '../float/convert.ts';
import {
  bitsOf,
  bothBoxed,
  box,
  box32,
  boxF32,
  DOUBLE,
  type FloatFormat,
  ones,
  Rounding,
  SINGLE,
  signMask,
  toF32,
  toF64,
} from '../float/format.ts';
import { call, type Local } from '../wasm/code.ts';
import { type F32, type F64, f32, f64, type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import { type Guest, type Instruction, iType, row, TrapCause } from './instruction.ts';
import { FAST_FCSR } from './rounding.ts';

/**
 * F and D: unprivileged ISA manual, chapters 20 and 21.
 *
 * Arithmetic has a fast path and an exact one. Rounding to nearest with the inexact flag already set, a normal result of the host's own operation
 * is the right one and changes no flag, so it is taken at once. Everything else goes to the functions under float/.
 */
const LOAD_FP = 0x07;
const STORE_FP = 0x27;
const OP_FP = 0x53;

type Raw = Local<'i64'>;

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

/** The rounding mode of the instruction, from frm when it is dynamic. Illegal modes trap. */
function roundingMode(g: Guest): Local<'i32'> {
  const { code } = g;
  const mode = code.let(i32.and(i32.shrU(g.imm32, i32.const(8)), i32.const(7)));
  code.if(i32.eq(mode, i32.const(Rounding.DYNAMIC)), () => {
    code.set(mode, i32.shrU(g.fcsr, i32.const(5)));
    code.if(i32.gtU(mode, i32.const(Rounding.NEAREST_MAX_MAGNITUDE)), () => g.trap(TrapCause.illegal));
  });
  return mode;
}

const mayBeFast = (g: Guest): I32 => i32.eq(i32.and(g.fcsr, g.imm32), i32.const(FAST_FCSR));

/** rd = the host's result if `attempt` finds it good, else the exact function's. */
function fastOrExact(g: Guest, attempt: (take: (condition: I32, bits: I64) => void) => void, exact: (mode: I32) => I64): void {
  const { code } = g;
  code.block((done) => {
    code.if(mayBeFast(g), () =>
      attempt((condition, bits) =>
        code.if(condition, () => {
          g.setF(bits);
          code.br(done);
        }),
      ),
    );
    g.setF(exact(roundingMode(g)));
  });
}

interface Host {
  readonly single: (a: F32, b: F32) => F32;
  readonly double: (a: F64, b: F64) => F64;
  /** Every finite result is good: sums below the normal range are exact. */
  readonly anyFinite: boolean;
}

function attemptBinary(g: Guest, p: Precision, host: Host, a: Raw, b: Raw, take: (condition: I32, bits: I64) => void): void {
  const { code } = g;
  if (p.bits === 64) {
    const r = code.let(host.double(toF64(a), toF64(b)));
    take(host.anyFinite ? isFinite64(r) : isPlain64(r), i64.fromBits(r));
    return;
  }
  code.if(bothBoxed(a, b), () => {
    const r = code.let(host.single(f32.fromBits(i32.wrap(a)), f32.fromBits(i32.wrap(b))));
    take(host.anyFinite ? isFinite32(r) : isPlain32(r), boxF32(r));
  });
}

function arithmetic(p: Precision, name: string, funct5: number, helper: 'add' | 'mul' | 'div', host: Host, negateB = false): Instruction {
  return rounded(`f${name}.${p.suffix}`, (funct5 << 2) | p.fmt, (g) => {
    const { code } = g;
    const a = code.let(g.f('rs1'));
    const b = code.let(negateB ? i64.xor(g.f('rs2'), signMask(p.format)) : g.f('rs2'));
    fastOrExact(
      g,
      (take) => attemptBinary(g, p, host, a, b, take),
      (mode) => call('i64', g.helper(`${helper}${p.bits}`), a, b, mode),
    );
  });
}

function squareRoot(p: Precision): Instruction {
  return roundedUnary(`fsqrt.${p.suffix}`, (0x0b << 2) | p.fmt, 0, (g) => {
    const a = g.code.let(g.f('rs1'));
    const host: Host = { single: (x) => f32.sqrt(x), double: (x) => f64.sqrt(x), anyFinite: false };
    fastOrExact(
      g,
      (take) => attemptBinary(g, p, host, a, a, take),
      (mode) => call('i64', g.helper(`sqrt${p.bits}`), a, mode),
    );
  });
}

/** ±(rs1 × rs2) ± rs3 as one of four opcodes; a negated result is the sum of a negated product and a negated addend. */
function fused(p: Precision, name: string, opcode: number, negateProduct: boolean, negateAddend: boolean): Instruction {
  return row(
    `${name}.${p.suffix}`,
    0x0600007f,
    (p.fmt << 25) | opcode,
    'R4',
    (g) => {
      const { code } = g;
      const flip = (raw: I64, when: boolean): I64 => (when ? i64.xor(raw, signMask(p.format)) : raw);
      const a = code.let(flip(g.f('rs1'), negateProduct));
      const b = code.let(g.f('rs2'));
      const c = code.let(flip(g.f('rs3'), negateAddend));
      fastOrExact(
        g,
        (take) => (p.bits === 64 ? attemptFused64(g, a, b, c, take) : attemptFused32(g, a, b, c, take)),
        (mode) => call('i64', g.helper(`fma${p.bits}`), a, b, c, mode),
      );
    },
    'f',
  );
}

function attemptFused64(g: Guest, a: Raw, b: Raw, c: Raw, take: (condition: I32, bits: I64) => void): void {
  const r = g.code.let(call('f64', g.helper('fmaNearest64'), toF64(a), toF64(b), toF64(c)));
  take(isPlain64(r), i64.fromBits(r));
}

/**
 * As doubles the product is exact and the sum is rounded once; rounding it again is wrong only if it lies just half-way between two singles, which
 * shows in its low 29 bits.
 */
function attemptFused32(g: Guest, a: Raw, b: Raw, c: Raw, take: (condition: I32, bits: I64) => void): void {
  const { code } = g;
  const wide = (raw: Raw): F64 => f64.promote(f32.fromBits(i32.wrap(raw)));
  code.if(bothBoxed(i64.and(a, b), c), () => {
    const sum = code.let(f64.add(f64.mul(wide(a), wide(b)), wide(c)));
    const r = code.let(f32.demote(sum));
    const safe = i64.ne(i64.and(i64.fromBits(sum), ones(29)), i64.const(2 ** 28));
    take(i32.and(safe, isPlain32(r)), boxF32(r));
  });
}

function signInjection(p: Precision, name: string, funct3: number, sign: (a: I64, b: I64) => I64): Instruction {
  return plain(
    `${name}.${p.suffix}`,
    0x10 | p.fmt,
    funct3,
    undefined,
    (g) => {
      const { code } = g;
      const a = code.let(bitsOf(p.format, code.let(g.f('rs1'))));
      const b = code.let(bitsOf(p.format, code.let(g.f('rs2'))));
      const kept = i64.and(a, ones(p.bits - 1));
      g.setF(box(p.format, i64.or(kept, i64.and(sign(a, b), signMask(p.format)))));
    },
    'f',
  );
}

function extreme(p: Precision, which: 'min' | 'max'): Instruction {
  const effect = (g: Guest): void => g.setF(call('i64', g.helper(`${which}${p.bits}`), g.f('rs1'), g.f('rs2')));
  return plain(`f${which}.${p.suffix}`, 0x14 | p.fmt, which === 'min' ? 0 : 1, undefined, effect, 'f');
}

interface Ordering {
  readonly single: (a: F32, b: F32) => I32;
  readonly double: (a: F64, b: F64) => I32;
  readonly quiet: 0 | 1;
}

function comparison(p: Precision, name: string, funct3: number, order: Ordering): Instruction {
  return plain(
    `${name}.${p.suffix}`,
    0x50 | p.fmt,
    funct3,
    undefined,
    (g) => {
      const { code } = g;
      const a = code.let(g.f('rs1'));
      const b = code.let(g.f('rs2'));
      const result = code.local('i32');
      const unordered = code.local('i32');
      if (p.bits === 64) {
        code.set(result, order.double(toF64(a), toF64(b)));
        code.set(unordered, i32.or(f64.ne(toF64(a), toF64(a)), f64.ne(toF64(b), toF64(b))));
      } else {
        const x = code.let(toF32(a));
        const y = code.let(toF32(b));
        code.set(result, order.single(x, y));
        code.set(unordered, i32.or(f32.ne(x, x), f32.ne(y, y)));
      }
      code.if(unordered, () => code.call(g.helper(`unordered${p.bits}`), a, b, i32.const(order.quiet)));
      g.setX(i64.extendU(result));
    },
    'x',
  );
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

function conversions(p: Precision): Instruction[] {
  return INTEGERS.flatMap(({ suffix, kind, extend }) => [
    roundedUnary(
      `fcvt.${suffix}.${p.suffix}`,
      0x60 | p.fmt,
      kind,
      (g) => {
        const { code } = g;
        const raw = code.let(g.f('rs1'));
        const value = p.bits === 64 ? toF64(raw) : f64.promote(toF32(raw));
        g.setX(call('i64', g.helper('toInteger'), value, roundingMode(g), i32.const(kind)));
      },
      'x',
    ),
    roundedUnary(`fcvt.${p.suffix}.${suffix}`, 0x68 | p.fmt, kind, (g) => {
      const value = g.code.let(extend(g.x('rs1')));
      g.setF(call('i64', g.helper(`fromInteger${p.bits}`), value, roundingMode(g), i32.const(kind & 1)));
    }),
  ]);
}

const ADD: Host = { single: f32.add, double: f64.add, anyFinite: true };
const MULTIPLY: Host = { single: f32.mul, double: f64.mul, anyFinite: false };
const DIVIDE: Host = { single: f32.div, double: f64.div, anyFinite: false };

function bothPrecisions(p: Precision): Instruction[] {
  return [
    arithmetic(p, 'add', 0x00, 'add', ADD),
    arithmetic(p, 'sub', 0x01, 'add', ADD, true),
    arithmetic(p, 'mul', 0x02, 'mul', MULTIPLY),
    arithmetic(p, 'div', 0x03, 'div', DIVIDE),
    squareRoot(p),
    fused(p, 'fmadd', 0x43, false, false),
    fused(p, 'fmsub', 0x47, false, true),
    fused(p, 'fnmsub', 0x4b, true, false),
    fused(p, 'fnmadd', 0x4f, true, true),
    signInjection(p, 'fsgnj', 0, (_a, b) => b),
    signInjection(p, 'fsgnjn', 1, (_a, b) => i64.xor(b, i64.const(-1))),
    signInjection(p, 'fsgnjx', 2, (a, b) => i64.xor(a, b)),
    extreme(p, 'min'),
    extreme(p, 'max'),
    comparison(p, 'fle', 0, { single: f32.le, double: f64.le, quiet: 0 }),
    comparison(p, 'flt', 1, { single: f32.lt, double: f64.lt, quiet: 0 }),
    comparison(p, 'feq', 2, { single: f32.eq, double: f64.eq, quiet: 1 }),
    classify(p),
    ...conversions(p),
  ];
}

const floatLoad = (name: string, funct3: number, value: (g: Guest, address: I64) => I64): Instruction =>
  row(name, 0x707f, (funct3 << 12) | LOAD_FP, 'I', (g) => g.setF(value(g, i64.add(g.x('rs1'), g.imm))), 'f');
const floatStore = (name: string, funct3: number, size: 4 | 8): Instruction =>
  iType(name, STORE_FP, funct3, (g) => g.store(size, i64.add(g.x('rs1'), g.imm), g.f('rs2')), 'S');

export const FLOAT: readonly Instruction[] = [
  floatLoad('flw', 2, (g, address) => i64.or(g.load('load32u', address), i64.words(-1, 0))),
  floatLoad('fld', 3, (g, address) => g.load('load64', address)),
  floatStore('fsw', 2, 4),
  floatStore('fsd', 3, 8),
  ...bothPrecisions(S),
  ...bothPrecisions(D),
  // Moves do not look at what they move, so they do not unbox.
  plain('fmv.x.w', 0x70, 0, 0, (g) => g.setX(i64.extend32(g.f('rs1'))), 'x'),
  plain('fmv.w.x', 0x78, 0, 0, (g) => g.setF(box32(i32.wrap(g.x('rs1')))), 'f'),
  plain('fmv.x.d', 0x71, 0, 0, (g) => g.setX(g.f('rs1')), 'x'),
  plain('fmv.d.x', 0x79, 0, 0, (g) => g.setF(g.x('rs1')), 'f'),
  roundedUnary('fcvt.s.d', 0x20, 1, (g) => {
    const a = g.code.let(g.f('rs1'));
    fastOrExact(
      g,
      (take) => {
        const r = g.code.let(f32.demote(toF64(a)));
        take(isPlain32(r), boxF32(r));
      },
      (mode) => call('i64', g.helper('narrow'), a, mode),
    );
  }),
  roundedUnary('fcvt.d.s', 0x21, 0, (g) => g.setF(call('i64', g.helper('widen'), g.f('rs1')))),
];
