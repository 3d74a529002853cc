import {
  type AddressSpace,
  type Backing,
  type Context,
  type Cpu,
  Errno,
  type GuestAddress,
  type Mapping,
  PAGE_BYTES,
  Prot,
  type Reply,
  type Riscv64Context,
} from '@ashlar/hardware';
import type { Task, TaskSystem } from '@ashlar/kernel-stub';

const MASK64 = (1n << 64n) - 1n;

/** Registers as bigints: slow, obvious, and not shared with any CPU. */
export class FakeContext implements Riscv64Context {
  readonly isa = 'riscv64-user';
  retired = 0;
  pc = 0x1000 as GuestAddress;
  faultLow = 0;
  faultHigh = 0;
  readonly x: bigint[] = Array.from({ length: 32 }, () => 0n);
  readonly float = new Uint8Array(260);

  readNumber(register: number): number {
    return Number(BigInt.asIntN(64, this.x[register]!));
  }
  readUnsigned(register: number): number {
    return Number(this.x[register]!);
  }
  readLow(register: number): number {
    return Number(BigInt.asIntN(32, this.x[register]!));
  }
  readHigh(register: number): number {
    return Number(BigInt.asIntN(32, this.x[register]! >> 32n));
  }
  writeNumber(register: number, value: number): void {
    this.x[register] = BigInt(value) & MASK64;
  }
  writeHalves(register: number, low: number, high: number): void {
    this.x[register] = BigInt(low >>> 0) | (BigInt(high >>> 0) << 32n);
  }
  copyGeneralTo(out: Uint8Array): void {
    const view = new DataView(out.buffer, out.byteOffset);
    view.setBigUint64(0, BigInt(this.pc), true);
    for (let index = 1; index < 32; index++) view.setBigUint64(index * 8, this.x[index]!, true);
  }
  copyGeneralFrom(from: Uint8Array): void {
    const view = new DataView(from.buffer, from.byteOffset);
    this.pc = Number(view.getBigUint64(0, true)) as GuestAddress;
    for (let index = 1; index < 32; index++) this.x[index] = view.getBigUint64(index * 8, true);
  }
  copyFloatTo(out: Uint8Array): void {
    out.set(this.float);
  }
  copyFloatFrom(from: Uint8Array): void {
    this.float.set(from.subarray(0, 260));
  }
  save(): Reply {
    return -Errno.ENOSYS;
  }
  restore(): Reply {
    return -Errno.ENOSYS;
  }
  destroy(): void {}
}

interface Page {
  readonly bytes: Uint8Array;
  readonly mapping: Mapping;
}

/** A space of one Map of pages. Every access is checked page by page. */
export class FakeSpace implements AddressSpace {
  readonly kind = 'paged';
  readonly base = 0x1_0000 as GuestAddress;
  readonly limit = 0xf000_0000 as GuestAddress;
  residentPages = 0;
  epoch = 0;
  destroyed = false;
  #mappings: Mapping[] = [];
  readonly #pages = new Map<number, Page>();
  /** Pages that answer a wait at the first access. */
  readonly absent = new Set<number>();

