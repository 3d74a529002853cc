import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  statfsSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import {
  type AttributeChange,
  type Attributes,
  Errno,
  type FilesystemStatistics,
  FileType,
  type Instant,
  NAME_BYTES_MAX,
  RenameFlag,
  type Result,
  ROOT_NODE,
} from '@ashlar/hardware';
import { type FolderNode, FolderNodes, type NodeLimits } from './folder-nodes.ts';
import { attempt, FolderPaths, identityOf, Refusal } from './folder-paths.ts';
import { compareBytes } from './tree-index.ts';

/** Limits of one {@link Folder}. */
export interface FolderLimits extends NodeLimits {
  /** Host files held open for reading and writing, beside those without a name. */
  readonly openFiles: number;
}

const DEFAULT_LIMITS: FolderLimits = { nodes: 1_000_000, idleNodes: 65_536, openFiles: 64 };
/** Linux's overflow id: an owner that means nothing inside. */
const NOBODY = 65_534;

/**
 * A host folder (or a single host file) as a file tree that nothing leads out of: not `..`, not an absolute path, not a symbolic link put there by
 * the guest or by the host, not a directory swapped for a link meanwhile (see {@link FolderPaths} for how, and for the one race left outside Linux).
 *
 * - Symbolic links are data: `readlink` gives their target, nothing here follows them.
 * - Owners: what belongs to the user that runs this process belongs to uid 0 inside, all else to nobody (65,534), as in a user namespace with only root
 *   mapped. Only 0 can be set. Set-user-id bits never reach the host.
 * - Device nodes, fifos and sockets are listed and can be removed, but neither opened nor made (-ENXIO, -EPERM).
 * - RENAME_EXCHANGE is -EINVAL: Node.js cannot ask for it. NOREPLACE looks first, which is exact unless the host makes the name in between.
 * - The folder is live: what the host changes is seen at the next request.
 */
export class Folder {
  readonly #paths: FolderPaths;
  readonly #nodes: FolderNodes;
  /** Open files, the least recently used first. */
  readonly #files = new Map<FolderNode, { readonly fd: number; readonly writable: boolean }>();
  readonly #limits: FolderLimits;
  /** The real path that was opened, for messages to the person who named it. */
  readonly path: string;

  /** @throws the host's error if the path is not there or is neither a folder nor a regular file */
  constructor(
    path: string,
    private readonly options: { readonly readOnly: boolean; readonly limits?: Partial<FolderLimits>; readonly holdDirectories?: boolean },
  ) {
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    // The person who named the path may well have named a link; from here on none is followed.
    this.path = realpathSync(path);
    const found = lstatSync(this.path, { bigint: true });
    if (!found.isDirectory() && !found.isFile())
      throw Object.assign(new Error(`${path} is neither a folder nor a regular file`), { code: 'EINVAL' });
    const base = found.isDirectory() ? this.path : dirname(this.path);
    this.#paths = new FolderPaths(base, options.holdDirectories);
    const root = found.isDirectory() ? undefined : this.#fileRoot(base);
    this.#nodes = new FolderNodes(this.#limits, (node) => this.#closeNode(node));
    this.#nodes.addRoot(found, root, root === undefined ? Buffer.alloc(0) : Buffer.from(basename(this.path)));
  }

  /** @throws an error with code ENOTDIR if this is a single file */
  requireDirectory(): void {
    if (this.#nodes.get(ROOT_NODE).type === FileType.DIRECTORY) return;
    this.close();
    throw Object.assign(new Error(`${this.path} is not a folder`), { code: 'ENOTDIR' });
  }

  lookup(parent: number, name: Uint8Array, out: Attributes): Result {
    return this.#do(() => {
      const directory = this.#directory(parent, name);
      const found = lstatSync(this.#paths.child(directory, name), { bigint: true });
      const node = this.#nodes.see(directory, name, found);
      this.#nodes.hold(node);
      fill(out, node.number, found);
      return 0;
    });
  }

