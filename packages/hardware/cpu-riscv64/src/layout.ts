/**
 * Where things lie in the WebAssembly memory of an address space. The CPU's own data is below BASE; the guest's address `a` is at `a + BASE`,
 * and BASE is a constant of the load or store instruction, so the translation costs nothing. Offsets in bytes.
 */

/** x0 … x31, then a slot that takes writes to x0: the predecoder sends them there, so that no instruction tests for it. */
export const X = 0;
export const X_DISCARD = 32;
export const F = 512;
/** Program counter, 64 bits. Exact whenever the module is not running. */
export const PC = 768;
/** fflags in bits 0…4, frm in bits 5…7. */
export const FCSR = 776;
/** Instructions that may still be retired in this slice. */
export const FUEL = 780;
/** Address that LR reserved; −1 for none. */
export const RESERVATION = 784;
/** Retired count at the end of the slice, so that `instret` is RETIRED_END − FUEL. */
export const RETIRED_END = 792;
/** The part above that belongs to a context, in bytes. */
export const CONTEXT_BYTES = 800;
/** Jumps backwards and to other pages until the interpreter reports one to its host: a sample of what is hot. */
export const COUNTDOWN = 800;
/** Instructions completed by translated code, 64 bits, and then how often it was left, by reason (see interpreter/stops.ts), 64 bits each. */
export const TRANSLATED = 808;
export const EXITS = 816;
/** What translated code compares results of the host's operations with (see float/plain.ts), 64 bits. Right while a region is in charge. */
export const HOST_LIMIT = 896;
/**
 * Of the interpreter, which would have them in registers that it needs for what every instruction uses: four times the pc less the address of the entry, 64 bits,
 * constant within a page of code; and where translated code was left for the interpreter to go on, 32 bits, not entered again there before it has (odd:
 * nowhere).
 */
export const BIAS = 848;
export const REFUSED = 856;
/**
 * Of the interpreter where translated code waits for a call that it finishes (see interpreter/module.ts): the address that the call returns to, 64 bits,
 * NOWHERE if none waits; guest calls that are wasm calls around it; and, once it has stopped inside of one, why.
 */
export const BACK = 904;
export const NOWHERE = -1;
export const DEPTH = 912;
export const STOPPED = 916;
/** Counts, 32 bits, how often a right was withdrawn or translated code dropped: what translated code found out before it made a call is void then. */
export const WITHDRAWALS = 920;

/**
 * Bits that are 0 in the address of an access of 1, 2, 4 and 8 bytes that may go ahead, 64 bits each. Translated code tests addresses with these words in memory,
 * which takes the host one instruction and no register; a constant of 64 bits takes both.
 */
export const ADDRESS_MASKS = 928;

/** What instructions are decoded by, which the interpreter's module brings along (see interpreter/predecoder.ts); up to CALLEES. */
export const PREDECODER = 0x1000;

/**
 * What the interpreter saw calls of addresses known only at run time to call, 16 bytes each: the call's address and up to three different addresses that it called,
 * 0 where there are no more, the first one ANY_CALLEE if there were others; indexed by the low bits of the call's address.
 */
export const CALLEES = 0x7000;
export const CALLEES_MAX = 3;
export const CALLEES_BYTES = 0x1000;
/** Byte offset from CALLEES for a call at an address: `(address << 3) & CALLEE_MASK`. */
export const CALLEE_MASK = CALLEES_BYTES - 16;
/** No function begins at an odd address. */
export const ANY_CALLEE = 1;

/**
 * Where jumps to addresses known only at run time find translated code: the address in the low half of 8 bytes, its {@link Handle} in the high
 * half; indexed by the low bits of the address.
 */
export const JUMPS = 0x8000;
export const JUMP_COUNT = 4096;
/** Byte offset from JUMPS for an address: `(address << 2) & JUMP_MASK`. */
export const JUMP_MASK = (JUMP_COUNT - 1) * 8;

/**
 * One byte per guest page: what the fast path of an access tests, and notes of the space. Not where a host page begins, as the registers are: hosts tell a load
 * from a store that is under way by the low 12 bits of their addresses at first, and would take the bytes of a small program's pages for registers just written.
 */
