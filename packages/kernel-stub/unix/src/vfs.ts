import type {
  AddressSpace,
  AttributeChange,
  Attributes,
  Backing,
  FilesystemStatistics,
  PartReader,
  PartWriter,
  Plain,
  Reply,
  Result,
} from '@ashlar/hardware';
import { Errno, FileType, RenameFlag } from '@ashlar/hardware';
import { AtFlag, OpenFlag, type Status, SYSTEM_LIMITS } from '@ashlar/kernel-stub';
import { copyAttributes, isDirectory, newAttributes } from './attributes.ts';
import type { Description } from './description.ts';
import type { Devices } from './devices.ts';
import {
  DirectoryDescription,
  FifoDescription,
  FileDescription,
  type FileOwner,
  type NodeDescription,
  PathDescription,
} from './file-description.ts';
import type { Executable, FileProvider } from './files.ts';
import type { Filesystem } from './filesystem.ts';
import type { Caller, UnixHost } from './host.ts';
import { Journal } from './journal.ts';
import { BackingTable } from './node-backing.ts';
import { completeStatus, refuseChange } from './node-status.ts';
import { Access, permitted } from './permission.ts';
import type { Place } from './place.ts';
import type { Terminal } from './terminal-device.ts';
import { TreeExecutable } from './tree-executable.ts';
import { TreeNames } from './tree-names.ts';
import { keyBytes, type Mount, PlaceTable, type TreePlace } from './tree-place.ts';
import { type Walk, WalkTo } from './walk.ts';

/** openat(2) O_TMPFILE, without the O_DIRECTORY that it contains. */
const O_TMPFILE = 0o20000000;
/** All flags that open(2) has; others are ignored. */
const O_KNOWN = 0o37777777;
const PERMISSIONS = 0o7777;
const SET_ID_BITS = 0o6000;
const NO_PATH = new Uint8Array();
const SLASH = 0x2f;

/** A file system and where it is mounted: a name in the root directory of another, or the root of all. */
export interface MountSpec {
  readonly filesystem: Filesystem;
  /** `/`, `/dev`, `/dev/pts`: each name but the last must be a mount point already. */
  readonly path: string;
}

/** Who asks at the moment: what `/proc/self` means. */
export interface Asker {
  pid: number;
  thread: number;
}

/** What the tree is made of; made by the stub. */
export interface FilesParts {
  /** In mount order: the root first. */
  readonly mounts: readonly MountSpec[];
  readonly devices: Devices;
  /** The record that procfs was given. */
  readonly asker: Asker;
}

/**
 * The file side of a Unix-like stub: path walks over mounted file systems, with POSIX's permissions and Linux's answers where POSIX leaves a choice.
 * It holds no contents, names or attributes of its own, beside the places in use and the journal of a call under way.
 */
export class Files implements FileProvider, FileOwner {
  readonly places = new PlaceTable();
  readonly backings: BackingTable;
  readonly spare: Attributes = newAttributes();
  readonly #host: UnixHost;
  readonly #devices: Devices;
  readonly #asker: Asker;
  readonly #journal: Journal;
  readonly #names: TreeNames;
  readonly #walk: Walk;
  readonly #made: Attributes;
  readonly #peeked: Attributes;
  readonly #statistics: FilesystemStatistics = { blockBytes: 0, blocks: 0, blocksFree: 0, nodes: 0, nodesFree: 0 };

  constructor(host: UnixHost, parts: FilesParts) {
    this.#host = host;
    this.backings = new BackingTable(() => spacesOf(host));
    this.#devices = parts.devices;
    this.#devices.attach(this);
    this.#asker = parts.asker;
    for (const { filesystem, path } of parts.mounts) this.#mount(filesystem, path);
    this.#journal = new Journal({ next: () => host.tag() }, (device) => this.places.filesystem(device));
    this.#names = new TreeNames(this.#journal, this.places);
    this.#walk = this.#names.walk;
    this.#made = this.#names.made;
    this.#peeked = this.#names.peeked;
  }

