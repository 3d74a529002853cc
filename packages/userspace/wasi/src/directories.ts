import { Errno, type Reply } from '@ashlar/hardware';
import { AT_CWD, type DirectorySink, OpenFlag } from '@ashlar/kernel-stub';
import { type Call, isPreopen, placeOf, ROOT_FD, stubFd, type WasiFunction } from './call.ts';
import { DIRENT_BYTES, fileTypeOf } from './layout.ts';

/** Most bytes of entries that one call hands out; more room is left unused, which only a full buffer would mean the end of. */
const LISTING_BYTES_MAX = 65536;
const TWO_32 = 4_294_967_296;

/** Collects `dirent`s and names until the room is used up; the last one may be cut off, which tells the program to ask again from there. */
class Listing implements DirectorySink {
  readonly bytes: Uint8Array;
  used = 0;
  readonly #view: DataView;
  readonly #entry = new DataView(new ArrayBuffer(DIRENT_BYTES));

  constructor(room: number) {
    this.bytes = new Uint8Array(room);
    this.#view = this.#entry;
  }

  entry(name: Uint8Array, node: number, type: number, next: number): boolean {
    const view = this.#view;
    view.setUint32(0, next % TWO_32, true);
    view.setUint32(4, Math.floor(next / TWO_32), true);
    view.setUint32(8, node % TWO_32, true);
    view.setUint32(12, Math.floor(node / TWO_32), true);
    view.setUint32(16, name.length, true);
    view.setUint32(20, fileTypeOf(type << 12), true);
    this.#add(new Uint8Array(view.buffer));
    this.#add(name);
    return this.used < this.bytes.length;
  }

  #add(bytes: Uint8Array): void {
    const room = this.bytes.length - this.used;
    this.bytes.set(bytes.length > room ? bytes.subarray(0, room) : bytes, this.used);
    this.used += Math.min(bytes.length, room);
  }
}

/** The descriptor to read: a directory that is always open is opened for the length of the call. */
function opened(call: Call, fd: number): Reply {
  if (!isPreopen(fd)) return stubFd(fd);
  if (typeof call.task.callNote === 'number') return call.task.callNote;
  const { path } = placeOf(fd, fd === ROOT_FD ? new Uint8Array(0) : new TextEncoder().encode('.'));
  const descriptor = call.system.openat(call.task, AT_CWD, path, OpenFlag.READ_ONLY | OpenFlag.DIRECTORY | OpenFlag.CLOEXEC, 0);
  if (typeof descriptor === 'number' && descriptor >= 0) call.task.callNote = descriptor;
  return descriptor;
}

/** Entries from the cookie on, which is the position that an earlier entry named as the next. */
export const fd_readdir: WasiFunction = (call) => {
  const [fd, at, room, usedAt] = [call.u32(0), call.u32(1), call.u32(2), call.u32(5)];
  const cookie = call.u64(3);
  if (!call.canWrite(at, room) || !call.canWrite(usedAt, 4)) return -Errno.EFAULT;
  const directory = opened(call, fd);
  if (typeof directory !== 'number' || directory < 0) return directory;
  const reply = list(call, directory, cookie, at, Math.min(room, LISTING_BYTES_MAX), usedAt);
  // A wait: the same call is made again and finds the descriptor in the note.
  if (typeof reply === 'number' && isPreopen(fd)) call.system.close(call.task, directory);
  return reply;
};

function list(call: Call, directory: number, cookie: number, at: number, room: number, usedAt: number): Reply {
  const position = call.system.seek(call.task, directory, cookie, 0);
  if (typeof position !== 'number') return position;
  if (position < 0) return position === -Errno.ESPIPE ? -Errno.ENOTDIR : position;
  const listing = new Listing(room);
  const reply = call.system.readdir(call.task, directory, listing);
  if (typeof reply !== 'number' || reply < 0) return reply;
  const put = call.put(at, listing.bytes.subarray(0, listing.used));
  return put === 0 ? call.store32(usedAt, listing.used) : put;
}
