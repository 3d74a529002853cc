import type { AddressSpace, MemoryAccount } from './memory.ts';
import type { PartReader, PartWriter } from './state.ts';
import type { GuestAddress, Isa, Reply, Result, Wait } from './value.ts';

/**
 * The state of one thread of guest execution: registers, program counter. Opaque to kernel stubs; {@link Riscv64Context} and
 * {@link Wasm32Context} extend it, and only the personality for that instruction set looks inside.
 */
export interface Context {
  readonly isa: Isa;
  /** Guest instructions completed since the context was made, exact at every trap and exit. */
  readonly retired: number;
  /** -ENOSYS unless traits.saveable. */
  save(out: PartWriter): Reply;
  restore(part: PartReader): Reply;
  /** Frees what the context holds. */
  destroy(): void;
}

/** Why the guest stopped at an instruction. One record per context, overwritten by each trap. */
export interface Trap {
  readonly cause: 'syscall' | 'fault' | 'illegal' | 'breakpoint' | 'nomemory';
  /** Fault: the address accessed (from 2^63 on as a negative number, which is exact near the top). Otherwise: the address of the instruction. */
  readonly address: GuestAddress;
  readonly access: 'read' | 'write' | 'execute';
  /** Fault: whether a mapping exists there (SEGV_ACCERR), or not (SEGV_MAPERR), is past its file's end (SIGBUS), or an atomic access is misaligned (SIGBUS, BUS_ADRALN). */
  readonly reason: 'unmapped' | 'protection' | 'past-end' | 'misaligned' | 'none';
}

/** Answers of a trap handler. */
export const TrapAnswer = {
  /** Go on at the context's pc without leaving `run`. Legal only if the space and its mappings are the ones it was entered with. */
  RESUME: 0,
  /** Leave `run` with 'left'. */
  LEAVE: 1,
} as const;
export type TrapAnswer = (typeof TrapAnswer)[keyof typeof TrapAnswer];

/**
 * How a run ended: a closed set.
 * - `left`: the handler said so. - `budget`: all instructions were used. - `interrupted`: {@link Cpu.interrupt} was called (may be spurious).
 * - `stalled`: a page is absent and its backing waits; see {@link Cpu.stall}. - `halted`: the program ended by itself (a wasm `_start` returned).
 */
export type Exit = 'left' | 'budget' | 'interrupted' | 'stalled' | 'halted';

/** What a stack is checked against before it starts. */
export interface CpuTraits {
  /** `run` answers at once, never with a promise. */
  readonly sync: boolean;
  /** A run retires exactly its budget, no more and no fewer, unless something else ended it. Otherwise: never more. */
  readonly exactBudget: boolean;
  /** A spinning guest comes back at its budget. */
  readonly preemptible: boolean;
  readonly saveable: boolean;
  readonly forkable: boolean;
  readonly dirty: 'tracked' | 'scan' | 'none';
}

/** What `run` calls at each trap. It never calls `run`. */
export type TrapHandler = (context: Context, trap: Trap) => TrapAnswer;

/** A CPU plugin: makes address spaces and contexts of one instruction set, and runs them. */
export interface Cpu {
  readonly isa: Isa;
  readonly traits: CpuTraits;
  space(account: MemoryAccount): AddressSpace | Result;
  /**
   * `code` is the module's bytes where code is not in memory (wasm32); undefined elsewhere. -ENOEXEC if it is not valid. Much code is made ready in
   * pieces, one at each asking: until then a wait whose deadline has passed. The caller asks again with the same `code` object, in its next step.
   */
  context(space: AddressSpace, code?: Uint8Array): Context | Reply;
  /**
   * What is being made ready outside of this thread's JavaScript, if anything is. A payload's step ends when that has: so it holds no thread, and what
   * guests see does not depend on how long it took.
   */
  pending?(): Promise<void> | undefined;
  /** A copy of `from` that runs in `space` (the same space: a thread; a fork of it: a process). -ENOSYS unless traits.forkable. */
  clone(from: Context, space: AddressSpace): Context | Result;
  /**
   * Runs at most `budget` instructions (an integer in [1, 2^31)). All of the context is exact in the handler and at exit.
   * At a system call the pc stays *on* the trapping instruction: a handler that completes the call moves it (so a parked call is asked again).
   */
  run(context: Context, space: AddressSpace, onTrap: TrapHandler, budget: number): Exit | Promise<Exit>;
  /** After 'stalled': what to wait for before running again. */
  stall(context: Context): Wait;
  /** Makes the current or next run of the context end soon with 'interrupted'. */
  interrupt(context: Context): void;
  /**
   * What this CPU did since it was made, for people: counts, and amounts whose unit ends the name (`translationMs`). Names are the implementation's own.
   * Of all domains that share the CPU together; no guest sees it.
   */
  counters?(): Readonly<Record<string, number>>;
}