  map(at: GuestAddress, bytes: number, prot: number, backing: Backing | undefined, offset: number, sharing: 'private' | 'shared'): number {
    if (at % PAGE_BYTES !== 0 || bytes % PAGE_BYTES !== 0 || offset % PAGE_BYTES !== 0 || bytes <= 0) return -Errno.EINVAL;
    if (at < this.base || at + bytes > this.limit) return -Errno.ENOMEM;
    this.unmap(at, bytes);
    this.#mappings.push({ start: at, bytes, prot, backing, offset, sharing });
    this.#mappings.sort((one, other) => one.start - other.start);
    return 0;
  }
  unmap(at: GuestAddress, bytes: number): number {
    this.epoch++;
    const end = at + bytes;
    this.#mappings = this.#mappings.flatMap((mapping) => {
      const last = mapping.start + mapping.bytes;
      if (last <= at || mapping.start >= end) return [mapping];
      const left = { ...mapping, bytes: at - mapping.start };
      const right = { ...mapping, start: end as GuestAddress, bytes: last - end, offset: mapping.offset + end - mapping.start };
      return [left, right].filter((part) => part.bytes > 0);
    });
    for (const page of [...this.#pages.keys()]) if (page * PAGE_BYTES >= at && page * PAGE_BYTES < end) this.#pages.delete(page);
    return 0;
  }
  protect(): number {
    return -Errno.ENOSYS;
  }
  discard(): number {
    return -Errno.ENOSYS;
  }
  move(): number {
    return -Errno.ENOSYS;
  }
  mappings(): readonly Mapping[] {
    return this.#mappings;
  }
  gap(bytes: number, from: GuestAddress, to: GuestAddress, align: number): number {
    let at = Math.ceil(from / align) * align;
    for (const mapping of this.#mappings) {
      if (mapping.start + mapping.bytes <= at) continue;
      if (mapping.start >= at + bytes) break;
      at = Math.ceil((mapping.start + mapping.bytes) / align) * align;
    }
    return at + bytes <= to ? at : -Errno.ENOMEM;
  }
  copyIn(at: GuestAddress, to: Uint8Array): Reply {
    return this.#move(at, to, Prot.READ, false);
  }
  copyOut(at: GuestAddress, from: Uint8Array, force = false): Reply {
    return this.#move(at, from, Prot.WRITE, force);
  }
  load32(at: GuestAddress): Reply {
    const bytes = new Uint8Array(4);
    const moved = this.copyIn(at, bytes);
    return moved === 4 ? new DataView(bytes.buffer).getUint32(0, true) : typeof moved === 'number' ? -Errno.EFAULT : moved;
  }
  store32(at: GuestAddress, value: number): Reply {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    const moved = this.copyOut(at, bytes);
    return moved === 4 ? 0 : typeof moved === 'number' ? -Errno.EFAULT : moved;
  }
  swap32(): Reply {
    return -Errno.ENOSYS;
  }
  window(at: GuestAddress, bytes: number): Uint8Array | undefined {
    const page = this.#page(Math.floor(at / PAGE_BYTES), Prot.READ, false);
    const offset = at % PAGE_BYTES;
    return page instanceof Uint8Array && offset + bytes <= PAGE_BYTES ? page.subarray(offset, offset + bytes) : undefined;
  }
  wordKey(): string | undefined {
    return undefined;
  }
  fork(): number {
    return -Errno.ENOSYS;
  }
  takeDirty(): number {
    return -Errno.ENOSYS;
  }
  save(): Reply {
    return -Errno.ENOSYS;
  }
  restore(): Reply {
    return -Errno.ENOSYS;
  }
  destroy(): void {
    this.destroyed = true;
  }

  #move(at: number, bytes: Uint8Array, access: number, force: boolean): Reply {
    for (let done = 0; done < bytes.length; ) {
      const page = this.#page(Math.floor((at + done) / PAGE_BYTES), access, force);
      if (!(page instanceof Uint8Array)) return done > 0 ? done : page;
      const offset = (at + done) % PAGE_BYTES;
      const step = Math.min(PAGE_BYTES - offset, bytes.length - done);
      if (access === Prot.WRITE) page.set(bytes.subarray(done, done + step), offset);
      else bytes.set(page.subarray(offset, offset + step), done);
      done += step;
    }
    return bytes.length;
  }
  #page(number: number, access: number, force: boolean): Uint8Array | Reply {
    const address = number * PAGE_BYTES;
    const mapping = this.#mappings.find((each) => address >= each.start && address < each.start + each.bytes);
    if (mapping === undefined || (!force && (mapping.prot & access) === 0)) return -Errno.EFAULT;
    if (this.absent.delete(number)) return { on: [] };
    const known = this.#pages.get(number);
    if (known !== undefined) return known.bytes;
    const bytes = new Uint8Array(PAGE_BYTES);
    if (mapping.backing !== undefined) {
      const fetched = mapping.backing.fetch((mapping.offset + address - mapping.start) / PAGE_BYTES, bytes);
      if (typeof fetched !== 'number' || fetched < 0) return fetched;
    }
    this.residentPages++;
    this.#pages.set(number, { bytes, mapping });
    return bytes;
  }
}

/** A CPU that makes fakes and runs nothing. */
export function fakeCpu(): Cpu & { readonly spaces: FakeSpace[] } {
  const spaces: FakeSpace[] = [];
  return {
    spaces,
    isa: 'riscv64-user',
    traits: { sync: true, exactBudget: true, preemptible: true, saveable: false, forkable: false, dirty: 'none' },
    space() {
      const space = new FakeSpace();
      spaces.push(space);
      return space;
    },
    context: () => new FakeContext(),
    clone: () => -Errno.ENOSYS,
    run: () => 'halted',
    stall: () => ({ on: [] }),
    interrupt: () => undefined,
  };
}

const instant = () => ({ sec: 0, nsec: 0 });

export interface FakeTask extends Task {
  context: Context & FakeContext;
  space: FakeSpace;
  attention: boolean;
}

/** Where the tests' guest memory is: 16 pages. */
export const MEMORY = 0x2_0000;

export function fakeTask(): FakeTask {
  const space = new FakeSpace();
  space.map(MEMORY as GuestAddress, 16 * PAGE_BYTES, Prot.READ | Prot.WRITE, undefined, 0, 'private');
  return {
    id: 7,
    group: 5,
    context: new FakeContext(),
    space,
    stat: {
      node: 0,
      mode: 0,
      size: 0,
      links: 0,
      uid: 0,
      gid: 0,
      rdev: 0,
      device: 0,
      blockBytes: 0,
      blocks: 0,
      atime: instant(),
      mtime: instant(),
      ctime: instant(),
    },
    values: new Float64Array(32),
    bytes: new Uint8Array(4096),
    progress: undefined,
    callNote: undefined,
    parked: undefined,
    attention: false,
    note: undefined,
  };
}

/** A system of which only what a test gives is there; anything else is an error of the test. */
export function fakeSystem(parts: Partial<TaskSystem>): TaskSystem {
  return new Proxy(parts as TaskSystem, {
    get(target, name) {
      const found = target[name as keyof TaskSystem];
      if (found === undefined) throw new Error(`the test's system has no ${String(name)}`);
      return found;
    },
  });
}
