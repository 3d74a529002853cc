import type { Riscv64Context } from '@ashlar/hardware';
import type { SignalInfo } from '@ashlar/kernel-stub';
import { isFault, putFaultAddress, putSignalInfo } from './structures.ts';
import { getUnsignedWord, putWord } from './word.ts';

/**
 * struct rt_sigframe of riscv64 Linux (arch/riscv/kernel/signal.c): siginfo, then ucontext. Without vector state, and with the zero header that
 * ends the list of extension contexts.
 *
 *     0     siginfo_t            128
 *     128   uc_flags, uc_link    16
 *     144   uc_stack             24
 *     168   uc_sigmask           8 (of 128 reserved)
 *     304   sc_regs              pc, x1 … x31
 *     560   sc_fpregs            f0 … f31, fcsr; 528 reserved
 */
export const SIGFRAME_BYTES = 1088;
const UCONTEXT = 128;
const STACK = UCONTEXT + 16;
const MASK = UCONTEXT + 40;
const GENERAL = UCONTEXT + 176;
const FLOAT = GENERAL + 256;
const FLOAT_STATE_BYTES = 260;
/** Linux refuses a frame whose reserved words after the float state are not zero. */
const RESERVED = FLOAT + 516;

const RA = 1;
const SP = 2;
const A0 = 10;
const A1 = 11;
const A2 = 12;

export interface AlternateStack {
  readonly base: number;
  readonly bytes: number;
  readonly flags: number;
}

/** One frame, in a buffer of its own that is used again for the next. */
export class SignalFrame {
  readonly bytes = new Uint8Array(SIGFRAME_BYTES);
  readonly #view = new DataView(this.bytes.buffer);
  readonly #general = this.bytes.subarray(GENERAL, GENERAL + 256);
  readonly #float = this.bytes.subarray(FLOAT, FLOAT + FLOAT_STATE_BYTES);

  /** Takes the registers as they are, and what else sigreturn will need. */
  fill(context: Riscv64Context, info: SignalInfo, maskLow: number, maskHigh: number, stack: AlternateStack): void {
    this.bytes.fill(0);
    putSignalInfo(this.#view, 0, info);
    if (isFault(info) && !Number.isSafeInteger(info.address)) putFaultAddress(this.#view, 0, context.faultLow, context.faultHigh);
    putWord(this.#view, STACK, stack.base);
    this.#view.setInt32(STACK + 8, stack.flags, true);
    putWord(this.#view, STACK + 16, stack.bytes);
    this.#view.setInt32(MASK, maskLow, true);
    this.#view.setInt32(MASK + 4, maskHigh, true);
    context.copyGeneralTo(this.#general);
    context.copyFloatTo(this.#float);
  }

  /** The interrupted call is finished with `result`: sigreturn goes on after it. */
  finishCall(pc: number, result: number): void {
    putWord(this.#view, GENERAL, pc + 4);
    putWord(this.#view, GENERAL + A0 * 8, result);
  }

  /** Makes the context enter a handler whose frame is at `at`. */
  static enter(context: Riscv64Context, at: number, signal: number, handler: number, sigreturn: number): void {
    context.writeNumber(RA, sigreturn);
    context.writeNumber(SP, at);
    context.writeNumber(A0, signal);
    context.writeNumber(A1, at);
    context.writeNumber(A2, at + UCONTEXT);
    context.pc = (handler - (handler % 2)) as Riscv64Context['pc'];
  }

  /** Whether the frame in `bytes` is one that sigreturn accepts. */
  get valid(): boolean {
    const view = this.#view;
    return view.getUint32(RESERVED, true) === 0 && view.getUint32(RESERVED + 4, true) === 0 && view.getUint32(RESERVED + 8, true) === 0;
  }

  /** Puts the registers of the frame back. */
  restore(context: Riscv64Context): void {
    context.copyGeneralFrom(this.#general);
    context.copyFloatFrom(this.#float);
  }

  get maskLow(): number {
    return this.#view.getInt32(MASK, true);
  }

  get maskHigh(): number {
    return this.#view.getInt32(MASK + 4, true);
  }

  get stack(): AlternateStack {
    const view = this.#view;
    return { base: getUnsignedWord(view, STACK), flags: view.getInt32(STACK + 8, true), bytes: getUnsignedWord(view, STACK + 16) };
  }
}
