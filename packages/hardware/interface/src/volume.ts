import type { AttributeChange, Attributes, FilesystemStatistics } from './share.ts';
import type { Result } from './value.ts';

/**
 * A live file tree of the host, mounted in a share: a host folder, or a single host file (then the root is a regular file). Synchronous; nodes are
 * numbered from 1 (the root) below 2^27, and a number is good until it is forgotten. An implementation never reaches outside its root.
 * Results are 0 or as the like-named request of {@link Share}.
 */
export interface VolumeBackend {
  /** Holds the child until `forget`. */
  lookup(parent: number, name: Uint8Array, out: Attributes): Result;
  getattr(node: number, out: Attributes): Result;
  setattr(node: number, change: AttributeChange, out: Attributes): Result;
  readlink(node: number): Uint8Array | Result;
  /** Holds what it made, as do `mkdir`, `symlink` and `link`. */
  create(parent: number, name: Uint8Array, mode: number, out: Attributes): Result;
  mkdir(parent: number, name: Uint8Array, mode: number, out: Attributes): Result;
  symlink(parent: number, name: Uint8Array, target: Uint8Array, out: Attributes): Result;
  link(node: number, parent: number, name: Uint8Array, out: Attributes): Result;
  unlink(parent: number, name: Uint8Array): Result;
  rmdir(parent: number, name: Uint8Array): Result;
  rename(from: number, name: Uint8Array, to: number, newName: Uint8Array, flags: number): Result;
  read(node: number, at: number, to: Uint8Array): Result;
  write(node: number, at: number, from: Uint8Array): Result;
  /** Visits each entry once; `type` is mode >> 12. */
  readdir(node: number, visit: (name: Uint8Array, node: number, type: number) => boolean): Result;
  fsync(node: number): Result;
  statfs(out: FilesystemStatistics): Result;
  forget(node: number): void;
  /** How a held node is saved: names from the root joined by `/`; -ENOENT if it has none any more. */
  pathOf(node: number): Uint8Array | Result;
  /** Finds a saved node again, holds it, and gives it the number that it had. */
  adopt(node: number, path: Uint8Array): Result;
  close(): void;
}
