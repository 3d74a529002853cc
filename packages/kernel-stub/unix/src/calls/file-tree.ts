import { type AttributeChange, Errno, type Reply } from '@ashlar/hardware';
import { AtFlag, OpenFlag, SYSTEM_LIMITS, type TaskSystem } from '@ashlar/kernel-stub';
import type { Core } from '../core.ts';
import type { Description } from '../description.ts';
import type { Place } from '../place.ts';
import type { UnixTask } from '../task.ts';
import { descriptorLimit } from './descriptor.ts';
import { startOf } from './path.ts';

type Names =
  | 'openat'
  | 'truncatePath'
  | 'statat'
  | 'setAttributesAt'
  | 'readlinkat'
  | 'mkdirat'
  | 'mknodat'
  | 'symlinkat'
  | 'linkat'
  | 'unlinkat'
  | 'renameat'
  | 'accessat'
  | 'statfsPath'
  | 'chdir'
  | 'chdirTo'
  | 'currentDirectory'
  | 'chroot';

/** Operations of the `file` group that name a path. All waits in them come from devices, except for opening a fifo. */
export class FileTreeCalls implements Pick<TaskSystem, Names> {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  openat(task: UnixTask, dir: number, path: Uint8Array, flags: number, mode: number): Reply {
    const waiting = task.opening;
    if (waiting !== undefined) return this.#opened(task, waiting, flags);
    const start = startOf(task, dir, path);
    if (typeof start === 'number') return start;
    const description = this.#core.files.open(task, start, path, flags, mode);
    if (typeof description === 'number') return description;
    if ('on' in description) return this.#fromDevice(task, description);
    return this.#opened(task, description, flags);
  }

  truncatePath(task: UnixTask, path: Uint8Array, size: number): Reply {
    if (size < 0) return -Errno.EINVAL;
    return this.setAttributesAt(task, -100, path, { size }, 0);
  }

  statat(task: UnixTask, dir: number, path: Uint8Array, flags: number): Reply {
    const open = this.#emptyPath(task, dir, path, flags);
    if (open !== undefined) return this.#fromDevice(task, open.stat(task, task.stat));
    const start = startOf(task, dir, path);
    return typeof start === 'number' ? start : this.#fromDevice(task, this.#core.files.stat(task, start, path, flags, task.stat));
  }

  setAttributesAt(task: UnixTask, dir: number, path: Uint8Array, change: AttributeChange, flags: number): Reply {
    const open = this.#emptyPath(task, dir, path, flags);
    if (open !== undefined) return this.#fromDevice(task, open.setAttributes(task, change));
    const start = startOf(task, dir, path);
    return typeof start === 'number' ? start : this.#fromDevice(task, this.#core.files.setAttributes(task, start, path, change, flags));
  }

  readlinkat(task: UnixTask, dir: number, path: Uint8Array): Reply {
    const start = startOf(task, dir, path);
    return typeof start === 'number' ? start : this.#fromDevice(task, this.#core.files.readlink(task, start, path, task.bytes));
  }

  mkdirat(task: UnixTask, dir: number, path: Uint8Array, mode: number): Reply {
    const start = startOf(task, dir, path);
    return typeof start === 'number' ? start : this.#fromDevice(task, this.#core.files.mkdir(task, start, path, mode));
  }

  mknodat(task: UnixTask, dir: number, path: Uint8Array, mode: number, rdev: number): Reply {
    const start = startOf(task, dir, path);
    return typeof start === 'number' ? start : this.#fromDevice(task, this.#core.files.mknod(task, start, path, mode, rdev));
  }

  symlinkat(task: UnixTask, target: Uint8Array, dir: number, path: Uint8Array): Reply {
    if (target.length === 0) return -Errno.ENOENT;
    if (target.length >= SYSTEM_LIMITS.pathBytes) return -Errno.ENAMETOOLONG;
    const start = startOf(task, dir, path);
    return typeof start === 'number' ? start : this.#fromDevice(task, this.#core.files.symlink(task, target, start, path));
  }

  linkat(task: UnixTask, fromDir: number, from: Uint8Array, toDir: number, to: Uint8Array, flags: number): Reply {
    return this.#both(task, fromDir, from, toDir, to, (start, end) => this.#core.files.link(task, start, from, end, to, flags));
  }