  getattr(number: number, out: Attributes): Result {
    return this.#do(() => {
      const node = this.#nodes.get(number);
      fill(out, number, this.#look(node));
      return 0;
    });
  }

  setattr(number: number, change: AttributeChange, out: Attributes): Result {
    return this.#change(() => {
      const node = this.#nodes.get(number);
      if ((change.uid ?? 0) !== 0 || (change.gid ?? 0) !== 0) throw new Refusal(-Errno.EPERM);
      if (change.size !== undefined) this.#truncate(node, change.size);
      if (change.mode !== undefined) this.#chmod(node, change.mode & 0o777);
      if (change.atime !== undefined || change.mtime !== undefined) this.#utimes(node, change.atime, change.mtime);
      fill(out, number, this.#look(node));
      return 0;
    });
  }

  readlink(number: number): Uint8Array | Result {
    return attempt(() => {
      this.#paths.trim();
      const node = this.#nodes.get(number);
      if (node.type !== FileType.SYMLINK) throw new Refusal(-Errno.EINVAL);
      return readlinkSync(this.#pathOf(node), { encoding: 'buffer' });
    });
  }

  create(parent: number, name: Uint8Array, mode: number, out: Attributes): Result {
    return this.#change(() => {
      const type = mode & FileType.MASK;
      if (type !== FileType.REGULAR && type !== 0) throw new Refusal(-Errno.EPERM);
      const directory = this.#directory(parent, name);
      const flags = constants.O_CREAT | constants.O_EXCL | constants.O_RDWR | constants.O_NOFOLLOW;
      const fd = openSync(this.#paths.child(directory, name), flags, 0o600);
      // The umask of this process is no business of the guest's.
      fchmodSync(fd, mode & 0o777);
      const found = fstatSync(fd, { bigint: true });
      const node = this.#nodes.see(directory, name, found);
      this.#keepFile(node, fd, true);
      this.#nodes.hold(node);
      fill(out, node.number, found);
      return 0;
    });
  }

  mkdir(parent: number, name: Uint8Array, mode: number, out: Attributes): Result {
    return this.#change(() => {
      const directory = this.#directory(parent, name);
      const path = this.#paths.child(directory, name);
      mkdirSync(path, 0o700);
      const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      try {
        fchmodSync(fd, mode & 0o777);
      } finally {
        closeSync(fd);
      }
      return this.#made(directory, name, out);
    });
  }

  symlink(parent: number, name: Uint8Array, target: Uint8Array, out: Attributes): Result {
    return this.#change(() => {
      const directory = this.#directory(parent, name);
      symlinkSync(Buffer.from(target), this.#paths.child(directory, name));
      return this.#made(directory, name, out);
    });
  }

  link(number: number, parent: number, name: Uint8Array, out: Attributes): Result {
    return this.#change(() => {
      const node = this.#nodes.get(number);
      // link(2) names a symbolic link itself on Linux only; elsewhere it may name what that points to.
      const isFollowed = node.type === FileType.SYMLINK && process.platform !== 'linux';
      if (node.type === FileType.DIRECTORY || isFollowed) throw new Refusal(-Errno.EPERM);
      if (node.orphan !== undefined) throw new Refusal(-Errno.ENOENT);
      const directory = this.#directory(parent, name);
      this.#look(node);
      linkSync(this.#pathOf(node), this.#paths.child(directory, name));
      return this.#made(directory, name, out);
    });
  }

  unlink(parent: number, name: Uint8Array): Result {
    return this.#change(() => {
      const directory = this.#directory(parent, name);
      const path = this.#paths.child(directory, name);
      const found = lstatSync(path, { bigint: true });
      if (found.isDirectory()) throw new Refusal(-Errno.EISDIR);
      this.#losing(found);
      unlinkSync(path);
      this.#lost(found);
      return 0;
    });
  }

  rmdir(parent: number, name: Uint8Array): Result {
    return this.#change(() => {
      const directory = this.#directory(parent, name);
      const path = this.#paths.child(directory, name);
      const found = lstatSync(path, { bigint: true });
      if (!found.isDirectory()) throw new Refusal(-Errno.ENOTDIR);
      rmdirSync(path);
      this.#lost(found);
      return 0;
    });
  }

  rename(from: number, name: Uint8Array, to: number, newName: Uint8Array, flags: number): Result {
    return this.#change(() => {
      if ((flags & ~RenameFlag.NOREPLACE) !== 0) throw new Refusal(-Errno.EINVAL);
      const source = this.#directory(from, name);
      const target = this.#directory(to, newName);
      const oldPath = this.#paths.child(source, name);
      const newPath = this.#paths.child(target, newName);
      const moved = lstatSync(oldPath, { bigint: true });
      const replaced = lstatSync(newPath, { bigint: true, throwIfNoEntry: false });
      if (replaced !== undefined && (flags & RenameFlag.NOREPLACE) !== 0) throw new Refusal(-Errno.EEXIST);
      const same = replaced !== undefined && identityOf(replaced) === identityOf(moved);
      if (replaced !== undefined && !same) this.#losing(replaced);
      renameSync(oldPath, newPath);
      if (same) return 0;
      if (replaced !== undefined) this.#lost(replaced);
      const node = this.#nodes.find(identityOf(moved));
      if (node !== undefined) this.#nodes.move(node, target, newName);
      return 0;
    });
  }

  read(number: number, at: number, to: Uint8Array): Result {
    return this.#do(() => {
      const node = this.#nodes.get(number);
      if (!(at >= 0)) throw new Refusal(-Errno.EINVAL);
      const fd = this.#file(node, false);
      return to.length === 0 ? 0 : readSync(fd, to, 0, to.length, at);
    });
  }

  write(number: number, at: number, from: Uint8Array): Result {
    return this.#change(() => {
      const node = this.#nodes.get(number);
      if (!(at >= 0) || !Number.isSafeInteger(at + from.length)) throw new Refusal(-Errno.EFBIG);
      const fd = this.#file(node, true);
      return from.length === 0 ? 0 : writeSync(fd, from, 0, from.length, at);
    });
  }

  /** Visits each entry in byte order; `type` is mode >> 12. Entries that vanish meanwhile are left out. */
  readdir(number: number, visit: (name: Uint8Array, node: number, type: number) => boolean): Result {
    return this.#do(() => {
      const node = this.#nodes.get(number);
      if (node.type !== FileType.DIRECTORY) throw new Refusal(-Errno.ENOTDIR);
      const names = readdirSync(this.#paths.directory(node), { encoding: 'buffer' });
      for (const name of names.sort(compareBytes)) {
        const found = lstatSync(this.#paths.child(node, name), { bigint: true, throwIfNoEntry: false });
        if (found === undefined) continue;
        const child = this.#nodes.see(node, name, found);
        if (!visit(name, child.number, child.type >>> 12)) break;
      }
      return 0;
    });
  }

  fsync(number: number): Result {
    return this.#do(() => {
      const node = this.#nodes.get(number);
      if (node.type === FileType.REGULAR && !this.options.readOnly) fsyncSync(this.#file(node, false));
      return 0;
    });
  }

  statfs(out: FilesystemStatistics): Result {
    return this.#do(() => {
      const root = this.#nodes.get(ROOT_NODE);
      const found = statfsSync(this.#paths.directory(root.parent ?? root));
      out.blockBytes = found.bsize;
      out.blocks = found.blocks;
      out.blocksFree = found.bavail;
      out.nodes = found.files;
      out.nodesFree = found.ffree;
      return 0;
    });
  }

  /** The number is not held any more. */
  forget(number: number): void {
    if (number !== ROOT_NODE && this.#nodes.has(number)) this.#nodes.letGo(this.#nodes.get(number));
  }

  /** The path of a node from the root, its names joined by `/`; how a node is saved. -ENOENT if it has no name any more. */
  pathOf(number: number): Uint8Array | Result {
    if (!this.#nodes.has(number)) return -Errno.ESTALE;
    const node = this.#nodes.get(number);
    if (node.orphan !== undefined) return -Errno.ENOENT;
    const names: string[] = [];
    for (let place: FolderNode | undefined = node; place !== undefined && place.number !== ROOT_NODE; place = place.parent) {
      names.push(place.name.toString('latin1'));
    }
    return Buffer.from(names.reverse().join('/'), 'latin1');
  }

  /** Finds a saved node again and gives it the number that it had. */
  adopt(number: number, path: Uint8Array): Result {
    return this.#do(() => {
      if (number === ROOT_NODE) return 0;
      if (this.#nodes.has(number)) throw new Refusal(-Errno.EEXIST);
      const names = Buffer.from(path).toString('latin1').split('/');
      let directory = this.#nodes.get(ROOT_NODE);
      for (const [i, text] of names.entries()) {
        const name = Buffer.from(text, 'latin1');
        checkName(name);
        const found = lstatSync(this.#paths.child(directory, name), { bigint: true });
        directory = this.#nodes.see(directory, name, found, i === names.length - 1 ? number : undefined);
      }
      if (directory.number !== number) throw new Refusal(-Errno.EEXIST);
      this.#nodes.hold(directory);
      return 0;
    });
  }

  close(): void {
    this.#nodes.clear();
    this.#paths.close();
  }

  #closeNode(node: FolderNode): void {
    this.#paths.forget(node.number);
    const file = this.#files.get(node);
    if (file !== undefined) closeSync(file.fd);
    this.#files.delete(node);
    if (node.orphan !== undefined) closeSync(node.orphan);
  }

  #do(operation: () => number): Result {
    return attempt(() => {
      this.#paths.trim();
      return operation();
    });
  }

  #change(operation: () => number): Result {
    return this.options.readOnly ? -Errno.EROFS : this.#do(operation);
  }

  /** The folder around a single file: never given out. */
  #fileRoot(path: string): FolderNode {
    const found = lstatSync(path, { bigint: true });
    return {
      number: 0,
      parent: undefined,
      name: Buffer.alloc(0),
      identity: identityOf(found),
      type: FileType.DIRECTORY,
      held: true,
      children: 1,
      orphan: undefined,
    };
  }

  #directory(number: number, name: Uint8Array): FolderNode {
    checkName(name);
    const node = this.#nodes.get(number);
    if (node.type !== FileType.DIRECTORY) throw new Refusal(-Errno.ENOTDIR);
    return node;
  }

  #pathOf(node: FolderNode): Buffer {
    return node.parent === undefined ? this.#paths.directory(node) : this.#paths.child(node.parent, node.name);
  }

  /** What the host says of a node now; it must still be the same file. */
  #look(node: FolderNode): BigIntStats {
    if (node.orphan !== undefined) return fstatSync(node.orphan, { bigint: true });
    const found =
      node.parent === undefined
        ? lstatFollowed(this.#pathOf(node))
        : lstatSync(this.#pathOf(node), { bigint: true, throwIfNoEntry: false });
    if (found === undefined || identityOf(found) !== node.identity) throw new Refusal(-Errno.ESTALE);
    return found;
  }

  #made(directory: FolderNode, name: Uint8Array, out: Attributes): Result {
    const found = lstatSync(this.#paths.child(directory, name), { bigint: true });
    const node = this.#nodes.see(directory, name, found);
    this.#nodes.hold(node);
    fill(out, node.number, found);
    return 0;
  }

  /** Before a name goes away: a file that is held must stay readable without it. */
  #losing(found: BigIntStats): void {
    const node = this.#nodes.find(identityOf(found));
    if (node === undefined || !node.held || node.orphan !== undefined || node.type !== FileType.REGULAR) return;
    let fd = attempt(() => this.#openFile(node, found, true));
    if (fd < 0) fd = attempt(() => this.#openFile(node, found, false));
    if (fd < 0) return;
    const file = this.#files.get(node);
    if (file !== undefined) closeSync(file.fd);
    this.#files.delete(node);
    node.orphan = fd;
  }

  #lost(found: BigIntStats): void {
    const node = this.#nodes.find(identityOf(found));
    if (node === undefined) return;
    if (node.orphan === undefined) {
      // A further name may be left; it is found again by looking it up.
      if (found.nlink > 1n && node.type !== FileType.DIRECTORY) return;
      this.#paths.forget(node.number);
      if (!node.held) this.#nodes.drop(node);
    }
    this.#nodes.unname(identityOf(found));
  }

  /** An open descriptor of a regular file, kept for the next request. */
  #file(node: FolderNode, write: boolean): number {
    if (node.type === FileType.DIRECTORY) throw new Refusal(-Errno.EISDIR);
    if (node.type !== FileType.REGULAR) throw new Refusal(-Errno.ENXIO);
    if (node.orphan !== undefined) return node.orphan;
    const known = this.#files.get(node);
    if (known !== undefined && (known.writable || !write)) {
      this.#files.delete(node);
      this.#files.set(node, known);
      return known.fd;
    }
    const fd = this.#openFile(node, undefined, write);
    if (known !== undefined) closeSync(known.fd);
    this.#files.delete(node);
    this.#keepFile(node, fd, write);
    return fd;
  }

  #openFile(node: FolderNode, found: BigIntStats | undefined, write: boolean): number {
    // The name may be a fifo by now: do not block on it.
    const flags = (write ? constants.O_RDWR : constants.O_RDONLY) | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    if (!(found ?? this.#look(node)).isFile()) throw new Refusal(-Errno.ESTALE);
    const fd = openSync(this.#pathOf(node), flags);
    const opened = fstatSync(fd, { bigint: true });
    if (opened.isFile() && identityOf(opened) === node.identity) return fd;
    closeSync(fd);
    throw new Refusal(-Errno.ESTALE);
  }

  #keepFile(node: FolderNode, fd: number, writable: boolean): void {
    this.#files.set(node, { fd, writable });
    for (const [other, file] of this.#files) {
      if (this.#files.size <= this.#limits.openFiles) return;
      closeSync(file.fd);
      this.#files.delete(other);
    }
  }

  #truncate(node: FolderNode, size: number): void {
    if (node.type === FileType.DIRECTORY) throw new Refusal(-Errno.EISDIR);
    if (node.type !== FileType.REGULAR || !(size >= 0)) throw new Refusal(-Errno.EINVAL);
    ftruncateSync(this.#file(node, true), size);
  }

  #chmod(node: FolderNode, mode: number): void {
    if (node.orphan !== undefined) fchmodSync(node.orphan, mode);
    else if (node.parent === undefined) chmodSync(this.#pathOf(node), mode);
    else {
      this.#paths.onFile(this.#pathOf(node), node.identity, (target) => {
        if (typeof target === 'number') fchmodSync(target, mode);
        else chmodSync(target, mode);
      });
    }
  }

  #utimes(node: FolderNode, atime: Instant | 'now' | undefined, mtime: Instant | 'now' | undefined): void {
    const found = this.#look(node);
    const access = secondsOf(atime, found.atimeNs);
    const modified = secondsOf(mtime, found.mtimeNs);
    if (node.orphan !== undefined) futimesSync(node.orphan, access, modified);
    else if (node.type === FileType.SYMLINK) lutimesSync(this.#pathOf(node), access, modified);
    else if (node.parent === undefined) utimesSync(this.#pathOf(node), access, modified);
    else {
      this.#paths.onFile(this.#pathOf(node), node.identity, (target) => {
        if (typeof target === 'number') futimesSync(target, access, modified);
        else utimesSync(target, access, modified);
      });
    }
  }
}

