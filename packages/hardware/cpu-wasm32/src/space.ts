import {
  type AddressSpace,
  Errno,
  type GuestAddress,
  type Mapping,
  type MemoryAccount,
  PAGE_BYTES,
  type PartReader,
  type PartWriter,
  Prot,
  type Reply,
  type Result,
} from '@ashlar/hardware';

/** Bytes of a page of WebAssembly's own, and how many of the machine's pages that is. */
export const WASM_PAGE_BYTES = 65536;
const PAGES_EACH = WASM_PAGE_BYTES / PAGE_BYTES;
/** Most pages that a 32-bit memory has. */
const MAX_WASM_PAGES = 65536;
const SCHEMA = 'wasm32-space/1';

const isZero = (words: Int32Array): boolean => {
  for (let at = 0; at < words.length; at++) if (words[at] !== 0) return false;
  return true;
};

let spaces = 0;

/**
 * The linear memory of one program: starts at 0, only grows, every byte readable and writable. It owns the `WebAssembly.Memory`, charges each page
 * before it exists, and makes it when a context is made in it or it is restored.
 */
export class LinearSpace implements AddressSpace {
  readonly kind = 'linear';
  readonly base = 0 as GuestAddress;
  readonly epoch = 0;
  private readonly id = ++spaces;
  private readonly account: MemoryAccount;
  private held: WebAssembly.Memory | undefined;
  /** All bytes; replaced when the memory grows. */
  private bytes = new Uint8Array(0);
  /** WebAssembly pages that are charged. */
  private charged = 0;
  private view = new DataView(this.bytes.buffer);

  constructor(account: MemoryAccount) {
    this.account = account;
  }

  get limit(): GuestAddress {
    return this.bytes.length as GuestAddress;
  }

  get residentPages(): number {
    return this.charged * PAGES_EACH;
  }

  /** The memory, if it was made. For the CPU only. */
  get memory(): WebAssembly.Memory | undefined {
    return this.held;
  }

