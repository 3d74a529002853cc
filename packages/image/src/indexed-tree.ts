import { closeSync, readSync } from 'node:fs';
import { type Attributes, Errno, FileType, type Result, type Tree } from '@ashlar/hardware';
import { sha256 } from './data-file.ts';
import { DIGEST_BYTES, type TreeIndex } from './tree-index.ts';

/**
 * An unpacked archive from the cache. Contents are read at an offset of the data file; each chunk is compared with its digest before the first
 * byte of it is given out, so a damaged cache shows as -EIO and never as wrong data.
 */
export class IndexedTree implements Tree {
  readonly #verified: Uint8Array;
  readonly #chunk: Uint8Array;
  /** The chunk that lies in `#chunk`: what was just checked is read on from memory, as programs are loaded page after page. */
  #held = -1;
  #open = true;

  constructor(
    readonly id: string,
    private readonly index: TreeIndex,
    /** Descriptor of the data file; this object closes it. */
    private readonly data: number,
    /** Told once for each chunk found damaged. */
    private readonly onDamage: (chunk: number) => void,
  ) {
    this.#verified = new Uint8Array(index.chunkDigests.length / DIGEST_BYTES);
    this.#chunk = new Uint8Array(index.chunkBytes);
  }

  lookup(parent: number, name: Uint8Array): Result {
    const index = this.index;
    if (!this.#has(parent)) return -Errno.ESTALE;
    if (this.#type(parent) !== FileType.DIRECTORY) return -Errno.ENOTDIR;
    let low = index.firstEntry[parent - 1]!;
    let high = low + index.entryCount[parent - 1]! - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const order = this.#compareName(middle, name);
      if (order === 0) return index.entryNode[middle]!;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return -Errno.ENOENT;
  }

  getattr(node: number, out: Attributes): Result {
    if (!this.#has(node)) return -Errno.ESTALE;
    const index = this.index;
    const i = node - 1;
    out.node = node;
    out.mode = index.mode[i]!;
    out.size = index.size[i]!;
    out.links = index.links[i]!;
    out.uid = index.uid[i]!;
    out.gid = index.gid[i]!;
    out.rdev = index.rdev[i]!;
    const sec = index.mtimeSec[i]!;
    const nsec = index.mtimeNsec[i]!;
    out.atime.sec = out.mtime.sec = out.ctime.sec = sec;
    out.atime.nsec = out.mtime.nsec = out.ctime.nsec = nsec;
    return 0;
  }

  readlink(node: number): Uint8Array | Result {
    if (!this.#has(node)) return -Errno.ESTALE;
    if (this.#type(node) !== FileType.SYMLINK) return -Errno.EINVAL;
    const at = this.index.offset[node - 1]!;
    return this.index.names.slice(at, at + this.index.size[node - 1]!);
  }

  read(node: number, at: number, to: Uint8Array): Result {
    if (!this.#open || !this.#has(node)) return -Errno.ESTALE;
    const type = this.#type(node);
    if (type === FileType.DIRECTORY) return -Errno.EISDIR;
    if (type !== FileType.REGULAR) return -Errno.EINVAL;
    const size = this.index.size[node - 1]!;
    if (!(at >= 0)) return -Errno.EINVAL;
    const length = Math.min(to.length, Math.max(0, size - at));
    const start = this.index.offset[node - 1]! + at;
    for (let done = 0; done < length; ) {
      const moved = this.#readChunk(start + done, to, done, length - done);
      if (moved < 0) return moved;
      done += moved;
    }
    return length;
  }

  readdir(node: number, visit: (name: Uint8Array, node: number, type: number) => boolean): Result {
    if (!this.#has(node)) return -Errno.ESTALE;
    if (this.#type(node) !== FileType.DIRECTORY) return -Errno.ENOTDIR;
    const index = this.index;
    const end = index.firstEntry[node - 1]! + index.entryCount[node - 1]!;
    for (let i = index.firstEntry[node - 1]!; i < end; i++) {
      const at = index.entryNameOffset[i]!;
      const child = index.entryNode[i]!;
      if (!visit(index.names.subarray(at, at + index.entryNameLength[i]!), child, index.mode[child - 1]! >>> 12)) break;
    }
    return 0;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.data);
  }

  #has(node: number): boolean {
    return node >= 1 && node <= this.index.nodes;
  }

  #type(node: number): number {
    return this.index.mode[node - 1]! & FileType.MASK;
  }

  #compareName(entry: number, name: Uint8Array): number {
    const names = this.index.names;
    const at = this.index.entryNameOffset[entry]!;
    const length = this.index.entryNameLength[entry]!;
    const shared = Math.min(length, name.length);
    for (let i = 0; i < shared; i++) {
      const difference = names[at + i]! - name[i]!;
      if (difference !== 0) return difference;
    }
    return length - name.length;
  }

  /** Moves at least one byte from the chunk that `at` lies in. */
  #readChunk(at: number, to: Uint8Array, done: number, wanted: number): Result {
    const chunkBytes = this.index.chunkBytes;
    const chunk = Math.floor(at / chunkBytes);
    const begin = chunk * chunkBytes;
    const length = Math.min(wanted, begin + chunkBytes - at);
    if (chunk === this.#held) {
      to.set(this.#chunk.subarray(at - begin, at - begin + length), done);
      return length;
    }
    if (this.#verified[chunk] === 1) return readFully(this.data, to, done, length, at) ? length : this.#damaged(chunk);
    const whole = this.#chunk.subarray(0, Math.min(chunkBytes, this.index.dataBytes - begin));
    this.#held = -1;
    if (!readFully(this.data, whole, 0, whole.length, begin)) return this.#damaged(chunk);
    const digest = sha256(whole);
    for (let i = 0; i < DIGEST_BYTES; i++) {
      if (digest[i] !== this.index.chunkDigests[chunk * DIGEST_BYTES + i]) return this.#damaged(chunk);
    }
    this.#verified[chunk] = 1;
    this.#held = chunk;
    to.set(whole.subarray(at - begin, at - begin + length), done);
    return length;
  }

  #damaged(chunk: number): Result {
    this.onDamage(chunk);
    return -Errno.EIO;
  }
}

function readFully(fd: number, to: Uint8Array, offset: number, length: number, position: number): boolean {
  for (let done = 0; done < length; ) {
    let moved: number;
    try {
      moved = readSync(fd, to, offset + done, length - done, position + done);
    } catch {
      return false;
    }
    if (moved === 0) return false;
    done += moved;
  }
  return true;
}
