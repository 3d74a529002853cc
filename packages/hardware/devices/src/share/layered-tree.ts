import {
  type AttributeChange,
  type Attributes,
  Errno,
  FileType,
  type Instant,
  RenameFlag,
  type Result,
  ROOT_NODE,
  type Tree,
} from '@ashlar/hardware';
import { blankAttributes, copyAttributes, copyInstant } from './attributes.ts';
import { Budget } from './budget.ts';
import { Contents, FILE_BYTES_MAX } from './contents.ts';
import { Entries } from './entries.ts';
import { Layers, NumberSpace } from './layers.ts';
import { type EntryVisitor, Lister } from './listing.ts';
import { checkName, keyOf } from './names.ts';
import { isDirectory, type LowerPlace, NODE_BYTES, type Node, newNode } from './node.ts';

/** What a {@link LayeredTree} is made of. */
export interface LayeredTreeOptions {
  /** Read-only layers, lowest first. Whoever made them closes them. */
  readonly layers: readonly Tree[];
  /** Bytes that the writable layer may hold, its own records counted. */
  readonly writableBytes: number;
  /** Most nodes that are known at a time; past it -ENFILE. */
  readonly nodesMax: number;
  /** Wall-clock time, for time stamps. */
  readonly now: (out: Instant) => void;
}

/** Largest target of a symbolic link: PATH_MAX of Linux without its NUL. */
const TARGET_BYTES_MAX = 4095;
/** Bits of a mode that can be changed. */
const PERMISSIONS = 0o7777;

/**
 * A writable layer in memory over read-only trees, at file level and with POSIX's meaning. Nothing is copied up as a whole: a changed file keeps what
 * it shares with its layer, a changed directory only the names that differ. It knows no openers, tags or volumes; {@link Node} records are its own.
 *
 * References: whatever is handed out by number stays until `unreference`, also without a name.
 */
export class LayeredTree {
  readonly budget: Budget;
  readonly layers: Layers;
  readonly nodes = new Map<number, Node>();
  readonly nodesMax: number;
  /** Next number for a node made here. */
  nextNumber = ROOT_NODE + 1;
  /** Numbers of layer nodes that could not keep what the layer's own numbering gives (a folder after a restore), by that number. */
  readonly renumbered = new Map<number, number>();
  readonly #now: (out: Instant) => void;
  readonly #scratch: Attributes = blankAttributes();
  readonly #passing = new Set<Node>();
  readonly #lister: Lister;

  constructor(options: LayeredTreeOptions) {
    this.budget = new Budget(options.writableBytes);
    this.layers = new Layers(options.layers);
    this.nodesMax = options.nodesMax;
    this.#now = options.now;
    this.#lister = new Lister(this.layers, options.nodesMax, this.renumbered);
    this.makeRoot();
  }

  /** Puts a fresh root in place of everything. */
  makeRoot(): Node {
    const root = newNode(ROOT_NODE, FileType.DIRECTORY, this.layers.roots);
    root.references = 1;
    this.nodes.set(ROOT_NODE, root);
    if (this.layers.roots.length === 0) root.attributes = this.#freshAttributes(FileType.DIRECTORY | 0o755, 2);
    return root;
  }

  /** Forgets everything, the root too: a restore or {@link makeRoot} follows. */
  clear(): void {
    this.nodes.clear();
    this.renumbered.clear();
    this.#passing.clear();
    this.budget.clear();
    this.nextNumber = ROOT_NODE + 1;
  }

  /** Sees to it that a restored node of a layer is found under the number that it had. */
  keepNumber(node: Node): void {
    const first = node.lowers[0];
    if (first === undefined || node.number === ROOT_NODE) return;
    const own = this.layers.numberOf(first.layer, first.node);
    if (own !== node.number) this.renumbered.set(own, node.number);
    else this.renumbered.delete(own);
  }

  /** The record of a number that somebody holds. */
  node(number: number): Node | undefined {
    return this.nodes.get(number);
  }

