import { type Exit, type GuestAddress, type Trap, TrapAnswer, type TrapHandler } from '@ashlar/hardware';
import type { CodePages } from './code-pages.ts';
import type { Context, Holder } from './context.ts';
import type { Counters } from './counters.ts';
import type { Engine, Views } from './engine.ts';
import type { InterpreterImports } from './interpreter/module.ts';
import { Stop } from './interpreter/stops.ts';
import { TrapCause } from './isa/instruction.ts';
import { BACK, BASE, BELOW_ZERO, DEPTH, F, FUEL, NOWHERE, PAGE_SHIFT, PC, Perm, RETIRED_END, X } from './layout.ts';
import { pageOf, type Residency } from './residency.ts';
import type { Translator } from './translator/translator.ts';

/** Most instructions between two entries of the wasm function: V8 replaces its code only when it is entered anew. */
const SLICE = 1 << 20;
const HIGH = 0x1_0000_0000;

/** What the module's host decided when it told the module to stop. */
type Outcome = 'left' | 'interrupted' | 'fault' | 'stalled' | 'wild' | 'folded';

/** Where the register lies that a store instruction stores: 32-bit, or compressed (unprivileged ISA manual, 26.3). */
function storedRegister(word: number): number {
  const isLong = (word & 3) === 3;
  const isFloat = isLong ? (word & 0x7f) === 0x27 : ((word >>> 13) & 7) === 5;
  const short = (word & 3) === 0 ? 8 + ((word >>> 2) & 7) : (word >>> 2) & 31;
  return (isFloat ? F : X) + (isLong ? (word >>> 20) & 31 : short) * 8;
}

const noHandler: TrapHandler = () => TrapAnswer.LEAVE;

/** Runs contexts in one space: what the generated interpreter cannot decide by itself is decided here. */
export class Hart implements InterpreterImports, Holder {
  readonly #engine: Engine;
  readonly #residency: Residency;
  readonly #code: CodePages;
  /** Contexts with a reservation that are not loaded. */
  readonly #reserving = new Set<Context>();
  #loaded: Context | undefined;
  #onTrap: TrapHandler = noHandler;
  #outcome: Outcome = 'left';
  /** Of a store to two pages that cannot be present together, when the outcome is `folded`. */
  readonly #folded = { address: 0, bytes: 0 };

  readonly #translator: Translator | undefined;
  readonly #counters: Counters;

  constructor(engine: Engine, residency: Residency, code: CodePages, translator: Translator | undefined, counters: Counters) {
    this.#counters = counters;
    this.#translator = translator;
    this.#engine = engine;
    this.#residency = residency;
    this.#code = code;
    engine.host = this;
  }

  get views(): Views {
    return this.#engine.views;
  }

