import type { AttributeChange, Attributes, FilesystemStatistics, MemoryAccount, PartReader, PartWriter, Reply } from '@ashlar/hardware';
import { Errno, FileType, RenameFlag } from '@ashlar/hardware';
import { type DirectorySink, type Io, SYSTEM_LIMITS } from '@ashlar/kernel-stub';
import { copyAttributes, type Filesystem, nameKey, newAttributes } from '@ashlar/unix';
import { FilePages, PageCache } from './page-cache.ts';

/** Limits of a {@link CachedFilesystem}. */
export interface CacheLimits {
  /** Nodes with their attributes and names. */
  readonly nodes: number;
  readonly pages: number;
}

/** Generations after which a directory's names are asked for again if this stub changed it in between. */
const DISTRUST_GENERATIONS = 10;
const NEVER = -1;

/** What is known of a node. */
class CachedNode {
  readonly attributes: Attributes = newAttributes();
  /** Generation in which the attributes were last heard from below. */
  heard = NEVER;
  /** The stub changed it itself since: that its times are others does not mean that somebody else did. */
  changedHere = false;
  distrustAt = Number.POSITIVE_INFINITY;
  /** References given to the walker. */
  uses = 0;
  /** Its last known name is gone: nothing of it is kept once nobody uses it. */
  orphan = false;
  /** Evicted: names that lead here are not known any more. */
  dead = false;
  /** Of a directory: children by name, null: there is none of that name. */
  names: Map<string, CachedNode | null> | undefined;
  readonly contents = new FilePages();
}

/**
 * Names, attributes and pages of a file system below, kept. It holds exactly one reference below to each node it knows.
 *
 * What is known is believed for one generation ({@link CachedFilesystem.age}); after that a node's attributes are asked for again at its next use,
 * and its names and pages stay only if its times and size are as before. So changes by others (another domain, the owner of a volume) are seen
 * after at most a generation, and changes by this stub at once: writes go through.
 */
export class CachedFilesystem implements Filesystem {
  readonly device: number;
  readonly type: string;
  readonly magic: number;
  readonly readOnly: boolean;
  readonly root: number;
  readonly pages: PageCache;
  readonly #below: Filesystem;
  readonly #nodesMax: number;
  readonly #nodes = new Map<number, CachedNode>();
  /** Nodes that nobody uses, the longest unused first. */
  readonly #idle = new Set<CachedNode>();
  readonly #heard: Attributes = newAttributes();
  #generation = 0;

  constructor(below: Filesystem, account: MemoryAccount, limits: CacheLimits) {
    this.#below = below;
    this.device = below.device;
    this.type = below.type;
    this.magic = below.magic;
    this.readOnly = below.readOnly;
    this.root = below.root;
    this.#nodesMax = limits.nodes;
    this.pages = new PageCache(below, account, limits.pages);
    this.#remember(below.root);
  }

  /** A new generation: everything is to be asked for again at its next use. */
  age(): void {
    this.#generation++;
  }

  /** The known node with attributes of this generation; or -ESTALE, a wait … */
  #fresh(number: number): CachedNode | Reply {
    const known = this.#nodes.get(number);
    if (known !== undefined && known.heard === this.#generation) return known;
    return this.#hear(number, known);
  }

