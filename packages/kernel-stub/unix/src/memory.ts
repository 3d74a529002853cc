import type { AddressSpace, Backing, GuestAddress, Result } from '@ashlar/hardware';
import type { Executable } from './files.ts';

/** Something whose pages may be mapped and which must live as long as a mapping of it: an open description, a program file. */
export interface MappedFile {
  hold(): unknown;
  release(): void;
}

/** A program file counted by the spaces that map it. */
export class ProgramHold implements MappedFile {
  readonly file: Pick<Executable, 'place' | 'close'>;
  #references = 1;

  constructor(file: Pick<Executable, 'place' | 'close'>) {
    this.file = file;
  }

  hold(): this {
    this.#references++;
    return this;
  }

  release(): void {
    if (--this.#references === 0) this.file.close();
  }
}

/** Files kept alive by one space at most before those no longer mapped are looked for. */
const HELD_FILES_SWEEP = 64;

/**
 * An address space with what the kernel knows about it; shared by the threads of a process and by a vfork child, copied by fork.
 */
export class Memory {
  references = 1;
  readonly space: AddressSpace;
  heapStart: GuestAddress;
  /** One past the last byte of the heap; not page-aligned. */
  heapEnd: GuestAddress;
  /** Where `map` without a wish begins to look for a gap. */
  readonly mapStart: GuestAddress;
  /** By backing id. */
  #files = new Map<string, MappedFile>();

  constructor(space: AddressSpace, heapStart: GuestAddress, heapEnd: GuestAddress, mapStart: GuestAddress) {
    this.space = space;
    this.heapStart = heapStart;
    this.heapEnd = heapEnd;
    this.mapStart = mapStart;
  }

  /** Keeps `file` while something of the backing of that id is mapped. */
  keep(backing: string, file: MappedFile): void {
    if (this.#files.has(backing)) return;
    if (this.#files.size >= HELD_FILES_SWEEP) this.#sweep();
    file.hold();
    this.#files.set(backing, file);
  }

  /** A copy for a forked child; -ENOMEM or -ENOSYS. */
  fork(): Memory | Result {
    const space = this.space.fork();
    if (typeof space === 'number') return space;
    const other = new Memory(space, this.heapStart, this.heapEnd, this.mapStart);
    for (const [id, file] of this.#files) {
      file.hold();
      other.#files.set(id, file);
    }
    return other;
  }

  /** One holder less; true if it was the last and the space can be destroyed (by the caller, outside of any run). */
  release(): boolean {
    return --this.references === 0;
  }

  destroy(): void {
    this.space.destroy();
    for (const file of this.#files.values()) file.release();
    this.#files.clear();
  }

  #sweep(): void {
    const mapped = new Set(this.space.mappings().map((mapping) => mapping.backing?.id));
    for (const [id, file] of this.#files) {
      if (mapped.has(id)) continue;
      this.#files.delete(id);
      file.release();
    }
  }
}

/** Identity and contents of memory mapped MAP_SHARED | MAP_ANONYMOUS: zeroes that forked processes see each other write. */
export class SharedZeroes implements Backing {
  readonly id: string;

  constructor(serial: number) {
    this.id = `${SHARED_ZEROES_PREFIX}${serial}`;
  }

  fetch(_page: number, into: Uint8Array): Result {
    return into.length;
  }
}

export const SHARED_ZEROES_PREFIX = 'unix:shared:';

/** Makes the backing again from its id; undefined for ids of others. */
export function restoreSharedZeroes(id: string): SharedZeroes | undefined {
  if (!id.startsWith(SHARED_ZEROES_PREFIX)) return undefined;
  return new SharedZeroes(Number(id.slice(SHARED_ZEROES_PREFIX.length)));
}

/** Rounds up to a whole page. */
export const pageCeil = (bytes: number): number => Math.ceil(bytes / 4096) * 4096;
/** Rounds down to a whole page. */
export const pageFloor = (bytes: number): number => Math.floor(bytes / 4096) * 4096;
export const isPageAligned = (address: number): boolean => address % 4096 === 0;