/** The root is reached through its own descriptor, which is itself a link in /proc. */
function lstatFollowed(path: Buffer): BigIntStats {
  return lstatSync(Buffer.concat([path, Buffer.from('/.')]), { bigint: true });
}

function checkName(name: Uint8Array): void {
  if (name.length > NAME_BYTES_MAX) throw new Refusal(-Errno.ENAMETOOLONG);
  const dots = (name.length === 1 || name.length === 2) && name.every((byte) => byte === 0x2e);
  if (name.length === 0 || dots || name.includes(0x2f) || name.includes(0)) throw new Refusal(-Errno.EINVAL);
}

function secondsOf(time: Instant | 'now' | undefined, otherwise: bigint): number {
  if (time === 'now') return Date.now() / 1000;
  return time === undefined ? Number(otherwise) / 1e9 : time.sec + time.nsec / 1e9;
}

const OWN_UID = BigInt(process.geteuid?.() ?? 0);
const OWN_GID = BigInt(process.getegid?.() ?? 0);

function fill(out: Attributes, node: number, found: BigIntStats): void {
  out.node = node;
  out.mode = Number(found.mode) & (FileType.MASK | 0o1777);
  out.size = Number(found.size);
  out.links = Number(found.nlink);
  out.uid = found.uid === OWN_UID ? 0 : NOBODY;
  out.gid = found.gid === OWN_GID ? 0 : NOBODY;
  const type = out.mode & FileType.MASK;
  out.rdev = type === FileType.CHARACTER || type === FileType.BLOCK ? Number(found.rdev) : 0;
  fillInstant(out.atime, found.atimeNs);
  fillInstant(out.mtime, found.mtimeNs);
  fillInstant(out.ctime, found.ctimeNs);
}

function fillInstant(out: Instant, ns: bigint): void {
  const nsec = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  out.sec = Number((ns - nsec) / 1_000_000_000n);
  out.nsec = Number(nsec);
}
