import type { AttributeChange, Attributes, Backing, Plain, Reply, Result } from '@ashlar/hardware';
import { Errno } from '@ashlar/hardware';
import { type DirectorySink, type Io, OpenFlag, type Status } from '@ashlar/kernel-stub';
import { Description } from './description.ts';
import type { Filesystem } from './filesystem.ts';
import type { Caller } from './host.ts';
import type { NodeBacking } from './node-backing.ts';
import { keyBytes, type Mount, sameBytes, type TreePlace } from './tree-place.ts';

/** What open files ask of the tree that made them. */
export interface FileOwner {
  readonly places: { drop(place: TreePlace): void };
  readonly backings: {
    hold(place: TreePlace): NodeBacking;
    drop(filesystem: Filesystem, node: number): void;
    share(backing: NodeBacking): void;
  };
  /** fstat(2). */
  statNode(filesystem: Filesystem, node: number, out: Status): Reply;
  setNode(caller: Caller, filesystem: Filesystem, node: number, change: AttributeChange): Reply;
  /** Makes a file at least `size` bytes long. */
  growNode(caller: Caller, filesystem: Filesystem, node: number, size: number): Reply;
  statfsNode(filesystem: Filesystem, values: Float64Array): Reply;
  /** A record for attributes that are looked at and forgotten. */
  readonly spare: Attributes;
}

const EVERYTHING = Number.MAX_SAFE_INTEGER;
const Whence = { SET: 0, CURRENT: 1, END: 2, DATA: 3, HOLE: 4 } as const;

/** A description of a node that lies in the tree. Holds its place, and so the node. */
export abstract class NodeDescription extends Description {
  override readonly interruptible: boolean = false;
  override readonly pollable: boolean = false;
  protected readonly owner: FileOwner;
  protected readonly at: TreePlace;
  /** Byte offset of a file, entry position of a directory. */
  position = 0;

  /** Takes over one hold of `place`. */
  constructor(owner: FileOwner, place: TreePlace, flags: number) {
    super(flags);
    this.owner = owner;
    this.at = place;
  }

  protected override closed(): void {
    this.owner.places.drop(this.at);
  }

  override stat(_caller: Caller, out: Status): Reply {
    return this.owner.statNode(this.at.filesystem, this.at.node, out);
  }

  override setAttributes(caller: Caller, change: AttributeChange): Reply {
    return this.owner.setNode(caller, this.at.filesystem, this.at.node, change);
  }

  override statfs(_caller: Caller, values: Float64Array): Reply {
    return this.owner.statfsNode(this.at.filesystem, values);
  }

  override sync(_caller: Caller): Reply {
    return this.at.filesystem.fsync(this.at.node);
  }

  override place(): TreePlace {
    return this.at;
  }

  override lockKey(): string | undefined {
    return `${this.at.filesystem.device}:${this.at.node}`;
  }

  override label(): Uint8Array {
    return placeLabel(this.at);
  }

  override save(): Plain {
    return { place: this.at.serial, flags: this.flags, position: this.position };
  }
}

/** What /proc/PID/fd says of a place. */
export function placeLabel(place: TreePlace): Uint8Array {
  let root = place;
  while (root.parent !== undefined) root = root.parent;
  return keyBytes(place.pathFrom(root) + (place.isUnreachable ? ' (deleted)' : ''));
}

/** An open regular file. */
export class FileDescription extends NodeDescription {
  readonly kind = 'file';
  /** Their own fields: the read path takes no detour through the place. */
  readonly #filesystem: Filesystem;
  readonly #node: number;
  readonly #backing: NodeBacking;

  constructor(owner: FileOwner, place: TreePlace, flags: number) {
    super(owner, place, flags);
    this.#filesystem = place.filesystem;
    this.#node = place.node;
    this.#backing = owner.backings.hold(place);
  }

  protected override closed(): void {
    this.owner.backings.drop(this.#filesystem, this.#node);
    super.closed();
  }

  override read(_caller: Caller, io: Io): Reply {
    const reply = this.#read(this.position, io);
    if (typeof reply === 'number' && reply > 0) this.position += reply;
    return reply;
  }

  #read(at: number, io: Io): Reply {
    const { shared } = this.#backing;
    if (shared !== undefined) {
      const flushed = shared.flush(at, at + io.length);
      if (flushed !== 0) return flushed;
    }
    return this.#filesystem.read(this.#node, at, io);
  }

