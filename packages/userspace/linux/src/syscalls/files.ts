import { type AttributeChange, Errno, type Instant, RenameFlag, type Reply } from '@ashlar/hardware';
import { AT_CWD, AtFlag, type DirectorySink, OpenFlag } from '@ashlar/kernel-stub';
import { putStat, putStatfs, putStatx, STAT_BYTES, STATFS_BYTES, STATX_BYTES, TIMESPEC_BYTES } from '../abi/structures.ts';
import { getWord, putWord } from '../abi/word.ts';
import { type Call, checkedInstant, isBytes } from '../call.ts';
import { row, type Syscall } from './syscall.ts';

/** O_LARGEFILE, which 64-bit programs need not set, and O_TMPFILE, which no file system here offers. */
const LARGEFILE = 0o100000;
const TMPFILE = 0o20000000;

/** Decodes the path of argument `index` and hands it on. */
const withPath = (call: Call, index: number, use: (path: Uint8Array) => Reply): Reply => {
  const path = call.path(index);
  return isBytes(path) ? use(path) : path;
};

function openat(call: Call): Reply {
  const flags = call.int(2);
  if ((flags & TMPFILE) !== 0) return -Errno.EOPNOTSUPP;
  const mode = (flags & OpenFlag.CREATE) !== 0 ? call.unsigned(3) & 0o7777 : 0;
  return withPath(call, 1, (path) => call.system.openat(call.task, call.int(0), path, flags & ~LARGEFILE, mode));
}

// ───── attributes ─────

function fstat(call: Call): Reply {
  const reply = call.system.stat(call.task, call.int(0));
  if (reply !== 0) return reply;
  putStat(call.view, call.task.stat);
  return call.store(call.address(1), STAT_BYTES);
}

/** The status of a path, or with AT_EMPTY_PATH of the descriptor itself. */
function statusAt(call: Call, flags: number): Reply {
  const { system, task } = call;
  const dir = call.int(0);
  const emptyPath = (flags & AtFlag.EMPTY_PATH) !== 0;
  // Since Linux 6.11 a null path means the empty one.
  if (emptyPath && call.address(1) === 0 && dir !== AT_CWD) return system.stat(task, dir);
  return withPath(call, 1, (path) => {
    if (emptyPath && path.length === 0 && dir !== AT_CWD) return system.stat(task, dir);
    return system.statat(task, dir, path, flags & (AtFlag.SYMLINK_NOFOLLOW | AtFlag.EMPTY_PATH));
  });
}

const AT_NO_AUTOMOUNT = 0x800;
const AT_STATX_SYNC_TYPE = 0x6000;
const STATX_RESERVED = 0x8000_0000;

function newfstatat(call: Call): Reply {
  const flags = call.int(3);
  if ((flags & ~(AtFlag.SYMLINK_NOFOLLOW | AtFlag.EMPTY_PATH | AT_NO_AUTOMOUNT)) !== 0) return -Errno.EINVAL;
  const reply = statusAt(call, flags);
  if (reply !== 0) return reply;
  putStat(call.view, call.task.stat);
  return call.store(call.address(2), STAT_BYTES);
}

function statx(call: Call): Reply {
  const flags = call.int(2);
  const known = AtFlag.SYMLINK_NOFOLLOW | AtFlag.EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE;
  if ((flags & ~known) !== 0 || (flags & AT_STATX_SYNC_TYPE) === AT_STATX_SYNC_TYPE || call.unsigned(3) >= STATX_RESERVED)
    return -Errno.EINVAL;
  const reply = statusAt(call, flags);
  if (reply !== 0) return reply;
  putStatx(call.view, call.task.stat);
  return call.store(call.address(4), STATX_BYTES);
}

function access(call: Call, flags: number): Reply {
  const mode = call.int(2);
  if ((mode & ~7) !== 0 || (flags & ~(AtFlag.EACCESS | AtFlag.SYMLINK_NOFOLLOW | AtFlag.EMPTY_PATH)) !== 0) return -Errno.EINVAL;
  return withPath(call, 1, (path) => call.system.accessat(call.task, call.int(0), path, mode, flags));
}

function changeAt(call: Call, change: AttributeChange, flags: number): Reply {
  return withPath(call, 1, (path) => {
    if (path.length === 0 && (flags & AtFlag.EMPTY_PATH) !== 0) return call.system.setAttributes(call.task, call.int(0), change);
    return call.system.setAttributesAt(call.task, call.int(0), path, change, flags);
  });
}

