/** Numbers in [0, below), the same each time: Lehmer's generator modulo 2^31 - 1. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 0x7fff_ffff;
    return state % below;
  };
}

const BASE = 0x1_0000;
const HEADER_BYTES = 64 + 56;
const CALL_WORDS = 7;
const DATA_BYTES = 8192;

/** Encodings of RV64I (ISA manual vol. I, chapters 2 and 5): just what the program needs. */
const T0 = 5;
const T1 = 6;
const A0 = 10;
const A7 = 17;
const addi = (rd: number, rs: number, imm: number): number => ((imm & 0xfff) << 20) | (rs << 15) | (rd << 7) | 0x13;
const auipc = (rd: number): number => (rd << 7) | 0x17;
const ld = (rd: number, rs: number, offset: number): number => (offset << 20) | (rs << 15) | (3 << 12) | (rd << 7) | 0x03;
const bnez = (rs: number, offset: number): number => {
  const bit = (from: number, length: number): number => (offset >> from) & ((1 << length) - 1);
  return (bit(12, 1) << 31) | (bit(5, 6) << 25) | (rs << 15) | (1 << 12) | (bit(1, 4) << 8) | (bit(11, 1) << 7) | 0x63;
};
const ECALL = 0x73;

/** Loads seven words from a table for each call, makes it, and at the end exits. */
function code(calls: number): number[] {
  const body = [
    ld(A7, T0, 0),
    ...[0, 1, 2, 3, 4, 5].map((index) => ld(A0 + index, T0, 8 * (index + 1))),
    ECALL,
    addi(T0, T0, 8 * CALL_WORDS),
    addi(T1, T1, -1),
  ];
  const end = [addi(A7, 0, 93), addi(A0, 0, 0), ECALL];
  const length = 3 + body.length + 1 + end.length;
  return [auipc(T0), addi(T0, T0, 4 * length), addi(T1, 0, calls), ...body, bnez(T1, -4 * body.length), ...end];
}

/** A value such as a hostile program would pass: pointers good and bad, sizes, descriptors, flags, extremes. */
function argument(random: (below: number) => number, data: number): bigint {
  switch (random(10)) {
    case 0:
      return 0n;
    case 1:
      return BigInt(random(8));
    case 2:
      return BigInt(data + random(DATA_BYTES));
    case 3:
      return BigInt(data + DATA_BYTES - random(64));
    case 4:
      return -1n;
    case 5:
      return BigInt(random(0x7fff_ffff));
    case 6:
      return BigInt(1) << BigInt(random(64));
    case 7:
      return -BigInt(random(200));
    case 8:
      return BigInt(4096 * random(4096));
    default:
      return BigInt(random(4096));
  }
}

/** A static ELF program that makes so many random system calls. */
export function callProgram(random: (below: number) => number, calls: number): Uint8Array {
  const instructions = code(calls);
  const tableAt = HEADER_BYTES + 4 * instructions.length;
  const dataAt = tableAt + 8 * CALL_WORDS * calls;
  const bytes = new Uint8Array(dataAt + DATA_BYTES);
  const view = new DataView(bytes.buffer);
  writeHeaders(view, bytes.length);
  for (const [index, word] of instructions.entries()) view.setUint32(HEADER_BYTES + 4 * index, word >>> 0, true);
  for (let word = 0; word < CALL_WORDS * calls; word++) {
    // Real numbers end at 291 (statx) and go on at 424; beyond there is nothing.
    const number = random(12) === 0 ? 424 + random(40) : random(296);
    const value = word % CALL_WORDS === 0 ? BigInt(number) : argument(random, BASE + dataAt);
    view.setBigInt64(tableAt + 8 * word, BigInt.asIntN(64, value), true);
  }
  for (let at = 0; at < DATA_BYTES; at++) bytes[dataAt + at] = random(3) === 0 ? 0 : random(128);
  return bytes;
}

/** ELF64, riscv, one loadable segment of everything, readable, writable and executable. */
function writeHeaders(view: DataView, length: number): void {
  view.setUint32(0, 0x464c_457f, true);
  view.setUint32(4, 0x0001_0102, true);
  view.setUint16(16, 2, true);
  view.setUint16(18, 243, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(BASE + HEADER_BYTES), true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true);
  view.setUint32(64, 1, true);
  view.setUint32(68, 7, true);
  view.setBigUint64(80, BigInt(BASE), true);
  view.setBigUint64(88, BigInt(BASE), true);
  view.setBigUint64(96, BigInt(length), true);
  view.setBigUint64(104, BigInt(length), true);
  view.setBigUint64(112, 4096n, true);
}
