import { boxF32, Rounding, toF32 } from '../float/format.ts';
import { fusedByDoubles } from '../float/fused.ts';
import { HOST_LIMIT32, HOST_LIMIT64 } from '../float/plain.ts';
import { type Guest, type HelperName, type LoadOp, type SingleSum, type StoreSize, TrapCause, type TrapCode } from '../isa/instruction.ts';
import { FAST_FCSR } from '../isa/rounding.ts';
import * as Layout from '../layout.ts';
import { type Callee, type Code, call, type Label, type Local } from '../wasm/code.ts';
import { choose, type F32, type F64, f32, f64, type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import { Stop } from './stops.ts';

/** The interpreter's state in wasm locals, and the places its cases can go to. */
export interface Machinery {
  readonly code: Code;
  /** Address of the current entry. */
  readonly entry: Local<'i32'>;
  /** The entry's first word. */
  readonly word: Local<'i32'>;
  /** Instructions that may still be retired, the current one not among those that were. */
  readonly fuel: Local<'i32'>;
  /** Input of `enter`. */
  readonly target: Local<'i32'>;
  readonly stop: Local<'i32'>;
  /** Where translated code says to go on. */
  readonly where: Local<'i64'>;
  /** Find the entry of `target` and go on there. */
  readonly enter: Label;
  /** Execute at `entry`. */
  readonly next: Label;
  /** Return `stop`; `entry` is the instruction that did not complete. */
  readonly exit: Label;
  /** Return `stop`; the pc is in memory already. */
  readonly leave: Label;
  readonly helpers: ReadonlyMap<HelperName, Callee>;
  readonly hostTrap: Callee;
  readonly hot: Callee;
  readonly probe: Callee;
  readonly note: Callee;
}

const LOAD: Readonly<Record<LoadOp, { bytes: number; load: (address: I32, offset: number) => I64 }>> = {
  load8s: { bytes: 1, load: i64.load8s },
  load8u: { bytes: 1, load: i64.load8u },
  load16s: { bytes: 2, load: i64.load16s },
  load16u: { bytes: 2, load: i64.load16u },
  load32s: { bytes: 4, load: i64.load32s },
  load32u: { bytes: 4, load: i64.load32u },
  load64: { bytes: 8, load: i64.load },
};
const STORE = { 1: 'i64_8', 2: 'i64_16', 4: 'i64_32', 8: 'i64' } as const;

/** The register that functions are called with. */
const RETURN_ADDRESS = 1;

/** Address of the instruction of an entry. Read from memory where it is wanted: V8 computes what many cases have in common in front of all of them. */
export function pcOf(entry: I32): I64 {
  return i64.shrU(i64.add(i64.extendU(entry), i64.load(i32.const(0), Layout.BIAS)), i64.const(2));
}

/** Counts `jumps` down, and reports a jump `to` that the countdown came to. */
export function sampleJump(code: Code, hot: Callee, jumps: number, to: I32): void {
  const zero = i32.const(0);
  const countdown = code.let(i32.sub(i32.load(zero, Layout.COUNTDOWN), i32.const(jumps)));
  code.if(i32.ltS(countdown, zero), () => code.set(countdown, call('i32', hot, to)));
  code.store('i32', zero, countdown, Layout.COUNTDOWN);
}

/** The semantics table's view of the interpreter: operands come from the entry, registers are in memory. */
export class InterpreterGuest implements Guest {
  readonly code: Code;
  readonly sourcesAreOne = false;
  readonly mode = undefined;
  readonly fcsrField = undefined;
  readonly #m: Machinery;
  readonly #near: boolean;

  constructor(machinery: Machinery, near: boolean) {
    this.code = machinery.code;
    this.#m = machinery;
    this.#near = near;
  }

  get imm(): I64 {
    return i64.load32s(this.#m.entry, 4);
  }

  get imm32(): I32 {
    return i32.load(this.#m.entry, 4);
  }

  get pc(): I64 {
    return pcOf(this.#m.entry);
  }

  get nextPc(): I64 {
    return i64.extendU(i32.add(this.#pc(), i32.shrU(this.#length(), i32.const(2))));
  }

  get fcsr(): I32 {
    return i32.load(i32.const(0), Layout.FCSR);
  }

  roundingMode(): I32 {
    const { code } = this;
    const mode = code.let(i32.and(i32.shrU(this.imm32, i32.const(8)), i32.const(7)));
    code.if(i32.eq(mode, i32.const(Rounding.DYNAMIC)), () => {
      code.set(mode, i32.shrU(this.fcsr, i32.const(5)));
      code.if(i32.gtU(mode, i32.const(Rounding.NEAREST_MAX_MAGNITUDE)), () => this.trap(TrapCause.illegal));
    });
    return mode;
  }

  /** Instructions look for themselves. */
  checkFcsr(): void {}

  get reservation(): I64 {
    return i64.load(i32.const(0), Layout.RESERVATION);
  }

  x(operand: 'rs1' | 'rs2'): I64 {
    return i64.load(this.#register(operand), Layout.X);
  }

  setX(value: I64): void {
    this.code.store('i64', this.#destination(), value, Layout.X);
  }

  f(operand: 'rs1' | 'rs2' | 'rs3'): I64 {
    // rs3 is in the top byte of the immediate, times 8.
    return i64.load(operand === 'rs3' ? i32.load8u(this.#m.entry, 7) : this.#register(operand), Layout.F);
  }

  setF(bits: I64): void {
    this.code.store('i64', this.#destination(), bits, Layout.F);
  }

  d(operand: 'rs1' | 'rs2' | 'rs3'): F64 {
    return f64.load(operand === 'rs3' ? i32.load8u(this.#m.entry, 7) : this.#register(operand), Layout.F);
  }

  setD(value: F64): void {
    this.code.store('f64', this.#destination(), value, Layout.F);
  }

  s(operand: 'rs1' | 'rs2' | 'rs3'): F32 {
    return toF32(this.code.let(this.f(operand)));
  }

  setS(value: F32): void {
    this.setF(boxF32(value));
  }

  half(operand: 'rs1' | 'rs2'): F32 {
    return f32.load(this.#register(operand), Layout.F);
  }

  get fast(): I32 {
    return i32.eq(i32.and(this.fcsr, this.imm32), i32.const(FAST_FCSR));
  }

  get hostLimit64(): I64 {
    return i64.select(this.fast, HOST_LIMIT64, i64.const(0));
  }

  get hostLimit32(): I32 {
    return i32.select(this.fast, HOST_LIMIT32, i32.const(0));
  }

  /** It is looked at anew by each instruction. */
  fcsrChanged(): void {}

  multiplyAddSingle(a: F32, b: F32, c: F32): SingleSum {
    return fusedByDoubles(this.code, a, b, c);
  }

  multiplyAdd(a: F64, b: F64, c: F64): F64 {
    return call('f64', this.helper('fmaNearest64'), a, b, c);
  }

  setFcsr(value: I32): void {
    this.code.store('i32', i32.const(0), value, Layout.FCSR);
  }

  setReservation(address: I64): void {
    this.code.store('i64', i32.const(0), address, Layout.RESERVATION);
  }

  load(op: LoadOp, address: I64): I64 {
    const { bytes, load } = LOAD[op];
    const at = this.code.let(address);
    this.#check(at, bytes, Layout.Perm.READ);
    return load(i32.wrap(at), Layout.BASE);
  }

  store(size: StoreSize, address: I64, value: I64): void {
    const at = this.code.let(address);
    this.#check(at, size, Layout.Perm.WRITE);
    this.code.store(STORE[size], i32.wrap(at), value, Layout.BASE);
  }

  loadDouble(address: I64): F64 {
    const at = this.code.let(address);
    this.#check(at, 8, Layout.Perm.READ);
    return f64.load(i32.wrap(at), Layout.BASE);
  }

  storeDouble(address: I64, value: F64): void {
    const at = this.code.let(address);
    this.#check(at, 8, Layout.Perm.WRITE);
    this.code.store('f64', i32.wrap(at), value, Layout.BASE);
  }

  loadSingle(address: I64): F32 {
    const at = this.code.let(address);
    this.#check(at, 4, Layout.Perm.READ);
    return f32.load(i32.wrap(at), Layout.BASE);
  }

  storeSingle(address: I64, value: F32): void {
    const at = this.code.let(address);
    this.#check(at, 4, Layout.Perm.WRITE);
    this.code.store('f32', i32.wrap(at), value, Layout.BASE);
  }

  atomic(size: 4 | 8, address: I64): I32 {
    return this.#place(size, address, Layout.Perm.WRITE);
  }

  reserve(size: 4 | 8, address: I64): I32 {
    return this.#place(size, address, Layout.Perm.READ);
  }

  placeLoad(size: 4 | 8, place: I32): I64 {
    return size === 4 ? i64.load32s(place, Layout.BASE) : i64.load(place, Layout.BASE);
  }

  placeStore(size: 4 | 8, place: I32, value: I64): void {
    this.code.store(size === 4 ? 'i64_32' : 'i64', place, value, Layout.BASE);
  }

  branch(condition: I32): void {
    this.code.if(condition, () => this.jump());
  }

  jump(): void {
    const { code, entry, word, target, hot, next, enter } = this.#m;
    this.#retire();
    if (this.#near) {
      // `word` is free until the next dispatch.
      code.set(word, this.imm32);
      code.set(entry, i32.add(entry, word));
      // Only jumps backwards count.
      code.if(i32.ltS(word, i32.const(0)), () => sampleJump(code, hot, 1, this.#pc()));
      code.br(next);
    } else {
      code.set(target, i32.add(this.#pc(), this.imm32));
      sampleJump(code, hot, 1, target);
      code.br(enter);
    }
  }

  jumpTo(address: I64): void {
    const { code, target, hot, enter, stop, leave, note } = this.#m;
    this.#retire();
    code.if(i64.eq(address, i64.load(i32.const(0), Layout.BACK)), () => {
      code.set(stop, i32.const(Stop.BACK));
      code.br(leave);
    });
    code.set(target, i32.wrap(address));
    code.if(i64.geU(address, i64.const(Layout.BELOW_ZERO)), () => {
      code.store('i64', i32.const(0), address, Layout.PC);
      code.set(stop, i32.const(Stop.WILD));
      code.br(leave);
    });
    code.if(i32.eq(this.#destination(), i32.const(RETURN_ADDRESS * 8)), () => code.call(note, this.#pc(), target));
    sampleJump(code, hot, 1, target);
    code.br(enter);
  }

  publishFuel(): void {
    // For a trap, the host takes a unit when the instruction has completed.
    this.code.store('i32', i32.const(0), this.#m.fuel, Layout.FUEL);
  }

  trap(cause: TrapCode): void {
    const { code, fuel, hostTrap, stop, leave, enter, target } = this.#m;
    this.publishFuel();
    code.store('i64', i32.const(0), this.pc, Layout.PC);
    code.set(stop, i32.const(Stop.HOST));
    code.set(target, call('i32', hostTrap, i32.const(cause)));
    code.set(fuel, i32.load(i32.const(0), Layout.FUEL));
    code.brIf(leave, target);
    code.set(target, i32.load(i32.const(0), Layout.PC));
    code.br(enter);
  }

  helper(name: HelperName): Callee {
    const callee = this.#m.helpers.get(name);
    if (callee === undefined) throw new Error(`the interpreter has no helper ${name}`);
    return callee;
  }

  /** Falls to the following instruction. */
  fallThrough(): void {
    const { code, entry, next } = this.#m;
    this.#retire();
    code.set(entry, i32.add(entry, this.#length()));
    code.br(next);
  }

  /** The instruction is complete. */
  #retire(): void {
    const { code, fuel } = this.#m;
    code.set(fuel, i32.sub(fuel, i32.const(1)));
  }

  #pc(): I32 {
    return i32.wrap(pcOf(this.#m.entry));
  }

  #length(): I32 {
    return i32.and(this.#m.word, i32.const(Layout.Entry.LENGTH_MASK));
  }

  #register(operand: 'rs1' | 'rs2'): I32 {
    const shift = (operand === 'rs1' ? Layout.Entry.RS1_SHIFT : Layout.Entry.RS2_SHIFT) - 3;
    return i32.and(i32.shrU(this.#m.word, i32.const(shift)), i32.const(31 * 8));
  }

  #destination(): I32 {
    return i32.and(i32.shrU(this.#m.word, i32.const(Layout.Entry.RD_SHIFT - 3)), i32.const(63 * 8));
  }

  /**
   * Lets an aligned access below 4 GiB to a page with the right in its byte go ahead; everything else asks `probe`, which may make the page
   * present, and leaves at the instruction if it is refused.
   */
  #check(at: Local<'i64'>, bytes: number, perm: number): void {
    const { code, probe } = this.#m;
    const right = i32.and(i32.load8u(i32.wrap(i64.shrU(at, i64.const(Layout.PAGE_SHIFT))), Layout.PERMS), i32.const(perm));
    const plain = i64.eqz(i64.and(at, i64.words(-1, bytes - 1)));
    code.if(i32.eqz(choose(plain, right, i32.const(0))), () => {
      code.if(i32.eqz(call('i32', probe, at, i32.const(bytes), i32.const(perm))), () => this.#stop());
    });
  }

  #place(size: 4 | 8, address: I64, perm: number): I32 {
    const { code, probe } = this.#m;
    const at = code.let(address);
    this.#check(at, size, perm);
    // A misaligned address that `probe` allows is refused here: with a size of 0 it reports the misalignment.
    code.if(i32.ne(i32.and(i32.wrap(at), i32.const(size - 1)), i32.const(0)), () => {
      code.call(probe, at, i32.const(0), i32.const(perm));
      this.#stop();
    });
    return i32.wrap(at);
  }

  #stop(): void {
    const { code, stop, exit } = this.#m;
    code.set(stop, i32.const(Stop.HOST));
    code.br(exit);
  }
}
