import { Errno, type GuestAddress, type Reply } from '@ashlar/hardware';
import { type Io, SOCKET_DESCRIPTORS_MAX } from '@ashlar/kernel-stub';
import { MMSGHDR_BYTES, MSGHDR_BYTES } from '../abi/structures.ts';
import { getUnsignedWord, putWord } from '../abi/word.ts';
import { type Call, isBytes } from '../call.ts';
import { storePair } from './descriptors.ts';
import { row, type Syscall } from './syscall.ts';

/** sizeof(struct sockaddr_storage). */
const ADDRESS_BYTES_MAX = 128;
/** Largest option value read or written. */
const OPTION_BYTES_MAX = 1024;
const MESSAGES_MAX = 1024;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const MSG_WAITFORONE = 0x1_0000;
/** cmsg(3). */
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const CMSG_BYTES = 16;
const CONTROL_BYTES_MAX = 1024;

/** A sockaddr from memory, a copy of its own. */
function fetchAddress(call: Call, at: number, bytes: number): Uint8Array | Reply {
  if (bytes < 0 || bytes > ADDRESS_BYTES_MAX) return -Errno.EINVAL;
  const fetched = call.fetch(at, bytes);
  return fetched === 0 ? call.scratch.slice(0, bytes) : fetched;
}

/** Hands an address over as `struct sockaddr *` and `socklen_t *` (value-result): cut to the room, with its whole length. */
function storeAddress(call: Call, at: number, lengthAt: number, length: number): Reply {
  if (at === 0) return 0;
  const fetched = call.fetch(lengthAt, 4);
  if (fetched !== 0) return fetched;
  const room = call.view.getInt32(0, true);
  if (room < 0) return -Errno.EINVAL;
  const stored = call.putSome(at, room, call.task.bytes.subarray(0, length));
  return typeof stored === 'number' && stored >= 0 ? call.storeInt(lengthAt, length) : stored;
}

/** Before a call that takes something off a queue: its address can be stored. */
function reserveAddress(call: Call, at: number, lengthAt: number): Reply {
  if (at === 0) return 0;
  const ready = call.reserve(lengthAt, 4);
  if (ready !== 0) return ready;
  const room = call.space.load32(lengthAt as GuestAddress);
  return typeof room === 'number' && room > 0 && room < 0x8000_0000 ? call.reserve(at, Math.min(room, ADDRESS_BYTES_MAX)) : 0;
}

const withAddress = (call: Call, at: number, length: number, use: (address: Uint8Array) => Reply): Reply => {
  const address = fetchAddress(call, at, length);
  return isBytes(address) ? use(address) : address;
};

function accept(call: Call, flags: number): Reply {
  const at = call.address(1);
  const lengthAt = call.address(2);
  const ready = reserveAddress(call, at, lengthAt);
  if (ready !== 0) return ready;
  const fd = call.system.accept(call.task, call.int(0), flags);
  if (typeof fd !== 'number' || fd < 0 || at === 0) return fd;
  const length = call.system.socketName(call.task, fd, true);
  const stored = length < 0 ? 0 : storeAddress(call, at, lengthAt, length);
  return stored === 0 ? fd : stored;
}

function name(call: Call, peer: boolean): Reply {
  const length = call.system.socketName(call.task, call.int(0), peer);
  return length < 0 ? length : storeAddress(call, call.address(1), call.address(2), length);
}

function sendto(call: Call): Reply {
  const { system, task } = call;
  const to = call.address(4);
  if (to === 0) return system.send(task, call.int(0), call.buffer(1, 2), call.int(3), new Uint8Array(0));
  return withAddress(call, to, call.int(5), (address) => system.send(task, call.int(0), call.buffer(1, 2), call.int(3), address));
}

function recvfrom(call: Call): Reply {
  const at = call.address(4);
  const lengthAt = call.address(5);
  const ready = reserveAddress(call, at, lengthAt);
  if (ready !== 0) return ready;
  const bytes = call.system.receive(call.task, call.int(0), call.buffer(1, 2), call.int(3));
  if (typeof bytes !== 'number' || bytes < 0) return bytes;
  const stored = storeAddress(call, at, lengthAt, call.task.values[0]!);
  return stored === 0 ? bytes : stored;
}

/** struct msghdr, as far as it matters. */
interface Message {
  readonly nameAt: number;
  readonly nameBytes: number;
  readonly controlAt: number;
  readonly controlBytes: number;
}

/** Reads a struct msghdr and sets the call's vector. */
function fetchMessage(call: Call, at: number): Message | Reply {
  const fetched = call.fetch(at, MSGHDR_BYTES);
  if (fetched !== 0) return fetched;
  const { view } = call;
  const message = {
    nameAt: getUnsignedWord(view, 0),
    nameBytes: view.getInt32(8, true),
    controlAt: getUnsignedWord(view, 32),
    controlBytes: getUnsignedWord(view, 40),
  };
  const count = getUnsignedWord(view, 24);
  const ready = count > 1024 ? -Errno.EMSGSIZE : call.vectors(getUnsignedWord(view, 16), count);
  return ready === 0 ? message : ready;
}