  #hear(number: number, known: CachedNode | undefined): CachedNode | Reply {
    const reply = this.#below.getattr(number, this.#heard);
    if (typeof reply !== 'number') return reply;
    if (reply < 0) {
      if (known !== undefined) this.#forgetContents(known);
      return reply;
    }
    // A node that nobody looked up is one of a restored state.
    const node = known ?? this.#remember(number);
    this.#note(node, this.#heard);
    return node;
  }

  /** Takes over what below said of a node now. */
  #note(node: CachedNode, heard: Attributes): void {
    const { attributes } = node;
    const same =
      attributes.size === heard.size &&
      attributes.mtime.sec === heard.mtime.sec &&
      attributes.mtime.nsec === heard.mtime.nsec &&
      attributes.ctime.sec === heard.ctime.sec &&
      attributes.ctime.nsec === heard.ctime.nsec;
    const byOther = !same && !(node.changedHere && (attributes.size === heard.size || node.names !== undefined));
    if (node.heard !== NEVER && (byOther || this.#generation >= node.distrustAt)) this.#forgetContents(node);
    copyAttributes(heard, attributes);
    node.heard = this.#generation;
    node.changedHere = false;
  }

  #forgetContents(node: CachedNode): void {
    node.names?.clear();
    node.distrustAt = Number.POSITIVE_INFINITY;
    this.pages.drop(node.contents, 0);
  }

  #remember(number: number): CachedNode {
    const node = new CachedNode();
    node.attributes.node = number;
    this.#nodes.set(number, node);
    return node;
  }

  /** The node that a request below gave a reference to, with that one reference and no more. */
  #received(heard: Attributes): CachedNode {
    const known = this.#nodes.get(heard.node);
    if (known !== undefined) {
      if (heard.node !== this.root) this.#below.forget(heard.node);
      this.#note(known, heard);
      return known;
    }
    const node = this.#remember(heard.node);
    this.#note(node, heard);
    if (this.#nodes.size > this.#nodesMax) this.#evict();
    return node;
  }

  #use(node: CachedNode, out: Attributes): Reply {
    if (node.uses++ === 0) this.#idle.delete(node);
    copyAttributes(node.attributes, out);
    return 0;
  }

  #evict(): void {
    const oldest = this.#idle.values().next().value;
    if (oldest !== undefined) this.#lose(oldest);
  }

  #lose(node: CachedNode): void {
    this.#idle.delete(node);
    this.#forgetContents(node);
    node.dead = true;
    this.#nodes.delete(node.attributes.node);
    if (node.attributes.node !== this.root) this.#below.forget(node.attributes.node);
  }

  /** The stub itself changed the node: its attributes are to be asked for, its contents stay. */
  #changed(node: CachedNode | undefined): void {
    if (node === undefined) return;
    node.heard = node.heard === NEVER ? NEVER : STALE;
    node.changedHere = true;
    if (node.names !== undefined) node.distrustAt = Math.min(node.distrustAt, this.#generation + DISTRUST_GENERATIONS);
  }

  #name(parent: number, name: Uint8Array, child: CachedNode | null): void {
    const directory = this.#nodes.get(parent);
    if (directory === undefined) return;
    directory.names ??= new Map();
    directory.names.set(nameKey(name), child);
    if (directory.names.size > this.#nodesMax) directory.names.clear();
    this.#changed(directory);
  }

  lookup(parent: number, name: Uint8Array, out: Attributes): Reply {
    const directory = this.#fresh(parent);
    if (!(directory instanceof CachedNode)) return directory;
    const key = nameKey(name);
    const known = directory.names?.get(key);
    if (known === null) return -Errno.ENOENT;
    if (known !== undefined && !known.dead) {
      const fresh = known.heard === this.#generation ? known : this.#hear(known.attributes.node, known);
      if (fresh instanceof CachedNode) return this.#use(fresh, out);
      if (typeof fresh !== 'number') return fresh;
    }
    const reply = this.#below.lookup(parent, name, this.#heard);
    if (typeof reply !== 'number') return reply;
    if (reply < 0 && reply !== -Errno.ENOENT) return reply;
    directory.names ??= new Map();
    if (directory.names.size >= this.#nodesMax) directory.names.clear();
    if (reply < 0) {
      directory.names.set(key, null);
      return reply;
    }
    const child = this.#received(this.#heard);
    directory.names.set(key, child);
    return this.#use(child, out);
  }

  getattr(number: number, out: Attributes): Reply {
    const node = this.#fresh(number);
    if (!(node instanceof CachedNode)) return node;
    copyAttributes(node.attributes, out);
    return 0;
  }

  setattr(tag: number, number: number, change: AttributeChange, out: Attributes): Reply {
    const reply = this.#below.setattr(tag, number, change, this.#heard);
    if (typeof reply !== 'number' || reply < 0) return reply;
    const node = this.#nodes.get(number);
    if (node !== undefined) {
      if (change.size !== undefined) this.pages.cut(node.contents, change.size);
      node.attributes.size = this.#heard.size;
      node.changedHere = true;
      this.#note(node, this.#heard);
    }
    copyAttributes(this.#heard, out);
    return reply;
  }

  readlink(node: number, to: Uint8Array): Reply {
    return this.#below.readlink(node, to);
  }

  create(tag: number, parent: number, name: Uint8Array, mode: number, rdev: number, out: Attributes): Reply {
    return this.#made(parent, name, out, this.#below.create(tag, parent, name, mode, rdev, this.#heard));
  }

  mkdir(tag: number, parent: number, name: Uint8Array, mode: number, out: Attributes): Reply {
    return this.#made(parent, name, out, this.#below.mkdir(tag, parent, name, mode, this.#heard));
  }

  symlink(tag: number, parent: number, name: Uint8Array, target: Uint8Array, out: Attributes): Reply {
    return this.#made(parent, name, out, this.#below.symlink(tag, parent, name, target, this.#heard));
  }

  link(tag: number, node: number, parent: number, name: Uint8Array, out: Attributes): Reply {
    this.#changed(this.#nodes.get(node));
    return this.#made(parent, name, out, this.#below.link(tag, node, parent, name, this.#heard));
  }

  #made(parent: number, name: Uint8Array, out: Attributes, reply: Reply): Reply {
    if (typeof reply !== 'number') return reply;
    if (reply < 0) {
      // What is known of the name may be wrong.
      this.#nodes.get(parent)?.names?.delete(nameKey(name));
      return reply;
    }
    const child = this.#received(this.#heard);
    child.orphan = false;
    this.#name(parent, name, child);
    return this.#use(child, out);
  }

  unlink(tag: number, parent: number, name: Uint8Array): Reply {
    return this.#unmade(parent, name, this.#below.unlink(tag, parent, name));
  }

  rmdir(tag: number, parent: number, name: Uint8Array): Reply {
    return this.#unmade(parent, name, this.#below.rmdir(tag, parent, name));
  }

  #unmade(parent: number, name: Uint8Array, reply: Reply): Reply {
    if (reply !== 0) return reply;
    const child = this.#known(parent, name);
    this.#name(parent, name, null);
    if (child !== undefined) this.#orphan(child);
    else this.#distrustFiles();
    return reply;
  }

  /** A name went away whose node is not known: it may be any of these, and must not outlive its last user for being cached. */
  #distrustFiles(): void {
    for (const node of this.#nodes.values()) {
      if (node.names !== undefined || node.attributes.node === this.root) continue;
      if (node.uses > 0) node.orphan = true;
      else this.#lose(node);
    }
  }

  rename(tag: number, from: number, name: Uint8Array, to: number, newName: Uint8Array, flags: number): Reply {
    const reply = this.#below.rename(tag, from, name, to, newName, flags);
    if (reply !== 0) return reply;
    const moved = this.#known(from, name);
    const replaced = this.#known(to, newName);
    // null: known not to have been there.
    const knew = this.#nodes.get(to)?.names?.has(nameKey(newName)) === true;
    const exchanged = (flags & RenameFlag.EXCHANGE) !== 0;
    if (moved !== undefined && moved === replaced) return reply;
    this.#changed(moved);
    this.#rename(from, name, exchanged ? replaced : null);
    this.#rename(to, newName, moved);
    if (!exchanged && replaced !== undefined) this.#orphan(replaced);
    else if (!exchanged && !knew) this.#distrustFiles();
    return reply;
  }

  /** A name of the node is gone. With other names left it is looked up again by them, at worst. */
  #orphan(node: CachedNode): void {
    this.#changed(node);
    if (node.uses === 0) this.#lose(node);
    else node.orphan = true;
  }

  #known(parent: number, name: Uint8Array): CachedNode | undefined {
    const child = this.#nodes.get(parent)?.names?.get(nameKey(name));
    return child === undefined || child === null || child.dead ? undefined : child;
  }

  /** undefined: what the name leads to is not known. */
  #rename(parent: number, name: Uint8Array, child: CachedNode | null | undefined): void {
    if (child !== undefined) this.#name(parent, name, child);
    else {
      const directory = this.#nodes.get(parent);
      directory?.names?.delete(nameKey(name));
      this.#changed(directory);
    }
  }

  read(number: number, at: number, io: Io): Reply {
    const node = this.#fresh(number);
    if (!(node instanceof CachedNode)) return node;
    const { mode, size } = node.attributes;
    if ((mode & FileType.MASK) !== FileType.REGULAR) return this.#below.read(number, at, io);
    const end = Math.min(size, at + io.length, at + SYSTEM_LIMITS.ioBytes);
    return at >= end ? 0 : this.pages.read(node.contents, number, size, at, end, io);
  }

  write(number: number, at: number, io: Io): Reply {
    const reply = this.#below.write(number, at, io);
    if (typeof reply !== 'number' || reply <= 0) return reply;
    const node = this.#nodes.get(number);
    if (node === undefined) return reply;
    this.pages.wrote(node.contents, at, reply, io);
    if (at + reply > node.attributes.size) node.attributes.size = at + reply;
    this.#changed(node);
    return reply;
  }

  readdir(node: number, position: number, sink: DirectorySink): Reply {
    return this.#below.readdir(node, position, sink);
  }

  fsync(node: number): Reply {
    return this.#below.fsync(node);
  }

  statfs(out: FilesystemStatistics): Reply {
    return this.#below.statfs(out);
  }

  forget(number: number): void {
    const node = this.#nodes.get(number);
    if (node === undefined || node.uses === 0 || --node.uses > 0) return;
    if (number === this.root) return;
    if (node.orphan) this.#lose(node);
    else this.#idle.add(node);
  }

  /** Lets go of everything that nobody uses. Pages given back. */
  clear(): number {
    const pages = this.pages.clear();
    for (const node of [...this.#idle]) this.#lose(node);
    for (const node of this.#nodes.values()) {
      node.names = undefined;
      node.heard = node.heard === NEVER ? NEVER : STALE;
    }
    return pages;
  }

  reclaim(): number {
    return this.pages.clear();
  }

  end(): void {
    this.pages.end();
  }

  /** Saved is which nodes are held below, and by how many users; what is known of them is asked for again. */
  save(out: PartWriter): Reply {
    const held: number[][] = [];
    for (const [number, node] of this.#nodes) if (number !== this.root) held.push([number, node.uses]);
    out.put('held', held);
    return this.#below.save?.(out.part('below')) ?? 0;
  }

  restore(part: PartReader): Reply {
    for (const [number, uses] of part.get('held') as readonly (readonly [number, number])[]) {
      const node = this.#remember(number);
      node.uses = uses;
      if (uses === 0) this.#idle.add(node);
    }
    return this.#below.restore?.(part.part('below')) ?? 0;
  }
}

/** Heard in no generation that will come again. */
const STALE = -2;
