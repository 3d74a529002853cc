import type { Context } from './cpu.ts';
import type { Plain } from './value.ts';

/** Value types that can cross between a program and its host. */
export type Wasm32Type = 'i32' | 'i64' | 'f32' | 'f64';

/** A function that the module imports, resolved once when it is loaded. */
export interface Wasm32Import {
  readonly module: string;
  readonly name: string;
  readonly params: readonly Wasm32Type[];
  readonly results: readonly Wasm32Type[];
}

/**
 * A context of the `wasm32` CPU. A call of an imported function is its system call: the trap's cause is `syscall`, and {@link importIndex},
 * {@link args} and {@link results} say which one. Nothing here allocates.
 *
 * The call is *completed* by {@link complete} or by answering RESUME: the program goes on behind it with the words in `results`. A handler that answers
 * LEAVE without completing it parks it: the next run calls the handler again with the same import and arguments.
 *
 * `Context.clone` and `save` are legal between runs, not in the handler: until LEAVE was carried out the program's stack is the host's.
 */
export interface Wasm32Context extends Context {
  readonly isa: 'wasm32';
  /** All imports of the module, in its order. */
  readonly imports: readonly Wasm32Import[];
  /** The import at whose call the context is, as an index in {@link imports}; -1 if it is at none. */
  readonly importIndex: number;
  /**
   * Arguments as 32-bit words in order: i32 is one word; i64 two, the low one first; f32 and f64 their bits in one and two. Valid in the handler;
   * words behind the last argument are left over from earlier calls.
   */
  readonly args: Int32Array;
  /** Results likewise, all zero when the handler is called. */
  readonly results: Int32Array;
  /** The personality's own data about the program (its arguments and environment, say): saved and cloned with the context. */
  note: Plain | undefined;
  /** Finishes the call with what is in {@link results}; the next run goes on behind it. */
  complete(): void;
}
