import { type AttributeChange, Errno, type Plain, type Reply } from '@ashlar/hardware';
import { AtFlag, OpenFlag } from '@ashlar/kernel-stub';
import { putFilestat, timesOf } from './attributes.ts';
import { beginWalk, type Walk, walkBeneath } from './beneath.ts';
import {
  type Call,
  CURRENT_FD,
  isAbsolute,
  isBytes,
  isPreopen,
  type Place,
  placeOf,
  ROOT_FD,
  stubFd,
  type WasiFunction,
  wasiFd,
} from './call.ts';
import { FdFlag, LOOKUP_SYMLINK_FOLLOW, OFlag, READ_RIGHTS, WRITE_RIGHTS } from './layout.ts';

/**
 * Paths are relative to a directory descriptor. Two are always open: 3 is `/` and means exactly that; 4 is `.`, the current directory.
 *
 * wasi-libc drops a leading `/` and `./` of both paths and directory names before it compares them, so to a C program both directories have
 * the same empty name, the last one wins, and `/etc/passwd` and `etc/passwd` arrive alike at 4. There a path is looked for in the current
 * directory first, then in the root: relative paths mean what the shell means, and absolute ones work unless the current directory has a
 * like-named entry. Programs that tell the two apart (Go's) use 3 for absolute paths. `..` may leave the current directory, as in a shell.
 *
 * From a directory that the program opened itself nothing leads out: neither `..` nor a symbolic link. What bounds a program in the end is the
 * kernel stub's root.
 */

const FOLLOW_NOT = (flags: number): number => (flags & LOOKUP_SYMLINK_FOLLOW ? 0 : AtFlag.SYMLINK_NOFOLLOW);

/** A path argument: words of its descriptor and of its pointer, and whether a symbolic link at its end is followed. */
interface PathArgument {
  readonly fd: number;
  readonly path: number;
  readonly follow: boolean;
}

/** How far a call is, while one of its requests waits. */
interface PathNote {
  /** Which of the places a path is looked for in. */
  attempt: number;
  /** By argument: the path found beneath its directory, or the walk on the way there. */
  readonly walked: Record<string, Uint8Array>;
  readonly walks: Record<string, Walk>;
}

function noteOf(call: Call): PathNote {
  const known = call.task.callNote as unknown as PathNote | undefined;
  if (known) return known;
  const note: PathNote = { attempt: 0, walked: {}, walks: {} };
  call.task.callNote = note as unknown as Plain;
  return note;
}

/** The path as the stub is to take it: from an ordinary directory nothing leads out. */
function read(call: Call, argument: PathArgument): Uint8Array | Reply {
  const path = call.string(argument.path);
  if (!isBytes(path)) return path;
  if (isAbsolute(path)) return -Errno.EPERM;
  const fd = call.u32(argument.fd);
  if (isPreopen(fd) || path.length === 0) return path;
  const note = noteOf(call);
  const key = String(argument.path);
  const known = note.walked[key];
  if (known) return known;
  note.walks[key] ??= beginWalk(path);
  const found = walkBeneath(call, stubFd(fd), note.walks[key], argument.follow);
  if (isBytes(found)) note.walked[key] = found;
  return found;
}

const rootOf = (fd: number): number => (fd === CURRENT_FD ? ROOT_FD : fd);

/** Does something with a path; when it is not found in the current directory, with the same path in the root. */
function onPath(call: Call, argument: PathArgument, act: (place: Place) => Reply): Reply {
  const path = read(call, argument);
  if (!isBytes(path)) return path;
  const fd = call.u32(argument.fd);
  if (fd !== CURRENT_FD) return act(placeOf(fd, path));
  const note = noteOf(call);
  if (note.attempt === 0) {
    const reply = act(placeOf(fd, path));
    if (reply !== -Errno.ENOENT) return reply;
    note.attempt = 1;
  }
  return act(placeOf(ROOT_FD, path));
}

/** Two paths: both in the current directory, then the first in the root, then both. */
function onPaths(call: Call, first: PathArgument, second: PathArgument, act: (one: Place, other: Place) => Reply): Reply {
  const one = read(call, first);
  if (!isBytes(one)) return one;
  const other = read(call, second);
  if (!isBytes(other)) return other;
  const [fd, otherFd] = [call.u32(first.fd), call.u32(second.fd)];
  const places: (readonly [number, number])[] = [[fd, otherFd]];
  if (fd === CURRENT_FD) places.push([ROOT_FD, otherFd]);
  if (otherFd === CURRENT_FD) places.push([rootOf(fd), ROOT_FD]);
  const note = noteOf(call);
  for (;;) {
    const [left, right] = places[note.attempt]!;
    const reply = act(placeOf(left, one), placeOf(right, other));
    if (reply !== -Errno.ENOENT || note.attempt >= places.length - 1) return reply;
    note.attempt++;
  }
}

export const path_create_directory: WasiFunction = (call) =>
  onPath(call, { fd: 0, path: 1, follow: false }, ({ dir, path }) => call.system.mkdirat(call.task, dir, path, 0o777));

export const path_remove_directory: WasiFunction = (call) =>
  onPath(call, { fd: 0, path: 1, follow: false }, ({ dir, path }) => call.system.unlinkat(call.task, dir, path, AtFlag.REMOVE_DIRECTORY));

