import type { Attributes, Reply } from '@ashlar/hardware';
import { Errno, FileType, NAME_BYTES_MAX } from '@ashlar/hardware';
import { SYSTEM_LIMITS } from '@ashlar/kernel-stub';
import { newAttributes } from './attributes.ts';
import type { Description } from './description.ts';
import type { Filesystem } from './filesystem.ts';
import type { Caller } from './host.ts';
import type { Journal } from './journal.ts';
import { Access, permitted } from './permission.ts';
import { type Mount, nameKey, type PlaceTable, type TreePlace } from './tree-place.ts';

const SLASH = 0x2f;
const DOT = 0x2e;
const EMPTY = new Uint8Array();

/** What the last component of a path is: a name, `.`, `..`, or nothing but slashes (the root). */
export type LastComponent = 'name' | 'dot' | 'dotdot' | 'root';

/** Whether links in the last component are followed, and where the walk ends. */
export const WalkTo = {
  /** The node itself; a link in the last component is followed. */
  TARGET: 0,
  /** The node itself, a link if it is one. */
  ENTRY: 1,
  /** The directory that holds the last component, which is in `name` and is not looked up. */
  PARENT: 2,
} as const;
export type WalkTo = (typeof WalkTo)[keyof typeof WalkTo];

/**
 * Path resolution (path_resolution(7)). One object per path of a call, reused: `start`, then `go`; the result is in its fields.
 * Every request goes through the journal, which owns all references until {@link Walk.place} takes those it needs.
 */
export class Walk {
  readonly #journal: Journal;
  readonly #places: PlaceTable;
  readonly #scratch = new Uint8Array(SYSTEM_LIMITS.pathBytes);
  /** Directories passed below `#base`, and the names by which. */
  readonly #mounts: Mount[] = [];
  readonly #nodes: number[] = [];
  readonly #names: Uint8Array[] = [];
  #depth = 0;
  #base!: TreePlace;

  /** Where the walk is: the result, or with {@link WalkTo.PARENT} and for a missing last name, the directory. */
  mount!: Mount;
  node = 0;
  /** Of `node`. */
  readonly attributes: Attributes = newAttributes();
  #attributesKnown = false;
  /** false: the last name is not there (only where the caller allows it). */
  found = false;
  /** The last component, where it was not walked into: PARENT, or a missing one. */
  name: Uint8Array = EMPTY;
  last: LastComponent = 'root';
  /** The path ended in a slash, so only a directory will do. */
  slash = false;
  /** The link led to an open description that lies nowhere. */
  description: Description | undefined;
  /** Type bits of `node`'s mode. */
  #type = 0;

  constructor(journal: Journal, places: PlaceTable) {
    this.#journal = journal;
    this.#places = places;
  }

  get filesystem(): Filesystem {
    return this.mount.filesystem;
  }

  /** `path` is not changed or kept beyond the call. `missing`: a missing last name is a result, not -ENOENT. */
  go(caller: Caller, dir: TreePlace, path: Uint8Array, to: WalkTo, missing: boolean): Reply {
    this.description = undefined;
    this.found = false;
    this.slash = false;
    this.name = EMPTY;
    if (path.length === 0) return -Errno.ENOENT;
    if (path.length >= SYSTEM_LIMITS.pathBytes) return -Errno.ENAMETOOLONG;
    this.#startAt(path[0] === SLASH ? (caller.directories.root as TreePlace) : dir);
    this.last = 'root';
    return this.#components(caller, path, to, missing);
  }

  /** The result is `place` itself (AT_EMPTY_PATH, a descriptor). */
  at(place: TreePlace): void {
    this.description = undefined;
    this.slash = false;
    this.last = 'root';
    this.#startAt(place);
    this.found = true;
  }

