import type {
  AttributeChange,
  Attributes,
  FilesystemStatistics,
  Instant,
  MemoryAccount,
  PartReader,
  PartWriter,
  Plain,
  Reply,
  Result,
} from '@ashlar/hardware';
import { Errno, FileType, PAGE_BYTES, RenameFlag, ROOT_NODE } from '@ashlar/hardware';
import { type DirectorySink, type Io, SYSTEM_LIMITS } from '@ashlar/kernel-stub';
import { copyAttributes, copyInstant, isDirectory, newAttributes } from './attributes.ts';
import type { Filesystem } from './filesystem.ts';
import { keyBytes, nameKey } from './tree-place.ts';

/** statfs(2) f_type of tmpfs. */
export const TMPFS_MAGIC = 0x01021994;
const ZEROES = new Uint8Array(PAGE_BYTES);
/** Pages that the names and records of a node are counted as, beside its contents: one for every so many nodes. */
const NODES_PER_PAGE = 8;

export interface TmpfsOptions {
  readonly device: number;
  readonly account: MemoryAccount;
  readonly now: (out: Instant) => void;
  /** Most pages of contents and records. */
  readonly pages: number;
  /** Most nodes. */
  readonly nodes: number;
  /** Permission bits of the root; default 0o1777. */
  readonly mode?: number;
  /** Name in /proc/mounts; default `tmpfs`. */
  readonly type?: string;
}

interface Entry {
  readonly node: TmpNode;
  /** Position in the listing: grows, so that an entry that stays is listed once. */
  readonly cookie: number;
}

interface TmpNode {
  readonly attributes: Attributes;
  /** References given out. */
  held: number;
  readonly entries: Map<string, Entry> | undefined;
  parent: TmpNode | undefined;
  /** Present pages of a regular file; a missing one is zeroes. */
  readonly pages: (Uint8Array | undefined)[] | undefined;
  target: Uint8Array | undefined;
}

/** Files in the domain's own memory, bounded and charged to its account (tmpfs(5)). */
export class Tmpfs implements Filesystem {
  readonly device: number;
  readonly type: string;
  readonly magic = TMPFS_MAGIC;
  readonly readOnly = false;
  readonly root = ROOT_NODE;
  readonly #nodes = new Map<number, TmpNode>();
  readonly #account: MemoryAccount;
  readonly #now: (out: Instant) => void;
  readonly #pagesMax: number;
  readonly #nodesMax: number;
  #pagesUsed = 0;
  #nextNode = ROOT_NODE;
  #nextCookie = 1;

  constructor(options: TmpfsOptions) {
    this.device = options.device;
    this.type = options.type ?? 'tmpfs';
    this.#account = options.account;
    this.#now = options.now;
    this.#pagesMax = options.pages;
    this.#nodesMax = options.nodes;
    const root = this.#make(FileType.DIRECTORY | (options.mode ?? 0o1777), 0);
    if (typeof root === 'number') throw new Error(`tmpfs: no memory for its root (${options.account.limitPages} pages in all)`);
    root.attributes.links = 2;
  }

  lookup(parent: number, name: Uint8Array, out: Attributes): Reply {
    const directory = this.#directory(parent);
    if (typeof directory === 'number') return directory;
    const entry = directory.entries.get(nameKey(name));
    if (entry === undefined) return -Errno.ENOENT;
    entry.node.held++;
    copyAttributes(entry.node.attributes, out);
    return 0;
  }

  getattr(node: number, out: Attributes): Reply {
    const known = this.#nodes.get(node);
    if (known === undefined) return -Errno.ESTALE;
    copyAttributes(known.attributes, out);
    return 0;
  }