  unlinkat(task: UnixTask, dir: number, path: Uint8Array, flags: number): Reply {
    const start = startOf(task, dir, path);
    return typeof start === 'number' ? start : this.#fromDevice(task, this.#core.files.unlink(task, start, path, flags));
  }

  renameat(task: UnixTask, fromDir: number, from: Uint8Array, toDir: number, to: Uint8Array, flags: number): Reply {
    return this.#both(task, fromDir, from, toDir, to, (start, end) => this.#core.files.rename(task, start, from, end, to, flags));
  }

  accessat(task: UnixTask, dir: number, path: Uint8Array, mode: number, flags: number): Reply {
    const start = startOf(task, dir, path);
    return typeof start === 'number' ? start : this.#fromDevice(task, this.#core.files.access(task, start, path, mode, flags));
  }

  statfsPath(task: UnixTask, path: Uint8Array): Reply {
    const start = startOf(task, -100, path);
    return typeof start === 'number' ? start : this.#fromDevice(task, this.#core.files.statfs(task, start, path, task.values));
  }

  chdir(task: UnixTask, path: Uint8Array): Reply {
    const place = this.#directory(task, path);
    if (typeof place === 'number' || 'on' in place) return place;
    this.#core.files.drop(task.directories.cwd);
    task.directories.cwd = place;
    return 0;
  }

  chdirTo(task: UnixTask, fd: number): Reply {
    const description = task.descriptors.get(fd);
    if (description === undefined) return -Errno.EBADF;
    const place = description.place();
    if (place === undefined) return -Errno.ENOTDIR;
    const reply = this.#fromDevice(task, this.#core.files.searchable(task, place));
    if (reply !== 0) return reply;
    this.#core.files.hold(place);
    this.#core.files.drop(task.directories.cwd);
    task.directories.cwd = place;
    return 0;
  }

  currentDirectory(task: UnixTask): Reply {
    return this.#fromDevice(task, this.#core.files.path(task, task.directories.cwd, task.bytes));
  }

  chroot(task: UnixTask, path: Uint8Array): Reply {
    if (task.credentials.euid !== 0) return -Errno.EPERM;
    const place = this.#directory(task, path);
    if (typeof place === 'number' || 'on' in place) return place;
    this.#core.files.drop(task.directories.root);
    task.directories.root = place;
    return 0;
  }

  /** The file is open; a fifo may have to wait for its other side. Then it becomes a descriptor. */
  #opened(task: UnixTask, description: Description, flags: number): Reply {
    const reply = description.opened(task);
    if (typeof reply !== 'number') {
      task.opening = description;
      return reply;
    }
    task.opening = undefined;
    const fd = reply < 0 ? reply : task.descriptors.add(description, 0, (flags & OpenFlag.CLOEXEC) !== 0, descriptorLimit(task));
    if (fd < 0) description.release();
    return fd;
  }

  #directory(task: UnixTask, path: Uint8Array): Place | Reply {
    const start = startOf(task, -100, path);
    if (typeof start === 'number') return start;
    const place = this.#core.files.directory(task, start, path);
    if (typeof place !== 'number' && 'on' in place) task.interruptible = false;
    return place;
  }

  #both(task: UnixTask, fromDir: number, from: Uint8Array, toDir: number, to: Uint8Array, act: (start: Place, end: Place) => Reply): Reply {
    const start = startOf(task, fromDir, from);
    if (typeof start === 'number') return start;
    const end = startOf(task, toDir, to);
    return typeof end === 'number' ? end : this.#fromDevice(task, act(start, end));
  }

  /** With AT_EMPTY_PATH and a descriptor, the operation is on what it refers to, wherever that lies. */
  #emptyPath(task: UnixTask, dir: number, path: Uint8Array, flags: number): Description | undefined {
    return path.length === 0 && (flags & AtFlag.EMPTY_PATH) !== 0 ? task.descriptors.get(dir) : undefined;
  }

  #fromDevice(task: UnixTask, reply: Reply): Reply {
    if (typeof reply !== 'number') task.interruptible = false;
    return reply;
  }
}
