import { Errno, FileType, type GuestAddress, type Reply } from '@ashlar/hardware';
import { type Io, SYSTEM_LIMITS, type Task } from '@ashlar/kernel-stub';
import { getWord, putWord } from '../abi/word.ts';
import { type Call, PAST } from '../call.ts';
import { TRANSFER_BYTES_MAX } from '../io.ts';
import { row, type Syscall } from './syscall.ts';

const SIGNED_MAX = 2 ** 63;

/** A position in a file: -EINVAL below 0 and past what is exact here (2^53). */
const validPosition = (at: number): boolean => at >= 0 && Number.isSafeInteger(at);

/** One of read, write and their like, over a part of the buffer that begins `moved` bytes into it. */
type Move = (call: Call, io: Io, moved: number) => Reply;

const moveRead: Move = (call, io) => call.system.read(call.task, call.int(0), io);
const moveWrite: Move = (call, io) => call.system.write(call.task, call.int(0), io);
const moveReadAt: Move = (call, io, moved) => call.system.readAt(call.task, call.int(0), call.long(3) + moved, io);
const moveWriteAt: Move = (call, io, moved) => call.system.writeAt(call.task, call.int(0), call.long(3) + moved, io);

/** Bytes of whole pieces: what is kept of a transfer in pieces between its askings. Only transfers keep a number. */
const piecesMoved = ({ callNote }: Task): number => (typeof callNote === 'number' ? callNote : 0);

/** Bytes that a parked transfer in pieces has moved already: what it answers if it is interrupted now. */
export function movedSoFar(task: Task): number {
  if (typeof task.callNote !== 'number') return 0;
  return task.callNote + (typeof task.progress === 'number' ? task.progress : 0);
}

/** "Ask again at once": so that other tasks, and a save, come between two pieces. */
const GO_ON = Object.freeze({ on: Object.freeze([]), until: PAST });

/** A transfer of at most SYSTEM_LIMITS.ioBytes is one operation; a larger one is made in pieces, as Linux makes it in one. */
const transfer = (call: Call, io: Io, writing: boolean, move: Move): Reply =>
  io.length <= SYSTEM_LIMITS.ioBytes ? move(call, io, 0) : transferPiece(call, io.length, writing, move);

function transferPiece(call: Call, length: number, writing: boolean, move: Move): Reply {
  const { task } = call;
  const moved = piecesMoved(task);
  const bytes = Math.min(length - moved, SYSTEM_LIMITS.ioBytes);
  const reply = move(call, call.part(moved, bytes), moved);
  if (typeof reply !== 'number') {
    task.callNote = moved;
    return reply;
  }
  if (reply < 0) return moved > 0 ? moved : reply;
  const total = moved + reply;
  // A stream gives what it has; only a file has more for certain.
  if (reply < bytes || total === length || (!writing && !isFile(call))) return total;
  task.progress = undefined;
  task.callNote = total;
  return GO_ON;
}

function isFile(call: Call): boolean {
  if (call.system.stat(call.task, call.int(0)) !== 0) return false;
  const type = call.task.stat.mode & FileType.MASK;
  return type !== FileType.FIFO && type !== FileType.SOCKET;
}

const simple = (writing: boolean, move: Move) => (call: Call) =>
  call.size(2) >= SIGNED_MAX ? -Errno.EINVAL : transfer(call, call.buffer(1, 2), writing, move);

const scattered = (writing: boolean, move: Move) => (call: Call) => {
  const ready = call.vectors(call.address(1), call.int(2));
  return ready === 0 ? transfer(call, call.vector, writing, move) : ready;
};

const positioned = (writing: boolean, move: Move) => (call: Call) => {
  if (!validPosition(call.long(3)) || call.size(2) >= SIGNED_MAX) return -Errno.EINVAL;
  return transfer(call, call.buffer(1, 2), writing, move);
};

/** preadv and pwritev; the 64-bit ABI passes the whole position in one register. The second kind takes -1 for "here", and RWF_* flags. */
function vectorAt(call: Call, writing: boolean, second: boolean): Reply {
  const at = call.long(3);
  if (second && call.int(5) !== 0) return -Errno.EOPNOTSUPP;
  if (!validPosition(at) && !(second && at === -1)) return -Errno.EINVAL;
  const ready = call.vectors(call.address(1), call.int(2));
  if (ready !== 0) return ready;
  if (at === -1) return transfer(call, call.vector, writing, writing ? moveWrite : moveRead);
  return transfer(call, call.vector, writing, writing ? moveWriteAt : moveReadAt);
}