  setattr(_tag: number, node: number, change: AttributeChange, out: Attributes): Reply {
    const known = this.#nodes.get(node);
    if (known === undefined) return -Errno.ESTALE;
    const { attributes } = known;
    if (change.size !== undefined) {
      const cut = this.#resize(known, change.size);
      if (cut < 0) return cut;
    }
    if (change.mode !== undefined) attributes.mode = (attributes.mode & FileType.MASK) | (change.mode & 0o7777);
    if (change.uid !== undefined) attributes.uid = change.uid;
    if (change.gid !== undefined) attributes.gid = change.gid;
    this.#now(attributes.ctime);
    if (change.size !== undefined) copyInstant(attributes.ctime, attributes.mtime);
    if (change.atime !== undefined) copyInstant(change.atime === 'now' ? attributes.ctime : change.atime, attributes.atime);
    if (change.mtime !== undefined) copyInstant(change.mtime === 'now' ? attributes.ctime : change.mtime, attributes.mtime);
    copyAttributes(attributes, out);
    return 0;
  }

  readlink(node: number, to: Uint8Array): Reply {
    const target = this.#nodes.get(node)?.target;
    if (target === undefined) return -Errno.EINVAL;
    to.set(target.subarray(0, to.length));
    return target.length;
  }

  create(_tag: number, parent: number, name: Uint8Array, mode: number, rdev: number, out: Attributes): Reply {
    return this.#add(parent, name, mode, rdev, undefined, out);
  }

  mkdir(_tag: number, parent: number, name: Uint8Array, mode: number, out: Attributes): Reply {
    return this.#add(parent, name, FileType.DIRECTORY | (mode & 0o7777), 0, undefined, out);
  }

  symlink(_tag: number, parent: number, name: Uint8Array, target: Uint8Array, out: Attributes): Reply {
    return this.#add(parent, name, FileType.SYMLINK | 0o777, 0, target.slice(), out);
  }

  link(_tag: number, node: number, parent: number, name: Uint8Array, out: Attributes): Reply {
    const directory = this.#directory(parent);
    if (typeof directory === 'number') return directory;
    const known = this.#nodes.get(node);
    if (known === undefined) return -Errno.ESTALE;
    if (known.entries !== undefined) return -Errno.EPERM;
    const key = nameKey(name);
    if (directory.entries.has(key)) return -Errno.EEXIST;
    if (known.attributes.links === 0) return -Errno.ENOENT;
    known.attributes.links++;
    known.held++;
    this.#now(known.attributes.ctime);
    this.#enter(directory, key, known);
    copyAttributes(known.attributes, out);
    return 0;
  }

  unlink(_tag: number, parent: number, name: Uint8Array): Reply {
    const directory = this.#directory(parent);
    if (typeof directory === 'number') return directory;
    const key = nameKey(name);
    const entry = directory.entries.get(key);
    if (entry === undefined) return -Errno.ENOENT;
    if (entry.node.entries !== undefined) return -Errno.EISDIR;
    this.#leave(directory, key, entry.node);
    return 0;
  }

  rmdir(_tag: number, parent: number, name: Uint8Array): Reply {
    const directory = this.#directory(parent);
    if (typeof directory === 'number') return directory;
    const key = nameKey(name);
    const entry = directory.entries.get(key);
    if (entry === undefined) return -Errno.ENOENT;
    if (entry.node.entries === undefined) return -Errno.ENOTDIR;
    if (entry.node.entries.size > 0) return -Errno.ENOTEMPTY;
    this.#leave(directory, key, entry.node);
    return 0;
  }

  rename(_tag: number, from: number, name: Uint8Array, to: number, newName: Uint8Array, flags: number): Reply {
    const source = this.#directory(from);
    if (typeof source === 'number') return source;
    const target = this.#directory(to);
    if (typeof target === 'number') return target;
    const key = nameKey(name);
    const newKey = nameKey(newName);
    const moving = source.entries.get(key)?.node;
    if (moving === undefined) return -Errno.ENOENT;
    const there = target.entries.get(newKey)?.node;
    if ((flags & RenameFlag.EXCHANGE) !== 0) return this.#exchange(source, key, moving, target, newKey, there);
    const refused = refuseRename(moving, target, there, flags);
    if (refused !== 0) return refused;
    if (there === moving) return 0;
    if (there !== undefined) this.#leave(target, newKey, there);
    this.#take(source, key, moving);
    this.#enter(target, newKey, moving);
    this.#now(moving.attributes.ctime);
    return 0;
  }

