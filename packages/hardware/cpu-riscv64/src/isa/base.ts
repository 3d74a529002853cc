import { call } from '../wasm/code.ts';
import { type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import {
  type FcsrField,
  type Guest,
  type Instruction,
  iType,
  type LoadOp,
  row,
  rType,
  type StoreSize,
  shiftType,
  TrapCause,
} from './instruction.ts';

/** RV64I: unprivileged ISA manual, chapters 2 and 4; Zifencei and Zicsr: chapters 6 and 7. */
const LOAD = 0x03;
const OP_IMM = 0x13;
const AUIPC = 0x17;
const OP_IMM_32 = 0x1b;
const STORE = 0x23;
const OP = 0x33;
const LUI = 0x37;
const OP_32 = 0x3b;
const BRANCH = 0x63;
const JALR = 0x67;
const JAL = 0x6f;
const SYSTEM = 0x73;

const rs1 = (g: Guest): I64 => g.x('rs1');
const rs2 = (g: Guest): I64 => g.x('rs2');
const low1 = (g: Guest): I32 => i32.wrap(rs1(g));
const low2 = (g: Guest): I32 => i32.wrap(rs2(g));
/** Results of 32-bit operations are sign-extended. */
const setWord = (g: Guest, value: I32): void => g.setX(i64.extendS(value));
const flag = (condition: I32): I64 => i64.extendU(condition);

const load = (name: string, funct3: number, op: LoadOp): Instruction =>
  iType(name, LOAD, funct3, (g) => g.setX(g.load(op, i64.add(rs1(g), g.imm))));
const store = (name: string, funct3: number, size: StoreSize): Instruction =>
  iType(name, STORE, funct3, (g) => g.store(size, i64.add(rs1(g), g.imm), rs2(g)), 'S');
const branch = (name: string, funct3: number, condition: (a: I64, b: I64) => I32): Instruction =>
  iType(name, BRANCH, funct3, (g) => g.branch(condition(rs1(g), rs2(g))), 'B');

/** A CSR instruction: `written` from the old value and the operand; `operand` is rs1's value or its number. */
function csr(name: string, funct3: number, fromImmediate: boolean, always: boolean, written: (old: I64, operand: I64) => I64): Instruction {
  return iType(
    name,
    SYSTEM,
    funct3,
    (g) => {
      const { code } = g;
      const number = i32.and(g.imm32, i32.const(0xfff));
      const source = i32.shrU(g.imm32, i32.const(12));
      const operand = code.let(fromImmediate ? i64.extendU(source) : rs1(g));
      const writes = always ? i32.const(1) : i32.ne(source, i32.const(0));
      if (g.fcsrField !== undefined) {
        accessFcsr(g, g.fcsrField, writes, (old) => written(old, operand));
        return;
      }
      g.publishFuel();
      // csrRead gives −1 for a CSR that does not exist: every one that does is narrower, or a counter far below 2⁶³.
      const old = code.let(call('i64', g.helper('csrRead'), number));
      const bad = code.let(i64.ltS(old, i64.const(0)));
      code.if(i32.and(i32.eqz(bad), writes), () => {
        code.set(bad, call('i32', g.helper('csrWrite'), number, written(old, operand)));
        g.fcsrChanged();
      });
      code.if(bad, () => g.trap(TrapCause.illegal));
      g.setX(old);
    },
    'CSR',
  );
}

/** A CSR instruction known to be about fflags, frm or fcsr. */
function accessFcsr(g: Guest, { shift, width }: FcsrField, writes: I32, written: (old: I64) => I64): void {
  const { code } = g;
  const mask = (1 << width) - 1;
  const old = code.let(i64.extendU(i32.and(i32.shrU(g.fcsr, i32.const(shift)), i32.const(mask))));
  code.if(writes, () => {
    const field = i32.shl(i32.and(i32.wrap(written(old)), i32.const(mask)), i32.const(shift));
    const next = code.let(i32.or(i32.and(g.fcsr, i32.const(0xff & ~(mask << shift))), field));
    g.checkFcsr(next);
    g.setFcsr(next);
    g.fcsrChanged();
  });
  g.setX(old);
}

export const BASE: readonly Instruction[] = [
  row('lui', 0x7f, LUI, 'U', (g) => g.setX(g.imm)),
  row('auipc', 0x7f, AUIPC, 'U', (g) => g.setX(i64.add(g.pc, g.imm))),
  row('jal', 0x7f, JAL, 'J', (g) => {
    g.setX(g.nextPc);
    g.jump();
  }),
  iType('jalr', JALR, 0, (g) => {
    const target = g.code.let(i64.and(i64.add(rs1(g), g.imm), i64.const(-2)));
    g.setX(g.nextPc);
    g.jumpTo(target);
  }),
  branch('beq', 0, i64.eq),
  branch('bne', 1, i64.ne),
  branch('blt', 4, i64.ltS),
  branch('bge', 5, i64.geS),
  branch('bltu', 6, i64.ltU),
  branch('bgeu', 7, i64.geU),
  load('lb', 0, 'load8s'),
  load('lh', 1, 'load16s'),
  load('lw', 2, 'load32s'),
  load('ld', 3, 'load64'),
  load('lbu', 4, 'load8u'),
  load('lhu', 5, 'load16u'),
  load('lwu', 6, 'load32u'),
  store('sb', 0, 1),
  store('sh', 1, 2),
  store('sw', 2, 4),
  store('sd', 3, 8),
  iType('addi', OP_IMM, 0, (g) => g.setX(i64.add(rs1(g), g.imm))),
  iType('slti', OP_IMM, 2, (g) => g.setX(flag(i64.ltS(rs1(g), g.imm)))),
  iType('sltiu', OP_IMM, 3, (g) => g.setX(flag(i64.ltU(rs1(g), g.imm)))),
  iType('xori', OP_IMM, 4, (g) => g.setX(i64.xor(rs1(g), g.imm))),
  iType('ori', OP_IMM, 6, (g) => g.setX(i64.or(rs1(g), g.imm))),
  iType('andi', OP_IMM, 7, (g) => g.setX(i64.and(rs1(g), g.imm))),
  shiftType('slli', OP_IMM, 1, 0x00, 6, (g) => g.setX(i64.shl(rs1(g), g.imm))),
  shiftType('srli', OP_IMM, 5, 0x00, 6, (g) => g.setX(i64.shrU(rs1(g), g.imm))),
  shiftType('srai', OP_IMM, 5, 0x10, 6, (g) => g.setX(i64.shrS(rs1(g), g.imm))),
  iType('addiw', OP_IMM_32, 0, (g) => setWord(g, i32.add(low1(g), g.imm32))),
  shiftType('slliw', OP_IMM_32, 1, 0x00, 5, (g) => setWord(g, i32.shl(low1(g), g.imm32))),
  shiftType('srliw', OP_IMM_32, 5, 0x00, 5, (g) => setWord(g, i32.shrU(low1(g), g.imm32))),
  shiftType('sraiw', OP_IMM_32, 5, 0x20, 5, (g) => setWord(g, i32.shrS(low1(g), g.imm32))),
  // wasm shifts take their amount modulo the width, as RISC-V's do.
  rType('add', OP, 0, 0x00, (g) => g.setX(i64.add(rs1(g), rs2(g)))),
  rType('sub', OP, 0, 0x20, (g) => g.setX(i64.sub(rs1(g), rs2(g)))),
  rType('sll', OP, 1, 0x00, (g) => g.setX(i64.shl(rs1(g), rs2(g)))),
  rType('slt', OP, 2, 0x00, (g) => g.setX(flag(i64.ltS(rs1(g), rs2(g))))),
  rType('sltu', OP, 3, 0x00, (g) => g.setX(flag(i64.ltU(rs1(g), rs2(g))))),
  rType('xor', OP, 4, 0x00, (g) => g.setX(i64.xor(rs1(g), rs2(g)))),
  rType('srl', OP, 5, 0x00, (g) => g.setX(i64.shrU(rs1(g), rs2(g)))),
  rType('sra', OP, 5, 0x20, (g) => g.setX(i64.shrS(rs1(g), rs2(g)))),
  rType('or', OP, 6, 0x00, (g) => g.setX(i64.or(rs1(g), rs2(g)))),
  rType('and', OP, 7, 0x00, (g) => g.setX(i64.and(rs1(g), rs2(g)))),
  rType('addw', OP_32, 0, 0x00, (g) => setWord(g, i32.add(low1(g), low2(g)))),
  rType('subw', OP_32, 0, 0x20, (g) => setWord(g, i32.sub(low1(g), low2(g)))),
  rType('sllw', OP_32, 1, 0x00, (g) => setWord(g, i32.shl(low1(g), low2(g)))),
  rType('srlw', OP_32, 5, 0x00, (g) => setWord(g, i32.shrU(low1(g), low2(g)))),
  rType('sraw', OP_32, 5, 0x20, (g) => setWord(g, i32.shrS(low1(g), low2(g)))),
  // One hart runs at a time in an address space, so every fence is already kept.
  iType('fence', 0x0f, 0, () => undefined, 'NONE'),
  // Writes to pages with decoded code drop that code at once (see interpreter/code-pages.ts), so fetches are always coherent.
  iType('fence.i', 0x0f, 1, () => undefined, 'NONE'),
  row('ecall', 0xffffffff, 0x00000073, 'NONE', (g) => g.trap(TrapCause.syscall)),
  row('ebreak', 0xffffffff, 0x00100073, 'NONE', (g) => g.trap(TrapCause.breakpoint)),
  csr('csrrw', 1, false, true, (_old, operand) => operand),
  csr('csrrs', 2, false, false, (old, operand) => i64.or(old, operand)),
  csr('csrrc', 3, false, false, (old, operand) => i64.and(old, i64.xor(operand, i64.const(-1)))),
  csr('csrrwi', 5, true, true, (_old, operand) => operand),
  csr('csrrsi', 6, true, false, (old, operand) => i64.or(old, operand)),
  csr('csrrci', 7, true, false, (old, operand) => i64.and(old, i64.xor(operand, i64.const(-1)))),
];