  #write(at: number, io: Io): Reply {
    const reply = this.#filesystem.write(this.#node, at, io);
    if (this.#backing.shared !== undefined && typeof reply === 'number' && reply > 0) this.#backing.shared.wrote(at, reply, io);
    return reply;
  }

  /**
   * While the device has not answered, the position already stands behind the bytes, so that another holder of this description writes after
   * them; where they go stays in `caller.progress`.
   */
  override write(caller: Caller, io: Io): Reply {
    if ((this.flags & OpenFlag.APPEND) !== 0) return this.#append(caller, io);
    const pending = pendingAt(caller.progress);
    const at = pending ?? this.position;
    if (at + io.length > EVERYTHING) return -Errno.EFBIG;
    const reply = this.#write(at, io);
    if (typeof reply !== 'number') {
      if (pending === undefined) {
        this.position = at + io.length;
        caller.progress = { writeAt: at };
      }
      return reply;
    }
    if (pending === undefined || this.position === at + io.length) this.position = at + Math.max(0, reply);
    caller.progress = undefined;
    return reply;
  }

  override readAt(_caller: Caller, at: number, io: Io): Reply {
    return this.#read(at, io);
  }

  /** With O_APPEND it appends wherever `at` is, as Linux does (pwrite(2), bugs). */
  override writeAt(caller: Caller, at: number, io: Io): Reply {
    if ((this.flags & OpenFlag.APPEND) !== 0) return this.#append(caller, io, this.position);
    if (at + io.length > EVERYTHING) return -Errno.EFBIG;
    return this.#write(at, io);
  }

