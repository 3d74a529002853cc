import type { Channel } from './machine.ts';
import type { Saveable } from './state.ts';
import type { Reply, Result, Wait } from './value.ts';

/** What a step did. */
export interface Step {
  /** Guest instructions retired; never more than the budget. */
  readonly used: number;
  /** undefined: there is more to do now. Otherwise nothing can be done before this. */
  readonly wait: Wait | undefined;
  /** The payload finished by itself: it is not stepped again, and its domain stops with reason `exit`. */
  readonly ended?: true;
}

/**
 * What is loaded inside a domain: a kernel stub, a hypervisor, a device backend. It never loops or awaits by itself: one executor per thread
 * steps the outermost payload, and a hypervisor's step steps one of its children.
 *
 * - Events are looked at only at the start of a step. - A step's work is bounded by its budget and by the stated bounds of the operations.
 * - A promise is allowed where the work is in another thread; the caller does not step again before it settles.
 */
export interface Payload extends Saveable {
  /** `budget`: guest instructions, ≥ 1. */
  step(budget: number): Step | Promise<Step>;
  /**
   * Speaks a named service over frames: `session`, `control`, `device:root`; `NAME/service` reaches into the child domain NAME.
   * -ENOENT if there is none of that name.
   */
  serve(service: string, channel: Channel): Result;
  /**
   * Ends everything within; asked again while it answers a wait. Of a domain that was destroyed it is asked once, when its machine answers nothing any
   * more: what it has of the thread's (address spaces, buffers) is given back then.
   */
  stop(): Reply;
}

/** Steps the outermost payload of a thread; the only place where anybody waits. */
export interface Executor {
  /** Starts stepping until the payload is finished with (`halt`), yielding to the host's event loop between slices. */
  start(payload: Payload): void;
  /** Retires exactly `instructions` more (fewer if all is idle without a deadline) and stops there: virtual-time hardware only, else -ENOSYS. */
  advance(payload: Payload, instructions: number): Promise<Result>;
  /** Waits until no step is under way and starts no other; `resume` goes on. */
  quiesce(): Promise<void>;
  resume(): void;
  /** No more steps. Rejects nothing: a payload's error is reported by `failed`. */
  halt(): Promise<void>;
  /** Settles when the payload threw: with its error. */
  readonly failed: Promise<Error>;
}
