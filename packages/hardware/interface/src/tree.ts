import type { Attributes } from './share.ts';
import type { Result } from './value.ts';

/**
 * A read-only file tree, as an image resolves to: layers below a share. Synchronous and bounded; nothing in it leads outside: a symbolic
 * link is its target's bytes and is followed by the guest's kernel within its own root, never here.
 * Nodes are numbered from 1 (the root) and stay the same for the same contents.
 */
export interface Tree {
  /** Names the contents: the same id means the same tree (a digest, or a folder's identity). */
  readonly id: string;
  /** Child's node number, -ENOENT, or -ENOTDIR. */
  lookup(parent: number, name: Uint8Array): Result;
  getattr(node: number, out: Attributes): Result;
  /** Target bytes of a symbolic link. */
  readlink(node: number): Uint8Array | Result;
  /** Bytes read into `to`, 0 at the end. */
  read(node: number, at: number, to: Uint8Array): Result;
  /** Visits each entry once, in a fixed order, without `.` and `..`; stops when `visit` says false. */
  readdir(node: number, visit: (name: Uint8Array, node: number, type: number) => boolean): Result;
  close(): void;
}
