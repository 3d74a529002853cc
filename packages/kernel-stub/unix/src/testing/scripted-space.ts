import {
  type AddressSpace,
  type Backing,
  Errno,
  type GuestAddress,
  type Mapping,
  type MemoryAccount,
  PAGE_BYTES,
  type PartReader,
  type PartWriter,
  type Reply,
  type Result,
} from '@ashlar/hardware';

const BASE = 0x1_0000;
const LIMIT = 0x100_0000;
const FIRST_MAPPING = 0x10_0000;

/** An address space of 16 MiB for scripted programs: every page is readable and writable where something is mapped. */
export class ScriptedSpace implements AddressSpace {
  readonly kind = 'paged';
  readonly base = BASE as GuestAddress;
  readonly limit = LIMIT as GuestAddress;
  epoch = 0;
  /** Words written, by address: enough of a memory for futexes and thread ids. */
  readonly words = new Map<number, number>();
  readonly #shared: Map<string, number>;
  #mappings: Mapping[] = [];

  constructor(shared: Map<string, number> = new Map()) {
    this.#shared = shared;
    this.map(BASE as GuestAddress, PAGE_BYTES, 3, undefined, 0, 'private');
  }

  get residentPages(): number {
    return this.#mappings.length;
  }

  map(at: GuestAddress, bytes: number, prot: number, from: Backing | undefined, offset: number, sharing: 'private' | 'shared'): Result {
    if (at < BASE || at + bytes > LIMIT) return -Errno.ENOMEM;
    this.unmap(at, bytes);
    this.#mappings.push({ start: at, bytes, prot, sharing, backing: from, offset });
    this.#mappings.sort((a, b) => a.start - b.start);
    this.epoch++;
    return 0;
  }

  unmap(at: GuestAddress, bytes: number): Result {
    const end = at + bytes;
    this.#mappings = this.#mappings.flatMap((mapping) => {
      const mappingEnd = mapping.start + mapping.bytes;
      if (mappingEnd <= at || mapping.start >= end) return [mapping];
      const before = mapping.start < at ? [{ ...mapping, bytes: at - mapping.start }] : [];
      const after =
        mappingEnd > end
          ? [{ ...mapping, start: end as GuestAddress, bytes: mappingEnd - end, offset: mapping.offset + end - mapping.start }]
          : [];
      return [...before, ...after];
    });
    this.epoch++;
    return 0;
  }

  protect(at: GuestAddress, _bytes: number, _prot: number): Result {
    this.epoch++;
    return this.#at(at) === undefined ? -Errno.ENOMEM : 0;
  }

  discard(at: GuestAddress, bytes: number): Result {
    for (const word of this.words.keys()) if (word >= at && word < at + bytes) this.words.delete(word);
    return 0;
  }

  move(from: GuestAddress, to: GuestAddress, bytes: number): Result {
    const mapping = this.#at(from);
    if (mapping === undefined) return -Errno.EFAULT;
    this.map(to, bytes, mapping.prot, mapping.backing, mapping.offset + from - mapping.start, mapping.sharing);
    for (const [word, value] of [...this.words]) if (word >= from && word < from + bytes) this.words.set(word - from + to, value);
    return this.unmap(from, bytes);
  }

  mappings(): readonly Mapping[] {
    return this.#mappings;
  }

  gap(bytes: number, from: GuestAddress, to: GuestAddress, _align: number): Result {
    let at: number = from;
    for (const mapping of this.#mappings) {
      if (mapping.start >= at + bytes) break;
      if (mapping.start + mapping.bytes > at) at = mapping.start + mapping.bytes;
    }
    return at + bytes <= to ? at : -Errno.ENOMEM;
  }

  copyIn(): Reply {
    return -Errno.EFAULT;
  }

  copyOut(): Reply {
    return -Errno.EFAULT;
  }

  load32(at: GuestAddress): Reply {
    const key = this.wordKey(at);
    if (key === undefined) return -Errno.EFAULT;
    return (key.startsWith('own') ? this.words.get(at) : this.#shared.get(key)) ?? 0;
  }

  store32(at: GuestAddress, value: number): Reply {
    const key = this.wordKey(at);
    if (key === undefined) return -Errno.EFAULT;
    if (key.startsWith('own')) this.words.set(at, value);
    else this.#shared.set(key, value);
    return 0;
  }

  swap32(): Reply {
    return -Errno.EFAULT;
  }

  window(): undefined {
    return undefined;
  }

  readonly #identity = Symbol('space');

  wordKey(at: GuestAddress): string | undefined {
    const mapping = this.#at(at);
    if (mapping === undefined) return undefined;
    if (mapping.sharing === 'shared' && mapping.backing !== undefined)
      return `${mapping.backing.id}:${mapping.offset + at - mapping.start}`;
    return `own:${numberOf(this.#identity)}:${at}`;
  }

  fork(): AddressSpace {
    const other = new ScriptedSpace(this.#shared);
    other.#mappings = [...this.#mappings];
    for (const [at, value] of this.words) other.words.set(at, value);
    return other;
  }

  takeDirty(): Result {
    return -Errno.ENOSYS;
  }

  save(out: PartWriter): Reply {
    out.put('words', [...this.words].flat());
    return 0;
  }

  restore(part: PartReader): Reply {
    const words = part.get('words') as readonly number[];
    for (let at = 0; at < words.length; at += 2) this.words.set(words[at] as number, words[at + 1] as number);
    return 0;
  }

  destroy(): void {
    this.#mappings = [];
  }

  #at(at: number): Mapping | undefined {
    return this.#mappings.find((mapping) => at >= mapping.start && at < mapping.start + mapping.bytes);
  }
}

const identities = new Map<symbol, number>();

function numberOf(identity: symbol): number {
  let number = identities.get(identity);
  if (number === undefined) {
    number = identities.size + 1;
    identities.set(identity, number);
  }
  return number;
}

/** Where scripted programs find memory that is mapped from the start. */
export const WORD = BASE as GuestAddress;
export const MAP_START = FIRST_MAPPING as GuestAddress;

/** A space of an account that is never exhausted. */
export const scriptedSpace = (_account: MemoryAccount): AddressSpace => new ScriptedSpace();