  /** `count` more references to a node that was just returned. */
  reference(number: number, count: number): void {
    const node = this.nodes.get(number);
    if (node === undefined) return;
    node.references += count;
    this.#passing.delete(node);
  }

  unreference(number: number, count: number): void {
    const node = this.nodes.get(number);
    if (node === undefined) return;
    node.references -= count;
    this.#settle(node);
  }

  /** The child's number, with its attributes in `out`. It is not referenced by this. */
  lookup(parent: number, name: Uint8Array, out: Attributes): Result {
    const directory = this.#directory(parent);
    if (typeof directory === 'number') return directory;
    const child = this.#find(directory, name);
    if (typeof child === 'number') return child;
    return this.#fill(child, out);
  }

  getattr(number: number, out: Attributes): Result {
    const node = this.nodes.get(number);
    return node === undefined ? -Errno.ESTALE : this.#fill(node, out);
  }

  setattr(number: number, change: AttributeChange, out: Attributes): Result {
    const node = this.nodes.get(number);
    if (node === undefined) return -Errno.ESTALE;
    if (change.size !== undefined) {
      if (isDirectory(node)) return -Errno.EISDIR;
      if (node.type !== FileType.REGULAR || !(change.size >= 0)) return -Errno.EINVAL;
      if (change.size > FILE_BYTES_MAX) return -Errno.EFBIG;
    }
    const attributes = this.#own(node);
    if (typeof attributes === 'number') return attributes;
    if (change.size !== undefined) {
      const contents = this.#ownContents(node);
      if (typeof contents === 'number') return contents;
      const result = contents.truncate(change.size);
      if (result < 0) return result;
      this.#now(attributes.mtime);
    }
    if (change.mode !== undefined) attributes.mode = node.type | (change.mode & PERMISSIONS);
    if (change.uid !== undefined) attributes.uid = change.uid;
    if (change.gid !== undefined) attributes.gid = change.gid;
    if (change.atime !== undefined) this.#setTime(attributes.atime, change.atime);
    if (change.mtime !== undefined) this.#setTime(attributes.mtime, change.mtime);
    this.#now(attributes.ctime);
    return this.#fill(node, out);
  }

  readlink(number: number): Uint8Array | Result {
    const node = this.nodes.get(number);
    if (node === undefined) return -Errno.ESTALE;
    if (node.type !== FileType.SYMLINK) return -Errno.EINVAL;
    const lower = node.lowers[0];
    return node.target ?? (lower === undefined ? -Errno.EIO : lower.tree.readlink(lower.node));
  }

