import { Prot } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { TestMachine } from '../differential/machine.ts';
import { type Instruction } from './instruction.ts';
import { INSTRUCTIONS } from './table.ts';

/**
 * Every integer instruction against a reference written from the ISA manual's text in BigInt, independent of the semantics table: all pairs of
 * edge values.
 */
const CODE = 0x1_0000;
const DATA = 0x2_0000;
const RD = 10;
const RS1 = 11;
const RS2 = 12;

const u = (x: bigint): bigint => BigInt.asUintN(64, x);
const s = (x: bigint): bigint => BigInt.asIntN(64, x);
const u32 = (x: bigint): bigint => BigInt.asUintN(32, x);
const s32 = (x: bigint): bigint => BigInt.asIntN(32, x);
const bool = (x: boolean): bigint => (x ? 1n : 0n);
const bits = (x: bigint, width: number): string => BigInt.asUintN(width, x).toString(2).padStart(width, '0');
// biome-ignore-start lint/complexity/useMathMinMax: Math.min and Math.max take no BigInt
const leading = (x: bigint, width: number): bigint => BigInt(bits(x, width).padEnd(width, '0').replace(/1.*$/, '').length);
const trailing = (x: bigint, width: number): bigint => BigInt(bits(x, width).length - bits(x, width).replace(/0*$/, '').length);
const ones = (x: bigint, width: number): bigint => BigInt(bits(x, width).replaceAll('0', '').length);
const bytesOf = (x: bigint): bigint[] => Array.from({ length: 8 }, (_, i) => (x >> BigInt(8 * i)) & 0xffn);
const fromBytes = (bytes: readonly bigint[]): bigint => bytes.reduceRight((value, byte) => (value << 8n) | byte, 0n);
const rotate = (x: bigint, by: bigint, width: number): bigint => {
  const w = BigInt(width);
  const value = BigInt.asUintN(width, x);
  const n = ((by % w) + w) % w;
  return BigInt.asUintN(width, (value << n) | (value >> (w - n)));
};
const divide = (a: bigint, b: bigint): bigint => (b === 0n ? -1n : a / b);
const remainder = (a: bigint, b: bigint): bigint => (b === 0n ? a : a % b);