  run(context: Context, onTrap: TrapHandler, budget: number): Exit {
    this.#load(context);
    this.#onTrap = onTrap;
    context.stalledOn = undefined;
    let rest = budget;
    for (;;) {
      if (context.interrupted) {
        context.interrupted = false;
        return 'interrupted';
      }
      if (rest === 0) return 'budget';
      const slice = Math.min(rest, SLICE);
      this.#begin(context, slice);
      const stop = this.#isWild() ? Stop.WILD : this.#engine.run();
      if (stop === Stop.HOST && this.#outcome === 'folded') this.#storeFolded();
      const used = slice - (this.#engine.u32[FUEL >> 2] as number);
      rest -= used;
      this.#counters.instructions += used;
      this.#translator?.ran(used);
      if (stop === Stop.BUDGET) continue;
      const outcome = stop === Stop.WILD ? 'wild' : this.#outcome;
      if (outcome === 'wild') {
        // A fetch belongs to the instruction that it would bring: not within this budget.
        if (rest === 0) return 'budget';
        this.#recordFetch(context);
      }
      if (outcome === 'left' || outcome === 'stalled') return outcome;
      if (outcome === 'interrupted' || outcome === 'folded') continue;
      context.clearReservation();
      this.#counters.faults++;
      if (onTrap(context, context.trap) === TrapAnswer.LEAVE) return 'left';
      // A handler that only answers RESUME still comes to the end of its budget. Not retired: the instruction did not complete.
      rest--;
    }
  }

  /** A context leaves this space, or its registers are wanted elsewhere. */
  unload(context: Context): void {
    this.#unwatch(context);
    if (this.#loaded !== context) return;
    context.moveOut();
    this.#loaded = undefined;
  }

  unloadAny(): void {
    this.#loaded?.moveOut();
    this.#loaded = undefined;
  }

  /** A store to a watched page: reservations of contexts that wait are lost, as to any other hart's store. */
  loseReservations(page: number): void {
    for (const context of this.#reserving) {
      if (pageOf(context.reservation) !== page) continue;
      context.clearReservation();
      this.#unwatch(context);
    }
  }

  /** The kernel stored to the page, or another space may store to it now. */
  storedFromOutside(page: number): void {
    const loaded = this.#loaded;
    if (loaded !== undefined && pageOf(loaded.reservation) === page) loaded.clearReservation();
  }

  // ───── what the module asks ─────

  trap(cause: number): number {
    const context = this.#loaded as Context;
    const { trap } = context;
    const { u32 } = this.#engine;
    const low = u32[PC >> 2] as number;
    trap.cause = cause === TrapCause.syscall ? 'syscall' : cause === TrapCause.breakpoint ? 'breakpoint' : 'illegal';
    if (cause === TrapCause.syscall) this.#counters.systemCalls++;
    else this.#counters.otherTraps++;
    trap.address = low as GuestAddress;
    trap.access = 'execute';
    trap.reason = 'none';
    context.clearReservation();
    const answer = this.#onTrap(context, trap);
    const after = this.#engine.u32;
    // A system call that moved the pc is complete; any other trap that resumes uses fuel without completing an instruction.
    const completed = cause === TrapCause.syscall && after[PC >> 2] !== low;
    if (completed || answer === TrapAnswer.RESUME) after[FUEL >> 2] = (after[FUEL >> 2] as number) - 1;
    if (!completed && answer === TrapAnswer.RESUME) this.#setRetiredEnd(context, context.retiredEnd - 1);
    if (answer === TrapAnswer.LEAVE) return this.#stop('left');
    if (this.#isWild()) return this.#stop('wild');
    if (context.interrupted) return this.#stop('interrupted');
    return 0;
  }

  miss(low: number, high: number, bytes: number, perm: number): number {
    const access = perm === Perm.WRITE ? 'write' : 'read';
    this.#counters.misses++;
    if (bytes === 0) return this.#refuse(low, high, access, 'misaligned');
    const residency = this.#residency;
    const address = (low >>> 0) + (high >>> 0) * HIGH;
    const first = pageOf(address);
    const last = pageOf(address + bytes - 1);
    if (!residency.touch(first, perm)) return this.#refuse(low, high, access);
    if (last === first) return 1;
    if (!residency.touch(last, perm)) return this.#refusePage(last, access);
    // Two places of one page of a shared object, which has moved on to the second. What is read is still at the first; what is written there would be lost.
    if (perm !== Perm.WRITE || (residency.flags(first) & Perm.PRESENT) !== 0) return 1;
    this.#folded.address = address;
    this.#folded.bytes = bytes;
    this.#outcome = 'folded';
    return 0;
  }

  enter(pc: number): number {
    const page = pc >>> PAGE_SHIFT;
    if (!this.#residency.touch(page, Perm.EXEC)) return this.#refuse(pc, 0, 'execute');
    if (this.#translator !== undefined) this.#translator.origin ??= page;
    return this.#code.slot(page);
  }

  follow(page: number): number {
    return this.#residency.touch(page, Perm.EXEC) ? 1 : this.#refusePage(page, 'execute');
  }

  hot(pc: number): number {
    return this.#translator?.sample(pc >>> 0) ?? 0x7fff_ffff;
  }

  // ─────

  #load(context: Context): void {
    const before = this.#loaded;
    if (before === context) return;
    if (before !== undefined) {
      this.#watch(before);
      before.moveOut();
      this.#loaded = undefined;
    }
    if (context.holder !== undefined && context.holder !== this) {
      context.clearReservation();
      context.holder.unload(context);
    }
    if (context.watcher !== undefined && context.watcher !== this) {
      context.clearReservation();
      context.watcher.unload(context);
    }
    this.#unwatch(context);
    context.moveTo(this);
    this.#loaded = context;
  }

  /** Another context is about to run: it must not store to what this one reserved without notice. */
  #watch(context: Context): void {
    const { reservation } = context;
    if (reservation < 0) return;
    this.#reserving.add(context);
    context.watcher = this;
    this.#residency.watch(pageOf(reservation));
  }

  #unwatch(context: Context): void {
    this.#reserving.delete(context);
    context.watcher = undefined;
  }

  /** Begins a slice of `fuel` instructions, with no call that translated code waits for. */
  #begin(context: Context, fuel: number): void {
    const { retired } = context;
    const { u32, i32 } = this.#engine;
    u32[FUEL >> 2] = fuel;
    i32[BACK >> 2] = NOWHERE;
    i32[(BACK >> 2) + 1] = NOWHERE;
    i32[DEPTH >> 2] = 0;
    this.#setRetiredEnd(context, retired + fuel);
  }

  #setRetiredEnd(context: Context, end: number): void {
    context.retiredEnd = end;
    this.#engine.i32[RETIRED_END >> 2] = end;
    this.#engine.i32[(RETIRED_END >> 2) + 1] = Math.floor(end / HIGH);
  }

  #isWild(): boolean {
    const { u32 } = this.#engine;
    return u32[(PC >> 2) + 1] !== 0 || (u32[PC >> 2] as number) >= BELOW_ZERO;
  }

