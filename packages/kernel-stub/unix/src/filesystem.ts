import type { AttributeChange, Attributes, FilesystemStatistics, PartReader, PartWriter, Reply } from '@ashlar/hardware';
import type { DirectorySink, Io } from '@ashlar/kernel-stub';
import type { Description } from './description.ts';
import type { Place } from './place.ts';

/**
 * One mounted file tree at node level, as the path walker sees it. Implemented by the share translations of `posix` (cached) and `passthrough`
 * (one to one), by tmpfs, and by the library's own devfs and procfs.
 *
 * - Names are single components; `.`, `..`, symbolic links, mounts and permissions are the walker's business.
 * - Any request may answer a wait; it is then made again, identically, with the same `tag`.
 * - `tag`: see `Tag` of the hardware interface; the {@link Journal} of the asking call allocates it and keeps it in `task.progress`.
 * - `lookup`, `create`, `mkdir`, `symlink` and `link` take a reference to the node in `out`; `forget` gives one back. A node without names lives until
 *   its last reference is given back. The root always lives.
 */
export interface Filesystem {
  /** st_dev: small, stable, unique among the mounted file systems of a stub. */
  readonly device: number;
  /** Type as /proc/mounts has it: `tmpfs`, `proc`, … */
  readonly type: string;
  /** statfs(2) f_type. */
  readonly magic: number;
  readonly readOnly: boolean;
  readonly root: number;
  lookup(parent: number, name: Uint8Array, out: Attributes): Reply;
  getattr(node: number, out: Attributes): Reply;
  setattr(tag: number, node: number, change: AttributeChange, out: Attributes): Reply;
  /** Length of the target, copied into `to` as far as it fits. */
  readlink(node: number, to: Uint8Array): Reply;
  create(tag: number, parent: number, name: Uint8Array, mode: number, rdev: number, out: Attributes): Reply;
  mkdir(tag: number, parent: number, name: Uint8Array, mode: number, out: Attributes): Reply;
  symlink(tag: number, parent: number, name: Uint8Array, target: Uint8Array, out: Attributes): Reply;
  link(tag: number, node: number, parent: number, name: Uint8Array, out: Attributes): Reply;
  unlink(tag: number, parent: number, name: Uint8Array): Reply;
  rmdir(tag: number, parent: number, name: Uint8Array): Reply;
  rename(tag: number, from: number, name: Uint8Array, to: number, newName: Uint8Array, flags: number): Reply;
  /** Bytes read, 0 at or past the end; short only there. */
  read(node: number, at: number, io: Io): Reply;
  /** Bytes written; extends the file, with zeroes if `at` is past its end. */
  write(node: number, at: number, io: Io): Reply;
  /** Like `TaskSystem.readdir`, without `.` and `..`, after the entry whose position was `position` (0: from the start); the count of entries given. */
  readdir(node: number, position: number, sink: DirectorySink): Reply;
  fsync(node: number): Reply;
  statfs(out: FilesystemStatistics): Reply;
  /** A reference taken by lookup, create … is given back. */
  forget(node: number): void;
  /**
   * Links that lead to an object instead of a path (`/proc/self/exe`, `/proc/self/fd/3`): where following the link leads, not held;
   * undefined for an ordinary one. `readlink` still gives the text.
   */
  follow?(node: number): FollowedLink | undefined;
  /** Memory is short: lets go of what can be had again. Pages given back. */
  reclaim?(): number;
  /** Nothing is asked of it afterwards, and no request is under way: what it holds may go to others. */
  end?(): void;
  /** What it holds beside the device below it, and which nodes it holds there. */
  save?(out: PartWriter): Reply;
  restore?(part: PartReader): Reply;
}

/** Where a link of procfs leads: a node of the tree, or an open description that lies nowhere (a pipe). */
export type FollowedLink = { readonly place: Place } | { readonly description: Description };
