/** Instruction sets with their privilege level, as far as Ashlar names them. A CPU plugin offers exactly one. */
export type Isa = 'riscv64-user' | 'wasm32' | 'riscv64-system' | 'x86_32-system';

/**
 * An address in a guest's address space, in bytes, an integer in [0, 2^53). Only an {@link AddressSpace} turns it into bytes, and it checks
 * every access; nothing else may do arithmetic that assumes where guest memory lies on the host.
 */
export type GuestAddress = number & { readonly __guest: unique symbol };

/** Outcome of a request: an integer ≥ 0 that the request defines (bytes, a count, an id), or a negated errno of {@link Errno}. */
export type Result = number;

/** A point in time or a duration. Two numbers because nanoseconds pass 2^53 after 104 days; filled in place, so reading a clock allocates nothing. */
export interface Instant {
  /** Whole seconds, an integer. */
  sec: number;
  /** Nanoseconds, an integer in [0, 1e9). */
  nsec: number;
}

/** Names an event of one machine. Keys are local to the machine that allocated them; they never reach a guest. */
export type EventKey = number & { readonly __event: unique symbol };

/** What crosses a boundary or is saved: data only, never a closure, handle or class instance. */
export type Plain = null | boolean | number | string | Uint8Array | readonly Plain[] | { readonly [key: string]: Plain };

/**
 * Why a request could not be answered now. Plain data: whoever gets it parks, and makes the same call again when any key fires or `until`
 * (monotonic time of the asked machine) passes. Waking early is always allowed; not waking is a bug of the one that handed out the wait.
 */
export interface Wait {
  readonly on: readonly EventKey[];
  readonly until?: Instant;
}

/** Every request that may block answers so. Test with `typeof reply === 'number'`. */
export type Reply = Result | Wait;