  private refresh(): void {
    const buffer = this.held?.buffer ?? new ArrayBuffer(0);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  /** Makes the memory with `pages` of 64 KiB. -ENOMEM. */
  create(pages: number): Result {
    if (pages > MAX_WASM_PAGES) return -Errno.ENOMEM;
    const result = this.account.charge(pages * PAGES_EACH);
    if (result < 0) return result;
    this.charged = pages;
    try {
      this.held = new WebAssembly.Memory({ initial: pages });
    } catch {
      this.release();
      return -Errno.ENOMEM;
    }
    this.refresh();
    return 0;
  }

  /** Whether `pages` of 64 KiB could be charged now: 0 or -ENOMEM. */
  afford(pages: number): Result {
    const result = this.account.charge(pages * PAGES_EACH);
    if (result >= 0) this.account.charge(-pages * PAGES_EACH);
    return result;
  }

  /** Takes the memory that a module brought itself; its pages are charged now. -ENOMEM. */
  adopt(memory: WebAssembly.Memory): Result {
    this.held = memory;
    return this.settle();
  }

  /** Charges what an adopted memory has grown by; -ENOMEM if that is too much. */
  settle(): Result {
    if (!this.held || this.bytes.buffer === this.held.buffer) return 0;
    const pages = this.held.buffer.byteLength / WASM_PAGE_BYTES;
    const result = this.account.charge((pages - this.charged) * PAGES_EACH);
    if (result < 0) return result;
    this.charged = pages;
    this.refresh();
    return 0;
  }

  /** memory.grow: the old size in 64 KiB pages, or -1. Charged before it grows. `max`: what the module declared. */
  grow(delta: number, max: number | undefined): number {
    const pages = delta >>> 0;
    const old = this.charged;
    if (!this.held || old + pages > Math.min(max ?? MAX_WASM_PAGES, MAX_WASM_PAGES)) return -1;
    if (this.account.charge(pages * PAGES_EACH) < 0) return -1;
    try {
      this.held.grow(pages);
    } catch {
      this.account.charge(-pages * PAGES_EACH);
      return -1;
    }
    this.charged += pages;
    this.refresh();
    return old;
  }

  map(): Result {
    return -Errno.ENOSYS;
  }

  unmap(): Result {
    return -Errno.ENOSYS;
  }

  protect(): Result {
    return -Errno.ENOSYS;
  }

  discard(): Result {
    return -Errno.ENOSYS;
  }

  move(): Result {
    return -Errno.ENOSYS;
  }

  mappings(): readonly Mapping[] {
    if (this.bytes.length === 0) return [];
    return [
      { start: this.base, bytes: this.bytes.length, prot: Prot.READ | Prot.WRITE, sharing: 'private', backing: undefined, offset: 0 },
    ];
  }

  gap(): Result {
    return -Errno.ENOMEM;
  }

  copyIn(at: GuestAddress, to: Uint8Array): Reply {
    const count = this.reachable(at, to.length);
    if (count > 0) to.set(this.bytes.subarray(at, at + count));
    return count;
  }

  copyOut(at: GuestAddress, from: Uint8Array): Reply {
    const count = this.reachable(at, from.length);
    if (count > 0) this.bytes.set(count === from.length ? from : from.subarray(0, count), at);
    return count;
  }

  /** How many of `bytes` lie in the memory, or -EFAULT. */
  private reachable(at: number, bytes: number): number {
    if (bytes === 0) return 0;
    if (!(at >= 0 && at < this.bytes.length)) return -Errno.EFAULT;
    return Math.min(bytes, this.bytes.length - at);
  }

  private holds(at: number, bytes: number): boolean {
    return at >= 0 && at + bytes <= this.bytes.length;
  }

  load32(at: GuestAddress): Reply {
    return this.holds(at, 4) ? this.view.getUint32(at, true) : -Errno.EFAULT;
  }

  store32(at: GuestAddress, value: number): Reply {
    if (!this.holds(at, 4)) return -Errno.EFAULT;
    this.view.setUint32(at, value, true);
    return 0;
  }

  swap32(at: GuestAddress, expected: number, next: number): Reply {
    if (!this.holds(at, 4)) return -Errno.EFAULT;
    if (this.view.getUint32(at, true) !== expected >>> 0) return 0;
    this.view.setUint32(at, next, true);
    return 1;
  }

  window(at: GuestAddress, bytes: number, _write: boolean): Uint8Array | undefined {
    return this.holds(at, bytes) ? this.bytes.subarray(at, at + bytes) : undefined;
  }

  wordKey(at: GuestAddress): string | undefined {
    return this.holds(at, 4) ? `linear:${this.id}:${at}` : undefined;
  }

  fork(account: MemoryAccount = this.account): AddressSpace | Result {
    const copy = new LinearSpace(account);
    const result = copy.create(this.charged);
    if (result < 0) return result;
    copy.bytes.set(this.bytes);
    return copy;
  }

  takeDirty(): Result {
    return -Errno.ENOSYS;
  }

  save(out: PartWriter): Reply {
    out.put('schema', SCHEMA);
    out.put('pages', this.charged);
    for (let page = 0; page < this.bytes.length / PAGE_BYTES; page++) {
      if (isZero(new Int32Array(this.bytes.buffer, page * PAGE_BYTES, PAGE_BYTES / 4))) continue;
      out.page('memory', page, this.bytes.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES));
    }
    return 0;
  }

  /** Also over the memory that a context was made in, unless that is larger. */
  restore(part: PartReader): Reply {
    const pages = part.get('pages');
    if (part.get('schema') !== SCHEMA || typeof pages !== 'number' || pages < this.charged) return -Errno.EINVAL;
    const numbers = part.pages('memory');
    if (numbers.some((page) => page >= pages * PAGES_EACH)) return -Errno.EINVAL;
    if (!this.held) {
      const result = this.create(pages);
      if (result < 0) return result;
    } else {
      if (this.grow(pages - this.charged, undefined) < 0) return -Errno.ENOMEM;
      this.bytes.fill(0);
    }
    for (const page of numbers) part.page('memory', page, this.bytes.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES));
    return 0;
  }

  private release(): void {
    this.account.charge(-this.charged * PAGES_EACH);
    this.charged = 0;
  }

  destroy(): void {
    this.release();
    this.held = undefined;
    this.refresh();
  }
}
