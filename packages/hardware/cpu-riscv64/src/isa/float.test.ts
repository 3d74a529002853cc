import { Prot } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { TestMachine } from '../differential/machine.ts';
import { Random } from '../differential/random.ts';
import type { Instruction } from './instruction.ts';
import { INSTRUCTIONS } from './table.ts';

/** Floating point: values chosen by hand from IEEE 754 and the ISA manual; the bulk is compared with QEMU in differential/. */
const CODE = 0x1_0000;
const DATA = 0x2_0000;
const RNE = 0;
const RTZ = 1;
const RDN = 2;
const RUP = 3;
const RMM = 4;
const NX = 1;
const UF = 2;
const OF = 4;
const DZ = 8;
const NV = 16;

const view = new DataView(new ArrayBuffer(8));
const d = (value: number): bigint => {
  view.setFloat64(0, value);
  return view.getBigUint64(0);
};
const BOX = 0xffff_ffff_0000_0000n;
const boxed = (bits: bigint): bigint => BOX | bits;
const s = (value: number): bigint => {
  view.setFloat32(0, value);
  return boxed(BigInt(view.getUint32(0)));
};
const NAN = 0x7ff8_0000_0000_0000n;
const SNAN = 0x7ff0_0000_0000_0001n;
const NAN_S = boxed(0x7fc0_0000n);
const SNAN_S = boxed(0x7f80_0001n);
const MIN = 1n; // smallest subnormal double
const MAX = 0x7fef_ffff_ffff_ffffn;
const MAX_S = boxed(0x7f7f_ffffn);
const MIN_S = boxed(1n);
const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);

/** An instruction on registers: operands in order, the rounding mode if it has one, what it gives and the flags that it raises. */
type Vector = readonly [name: string, operands: readonly bigint[], mode: number, result: bigint, flags: number];

