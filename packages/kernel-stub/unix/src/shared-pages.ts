import type { AddressSpace, GuestAddress, Mapping, Reply } from '@ashlar/hardware';
import { PAGE_BYTES } from '@ashlar/hardware';
import type { Io } from '@ashlar/kernel-stub';
import { newAttributes } from './attributes.ts';
import type { Filesystem } from './filesystem.ts';
import { BytesIo } from './io.ts';
import { pageCeil, pageFloor } from './memory.ts';

/** The spaces there are, each once. */
export type Spaces = () => Iterable<AddressSpace>;

/**
 * A file that programs mapped shared. What they store is in their memory first; reading, writing and cutting the file go by that memory, so that
 * a file and its mappings always say the same (mmap(2), MAP_SHARED). Only pages that are present count: absent ones come from the file anyway.
 */
export class SharedPages {
  readonly #id: string;
  readonly #filesystem: Filesystem;
  readonly #node: number;
  readonly #spaces: Spaces;
  readonly #page = new Uint8Array(PAGE_BYTES);
  readonly #io = new BytesIo(this.#page);
  readonly #attributes = newAttributes();

  constructor(id: string, filesystem: Filesystem, node: number, spaces: Spaces) {
    this.#id = id;
    this.#filesystem = filesystem;
    this.#node = node;
    this.#spaces = spaces;
  }

  /** Writes to the file what was stored in [at, end) of it. 0, an errno, or a wait. */
  flush(at: number, end: number): Reply {
    const known = this.#filesystem.getattr(this.#node, this.#attributes);
    if (typeof known !== 'number' || known < 0) return known;
    const { size } = this.#attributes;
    return this.#visit(pageFloor(at), Math.min(end, size), (_space, _address, bytes, offset) => {
      const length = Math.min(bytes.length, size - offset);
      this.#io.reset(this.#page.subarray(0, length));
      const read = this.#filesystem.read(this.#node, offset, this.#io);
      if (typeof read !== 'number' || read < 0) return read;
      const stored = bytes.subarray(0, length);
      if (stored.every((byte, index) => byte === this.#page[index])) return 0;
      this.#io.reset(stored.slice());
      const written = this.#filesystem.write(this.#node, offset, this.#io);
      return typeof written === 'number' ? Math.min(0, written) : written;
    });
  }

  /** The file was written at [at, at + bytes): pages that are present say so too. `io` still has the bytes. */
  wrote(at: number, bytes: number, io: Io): void {
    this.#visit(pageFloor(at), at + bytes, (space, address, page, offset) => {
      const from = Math.max(at, offset);
      const part = this.#page.subarray(0, Math.min(at + bytes, offset + page.length) - from);
      if (io.get(from - at, part) === part.length) space.copyOut((address + from - offset) as GuestAddress, part, true);
      return 0;
    });
  }

  /** The file ends at `size` now: its last page is zero behind that. Whole pages behind it are {@link BackingTable.cut}'s. */
  cut(size: number): void {
    const rest = pageCeil(size) - size;
    if (rest === 0) return;
    this.#page.fill(0);
    this.#visit(pageFloor(size), size + 1, (space, address) => {
      space.copyOut((address + PAGE_BYTES - rest) as GuestAddress, this.#page.subarray(0, rest), true);
      return 0;
    });
  }

  #mappings(space: AddressSpace): Mapping[] {
    return space.mappings().filter(({ sharing, backing }) => sharing === 'shared' && backing?.id === this.#id);
  }

  /** Each page that is present and holds bytes of [at, end), `at` at the start of a page; until one answers other than 0. */
  #visit(at: number, end: number, each: (space: AddressSpace, address: GuestAddress, bytes: Uint8Array, offset: number) => Reply): Reply {
    for (const space of this.#spaces()) {
      for (const mapping of this.#mappings(space)) {
        const last = Math.min(end, mapping.offset + mapping.bytes);
        for (let offset = Math.max(at, mapping.offset); offset < last; offset += PAGE_BYTES) {
          const address = (mapping.start + offset - mapping.offset) as GuestAddress;
          const bytes = space.window(address, PAGE_BYTES, false);
          const reply = bytes === undefined ? 0 : each(space, address, bytes, offset);
          if (reply !== 0) return reply;
        }
      }
    }
    return 0;
  }
}