  #exchange(source: DirectoryNode, key: string, one: TmpNode, target: DirectoryNode, newKey: string, other: TmpNode | undefined): Result {
    if (other === undefined) return -Errno.ENOENT;
    if (one === other) return 0;
    if (isWithin(target, one) || isWithin(source, other)) return -Errno.EINVAL;
    this.#take(source, key, one);
    this.#take(target, newKey, other);
    this.#enter(target, newKey, one);
    this.#enter(source, key, other);
    this.#now(one.attributes.ctime);
    this.#now(other.attributes.ctime);
    return 0;
  }

  read(node: number, at: number, io: Io): Reply {
    const known = this.#nodes.get(node);
    if (known?.pages === undefined) return known === undefined ? -Errno.ESTALE : -Errno.EISDIR;
    const end = Math.min(known.attributes.size, at + io.length, at + SYSTEM_LIMITS.ioBytes);
    let position = at;
    while (position < end) {
      const page = known.pages[Math.floor(position / PAGE_BYTES)] ?? ZEROES;
      const offset = position % PAGE_BYTES;
      const bytes = Math.min(PAGE_BYTES - offset, end - position);
      const put = io.put(position - at, bytes === PAGE_BYTES ? page : page.subarray(offset, offset + bytes));
      if (typeof put !== 'number' || put < 0) return position > at ? position - at : put;
      position += put;
      if (put < bytes) break;
    }
    return Math.max(0, position - at);
  }

  write(node: number, at: number, io: Io): Reply {
    const known = this.#nodes.get(node);
    if (known?.pages === undefined) return known === undefined ? -Errno.ESTALE : -Errno.EISDIR;
    const end = at + Math.min(io.length, SYSTEM_LIMITS.ioBytes);
    let position = at;
    let stopped: Reply = 0;
    while (position < end) {
      const page = this.#present(known.pages, Math.floor(position / PAGE_BYTES));
      if (page === undefined) {
        stopped = -Errno.ENOSPC;
        break;
      }
      const offset = position % PAGE_BYTES;
      const bytes = Math.min(PAGE_BYTES - offset, end - position);
      const got = io.get(position - at, page.subarray(offset, offset + bytes));
      if (typeof got !== 'number' || got < 0) {
        stopped = got;
        break;
      }
      position += got;
      if (got < bytes) break;
    }
    if (position === at) return stopped;
    if (position > known.attributes.size) known.attributes.size = position;
    this.#now(known.attributes.mtime);
    copyInstant(known.attributes.mtime, known.attributes.ctime);
    return position - at;
  }

  readdir(node: number, position: number, sink: DirectorySink): Reply {
    const directory = this.#directory(node);
    if (typeof directory === 'number') return directory;
    let given = 0;
    // A Map lists in the order of insertion, and so by cookie.
    for (const [key, { node: child, cookie }] of directory.entries) {
      if (cookie <= position) continue;
      const { mode, node: number } = child.attributes;
      if (!sink.entry(keyBytes(key), number, (mode & FileType.MASK) >> 12, cookie)) break;
      given++;
    }
    return given;
  }

  fsync(_node: number): Reply {
    return 0;
  }

  statfs(out: FilesystemStatistics): Reply {
    out.blockBytes = PAGE_BYTES;
    out.blocks = this.#pagesMax;
    out.blocksFree = this.#pagesMax - this.#pagesUsed;
    out.nodes = this.#nodesMax;
    out.nodesFree = this.#nodesMax - this.#nodes.size;
    return 0;
  }

  forget(node: number): void {
    const known = this.#nodes.get(node);
    if (known === undefined) return;
    known.held--;
    this.#release(known);
  }

  #directory(node: number): DirectoryNode | Result {
    const known = this.#nodes.get(node);
    if (known === undefined) return -Errno.ESTALE;
    return known.entries === undefined ? -Errno.ENOTDIR : (known as DirectoryNode);
  }

  #charge(pages: number): boolean {
    if (pages > 0 && this.#pagesUsed + pages > this.#pagesMax) return false;
    if (this.#account.charge(pages) < 0) return false;
    this.#pagesUsed += pages;
    return true;
  }

  #make(mode: number, rdev: number, target?: Uint8Array): TmpNode | Result {
    if (this.#nodes.size >= this.#nodesMax) return -Errno.ENOSPC;
    if (this.#nodes.size % NODES_PER_PAGE === 0 && !this.#charge(1)) return -Errno.ENOSPC;
    const attributes = newAttributes();
    attributes.node = this.#nextNode++;
    attributes.mode = mode;
    attributes.rdev = rdev;
    attributes.size = target?.length ?? 0;
    this.#now(attributes.mtime);
    copyInstant(attributes.mtime, attributes.atime);
    copyInstant(attributes.mtime, attributes.ctime);
    const type = mode & FileType.MASK;
    const node: TmpNode = {
      attributes,
      held: 0,
      entries: type === FileType.DIRECTORY ? new Map() : undefined,
      parent: undefined,
      pages: type === FileType.REGULAR ? [] : undefined,
      target,
    };
    this.#nodes.set(attributes.node, node);
    return node;
  }

  #add(parent: number, name: Uint8Array, mode: number, rdev: number, target: Uint8Array | undefined, out: Attributes): Reply {
    const directory = this.#directory(parent);
    if (typeof directory === 'number') return directory;
    const key = nameKey(name);
    if (directory.entries.has(key)) return -Errno.EEXIST;
    if (directory.attributes.links === 0) return -Errno.ENOENT;
    const made = this.#make(mode, rdev, target);
    if (typeof made === 'number') return made;
    made.attributes.links = isDirectory(mode) ? 2 : 1;
    made.held = 1;
    this.#enter(directory, key, made);
    copyAttributes(made.attributes, out);
    return 0;
  }

  #enter(directory: DirectoryNode, key: string, node: TmpNode): void {
    directory.entries.set(key, { node, cookie: this.#nextCookie++ });
    if (node.entries !== undefined) {
      node.parent = directory;
      directory.attributes.links++;
    }
    this.#touch(directory);
  }

  /** Takes a name away without letting the node go. */
  #take(directory: DirectoryNode, key: string, node: TmpNode): void {
    directory.entries.delete(key);
    if (node.entries !== undefined) directory.attributes.links--;
    this.#touch(directory);
  }

  #leave(directory: DirectoryNode, key: string, node: TmpNode): void {
    this.#take(directory, key, node);
    node.attributes.links = node.entries !== undefined ? 0 : node.attributes.links - 1;
    this.#now(node.attributes.ctime);
    this.#release(node);
  }

  #touch(directory: TmpNode): void {
    this.#now(directory.attributes.mtime);
    copyInstant(directory.attributes.mtime, directory.attributes.ctime);
    directory.attributes.size = (directory.entries?.size ?? 0) * 20;
  }

  /** A node without names and holders is gone. */
  #release(node: TmpNode): void {
    if (node.held > 0 || node.attributes.links > 0 || node.attributes.node === ROOT_NODE) return;
    if (node.pages !== undefined) this.#cut(node.pages, 0);
    this.#nodes.delete(node.attributes.node);
    if (this.#nodes.size % NODES_PER_PAGE === 0) this.#charge(-1);
  }

  #present(pages: (Uint8Array | undefined)[], index: number): Uint8Array | undefined {
    const known = pages[index];
    if (known !== undefined) return known;
    if (index >= this.#pagesMax * 64 || !this.#charge(1)) return undefined;
    const made = new Uint8Array(PAGE_BYTES);
    while (pages.length < index) pages.push(undefined);
    pages[index] = made;
    return made;
  }

  #cut(pages: (Uint8Array | undefined)[], length: number): void {
    let freed = 0;
    for (let index = length; index < pages.length; index++) if (pages[index] !== undefined) freed++;
    pages.length = Math.min(pages.length, length);
    this.#charge(-freed);
  }

  #resize(node: TmpNode, size: number): Result {
    if (node.pages === undefined) return node.entries === undefined ? -Errno.EINVAL : -Errno.EISDIR;
    if (size > this.#pagesMax * PAGE_BYTES * 64) return -Errno.EFBIG;
    const kept = Math.ceil(size / PAGE_BYTES);
    if (size < node.attributes.size) {
      this.#cut(node.pages, kept);
      node.pages[kept - 1]?.fill(0, size % PAGE_BYTES || PAGE_BYTES);
    }
    node.attributes.size = size;
    return 0;
  }

  save(out: PartWriter): Reply {
    const nodes: Plain[] = [];
    for (const node of this.#nodes.values()) {
      const { attributes } = node;
      const present: number[] = [];
      node.pages?.forEach((page, index) => {
        if (page === undefined) return;
        present.push(index);
        out.page(`node-${attributes.node}`, index, page);
      });
      nodes.push({
        attributes: attributes as unknown as Plain,
        held: node.held,
        parent: node.parent?.attributes.node ?? 0,
        entries: node.entries ? [...node.entries].map(([key, entry]) => [key, entry.node.attributes.node, entry.cookie]) : null,
        present,
        target: node.target ?? null,
      });
    }
    out.put('nodes', nodes);
    out.put('next', [this.#nextNode, this.#nextCookie]);
    return 0;
  }

  restore(part: PartReader): Reply {
    this.#charge(-this.#pagesUsed);
    this.#nodes.clear();
    const saved = part.get('nodes') as unknown as readonly SavedNode[];
    for (const each of saved) {
      if (this.#nodes.size % NODES_PER_PAGE === 0 && !this.#charge(1)) return -Errno.ENOMEM;
      const attributes = newAttributes();
      copyAttributes(each.attributes, attributes);
      const pages = (attributes.mode & FileType.MASK) === FileType.REGULAR ? [] : undefined;
      const node: TmpNode = {
        attributes,
        held: each.held,
        entries: each.entries ? new Map() : undefined,
        parent: undefined,
        pages,
        target: each.target ?? undefined,
      };
      this.#nodes.set(attributes.node, node);
      for (const index of each.present) {
        const page = this.#present(pages ?? [], index);
        if (page === undefined) return -Errno.ENOMEM;
        part.page(`node-${attributes.node}`, index, page);
      }
    }
    for (const each of saved) {
      const node = this.#nodes.get(each.attributes.node) as TmpNode;
      node.parent = this.#nodes.get(each.parent);
      for (const [key, child, cookie] of each.entries ?? []) node.entries?.set(key, { node: this.#nodes.get(child) as TmpNode, cookie });
    }
    const [nextNode, nextCookie] = part.get('next') as readonly [number, number];
    this.#nextNode = nextNode;
    this.#nextCookie = nextCookie;
    return 0;
  }
}

type DirectoryNode = TmpNode & { readonly entries: Map<string, Entry> };

interface SavedNode {
  readonly attributes: Attributes;
  readonly held: number;
  readonly parent: number;
  readonly entries: readonly (readonly [string, number, number])[] | null;
  readonly present: readonly number[];
  readonly target: Uint8Array | null;
}

/** Whether `node` is `ancestor` or lies below it. */
function isWithin(node: TmpNode, ancestor: TmpNode): boolean {
  for (let at: TmpNode | undefined = node; at !== undefined; at = at.parent) if (at === ancestor) return true;
  return false;
}

/** rename(2): what may not be renamed to what. */
function refuseRename(moving: TmpNode, target: TmpNode, there: TmpNode | undefined, flags: number): Result {
  if (moving.entries !== undefined && isWithin(target, moving)) return -Errno.EINVAL;
  if (there === undefined) return 0;
  if ((flags & RenameFlag.NOREPLACE) !== 0) return -Errno.EEXIST;
  if (there === moving) return 0;
  if (moving.entries === undefined) return there.entries === undefined ? 0 : -Errno.EISDIR;
  if (there.entries === undefined) return -Errno.ENOTDIR;
  return there.entries.size > 0 ? -Errno.ENOTEMPTY : 0;
}