const EPS = 2 ** -52;
const VECTORS: readonly Vector[] = [
  ['fadd.d', [d(1), d(2)], RNE, d(3), 0],
  ['fadd.d', [d(1), d(2 ** -53)], RNE, d(1), NX],
  ['fadd.d', [d(1), d(2 ** -53)], RMM, d(1 + EPS), NX],
  ['fadd.d', [d(1), d(2 ** -1000)], RUP, d(1 + EPS), NX],
  ['fadd.d', [d(-1), d(1)], RDN, d(-0), 0],
  ['fadd.d', [d(-1), d(1)], RNE, d(0), 0],
  ['fadd.d', [d(-0), d(-0)], RUP, d(-0), 0],
  ['fadd.d', [MAX, MAX], RTZ, MAX, OF | NX],
  ['fadd.d', [MAX, MAX], RNE, d(Infinity), OF | NX],
  ['fadd.d', [d(Infinity), d(-Infinity)], RNE, NAN, NV],
  ['fadd.d', [SNAN, d(1)], RNE, NAN, NV],
  ['fadd.d', [0xfff8_1234_0000_0000n, d(1)], RNE, NAN, 0],
  ['fsub.d', [d(1), d(2 ** -54)], RDN, d(1 - EPS / 2), NX],
  ['fsub.d', [d(5), d(3)], RNE, d(2), 0],
  ['fadd.d', [d(-1), d(1)], RUP, d(0), 0],
  ['fadd.d', [d(-0), d(0)], RDN, d(-0), 0],
  ['fadd.d', [d(-0), d(0)], RTZ, d(0), 0],
  ['fadd.d', [d(-1), d(2 ** -54)], RTZ, d(-1 + EPS / 2), NX],
  ['fadd.d', [d(-1), d(-(2 ** -54))], RDN, d(-1 - EPS), NX],
  ['fmul.d', [d(1 + EPS), d(1 + EPS)], RNE, d(1 + 2 * EPS), NX],
  ['fmul.d', [d(3), d(7)], RNE, d(21), 0],
  ['fmul.d', [MIN, d(0.5)], RNE, d(0), UF | NX],
  ['fmul.d', [MIN, d(0.5)], RUP, MIN, UF | NX],
  ['fmul.d', [MIN, d(2)], RNE, 2n, 0],
  // Just below the smallest normal number and rounded up to it: tiny if that many bits would do without bounds, and else not (section 20.3).
  ['fmul.d', [d(2 ** -1022), d(1 - EPS / 2)], RNE, d(2 ** -1022), UF | NX],
  ['fmul.d', [d((1 + EPS) * 2 ** -1022), d(1 - EPS)], RNE, d(2 ** -1022), NX],
  ['fmul.d', [d(0), d(Infinity)], RNE, NAN, NV],
  ['fmul.d', [d(0), d(-3)], RDN, d(-0), 0],
  ['fmul.d', [MIN, d(-0)], RUP, d(-0), 0],
  ['fdiv.d', [d(-0), MAX], RTZ, d(-0), 0],
  ['fdiv.d', [d(0), d(0)], RNE, NAN, NV],
  ['fdiv.d', [MIN, d(4)], RNE, d(0), UF | NX],
  ['fdiv.d', [d(1), d(3)], RNE, d(1 / 3), NX],
  ['fdiv.d', [d(1), d(3)], RUP, d(1 / 3) + 1n, NX],
  ['fdiv.d', [d(6), d(3)], RNE, d(2), 0],
  ['fdiv.d', [d(-1), d(0)], RNE, d(-Infinity), DZ],
  ['fdiv.d', [d(0), d(0)], RNE, NAN, NV],
  ['fdiv.d', [d(1), d(-Infinity)], RNE, d(-0), 0],
  ['fsqrt.d', [d(2)], RNE, d(Math.SQRT2), NX],
  ['fsqrt.d', [d(2)], RUP, d(Math.SQRT2) + 0n, NX],
  ['fsqrt.d', [d(9)], RNE, d(3), 0],
  ['fsqrt.d', [d(-0)], RNE, d(-0), 0],
  ['fsqrt.d', [d(-1)], RNE, NAN, NV],
  ['fmadd.d', [d(1 + EPS), d(1 - EPS), d(-1)], RNE, d(-(EPS ** 2)), 0],
  ['fmadd.d', [d(0), d(Infinity), NAN], RNE, NAN, NV],
  ['fmadd.d', [d(2 ** 600), d(2 ** 600), d(-Infinity)], RNE, d(-Infinity), 0],
  ['fmadd.d', [d(1e308), d(10), MAX], RNE, d(Infinity), OF | NX],
  ['fmsub.d', [d(3), d(4), d(5)], RNE, d(7), 0],
  ['fnmsub.d', [d(3), d(4), d(5)], RNE, d(-7), 0],
  ['fnmadd.d', [d(3), d(4), d(5)], RNE, d(-17), 0],
  ['fnmadd.d', [d(1), d(0), d(-0)], RNE, d(0), 0],
  ['fsgnj.d', [d(1), d(-2)], 0, d(-1), 0],
  ['fsgnjn.d', [d(1), d(-2)], 0, d(1), 0],
  ['fsgnjx.d', [d(-1), d(-2)], 0, d(1), 0],
  ['fsgnj.d', [SNAN, d(-2)], 0, SNAN | (1n << 63n), 0],
  ['fmin.d', [d(-0), d(0)], 0, d(-0), 0],
  ['fmin.d', [NAN, d(1)], 0, d(1), 0],
  ['fmin.d', [SNAN, d(1)], 0, d(1), NV],
  ['fmax.d', [d(-0), d(0)], 0, d(0), 0],
  ['fmax.d', [NAN, NAN], 0, NAN, 0],
  ['fmax.d', [d(-5), d(-3)], 0, d(-3), 0],
  ['feq.d', [d(0), d(-0)], 0, 1n, 0],
  ['feq.d', [NAN, d(0)], 0, 0n, 0],
  ['feq.d', [SNAN, d(0)], 0, 0n, NV],
  ['flt.d', [d(-1), d(1)], 0, 1n, 0],
  ['flt.d', [NAN, d(0)], 0, 0n, NV],
  ['fle.d', [d(1), d(1)], 0, 1n, 0],
  ['fle.d', [d(1), NAN], 0, 0n, NV],
  ['fclass.d', [d(-Infinity)], 0, 1n << 0n, 0],
  ['fclass.d', [d(-1)], 0, 1n << 1n, 0],
  ['fclass.d', [MIN | (1n << 63n)], 0, 1n << 2n, 0],
  ['fclass.d', [d(-0)], 0, 1n << 3n, 0],
  ['fclass.d', [d(0)], 0, 1n << 4n, 0],
  ['fclass.d', [MIN], 0, 1n << 5n, 0],
  ['fclass.d', [d(1)], 0, 1n << 6n, 0],
  ['fclass.d', [d(Infinity)], 0, 1n << 7n, 0],
  ['fclass.d', [SNAN], 0, 1n << 8n, 0],
  ['fclass.d', [NAN], 0, 1n << 9n, 0],
  ['fcvt.w.d', [d(-1.5)], RNE, unsigned(-2n), NX],
  ['fcvt.w.d', [d(2.5)], RNE, 2n, NX],
  ['fcvt.w.d', [d(2.5)], RMM, 3n, NX],
  ['fcvt.w.d', [d(-0.1)], RDN, unsigned(-1n), NX],
  ['fcvt.w.d', [d(2 ** 31)], RTZ, 0x7fff_ffffn, NV],
  ['fcvt.w.d', [d(-Infinity)], RTZ, unsigned(-(2n ** 31n)), NV],
  ['fcvt.w.d', [NAN], RTZ, 0x7fff_ffffn, NV],
  ['fcvt.wu.d', [d(4294967295)], RTZ, unsigned(-1n), 0],
  ['fcvt.wu.d', [d(-0.5)], RTZ, 0n, NX],
  ['fcvt.wu.d', [d(-1)], RTZ, 0n, NV],
  ['fcvt.wu.d', [NAN], RTZ, unsigned(-1n), NV],
  ['fcvt.l.d', [d(-(2 ** 63))], RTZ, 1n << 63n, 0],
  ['fcvt.l.d', [d(2 ** 63)], RTZ, (1n << 63n) - 1n, NV],
  ['fcvt.lu.d', [d(2 ** 63)], RTZ, 1n << 63n, 0],
  ['fcvt.lu.d', [d(2 ** 64)], RTZ, unsigned(-1n), NV],
  ['fcvt.d.w', [0xffff_ffffn], RNE, d(-1), 0],
  ['fcvt.d.wu', [0xffff_ffffn], RNE, d(4294967295), 0],
  ['fcvt.d.l', [(1n << 53n) + 1n], RNE, d(2 ** 53), NX],
  ['fcvt.d.l', [(1n << 53n) + 1n], RUP, d(2 ** 53 + 2), NX],
  ['fcvt.d.l', [1n << 63n], RNE, d(-(2 ** 63)), 0],
  ['fcvt.d.lu', [unsigned(-1n)], RNE, d(2 ** 64), NX],
  ['fcvt.d.lu', [unsigned(-1n)], RTZ, d(2 ** 64 - 2048), NX],
  ['fcvt.s.d', [d(1.5)], RNE, s(1.5), 0],
  ['fcvt.s.d', [d(1e300)], RNE, s(Infinity), OF | NX],
  ['fcvt.s.d', [d(1e-300)], RUP, MIN_S, UF | NX],
  // The nearest single is the largest, and the one wanted beyond it; and the same at the smallest normal one.
  ['fcvt.s.d', [d(2 ** 128 - 2 ** 104 + 2 ** 100)], RNE, MAX_S, NX],
  ['fcvt.s.d', [d(2 ** 128 - 2 ** 104 + 2 ** 100)], RUP, s(Infinity), OF | NX],
  ['fcvt.s.d', [d(2 ** 128 - 2 ** 104 + 2 ** 100)], RDN, MAX_S, NX],
  ['fcvt.s.d', [d(2 ** -126 - 2 ** -160)], RTZ, boxed(0x7f_ffffn), UF | NX],
  ['fcvt.s.d', [d(2 ** -126 - 2 ** -160)], RNE, s(2 ** -126), NX],
  ['fcvt.s.d', [d(-(1 + 2 ** -30))], RDN, s(-(1 + 2 ** -23)), NX],
  ['fcvt.s.d', [SNAN], RNE, NAN_S, NV],
  ['fcvt.d.s', [s(1.5)], RNE, d(1.5), 0],
  ['fcvt.d.s', [MIN_S], RNE, d(2 ** -149), 0],
  ['fcvt.d.s', [SNAN_S], RNE, NAN, NV],
  ['fcvt.d.s', [d(1.5)], RNE, NAN, 0],
  ['fmv.x.d', [SNAN], 0, SNAN, 0],
  ['fmv.d.x', [SNAN], 0, SNAN, 0],
  ['fmv.x.w', [0x1234_5678_8765_4321n], 0, 0xffff_ffff_8765_4321n, 0],
  ['fmv.w.x', [0x1234_5678_8765_4321n], 0, boxed(0x8765_4321n), 0],
  ['fadd.s', [s(1), s(2 ** -24)], RNE, s(1), NX],
  ['fadd.s', [s(1), s(2 ** -24)], RUP, s(1 + 2 ** -23), NX],
  ['fadd.s', [d(1), s(1)], RNE, NAN_S, 0],
  ['fsub.s', [s(5), s(3)], RNE, s(2), 0],
  ['fsub.s', [s(5), s(5)], RDN, s(-0), 0],
  ['fmul.s', [MIN_S, s(0.5)], RNE, s(0), UF | NX],
  ['fmul.s', [s(-0), MIN_S], RUP, s(-0), 0],
  ['fmul.s', [MAX_S, s(2)], RDN, MAX_S, OF | NX],
  ['fdiv.s', [s(1), s(3)], RNE, s(1 / 3), NX],
  ['fdiv.s', [s(1), s(0)], RNE, s(Infinity), DZ],
  ['fsqrt.s', [s(2)], RNE, s(Math.SQRT2), NX],
  ['fsqrt.s', [s(-4)], RNE, NAN_S, NV],
  // The sum rounds to half-way between two singles as a double, and must not be rounded again from there.
  ['fmadd.s', [s(1), s(1 + 2 ** -23), s(2 ** -24 + 2 ** -40)], RNE, s(1 + 2 ** -22), NX],
  ['fmadd.s', [s(1 + 2 ** -12), s(1 + 2 ** -12), s(2 ** -60)], RNE, s(1 + 2 ** -11 + 2 ** -23), NX],
  ['fmsub.s', [s(3), s(4), s(5)], RNE, s(7), 0],
  ['fnmsub.s', [s(3), s(4), s(5)], RNE, s(-7), 0],
  ['fnmadd.s', [s(3), s(4), s(5)], RNE, s(-17), 0],
  ['fsgnj.s', [s(1), s(-2)], 0, s(-1), 0],
  ['fsgnj.s', [d(1), s(-2)], 0, boxed(0xffc0_0000n), 0],
  ['fsgnjn.s', [s(1), s(-2)], 0, s(1), 0],
  ['fsgnjx.s', [s(-1), s(-2)], 0, s(1), 0],
  ['fmin.s', [s(-0), s(0)], 0, s(-0), 0],
  ['fmin.s', [d(1), s(3)], 0, s(3), 0],
  ['fmax.s', [SNAN_S, s(0)], 0, s(0), NV],
  ['feq.s', [s(2), s(2)], 0, 1n, 0],
  ['flt.s', [s(2), s(3)], 0, 1n, 0],
  ['fle.s', [NAN_S, s(3)], 0, 0n, NV],
  ['fclass.s', [MIN_S], 0, 1n << 5n, 0],
  ['fclass.s', [d(1)], 0, 1n << 9n, 0],
  ['fcvt.w.s', [s(-3.5)], RNE, unsigned(-4n), NX],
  ['fcvt.wu.s', [s(3.5)], RTZ, 3n, NX],
  ['fcvt.l.s', [s(Infinity)], RTZ, (1n << 63n) - 1n, NV],
  ['fcvt.lu.s', [s(2 ** 63)], RTZ, 1n << 63n, 0],
  ['fcvt.s.w', [0x0100_0001n], RNE, s(2 ** 24), NX],
  ['fcvt.s.wu', [0xffff_ffffn], RNE, s(2 ** 32), NX],
  ['fcvt.s.l', [unsigned(-5n)], RNE, s(-5), 0],
  ['fcvt.s.lu', [unsigned(-1n)], RTZ, s(2 ** 64 - 2 ** 40), NX],
];

