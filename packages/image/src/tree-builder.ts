import { FileType } from '@ashlar/hardware';
import { ArchiveFault } from './error.ts';
import type { ImageLimits } from './limits.ts';
import { allocateIndex, DIGEST_BYTES } from './tree-index.ts';

/** What an archive says about an entry beside its path and contents. */
export interface EntryAttributes {
  /** Permission bits, 0 … 0o7777. */
  readonly permissions: number;
  readonly uid: number;
  readonly gid: number;
  /** Modification time in whole seconds and nanoseconds. */
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
}

export const IMPLIED_DIRECTORY: EntryAttributes = { permissions: 0o755, uid: 0, gid: 0, mtimeSec: 0, mtimeNsec: 0 };

interface Draft {
  mode: number;
  attributes: EntryAttributes;
  size: number;
  /** Place of the contents in the data file. */
  offset: number;
  links: number;
  rdev: number;
  target: Uint8Array | undefined;
  /** Children by name, bytes as a latin-1 string. */
  children: Map<string, Draft> | undefined;
  /** Assigned when the index is written; 0 before. */
  number: number;
}

const SLASH = 0x2f;
/** Linux's encoding of a device number in 32 bits (new_encode_dev). */
function encodeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0;
}

/**
 * Turns the entries of an archive, in whatever order and however hostile, into a file tree that leads nowhere outside:
 *
 * - paths are relative to the tree's root, a leading `/` is dropped; `..` is refused;
 * - no entry is placed through a symbolic link, and no hard link names anything but a file of the same archive;
 * - a file given twice is the later one; a directory given twice is one directory; a directory that is also something else is refused;
 * - everything is counted against {@link ImageLimits}.
 */
export class TreeBuilder {
  readonly #root: Draft = draft(FileType.DIRECTORY, IMPLIED_DIRECTORY);
  #nodes = 1;
  #entries = 0;
  #nameBytes = 0;

  constructor(private readonly limits: ImageLimits) {
    this.#root.children = new Map();
  }

  directory(path: Uint8Array, attributes: EntryAttributes): void {
    const names = this.#split(path);
    let node = this.#root;
    names.forEach((name, depth) => {
      node = this.#descend(node, name, path, depth);
    });
    node.attributes = attributes;
  }

  file(path: Uint8Array, attributes: EntryAttributes, size: number, offset: number): void {
    const node = draft(FileType.REGULAR, attributes);
    node.size = size;
    node.offset = offset;
    this.#place(path, node);
  }

  symlink(path: Uint8Array, attributes: EntryAttributes, target: Uint8Array): void {
    if (target.length === 0) throw new ArchiveFault('ARCHIVE', `the symbolic link ${show(path)} has no target`);
    if (target.length > this.limits.pathBytes) throw tooLong('target of the symbolic link', path, target.length, this.limits.pathBytes);
    if (target.includes(0)) throw new ArchiveFault('ARCHIVE', `the target of the symbolic link ${show(path)} has a NUL byte in it`);
    const node = draft(FileType.SYMLINK, attributes);
    node.target = target.slice();
    node.size = target.length;
    this.#nameBytes += target.length;
    this.#place(path, node);
  }

  /** A fifo, or a device node: kept as data for the guest's kernel, which decides what its numbers mean; nothing on this host is opened by it. */
  special(path: Uint8Array, attributes: EntryAttributes, type: number, major: number, minor: number): void {
    const node = draft(type, attributes);
    node.rdev = type === FileType.FIFO ? 0 : encodeDevice(major, minor);
    this.#place(path, node);
  }

  /** A further name for a file that the archive has given before. */
  hardLink(path: Uint8Array, existing: Uint8Array): void {
    const found = this.#find(existing);
    if (found === undefined) {
      throw new ArchiveFault('ARCHIVE', `the hard link ${show(path)} names ${show(existing)}, which is not in the archive before it`);
    }
    if (found.children !== undefined) throw new ArchiveFault('ARCHIVE', `the hard link ${show(path)} names a directory, ${show(existing)}`);
    this.#place(path, found);
  }

  /** The finished index; the builder is of no further use. */
  finish(data: { readonly bytes: number; readonly chunkBytes: number; readonly digests: Uint8Array }): Uint8Array {
    const order: Draft[] = [];
    const entries: { name: string; node: Draft }[] = [];
    const ranges: { first: number; count: number }[] = [];
    this.#number(order, entries, ranges);
    let nameBytes = 0;
    for (const entry of entries) nameBytes += entry.name.length;
    for (const node of order) nameBytes += node.target?.length ?? 0;
    const { bytes, index } = allocateIndex({
      nodes: order.length,
      entries: entries.length,
      nameBytes,
      chunks: data.digests.length / DIGEST_BYTES,
      chunkBytes: data.chunkBytes,
      dataBytes: data.bytes,
    });
    index.chunkDigests.set(data.digests);
    let at = 0;
    entries.forEach((entry, i) => {
      index.entryNameOffset[i] = at;
      index.entryNameLength[i] = entry.name.length;
      index.entryNode[i] = entry.node.number;
      for (let k = 0; k < entry.name.length; k++) index.names[at++] = entry.name.charCodeAt(k);
    });
    order.forEach((node, i) => {
      if (node.target !== undefined) {
        index.names.set(node.target, at);
        node.offset = at;
        at += node.target.length;
      }
      index.size[i] = node.size;
      index.offset[i] = node.offset;
      index.mtimeSec[i] = node.attributes.mtimeSec;
      index.mtimeNsec[i] = node.attributes.mtimeNsec;
      index.mode[i] = node.mode | node.attributes.permissions;
      index.links[i] = node.links;
      index.uid[i] = node.attributes.uid;
      index.gid[i] = node.attributes.gid;
      index.rdev[i] = node.rdev;
      index.firstEntry[i] = ranges[i]!.first;
      index.entryCount[i] = ranges[i]!.count;
    });
    return bytes;
  }