const isMessage = (value: Message | Reply): value is Message => typeof value === 'object' && 'nameAt' in value;

/** The descriptors of all SCM_RIGHTS messages in the control bytes (cmsg(3)); other kinds are refused, as Linux does for what it does not know. */
function sentDescriptors(call: Call, message: Message): number[] | Reply {
  if (message.controlBytes > CONTROL_BYTES_MAX) return -Errno.ENOBUFS;
  const fetched = call.fetch(message.controlAt, message.controlBytes);
  if (fetched !== 0) return fetched;
  const descriptors: number[] = [];
  for (let at = 0; at + CMSG_BYTES <= message.controlBytes; ) {
    const bytes = getUnsignedWord(call.view, at);
    if (bytes < CMSG_BYTES || at + bytes > message.controlBytes) return -Errno.EINVAL;
    if (call.view.getInt32(at + 8, true) !== SOL_SOCKET || call.view.getInt32(at + 12, true) !== SCM_RIGHTS) return -Errno.EINVAL;
    for (let fd = at + CMSG_BYTES; fd + 4 <= at + bytes; fd += 4) descriptors.push(call.view.getInt32(fd, true));
    at += Math.ceil(bytes / 8) * 8;
  }
  return descriptors;
}

/** Writes one SCM_RIGHTS message with what came along; the length of the control bytes. */
function storeDescriptors(call: Call, message: Message, count: number): number {
  if (count === 0) return 0;
  const bytes = CMSG_BYTES + count * 4;
  call.head(bytes).fill(0);
  putWord(call.view, 0, bytes);
  call.view.setInt32(8, SOL_SOCKET, true);
  call.view.setInt32(12, SCM_RIGHTS, true);
  for (let index = 0; index < count; index++) call.view.setInt32(CMSG_BYTES + index * 4, call.task.values[3 + index]!, true);
  call.store(message.controlAt, bytes);
  return Math.min(Math.ceil(bytes / 8) * 8, message.controlBytes);
}

function sendMessage(call: Call, at: number): Reply {
  const message = fetchMessage(call, at);
  if (!isMessage(message)) return message;
  const descriptors = message.controlBytes > 0 ? sentDescriptors(call, message) : [];
  if (!Array.isArray(descriptors)) return descriptors as Reply;
  const send = (io: Io, address: Uint8Array): Reply =>
    call.system.send(call.task, call.int(0), io, messageFlags(call), address, descriptors);
  if (message.nameAt === 0 || message.nameBytes === 0) return send(call.vector, new Uint8Array(0));
  return withAddress(call, message.nameAt, message.nameBytes, (address) => send(call.vector, address));
}

/** Flags of sendmsg and recvmsg are argument 2, those of sendmmsg and recvmmsg argument 3. */
function messageFlags(call: Call): number {
  const many = call.context.readLow(17) === 269 || call.context.readLow(17) === 243;
  return call.int(many ? 3 : 2) & ~(MSG_CMSG_CLOEXEC | MSG_WAITFORONE);
}

/** MSG_CMSG_CLOEXEC, which only receiving knows. */
const cloexecFlag = (call: Call): number => call.int(call.context.readLow(17) === 243 ? 3 : 2) & MSG_CMSG_CLOEXEC;

function receiveMessage(call: Call, at: number): Reply {
  const ready = call.reserve(at, MSGHDR_BYTES);
  if (ready !== 0) return ready;
  const message = fetchMessage(call, at);
  if (!isMessage(message)) return message;
  const nameRoom = Math.max(0, Math.min(message.nameBytes, ADDRESS_BYTES_MAX));
  if (message.nameAt !== 0) {
    const writable = call.reserve(message.nameAt, nameRoom);
    if (writable !== 0) return writable;
  }
  const room = Math.min(SOCKET_DESCRIPTORS_MAX, Math.max(0, Math.floor((message.controlBytes - CMSG_BYTES) / 4)));
  if (room > 0) {
    const writable = call.reserve(message.controlAt, CMSG_BYTES + room * 4);
    if (writable !== 0) return writable;
  }
  const bytes = call.system.receive(call.task, call.int(0), call.vector, messageFlags(call) | cloexecFlag(call), room);
  if (typeof bytes !== 'number' || bytes < 0) return bytes;
  const [addressBytes, flags, count] = [call.task.values[0]!, call.task.values[1]!, call.task.values[2]!];
  if (message.nameAt !== 0) {
    const stored = call.putSome(message.nameAt, nameRoom, call.task.bytes.subarray(0, addressBytes));
    if (typeof stored !== 'number' || stored < 0) return stored;
    call.storeInt(at + 8, addressBytes);
  }
  const controlBytes = storeDescriptors(call, message, count);
  putWord(call.view, 0, controlBytes);
  call.store(at + 40, 8);
  call.storeInt(at + 48, flags);
  return bytes;
}