const rowOf = (name: string): Instruction => {
  const row = INSTRUCTIONS.find((r) => r.name === name);
  if (row === undefined) throw new Error(`no instruction ${name}`);
  return row;
};

/** Operands and result of one instruction in f1, f2, f3 and x1, x2: whichever it names. */
class Bench {
  readonly machine = new TestMachine();
  readonly #float = new Uint8Array(260);

  constructor() {
    this.machine.map(CODE, 4096, Prot.READ | Prot.EXEC);
    this.machine.map(DATA, 4096);
  }

  place(word: number): void {
    this.machine.write(CODE, new Uint8Array(Uint32Array.of(word).buffer));
  }

  step(operands: readonly bigint[], fcsr: number): void {
    const { context } = this.machine;
    const float = new DataView(this.#float.buffer);
    for (const [i, value] of operands.entries()) {
      float.setBigUint64((i + 1) * 8, value, true);
      context.writeHalves(i + 1, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
    }
    float.setUint32(256, fcsr, true);
    context.copyFloatFrom(this.#float);
    context.pc = CODE as typeof context.pc;
    if (this.machine.run(1) !== 'budget') throw new Error(`trapped: ${JSON.stringify(this.machine.traps)}`);
  }

  result(destination: 'x' | 'f'): bigint {
    const { context } = this.machine;
    context.copyFloatTo(this.#float);
    if (destination === 'f') return new DataView(this.#float.buffer).getBigUint64(10 * 8, true);
    return BigInt.asUintN(64, (BigInt(context.readHigh(10)) << 32n) | BigInt(context.readLow(10) >>> 0));
  }

  get fcsr(): number {
    this.machine.context.copyFloatTo(this.#float);
    return new DataView(this.#float.buffer).getUint32(256, true);
  }
}

const encode = (row: Instruction, mode: number): number => {
  const fields = (10 << 7) | (1 << 15) | (2 << 20) | (3 << 27) | (row.format === 'RM' || row.format === 'R4' ? mode << 12 : 0);
  return (row.match | (fields & ~row.mask)) >>> 0;
};

describe('instructions on registers', () => {
  it.each(VECTORS)('%s of %s, mode %i', (name, operands, mode, result, flags) => {
    const row = rowOf(name);
    const bench = new Bench();
    // The mode in the instruction or in frm; with all flags clear, and with inexact set, which is when the fast path may be taken.
    for (const dynamic of [false, true]) {
      for (const before of [0, NX]) {
        bench.place(encode(row, dynamic ? 7 : mode));
        bench.step(operands, ((dynamic ? mode : 0) << 5) | before);
        expect(bench.result(row.destination).toString(16)).toBe(result.toString(16));
        expect(bench.fcsr & 31).toBe(flags | before);
      }
    }
  });
});

describe('loads and stores', () => {
  it('flw boxes, fsw stores the low word, fld and fsd move bits', () => {
    const bench = new Bench();
    bench.machine.write(DATA, new Uint8Array(BigUint64Array.of(SNAN, 0x8765_4321n).buffer));
    const load = (funct3: number, at: number): number => ((at << 20) | (1 << 15) | (funct3 << 12) | (10 << 7) | 0x07) >>> 0;
    const store = (funct3: number, at: number): number => ((2 << 20) | (1 << 15) | (funct3 << 12) | (at << 7) | 0x27) >>> 0;
    bench.place(load(3, 0));
    bench.step([BigInt(DATA)], 0);
    expect(bench.result('f')).toBe(SNAN);
    bench.place(load(2, 8));
    bench.step([BigInt(DATA)], 0);
    expect(bench.result('f')).toBe(boxed(0x8765_4321n));
    bench.place(store(2, 8));
    bench.step([BigInt(DATA), 0x1111_1111_2222_2222n], 0);
    bench.place(store(3, 16));
    bench.step([BigInt(DATA), SNAN], 0);
    const words = new BigUint64Array(bench.machine.read(DATA + 8, 16).buffer);
    expect([words[0], words[1]]).toEqual([0x2222_2222n, SNAN]);
  });
});

describe('rounding modes', () => {
  it.each([5, 6])('mode %i is reserved in an instruction', (mode) => {
    const bench = new Bench();
    bench.place(encode(rowOf('fadd.d'), mode));
    expect(() => bench.step([d(1), d(1)], 0)).toThrow('"cause":"illegal"');
  });

  it.each([5, 6, 7])('mode %i in frm makes a dynamic one illegal', (mode) => {
    const bench = new Bench();
    for (const [name, operand] of [
      ['fadd.d', 1],
      ['fmul.d', 0],
      ['fdiv.s', 0],
      // These round nothing, and have the field all the same.
      ['fcvt.d.s', 1],
      ['fcvt.d.w', 1],
      ['fcvt.d.wu', 1],
    ] as const) {
      bench.place(encode(rowOf(name), 7));
      expect(() => bench.step([d(operand), d(1)], mode << 5)).toThrow('"cause":"illegal"');
      expect(bench.machine.context.pc).toBe(CODE);
    }
  });
});

/** A double often near an edge of the fast paths: subnormals, the smallest normals, large exponents, few and many significant bits. */
function edgy(random: Random): bigint {
  const exponent = random.pick([0, 1, 2, 60, 100, 500, 961, 970, 1000, 1022, 1023, 1024, 1076, 1100, 1500, 2013, 2014, 2045, 2046]);
  const fraction = random.pick([
    0n,
    1n,
    (1n << 52n) - 1n,
    1n << 51n,
    BigInt(random.bits()) << 20n,
    (BigInt(random.bits()) << 20n) | BigInt(random.below(1 << 20)),
  ]);
  return (BigInt(random.below(2)) << 63n) | (BigInt(exponent) << 52n) | fraction;
}

describe('the fast path', () => {
  it.each(['fadd.d', 'fsub.d', 'fmul.d', 'fdiv.d', 'fsqrt.d', 'fmadd.d', 'fnmsub.d', 'fcvt.s.d'])(
    '%s gives what the exact path gives',
    (name) => {
      const row = rowOf(name);
      const bench = new Bench();
      const random = new Random(11);
      bench.place(encode(row, RNE));
      for (let i = 0; i < 3000; i++) {
        const operands = [edgy(random), edgy(random), edgy(random)];
        bench.step(operands, NX);
        const fast = [bench.result('f'), bench.fcsr | NX];
        bench.step(operands, 0);
        expect({ operands, result: [bench.result('f'), bench.fcsr | NX] }).toEqual({ operands, result: fast });
      }
    },
  );
});

/** A number as a multiple of 2⁻¹⁰⁷⁴; undefined for infinities and NaNs. */
function multiple(bits: bigint, width: 32 | 64): bigint | undefined {
  const fractionBits = width === 64 ? 52n : 23n;
  const exponentMax = width === 64 ? 2047n : 255n;
  const magnitude = bits & ((1n << BigInt(width - 1)) - 1n);
  const exponent = magnitude >> fractionBits;
  if (exponent === exponentMax) return undefined;
  const fraction = magnitude & ((1n << fractionBits) - 1n);
  const significand = exponent === 0n ? fraction : fraction | (1n << fractionBits);
  const scale = width === 64 ? 0n : 1074n - 149n;
  const value = significand << (scale + (exponent === 0n ? 0n : exponent - 1n));
  return (bits >> BigInt(width - 1)) & 1n ? -value : value;
}

const ONE = 1n << 1074n;
/** The sign of what an operation's exact result is more than `r`; all are multiples of 2⁻¹⁰⁷⁴. */
const MORE: Readonly<Record<string, (a: bigint, b: bigint, r: bigint) => bigint>> = {
  fadd: (a, b, r) => a + b - r,
  fsub: (a, b, r) => a - b - r,
  fmul: (a, b, r) => a * b - r * ONE,
  fdiv: (a, b, r) => (b < 0n ? r * b - a * ONE : a * ONE - r * b),
  fsqrt: (a, _b, r) => (r < 0n ? 1n : a * ONE - r * r),
};

describe.each([
  [64, 'd'],
  [32, 's'],
] as const)('rounding towards one side, %i bits', (width, suffix) => {
  const operand = (random: Random): bigint => {
    const bits = edgy(random);
    if (width === 64) return bits;
    const exponent = random.pick([0, 1, 2, 23, 24, 64, 100, 120, 126, 127, 128, 150, 200, 246, 247, 248, 253, 254]);
    return boxed(((bits >> 63n) << 31n) | (BigInt(exponent) << 23n) | ((bits >> 29n) & 0x7f_ffffn));
  };

  it.each(Object.keys(MORE))('%s gives the number next to the exact one', (name) => {
    const row = rowOf(`${name}.${suffix}`);
    const more = MORE[name] as (a: bigint, b: bigint, r: bigint) => bigint;
    const bench = new Bench();
    const random = new Random(5);
    let compared = 0;
    for (const mode of [RTZ, RDN, RUP]) {
      bench.place(encode(row, mode));
      for (let i = 0; i < 1000; i++) {
        const operands = [operand(random), operand(random)];
        const [a, b] = operands.map((bits) => multiple(bits, width)) as [bigint, bigint];
        if ((name === 'fdiv' && b === 0n) || (name === 'fsqrt' && a < 0n)) continue;
        bench.step(operands, 0);
        const bits = bench.result('f');
        const r = multiple(bits, width);
        const isNegative = ((bits >> BigInt(width - 1)) & 1n) !== 0n;
        const away = multiple(bits + 1n, width);
        if (r === undefined || away === undefined) continue;
        const rest = more(a, b, r);
        compared++;
        expect({ operands, mode, inexact: bench.fcsr & NX }).toEqual({ operands, mode, inexact: rest === 0n ? 0 : NX });
        if (rest === 0n) continue;
        const isTruncated = mode === RTZ || mode === (isNegative ? RUP : RDN);
        const neighbour = isTruncated ? away : (multiple(bits - 1n, width) as bigint);
        // The exact result is between the two.
        expect({ operands, mode, upwards: rest > 0n }).toEqual({ operands, mode, upwards: isTruncated !== isNegative });
        expect({ operands, mode, upwards: more(a, b, neighbour) > 0n }).toEqual({ operands, mode, upwards: isTruncated === isNegative });
      }
    }
    expect(compared).toBeGreaterThan(1000);
  });
});

it('has a vector for every floating-point instruction', () => {
  const covered = new Set([...VECTORS.map(([name]) => name), 'flw', 'fld', 'fsw', 'fsd']);
  const missing = INSTRUCTIONS.filter(({ name }) => name.startsWith('f') && !name.startsWith('fence') && !covered.has(name));
  expect(missing.map(({ name }) => name)).toEqual([]);
});
