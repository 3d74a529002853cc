import type { AddressSpace, Attributes, Context, Plain, Reply, Wait } from '@ashlar/hardware';

/**
 * Scattered user memory as one run of bytes, reused per task: over a guest space, or over a host array. Offsets are bytes from the start of the
 * run. Nothing is read or written beyond `length`.
 */
export interface Io {
  readonly length: number;
  /** Copies from user memory into `to`: bytes copied up to the first bad page, -EFAULT if none, or a wait (page absent). */
  get(at: number, to: Uint8Array): Reply;
  /** Copies into user memory, likewise. */
  put(at: number, from: Uint8Array): Reply;
  /** Live bytes starting at `at`: as many as lie in one piece (≥ 1), or undefined (then use get or put). Dead at the next call on any space. */
  window(at: number, write: boolean): Uint8Array | undefined;
}

/** What stat(2) gives beside a share's attributes. */
export interface Status extends Attributes {
  /** Number of the file system, small and stable, never a host device number. */
  device: number;
  /** Bytes of an efficient transfer. */
  blockBytes: number;
  /** Blocks of 512 bytes in use. */
  blocks: number;
}

/**
 * A thread of a guest program, as personalities see it. Made by the stub; one program ("process", thread group) has one or more.
 *
 * A call that cannot finish is *parked*: the personality sets `parked`, leaves the context at its trap and answers LEAVE; when the wait is over the
 * stub runs the context again, it traps again, and the same call is made with the same arguments. Only `progress` and `callNote` are kept between
 * the askings; the personality sets both to undefined when the call is complete.
 */
export interface Task {
  /** Thread id, unique in the stub, ≥ 1. */
  readonly id: number;
  /** Thread group (process) id. */
  readonly group: number;
  context: Context;
  space: AddressSpace;
  /** For results of `stat` operations; overwritten by the next one. */
  readonly stat: Status;
  /** For results that are several numbers; 32 long; overwritten by the next operation. */
  readonly values: Float64Array;
  /** For results that are bytes (a path, a name); 4,096 long. */
  readonly bytes: Uint8Array;
  /** What the stub keeps of a parked call: bytes already moved, the tag of a device request. */
  progress: Plain | undefined;
  /** What the personality keeps of it: a deadline made absolute, the pieces of a transfer that are done. */
  callNote: Plain | undefined;
  parked: Wait | undefined;
  /** A signal, preemption or exit needs the scheduler: answer the trap with LEAVE soon (after completing the call). */
  readonly attention: boolean;
  /** The personality's own state of this thread; copied to children by clone, undefined after exec. */
  note: Plain | undefined;
}