export const path_unlink_file: WasiFunction = (call) =>
  onPath(call, { fd: 0, path: 1, follow: false }, ({ dir, path }) => call.system.unlinkat(call.task, dir, path, 0));

export const path_filestat_get: WasiFunction = (call) => {
  const follow = (call.u32(1) & LOOKUP_SYMLINK_FOLLOW) !== 0;
  const flags = FOLLOW_NOT(call.u32(1));
  const reply = onPath(call, { fd: 0, path: 2, follow }, ({ dir, path }) => call.system.statat(call.task, dir, path, flags));
  return reply === 0 ? putFilestat(call, call.u32(4)) : reply;
};

export const path_filestat_set_times: WasiFunction = (call) => {
  const change = timesOf(call, 4);
  if (typeof change === 'number') return change;
  return setTimes(call, change);
};

const setTimes = (call: Call, change: AttributeChange): Reply =>
  onPath(call, { fd: 0, path: 2, follow: (call.u32(1) & LOOKUP_SYMLINK_FOLLOW) !== 0 }, ({ dir, path }) =>
    call.system.setAttributesAt(call.task, dir, path, change, FOLLOW_NOT(call.u32(1))),
  );

export const path_link: WasiFunction = (call) => {
  const flags = call.u32(1) & LOOKUP_SYMLINK_FOLLOW ? AtFlag.SYMLINK_FOLLOW : 0;
  return onPaths(call, { fd: 0, path: 2, follow: flags !== 0 }, { fd: 4, path: 5, follow: false }, (from, to) =>
    call.system.linkat(call.task, from.dir, from.path, to.dir, to.path, flags),
  );
};

export const path_rename: WasiFunction = (call) =>
  onPaths(call, { fd: 0, path: 1, follow: false }, { fd: 3, path: 4, follow: false }, (from, to) =>
    call.system.renameat(call.task, from.dir, from.path, to.dir, to.path, 0),
  );

/** The target is any text. */
export const path_symlink: WasiFunction = (call) => {
  const target = call.string(0);
  if (!isBytes(target)) return target;
  return onPath(call, { fd: 2, path: 3, follow: false }, ({ dir, path }) => call.system.symlinkat(call.task, target, dir, path));
};

export const path_readlink: WasiFunction = (call) => {
  const [at, room, usedAt] = [call.u32(3), call.u32(4), call.u32(5)];
  if (!call.canWrite(at, room) || !call.canWrite(usedAt, 4)) return -Errno.EFAULT;
  const length = onPath(call, { fd: 0, path: 1, follow: false }, ({ dir, path }) => call.system.readlinkat(call.task, dir, path));
  if (typeof length !== 'number' || length < 0) return length;
  const used = Math.min(length, room);
  const put = call.put(at, call.task.bytes.subarray(0, used));
  return put === 0 ? call.store32(usedAt, used) : put;
};

/** The access mode and flags of path_open's arguments. A directory is opened for reading, whatever rights were asked for. */
function openFlags(call: Call): number {
  const [lookup, oflags, rights, fdflags] = [call.u32(1), call.u32(4), call.u32(5), call.u32(9)];
  const [reads, writes] = [(rights & READ_RIGHTS) !== 0, (rights & WRITE_RIGHTS) !== 0];
  let flags: number = writes ? (reads ? OpenFlag.READ_WRITE : OpenFlag.WRITE_ONLY) : OpenFlag.READ_ONLY;
  if (oflags & OFlag.DIRECTORY) flags = OpenFlag.READ_ONLY | OpenFlag.DIRECTORY;
  if (!(lookup & LOOKUP_SYMLINK_FOLLOW)) flags |= OpenFlag.NOFOLLOW;
  if (oflags & OFlag.CREAT) flags |= OpenFlag.CREATE;
  if (oflags & OFlag.EXCL) flags |= OpenFlag.EXCLUSIVE;
  if (oflags & OFlag.TRUNC) flags |= OpenFlag.TRUNCATE;
  if (fdflags & FdFlag.APPEND) flags |= OpenFlag.APPEND;
  if (fdflags & FdFlag.NONBLOCK) flags |= OpenFlag.NONBLOCK;
  return flags;
}

export const path_open: WasiFunction = (call) => {
  const at = call.u32(10);
  if (!call.canWrite(at, 4)) return -Errno.EFAULT;
  const flags = openFlags(call);
  const { system, task } = call;
  const follow = !(flags & (OpenFlag.NOFOLLOW | OpenFlag.EXCLUSIVE));
  const descriptor = onPath(call, { fd: 0, path: 2, follow }, ({ dir, path }) => {
    const reply = system.openat(task, dir, path, flags, 0o666);
    if (reply !== -Errno.EISDIR || flags & (OpenFlag.CREATE | OpenFlag.TRUNCATE)) return reply;
    // A directory asked for with rights to write: those are rights to the files in it.
    return system.openat(task, dir, path, (flags & ~OpenFlag.ACCESS) | OpenFlag.DIRECTORY, 0);
  });
  return typeof descriptor === 'number' && descriptor >= 0 ? call.store32(at, wasiFd(descriptor)) : descriptor;
};