  /** Makes a file of any type but a symbolic link or directory. The new node's number is returned and not referenced; so with the next two. */
  create(parent: number, name: Uint8Array, mode: number, rdev: number, out: Attributes): Result {
    const type = (mode & FileType.MASK) === 0 ? FileType.REGULAR : mode & FileType.MASK;
    if (type === FileType.DIRECTORY || type === FileType.SYMLINK || !KNOWN_TYPES.has(type)) return -Errno.EINVAL;
    const isDevice = type === FileType.CHARACTER || type === FileType.BLOCK;
    return this.#make(parent, name, type, mode, out, (node) => {
      if (isDevice) node.attributes!.rdev = rdev >>> 0;
      if (type === FileType.REGULAR) node.contents = new Contents(this.budget);
    });
  }

  mkdir(parent: number, name: Uint8Array, mode: number, out: Attributes): Result {
    return this.#make(parent, name, FileType.DIRECTORY, mode, out, (node) => {
      node.attributes!.links = 2;
    });
  }

  symlink(parent: number, name: Uint8Array, target: Uint8Array, out: Attributes): Result {
    if (target.length === 0) return -Errno.ENOENT;
    if (target.length > TARGET_BYTES_MAX) return -Errno.ENAMETOOLONG;
    return this.#make(parent, name, FileType.SYMLINK, 0o777, out, (node) => {
      node.target = target.slice();
    });
  }

  link(number: number, parent: number, name: Uint8Array, out: Attributes): Result {
    const node = this.nodes.get(number);
    if (node === undefined) return -Errno.ESTALE;
    if (isDirectory(node)) return -Errno.EPERM;
    const directory = this.#directoryForNew(parent, name);
    if (typeof directory === 'number') return directory;
    const attributes = this.#own(node);
    if (typeof attributes === 'number') return attributes;
    if (attributes.links === 0) return -Errno.ENOENT;
    const result = this.#setEntry(directory, keyOf(name), node);
    if (result < 0) return result;
    attributes.links++;
    this.#now(attributes.ctime);
    return this.#fill(node, out);
  }

  unlink(parent: number, name: Uint8Array): Result {
    const directory = this.#directory(parent);
    if (typeof directory === 'number') return directory;
    const node = this.#find(directory, name);
    if (typeof node === 'number') return node;
    if (isDirectory(node)) return -Errno.EISDIR;
    return this.#remove(directory, keyOf(name), node);
  }

  rmdir(parent: number, name: Uint8Array): Result {
    const directory = this.#directory(parent);
    if (typeof directory === 'number') return directory;
    const node = this.#find(directory, name);
    if (typeof node === 'number') return node;
    if (!isDirectory(node)) return -Errno.ENOTDIR;
    const empty = this.#lister.isEmpty(node);
    if (typeof empty === 'number') return empty;
    return empty ? this.#remove(directory, keyOf(name), node) : -Errno.ENOTEMPTY;
  }

  rename(from: number, name: Uint8Array, to: number, newName: Uint8Array, flags: number): Result {
    const source = this.#directory(from);
    if (typeof source === 'number') return source;
    const target = this.#directory(to);
    if (typeof target === 'number') return target;
    const moved = this.#find(source, name);
    if (typeof moved === 'number') return moved;
    const replaced = this.#find(target, newName);
    if (typeof replaced === 'number' && replaced !== -Errno.ENOENT) return replaced;
    if ((flags & RenameFlag.EXCHANGE) !== 0) {
      if (typeof replaced === 'number') return replaced;
      return this.#exchange(source, keyOf(name), moved, target, keyOf(newName), replaced);
    }
    if (typeof replaced !== 'number') {
      if ((flags & RenameFlag.NOREPLACE) !== 0) return -Errno.EEXIST;
      if (replaced === moved) return 0;
      const allowed = this.#mayReplace(moved, replaced);
      if (allowed < 0) return allowed;
    }
    if (isDirectory(moved) && this.#isWithin(target, moved)) return -Errno.EINVAL;
    if (target.attributes?.links === 0) return -Errno.ENOENT;
    return this.#move(source, keyOf(name), moved, target, keyOf(newName), typeof replaced === 'number' ? undefined : replaced);
  }

  read(number: number, at: number, to: Uint8Array): Result {
    const node = this.nodes.get(number);
    if (node === undefined) return -Errno.ESTALE;
    if (isDirectory(node)) return -Errno.EISDIR;
    if (node.type !== FileType.REGULAR || !(at >= 0)) return -Errno.EINVAL;
    if (node.contents !== undefined) return node.contents.read(at, to);
    const lower = node.lowers[0];
    return lower === undefined ? -Errno.EIO : lower.tree.read(lower.node, at, to);
  }

  write(number: number, at: number, from: Uint8Array): Result {
    const node = this.nodes.get(number);
    if (node === undefined) return -Errno.ESTALE;
    if (isDirectory(node)) return -Errno.EISDIR;
    if (node.type !== FileType.REGULAR || !(at >= 0)) return -Errno.EINVAL;
    const attributes = this.#own(node);
    if (typeof attributes === 'number') return attributes;
    const contents = this.#ownContents(node);
    if (typeof contents === 'number') return contents;
    const result = contents.write(at, from);
    if (result > 0) {
      this.#now(attributes.mtime);
      copyInstant(attributes.ctime, attributes.mtime);
    }
    return result;
  }

  /** Visits the entries after `cookie`; stops when `visit` says false. */
  readdir(number: number, cookie: number, visit: EntryVisitor): Result {
    const node = this.#directory(number);
    return typeof node === 'number' ? node : this.#lister.visit(node, cookie, visit);
  }

  #directory(number: number): Node | Result {
    const node = this.nodes.get(number);
    if (node === undefined) return -Errno.ESTALE;
    return isDirectory(node) ? node : -Errno.ENOTDIR;
  }

  /** A directory in which a new name may be made. */
  #directoryForNew(parent: number, name: Uint8Array): Node | Result {
    const directory = this.#directory(parent);
    if (typeof directory === 'number') return directory;
    const found = this.#find(directory, name);
    if (typeof found !== 'number') return -Errno.EEXIST;
    if (found !== -Errno.ENOENT) return found;
    return directory.attributes?.links === 0 ? -Errno.ENOENT : directory;
  }

  #find(directory: Node, name: Uint8Array): Node | Result {
    const bad = checkName(name);
    if (bad < 0) return bad;
    const entry = directory.entries?.get(keyOf(name));
    if (entry !== undefined) return entry.number === 0 ? -Errno.ENOENT : (this.nodes.get(entry.number) ?? -Errno.EIO);
    const places = this.layers.find(directory.lowers, name);
    return typeof places === 'number' ? places : this.lowerNode(places, directory, keyOf(name));
  }

  /** The record of a node of the layers, a new one if need be. */
  lowerNode(places: readonly LowerPlace[], directory: Node, name: string): Node | Result {
    const first = places[0]!;
    const own = this.layers.numberOf(first.layer, first.node);
    if (own < 0) return own;
    let number = this.renumbered.get(own) ?? own;
    const known = this.nodes.get(number);
    if (known !== undefined && isPlace(known, first)) return known;
    if (known !== undefined) {
      number = this.#allocateNumber();
      if (number < 0) return number;
      this.renumbered.set(own, number);
    }
    const type = this.layers.typeOf(first.tree, first.node);
    if (type < 0) return type;
    if (this.nodes.size >= this.nodesMax) return -Errno.ENFILE;
    const node = newNode(number, type, places);
    this.nodes.set(number, node);
    this.place(node, directory, name);
    this.#found(node);
    return node;
  }

  /** A record was made on the way to something; if nobody comes to refer to it, it goes again after some others. */
  #found(node: Node): void {
    this.#passing.add(node);
    if (this.#passing.size <= PASSING_MAX) return;
    for (const oldest of this.#passing) {
      this.#passing.delete(oldest);
      this.#settle(oldest);
      return;
    }
  }

  place(node: Node, parent: Node, name: string): void {
    const before = node.parent;
    parent.children++;
    node.parent = parent;
    node.name = name;
    if (before !== undefined) {
      before.children--;
      this.#settle(before);
    }
  }

  /** Drops a record that neither says anything nor is used, and then perhaps those above it: in a loop, for a guest chooses how deep they are. */
  #settle(start: Node): void {
    let node: Node | undefined = start;
    while (node !== undefined && this.#isDroppable(node)) {
      this.nodes.delete(node.number);
      node.contents?.free();
      node.entries?.clear();
      this.budget.refund(node.charged);
      node = node.parent;
      if (node !== undefined) node.children--;
    }
  }

  #isDroppable(node: Node): boolean {
    if (node.references > 0 || node.children > 0 || node.number === ROOT_NODE) return false;
    const isGone = node.attributes?.links === 0;
    return (isGone || !this.isChanged(node)) && this.nodes.get(node.number) === node;
  }

  /** Whether the record says something that the layers do not. */
  isChanged(node: Node): boolean {
    return node.lowers.length === 0 || node.attributes !== undefined || (node.entries?.size ?? 0) > 0;
  }

  #fill(node: Node, out: Attributes): Result {
    if (node.attributes !== undefined) copyAttributes(out, node.attributes);
    else {
      const lower = node.lowers[0];
      if (lower === undefined) return -Errno.EIO;
      const result = lower.tree.getattr(lower.node, out);
      if (result < 0) return result;
      if (node.lowers.length > 1 && isDirectory(node)) {
        const links = this.#lister.countLinks(node);
        if (links < 0) return links;
        out.links = links;
      }
    }
    if (node.contents !== undefined) out.size = node.contents.size;
    out.node = node.number;
    return node.number;
  }

  /** Own attributes, from the layer's at the first change. */
  #own(node: Node): Attributes | Result {
    if (node.attributes !== undefined) return node.attributes;
    const attributes = blankAttributes();
    const result = this.#fill(node, attributes);
    if (result < 0) return result;
    const charged = this.budget.charge(NODE_BYTES);
    if (charged < 0) return charged;
    node.charged += NODE_BYTES;
    node.attributes = attributes;
    return attributes;
  }

  #ownContents(node: Node): Contents | Result {
    if (node.contents !== undefined) return node.contents;
    const lower = node.lowers[0];
    if (lower === undefined) return -Errno.EIO;
    const result = lower.tree.getattr(lower.node, this.#scratch);
    if (result < 0) return result;
    node.contents = new Contents(this.budget, lower, this.#scratch.size);
    return node.contents;
  }

  #ownEntries(node: Node): Entries {
    node.entries ??= new Entries(this.budget);
    return node.entries;
  }

  #freshAttributes(mode: number, links: number): Attributes {
    const attributes = blankAttributes();
    attributes.mode = mode;
    attributes.links = links;
    this.#now(attributes.mtime);
    copyInstant(attributes.atime, attributes.mtime);
    copyInstant(attributes.ctime, attributes.mtime);
    return attributes;
  }

  #make(parent: number, name: Uint8Array, type: number, mode: number, out: Attributes, fill: (node: Node) => void): Result {
    const directory = this.#directoryForNew(parent, name);
    if (typeof directory === 'number') return directory;
    if (this.nodes.size >= this.nodesMax) return -Errno.ENFILE;
    const number = this.#allocateNumber();
    if (number < 0) return number;
    const charged = this.budget.charge(NODE_BYTES);
    if (charged < 0) return charged;
    const node = newNode(number, type, []);
    node.charged = NODE_BYTES;
    node.attributes = this.#freshAttributes(type | (mode & PERMISSIONS), 1);
    fill(node);
    if (node.target !== undefined) node.attributes.size = node.target.length;
    const key = keyOf(name);
    const result = this.#setEntry(directory, key, node);
    if (result < 0) {
      this.budget.refund(NODE_BYTES);
      return result;
    }
    this.nodes.set(number, node);
    this.place(node, directory, key);
    return this.#fill(node, out);
  }

  #allocateNumber(): Result {
    return this.nextNumber >= NumberSpace.MADE_END ? -Errno.ENFILE : this.nextNumber++;
  }

  /** Gives `node` a name in `directory`, which has a changed time and perhaps one more subdirectory then. */
  #setEntry(directory: Node, name: string, node: Node): Result {
    const attributes = this.#own(directory);
    if (typeof attributes === 'number') return attributes;
    const result = this.#ownEntries(directory).set(name, node.number, node.type);
    if (result < 0) return result;
    if (isDirectory(node)) attributes.links++;
    this.#touch(attributes);
    return 0;
  }

  /** Takes a name away: hides it if a layer has it too. Links of the node are the caller's. */
  #clearEntry(directory: Node, name: string, node: Node): Result {
    const attributes = this.#own(directory);
    if (typeof attributes === 'number') return attributes;
    const entries = this.#ownEntries(directory);
    if (this.layers.has(directory.lowers, name)) {
      const result = entries.set(name, 0, 0);
      if (result < 0) return result;
    } else entries.delete(name);
    if (isDirectory(node)) attributes.links--;
    this.#touch(attributes);
    return 0;
  }

  #touch(attributes: Attributes): void {
    this.#now(attributes.mtime);
    copyInstant(attributes.ctime, attributes.mtime);
  }

  #setTime(to: Instant, from: Instant | 'now'): void {
    if (from === 'now') this.#now(to);
    else copyInstant(to, from);
  }

  #remove(directory: Node, name: string, node: Node): Result {
    const attributes = this.#own(node);
    if (typeof attributes === 'number') return attributes;
    const result = this.#clearEntry(directory, name, node);
    if (result < 0) return result;
    this.#loseName(node, attributes);
    return 0;
  }

  #loseName(node: Node, attributes: Attributes): void {
    attributes.links = isDirectory(node) ? 0 : attributes.links - 1;
    this.#now(attributes.ctime);
    this.#settle(node);
  }

  #mayReplace(moved: Node, replaced: Node): Result {
    if (!isDirectory(moved)) return isDirectory(replaced) ? -Errno.EISDIR : 0;
    if (!isDirectory(replaced)) return -Errno.ENOTDIR;
    const empty = this.#lister.isEmpty(replaced);
    if (typeof empty === 'number') return empty;
    return empty ? 0 : -Errno.ENOTEMPTY;
  }

  #move(source: Node, name: string, moved: Node, target: Node, newName: string, replaced: Node | undefined): Result {
    // Everything that can fail for want of space is done before the first change that shows.
    const own = this.#own(moved);
    if (typeof own === 'number') return own;
    const lost = replaced === undefined ? undefined : this.#own(replaced);
    if (typeof lost === 'number') return lost;
    const ready = this.#own(source);
    if (typeof ready === 'number') return ready;
    const hides = this.layers.has(source.lowers, name);
    const probe = this.budget.charge(hides ? 2 * HIDING_BYTES : HIDING_BYTES);
    if (probe < 0) return probe;
    this.budget.refund(hides ? 2 * HIDING_BYTES : HIDING_BYTES);
    const set = this.#setEntry(target, newName, moved);
    if (set < 0) return set;
    const cleared = this.#clearEntry(source, name, moved);
    if (cleared < 0) return cleared;
    if (replaced !== undefined && lost !== undefined) {
      if (isDirectory(replaced)) target.attributes!.links--;
      this.#loseName(replaced, lost);
    }
    this.place(moved, target, newName);
    this.#now(own.ctime);
    return 0;
  }

  #exchange(a: Node, nameA: string, nodeA: Node, b: Node, nameB: string, nodeB: Node): Result {
    if (nodeA === nodeB) return 0;
    if (isDirectory(nodeA) && this.#isWithin(b, nodeA)) return -Errno.EINVAL;
    if (isDirectory(nodeB) && this.#isWithin(a, nodeB)) return -Errno.EINVAL;
    for (const node of [nodeA, nodeB, a, b]) {
      const own = this.#own(node);
      if (typeof own === 'number') return own;
    }
    const probe = this.budget.charge(2 * HIDING_BYTES);
    if (probe < 0) return probe;
    this.budget.refund(2 * HIDING_BYTES);
    for (const [directory, name, before, after] of [
      [a, nameA, nodeA, nodeB],
      [b, nameB, nodeB, nodeA],
    ] as const) {
      const set = this.#setEntry(directory, name, after);
      if (set < 0) return set;
      if (isDirectory(before)) directory.attributes!.links--;
      this.place(after, directory, name);
      this.#now(after.attributes!.ctime);
    }
    return 0;
  }

  /** Whether `node` is `ancestor` or lies below it. */
  #isWithin(node: Node, ancestor: Node): boolean {
    for (let at: Node | undefined = node; at !== undefined; at = at.parent) if (at === ancestor) return true;
    return false;
  }
}

const KNOWN_TYPES: ReadonlySet<number> = new Set(Object.values(FileType).filter((type) => type !== FileType.MASK));
/** Records that may be kept unreferenced for a while; more than any one operation looks at. */
const PASSING_MAX = 256;
/** At least what one entry with the longest name costs. */
const HIDING_BYTES = 512;

function isPlace(node: Node, place: LowerPlace): boolean {
  const first = node.lowers[0];
  return first !== undefined && first.layer === place.layer && first.node === place.node;
}