function lseek(call: Call): Reply {
  const offset = call.long(1);
  return Number.isSafeInteger(offset) ? call.system.seek(call.task, call.int(0), offset, call.int(2)) : -Errno.EOVERFLOW;
}

/** A position that a call reads from memory and moves there: -1 if there is none. */
function fetchPosition(call: Call, at: GuestAddress): Reply {
  if (at === 0) return 0;
  const ready = call.reserve(at, 8);
  return ready === 0 ? call.fetch(at, 8) : ready;
}

interface End {
  readonly fd: number;
  /** Address of its position, 0 for the descriptor's own. */
  readonly at: GuestAddress;
}

function copyBetween(call: Call, from: End, to: End, size: number): Reply {
  const positions = [-1, -1];
  for (const [index, end] of [from, to].entries()) {
    const fetched = fetchPosition(call, end.at);
    if (fetched !== 0) return fetched;
    if (end.at === 0) continue;
    const position = getWord(call.view, 0);
    if (!validPosition(position)) return -Errno.EINVAL;
    positions[index] = position;
  }
  const moved = call.system.copy(call.task, from.fd, positions[0]!, to.fd, positions[1]!, Math.min(size, TRANSFER_BYTES_MAX));
  if (typeof moved !== 'number' || moved <= 0) return moved;
  for (const [index, end] of [from, to].entries()) {
    if (end.at === 0) continue;
    putWord(call.view, 0, positions[index]! + moved);
    call.store(end.at, 8);
  }
  return moved;
}

function sendfile(call: Call): Reply {
  const own = 0 as GuestAddress;
  return copyBetween(call, { fd: call.int(1), at: call.address(2) }, { fd: call.int(0), at: own }, call.size(3));
}

function copyFileRange(call: Call): Reply {
  if (call.int(5) !== 0) return -Errno.EINVAL;
  return copyBetween(call, { fd: call.int(0), at: call.address(1) }, { fd: call.int(2), at: call.address(3) }, call.size(4));
}

export const TRANSFER_CALLS: readonly Syscall[] = [
  row(62, 'lseek', 'int fd, off_t offset, int whence', lseek, 'restart'),
  row(63, 'read', 'int fd, void *buffer, size_t size', simple(false, moveRead), 'restart'),
  row(64, 'write', 'int fd, const void *buffer, size_t size', simple(true, moveWrite), 'restart'),
  row(65, 'readv', 'int fd, const struct iovec *vectors, int count', scattered(false, moveRead), 'restart'),
  row(66, 'writev', 'int fd, const struct iovec *vectors, int count', scattered(true, moveWrite), 'restart'),
  row(67, 'pread64', 'int fd, void *buffer, size_t size, off_t at', positioned(false, moveReadAt), 'restart'),
  row(68, 'pwrite64', 'int fd, const void *buffer, size_t size, off_t at', positioned(true, moveWriteAt), 'restart'),
  row(69, 'preadv', 'int fd, const struct iovec *vectors, int count, off_t at', (call) => vectorAt(call, false, false), 'restart'),
  row(70, 'pwritev', 'int fd, const struct iovec *vectors, int count, off_t at', (call) => vectorAt(call, true, false), 'restart'),
  row(71, 'sendfile', 'int out, int in, off_t *at, size_t size', sendfile, 'restart'),
  row(285, 'copy_file_range', 'int in, off_t *in_at, int out, off_t *out_at, size_t size, unsigned int flags', copyFileRange, 'restart'),
  row(
    286,
    'preadv2',
    'int fd, const struct iovec *vectors, int count, off_t at, long unused, int flags',
    (call) => vectorAt(call, false, true),
    'restart',
  ),
  row(
    287,
    'pwritev2',
    'int fd, const struct iovec *vectors, int count, off_t at, long unused, int flags',
    (call) => vectorAt(call, true, true),
    'restart',
  ),
];