  #append(caller: Caller, io: Io, stay?: number): Reply {
    let at = pendingAt(caller.progress);
    if (at === undefined) {
      const known = this.#filesystem.getattr(this.#node, this.owner.spare);
      if (typeof known !== 'number' || known < 0) return known;
      at = this.owner.spare.size;
    }
    const reply = this.#write(at, io);
    if (typeof reply !== 'number') {
      caller.progress = { writeAt: at };
      return reply;
    }
    caller.progress = undefined;
    if (reply > 0) this.position = stay ?? at + reply;
    return reply;
  }

  override seek(_caller: Caller, offset: number, whence: number): Reply {
    let base = 0;
    if (whence === Whence.CURRENT) base = this.position;
    else if (whence !== Whence.SET) {
      const known = this.#filesystem.getattr(this.#node, this.owner.spare);
      if (typeof known !== 'number' || known < 0) return known;
      const { size } = this.owner.spare;
      if (whence === Whence.END) base = size;
      else if (whence !== Whence.DATA && whence !== Whence.HOLE) return -Errno.EINVAL;
      else if (offset < 0 || offset >= size) return -Errno.ENXIO;
      else return this.#moveTo(whence === Whence.DATA ? offset : size);
    }
    return this.#moveTo(base + offset);
  }

  #moveTo(position: number): Result {
    if (position < 0) return -Errno.EINVAL;
    if (position > EVERYTHING) return -Errno.EOVERFLOW;
    this.position = position;
    return position;
  }

  override truncate(caller: Caller, size: number): Reply {
    if (size < 0) return -Errno.EINVAL;
    return this.owner.setNode(caller, this.#filesystem, this.#node, { size });
  }

  /** Mode 0: makes the file as long as the range; blocks are not reserved. */
  override allocate(caller: Caller, mode: number, at: number, bytes: number): Reply {
    if (mode !== 0) return -Errno.EOPNOTSUPP;
    if (at < 0 || bytes <= 0) return -Errno.EINVAL;
    return this.owner.growNode(caller, this.#filesystem, this.#node, at + bytes);
  }

  override sync(caller: Caller): Reply {
    const flushed = this.#backing.shared?.flush(0, EVERYTHING) ?? 0;
    return flushed === 0 ? super.sync(caller) : flushed;
  }

  override backing(): Backing {
    return this.#backing;
  }

  override mappedShared(): void {
    this.owner.backings.share(this.#backing);
  }

  override available(_caller: Caller): Result {
    const known = this.#filesystem.getattr(this.#node, this.owner.spare);
    if (typeof known !== 'number') return 0;
    return known < 0 ? known : Math.max(0, this.owner.spare.size - this.position);
  }
}

/** Where the write that a wait stopped goes to. */
function pendingAt(progress: Plain | undefined): number | undefined {
  if (typeof progress !== 'object' || progress === null || !('writeAt' in progress)) return undefined;
  return progress.writeAt as number;
}

/** Entries of mounts come after all others, at positions no file system uses. */
const MOUNTS_FROM = 2 ** 40;

/** Adds what the tree knows better than the file system: mount points. Hands the rest through. */
class MountSink implements DirectorySink {
  position = 0;
  given = 0;
  full = false;
  mount!: Mount;
  atRoot = false;
  target!: DirectorySink;

  entry(name: Uint8Array, node: number, type: number, next: number): boolean {
    if (this.atRoot && this.mount.points.some((point) => sameBytes(point.name, name))) {
      this.position = next + 2;
      return true;
    }
    return this.offer(name, node, type, next + 2);
  }

  offer(name: Uint8Array, node: number, type: number, next: number): boolean {
    if (!this.target.entry(name, node, type, next)) {
      this.full = true;
      return false;
    }
    this.given++;
    this.position = next;
    return true;
  }
}

const NAME_DOT = Uint8Array.of(0x2e);
const NAME_DOTDOT = Uint8Array.of(0x2e, 0x2e);
const DIRECTORY_TYPE = 4;

/** An open directory. Positions: 1 after `.`, 2 after `..`, then the file system's own plus two. */
export class DirectoryDescription extends NodeDescription {
  readonly kind = 'directory';
  readonly #sink = new MountSink();

  override read(_caller: Caller, _io: Io): Reply {
    return -Errno.EISDIR;
  }

  override readAt(_caller: Caller, _at: number, _io: Io): Reply {
    return -Errno.EISDIR;
  }

  override seek(_caller: Caller, offset: number, whence: number): Reply {
    if (whence !== Whence.SET && whence !== Whence.CURRENT) return -Errno.EINVAL;
    const position = whence === Whence.SET ? offset : this.position + offset;
    if (position < 0) return -Errno.EINVAL;
    this.position = position;
    return position;
  }

  override readdir(_caller: Caller, target: DirectorySink): Reply {
    const { mount, filesystem, node } = this.at;
    if (this.at.removed) return -Errno.ENOENT;
    const sink = this.#sink;
    sink.position = this.position;
    sink.given = 0;
    sink.full = false;
    sink.mount = mount;
    sink.atRoot = node === filesystem.root && mount.points.length > 0;
    sink.target = target;
    if (sink.position === 0) sink.offer(NAME_DOT, node, DIRECTORY_TYPE, 1);
    if (sink.position === 1) sink.offer(NAME_DOTDOT, this.at.parent?.node ?? node, DIRECTORY_TYPE, 2);
    while (!sink.full && sink.position >= 2 && sink.position < MOUNTS_FROM) {
      const before = sink.position;
      const reply = filesystem.readdir(node, before - 2, sink);
      if (typeof reply !== 'number' || reply < 0) {
        if (sink.given > 0) break;
        return reply;
      }
      if (sink.given > 0 || sink.full) break;
      if (sink.position === before) sink.position = MOUNTS_FROM;
    }
    if (sink.atRoot && !sink.full && sink.position >= MOUNTS_FROM) this.#mounts(sink);
    this.position = sink.position;
    return sink.given;
  }

  #mounts(sink: MountSink): void {
    for (;;) {
      const index = sink.position - MOUNTS_FROM;
      const point = this.at.mount.points[index];
      if (point === undefined) return;
      if (!sink.offer(point.name, point.mount.filesystem.root, DIRECTORY_TYPE, sink.position + 1)) return;
    }
  }
}

/** The node of an open fifo: what the pipe behind it does not know. */
export class FifoDescription extends NodeDescription {
  readonly kind = 'fifo';
}

/** Opened with O_PATH: a place, and nothing of what lies there (open(2)). */
export class PathDescription extends NodeDescription {
  readonly kind = 'path';

  override setAttributes(_caller: Caller, _change: AttributeChange): Reply {
    return -Errno.EBADF;
  }

  override sync(_caller: Caller): Reply {
    return -Errno.EBADF;
  }

  override lockKey(): string | undefined {
    return undefined;
  }
}