/**
 * sendmmsg and recvmmsg: as many as go without waiting after the first; that one may wait. Of a later one that would wait what has moved already counts,
 * as if a signal had come.
 */
function manyMessages(call: Call, one: (call: Call, at: number) => Reply): Reply {
  const at = call.address(1);
  const count = Math.min(call.unsigned(2), MESSAGES_MAX);
  for (let done = 0; done < count; done++) {
    const each = at + done * MMSGHDR_BYTES;
    const ready = call.reserve(each, MMSGHDR_BYTES);
    const bytes = ready === 0 ? one(call, each) : ready;
    if (typeof bytes === 'number' && bytes >= 0) {
      call.storeInt(each + MSGHDR_BYTES, bytes);
      continue;
    }
    if (done === 0) return bytes;
    const { progress } = call.task;
    if (typeof bytes === 'number' || typeof progress !== 'number') return done;
    call.storeInt(each + MSGHDR_BYTES, progress);
    return done + 1;
  }
  return count;
}

function getsockopt(call: Call): Reply {
  const lengthAt = call.address(4);
  const fetched = call.fetch(lengthAt, 4);
  if (fetched !== 0) return fetched;
  const room = call.view.getInt32(0, true);
  if (room < 0) return -Errno.EINVAL;
  const length = call.system.socketOption(call.task, call.int(0), call.int(1), call.int(2));
  if (length < 0) return length;
  const stored = call.putSome(call.address(3), room, call.task.bytes.subarray(0, length));
  return typeof stored === 'number' && stored >= 0 ? call.storeInt(lengthAt, stored) : stored;
}

function setsockopt(call: Call): Reply {
  const bytes = call.int(4);
  if (bytes < 0 || bytes > OPTION_BYTES_MAX) return -Errno.EINVAL;
  const fetched = call.fetch(call.address(3), bytes);
  if (fetched !== 0) return fetched;
  return call.system.setSocketOption(call.task, call.int(0), call.int(1), call.int(2), call.scratch.slice(0, bytes));
}

export const SOCKET_CALLS: readonly Syscall[] = [
  row(198, 'socket', 'int family, int type, int protocol', (call) => call.system.socket(call.task, call.int(0), call.int(1), call.int(2))),
  row(199, 'socketpair', 'int family, int type, int protocol, int pair[2]', (call) =>
    storePair(call, call.address(3), () => call.system.socketPair(call.task, call.int(0), call.int(1), call.int(2))),
  ),
  row(200, 'bind', 'int fd, const struct sockaddr *address, socklen_t length', (call) =>
    withAddress(call, call.address(1), call.int(2), (address) => call.system.bind(call.task, call.int(0), address)),
  ),
  row(201, 'listen', 'int fd, int backlog', (call) => call.system.listen(call.task, call.int(0), call.int(1))),
  row(202, 'accept', 'int fd, struct sockaddr *address, socklen_t *length', (call) => accept(call, 0), 'restart'),
  row(
    203,
    'connect',
    'int fd, const struct sockaddr *address, socklen_t length',
    (call) => withAddress(call, call.address(1), call.int(2), (address) => call.system.connect(call.task, call.int(0), address)),
    'restart',
  ),
  row(204, 'getsockname', 'int fd, struct sockaddr *address, socklen_t *length', (call) => name(call, false)),
  row(205, 'getpeername', 'int fd, struct sockaddr *address, socklen_t *length', (call) => name(call, true)),
  row(206, 'sendto', 'int fd, const void *buffer, size_t size, int flags, const struct sockaddr *to, socklen_t length', sendto, 'restart'),
  row(207, 'recvfrom', 'int fd, void *buffer, size_t size, int flags, struct sockaddr *from, socklen_t *length', recvfrom, 'restart'),
  row(208, 'setsockopt', 'int fd, int level, int name, const void *value, socklen_t length', setsockopt),
  row(209, 'getsockopt', 'int fd, int level, int name, void *value, socklen_t *length', getsockopt),
  row(210, 'shutdown', 'int fd, int how', (call) => call.system.shutdown(call.task, call.int(0), call.int(1))),
  row(211, 'sendmsg', 'int fd, const struct msghdr *message, int flags', (call) => sendMessage(call, call.address(1)), 'restart'),
  row(212, 'recvmsg', 'int fd, struct msghdr *message, int flags', (call) => receiveMessage(call, call.address(1)), 'restart'),
  row(242, 'accept4', 'int fd, struct sockaddr *address, socklen_t *length, int flags', (call) => accept(call, call.int(3)), 'restart'),
  row(
    243,
    'recvmmsg',
    'int fd, struct mmsghdr *messages, unsigned int count, int flags, struct timespec *timeout',
    (call) => manyMessages(call, receiveMessage),
    'restart',
  ),
  row(
    269,
    'sendmmsg',
    'int fd, struct mmsghdr *messages, unsigned int count, int flags',
    (call) => manyMessages(call, sendMessage),
    'restart',
  ),
];
