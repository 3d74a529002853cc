import type { Attributes, Reply, Result } from '@ashlar/hardware';
import { Errno, FileType, RenameFlag } from '@ashlar/hardware';
import { copyAttributes, isDirectory, newAttributes } from './attributes.ts';
import type { Caller } from './host.ts';
import type { Journal } from './journal.ts';
import { Access, mayRemove, permitted } from './permission.ts';
import { nameKey, type PlaceTable, type TreePlace } from './tree-place.ts';
import { Walk, WalkTo } from './walk.ts';

const SET_GROUP_ID = 0o2000;
const RMDIR_ERRORS = { dot: -Errno.EINVAL, dotdot: -Errno.ENOTEMPTY, root: -Errno.EBUSY, name: 0 } as const;

/** Making, moving and taking away names: what is allowed, in the order in which Linux looks, and what places in use learn of it. */
export class TreeNames {
  /** For the path of a call, and for the second one of rename and link. */
  readonly walk: Walk;
  readonly other: Walk;
  /** What a request made; what was looked at on the way. */
  readonly made: Attributes = newAttributes();
  readonly peeked: Attributes = newAttributes();
  private readonly journal: Journal;
  private readonly places: PlaceTable;

  constructor(journal: Journal, places: PlaceTable) {
    this.journal = journal;
    this.places = places;
    this.walk = new Walk(journal, places);
    this.other = new Walk(journal, places);
  }

  /** mkdir(2); the walk then stands on it. */
  mkdir(caller: Caller, dir: TreePlace, path: Uint8Array, mode: number): Reply {
    const walk = this.walk;
    const parent = this.toParent(caller, walk, dir, path, true);
    if (parent !== 0) return parent;
    const bits = FileType.DIRECTORY | (mode & ~caller.directories.umask & 0o1777);
    const made = this.journal.mkdir(walk.filesystem, walk.node, walk.name, bits, this.made);
    return typeof made !== 'number' || made < 0 ? made : this.own(caller, walk);
  }

  /** Makes a node where the walk stands before a missing name, owned by the caller; the walk then stands on it. */
  create(caller: Caller, walk: Walk, mode: number, rdev: number): Reply {
    const refused = this.#mayMake(caller, walk, false);
    if (refused !== 0) return refused;
    const made = this.journal.create(walk.filesystem, walk.node, walk.name, mode, rdev, this.made);
    if (typeof made !== 'number' || made < 0) return made;
    return this.own(caller, walk);
  }

  /** To the directory of a name that is to be made there, and whether it may be. */
  toParent(caller: Caller, walk: Walk, dir: TreePlace, path: Uint8Array, isDirectoryMade: boolean): Reply {
    const walked = walk.go(caller, dir, path, WalkTo.PARENT, false);
    if (typeof walked !== 'number' || walked < 0) return walked;
    if (walk.slash && !isDirectoryMade && walk.last === 'name') {
      const looked = walk.peek(this.peeked);
      if (typeof looked !== 'number' || looked < 0) return looked;
      return walk.found ? -Errno.EEXIST : -Errno.ENOENT;
    }
    // An existing name is EEXIST, even where nothing may be made.
    if (walk.last === 'name' && !walk.isMountPoint && (walk.filesystem.readOnly || caller.credentials.euid !== 0)) {
      const looked = walk.peek(this.peeked);
      if (typeof looked !== 'number' || looked < 0) return looked;
      if (walk.found) return -Errno.EEXIST;
    }
    return this.#mayMake(caller, walk, isDirectoryMade);
  }

