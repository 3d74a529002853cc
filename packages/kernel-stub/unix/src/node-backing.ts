import type { Backing, GuestAddress, Reply } from '@ashlar/hardware';
import { Errno, PAGE_BYTES } from '@ashlar/hardware';
import { newAttributes } from './attributes.ts';
import type { Filesystem } from './filesystem.ts';
import { BytesIo } from './io.ts';
import { pageCeil } from './memory.ts';
import { SharedPages, type Spaces } from './shared-pages.ts';
import type { TreePlace } from './tree-place.ts';

/** What is read or written between one page and the next: to hold on to a page is to hold on to a guest's whole memory. */
const NOTHING = new Uint8Array();

/**
 * A regular file's pages, for mapping and executing it. There is one per node, so that spaces which map the same file share its pages.
 * Whoever maps it holds a description or executable of the file, which keeps the node alive.
 */
export class NodeBacking implements Backing {
  readonly id: string;
  readonly filesystem: Filesystem;
  readonly node: number;
  /** Set once a program mapped it shared. */
  shared: SharedPages | undefined;
  /** Whether a page of it was asked for: until then no memory holds any. */
  fetched = false;
  /** How the file was reached first. */
  name: string | undefined;
  readonly #io = new BytesIo(NOTHING);
  readonly #attributes = newAttributes();

  constructor(filesystem: Filesystem, node: number) {
    this.id = backingId(filesystem.device, node);
    this.filesystem = filesystem;
    this.node = node;
  }

  fetch(page: number, into: Uint8Array): Reply {
    this.fetched = true;
    this.#io.reset(into);
    const reply = this.filesystem.read(this.node, page * PAGE_BYTES, this.#io);
    this.#io.reset(NOTHING);
    if (reply !== 0) return reply;
    return -Errno.ENXIO;
  }

  /** Bytes past the end of the file are dropped: a mapping does not make it longer (mmap(2)). */
  store(page: number, from: Uint8Array): Reply {
    const known = this.filesystem.getattr(this.node, this.#attributes);
    if (typeof known !== 'number' || known < 0) return known;
    const at = page * PAGE_BYTES;
    const bytes = Math.min(from.length, this.#attributes.size - at);
    if (bytes <= 0) return 0;
    this.#io.reset(from.subarray(0, bytes));
    const reply = this.filesystem.write(this.node, at, this.#io);
    this.#io.reset(NOTHING);
    return reply;
  }
}

/** The backings in use or lately used, by file system and node. */
export class BackingTable {
  readonly #byId = new Map<string, { backing: NodeBacking; holders: number; place: TreePlace | undefined }>();
  readonly #spaces: Spaces;

  constructor(spaces: Spaces) {
    this.#spaces = spaces;
  }

  /** The one of this node; a holder keeps it the same object until {@link drop}. */
  hold(place: TreePlace): NodeBacking {
    const { filesystem, node } = place;
    const id = backingId(filesystem.device, node);
    let known = this.#byId.get(id);
    if (known === undefined) {
      known = { backing: new NodeBacking(filesystem, node), holders: 0, place };
      this.#byId.set(id, known);
    }
    known.holders++;
    known.place ??= place;
    known.backing.name ??= place.pathFromTop();
    return known.backing;
  }

  /** A shared mapping of it was made, or may have been. */
  share(backing: NodeBacking): void {
    backing.shared ??= new SharedPages(backing.id, backing.filesystem, backing.node, this.#spaces);
  }

  /** The file ends at `size` now: memory behind it is gone, private copies of its pages too (truncate(2)). */
  cut(filesystem: Filesystem, node: number, size: number): void {
    const backing = this.#byId.get(backingId(filesystem.device, node))?.backing;
    // A restored one is shared: its pages may have been fetched before it was saved.
    if (backing === undefined || (!backing.fetched && backing.shared === undefined)) return;
    backing.shared?.cut(size);
    for (const space of this.#spaces()) {
      for (const mapping of space.mappings()) {
        const kept = Math.max(0, pageCeil(size) - mapping.offset);
        if (mapping.backing?.id !== backing.id || kept >= mapping.bytes) continue;
        const start = (mapping.start + kept) as GuestAddress;
        space.map(start, mapping.bytes - kept, mapping.prot, mapping.backing, mapping.offset + kept, mapping.sharing);
      }
    }
  }

  /** How the file was reached by one who holds or held it. */
  placeOf(id: string): TreePlace | undefined {
    return this.#byId.get(id)?.place;
  }

  drop(filesystem: Filesystem, node: number): void {
    const id = backingId(filesystem.device, node);
    const known = this.#byId.get(id);
    if (known !== undefined && --known.holders === 0) this.#byId.delete(id);
  }

  /** Like {@link hold}, by the id of a saved mapping. */
  restore(id: string, filesystemOf: (device: number) => Filesystem | undefined): NodeBacking | undefined {
    const match = /^file:(\d+):(\d+)$/.exec(id);
    const filesystem = match === null ? undefined : filesystemOf(Number(match[1]));
    if (match === null || filesystem === undefined) return undefined;
    const known = this.#byId.get(id);
    if (known !== undefined) {
      this.share(known.backing);
      return known.backing;
    }
    const backing = new NodeBacking(filesystem, Number(match[2]));
    // Held by the memory that is restored with the mapping; until then by nobody.
    this.#byId.set(id, { backing, holders: 0, place: undefined });
    this.share(backing);
    return backing;
  }
}

const backingId = (device: number, node: number): string => `file:${device}:${node}`;
