/** Just enough of an assembler for the frame around generated sequences. Registers by number. */

export const iType = (opcode: number, funct3: number, rd: number, rs1: number, imm: number): number =>
  ((imm << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode) >>> 0;
export const rType = (opcode: number, funct3: number, funct7: number, rd: number, rs1: number, rs2: number): number =>
  ((funct7 << 25) | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode) >>> 0;
const sType = (opcode: number, funct3: number, rs1: number, rs2: number, imm: number): number =>
  (((imm >> 5) << 25) | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | ((imm & 31) << 7) | opcode) >>> 0;

export const addi = (rd: number, rs1: number, imm: number): number => iType(0x13, 0, rd, rs1, imm);
export const lui = (rd: number, imm20: number): number => ((imm20 << 12) | (rd << 7) | 0x37) >>> 0;
export const auipc = (rd: number, imm20: number): number => ((imm20 << 12) | (rd << 7) | 0x17) >>> 0;
export const jalr = (rd: number, rs1: number, imm: number): number => iType(0x67, 0, rd, rs1, imm);
export const ld = (rd: number, rs1: number, imm: number): number => iType(0x03, 3, rd, rs1, imm);
export const lw = (rd: number, rs1: number, imm: number): number => iType(0x03, 2, rd, rs1, imm);
export const lbu = (rd: number, rs1: number, imm: number): number => iType(0x03, 4, rd, rs1, imm);
export const lhu = (rd: number, rs1: number, imm: number): number => iType(0x03, 5, rd, rs1, imm);
export const slli = (rd: number, rs1: number, by: number): number => iType(0x13, 1, rd, rs1, by);
export const slliw = (rd: number, rs1: number, by: number): number => iType(0x1b, 1, rd, rs1, by);
export const srli = (rd: number, rs1: number, by: number): number => iType(0x13, 5, rd, rs1, by);
export const srliw = (rd: number, rs1: number, by: number): number => iType(0x1b, 5, rd, rs1, by);
export const or = (rd: number, rs1: number, rs2: number): number => rType(0x33, 6, 0, rd, rs1, rs2);
export const andi = (rd: number, rs1: number, imm: number): number => iType(0x13, 7, rd, rs1, imm);
/** sb, sh, sw, sd by the logarithm of their size. */
export const store = (size: number, rs2: number, rs1: number, imm: number): number => sType(0x23, size, rs1, rs2, imm);
export const sw = (rs2: number, rs1: number, imm: number): number => sType(0x23, 2, rs1, rs2, imm);
export const sd = (rs2: number, rs1: number, imm: number): number => sType(0x23, 3, rs1, rs2, imm);
export const fld = (rd: number, rs1: number, imm: number): number => iType(0x07, 3, rd, rs1, imm);
/** fsw and fsd by the logarithm of their size. */
export const storeFloat = (size: number, rs2: number, rs1: number, imm: number): number => sType(0x27, size, rs1, rs2, imm);
export const fsd = (rs2: number, rs1: number, imm: number): number => storeFloat(3, rs2, rs1, imm);
export const add = (rd: number, rs1: number, rs2: number): number => ((rs2 << 20) | (rs1 << 15) | (rd << 7) | 0x33) >>> 0;
export const sub = (rd: number, rs1: number, rs2: number): number => (add(rd, rs1, rs2) | (0x20 << 25)) >>> 0;
export const addw = (rd: number, rs1: number, rs2: number): number => (add(rd, rs1, rs2) | 0x08) >>> 0;
export const addiw = (rd: number, rs1: number, imm: number): number => iType(0x1b, 0, rd, rs1, imm);
export const csrrw = (rd: number, csr: number, rs1: number): number => iType(0x73, 1, rd, rs1, csr);
export const csrrs = (rd: number, csr: number, rs1: number): number => iType(0x73, 2, rd, rs1, csr);
export const csrrwi = (rd: number, csr: number, value: number): number => iType(0x73, 5, rd, value, csr);
export const ECALL = 0x73;
export const EBREAK = 0x10_0073;
export const FENCE_I = 0x100f;

export const branch = (funct3: number, rs1: number, rs2: number, offset: number): number =>
  ((((offset >> 12) & 1) << 31) |
    (((offset >> 5) & 63) << 25) |
    (rs2 << 20) |
    (rs1 << 15) |
    (funct3 << 12) |
    (((offset >> 1) & 15) << 8) |
    (((offset >> 11) & 1) << 7) |
    0x63) >>>
  0;
export const beqz = (rs1: number, offset: number): number => branch(0, rs1, 0, offset);
export const bnez = (rs1: number, offset: number): number => branch(1, rs1, 0, offset);
export const jal = (rd: number, offset: number): number =>
  ((((offset >> 20) & 1) << 31) |
    (((offset >> 1) & 0x3ff) << 21) |
    (((offset >> 11) & 1) << 20) |
    (((offset >> 12) & 0xff) << 12) |
    (rd << 7) |
    0x6f) >>>
  0;

/** lui and addi that together give a 32-bit constant below 2³¹. */
export const li = (rd: number, value: number): number[] => {
  const low = (value << 20) >> 20;
  return [lui(rd, (value - low) >>> 12), addi(rd, rd, low)];
};

/** An instruction stream in which 16- and 32-bit instructions mix. */
export class Stream {
  readonly #halves: number[] = [];

  /** Bytes so far. */
  get length(): number {
    return this.#halves.length * 2;
  }

  word(...words: readonly number[]): void {
    for (const w of words) this.#halves.push(w & 0xffff, w >>> 16);
  }

  /** Replaces the word that was written at `at` bytes. */
  patch(at: number, word: number): void {
    this.#halves[at / 2] = word & 0xffff;
    this.#halves[at / 2 + 1] = word >>> 16;
  }

  half(value: number): void {
    this.#halves.push(value);
  }

  bytes(): Uint8Array {
    return new Uint8Array(Uint16Array.from(this.#halves).buffer);
  }
}