const modeOf = (mode: number): AttributeChange => ({ mode: mode & 0o7777 });

/** Owner and group; -1 leaves one as it is. */
function ownersOf(uid: number, gid: number): AttributeChange {
  const change: { uid?: number; gid?: number } = {};
  if (uid !== 0xffff_ffff) change.uid = uid;
  if (gid !== 0xffff_ffff) change.gid = gid;
  return change;
}

const UTIME_NOW = 0x3fff_ffff;
const UTIME_OMIT = 0x3fff_fffe;

/** One of utimensat's two times: absent if it is to stay. */
function timeOf(call: Call, at: number): Instant | 'now' | undefined | number {
  const nsec = getWord(call.view, at + 8);
  if (nsec === UTIME_NOW) return 'now';
  if (nsec === UTIME_OMIT) return undefined;
  const sec = getWord(call.view, at);
  // Times before 1970 are legal here.
  return sec < 0 && nsec >= 0 && nsec < 1_000_000_000 ? { sec, nsec } : checkedInstant(sec, nsec);
}

function utimensat(call: Call): Reply {
  const flags = call.int(3);
  if ((flags & ~(AtFlag.SYMLINK_NOFOLLOW | AtFlag.EMPTY_PATH)) !== 0) return -Errno.EINVAL;
  const change: { atime?: Instant | 'now'; mtime?: Instant | 'now' } = { atime: 'now', mtime: 'now' };
  const timesAt = call.address(2);
  if (timesAt !== 0) {
    const fetched = call.fetch(timesAt, 2 * TIMESPEC_BYTES);
    if (fetched !== 0) return fetched;
    const atime = timeOf(call, 0);
    const mtime = timeOf(call, TIMESPEC_BYTES);
    if (typeof atime === 'number') return atime;
    if (typeof mtime === 'number') return mtime;
    delete change.atime;
    delete change.mtime;
    if (atime !== undefined) change.atime = atime;
    if (mtime !== undefined) change.mtime = mtime;
  }
  if (call.address(1) === 0) return call.int(0) === AT_CWD ? -Errno.EFAULT : call.system.setAttributes(call.task, call.int(0), change);
  return changeAt(call, change, flags);
}

// ───── names ─────

function readlinkat(call: Call): Reply {
  const room = call.int(3);
  if (room <= 0) return -Errno.EINVAL;
  const length = withPath(call, 1, (path) => call.system.readlinkat(call.task, call.int(0), path));
  if (typeof length !== 'number' || length < 0) return length;
  return call.putSome(call.address(2), room, call.task.bytes.subarray(0, length));
}

/** Both paths of a call, or what is wrong with one. */
const withPaths = (call: Call, first: number, second: number, use: (one: Uint8Array, other: Uint8Array) => Reply): Reply =>
  withPath(call, first, (one) => withPath(call, second, (other) => use(one, other)));

function renameat2(call: Call): Reply {
  const flags = call.unsigned(4);
  // RENAME_WHITEOUT is for overlay file systems; both of the others together make no sense.
  if ((flags & ~(RenameFlag.NOREPLACE | RenameFlag.EXCHANGE)) !== 0 || flags === (RenameFlag.NOREPLACE | RenameFlag.EXCHANGE))
    return -Errno.EINVAL;
  return withPaths(call, 1, 3, (from, to) => call.system.renameat(call.task, call.int(0), from, call.int(2), to, flags));
}

function linkat(call: Call): Reply {
  const flags = call.int(4);
  if ((flags & ~(AtFlag.SYMLINK_FOLLOW | AtFlag.EMPTY_PATH)) !== 0) return -Errno.EINVAL;
  return withPaths(call, 1, 3, (from, to) => call.system.linkat(call.task, call.int(0), from, call.int(2), to, flags));
}

function unlinkat(call: Call): Reply {
  const flags = call.int(2);
  if ((flags & ~AtFlag.REMOVE_DIRECTORY) !== 0) return -Errno.EINVAL;
  return withPath(call, 1, (path) => call.system.unlinkat(call.task, call.int(0), path, flags));
}

