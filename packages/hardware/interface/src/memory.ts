import type { PartReader, PartWriter } from './state.ts';
import type { GuestAddress, Plain, Reply, Result } from './value.ts';

/** Bytes of a page, everywhere above the hardware. */
export const PAGE_BYTES = 4096;

/**
 * What a domain may use, in pages of {@link PAGE_BYTES}. A child's limit is reserved from its parent when the child is made, so charging
 * never walks the chain and a limit set at level 3 binds level 8.
 *
 * Caller: charge before memory grows, and give back exactly what was charged. Implementer: never let used exceed limit.
 */
export interface MemoryAccount {
  readonly limitPages: number;
  readonly usedPages: number;
  /** 0, or -ENOMEM and nothing charged. Negative gives back. */
  charge(pages: number): Result;
  /** Reserves `limitPages` (charged here at once) for a child; -ENOMEM if there are not so many. */
  sub(limitPages: number): MemoryAccount | Result;
  /** Gives the whole reservation back to the parent. Using the account afterwards is an error. */
  close(): void;
}

/** Protection bits of a mapping, as in mmap(2). */
export const Prot = { NONE: 0, READ: 1, WRITE: 2, EXEC: 4 } as const;

/**
 * Where absent pages come from: zeroes, a file, a shared object, a snapshot chunk, another host. One mechanism for lazy files, shared
 * mappings, lazy restore and post-copy.
 */
export interface Backing {
  /** Same contents and identity ⇒ same id. Saved with each mapping; the stub finds the backing again by it. Empty string: zeroes. */
  readonly id: string;
  /** Where it comes from, for people: a path. Tools show it; nothing depends on it. */
  readonly name?: string | undefined;
  /** Fills one page (`into` is 4,096 bytes, zeroed). Returns bytes valid (the rest stays zero); -EIO; or -ENXIO wholly past the end (SIGBUS). */
  fetch(page: number, into: Uint8Array): Reply;
  /** Writes a page of a shared mapping back. Absent: shared writes live only in memory. */
  store?(page: number, from: Uint8Array): Reply;
}

/** What one mapping is, as `/proc/PID/maps` and a save need it. */
export interface Mapping {
  readonly start: GuestAddress;
  readonly bytes: number;
  readonly prot: number;
  readonly sharing: 'private' | 'shared';
  /** undefined: zeroes. */
  readonly backing: Backing | undefined;
  /** Byte offset in the backing of `start`. */
  readonly offset: number;
}

/**
 * One program's address space, made by a CPU and charged to an account.
 *
 * - Reserving (PROT_NONE) and mapping cost nothing but a table entry; a page is charged when it becomes present.
 * - Addresses and sizes of map, unmap and protect are multiples of {@link PAGE_BYTES}; else -EINVAL.
 * - `paged` spaces map at any page of `[base, limit)`; `linear` spaces (wasm32) start at 0 and only grow; map, unmap and protect answer -ENOSYS there.
 */
export interface AddressSpace {
  readonly kind: 'paged' | 'linear';
  /** First and one past the last address that can be mapped. */
  readonly base: GuestAddress;
  readonly limit: GuestAddress;
  /** Pages present now, all of them charged. */
  readonly residentPages: number;
  /** Changes with every map, unmap and protect. A trap handler that changed it must answer LEAVE. */
  readonly epoch: number;
  /** Replaces what was mapped there. `from` undefined: zeroes. -ENOMEM outside [base, limit) or past 65,530 mappings. */
  map(at: GuestAddress, bytes: number, prot: number, from: Backing | undefined, offset: number, sharing: 'private' | 'shared'): Result;
  unmap(at: GuestAddress, bytes: number): Result;
  /** -ENOMEM if any page of the range is not mapped. */
  protect(at: GuestAddress, bytes: number, prot: number): Result;
  /** Drops private pages of the range, so that they read as their backing again (madvise MADV_DONTNEED). */
  discard(at: GuestAddress, bytes: number): Result;
  /** Moves present and absent pages as they are (mremap). The target must be unmapped. */
  move(from: GuestAddress, to: GuestAddress, bytes: number): Result;
  /** Mappings in ascending order; a `linear` space has one. */
  mappings(): readonly Mapping[];
  /** Lowest gap of `bytes` in [from, to) between mappings, or -ENOMEM. */
  gap(bytes: number, from: GuestAddress, to: GuestAddress, align: number): Result;
  /** Guest → host. Bytes moved up to the first page that cannot be read; -EFAULT if none; a wait if a page is absent and not at hand. Zero bytes: 0. */
  copyIn(at: GuestAddress, to: Uint8Array): Reply;
  /** Host → guest, likewise for pages that can be written. `force` writes through a read-only protection (loading, ptrace). */
  copyOut(at: GuestAddress, from: Uint8Array, force?: boolean): Reply;
  /** Little-endian 32-bit load without allocation: the value as an unsigned number in [0, 2^32), -EFAULT, or a wait. */
  load32(at: GuestAddress): Reply;
  store32(at: GuestAddress, value: number): Reply;
  /** Compare and swap, atomic against every context of the domain: returns 1 if swapped, 0 if the value was another, or -EFAULT. */
  swap32(at: GuestAddress, expected: number, next: number): Reply;
  /**
   * The live bytes themselves, for copying without a second buffer; dead at the next call on any space. undefined when the range is not
   * wholly present with that access, crosses what the host holds in one piece, or memory is elsewhere (then use copyIn/copyOut).
   */
  window(at: GuestAddress, bytes: number, write: boolean): Uint8Array | undefined;
  /** Identity of the word for futexes: the same string for the same memory in every space (shared mappings), unique otherwise; undefined if unmapped. */
  wordKey(at: GuestAddress): string | undefined;
  /** A copy charged to `account` (default: the same); -ENOMEM, or -ENOSYS if the CPU is not `forkable`. */
  fork(account?: MemoryAccount): AddressSpace | Result;
  /** Visits numbers of pages written since the last take and forgets them. -ENOSYS where traits say `none`. */
  takeDirty(visit: (page: number) => void): Result;
  save(out: PartWriter): Reply;
  /** Into a fresh space. `backingOf` finds a mapping's backing again by its id and saved note. */
  restore(part: PartReader, backingOf: (id: string) => Backing | undefined): Reply;
  /** Gives all pages back. The space must not be used again. */
  destroy(): void;
}

/** Saved note about a backing that a stub may attach (a path, a device): kept here so both sides agree on its type. */
export interface BackingNote {
  readonly id: string;
  readonly note: Plain;
}