  /** Whether a name may be added where a walk ended before it: 0 or an errno. */
  #mayMake(caller: Caller, walk: Walk, isDirectoryMade: boolean): Reply {
    if (walk.last !== 'name') return -Errno.EEXIST;
    if (walk.isMountPoint) return -Errno.EEXIST;
    if (walk.slash && !isDirectoryMade) return -Errno.EISDIR;
    if (walk.filesystem.readOnly) return -Errno.EROFS;
    return this.#mayChange(caller, walk);
  }

  /** Whether the directory where a walk ended may be written. */
  #mayChange(caller: Caller, walk: Walk): Reply {
    const { euid, egid } = caller.credentials;
    if (euid === 0 && egid === 0) return 0;
    const filled = walk.fill();
    if (typeof filled !== 'number' || filled < 0) return filled;
    return permitted(walk.attributes, euid, egid, Access.WRITE | Access.EXECUTE) ? 0 : -Errno.EACCES;
  }

  /** The node in `#made` becomes the caller's, and the walk enters it. File systems make nodes of user and group 0. */
  own(caller: Caller, walk: Walk): Reply {
    const { euid, egid } = caller.credentials;
    if (euid !== 0 || egid !== 0) {
      const inherits = (walk.attributes.mode & SET_GROUP_ID) !== 0;
      const gid = inherits ? walk.attributes.gid : egid;
      const owned = this.journal.setattr(walk.filesystem, this.made.node, { uid: euid, gid }, this.made);
      if (typeof owned !== 'number' || owned < 0) return owned;
    }
    walk.enter(this.made);
    copyAttributes(this.made, walk.attributes);
    return 0;
  }

  /** A further name for where `walk` stands. */
  link(caller: Caller, toDir: TreePlace, to: Uint8Array): Reply {
    const source = this.walk;
    const target = this.other;
    const parent = this.toParent(caller, target, toDir, to, false);
    if (parent !== 0) return parent;
    if (source.description !== undefined || source.filesystem !== target.filesystem) return this.#unlessThere(target, -Errno.EXDEV);
    if (isDirectory(source.attributes.mode)) return this.#unlessThere(target, -Errno.EPERM);
    const made = this.journal.link(source.filesystem, source.node, target.node, target.name, this.made);
    return typeof made === 'number' ? Math.min(0, made) : made;
  }

  /** Of two reasons to refuse a new name, that it is there already comes first. */
  #unlessThere(target: Walk, otherwise: Result): Reply {
    const looked = target.peek(this.peeked);
    return typeof looked !== 'number' || looked < 0 ? looked : target.found ? -Errno.EEXIST : otherwise;
  }

  /** unlink(2), or rmdir(2). */
  unlink(caller: Caller, dir: TreePlace, path: Uint8Array, asDirectory: boolean): Reply {
    const walk = this.walk;
    const walked = walk.go(caller, dir, path, WalkTo.PARENT, false);
    if (typeof walked !== 'number' || walked < 0) return walked;
    if (walk.last !== 'name') return asDirectory ? RMDIR_ERRORS[walk.last] : -Errno.EISDIR;
    const allowed = this.#mayTake(caller, walk, !asDirectory && walk.slash);
    if (allowed !== 0) return allowed;
    if (!asDirectory && walk.slash) return isDirectory(this.peeked.mode) ? -Errno.EISDIR : -Errno.ENOTDIR;
    const { filesystem, node, name } = walk;
    const done = asDirectory ? this.journal.rmdir(filesystem, node, name) : this.journal.unlink(filesystem, node, name);
    if (done === 0) {
      const used = this.#childInUse(walk);
      if (used !== undefined) this.places.remove(used);
    }
    return done;
  }

  /** Whether the last name of a PARENT walk may be taken away. Looks it up (into `#peeked`) only where `look` or permissions ask for it. */
  #mayTake(caller: Caller, walk: Walk, look: boolean): Reply {
    if (walk.isMountPoint) return -Errno.EBUSY;
    const { euid } = caller.credentials;
    if (look || euid !== 0 || walk.filesystem.readOnly) {
      const looked = walk.peek(this.peeked);
      if (typeof looked !== 'number' || looked < 0) return looked;
      if (!walk.found) return -Errno.ENOENT;
    }
    if (walk.filesystem.readOnly) return -Errno.EROFS;
    const changed = this.#mayChange(caller, walk);
    if (changed !== 0) return changed;
    return euid !== 0 && !mayRemove(walk.attributes, this.peeked, caller.credentials) ? -Errno.EPERM : 0;
  }

  #childInUse(walk: Walk): TreePlace | undefined {
    const parent = walk.usedPlace();
    return parent === undefined ? undefined : this.places.child(parent, nameKey(walk.name));
  }

  /** rename(2) with RenameFlag bits. */
  rename(caller: Caller, fromDir: TreePlace, from: Uint8Array, toDir: TreePlace, to: Uint8Array, flags: number): Reply {
    const source = this.walk;
    const target = this.other;
    let walked = source.go(caller, fromDir, from, WalkTo.PARENT, false);
    if (typeof walked !== 'number' || walked < 0) return walked;
    walked = target.go(caller, toDir, to, WalkTo.PARENT, false);
    if (typeof walked !== 'number' || walked < 0) return walked;
    if (source.filesystem !== target.filesystem) return -Errno.EXDEV;
    if (source.last !== 'name') return -Errno.EBUSY;
    if (target.last !== 'name') return (flags & RenameFlag.NOREPLACE) !== 0 ? -Errno.EEXIST : -Errno.EBUSY;
    const slash = source.slash || target.slash;
    let allowed = this.#mayTake(caller, source, slash);
    if (allowed !== 0) return allowed;
    if (slash && !isDirectory(this.peeked.mode)) return -Errno.ENOTDIR;
    if (target.isMountPoint) return -Errno.EBUSY;
    allowed = this.#mayReplace(caller, target);
    if (allowed !== 0) return allowed;
    const done = this.journal.rename(source.filesystem, source.node, source.name, target.node, target.name, flags);
    if (done === 0) this.#moved(source, target, (flags & RenameFlag.EXCHANGE) !== 0);
    return done;
  }

  #mayReplace(caller: Caller, target: Walk): Reply {
    if (caller.credentials.euid === 0) return 0;
    const looked = target.peek(this.peeked);
    if (typeof looked !== 'number' || looked < 0) return looked;
    const changed = this.#mayChange(caller, target);
    if (changed !== 0) return changed;
    return target.found && !mayRemove(target.attributes, this.peeked, caller.credentials) ? -Errno.EPERM : 0;
  }

  /** Places in use follow their names. */
  #moved(source: Walk, target: Walk, exchanged: boolean): void {
    const one = this.#childInUse(source);
    const other = this.#childInUse(target);
    if (one !== undefined && one === other) return;
    const from = exchanged && other !== undefined ? source.place() : undefined;
    if (one !== undefined) {
      if (exchanged && other !== undefined) this.places.detach(other);
      const parent = target.place();
      this.places.move(one, parent, nameKey(target.name));
      this.places.drop(parent);
    } else if (other !== undefined && !exchanged) this.places.remove(other);
    if (from !== undefined && other !== undefined) {
      this.places.move(other, from, nameKey(source.name));
      this.places.drop(from);
    }
  }
}
