import { createHash } from 'node:crypto';
import type { Attributes, Result, Tree } from '@ashlar/hardware';
import { Folder } from './folder.ts';

/** A host folder as a read-only tree: live, and confined as {@link Folder} says. Node numbers are those of this process. */
export class FolderTree implements Tree {
  readonly #folder: Folder;
  readonly #found: Attributes = blankAttributes();

  constructor(path: string) {
    this.#folder = new Folder(path, { readOnly: true, limits: { idleNodes: Number.POSITIVE_INFINITY } });
    this.#folder.requireDirectory();
  }

  get id(): string {
    return `folder-${createHash('sha256').update(this.#folder.path).digest('hex')}`;
  }

  lookup(parent: number, name: Uint8Array): Result {
    const result = this.#folder.lookup(parent, name, this.#found);
    return result < 0 ? result : this.#found.node;
  }

  getattr(node: number, out: Attributes): Result {
    return this.#folder.getattr(node, out);
  }

  readlink(node: number): Uint8Array | Result {
    return this.#folder.readlink(node);
  }

  read(node: number, at: number, to: Uint8Array): Result {
    return this.#folder.read(node, at, to);
  }

  readdir(node: number, visit: (name: Uint8Array, node: number, type: number) => boolean): Result {
    return this.#folder.readdir(node, visit);
  }

  close(): void {
    this.#folder.close();
  }
}

/** An attributes record to be filled. */
export function blankAttributes(): Attributes {
  const zero = () => ({ sec: 0, nsec: 0 });
  return { node: 0, mode: 0, size: 0, links: 0, uid: 0, gid: 0, rdev: 0, atime: zero(), mtime: zero(), ctime: zero() };
}