export const PERMS = 0x1_0400;
export const Perm = {
  /** The access may go ahead without asking. A right withheld here may still be granted by the space on request. */
  READ: 1,
  /** Never without READ: on RISC-V, what can be written can be read (see {@link allowed} in residency.ts). */
  WRITE: 2,
  EXEC: 4,
  /** Resident, and charged to the account. */
  PRESENT: 8,
  /** Has predecoded instructions; WRITE is withheld. */
  CODE: 16,
  /** A context that is not running has a reservation here; WRITE is withheld. */
  WATCHED: 32,
  /** Written since the page became present or since dirty pages were last taken. */
  DIRTY: 64,
  /** Not present, but the bytes are not zero. */
  STALE: 128,
} as const;

export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 1 << PAGE_SHIFT;
const PAGES = 1 << (32 - PAGE_SHIFT);

/** Two bytes per guest page: the slot of its predecoded code, or 0. */
export const CODE_INDEX = PERMS + PAGES;
/** Slots of predecoded code; slot 0 is never used. When there is no room for one more page, that of another is dropped. What is not used is not resident. */
export const CODE_SLOTS = CODE_INDEX + PAGES * 2;
export const CODE_SLOT_COUNT = 960;
/** An entry per halfword of the page, and two that lead out at its end: the last instruction may end at, or two bytes past it. */
export const CODE_ENTRIES = PAGE_SIZE / 2;
export const ENTRY_BYTES = 8;
export const CODE_SLOT_BYTES = (CODE_ENTRIES + 2) * ENTRY_BYTES;

/**
 * Of each entry where translated code begins, by the number that its word gives: where that code is (see {@link Handle}), and the word that the entry has
 * otherwise, for when it cannot be entered; 32 bits each. Number 0 is never used.
 */
export const HANDLES = CODE_SLOTS + CODE_SLOT_COUNT * CODE_SLOT_BYTES;
export const HANDLE_BYTES = 8;
export const HANDLE_COUNT = 1 << 16;
/** Index of a region's function in the table; above it, which of the region's entries. Never 0 as a whole. */
export const Handle = { INDEX_MASK: 0xffff, ENTRY_SHIFT: 16 } as const;

/**
 * A byte for each index in the table: 1 while the region there is entered. Regions of a module call each other directly, without asking the table, so they look
 * here before they do: the callee's code may not be there yet, or no longer.
 */
export const ENTERED = HANDLES + HANDLE_COUNT * HANDLE_BYTES;
/** Most regions a space may have at a time: an index of one is 16 bits. */
export const REGIONS_MAX = 1 << 16;

const WASM_PAGE = 0x1_0000;
/** Where guest address 0 lies. */
export const BASE = Math.ceil((ENTERED + REGIONS_MAX) / WASM_PAGE) * WASM_PAGE;
export const BASE_WASM_PAGES = BASE / WASM_PAGE;
/** One past the last guest address that memory can hold: a WebAssembly memory ends at 4 GiB. */
export const GUEST_LIMIT = 0x1_0000_0000 - BASE;
/**
 * No jump by a distance comes here from below (distances are less than 1 MiB, and BASE is more): what does comes from near 0, and went below it. Any other way here
 * is taken for a wild one, as an address of more than 32 bits is, so that the interpreter knows which address it has.
 */
export const BELOW_ZERO = 0x1_0000_0000 - 0x10_0000;
/** Nothing can be mapped below: Linux's mmap_min_addr. */
export const GUEST_BASE = 0x1_0000;

/**
 * A predecoded entry: this word, then a 32-bit immediate. Fields are placed so that one shift and one mask give what the interpreter needs:
 * an opcode, byte offsets of registers, and the distance to the next entry.
 */
export const Entry = {
  /** Bit 31: translated code begins here; below it is its number in {@link HANDLES}, and no opcode. */
  TRANSLATED: 1 << 31,
  /** Bits 30…22. 0: not decoded yet. */
  OPCODE_SHIFT: 22,
  /** Bits 20…15; times 8 when shifted right by 12. */
  RD_SHIFT: 15,
  RS2_SHIFT: 10,
  RS1_SHIFT: 5,
  /** 8 or 16: bytes to the next entry, four times the instruction's length. */
  LENGTH_MASK: 0x18,
} as const;

/** Opcodes of predecoded entries that are not rows of the table. */
export const Opcode = {
  /** Zeroed memory: the predecoder has not been here. */
  UNDECODED: 0,
  /** Past the end of a page: find the entry anew from the pc. */
  CROSS: 1,
  ILLEGAL: 2,
  FIRST: 3,
} as const;
