import type { Plain } from '@ashlar/hardware';
import { FileType } from '@ashlar/hardware';
import type { Filesystem } from './filesystem.ts';
import type { Place } from './place.ts';

/** A file system in the tree. It covers one name in the root directory of the mount above it, whether or not that name exists there. */
export class Mount {
  /** Position in the table; stable across a save. */
  readonly id: number;
  readonly filesystem: Filesystem;
  readonly root: TreePlace;
  /** Mounts over names in this one's root directory. */
  readonly points: { readonly name: Uint8Array; readonly mount: Mount }[] = [];

  constructor(id: number, filesystem: Filesystem, above: { mount: Mount; name: Uint8Array } | undefined, serial: number) {
    this.id = id;
    this.filesystem = filesystem;
    this.root = new TreePlace(this, filesystem.root, FileType.DIRECTORY, above?.mount.root, above ? nameKey(above.name) : '', serial);
    this.root.references = 1;
    above?.mount.points.push({ name: above.name, mount: this });
  }

  /** What is mounted over `name` in directory `node` of this mount. */
  over(node: number, name: Uint8Array): Mount | undefined {
    if (this.points.length === 0 || node !== this.filesystem.root) return undefined;
    for (const point of this.points) if (sameBytes(point.name, name)) return point.mount;
    return undefined;
  }
}

/**
 * A node somebody uses (as a current directory, an open file, a running program), with how it was reached. Not a cache: it exists while it is
 * held, or while a place below it is. It follows renames made through this stub and knows when its name is gone.
 */
export class TreePlace implements Place {
  readonly mount: Mount;
  readonly filesystem: Filesystem;
  readonly node: number;
  /** Type bits of the node's mode. */
  readonly type: number;
  /** Names it in a saved state. */
  readonly serial: number;
  /** undefined: the root of the whole tree. */
  parent: TreePlace | undefined;
  name: string;
  removed = false;
  children: Map<string, TreePlace> | undefined;
  references = 0;

  constructor(mount: Mount, node: number, type: number, parent: TreePlace | undefined, name: string, serial: number) {
    this.mount = mount;
    this.filesystem = mount.filesystem;
    this.node = node;
    this.type = type;
    this.parent = parent;
    this.name = name;
    this.serial = serial;
  }

  get isDirectory(): boolean {
    return this.type === FileType.DIRECTORY;
  }

  /** Whether it or a directory above it lost its name. */
  get isUnreachable(): boolean {
    for (let at: TreePlace | undefined = this; at !== undefined; at = at.parent) if (at.removed) return true;
    return false;
  }

  /** Absolute path as seen from `root`; from the root of the whole tree if it lies outside. */
  pathFrom(root: TreePlace): string {
    let path = '';
    for (let at: TreePlace | undefined = this; at !== undefined && !at.isSame(root); at = at.parent) {
      if (at.parent !== undefined) path = `/${at.name}${path}`;
    }
    return path === '' ? '/' : path;
  }

  /** Absolute path in the whole tree. */
  pathFromTop(): string {
    let top: TreePlace = this;
    while (top.parent !== undefined) top = top.parent;
    return this.pathFrom(top);
  }

  isSame(other: TreePlace): boolean {
    return this.node === other.node && this.filesystem === other.filesystem;
  }
}

/** What a saved place is made again from. */
interface SavedPlace {
  readonly serial: number;
  readonly mount: number;
  readonly node: number;
  readonly type: number;
  readonly parent: number;
  readonly name: string;
  readonly removed: boolean;
}

/** All mounts, and all places in use. */
export class PlaceTable {
  readonly mounts: Mount[] = [];
  readonly #places = new Map<number, TreePlace>();
  #serial = 1;

