import { type Attributes, Errno, FileType, type Result, type Tree } from '@ashlar/hardware';
import { keyOf } from './names.ts';

/** A file tree written down: strings are text files, bytes are programs (executable), objects directories, {@link SymbolicLink} a symbolic link. */
export type TreeDescription = { readonly [name: string]: string | Uint8Array | TreeDescription | SymbolicLink };

export class SymbolicLink {
  constructor(readonly target: string) {}
}

interface Item {
  readonly mode: number;
  readonly bytes: Uint8Array;
  readonly names: readonly (readonly [name: string, node: number])[];
}

/** A read-only tree in memory, from a description: for tests, examples, and hardware without a file system. */
export class MemoryTree implements Tree {
  readonly #items: Item[] = [];

  constructor(
    description: TreeDescription,
    readonly id: string = 'memory',
  ) {
    this.#add(description);
  }

  lookup(parent: number, name: Uint8Array): Result {
    const item = this.#items[parent - 1];
    if (item === undefined) return -Errno.ESTALE;
    if (!isDirectory(item)) return -Errno.ENOTDIR;
    const key = keyOf(name);
    return item.names.find(([found]) => found === key)?.[1] ?? -Errno.ENOENT;
  }

  getattr(node: number, out: Attributes): Result {
    const item = this.#items[node - 1];
    if (item === undefined) return -Errno.ESTALE;
    out.node = node;
    out.mode = item.mode;
    out.size = item.bytes.length;
    out.links = isDirectory(item) ? 2 + item.names.filter(([, child]) => isDirectory(this.#items[child - 1]!)).length : 1;
    out.uid = out.gid = out.rdev = 0;
    for (const time of [out.atime, out.mtime, out.ctime]) time.sec = time.nsec = 0;
    return 0;
  }

  readlink(node: number): Uint8Array | Result {
    const item = this.#items[node - 1];
    if (item === undefined) return -Errno.ESTALE;
    return (item.mode & FileType.MASK) === FileType.SYMLINK ? item.bytes : -Errno.EINVAL;
  }

  read(node: number, at: number, to: Uint8Array): Result {
    const item = this.#items[node - 1];
    if (item === undefined) return -Errno.ESTALE;
    if (isDirectory(item)) return -Errno.EISDIR;
    const part = item.bytes.subarray(at, at + to.length);
    to.set(part);
    return part.length;
  }

  readdir(node: number, visit: (name: Uint8Array, node: number, type: number) => boolean): Result {
    const item = this.#items[node - 1];
    if (item === undefined) return -Errno.ESTALE;
    if (!isDirectory(item)) return -Errno.ENOTDIR;
    for (const [name, child] of item.names) {
      const bytes = Uint8Array.from(name, (character) => character.charCodeAt(0));
      if (!visit(bytes, child, this.#items[child - 1]!.mode >>> 12)) break;
    }
    return 0;
  }

  close(): void {}

  #add(value: TreeDescription[string]): number {
    const index = this.#items.length;
    if (typeof value === 'string' || value instanceof Uint8Array) {
      const isText = typeof value === 'string';
      this.#items.push({ mode: FileType.REGULAR | (isText ? 0o644 : 0o755), bytes: isText ? utf8(value) : value, names: [] });
    } else if (value instanceof SymbolicLink) {
      this.#items.push({ mode: FileType.SYMLINK | 0o777, bytes: utf8(value.target), names: [] });
    } else {
      this.#items.push({ mode: 0, bytes: new Uint8Array(0), names: [] });
      const names = Object.keys(value)
        .sort()
        .map((name) => [keyOf(utf8(name)), this.#add(value[name]!)] as const);
      this.#items[index] = { mode: FileType.DIRECTORY | 0o755, bytes: new Uint8Array(0), names };
    }
    return index + 1;
  }
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function isDirectory(item: Item): boolean {
  return (item.mode & FileType.MASK) === FileType.DIRECTORY;
}