/** Results of register and immediate forms; `b` is rs2 or the immediate, as unsigned 64 bits. */
type Reference = (a: bigint, b: bigint) => bigint;
const BINARY: Readonly<Record<string, Reference>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  sll: (a, b) => a << (b & 63n),
  slt: (a, b) => bool(s(a) < s(b)),
  sltu: (a, b) => bool(a < b),
  xor: (a, b) => a ^ b,
  srl: (a, b) => a >> (b & 63n),
  sra: (a, b) => s(a) >> (b & 63n),
  or: (a, b) => a | b,
  and: (a, b) => a & b,
  addw: (a, b) => s32(a + b),
  subw: (a, b) => s32(a - b),
  sllw: (a, b) => s32(a << (b & 31n)),
  srlw: (a, b) => s32(u32(a) >> (b & 31n)),
  sraw: (a, b) => s32(a) >> (b & 31n),
  mul: (a, b) => a * b,
  mulh: (a, b) => (s(a) * s(b)) >> 64n,
  mulhsu: (a, b) => (s(a) * b) >> 64n,
  mulhu: (a, b) => (a * b) >> 64n,
  div: (a, b) => divide(s(a), s(b)),
  divu: (a, b) => divide(a, b),
  rem: (a, b) => remainder(s(a), s(b)),
  remu: (a, b) => remainder(a, b),
  mulw: (a, b) => s32(a * b),
  divw: (a, b) => s32(divide(s32(a), s32(b))),
  divuw: (a, b) => s32(divide(u32(a), u32(b))),
  remw: (a, b) => s32(remainder(s32(a), s32(b))),
  remuw: (a, b) => s32(remainder(u32(a), u32(b))),
  sh1add: (a, b) => (a << 1n) + b,
  sh2add: (a, b) => (a << 2n) + b,
  sh3add: (a, b) => (a << 3n) + b,
  'sh1add.uw': (a, b) => (u32(a) << 1n) + b,
  'sh2add.uw': (a, b) => (u32(a) << 2n) + b,
  'sh3add.uw': (a, b) => (u32(a) << 3n) + b,
  'add.uw': (a, b) => u32(a) + b,
  andn: (a, b) => a & ~b,
  orn: (a, b) => a | ~b,
  xnor: (a, b) => ~(a ^ b),
  min: (a, b) => (s(a) < s(b) ? a : b),
  minu: (a, b) => (a < b ? a : b),
  max: (a, b) => (s(a) > s(b) ? a : b),
  maxu: (a, b) => (a > b ? a : b),
  rol: (a, b) => rotate(a, b & 63n, 64),
  ror: (a, b) => rotate(a, -(b & 63n), 64),
  rolw: (a, b) => s32(rotate(a, b & 31n, 32)),
  rorw: (a, b) => s32(rotate(a, -(b & 31n), 32)),
  bclr: (a, b) => a & ~(1n << (b & 63n)),
  bext: (a, b) => (a >> (b & 63n)) & 1n,
  binv: (a, b) => a ^ (1n << (b & 63n)),
  bset: (a, b) => a | (1n << (b & 63n)),
};
const UNARY: Readonly<Record<string, (a: bigint) => bigint>> = {
  clz: (a) => leading(a, 64),
  ctz: (a) => trailing(a, 64),
  cpop: (a) => ones(a, 64),
  clzw: (a) => leading(a, 32),
  ctzw: (a) => trailing(a, 32),
  cpopw: (a) => ones(a, 32),
  'sext.b': (a) => BigInt.asIntN(8, a),
  'sext.h': (a) => BigInt.asIntN(16, a),
  'zext.h': (a) => a & 0xffffn,
  'orc.b': (a) => fromBytes(bytesOf(a).map((byte) => (byte === 0n ? 0n : 0xffn))),
  rev8: (a) => fromBytes(bytesOf(a).toReversed()),
};
/** Immediate forms by the register form that they abbreviate. */
const IMMEDIATE: Readonly<Record<string, string>> = {
  addi: 'add',
  slti: 'slt',
  sltiu: 'sltu',
  xori: 'xor',
  ori: 'or',
  andi: 'and',
  addiw: 'addw',
  slli: 'sll',
  srli: 'srl',
  srai: 'sra',
  slliw: 'sllw',
  srliw: 'srlw',
  sraiw: 'sraw',
  rori: 'ror',
  roriw: 'rorw',
  bclri: 'bclr',
  bexti: 'bext',
  binvi: 'binv',
  bseti: 'bset',
};
const BRANCHES: Readonly<Record<string, (a: bigint, b: bigint) => boolean>> = {
  beq: (a, b) => a === b,
  bne: (a, b) => a !== b,
  blt: (a, b) => s(a) < s(b),
  bge: (a, b) => s(a) >= s(b),
  bltu: (a, b) => a < b,
  bgeu: (a, b) => a >= b,
};
const LOADS: Readonly<Record<string, readonly [bytes: number, signed: boolean]>> = {
  lb: [1, true],
  lh: [2, true],
  lw: [4, true],
  ld: [8, false],
  lbu: [1, false],
  lhu: [2, false],
  lwu: [4, false],
};
const STORES: Readonly<Record<string, number>> = { sb: 1, sh: 2, sw: 4, sd: 8 };
const AMOS: Readonly<Record<string, Reference>> = {
  amoswap: (_old, b) => b,
  amoadd: (old, b) => old + b,
  amoxor: (old, b) => old ^ b,
  amoand: (old, b) => old & b,
  amoor: (old, b) => old | b,
  amomin: (old, b) => (s(old) < s(b) ? old : b),
  amomax: (old, b) => (s(old) > s(b) ? old : b),
  amominu: (old, b) => (old < b ? old : b),
  amomaxu: (old, b) => (old > b ? old : b),
};

const EDGES = [
  0n,
  1n,
  2n,
  31n,
  32n,
  63n,
  64n,
  0x7fn,
  0x80n,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x0123_4567_89ab_cdefn,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_8000_0000n,
  0xffff_ffff_ffff_fffen,
  0xffff_ffff_ffff_ffffn,
];

