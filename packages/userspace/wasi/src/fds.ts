import { Errno, type Reply } from '@ashlar/hardware';
import { AT_CWD, OpenFlag, type Termios } from '@ashlar/kernel-stub';
import { putFilestat, timesOf } from './attributes.ts';
import { type Call, FIRST_PREOPEN, isPreopen, PREOPENS, placeOf, stubFd, type WasiFunction } from './call.ts';
import { FDSTAT_BYTES, FdFlag, fileTypeOf, READ_RIGHTS, Right, WasiFileType, WRITE_RIGHTS } from './layout.ts';

const EMPTY = new Uint8Array(0);

/** Checks where the count goes, then moves the bytes, then writes the count. */
function transfer(call: Call, countAt: number, move: () => Reply): Reply {
  if (!call.canWrite(countAt, 4)) return -Errno.EFAULT;
  const ready = call.vectors(1);
  if (ready !== 0) return ready;
  const moved = move();
  return typeof moved === 'number' && moved >= 0 ? call.store32(countAt, moved) : moved;
}

export const fd_read: WasiFunction = (call) => transfer(call, call.u32(3), () => call.system.read(call.task, call.fd(0), call.vector));

export const fd_write: WasiFunction = (call) => transfer(call, call.u32(3), () => call.system.write(call.task, call.fd(0), call.vector));

const atPosition = (call: Call, move: (at: number) => Reply): Reply => {
  const at = call.u64(3);
  return at > Number.MAX_SAFE_INTEGER ? -Errno.EINVAL : transfer(call, call.u32(5), () => move(at));
};

export const fd_pread: WasiFunction = (call) => atPosition(call, (at) => call.system.readAt(call.task, call.fd(0), at, call.vector));

export const fd_pwrite: WasiFunction = (call) => atPosition(call, (at) => call.system.writeAt(call.task, call.fd(0), at, call.vector));

/** The two directories that are always open stay so. */
export const fd_close: WasiFunction = (call) => (isPreopen(call.u32(0)) ? 0 : call.system.close(call.task, call.fd(0)));

/** `whence` of preview 1 is SET 0, CUR 1, END 2 as in POSIX; in wasi_unstable CUR 0, END 1, SET 2. */
export const fd_seek: WasiFunction = (call) => {
  const whence = call.u32(3);
  const offset = call.s64(1);
  if (whence > 2 || !Number.isSafeInteger(offset)) return -Errno.EINVAL;
  return putPosition(call, call.u32(4), offset, call.unstable ? (whence + 1) % 3 : whence);
};

export const fd_tell: WasiFunction = (call) => putPosition(call, call.u32(1), 0, 1);

function putPosition(call: Call, at: number, offset: number, whence: number): Reply {
  if (!call.canWrite(at, 8)) return -Errno.EFAULT;
  const position = call.system.seek(call.task, call.fd(0), offset, whence);
  return typeof position === 'number' && position >= 0 ? call.store64(at, position) : position;
}

export const fd_sync: WasiFunction = (call) => call.system.sync(call.task, call.fd(0));

/** Advice is taken by doing nothing, for any descriptor that is open. */
export const fd_advise: WasiFunction = (call) => (call.u32(5) > 5 ? -Errno.EINVAL : call.system.stat(call.task, call.fd(0)));

export const fd_allocate: WasiFunction = (call) => {
  const [at, bytes] = [call.u64(1), call.u64(3)];
  return at + bytes > Number.MAX_SAFE_INTEGER ? -Errno.EFBIG : call.system.allocate(call.task, call.fd(0), 0, at, bytes);
};

export const fd_filestat_set_size: WasiFunction = (call) => {
  const size = call.u64(1);
  return size > Number.MAX_SAFE_INTEGER ? -Errno.EFBIG : call.system.truncate(call.task, call.fd(0), size);
};

export const fd_filestat_set_times: WasiFunction = (call) => {
  const change = timesOf(call, 1);
  return typeof change === 'number' ? change : call.system.setAttributes(call.task, call.fd(0), change);
};

/** fstat, also of a directory that is always open. */
function stat(call: Call, fd: number): Reply {
  if (!isPreopen(fd)) return call.system.stat(call.task, stubFd(fd));
  const { path } = placeOf(fd, fd === FIRST_PREOPEN ? EMPTY : DOT);
  return call.system.statat(call.task, AT_CWD, path, 0);
}

const DOT = new TextEncoder().encode('.');

