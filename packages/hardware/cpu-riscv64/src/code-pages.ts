import type { Engine } from './engine.ts';
import {
  BASE,
  CODE_ENTRIES,
  CODE_INDEX,
  CODE_SLOT_BYTES,
  CODE_SLOT_COUNT,
  CODE_SLOTS,
  ENTRY_BYTES,
  Entry,
  HANDLE_BYTES,
  HANDLE_COUNT,
  HANDLES,
  Opcode,
  PAGE_SHIFT,
  PAGE_SIZE,
  PERMS,
  Perm,
} from './layout.ts';

/**
 * Predecoded code of a space, a slot of entries per guest page. Entries are decoded when first reached. A page with decoded instructions is
 * flagged and its stores are withheld, so that a store drops what was decoded before it takes effect: fetches are coherent without fence.i.
 */
export class CodePages {
  readonly #engine: Engine;
  /** Page that each slot serves, or −1. */
  readonly #pageOf = new Int32Array(CODE_SLOT_COUNT).fill(-1);
  #used = 1;
  readonly #free: number[] = [];
  /** The slot that is given to another page next when all are used: each in turn. */
  #oldest = 1;
  /** Numbers of HANDLES from this one on were never used; those that were and are not now. */
  #numbers = 1;
  readonly #freeNumbers: number[] = [];
  /** Pages that stay marked whether they have decoded instructions or not: they are translated. */
  readonly #held = new Set<number>();
  /** Told before the bytes of a page change or it may no longer be executed. */
  onChange: (page: number) => void = () => undefined;
  /** Told when a page got a slot: it may be executed, and is about to be. */
  onSlot: (page: number) => void = () => undefined;
  /** Told when nothing is decoded any more in the slot of a page, whose bytes are about to change. */
  onClear: (page: number) => void = () => undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Slot for a page that may be executed. Takes that of another page when there is none left: called only where no entry is in use. */
  slot(page: number): number {
    const { u16 } = this.#engine;
    const known = u16[(CODE_INDEX >> 1) + page] as number;
    if (known !== 0) return known;
    if (this.#free.length === 0 && this.#used === CODE_SLOT_COUNT) this.#evict();
    const slot = this.#free.pop() ?? this.#used++;
    this.#pageOf[slot] = page;
    u16[(CODE_INDEX >> 1) + page] = slot;
    this.#clear(slot);
    this.onSlot(page);
    return slot;
  }

  /** Keeps a page marked: its stores are withheld until {@link onChange} was told of the first. */
  hold(page: number): void {
    this.#held.add(page);
    this.#mark(page);
  }

  release(page: number): void {
    this.#held.delete(page);
  }

  /** The bytes of a page, as words; undefined if the page may not be executed or is not there. */
  words(page: number): Int32Array | undefined {
    const { u8, i32 } = this.#engine;
    const needed = Perm.PRESENT | Perm.EXEC;
    if (((u8[PERMS + page] as number) & needed) !== needed) return undefined;
    const at = (BASE + page * PAGE_SIZE) >>> 2;
    return i32.subarray(at, at + PAGE_SIZE / 4);
  }

  /** Whether the instruction at `pc` was decoded: it was reached, or is behind one that was. */
  isDecoded(pc: number): boolean {
    const { u16, i32 } = this.#engine;
    const slot = u16[(CODE_INDEX >> 1) + (pc >>> PAGE_SHIFT)] as number;
    if (slot === 0) return false;
    return i32[this.#wordAt((CODE_SLOTS + slot * CODE_SLOT_BYTES + (pc & (PAGE_SIZE - 1)) * (ENTRY_BYTES / 2)) >>> 2)] !== 0;
  }

  /**
   * Translated code begins at `pc` (see Layout.Handle); 0: no longer. Nothing happens if the page has no slot, or too many entries have a handle: it is
   * interpreted then.
   */
  setHandle(pc: number, handle: number): void {
    const { u16, i32 } = this.#engine;
    const slot = u16[(CODE_INDEX >> 1) + (pc >>> PAGE_SHIFT)] as number;
    if (slot === 0) return;
    const at = (CODE_SLOTS + slot * CODE_SLOT_BYTES + (pc & (PAGE_SIZE - 1)) * (ENTRY_BYTES / 2)) >>> 2;
    if (handle === 0) this.#freeNumber(at);
    else if (this.#takeNumber(at)) i32[this.#wordAt(at) - 1] = handle;
  }

  /** The page's bytes change: its entries are decoded anew. The slot stays, since the interpreter may be in it. */
  invalidate(page: number): void {
    this.onChange(page);
    const slot = this.#engine.u16[(CODE_INDEX >> 1) + page] as number;
    if (slot !== 0) {
      this.#clear(slot);
      this.onClear(page);
    }
    this.#forgetStraddler(page);
    this.#unmark(page);
  }

  /** Whether a page has a slot, which lets it be executed without asking, or is held. It need not be marked: a store unmarks it and leaves the slot. */
  has(page: number): boolean {
    const { u8, u16 } = this.#engine;
    return u16[(CODE_INDEX >> 1) + page] !== 0 || ((u8[PERMS + page] as number) & Perm.CODE) !== 0;
  }

  /** The page may no longer be executed. */
  drop(page: number): void {
    this.onChange(page);
    const slot = this.#engine.u16[(CODE_INDEX >> 1) + page] as number;
    if (slot !== 0) this.#vacate(slot);
    this.#forgetStraddler(page);
    this.#unmark(page);
  }

  dropAll(): void {
    const { u16 } = this.#engine;
    for (let slot = 1; slot < this.#used; slot++) {
      const page = this.#pageOf[slot] as number;
      if (page < 0) continue;
      u16[(CODE_INDEX >> 1) + page] = 0;
      if (!this.#held.has(page)) this.#unmark(page);
    }
    this.#pageOf.fill(-1);
    this.#free.length = 0;
    this.#used = 1;
    this.#freeNumbers.length = 0;
    this.#numbers = 1;
  }

  /** Forgets what is decoded of a page. Its translated code stays, and its slot is free for another. */
  #evict(): void {
    const slot = this.#oldest;
    this.#oldest = slot + 1 === CODE_SLOT_COUNT ? 1 : slot + 1;
    const page = this.#pageOf[slot] as number;
    const at = (CODE_SLOTS + slot * CODE_SLOT_BYTES) >>> 2;
    for (let entry = 0; entry < CODE_ENTRIES; entry++) this.#freeNumber(at + entry * (ENTRY_BYTES / 4));
    this.#vacate(slot);
    this.#forgetStraddler(page);
    if (!this.#held.has(page)) this.#unmark(page);
  }

  #vacate(slot: number): void {
    this.#engine.u16[(CODE_INDEX >> 1) + (this.#pageOf[slot] as number)] = 0;
    this.#pageOf[slot] = -1;
    this.#free.push(slot);
  }

  /** Where the word of an entry is that the interpreter goes by, as an index of 32 bits: where translated code begins, it is not in the entry. */
  #wordAt(entry: number): number {
    const word = this.#engine.i32[entry] as number;
    return word < 0 ? (HANDLES + (word & ~Entry.TRANSLATED) * HANDLE_BYTES + 4) >>> 2 : entry;
  }

  /** Moves an entry's word to HANDLES. False if there is no room. */
  #takeNumber(entry: number): boolean {
    const { i32 } = this.#engine;
    const word = i32[entry] as number;
    if (word < 0) return true;
    const number = this.#freeNumbers.pop() ?? this.#numbers++;
    if (number >= HANDLE_COUNT) {
      this.#numbers = HANDLE_COUNT;
      return false;
    }
    i32[entry] = Entry.TRANSLATED | number;
    i32[this.#wordAt(entry)] = word;
    return true;
  }

  #freeNumber(entry: number): void {
    const { i32 } = this.#engine;
    const word = i32[entry] as number;
    if (word >= 0) return;
    i32[entry] = i32[this.#wordAt(entry)] as number;
    this.#freeNumbers.push(word & ~Entry.TRANSLATED);
  }

  /** An instruction at the end of the page before may have half of its bytes here. */
  #forgetStraddler(page: number): void {
    if (page === 0) return;
    const { u16, i32 } = this.#engine;
    const slot = u16[(CODE_INDEX >> 1) + page - 1] as number;
    if (slot === 0) return;
    i32[this.#wordAt((CODE_SLOTS + slot * CODE_SLOT_BYTES + (CODE_ENTRIES - 1) * ENTRY_BYTES) >>> 2)] = 0;
  }

  #clear(slot: number): void {
    const at = CODE_SLOTS + slot * CODE_SLOT_BYTES;
    const end = at + CODE_ENTRIES * ENTRY_BYTES;
    const { i32, u8, freshSlot } = this.#engine;
    // Zeroing what is zero would make all of it resident.
    if (slot < freshSlot) u8.fill(0, at, end);
    else this.#engine.freshSlot = slot + 1;
    const cross = Opcode.CROSS << Entry.OPCODE_SHIFT;
    i32[end >>> 2] = cross;
    i32[(end + ENTRY_BYTES) >>> 2] = cross;
  }

  /** Withholds stores to a page with decoded instructions. */
  #mark(page: number): void {
    const { u8 } = this.#engine;
    const flags = u8[PERMS + page] as number;
    if ((flags & Perm.WRITE) !== 0) this.#engine.withdraw();
    u8[PERMS + page] = (flags | Perm.CODE) & ~Perm.WRITE;
  }

  #unmark(page: number): void {
    const { u8 } = this.#engine;
    u8[PERMS + page] = (u8[PERMS + page] as number) & ~Perm.CODE;
  }
}