const rowOf = (name: string): Instruction => {
  const row = INSTRUCTIONS.find((r) => r.name === name);
  if (row === undefined) throw new Error(`no instruction ${name}`);
  return row;
};

/** A machine with one instruction, run as often as wanted. */
class Bench {
  readonly machine = new TestMachine();

  constructor() {
    this.machine.map(CODE, 4096, Prot.READ | Prot.EXEC);
    this.machine.map(DATA, 4096);
  }

  place(word: number): this {
    this.machine.write(CODE, new Uint8Array(Uint32Array.of(word).buffer));
    return this;
  }

  set(register: number, value: bigint): void {
    this.machine.context.writeHalves(register, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
  }

  get(register: number): bigint {
    const { context } = this.machine;
    return u((BigInt(context.readHigh(register)) << 32n) | BigInt(context.readLow(register) >>> 0));
  }

  step(a: bigint, b: bigint): void {
    const { context } = this.machine;
    context.pc = CODE as typeof context.pc;
    this.set(RS1, a);
    this.set(RS2, b);
    if (this.machine.run(1) !== 'budget') throw new Error(`trapped: ${JSON.stringify(this.machine.traps)}`);
  }
}

const registers = (row: Instruction): number =>
  (row.match | ((RD << 7) & ~row.mask) | ((RS1 << 15) & ~row.mask) | ((RS2 << 20) & ~row.mask)) >>> 0;

describe('register forms', () => {
  it.each(Object.entries(BINARY))('%s', (name, reference) => {
    const bench = new Bench().place(registers(rowOf(name)));
    for (const a of EDGES) {
      for (const b of EDGES) {
        bench.step(a, b);
        expect([a, b, bench.get(RD)]).toEqual([a, b, u(reference(a, b))]);
      }
    }
  });

  it.each(Object.entries(UNARY))('%s', (name, reference) => {
    const bench = new Bench().place(registers(rowOf(name)));
    for (const a of EDGES) {
      bench.step(a, 0n);
      expect([a, bench.get(RD)]).toEqual([a, u(reference(a))]);
    }
  });
});

describe('immediate forms', () => {
  it.each(Object.entries(IMMEDIATE))('%s', (name, base) => {
    const row = rowOf(name);
    const narrow = name.endsWith('w');
    const amounts = row.format === 'SHAMT' ? [0, 1, 17, 31, ...(narrow ? [] : [32, 63])] : [-2048, -1, 0, 1, 31, 2047];
    for (const amount of amounts) {
      const bench = new Bench().place((row.match | (amount << 20) | (RS1 << 15) | (RD << 7)) >>> 0);
      for (const a of EDGES) {
        bench.step(a, 0n);
        expect([a, amount, bench.get(RD)]).toEqual([a, amount, u((BINARY[base] as Reference)(a, u(BigInt(amount))))]);
      }
    }
  });

  it('slli.uw', () => {
    for (const amount of [0, 1, 31, 32, 63]) {
      const bench = new Bench().place((rowOf('slli.uw').match | (amount << 20) | (RS1 << 15) | (RD << 7)) >>> 0);
      for (const a of EDGES) {
        bench.step(a, 0n);
        expect(bench.get(RD)).toBe(u(u32(a) << BigInt(amount)));
      }
    }
  });

  it.each([0, 1, 0x7ffff, 0x80000, 0xfffff])('lui and auipc %i', (imm) => {
    const upper = s32(BigInt(imm) << 12n);
    const bench = new Bench().place(((imm << 12) | (RD << 7) | 0x37) >>> 0);
    bench.step(0n, 0n);
    expect(bench.get(RD)).toBe(u(upper));
    bench.place(((imm << 12) | (RD << 7) | 0x17) >>> 0);
    bench.step(0n, 0n);
    expect(bench.get(RD)).toBe(u(BigInt(CODE) + upper));
  });
});

describe('control flow', () => {
  it.each(Object.entries(BRANCHES))('%s', (name, taken) => {
    // Both a target in the same page and one far away.
    for (const offset of [8, 4094, -4096]) {
      const word = rowOf(name).match | (RS2 << 20) | (RS1 << 15);
      const bench = new Bench().place(
        (word | (((offset >> 12) & 1) << 31) | (((offset >> 5) & 63) << 25) | (((offset >> 1) & 15) << 8) | (((offset >> 11) & 1) << 7)) >>>
          0,
      );
      for (const a of EDGES) {
        for (const b of EDGES) {
          bench.step(a, b);
          expect([a, b, bench.machine.context.pc]).toEqual([a, b, CODE + (taken(a, b) ? offset : 4)]);
        }
      }
    }
  });

  it('jal links and jumps', () => {
    const bench = new Bench().place((0x0080_006f | (RD << 7)) >>> 0);
    bench.step(0n, 0n);
    expect([bench.get(RD), bench.machine.context.pc]).toEqual([BigInt(CODE + 4), CODE + 8]);
  });

  it('jalr clears the lowest bit, and may overwrite the register that it jumps by', () => {
    const bench = new Bench().place(((RS1 << 15) | (RS1 << 7) | (3 << 20) | 0x67) >>> 0);
    bench.step(BigInt(CODE + 0x100), 0n);
    expect([bench.get(RS1), bench.machine.context.pc]).toEqual([BigInt(CODE + 4), CODE + 0x102]);
  });
});

describe('memory', () => {
  const pattern = Uint8Array.from({ length: 64 }, (_, i) => (i * 37 + 129) & 0xff);

  it.each(Object.entries(LOADS))('%s, aligned or not', (name, [bytes, signed]) => {
    const bench = new Bench().place((rowOf(name).match | (4 << 20) | (RS1 << 15) | (RD << 7)) >>> 0);
    bench.machine.write(DATA, pattern);
    for (let at = 0; at < 16; at++) {
      bench.step(BigInt(DATA + at - 4 + 8), 0n);
      const raw = fromBytes(Array.from(pattern.subarray(at + 8, at + 8 + bytes), BigInt));
      expect([at, bench.get(RD)]).toEqual([at, u(signed ? BigInt.asIntN(bytes * 8, raw) : raw)]);
    }
  });

  it.each(Object.entries(STORES))('%s, aligned or not', (name, bytes) => {
    const bench = new Bench().place((rowOf(name).match | (RS2 << 20) | (RS1 << 15)) >>> 0);
    for (let at = 0; at < 16; at++) {
      bench.machine.write(DATA, pattern);
      bench.step(BigInt(DATA + at), 0x0123_4567_89ab_cdefn);
      const expected = Uint8Array.from(pattern);
      expected.set(bytesOf(0x0123_4567_89ab_cdefn).slice(0, bytes).map(Number), at);
      expect(bench.machine.read(DATA, 64)).toEqual(expected);
    }
  });

  it.each(Object.entries(AMOS))('%s of words and doublewords', (name, reference) => {
    for (const [suffix, width] of [
      ['w', 32],
      ['d', 64],
    ] as const) {
      const bench = new Bench().place(registers(rowOf(`${name}.${suffix}`)));
      for (const old of EDGES) {
        for (const b of EDGES) {
          bench.machine.write(DATA, Uint8Array.from(bytesOf(old), Number));
          bench.step(BigInt(DATA), b);
          // Words are compared as words, signed or unsigned alike after sign extension.
          const extended = (x: bigint): bigint => u(BigInt.asIntN(width, x));
          expect([old, b, bench.get(RD)]).toEqual([old, b, extended(old)]);
          const stored = BigInt.asUintN(width, reference(extended(old), extended(b)));
          const kept = width === 32 ? (old >> 32n) << 32n : 0n;
          expect(fromBytes(Array.from(bench.machine.read(DATA, 8), BigInt))).toBe(stored | kept);
        }
      }
    }
  });

  it.each(['w', 'd'])('lr.%s reserves for one sc', (suffix) => {
    const bench = new Bench();
    const [lr, sc] = [rowOf(`lr.${suffix}`), rowOf(`sc.${suffix}`)].map(registers) as [number, number];
    bench.machine.write(DATA, pattern);
    bench.place(lr).step(BigInt(DATA), 0n);
    expect(bench.get(RD)).not.toBe(0n);
    bench.place(sc).step(BigInt(DATA), 7n);
    expect([bench.get(RD), bench.machine.read(DATA, 1)[0]]).toEqual([0n, 7]);
    bench.step(BigInt(DATA), 9n);
    expect([bench.get(RD), bench.machine.read(DATA, 1)[0]]).toEqual([1n, 7]);
    bench.place(lr).step(BigInt(DATA), 0n);
    bench.place(sc).step(BigInt(DATA + 8), 9n);
    expect(bench.get(RD)).toBe(1n);
  });
});

describe('CSRs', () => {
  const csr = (funct3: number, number: number, rs1: number): number =>
    ((number << 20) | (rs1 << 15) | (funct3 << 12) | (RD << 7) | 0x73) >>> 0;

  it.each([
    ['csrrw', 1, 0xa5n, 0xa5n],
    ['csrrs', 2, 0xa5n, 0xb7n],
    ['csrrc', 3, 0x15n, 0x22n],
  ] as const)('%s on fcsr', (_name, funct3, operand, after) => {
    const bench = new Bench().place(csr(1, 3, RS1));
    bench.step(0x37n, 0n);
    bench.place(csr(funct3, 3, RS1)).step(operand, 0n);
    expect(bench.get(RD)).toBe(0x37n);
    bench.place(csr(2, 3, 0)).step(0n, 0n);
    expect(bench.get(RD)).toBe(after);
  });

  it.each([
    ['csrrwi', 5, 0x0an],
    ['csrrsi', 6, 0x1bn],
    ['csrrci', 7, 0x11n],
  ] as const)('%s on fflags', (_name, funct3, after) => {
    const bench = new Bench().place(csr(1, 3, RS1));
    bench.step(0x60n, 0n);
    bench.place(csr(1, 1, RS1)).step(0x11n | (funct3 === 7 ? 0x0an : 0n), 0n);
    bench.place(csr(funct3, 1, 0x0a)).step(0n, 0n);
    bench.place(csr(2, 1, 0)).step(0n, 0n);
    expect(bench.get(RD)).toBe(after);
  });

  it('frm and fflags are parts of fcsr, which keeps eight bits', () => {
    const bench = new Bench().place(csr(1, 3, RS1));
    bench.step(0xffff_ffffn, 0n);
    bench.place(csr(1, 2, RS1)).step(0xf2n, 0n);
    expect(bench.get(RD)).toBe(7n);
    bench.place(csr(2, 3, 0)).step(0n, 0n);
    expect(bench.get(RD)).toBe(0x5fn);
  });

  it.each([0xc00, 0xc01, 0xc02])('counter 0x%x counts instructions before this one', (number) => {
    const bench = new Bench().place(csr(2, number, 0));
    for (const expected of [0n, 1n, 2n]) {
      bench.step(0n, 0n);
      expect(bench.get(RD)).toBe(expected);
    }
  });
});

describe('fences and traps', () => {
  it.each(['fence', 'fence.i'])('%s changes nothing', (name) => {
    const bench = new Bench().place(rowOf(name).match);
    bench.step(5n, 6n);
    expect([bench.get(RS1), bench.get(RS2), bench.machine.context.pc]).toEqual([5n, 6n, CODE + 4]);
  });
});

it('has a test here for every instruction but floating point and traps', () => {
  const covered = new Set([
    ...[BINARY, UNARY, IMMEDIATE, BRANCHES, LOADS, STORES].flatMap((table) => Object.keys(table)),
    ...Object.keys(AMOS).flatMap((name) => [`${name}.w`, `${name}.d`]),
    ...['slli.uw', 'lui', 'auipc', 'jal', 'jalr', 'lr.w', 'lr.d', 'sc.w', 'sc.d', 'fence', 'fence.i', 'ecall', 'ebreak'],
    ...['csrrw', 'csrrs', 'csrrc', 'csrrwi', 'csrrsi', 'csrrci'],
  ]);
  expect(INSTRUCTIONS.map(({ name }) => name).filter((name) => !name.startsWith('f') && !covered.has(name))).toEqual([]);
});
// biome-ignore-end lint/complexity/useMathMinMax: see above