  /** Numbers nodes breadth first, names in byte order, and lays the entries of each directory beside each other. */
  #number(order: Draft[], entries: { name: string; node: Draft }[], ranges: { first: number; count: number }[]): void {
    const visit = (node: Draft): void => {
      if (node.number !== 0) return;
      order.push(node);
      node.number = order.length;
    };
    visit(this.#root);
    for (let i = 0; i < order.length; i++) {
      const node = order[i]!;
      const first = entries.length;
      node.links = node.children === undefined ? 0 : 2;
      // Latin-1 strings compare by code unit, which is the byte.
      for (const name of [...(node.children?.keys() ?? [])].sort(byCodeUnit)) {
        const child = node.children!.get(name)!;
        visit(child);
        entries.push({ name, node: child });
        if (child.children !== undefined) node.links++;
      }
      ranges.push({ first, count: entries.length - first });
    }
    for (const entry of entries) if (entry.node.children === undefined) entry.node.links++;
  }

  #place(path: Uint8Array, node: Draft): void {
    const names = this.#split(path);
    const last = names.pop();
    if (last === undefined) throw new ArchiveFault('ARCHIVE', `an entry that is not a directory has the path of the root, ${show(path)}`);
    let parent = this.#root;
    names.forEach((name, depth) => {
      parent = this.#descend(parent, name, path, depth);
    });
    const before = parent.children!.get(last);
    if (before?.children !== undefined) {
      throw new ArchiveFault('ARCHIVE', `${show(path)} is given once as a directory and once as something else`);
    }
    if (before === undefined) this.#count(last, path);
    parent.children!.set(last, node);
  }

  #descend(parent: Draft, name: string, path: Uint8Array, depth: number): Draft {
    const existing = parent.children!.get(name);
    if (existing?.children !== undefined) return existing;
    if (existing !== undefined) {
      const what = existing.target === undefined ? 'something that is not a directory' : 'a symbolic link';
      throw new ArchiveFault('ARCHIVE', `${show(path)} leads through ${what} at its ${ordinal(depth + 1)} name`);
    }
    this.#count(name, path);
    const made = draft(FileType.DIRECTORY, IMPLIED_DIRECTORY);
    made.children = new Map();
    parent.children!.set(name, made);
    return made;
  }

  #find(path: Uint8Array): Draft | undefined {
    let node: Draft | undefined = this.#root;
    for (const name of this.#split(path)) node = node?.children?.get(name);
    return node;
  }

  #count(name: string, path: Uint8Array): void {
    this.#nodes++;
    this.#entries++;
    this.#nameBytes += name.length;
    if (this.#nodes > this.limits.entries || this.#entries > this.limits.entries) {
      throw new ArchiveFault('LIMIT', `more than ${this.limits.entries} files and directories (at ${show(path)})`);
    }
    if (this.#nameBytes > MAX_NAME_BYTES) throw new ArchiveFault('LIMIT', `names of more than ${MAX_NAME_BYTES} bytes altogether`);
  }

  #split(path: Uint8Array): string[] {
    if (path.length > this.limits.pathBytes) throw tooLong('path', path, path.length, this.limits.pathBytes);
    const names: string[] = [];
    for (let start = 0; start < path.length; ) {
      let end = path.indexOf(SLASH, start);
      if (end < 0) end = path.length;
      const name = latin1(path.subarray(start, end));
      start = end + 1;
      if (name === '' || name === '.') continue;
      if (name === '..') throw new ArchiveFault('ARCHIVE', `the path ${show(path)} has “..” in it`, 'such an archive is refused whole');
      if (name.includes('\0')) throw new ArchiveFault('ARCHIVE', `the path ${show(path)} has a NUL byte in it`);
      if (name.length > this.limits.nameBytes) throw tooLong('name', path, name.length, this.limits.nameBytes);
      names.push(name);
    }
    if (names.length > this.limits.depth) {
      throw new ArchiveFault('LIMIT', `the path ${show(path)} is ${names.length} names deep, more than ${this.limits.depth}`);
    }
    return names;
  }
}

/** All names and link targets together: they are held in memory. */
const MAX_NAME_BYTES = 256 * 1024 * 1024;

function draft(mode: number, attributes: EntryAttributes): Draft {
  return { mode, attributes, size: 0, offset: 0, links: 0, rdev: 0, target: undefined, children: undefined, number: 0 };
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function tooLong(what: string, path: Uint8Array, length: number, limit: number): ArchiveFault {
  return new ArchiveFault('LIMIT', `the ${what} ${show(path)} has ${length} bytes, more than ${limit}`);
}

function ordinal(n: number): string {
  return n === 1 ? 'first' : n === 2 ? 'second' : n === 3 ? 'third' : `${n}th`;
}

/** A name for a message: readable, one line, at most 80 characters. */
export function show(path: Uint8Array): string {
  const text = Buffer.from(path).toString('utf8');
  let clean = '';
  for (const character of text.length > 80 ? `${text.slice(0, 77)}…` : text)
    clean += character < ' ' || character === '\x7f' ? '?' : character;
  return `“${clean}”`;
}
