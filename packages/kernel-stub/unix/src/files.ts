import type { AttributeChange, Backing, PartReader, PartWriter, Plain, Reply, Result } from '@ashlar/hardware';
import type { ProgramFile, Status } from '@ashlar/kernel-stub';
import type { Description } from './description.ts';
import type { Caller, UnixHost } from './host.ts';
import type { Place } from './place.ts';
import type { Terminal } from './terminal-device.ts';

/** A program file that exec holds while it loads, and the process while it runs (/proc/PID/exe). */
export interface Executable extends ProgramFile {
  /** Held by this record until {@link close}. */
  readonly place: Place;
  close(): void;
}

/**
 * The file side of a Unix-like stub: everything that has to do with paths and nodes. `Files` in walk.ts implements it over mounted
 * {@link Filesystem}s; the kernel sees only this.
 *
 * - `dir` is where relative paths start; absolute ones start at `caller.directories.root`. An empty path means `dir` itself where `flags`
 *   has AtFlag.EMPTY_PATH, else -ENOENT. Paths are at most SYSTEM_LIMITS.pathBytes (-ENAMETOOLONG) and walk at most SYSTEM_LIMITS.symlinks
 *   links (-ELOOP).
 * - A reply may be a wait for a device: the same call is then made again, with `caller.progress` as it was left; the provider keeps
 *   its tag there, and sets it to undefined when it answers with a number. No signal cuts such a wait short.
 */
export interface FileProvider {
  /** The root of the tree, held. */
  root(): Place;
  hold(place: Place): void;
  drop(place: Place): void;
  /** openat(2) with all of OpenFlag; a new description with one reference. Mode is masked with the umask here. */
  open(caller: Caller, dir: Place, path: Uint8Array, flags: number, mode: number): Description | Reply;
  /** A file to execute: regular and executable by the caller, else -EACCES; held. `flags`: AtFlag. */
  program(caller: Caller, dir: Place, path: Uint8Array, flags: number): Executable | Reply;
  /** A directory to be root or current; held. -ENOTDIR. */
  directory(caller: Caller, dir: Place, path: Uint8Array): Place | Reply;
  /** Whether the place is a directory and may be searched: 0, -ENOTDIR, -EACCES. */
  searchable(caller: Caller, place: Place): Reply;
  /** Absolute path within the caller's root, copied into `to`; its length. -ERANGE if it does not fit, -ENOENT if the place was removed. */
  path(caller: Caller, place: Place, to: Uint8Array): Reply;
  stat(caller: Caller, dir: Place, path: Uint8Array, flags: number, out: Status): Reply;
  setAttributes(caller: Caller, dir: Place, path: Uint8Array, change: AttributeChange, flags: number): Reply;
  /** Length of the target, copied into `to` as far as it fits. */
  readlink(caller: Caller, dir: Place, path: Uint8Array, to: Uint8Array): Reply;
  mkdir(caller: Caller, dir: Place, path: Uint8Array, mode: number): Reply;
  mknod(caller: Caller, dir: Place, path: Uint8Array, mode: number, rdev: number): Reply;
  symlink(caller: Caller, target: Uint8Array, dir: Place, path: Uint8Array): Reply;
  link(caller: Caller, fromDir: Place, from: Uint8Array, toDir: Place, to: Uint8Array, flags: number): Reply;
  unlink(caller: Caller, dir: Place, path: Uint8Array, flags: number): Reply;
  rename(caller: Caller, fromDir: Place, from: Uint8Array, toDir: Place, to: Uint8Array, flags: number): Reply;
  access(caller: Caller, dir: Place, path: Uint8Array, mode: number, flags: number): Reply;
  /** `values` as TaskSystem.statfs. */
  statfs(caller: Caller, dir: Place, path: Uint8Array, values: Float64Array): Reply;
  /** Names the node at a path (a socket's): the same string for the same node. */
  nodeKey(caller: Caller, dir: Place, path: Uint8Array): string | Reply;

  /** A new terminal; it also appears in /dev/pts. -EMFILE past 64. */
  terminal(columns: number, rows: number): Terminal | Result;

  /** What a call left in its `progress` will not be asked for again: its task was ended. Anything else in there is left alone. */
  abandon(progress: Plain): void;
  /** Memory is short: lets go of what can be had again. Pages given back. */
  reclaim(): number;
  /** The kernel is over: nothing is asked for afterwards. */
  end(): void;

  // State. Legal only between steps.
  /** 0, or a wait while requests are under way. */
  save(out: PartWriter): Reply;
  /** Before anything else is restored: mounts, terminals. */
  restore(part: PartReader): Reply;
  savePlace(place: Place): Plain;
  /** Held; undefined if it is not there any more. */
  restorePlace(saved: Plain): Place | undefined;
  /** Of the kinds that the provider makes; undefined for others. With one reference. */
  restoreDescription(kind: string, saved: Plain): Description | undefined;
  saveTerminal(terminal: Terminal): Plain;
  restoreTerminal(saved: Plain): Terminal | undefined;
  /** Where the file lies whose pages a backing has; not held. Whoever maps it holds the file or its place. */
  placeOfBacking(backing: Backing): Place | undefined;
  /** The backing of that id. Its file must be held by whoever maps it, through the place that was saved with it. */
  restoreBacking(id: string): Backing | undefined;
  /** Holds the backing of the file at a held place, for memory that was restored with pages of it. */
  holdBacking(place: Place): void;
  /** Gives up that hold, and the place. */
  dropBacking(place: Place): void;
}

/** How a stub gives its files to the kernel it is built on. */
export type MakeFiles = (host: UnixHost) => FileProvider;