  #recordFetch(context: Context): void {
    const { trap } = context;
    const { i32 } = this.#engine;
    trap.cause = 'fault';
    this.#recordAddress(context, i32[PC >> 2] as number, i32[(PC >> 2) + 1] as number);
    trap.access = 'execute';
    trap.reason = 'unmapped';
  }

  /** From 2^63 on as a negative number, which is exact near the top. */
  #recordAddress(context: Context, low: number, high: number): void {
    context.trap.address = ((low >>> 0) + high * HIGH) as GuestAddress;
    context.faultLow = low;
    context.faultHigh = high;
  }

  #stop(outcome: Outcome): 1 {
    this.#outcome = outcome;
    return 1;
  }

  /** Completes the store at PC, which `miss` allowed, a byte at a time: its pages come one after the other. */
  #storeFolded(): void {
    const { address, bytes } = this.#folded;
    const engine = this.#engine;
    const pc = engine.u32[PC >> 2] as number;
    const low = this.#halfword(pc);
    const isLong = (low & 3) === 3;
    const from = storedRegister(isLong ? low | (this.#halfword(pc + 2) << 16) : low);
    for (let i = 0; i < bytes; i++) {
      this.#residency.touch(pageOf(address + i), Perm.WRITE);
      engine.u8[BASE + address + i] = engine.u8[from + i] as number;
    }
    engine.u32[PC >> 2] = pc + (isLong ? 4 : 2);
    engine.u32[FUEL >> 2] = (engine.u32[FUEL >> 2] as number) - 1;
  }

  /** Of an instruction that was just executed. */
  #halfword(pc: number): number {
    this.#residency.touch(pageOf(pc), Perm.EXEC);
    return this.#engine.u16[(BASE + pc) >> 1] as number;
  }

  #refusePage(page: number, access: Trap['access']): 0 {
    return this.#refuse((page << PAGE_SHIFT) | 0, 0, access);
  }

  /** Notes why an access was refused; gives the 0 that the module expects. The address in signed halves. */
  #refuse(low: number, high: number, access: Trap['access'], reason?: 'misaligned'): 0 {
    const context = this.#loaded as Context;
    const { trap } = context;
    const { refusal, wait } = this.#residency;
    this.#recordAddress(context, low, high);
    trap.access = access;
    trap.cause = 'fault';
    trap.reason = 'none';
    this.#outcome = 'fault';
    if (reason !== undefined) trap.reason = reason;
    else if (refusal === 'nomemory') trap.cause = 'nomemory';
    else if (refusal === 'wait') {
      context.stalledOn = wait;
      this.#outcome = 'stalled';
    } else trap.reason = refusal;
    return 0;
  }
}
