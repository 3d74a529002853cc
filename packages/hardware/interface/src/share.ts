import type { Device, Tag } from './device.ts';
import type { Instant, Reply } from './value.ts';

/** Attributes of a node; filled in place. */
export interface Attributes {
  /** Stable number of the node within the share; never a host inode. */
  node: number;
  /** File type and permission bits, as st_mode: {@link FileType} | 0o7777. */
  mode: number;
  /** Bytes; of a symbolic link, the length of its target. */
  size: number;
  links: number;
  uid: number;
  gid: number;
  /** Device number of a character or block device node, else 0. */
  rdev: number;
  readonly atime: Instant;
  readonly mtime: Instant;
  readonly ctime: Instant;
}

/** File type bits of a mode. */
export const FileType = {
  MASK: 0o170000,
  SOCKET: 0o140000,
  SYMLINK: 0o120000,
  REGULAR: 0o100000,
  BLOCK: 0o060000,
  DIRECTORY: 0o040000,
  CHARACTER: 0o020000,
  FIFO: 0o010000,
} as const;

/** The root directory of every share and tree. */
export const ROOT_NODE = 1;
/** Longest name of one path component, in bytes. */
export const NAME_BYTES_MAX = 255;
/** Most bytes of one read or write request. */
export const SHARE_IO_BYTES_MAX = 1 << 20;

/** What `setattr` changes; absent fields stay. Times default to now where `'now'`. */
export interface AttributeChange {
  readonly mode?: number;
  readonly size?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly atime?: Instant | 'now';
  readonly mtime?: Instant | 'now';
}

/**
 * File trees at file level: a writable layer over read-only ones, and volumes.
 *
 * - Nodes are named by number. `lookup`, `create` and their like take a reference; `forget` gives it back. A node without names lives until
 *   it is forgotten. {@link ROOT_NODE} always lives.
 * - Names are single components of 1 … 255 bytes without `/` and NUL; `.` and `..` are refused with -EINVAL (paths are walked above).
 *   Symbolic links are never followed here.
 * - Reads and writes are positioned, so repeating them is harmless; requests that change names carry a tag (see {@link Tag}).
 * - Errors are those of the like-named POSIX call: -ENOENT, -EEXIST, -ENOTDIR, -EISDIR, -ENOTEMPTY, -EROFS, -ENOSPC, -EXDEV, -ESTALE (no such node) …
 */
export interface Share extends Device {
  readonly kind: 'share';
  /** 0 and a reference to the child in `out`. */
  lookup(parent: number, name: Uint8Array, out: Attributes): Reply;
  getattr(node: number, out: Attributes): Reply;
  setattr(tag: Tag, node: number, change: AttributeChange, out: Attributes): Reply;
  /** Length of the target, copied into `to` as far as it fits. */
  readlink(node: number, to: Uint8Array): Reply;
  /** Makes a regular file, fifo, socket or device node, by the type bits of `mode`; 0 and a reference in `out`. -EEXIST if the name is there. */
  create(tag: Tag, parent: number, name: Uint8Array, mode: number, rdev: number, out: Attributes): Reply;
  mkdir(tag: Tag, parent: number, name: Uint8Array, mode: number, out: Attributes): Reply;
  symlink(tag: Tag, parent: number, name: Uint8Array, target: Uint8Array, out: Attributes): Reply;
  link(tag: Tag, node: number, parent: number, name: Uint8Array, out: Attributes): Reply;
  unlink(tag: Tag, parent: number, name: Uint8Array): Reply;
  rmdir(tag: Tag, parent: number, name: Uint8Array): Reply;
  /** `flags`: {@link RenameFlag}. */
  rename(tag: Tag, from: number, name: Uint8Array, to: number, newName: Uint8Array, flags: number): Reply;
  /** Bytes read, 0 at or past the end. At most {@link SHARE_IO_BYTES_MAX}. */
  read(node: number, at: number, to: Uint8Array): Reply;
  /** Bytes written; extends the file, with zeroes if `at` is past its end. */
  write(node: number, at: number, from: Uint8Array): Reply;
  /**
   * Directory entries after `cookie` (0: from the start) as records in `to`; returns bytes filled, 0 at the end, -EINVAL if the next does not fit.
   * A record, little-endian, without padding: node u32, cookie u32, type u8 (mode >> 12), name length u8, name. Without `.` and `..`. Cookies stay
   * valid while the directory changes: an entry that stays is listed exactly once.
   */
  readdir(node: number, cookie: number, to: Uint8Array): Reply;
  fsync(node: number): Reply;
  statfs(out: FilesystemStatistics): Reply;
  /** Gives `count` references back. */
  forget(node: number, count: number): void;
}

export const RenameFlag = { NOREPLACE: 1, EXCHANGE: 2 } as const;

export interface FilesystemStatistics {
  /** Bytes of a block. */
  blockBytes: number;
  blocks: number;
  blocksFree: number;
  nodes: number;
  nodesFree: number;
}