  /** Mounts `filesystem` over `name` in the root of `above`, or as the root of all. */
  mount(filesystem: Filesystem, above?: Mount, name?: Uint8Array): Mount {
    const at = above !== undefined && name !== undefined ? { mount: above, name } : undefined;
    // Mount roots are numbered before all other places, in table order, so a restored table finds the same ones.
    const mount = new Mount(this.mounts.length, filesystem, at, this.#serial++);
    this.mounts.push(mount);
    this.#places.set(mount.root.serial, mount.root);
    return mount;
  }

  filesystem(device: number): Filesystem | undefined {
    for (const mount of this.mounts) if (mount.filesystem.device === device) return mount.filesystem;
    return undefined;
  }

  /** The place in use by that name, if any. */
  child(parent: TreePlace, key: string): TreePlace | undefined {
    return parent.children?.get(key);
  }

  /** A place without holders yet; it owns one reference to its node. */
  add(mount: Mount, node: number, type: number, parent: TreePlace, key: string): TreePlace {
    const stale = parent.children?.get(key);
    if (stale !== undefined) this.remove(stale);
    const place = new TreePlace(mount, node, type, parent, key, this.#serial++);
    this.#attach(place, parent, key);
    parent.references++;
    this.#places.set(place.serial, place);
    return place;
  }

  hold(place: TreePlace): TreePlace {
    place.references++;
    return place;
  }

  drop(place: TreePlace): void {
    for (let at: TreePlace | undefined = place; at !== undefined && --at.references === 0; ) {
      const parent: TreePlace | undefined = at.parent;
      if (parent?.children?.get(at.name) === at) parent.children.delete(at.name);
      this.#places.delete(at.serial);
      at.filesystem.forget(at.node);
      at = parent;
    }
  }

  /** Its name is gone (unlink, rmdir, replaced by rename). */
  remove(place: TreePlace): void {
    if (place.removed) return;
    place.removed = true;
    place.parent?.children?.delete(place.name);
  }

  /** Its name is another's for the moment: {@link move} follows (RENAME_EXCHANGE). */
  detach(place: TreePlace): void {
    place.parent?.children?.delete(place.name);
  }

  /** It has another name now. */
  move(place: TreePlace, parent: TreePlace, key: string): void {
    const old = place.parent as TreePlace;
    if (old.children?.get(place.name) === place) old.children.delete(place.name);
    const replaced = parent.children?.get(key);
    if (replaced !== undefined && replaced !== place) this.remove(replaced);
    parent.references++;
    place.parent = parent;
    place.name = key;
    this.#attach(place, parent, key);
    this.drop(old);
  }

  save(): Plain {
    const saved: SavedPlace[] = [];
    for (const place of this.#places.values()) {
      if (place === place.mount.root) continue;
      saved.push({
        serial: place.serial,
        mount: place.mount.id,
        node: place.node,
        type: place.type,
        parent: place.parent?.serial ?? 0,
        name: place.name,
        removed: place.removed,
      });
    }
    return { serial: this.#serial, places: saved as unknown as Plain };
  }

  /** Into a table with the same mounts and no other places. Places are without holders, beside those below them. */
  restore(saved: Plain): void {
    const { serial, places } = saved as unknown as { serial: number; places: readonly SavedPlace[] };
    for (const each of places) {
      const mount = this.mounts[each.mount] as Mount;
      this.#places.set(each.serial, new TreePlace(mount, each.node, each.type, undefined, each.name, each.serial));
    }
    for (const each of places) {
      const place = this.#places.get(each.serial) as TreePlace;
      const parent = this.#places.get(each.parent) as TreePlace;
      place.parent = parent;
      place.removed = each.removed;
      parent.references++;
      if (!each.removed) this.#attach(place, parent, each.name);
    }
    this.#serial = serial;
  }

  bySerial(serial: number): TreePlace | undefined {
    return this.#places.get(serial);
  }

  /** Places in use, mount roots not counted: what tests look at for leaks. */
  get inUse(): number {
    return this.#places.size - this.mounts.length;
  }

  #attach(place: TreePlace, parent: TreePlace, key: string): void {
    parent.children ??= new Map();
    parent.children.set(key, place);
  }
}

/** Bytes turned into a string at once: more would not fit a call's arguments. */
const KEY_CHUNK = 4096;

/** Names are bytes; as map keys they are strings of one character per byte. */
export function nameKey(name: Uint8Array): string {
  // One call makes a flat string, which a map hashes much faster than one put together letter by letter.
  if (name.length <= KEY_CHUNK) return String.fromCharCode.apply(null, name as unknown as number[]);
  let key = '';
  for (let at = 0; at < name.length; at += KEY_CHUNK) key += nameKey(name.subarray(at, at + KEY_CHUNK));
  return key;
}

/** Inverse of {@link nameKey}, for paths too. */
export function keyBytes(key: string): Uint8Array {
  const bytes = new Uint8Array(key.length);
  for (let i = 0; i < key.length; i++) bytes[i] = key.charCodeAt(i);
  return bytes;
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}