function getcwd(call: Call): Reply {
  const length = call.system.currentDirectory(call.task);
  if (typeof length !== 'number' || length < 0) return length;
  if (length + 1 > call.size(1)) return -Errno.ERANGE;
  call.scratch.set(call.task.bytes.subarray(0, length));
  call.scratch[length] = 0;
  return call.putSome(call.address(0), length + 1, call.scratch.subarray(0, length + 1));
}

// ───── directories ─────

const DIRENT_HEADER_BYTES = 19;
const DIRENT_ALIGN = 8;

/** Writes struct linux_dirent64 records into guest memory, one entry at a time, so that the listing stops exactly where memory does. */
class DirentSink implements DirectorySink {
  #call: Call | undefined;
  #at = 0;
  #room = 0;
  used = 0;
  /** What stopped the listing, if it was not room alone. */
  stopped: Reply = 0;

  begin(call: Call, at: number, room: number): this {
    this.#call = call;
    this.#at = at;
    this.#room = room;
    this.used = 0;
    this.stopped = 0;
    return this;
  }

  entry(name: Uint8Array, node: number, type: number, next: number): boolean {
    const call = this.#call!;
    const bytes = Math.ceil((DIRENT_HEADER_BYTES + name.length + 1) / DIRENT_ALIGN) * DIRENT_ALIGN;
    if (bytes > this.#room - this.used) {
      this.stopped = -Errno.EINVAL;
      return false;
    }
    const record = call.head(bytes).fill(0);
    putWord(call.view, 0, node);
    putWord(call.view, 8, next);
    call.view.setUint16(16, bytes, true);
    call.view.setUint8(18, type);
    record.set(name, DIRENT_HEADER_BYTES);
    this.stopped = call.put(this.#at + this.used, record);
    if (this.stopped !== 0) return false;
    this.used += bytes;
    return true;
  }
}

const direntSink = new DirentSink();

function getdents64(call: Call): Reply {
  const sink = direntSink.begin(call, call.address(1), call.unsigned(2));
  const reply = call.system.readdir(call.task, call.int(0), sink);
  if (typeof reply !== 'number' || reply < 0) return sink.used > 0 ? sink.used : reply;
  return sink.used > 0 ? sink.used : sink.stopped;
}

// ───── whole file systems ─────

function storeStatfs(call: Call, reply: Reply): Reply {
  if (reply !== 0) return reply;
  putStatfs(call.view, call.task.values);
  return call.store(call.address(1), STATFS_BYTES);
}

/** Extended attributes: as on a file system mounted without them. */
const withoutAttributes = (): Reply => -Errno.EOPNOTSUPP;
/** Advice changes no result; the descriptor is checked all the same. */
const advice = (call: Call): Reply => Math.min(0, call.system.descriptorFlags(call.task, call.int(0), -1));

const sized = (call: Call, index: number, use: (size: number) => Reply): Reply => {
  const size = call.long(index);
  return size >= 0 && Number.isSafeInteger(size) ? use(size) : -Errno.EINVAL;
};

function fallocate(call: Call): Reply {
  const at = call.long(2);
  const bytes = call.long(3);
  if (at < 0 || bytes <= 0) return -Errno.EINVAL;
  if (!Number.isSafeInteger(at + bytes)) return -Errno.EFBIG;
  return call.system.allocate(call.task, call.int(0), call.int(1), at, bytes);
}

export const FILE_CALLS: readonly Syscall[] = [
  ...[
    'setxattr',
    'lsetxattr',
    'fsetxattr',
    'getxattr',
    'lgetxattr',
    'fgetxattr',
    'listxattr',
    'llistxattr',
    'flistxattr',
    'removexattr',
    'lremovexattr',
    'fremovexattr',
  ].map((name, index) => row(5 + index, name, 'const char *path, const char *name, void *value, size_t size', withoutAttributes)),
  row(17, 'getcwd', 'char *buffer, size_t size', getcwd),
  row(32, 'flock', 'int fd, int operation', (call) => call.system.lock(call.task, call.int(0), call.int(1)), 'restart'),
  row(33, 'mknodat', 'int dir, const char *path, mode_t mode, dev_t device', (call) =>
    withPath(call, 1, (path) => call.system.mknodat(call.task, call.int(0), path, call.unsigned(2), call.unsigned(3))),
  ),
  row(34, 'mkdirat', 'int dir, const char *path, mode_t mode', (call) =>
    withPath(call, 1, (path) => call.system.mkdirat(call.task, call.int(0), path, call.unsigned(2) & 0o7777)),
  ),
  row(35, 'unlinkat', 'int dir, const char *path, int flags', unlinkat),
  row(36, 'symlinkat', 'const char *target, int dir, const char *path', (call) =>
    withPaths(call, 0, 2, (target, path) => call.system.symlinkat(call.task, target, call.int(1), path)),
  ),
  row(37, 'linkat', 'int from_dir, const char *from, int to_dir, const char *to, int flags', linkat),
  row(43, 'statfs', 'const char *path, struct statfs *out', (call) =>
    storeStatfs(
      call,
      withPath(call, 0, (path) => call.system.statfsPath(call.task, path)),
    ),
  ),
  row(44, 'fstatfs', 'int fd, struct statfs *out', (call) => storeStatfs(call, call.system.statfs(call.task, call.int(0)))),
  row(45, 'truncate', 'const char *path, off_t size', (call) =>
    sized(call, 1, (size) => withPath(call, 0, (path) => call.system.truncatePath(call.task, path, size))),
  ),
  row(46, 'ftruncate', 'int fd, off_t size', (call) => sized(call, 1, (size) => call.system.truncate(call.task, call.int(0), size))),
  row(47, 'fallocate', 'int fd, int mode, off_t at, off_t size', fallocate),
  row(48, 'faccessat', 'int dir, const char *path, int mode', (call) => access(call, 0)),
  row(49, 'chdir', 'const char *path', (call) => withPath(call, 0, (path) => call.system.chdir(call.task, path))),
  row(50, 'fchdir', 'int fd', (call) => call.system.chdirTo(call.task, call.int(0))),
  row(51, 'chroot', 'const char *path', (call) => withPath(call, 0, (path) => call.system.chroot(call.task, path))),
  row(52, 'fchmod', 'int fd, mode_t mode', (call) => call.system.setAttributes(call.task, call.int(0), modeOf(call.int(1)))),
  row(53, 'fchmodat', 'int dir, const char *path, mode_t mode', (call) => changeAt(call, modeOf(call.int(2)), 0)),
  row(54, 'fchownat', 'int dir, const char *path, uid_t uid, gid_t gid, int flags', (call) =>
    changeAt(call, ownersOf(call.unsigned(2), call.unsigned(3)), call.int(4)),
  ),
  row(55, 'fchown', 'int fd, uid_t uid, gid_t gid', (call) =>
    call.system.setAttributes(call.task, call.int(0), ownersOf(call.unsigned(1), call.unsigned(2))),
  ),
  row(56, 'openat', 'int dir, const char *path, int flags, mode_t mode', openat, 'restart'),
  row(61, 'getdents64', 'int fd, struct linux_dirent64 *entries, unsigned int size', getdents64),
  row(78, 'readlinkat', 'int dir, const char *path, char *buffer, int size', readlinkat),
  row(79, 'newfstatat', 'int dir, const char *path, struct stat *out, int flags', newfstatat),
  row(80, 'fstat', 'int fd, struct stat *out', fstat),
  row(81, 'sync', '', () => 0),
  row(82, 'fsync', 'int fd', (call) => call.system.sync(call.task, call.int(0))),
  row(83, 'fdatasync', 'int fd', (call) => call.system.sync(call.task, call.int(0))),
  row(84, 'sync_file_range', 'int fd, off_t at, off_t size, unsigned int flags', (call) => call.system.sync(call.task, call.int(0))),
  row(88, 'utimensat', 'int dir, const char *path, const struct timespec times[2], int flags', utimensat),
  row(213, 'readahead', 'int fd, off_t at, size_t size', advice),
  row(223, 'fadvise64', 'int fd, off_t at, off_t size, int advice', advice),
  row(267, 'syncfs', 'int fd', (call) => call.system.sync(call.task, call.int(0))),
  row(276, 'renameat2', 'int from_dir, const char *from, int to_dir, const char *to, unsigned int flags', renameat2),
  row(291, 'statx', 'int dir, const char *path, int flags, unsigned int mask, struct statx *out', statx),
  row(439, 'faccessat2', 'int dir, const char *path, int mode, int flags', (call) => access(call, call.int(3))),
  row(452, 'fchmodat2', 'int dir, const char *path, mode_t mode, int flags', (call) => changeAt(call, modeOf(call.int(2)), call.int(3))),
];