export const fd_filestat_get: WasiFunction = (call) => {
  const reply = stat(call, call.u32(0));
  return reply === 0 ? putFilestat(call, call.u32(1)) : reply;
};

/** fd_fdstat_get: the rights say what the descriptor was opened for. C programs take a character device without SEEK and TELL for a terminal. */
export const fd_fdstat_get: WasiFunction = (call) => {
  const fd = call.u32(0);
  const reply = stat(call, fd);
  if (reply !== 0) return reply;
  const type = fileTypeOf(call.task.stat.mode);
  const flags = isPreopen(fd) ? 0 : call.system.statusFlags(call.task, stubFd(fd), -1);
  if (flags < 0) return flags;
  const { view } = call;
  call.scratch.fill(0, 0, FDSTAT_BYTES);
  view.setUint8(0, type);
  view.setUint16(2, (flags & OpenFlag.APPEND ? FdFlag.APPEND : 0) | (flags & OpenFlag.NONBLOCK ? FdFlag.NONBLOCK : 0), true);
  view.setUint32(8, rightsOf(call, fd, type, flags), true);
  view.setUint32(16, type === WasiFileType.DIRECTORY ? Right.ALL : 0, true);
  return call.store(call.u32(1), FDSTAT_BYTES);
};

function rightsOf(call: Call, fd: number, type: number, flags: number): number {
  const access = flags & OpenFlag.ACCESS;
  let rights: number = Right.ALL;
  if (type === WasiFileType.DIRECTORY) return rights & ~(Right.FD_SEEK | Right.FD_TELL | Right.FD_WRITE);
  if (access === OpenFlag.READ_ONLY) rights &= ~WRITE_RIGHTS;
  if (access === OpenFlag.WRITE_ONLY) rights &= ~READ_RIGHTS;
  const seekable = type !== WasiFileType.UNKNOWN && type !== WasiFileType.SOCKET_STREAM && !isTerminal(call, fd, type);
  return seekable ? rights : rights & ~(Right.FD_SEEK | Right.FD_TELL);
}

function isTerminal(call: Call, fd: number, type: number): boolean {
  return type === WasiFileType.CHARACTER && call.system.terminalGet(call.task, stubFd(fd), TERMIOS) >= 0;
}

/** Only asked whether there is one; what it says is not looked at. */
const TERMIOS: Termios = { input: 0, output: 0, control: 0, local: 0, line: 0, characters: new Uint8Array(19) };

export const fd_fdstat_set_flags: WasiFunction = (call) => {
  const flags = call.u32(1);
  if (isPreopen(call.u32(0))) return -Errno.EINVAL;
  const wanted = (flags & FdFlag.APPEND ? OpenFlag.APPEND : 0) | (flags & FdFlag.NONBLOCK ? OpenFlag.NONBLOCK : 0);
  const result = call.system.statusFlags(call.task, call.fd(0), wanted);
  return Math.min(result, 0);
};

/** Rights can only shrink, and are not kept: what a descriptor may do is decided when it is opened. */
export const fd_fdstat_set_rights: WasiFunction = (call) => stat(call, call.u32(0));

/** Moves a descriptor onto another, which is closed. */
export const fd_renumber: WasiFunction = (call) => {
  const [from, to] = [call.u32(0), call.u32(1)];
  if (isPreopen(from) || isPreopen(to)) return -Errno.EOPNOTSUPP;
  const { task, system } = call;
  if (task.callNote === undefined) {
    // WASI moves onto open descriptors only.
    const open = system.statusFlags(task, stubFd(to), -1);
    if (open < 0) return open;
    const moved = system.duplicateTo(task, stubFd(from), stubFd(to), false);
    if (typeof moved !== 'number' || moved < 0 || from === to) return typeof moved === 'number' ? Math.min(moved, 0) : moved;
    task.callNote = 'moved';
  }
  return system.close(task, stubFd(from));
};

export const fd_prestat_get: WasiFunction = (call) => {
  const name = PREOPENS[call.u32(0) - FIRST_PREOPEN];
  if (name === undefined) return -Errno.EBADF;
  call.view.setUint32(0, 0, true);
  call.view.setUint32(4, name.length, true);
  return call.store(call.u32(1), 8);
};

export const fd_prestat_dir_name: WasiFunction = (call) => {
  const name = PREOPENS[call.u32(0) - FIRST_PREOPEN];
  if (name === undefined) return -Errno.EBADF;
  if (call.u32(2) < name.length) return -Errno.ENAMETOOLONG;
  return call.put(call.u32(1), new TextEncoder().encode(name));
};
