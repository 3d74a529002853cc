/**
 * The C extension: unprivileged ISA manual, chapter 27. Every compressed instruction is short for one 32-bit instruction; this gives it, so
 * that nothing after the predecoder knows the difference but the length.
 */

/** A word that matches no instruction. */
const ILLEGAL = 0;

const bits = (word: number, high: number, low: number): number => (word >>> low) & ((1 << (high - low + 1)) - 1);
const signed = (value: number, width: number): number => (value << (32 - width)) >> (32 - width);

const iType = (opcode: number, funct3: number, rd: number, rs1: number, imm: number): number =>
  ((imm << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode) >>> 0;
const rType = (opcode: number, funct3: number, funct7: number, rd: number, rs1: number, rs2: number): number =>
  ((funct7 << 25) | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode) >>> 0;
const sType = (opcode: number, funct3: number, rs1: number, rs2: number, imm: number): number =>
  ((bits(imm, 11, 5) << 25) | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | (bits(imm, 4, 0) << 7) | opcode) >>> 0;
const bType = (funct3: number, rs1: number, imm: number): number =>
  ((bits(imm, 12, 12) << 31) |
    (bits(imm, 10, 5) << 25) |
    (rs1 << 15) |
    (funct3 << 12) |
    (bits(imm, 4, 1) << 8) |
    (bits(imm, 11, 11) << 7) |
    0x63) >>>
  0;
const jal = (rd: number, imm: number): number =>
  ((bits(imm, 20, 20) << 31) | (bits(imm, 10, 1) << 21) | (bits(imm, 11, 11) << 20) | (bits(imm, 19, 12) << 12) | (rd << 7) | 0x6f) >>> 0;

const LOAD = 0x03;
const LOAD_FP = 0x07;
const OP_IMM = 0x13;
const OP_IMM_32 = 0x1b;
const STORE = 0x23;
const STORE_FP = 0x27;
const OP = 0x33;
const LUI = 0x37;
const OP_32 = 0x3b;
const JALR = 0x67;

/** Registers x8 … x15 of the three-bit fields. */
const rdShort = (c: number): number => 8 + bits(c, 4, 2);
const rs1Short = (c: number): number => 8 + bits(c, 9, 7);

const offset8 = (c: number): number => (bits(c, 12, 10) << 3) | (bits(c, 6, 5) << 6);
const offset4 = (c: number): number => (bits(c, 12, 10) << 3) | (bits(c, 6, 6) << 2) | (bits(c, 5, 5) << 6);
const imm6 = (c: number): number => signed((bits(c, 12, 12) << 5) | bits(c, 6, 2), 6);
const shamt = (c: number): number => (bits(c, 12, 12) << 5) | bits(c, 6, 2);

function quadrant0(c: number): number {
  const rd = rdShort(c);
  const rs1 = rs1Short(c);
  switch (bits(c, 15, 13)) {
    case 0: {
      const imm = (bits(c, 12, 11) << 4) | (bits(c, 10, 7) << 6) | (bits(c, 6, 6) << 2) | (bits(c, 5, 5) << 3);
      return imm === 0 ? ILLEGAL : iType(OP_IMM, 0, rd, 2, imm); // c.addi4spn
    }
    case 1:
      return iType(LOAD_FP, 3, rd, rs1, offset8(c)); // c.fld
    case 2:
      return iType(LOAD, 2, rd, rs1, offset4(c)); // c.lw
    case 3:
      return iType(LOAD, 3, rd, rs1, offset8(c)); // c.ld
    case 5:
      return sType(STORE_FP, 3, rs1, rd, offset8(c)); // c.fsd
    case 6:
      return sType(STORE, 2, rs1, rd, offset4(c)); // c.sw
    case 7:
      return sType(STORE, 3, rs1, rd, offset8(c)); // c.sd
    default:
      return ILLEGAL;
  }
}

function quadrant1(c: number): number {
  const rd = bits(c, 11, 7);
  const imm = imm6(c);
  switch (bits(c, 15, 13)) {
    case 0:
      return iType(OP_IMM, 0, rd, rd, imm); // c.addi, c.nop
    case 1:
      return rd === 0 ? ILLEGAL : iType(OP_IMM_32, 0, rd, rd, imm); // c.addiw
    case 2:
      return iType(OP_IMM, 0, rd, 0, imm); // c.li
    case 3: {
      if (rd !== 2) return imm === 0 ? ILLEGAL : ((imm << 12) | (rd << 7) | LUI) >>> 0; // c.lui
      const by = signed(
        (bits(c, 12, 12) << 9) | (bits(c, 6, 6) << 4) | (bits(c, 5, 5) << 6) | (bits(c, 4, 3) << 7) | (bits(c, 2, 2) << 5),
        10,
      );
      return by === 0 ? ILLEGAL : iType(OP_IMM, 0, 2, 2, by); // c.addi16sp
    }
    case 4:
      return arithmetic(c);
    case 5: {
      const to =
        (bits(c, 12, 12) << 11) |
        (bits(c, 11, 11) << 4) |
        (bits(c, 10, 9) << 8) |
        (bits(c, 8, 8) << 10) |
        (bits(c, 7, 7) << 6) |
        (bits(c, 6, 6) << 7) |
        (bits(c, 5, 3) << 1) |
        (bits(c, 2, 2) << 5);
      return jal(0, signed(to, 12)); // c.j
    }
    default: {
      const to = (bits(c, 12, 12) << 8) | (bits(c, 11, 10) << 3) | (bits(c, 6, 5) << 6) | (bits(c, 4, 3) << 1) | (bits(c, 2, 2) << 5);
      return bType(bits(c, 13, 13), rs1Short(c), signed(to, 9)); // c.beqz, c.bnez
    }
  }
}

function arithmetic(c: number): number {
  const rd = rs1Short(c);
  const rs2 = rdShort(c);
  switch (bits(c, 11, 10)) {
    case 0:
      return iType(OP_IMM, 5, rd, rd, shamt(c)); // c.srli
    case 1:
      return iType(OP_IMM, 5, rd, rd, 0x400 | shamt(c)); // c.srai
    case 2:
      return iType(OP_IMM, 7, rd, rd, imm6(c)); // c.andi
    default:
      switch ((bits(c, 12, 12) << 2) | bits(c, 6, 5)) {
        case 0:
          return rType(OP, 0, 0x20, rd, rd, rs2); // c.sub
        case 1:
          return rType(OP, 4, 0, rd, rd, rs2); // c.xor
        case 2:
          return rType(OP, 6, 0, rd, rd, rs2); // c.or
        case 3:
          return rType(OP, 7, 0, rd, rd, rs2); // c.and
        case 4:
          return rType(OP_32, 0, 0x20, rd, rd, rs2); // c.subw
        case 5:
          return rType(OP_32, 0, 0, rd, rd, rs2); // c.addw
        default:
          return ILLEGAL;
      }
  }
}

function quadrant2(c: number): number {
  const rd = bits(c, 11, 7);
  const rs2 = bits(c, 6, 2);
  const load8 = (bits(c, 12, 12) << 5) | (bits(c, 6, 5) << 3) | (bits(c, 4, 2) << 6);
  const load4 = (bits(c, 12, 12) << 5) | (bits(c, 6, 4) << 2) | (bits(c, 3, 2) << 6);
  const store8 = (bits(c, 12, 10) << 3) | (bits(c, 9, 7) << 6);
  const store4 = (bits(c, 12, 9) << 2) | (bits(c, 8, 7) << 6);
  switch (bits(c, 15, 13)) {
    case 0:
      return iType(OP_IMM, 1, rd, rd, shamt(c)); // c.slli
    case 1:
      return iType(LOAD_FP, 3, rd, 2, load8); // c.fldsp
    case 2:
      return rd === 0 ? ILLEGAL : iType(LOAD, 2, rd, 2, load4); // c.lwsp
    case 3:
      return rd === 0 ? ILLEGAL : iType(LOAD, 3, rd, 2, load8); // c.ldsp
    case 4:
      if (bits(c, 12, 12) === 0) {
        if (rs2 !== 0) return rType(OP, 0, 0, rd, 0, rs2); // c.mv
        return rd === 0 ? ILLEGAL : iType(JALR, 0, 0, rd, 0); // c.jr
      }
      if (rs2 !== 0) return rType(OP, 0, 0, rd, rd, rs2); // c.add
      return rd === 0 ? 0x00100073 : iType(JALR, 0, 1, rd, 0); // c.ebreak, c.jalr
    case 5:
      return sType(STORE_FP, 3, 2, rs2, store8); // c.fsdsp
    case 6:
      return sType(STORE, 2, 2, rs2, store4); // c.swsp
    default:
      return sType(STORE, 3, 2, rs2, store8); // c.sdsp
  }
}

/** The 32-bit instruction that the compressed instruction `c` (16 bits, low two not both set) stands for; 0 if it is illegal. */
export function expand(c: number): number {
  switch (c & 3) {
    case 0:
      return quadrant0(c);
    case 1:
      return quadrant1(c);
    default:
      return quadrant2(c);
  }
}
