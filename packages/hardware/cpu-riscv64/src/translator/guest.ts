import { boxF32, Rounding, toF32 } from '../float/format.ts';
import { fusedByDoubles } from '../float/fused.ts';
import { isIllegalMode, writeHostLimit } from '../float/host-limit.ts';
import {
  type FcsrField,
  type Guest,
  type HelperName,
  type LoadOp,
  type SingleSum,
  type StoreSize,
  TrapCause,
  type TrapCode,
} from '../isa/instruction.ts';
import * as Layout from '../layout.ts';
import { type Callee, type Code, call, type Local } from '../wasm/code.ts';
import { type F32, type F64, f32, f64, type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import type { BlockLocals } from './block-locals.ts';
import type { Guard } from './guards.ts';
import type { Integers } from './integers.ts';
import type { Merge, Stored, Wide } from './merges.ts';
import type { Op } from './op.ts';
import { rs3 } from './operands.ts';
import { flagsAt, flagsOfBoth, isMisplaced } from './permissions.ts';
import { afterDouble, afterSingle, NO_SINGLES, type Singles, storeBoxed } from './singles.ts';

/** What a translated instruction needs of the region around it. */
export interface Surroundings {
  readonly code: Code;
  readonly integers: Integers;
  readonly f: readonly (Local<'f64'> | undefined)[];
  /** Registers as singles, of those that are read as such; see singles.ts. */
  readonly s: readonly (Local<'f32'> | undefined)[];
  /** Whether the host's relaxed_madd is there and rounds once. */
  readonly fuses: boolean;
  readonly blockLocals: BlockLocals;
  helper(name: HelperName): Callee;
  /** Leaves so that the interpreter executes the current instruction, of which nothing has happened yet. */
  sideExit(): void;
  /** Ends the block. */
  branch(condition: I32): void;
  jump(): void;
  jumpTo(target: I64): void;
  systemCall(): void;
}

/** What loads make of memory. */
export const LOAD: Readonly<Record<LoadOp, { bytes: number; load: (address: I32, offset: number) => I64 }>> = {
  load8s: { bytes: 1, load: i64.load8s },
  load8u: { bytes: 1, load: i64.load8u },
  load16s: { bytes: 2, load: i64.load16s },
  load16u: { bytes: 2, load: i64.load16u },
  load32s: { bytes: 4, load: i64.load32s },
  load32u: { bytes: 4, load: i64.load32u },
  load64: { bytes: 8, load: i64.load },
};
/** fflags, frm and fcsr, by their numbers as CSRs. */
const FCSR_FIELDS: Readonly<Record<number, FcsrField>> = {
  1: { shift: 0, width: 5 },
  2: { shift: 5, width: 3 },
  3: { shift: 0, width: 8 },
};
const STORE = { 1: 'i64_8', 2: 'i64_16', 4: 'i64_32', 8: 'i64' } as const;
const STORE_LOW = { 1: 'i32_8', 2: 'i32_16', 4: 'i32' } as const;
const zero = i32.const(0);

/** The semantics table's view of a translator: operands are constants, registers are locals, and what needs the host leaves. */
export class TranslatorGuest implements Guest {
  readonly code: Code;
  /** The instruction being written. */
  op!: Op;
  /** How its access is checked; see guards.ts. */
  guard: Guard | 'guarded' | undefined;
  /** What it is a part of, if it loads or stores a byte that others are next to; see merges.ts. */
  merge: Merge | undefined;
  /** Whether its result goes to memory at once. */
  stored = false;
  /** What is known of registers as singles before the current instruction. */
  singles: Singles = NO_SINGLES;
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.code = around.code;
    this.#around = around;
  }

  get imm(): I64 {
    return i64.const(this.op.imm);
  }

  get imm32(): I32 {
    return i32.const(this.op.imm);
  }

  get pc(): I64 {
    return i64.const(this.op.pc);
  }

  get nextPc(): I64 {
    return i64.const(this.op.pc + this.op.length);
  }

  get fcsr(): I32 {
    return i32.load(zero, Layout.FCSR);
  }

  get fcsrField(): FcsrField | undefined {
    return FCSR_FIELDS[this.op.imm & 0xfff];
  }

  /** There is no illegal mode in a region: see {@link isIllegalMode}. */
  roundingMode(): I32 {
    return this.mode === Rounding.DYNAMIC ? i32.shrU(this.fcsr, i32.const(5)) : i32.const(this.mode);
  }

  checkFcsr(value: I32): void {
    // fflags has no part of the mode.
    if (this.fcsrField?.width !== 5) this.code.ifRarely(isIllegalMode(value), () => this.#around.sideExit());
  }

  get reservation(): I64 {
    return i64.load(zero, Layout.RESERVATION);
  }

  x(operand: 'rs1' | 'rs2'): I64 {
    return this.#around.integers.operand(this.op[operand]);
  }

  setX(value: I64): void {
    const { rd } = this.op;
    if (rd === 0) {
      this.code.drop(value);
      return;
    }
    const { integers } = this.#around;
    integers.set(rd, value);
    if (this.stored) this.code.store('i64', zero, integers.value(rd), Layout.X + rd * 8);
  }

  f(operand: 'rs1' | 'rs2' | 'rs3'): I64 {
    return i64.fromBits(this.d(operand));
  }

  setF(bits: I64): void {
    this.setD(f64.fromBits(bits));
  }

  d(operand: 'rs1' | 'rs2' | 'rs3'): F64 {
    return this.#around.f[this.#floatRegister(operand)] as Local<'f64'>;
  }

  setD(value: F64): void {
    const { rd } = this.op;
    const local = this.#around.f[rd] as Local<'f64'>;
    this.code.set(local, value);
    if (this.stored) this.code.store('f64', zero, local, Layout.F + rd * 8);
    this.singles = afterDouble(this.singles, rd);
  }

  s(operand: 'rs1' | 'rs2' | 'rs3'): F32 {
    const register = this.#floatRegister(operand);
    if (((this.singles.known >>> register) & 1) !== 0) return this.#around.s[register] as Local<'f32'>;
    return toF32(this.code.let(this.f(operand)));
  }

  /** The register's double is made at once, but the host's optimiser leaves out what nobody looks at. */
  setS(value: F32): void {
    const { code } = this;
    const { rd } = this.op;
    const single = this.#around.s[rd] ?? code.local('f32');
    code.set(single, value);
    code.set(this.#around.f[rd] as Local<'f64'>, f64.fromBits(boxF32(single)));
    if (this.stored) storeBoxed(code, rd, single);
    this.singles = afterSingle(this.singles, rd);
  }

  half(operand: 'rs1' | 'rs2'): F32 {
    const register = this.#floatRegister(operand);
    if (((this.singles.boxed >>> register) & 1) !== 0) return this.#around.s[register] as Local<'f32'>;
    return f32.fromBits(i32.wrap(this.f(operand)));
  }

  get sourcesAreOne(): boolean {
    return this.op.rs1 === this.op.rs2;
  }

  get mode(): number {
    return (this.op.imm >>> 8) & 7;
  }

  get fast(): I32 {
    return i32.ne(this.hostLimit32, i32.const(0));
  }

  get hostLimit64(): I64 {
    return i64.load(zero, Layout.HOST_LIMIT);
  }

  get hostLimit32(): I32 {
    return i32.load(zero, Layout.HOST_LIMIT);
  }

  fcsrChanged(): void {
    writeHostLimit(this.code);
  }

  multiplyAdd(a: F64, b: F64, c: F64): F64 {
    return this.#around.fuses ? f64.relaxedMadd(a, b, c) : call('f64', this.helper('fmaNearest64'), a, b, c);
  }

  multiplyAddSingle(a: F32, b: F32, c: F32): SingleSum {
    return this.#around.fuses ? { sum: f32.relaxedMadd(a, b, c), isNearest: undefined } : fusedByDoubles(this.code, a, b, c);
  }

  setFcsr(value: I32): void {
    this.code.store('i32', zero, value, Layout.FCSR);
  }

  setReservation(address: I64): void {
    this.code.store('i64', zero, address, Layout.RESERVATION);
  }

  load(op: LoadOp, address: I64): I64 {
    const { bytes, load } = LOAD[op];
    this.#check(address, bytes, Layout.Perm.READ);
    return this.merge?.kind === 'loaded' ? this.#loaded(this.merge) : load(this.#base, this.#offset);
  }

  store(size: StoreSize, address: I64, value: I64): void {
    this.#check(address, size, Layout.Perm.WRITE);
    const { merge } = this;
    if (merge?.kind === 'left') return;
    if (merge?.kind === 'stored') this.#store(merge.bytes, this.#stored(merge), Layout.BASE + merge.low);
    else this.#store(size, value, this.#offset);
  }

  #store(size: StoreSize, value: I64, offset: number): void {
    if (size === 8 || value.low === undefined) this.code.store(STORE[size], this.#base, value, offset);
    else this.code.store(STORE_LOW[size], this.#base, value.low, offset);
  }

  loadDouble(address: I64): F64 {
    this.#check(address, 8, Layout.Perm.READ);
    return f64.load(this.#base, this.#offset);
  }

  storeDouble(address: I64, value: F64): void {
    this.#check(address, 8, Layout.Perm.WRITE);
    this.code.store('f64', this.#base, value, this.#offset);
  }

  loadSingle(address: I64): F32 {
    this.#check(address, 4, Layout.Perm.READ);
    return f32.load(this.#base, this.#offset);
  }

  storeSingle(address: I64, value: F32): void {
    this.#check(address, 4, Layout.Perm.WRITE);
    this.code.store('f32', this.#base, value, this.#offset);
  }

  atomic(size: 4 | 8, address: I64): I32 {
    return this.#place(address, size, Layout.Perm.WRITE);
  }

  reserve(size: 4 | 8, address: I64): I32 {
    return this.#place(address, size, Layout.Perm.READ);
  }

  placeLoad(size: 4 | 8, place: I32): I64 {
    return LOAD[size === 4 ? 'load32s' : 'load64'].load(place, Layout.BASE);
  }

  placeStore(size: 4 | 8, place: I32, value: I64): void {
    this.code.store(size === 4 ? 'i64_32' : 'i64', place, value, Layout.BASE);
  }

  branch(condition: I32): void {
    this.#around.branch(condition);
  }

  jump(): void {
    this.#around.jump();
  }

  jumpTo(target: I64): void {
    this.#around.jumpTo(target);
  }

  /** Only counters look at the fuel, and those are not translated. */
  publishFuel(): void {}

  trap(cause: TrapCode): void {
    if (cause === TrapCause.syscall) this.#around.systemCall();
    else this.#around.sideExit();
  }

  helper(name: HelperName): Callee {
    return this.#around.helper(name);
  }

  /** Gives the bytes that were loaded at once to the register that the instruction puts them together in. */
  setWhole({ wide, isSigned }: Merge & { kind: 'whole' }): void {
    const whole = this.#whole(wide);
    this.setX(isSigned ? i64.extend32(whole) : whole);
  }

  /** One byte, and first of all the wide load if it is the first of its bytes. */
  #loaded({ wide, byte, isFirst }: Merge & { kind: 'loaded' }): I64 {
    const { code } = this;
    const offset = Layout.BASE + wide.low;
    const local = this.#around.blockLocals.wide(wide);
    if (local.type === 'i64') {
      if (isFirst) code.set(local, i64.load(this.#base, offset));
      return i64.and(i64.shrU(local, i64.const(byte * 8)), i64.const(0xff));
    }
    if (isFirst) code.set(local, (wide.bytes === 4 ? i32.load : i32.load16u)(this.#base, offset));
    return i64.extendU(i32.and(i32.shrU(local, i32.const(byte * 8)), i32.const(0xff)));
  }

  #whole(wide: Wide): I64 {
    const local = this.#around.blockLocals.wide(wide);
    if (local.type === 'i64') return local;
    return i64.extendU(wide.bytes === 2 ? i32.natural(local) : local);
  }

  #stored({ value }: { readonly value: Stored }): I64 {
    if (value.kind === 'wide') return this.#whole(value.wide);
    const { integers } = this.#around;
    if (value.kind === 'register') return i64.shrU(integers.operand(value.register), i64.const(value.without * 8));
    const bytes = value.registers.map((r, k) => {
      const low = i32.wrap(integers.operand(r));
      return k === 3 ? i32.shl(low, i32.const(24)) : i32.shl(i32.and(low, i32.const(0xff)), i32.const(k * 8));
    });
    const [a, b, c, d] = bytes as [I32, I32, I32, I32];
    return i64.extendU(i32.or(i32.or(a, b), i32.or(c, d)));
  }

  #floatRegister(operand: 'rs1' | 'rs2' | 'rs3'): number {
    return operand === 'rs3' ? rs3(this.op) : this.op[operand];
  }

  /**
   * Where the base register of a load or store points, and the distance of the access from there in the module's memory. Once the access was found
   * to be good its address is in a mapped page, none of which is within a displacement of 0 or of 4 GiB: the sum of the low half and the displacement
   * is that of all 64 bits, and the host adds it for nothing.
   */
  get #base(): I32 {
    return i32.wrap(this.x('rs1'));
  }

  get #offset(): number {
    return Layout.BASE + this.op.imm;
  }

  #place(address: I64, bytes: number, perm: number): I32 {
    const at = this.code.let(address);
    this.#require(at, bytes, flagsAt(i32.wrap(at)), perm);
    return i32.wrap(at);
  }

  /** Lets an aligned access below 4 GiB to a page with the right in its byte go ahead; everything else is for the interpreter. */
  #check(address: I64, bytes: number, perm: number): void {
    const { guard } = this;
    if (guard === undefined) this.#place(address, bytes, perm);
    else if (guard !== 'guarded') this.#writeGuard(guard, bytes);
  }

  #writeGuard(guard: Guard, bytes: number): void {
    const { low, high, right } = guard;
    const base = this.x('rs1');
    if (high - low === bytes - 1) {
      // The access alone, but for what is stored there later on.
      this.#place(i64.add(base, i64.const(low)), bytes, right);
      return;
    }
    this.#require(i64.add(base, i64.const(low)), 1, flagsOfBoth(base, guard), right);
  }

  /** Leaves if an address is 4 GiB or more, or not a multiple of `bytes`, or the right is missing in `flags`. */
  #require(address: I64, bytes: number, flags: I32, right: number): void {
    const { code } = this;
    code.block((good) => {
      code.block((bad) => {
        code.brIf(bad, isMisplaced(address, bytes), false);
        code.brIf(good, i32.and(flags, i32.const(right)), true);
      });
      this.#around.sideExit();
    });
  }
}
