/**
 * Where a CPU keeps what it compiled from one process to the next. A cache: anything may be missing at any time, and what is there came from the same
 * build of the same CPU on the same host. A CPU checks all the same that it is right for the guest's code; no guest sees whether something was found.
 */
export interface CodeStore {
  /** False: nothing is ever found or kept, so nothing need be held for it. */
  readonly keeps: boolean;
  /** What was kept under a name, a value of one's own to keep; undefined if there is nothing. Never throws. */
  load(name: CodeName): unknown;
  /**
   * From now on there is something to keep under a name, instead of what there was. `value` is asked at most once, when the store writes: as late as it
   * can, since code gets better as it runs. It gives undefined for nothing after all. The latest `keep` of a name counts.
   */
  keep(name: CodeName, value: () => KeptCode | undefined): void;
}

/** Something to keep. */
export interface KeptCode {
  /** What structured clone copies. */
  readonly value: unknown;
  /** The large buffers in it, which a store writes as they are, and not as part of a copy of it all. They stay the CPU's. At most 1,000. */
  readonly buffers: readonly ArrayBuffer[];
}

/** 1 to 64 characters of a–z, 0–9 and `-`. */
export type CodeName = string;

/** Keeps nothing. */
export const FORGETFUL: CodeStore = { keeps: false, load: () => undefined, keep: () => undefined };