  /** Fills `attributes` if they are not known yet. */
  fill(): Reply {
    if (this.#attributesKnown) return 0;
    const reply = this.#journal.getattr(this.filesystem, this.node, this.attributes);
    if (typeof reply === 'number' && reply >= 0) this.#attributesKnown = true;
    return reply;
  }

  /** The directory's attributes or node changed by the call itself. */
  forgetAttributes(): void {
    this.#attributesKnown = false;
  }

  /** Looks the last name up in the directory where a PARENT walk ended; `found` tells, `into` has the attributes. 0, or an errno but -ENOENT. */
  peek(into: Attributes): Reply {
    const over = this.mount.over(this.node, this.name);
    const reply =
      over !== undefined
        ? this.#journal.getattr(over.filesystem, over.filesystem.root, into)
        : this.#journal.lookup(this.filesystem, this.node, this.name, into);
    if (typeof reply !== 'number') return reply;
    this.found = reply >= 0;
    return reply === -Errno.ENOENT ? 0 : Math.min(reply, 0);
  }

  /** Whether the last name of a PARENT walk is covered by a mount. */
  get isMountPoint(): boolean {
    return this.mount.over(this.node, this.name) !== undefined;
  }

  /** A node was made in the directory where the walk ended: the walk now stands on it. */
  enter(made: Attributes): void {
    this.#push(this.mount, made.node, this.name, made.mode);
    this.found = true;
  }

  /** The place where the walk stands, held; with those above it. */
  place(): TreePlace {
    let at = this.#base;
    for (let i = 0; i < this.#depth; i++) {
      const mount = this.#mounts[i] as Mount;
      const node = this.#nodes[i] as number;
      if (mount !== at.mount) {
        at = mount.root;
        continue;
      }
      const key = nameKey(this.#names[i] as Uint8Array);
      let next = this.#places.child(at, key);
      if (next === undefined || next.node !== node) {
        const type = i === this.#depth - 1 ? this.#type : FileType.DIRECTORY;
        const parent = at;
        next = this.#places.add(mount, node, type, parent, key);
        this.#journal.transfer(mount.filesystem, node);
      }
      at = next;
    }
    return this.#places.hold(at);
  }

  /** The place where the walk stands if somebody uses it already; not held. */
  usedPlace(): TreePlace | undefined {
    let at: TreePlace | undefined = this.#base;
    for (let i = 0; i < this.#depth && at !== undefined; i++) {
      const mount = this.#mounts[i] as Mount;
      at = mount !== at.mount ? mount.root : this.#places.child(at, nameKey(this.#names[i] as Uint8Array));
    }
    return at;
  }

  /** Whether directory `node` of `filesystem` was passed on the way down, or is above it: renaming it into here would make a loop. */
  isBelow(filesystem: Filesystem, node: number): boolean {
    for (let i = 0; i < this.#depth; i++) {
      if (this.#nodes[i] === node && (this.#mounts[i] as Mount).filesystem === filesystem) return true;
    }
    for (let at: TreePlace | undefined = this.#base; at !== undefined; at = at.parent) {
      if (at.node === node && at.filesystem === filesystem) return true;
    }
    return false;
  }

  #components(caller: Caller, given: Uint8Array, to: WalkTo, missing: boolean): Reply {
    let path = given;
    let position = 0;
    let links = 0;
    for (;;) {
      while (path[position] === SLASH) position++;
      if (position >= path.length) break;
      let end = position + 1;
      while (end < path.length && path[end] !== SLASH) end++;
      const name = path.subarray(position, end);
      let after = end;
      while (path[after] === SLASH) after++;
      const isLast = after >= path.length;
      if (isLast) this.slash = after > end;
      if (this.#type !== FileType.DIRECTORY) return -Errno.ENOTDIR;
      const searched = this.#search(caller);
      if (searched !== 0) return searched;
      position = end;
      this.last = componentKind(name);
      if (this.last === 'dot') continue;
      if (this.last === 'dotdot') {
        this.#up(caller.directories.root as TreePlace);
        continue;
      }
      if (name.length > NAME_BYTES_MAX) return -Errno.ENAMETOOLONG;
      if (isLast && to === WalkTo.PARENT) {
        this.name = name;
        return 0;
      }
      const reply = this.#step(name);
      if (typeof reply !== 'number') return reply;
      if (reply === -Errno.ENOENT && isLast && missing) {
        this.name = name;
        return 0;
      }
      if (reply < 0) return reply;
      if (this.#isLink && (!isLast || this.slash || to === WalkTo.TARGET)) {
        if (++links > SYSTEM_LIMITS.symlinks) return -Errno.ELOOP;
        const led = this.#followMagic();
        if (led) {
          if (this.description === undefined) continue;
          if (!isLast) return -Errno.ENOTDIR;
          this.found = true;
          return 0;
        }
        const length = this.#journal.readlink(this.filesystem, this.node, this.#scratch);
        if (typeof length !== 'number' || length < 0) return length;
        if (length === 0) return -Errno.ENOENT;
        if (length >= SYSTEM_LIMITS.pathBytes || length + path.length - end >= 2 * SYSTEM_LIMITS.pathBytes) return -Errno.ENAMETOOLONG;
        const next = new Uint8Array(length + path.length - end);
        next.set(this.#scratch.subarray(0, length));
        next.set(path.subarray(end), length);
        path = next;
        position = 0;
        if (next[0] === SLASH) this.#startAt(caller.directories.root as TreePlace);
        else this.#pop();
        this.last = 'root';
      }
    }
    if (this.slash && this.#type !== FileType.DIRECTORY) return -Errno.ENOTDIR;
    this.found = true;
    return 0;
  }

  /** Into `name` of the directory where the walk stands. */
  #step(name: Uint8Array): Reply {
    const over = this.mount.over(this.node, name);
    if (over !== undefined) {
      this.#push(over, over.filesystem.root, name, FileType.DIRECTORY);
      this.#attributesKnown = false;
      return 0;
    }
    const reply = this.#journal.lookup(this.filesystem, this.node, name, this.attributes);
    if (typeof reply !== 'number') return reply;
    if (reply < 0) {
      this.#attributesKnown = false;
      return reply;
    }
    this.#push(this.mount, this.attributes.node, name, this.attributes.mode);
    this.#attributesKnown = true;
    return 0;
  }

  get #isLink(): boolean {
    return this.#type === FileType.SYMLINK;
  }

  #search(caller: Caller): Reply {
    const { euid, egid } = caller.credentials;
    if (euid === 0) return 0;
    const filled = this.fill();
    if (typeof filled !== 'number' || filled < 0) return filled;
    return permitted(this.attributes, euid, egid, Access.EXECUTE) ? 0 : -Errno.EACCES;
  }

  #followMagic(): boolean {
    const led = this.filesystem.follow?.(this.node);
    if (led === undefined) return false;
    if ('place' in led) this.#startAt(led.place as TreePlace);
    else this.description = led.description;
    return true;
  }

  #startAt(place: TreePlace): void {
    this.#base = place;
    this.#depth = 0;
    this.#stand();
  }