  #mount(filesystem: Filesystem, path: string): void {
    const names = path.split('/').filter((name) => name !== '');
    const last = names.pop();
    let above: Mount | undefined = this.places.mounts[0];
    for (const name of names) above = above?.over(above.filesystem.root, keyBytes(name));
    if (last !== undefined && above === undefined)
      throw new Error(`mount ${path}: ${names.join('/')} is no mount point; mount that one first`);
    this.places.mount(filesystem, above, last === undefined ? undefined : keyBytes(last));
  }

  /** Mounted file systems with their absolute paths, for /proc/mounts. */
  mounts(): { readonly path: string; readonly filesystem: Filesystem }[] {
    const root = this.places.mounts[0]?.root as TreePlace;
    return this.places.mounts.map((mount) => ({ path: mount.root.pathFrom(root), filesystem: mount.filesystem }));
  }

  root(): TreePlace {
    return this.places.hold(this.places.mounts[0]?.root as TreePlace);
  }

  hold(place: Place): void {
    this.places.hold(place as TreePlace);
  }

  drop(place: Place): void {
    this.places.drop(place as TreePlace);
  }

  abandon(progress: Plain): void {
    this.#journal.abandon(progress);
  }

  reclaim(): number {
    let pages = 0;
    for (const { filesystem } of this.places.mounts) pages += filesystem.reclaim?.() ?? 0;
    return pages;
  }

  end(): void {
    for (const { filesystem } of this.places.mounts) filesystem.end?.();
  }

  #begin(caller: Caller, call: string, path: Uint8Array): void {
    this.#asker.pid = caller.group;
    this.#asker.thread = caller.id;
    this.#journal.begin(caller.progress, call, path);
  }

  /** Ends the call that {@link #begin} began: either it has its result, or it will be made again. */
  #end<T>(caller: Caller, result: T | Reply): T | Reply {
    if (typeof result === 'object' && result !== null && 'on' in result) {
      caller.progress = this.#journal.suspend();
      return result;
    }
    caller.progress = this.#journal.finish();
    return result;
  }

  // open

  open(caller: Caller, dir: Place, path: Uint8Array, flags: number, mode: number): Description | Reply {
    this.#begin(caller, 'open', path);
    return this.#end(caller, this.#open(caller, dir as TreePlace, path, flags, mode));
  }

  #open(caller: Caller, dir: TreePlace, path: Uint8Array, given: number, mode: number): Description | Reply {
    const isPath = (given & OpenFlag.PATH) !== 0;
    const flags = isPath ? given & (OpenFlag.PATH | OpenFlag.DIRECTORY | OpenFlag.NOFOLLOW) : given & O_KNOWN & ~OpenFlag.CLOEXEC;
    if ((flags & O_TMPFILE) !== 0) return -Errno.EOPNOTSUPP;
    const creates = (flags & OpenFlag.CREATE) !== 0;
    if (creates && (flags & OpenFlag.DIRECTORY) !== 0) return -Errno.EINVAL;
    const exclusive = creates && (flags & OpenFlag.EXCLUSIVE) !== 0;
    const walk = this.#walk;
    const to = exclusive || (flags & OpenFlag.NOFOLLOW) !== 0 ? WalkTo.ENTRY : WalkTo.TARGET;
    if (creates && path[path.length - 1] === SLASH) {
      const parent = walk.go(caller, dir, path, WalkTo.PARENT, false);
      if (typeof parent !== 'number' || parent < 0) return parent;
      if (walk.last === 'name') return -Errno.EISDIR;
    }
    for (let attempt = 0; ; attempt++) {
      const walked = walk.go(caller, dir, path, to, creates);
      if (typeof walked !== 'number' || walked < 0) return walked;
      if (walk.found) break;
      const made = this.#names.create(caller, walk, FileType.REGULAR | (mode & ~caller.directories.umask & PERMISSIONS), 0);
      // Somebody else made it in between: then it is simply there.
      if (made === -Errno.EEXIST && !exclusive && attempt === 0) continue;
      if (typeof made !== 'number' || made < 0) return made;
      return this.#describe(caller, walk, FileType.REGULAR, flags & ~(OpenFlag.CREATE | OpenFlag.EXCLUSIVE | OpenFlag.TRUNCATE));
    }
    if (walk.description !== undefined) return reopen(walk.description, flags);
    if (exclusive) return -Errno.EEXIST;
    const filled = walk.fill();
    if (typeof filled !== 'number' || filled < 0) return filled;
    return this.#openFound(caller, walk, flags, isPath);
  }

  #openFound(caller: Caller, walk: Walk, flags: number, isPath: boolean): Description | Reply {
    const type = walk.attributes.mode & FileType.MASK;
    const directory = type === FileType.DIRECTORY;
    if ((flags & OpenFlag.DIRECTORY) !== 0 && !directory) return -Errno.ENOTDIR;
    if (isPath) return new PathDescription(this, walk.place(), flags);
    if (type === FileType.SYMLINK) return -Errno.ELOOP;
    const access = flags & OpenFlag.ACCESS;
    const truncates = (flags & OpenFlag.TRUNCATE) !== 0;
    const writes = access !== OpenFlag.READ_ONLY || truncates;
    if (directory && (writes || (flags & OpenFlag.CREATE) !== 0)) return -Errno.EISDIR;
    const wanted = (access !== OpenFlag.WRITE_ONLY ? Access.READ : 0) | (writes ? Access.WRITE : 0);
    const { euid, egid } = caller.credentials;
    if (!permitted(walk.attributes, euid, egid, wanted)) return -Errno.EACCES;
    if (type === FileType.SOCKET) return -Errno.ENXIO;
    if (writes && walk.filesystem.readOnly && type === FileType.REGULAR) return -Errno.EROFS;
    if (truncates && type === FileType.REGULAR) {
      const cut = this.#journal.setattr(walk.filesystem, walk.node, { size: 0 }, this.#made);
      if (typeof cut !== 'number' || cut < 0) return cut;
      this.backings.cut(walk.filesystem, walk.node, 0);
    }
    return this.#describe(caller, walk, type, flags & ~(OpenFlag.CREATE | OpenFlag.EXCLUSIVE | OpenFlag.TRUNCATE));
  }

  #describe(caller: Caller, walk: Walk, type: number, flags: number): Description | Reply {
    switch (type) {
      case FileType.REGULAR:
        return new FileDescription(this, walk.place(), flags & ~(OpenFlag.NOFOLLOW | OpenFlag.NO_TTY));
      case FileType.DIRECTORY:
        return new DirectoryDescription(this, walk.place(), flags & ~(OpenFlag.NOFOLLOW | OpenFlag.NO_TTY));
      case FileType.FIFO:
        return this.#host.fifo(
          { key: `${walk.filesystem.device}:${walk.node}`, node: new FifoDescription(this, walk.place(), flags) },
          flags,
        );
      default:
        return this.#devices.open(caller, walk.attributes, flags, () => walk.place());
    }
  }

  program(caller: Caller, dir: Place, path: Uint8Array, flags: number): Executable | Reply {
    this.#begin(caller, 'program', path);
    return this.#end(caller, this.#program(caller, dir as TreePlace, path, flags));
  }

  #program(caller: Caller, dir: TreePlace, path: Uint8Array, flags: number): Executable | Reply {
    const walk = this.#walk;
    const reached = this.#reach(caller, dir, path, flags);
    if (typeof reached !== 'number' || reached < 0) return reached;
    if (walk.description !== undefined) return -Errno.EACCES;
    const type = walk.attributes.mode & FileType.MASK;
    if (type === FileType.SYMLINK) return -Errno.ELOOP;
    const { euid, egid } = caller.credentials;
    if (type !== FileType.REGULAR || !permitted(walk.attributes, euid, egid, Access.EXECUTE)) return -Errno.EACCES;
    return new TreeExecutable(this, walk.place(), caller.directories.root as TreePlace, walk.attributes.size);
  }

  // places

  directory(caller: Caller, dir: Place, path: Uint8Array): Place | Reply {
    this.#begin(caller, 'directory', path);
    return this.#end(caller, this.#directory(caller, dir as TreePlace, path));
  }

  #directory(caller: Caller, dir: TreePlace, path: Uint8Array): Place | Reply {
    const walked = this.#reach(caller, dir, path, 0);
    if (typeof walked !== 'number' || walked < 0) return walked;
    const walk = this.#walk;
    if (walk.description !== undefined || !isDirectory(walk.attributes.mode)) return -Errno.ENOTDIR;
    const { euid, egid } = caller.credentials;
    return permitted(walk.attributes, euid, egid, Access.EXECUTE) ? walk.place() : -Errno.EACCES;
  }

  searchable(caller: Caller, place: Place): Reply {
    if (!(place as TreePlace).isDirectory) return -Errno.ENOTDIR;
    const { euid, egid } = caller.credentials;
    if (euid === 0) return 0;
    const known = place.filesystem.getattr(place.node, this.spare);
    if (typeof known !== 'number' || known < 0) return known;
    return permitted(this.spare, euid, egid, Access.EXECUTE) ? 0 : -Errno.EACCES;
  }

  path(caller: Caller, place: Place, to: Uint8Array): Reply {
    const at = place as TreePlace;
    if (at.isUnreachable) return -Errno.ENOENT;
    const path = at.pathFrom(caller.directories.root as TreePlace);
    if (path.length > to.length) return -Errno.ERANGE;
    to.set(keyBytes(path));
    return path.length;
  }

  // attributes

  /** Walks `#walk` to the node an operation is about, with its attributes, by path and AtFlag. */
  #reach(caller: Caller, dir: TreePlace, path: Uint8Array, flags: number): Reply {
    const walk = this.#walk;
    if (path.length === 0 && (flags & AtFlag.EMPTY_PATH) !== 0) walk.at(dir);
    else {
      const to = (flags & AtFlag.SYMLINK_NOFOLLOW) !== 0 ? WalkTo.ENTRY : WalkTo.TARGET;
      const walked = walk.go(caller, dir, path, to, false);
      if (typeof walked !== 'number' || walked < 0) return walked;
    }
    return walk.description !== undefined ? 0 : walk.fill();
  }

  stat(caller: Caller, dir: Place, path: Uint8Array, flags: number, out: Status): Reply {
    this.#begin(caller, 'stat', path);
    return this.#end(caller, this.#stat(caller, dir as TreePlace, path, flags, out));
  }

  #stat(caller: Caller, dir: TreePlace, path: Uint8Array, flags: number, out: Status): Reply {
    const reached = this.#reach(caller, dir, path, flags);
    if (typeof reached !== 'number' || reached < 0) return reached;
    if (this.#walk.description !== undefined) return this.#walk.description.stat(caller, out);
    copyAttributes(this.#walk.attributes, out);
    completeStatus(out, this.#walk.filesystem);
    return 0;
  }

  statNode(filesystem: Filesystem, node: number, out: Status): Reply {
    const known = filesystem.getattr(node, out);
    if (typeof known === 'number' && known >= 0) completeStatus(out, filesystem);
    return known;
  }

  setAttributes(caller: Caller, dir: Place, path: Uint8Array, change: AttributeChange, flags: number): Reply {
    this.#begin(caller, 'setAttributes', path);
    return this.#end(caller, this.#setAttributes(caller, dir as TreePlace, path, change, flags));
  }

  #setAttributes(caller: Caller, dir: TreePlace, path: Uint8Array, change: AttributeChange, flags: number): Reply {
    const walk = this.#walk;
    const reached = this.#reach(caller, dir, path, flags);
    if (typeof reached !== 'number' || reached < 0) return reached;
    if (walk.description !== undefined) return walk.description.setAttributes(caller, change);
    return this.#change(caller, walk.filesystem, walk.node, walk.attributes, change, true);
  }

  setNode(caller: Caller, filesystem: Filesystem, node: number, change: AttributeChange): Reply {
    this.#begin(caller, 'setNode', NO_PATH);
    const known = this.#journal.getattr(filesystem, node, this.#peeked);
    const ready = typeof known === 'number' && known >= 0;
    // A size is changed through a descriptor that was opened for writing: no permission is asked for again.
    return this.#end(caller, ready ? this.#change(caller, filesystem, node, this.#peeked, change, false) : known);
  }

  growNode(caller: Caller, filesystem: Filesystem, node: number, size: number): Reply {
    this.#begin(caller, 'growNode', NO_PATH);
    const known = this.#journal.getattr(filesystem, node, this.#peeked);
    const grows = known === 0 && this.#peeked.size < size;
    return this.#end(caller, grows ? this.#change(caller, filesystem, node, this.#peeked, { size }, false) : known);
  }

  #change(caller: Caller, filesystem: Filesystem, node: number, now: Attributes, wanted: AttributeChange, byPath: boolean): Reply {
    const refused = refuseChange(caller, now, wanted, byPath);
    if (refused !== 0) return refused;
    if (filesystem.readOnly) return -Errno.EROFS;
    let change = wanted;
    const regular = (now.mode & FileType.MASK) === FileType.REGULAR;
    // chown(2): a file that runs as its owner does not do so for another.
    if ((wanted.uid !== undefined || wanted.gid !== undefined) && regular && (now.mode & SET_ID_BITS) !== 0 && wanted.mode === undefined) {
      change = { ...wanted, mode: now.mode & PERMISSIONS & ~SET_ID_BITS };
    }
    const changed = this.#journal.setattr(filesystem, node, change, this.#made);
    if (change.size !== undefined && changed === 0) this.backings.cut(filesystem, node, change.size);
    return changed;
  }

  access(caller: Caller, dir: Place, path: Uint8Array, mode: number, flags: number): Reply {
    if ((mode & ~7) !== 0) return -Errno.EINVAL;
    this.#begin(caller, 'access', path);
    return this.#end(caller, this.#access(caller, dir as TreePlace, path, mode, flags));
  }

  #access(caller: Caller, dir: TreePlace, path: Uint8Array, mode: number, flags: number): Reply {
    const walk = this.#walk;
    const reached = this.#reach(caller, dir, path, flags);
    if (typeof reached !== 'number' || reached < 0 || walk.description !== undefined) return reached;
    const { euid, egid, ruid, rgid } = caller.credentials;
    const effective = (flags & AtFlag.EACCESS) !== 0;
    if (!permitted(walk.attributes, effective ? euid : ruid, effective ? egid : rgid, mode)) return -Errno.EACCES;
    const type = walk.attributes.mode & FileType.MASK;
    const stored = type === FileType.REGULAR || type === FileType.DIRECTORY;
    return (mode & Access.WRITE) !== 0 && stored && walk.filesystem.readOnly ? -Errno.EROFS : 0;
  }

  readlink(caller: Caller, dir: Place, path: Uint8Array, to: Uint8Array): Reply {
    this.#begin(caller, 'readlink', path);
    return this.#end(caller, this.#readlink(caller, dir as TreePlace, path, to));
  }

  #readlink(caller: Caller, dir: TreePlace, path: Uint8Array, to: Uint8Array): Reply {
    const walk = this.#walk;
    if (path.length === 0 && dir.type === FileType.SYMLINK) walk.at(dir);
    else {
      const walked = walk.go(caller, dir, path, WalkTo.ENTRY, false);
      if (typeof walked !== 'number' || walked < 0) return walked;
    }
    const filled = walk.fill();
    if (typeof filled !== 'number' || filled < 0) return filled;
    if ((walk.attributes.mode & FileType.MASK) !== FileType.SYMLINK) return -Errno.EINVAL;
    return walk.filesystem.readlink(walk.node, to);
  }

  statfs(caller: Caller, dir: Place, path: Uint8Array, values: Float64Array): Reply {
    this.#begin(caller, 'statfs', path);
    const walked = this.#reach(caller, dir as TreePlace, path, AtFlag.EMPTY_PATH);
    const ready = typeof walked === 'number' && walked >= 0;
    if (ready && this.#walk.description !== undefined) return this.#end(caller, -Errno.ENOSYS);
    return this.#end(caller, ready ? this.statfsNode(this.#walk.filesystem, values) : walked);
  }

  statfsNode(filesystem: Filesystem, values: Float64Array): Reply {
    const out = this.#statistics;
    const known = filesystem.statfs(out);
    if (typeof known !== 'number' || known < 0) return known;
    values[0] = filesystem.magic;
    values[1] = out.blockBytes;
    values[2] = out.blocks;
    values[3] = out.blocksFree;
    values[4] = out.nodes;
    values[5] = out.nodesFree;
    values[6] = 255;
    return 0;
  }

  nodeKey(caller: Caller, dir: Place, path: Uint8Array): string | Reply {
    this.#begin(caller, 'nodeKey', path);
    const walked = this.#reach(caller, dir as TreePlace, path, 0);
    const ready = typeof walked === 'number' && walked >= 0;
    return this.#end<string>(caller, ready ? `${this.#walk.filesystem.device}:${this.#walk.node}` : walked);
  }

  // names

  mkdir(caller: Caller, dir: Place, path: Uint8Array, mode: number): Reply {
    this.#begin(caller, 'mkdir', path);
    return this.#end(caller, this.#names.mkdir(caller, dir as TreePlace, path, mode));
  }

  mknod(caller: Caller, dir: Place, path: Uint8Array, mode: number, rdev: number): Reply {
    const type = (mode & FileType.MASK) === 0 ? FileType.REGULAR : mode & FileType.MASK;
    if (type === FileType.DIRECTORY) return -Errno.EPERM;
    if (type === FileType.SYMLINK) return -Errno.EINVAL;
    const device = type === FileType.CHARACTER || type === FileType.BLOCK;
    if (device && caller.credentials.euid !== 0) return -Errno.EPERM;
    this.#begin(caller, 'mknod', path);
    const parent = this.#names.toParent(caller, this.#walk, dir as TreePlace, path, false);
    if (parent !== 0) return this.#end(caller, parent);
    const bits = type | (mode & ~caller.directories.umask & PERMISSIONS);
    return this.#end(caller, this.#names.create(caller, this.#walk, bits, device ? rdev : 0));
  }

  symlink(caller: Caller, target: Uint8Array, dir: Place, path: Uint8Array): Reply {
    if (target.length === 0) return -Errno.ENOENT;
    if (target.length >= SYSTEM_LIMITS.pathBytes) return -Errno.ENAMETOOLONG;
    this.#begin(caller, 'symlink', path);
    const walk = this.#walk;
    const parent = this.#names.toParent(caller, walk, dir as TreePlace, path, false);
    if (parent !== 0) return this.#end(caller, parent);
    const made = this.#journal.symlink(walk.filesystem, walk.node, walk.name, target, this.#made);
    return this.#end(caller, typeof made !== 'number' || made < 0 ? made : this.#names.own(caller, walk));
  }

  link(caller: Caller, fromDir: Place, from: Uint8Array, toDir: Place, to: Uint8Array, flags: number): Reply {
    this.#begin(caller, 'link', from);
    const follow = (flags & AtFlag.SYMLINK_FOLLOW) === 0 ? AtFlag.SYMLINK_NOFOLLOW : 0;
    const reached = this.#reach(caller, fromDir as TreePlace, from, (flags & AtFlag.EMPTY_PATH) | follow);
    const ready = typeof reached === 'number' && reached >= 0;
    return this.#end(caller, ready ? this.#names.link(caller, toDir as TreePlace, to) : reached);
  }

  unlink(caller: Caller, dir: Place, path: Uint8Array, flags: number): Reply {
    if ((flags & ~AtFlag.REMOVE_DIRECTORY) !== 0) return -Errno.EINVAL;
    this.#begin(caller, 'unlink', path);
    return this.#end(caller, this.#names.unlink(caller, dir as TreePlace, path, (flags & AtFlag.REMOVE_DIRECTORY) !== 0));
  }

  rename(caller: Caller, fromDir: Place, from: Uint8Array, toDir: Place, to: Uint8Array, flags: number): Reply {
    const known = RenameFlag.NOREPLACE | RenameFlag.EXCHANGE;
    if ((flags & ~known) !== 0 || flags === known) return -Errno.EINVAL;
    this.#begin(caller, 'rename', from);
    return this.#end(caller, this.#names.rename(caller, fromDir as TreePlace, from, toDir as TreePlace, to, flags));
  }

  // terminals

  terminal(columns: number, rows: number): Terminal | Result {
    return this.#devices.terminal(columns, rows);
  }

  // state

  save(out: PartWriter): Reply {
    for (const mount of this.places.mounts) {
      const saved = mount.filesystem.save?.(out.part(`mount-${mount.id}`)) ?? 0;
      if (saved !== 0) return saved;
    }
    out.put('places', this.places.save());
    out.put('devices', this.#devices.save());
    return 0;
  }

  restore(part: PartReader): Reply {
    for (const mount of this.places.mounts) {
      if (mount.filesystem.restore === undefined) continue;
      const restored = mount.filesystem.restore(part.part(`mount-${mount.id}`));
      if (restored !== 0) return restored;
    }
    this.places.restore(part.get('places'));
    this.#devices.restore(part.get('devices'));
    return 0;
  }

  savePlace(place: Place): Plain {
    return (place as TreePlace).serial;
  }

  restorePlace(saved: Plain): Place | undefined {
    const place = this.places.bySerial(saved as number);
    return place === undefined ? undefined : this.places.hold(place);
  }

  restoreDescription(kind: string, saved: Plain): Description | undefined {
    const make = DESCRIPTIONS[kind];
    if (make === undefined)
      return this.#devices.restoreDescription(kind, saved, (serial) => this.restorePlace(serial) as TreePlace | undefined);
    const { place: serial, flags, position } = saved as { place: number; flags: number; position: number };
    const place = this.restorePlace(serial) as TreePlace | undefined;
    if (place === undefined) return undefined;
    const description = make(this, place, flags);
    description.position = position;
    return description;
  }

  saveTerminal(terminal: Terminal): Plain {
    return terminal.index;
  }

  restoreTerminal(saved: Plain): Terminal | undefined {
    return this.#devices.terminalAt(saved as number);
  }

  placeOfBacking(backing: Backing): Place | undefined {
    return this.backings.placeOf(backing.id);
  }

  restoreBacking(id: string): Backing | undefined {
    return this.backings.restore(id, (device) => this.places.filesystem(device));
  }

  holdBacking(place: Place): void {
    this.backings.hold(place as TreePlace);
  }

  dropBacking(place: Place): void {
    const { filesystem, node } = place as TreePlace;
    this.backings.drop(filesystem, node);
    this.drop(place);
  }
}

const DESCRIPTIONS: Readonly<Record<string, (owner: FileOwner, place: TreePlace, flags: number) => NodeDescription>> = {
  file: (owner, place, flags) => new FileDescription(owner, place, flags),
  directory: (owner, place, flags) => new DirectoryDescription(owner, place, flags),
  path: (owner, place, flags) => new PathDescription(owner, place, flags),
  fifo: (owner, place, flags) => new FifoDescription(owner, place, flags),
};

/** Opens what a link of /proc/PID/fd leads to and has no node: the same description once more; sockets cannot be opened (ENXIO). */
function reopen(description: Description, flags: number): Description | Reply {
  if (description.kind === 'socket') return -Errno.ENXIO;
  const terminal = description.terminal();
  return terminal === undefined ? description.hold() : terminal.open(flags);
}

/** Every address space, once: threads and vfork children share theirs. */
function spacesOf(host: UnixHost): Set<AddressSpace> {
  const spaces = new Set<AddressSpace>();
  for (const { space } of host.processes()) if (space !== undefined) spaces.add(space);
  return spaces;
}