  #up(root: TreePlace): void {
    if (this.node === root.node && this.filesystem === root.filesystem) return;
    if (this.#depth > 0) this.#depth--;
    else this.#base = this.#base.parent ?? this.#base;
    this.#stand();
  }

  #pop(): void {
    this.#depth--;
    this.#stand();
  }

  #push(mount: Mount, node: number, name: Uint8Array, mode: number): void {
    this.#mounts[this.#depth] = mount;
    this.#nodes[this.#depth] = node;
    this.#names[this.#depth] = name;
    this.#depth++;
    this.mount = mount;
    this.node = node;
    this.#type = mode & FileType.MASK;
  }

  /** Reads where the walk stands from its frames. Whatever is passed through, but the last, is a directory. */
  #stand(): void {
    const top = this.#depth - 1;
    this.mount = top >= 0 ? (this.#mounts[top] as Mount) : this.#base.mount;
    this.node = top >= 0 ? (this.#nodes[top] as number) : this.#base.node;
    this.#type = top >= 0 ? FileType.DIRECTORY : this.#base.type;
    this.#attributesKnown = false;
  }
}

function componentKind(name: Uint8Array): LastComponent {
  if (name[0] !== DOT) return 'name';
  if (name.length === 1) return 'dot';
  return name.length === 2 && name[1] === DOT ? 'dotdot' : 'name';
}
