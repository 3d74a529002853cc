import { type Console, type Device, type DeviceKind, type Entropy, Errno, type Reply, type Share, type Socket } from '@ashlar/hardware';
import { PartBuilder, PartError, readPart } from '@ashlar/machine-image';
import type { FrameReader, FrameWriter } from './cursor.ts';
import { readJson } from './describe.ts';
import { OP_LIMITS, Op } from './ops.ts';
import { newAttributes, newStatistics, readChange, readInstant, writeAttributes, writeStatistics } from './records.ts';

const MALFORMED: Reply = -Errno.EBADMSG;
const TOO_MUCH: Reply = -Errno.EINVAL;

/** One opened device of a partition, with what is kept between the frames of a request that needs several. */
export class ServedDevice {
  readonly device: Device;
  /** The saved state that is being collected, and its pieces that came so far when restoring. */
  saved: Uint8Array | undefined;
  arriving: Uint8Array | undefined;
  arrived = 0;

  constructor(device: Device) {
    this.device = device;
  }
}

/** Bits 8 to 15 of an op say which kind of device it is for. */
const KIND_OF_GROUP: Readonly<Record<number, DeviceKind>> = { 2: 'console', 3: 'share', 4: 'socket', 5: 'entropy' };

const attributes = newAttributes();
const statistics = newStatistics();

/** Answers one request of a device. What it writes after the result counts only if the answer is not negative and no wait. */
export function serveDevice(op: number, served: ServedDevice, from: FrameReader, to: FrameWriter): Reply {
  const { device } = served;
  const group = op >>> 8;
  if (group === 1) return serveCommon(op, served, from, to);
  const kind = KIND_OF_GROUP[group];
  if (kind === undefined) return -Errno.ENOSYS;
  if (kind !== device.kind) return -Errno.EINVAL;
  if (kind === 'console') return serveConsole(op, device as Console, from, to);
  if (kind === 'share') return serveShare(op, device as Share, from, to);
  if (kind === 'socket') return serveSocket(op, device as Socket, from, to);
  return serveEntropy(op, device as Entropy, from, to);
}

function serveCommon(op: number, served: ServedDevice, from: FrameReader, to: FrameWriter): Reply {
  const { device } = served;
  switch (op) {
    case Op.RESET:
      return from.finished ? device.reset() : MALFORMED;
    case Op.OFFERED:
      if (!from.finished) return MALFORMED;
      to.text(JSON.stringify(device.offered()));
      return 0;
    case Op.ACCEPT: {
      const features = readJson(from);
      if (!from.finished || !isTexts(features)) return MALFORMED;
      return device.accept(features);
    }
    case Op.QUIESCE: {
      const until = readInstant(from);
      return from.finished ? device.quiesce(until) : MALFORMED;
    }
    case Op.SAVE: {
      const at = from.u32();
      return from.finished ? saveDevice(served, at, to) : MALFORMED;
    }
    case Op.RESTORE: {
      const at = from.u32();
      const total = from.u32();
      const piece = from.bytes(OP_LIMITS.pieceBytesMax);
      return from.finished ? restoreDevice(served, at, total, piece) : MALFORMED;
    }
    default:
      return -Errno.ENOSYS;
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** The first piece saves; the others must follow in order. */
function saveDevice(served: ServedDevice, at: number, to: FrameWriter): Reply {
  if (at === 0) {
    const out = new PartBuilder();
    const reply = served.device.save(out);
    if (reply !== 0) return reply;
    served.saved = out.toBytes();
    if (served.saved.length > OP_LIMITS.savedBytesMax) return -Errno.E2BIG;
  }
  const { saved } = served;
  if (saved === undefined || at >= saved.length) return -Errno.EINVAL;
  to.data(saved.subarray(at, at + OP_LIMITS.pieceBytesMax));
  if (at + OP_LIMITS.pieceBytesMax >= saved.length) served.saved = undefined;
  return saved.length;
}

function restoreDevice(served: ServedDevice, at: number, total: number, piece: Uint8Array): Reply {
  if (total > OP_LIMITS.savedBytesMax) return -Errno.E2BIG;
  if (at === 0) {
    served.arriving = new Uint8Array(total);
    served.arrived = 0;
  }
  const { arriving } = served;
  if (arriving === undefined || arriving.length !== total || at !== served.arrived || at + piece.length > total) return -Errno.EINVAL;
  arriving.set(piece, at);
  served.arrived += piece.length;
  if (served.arrived < total) return 0;
  served.arriving = undefined;
  try {
    return served.device.restore(readPart(arriving));
  } catch (error) {
    if (error instanceof PartError) return -Errno.EINVAL;
    throw error;
  }
}

function serveConsole(op: number, console: Console, from: FrameReader, to: FrameWriter): Reply {
  switch (op) {
    case Op.CONSOLE_READ: {
      const count = from.u32();
      if (!from.finished) return MALFORMED;
      return fill(to, count, OP_LIMITS.consoleBytesMax, (bytes) => console.read(bytes));
    }
    case Op.CONSOLE_WRITE: {
      const data = from.bytes(OP_LIMITS.consoleBytesMax);
      return from.finished ? console.write(data) : MALFORMED;
    }
    case Op.CONSOLE_SIZE: {
      if (!from.finished) return MALFORMED;
      const size = { columns: 0, rows: 0 };
      const result = console.size(size);
      to.u32(size.columns).u32(size.rows);
      return result;
    }
    default:
      return -Errno.ENOSYS;
  }
}

function serveEntropy(op: number, entropy: Entropy, from: FrameReader, to: FrameWriter): Reply {
  if (op !== Op.FILL) return -Errno.ENOSYS;
  const count = from.u32();
  if (!from.finished) return MALFORMED;
  return fill(to, count, OP_LIMITS.entropyBytesMax, (bytes) => entropy.fill(bytes));
}

/** Has `read` fill the reply itself; as many bytes travel as it says, and never more than were asked for. */
function fill(to: FrameWriter, count: number, max: number, read: (bytes: Uint8Array) => Reply): Reply {
  if (count > max || count + 4 > to.left) return TOO_MUCH;
  const lengthAt = to.at;
  // Zeroed: the buffer holds what other partitions were answered, and a driver may say that it filled more than it did.
  const bytes = to.bytes.subarray(lengthAt + 4, lengthAt + 4 + count).fill(0);
  const reply = read(bytes);
  if (typeof reply === 'number' && reply >= 0) {
    const length = Math.min(reply, count);
    to.u32(length).reserve(length);
  }
  return reply;
}

function serveShare(op: number, share: Share, from: FrameReader, to: FrameWriter): Reply {
  switch (op) {
    case Op.LOOKUP:
    case Op.GETATTR:
    case Op.SETATTR:
    case Op.CREATE:
    case Op.MKDIR:
    case Op.SYMLINK:
    case Op.LINK: {
      const reply = serveAttributes(op, share, from);
      if (typeof reply === 'number' && reply >= 0) writeAttributes(to, attributes);
      return reply;
    }
    case Op.UNLINK:
    case Op.RMDIR: {
      const tag = from.u32();
      const parent = from.u53();
      const name = from.bytes(OP_LIMITS.nameBytesMax);
      if (!from.finished) return MALFORMED;
      return op === Op.UNLINK ? share.unlink(tag, parent, name) : share.rmdir(tag, parent, name);
    }
    case Op.RENAME: {
      const tag = from.u32();
      const node = from.u53();
      const name = from.bytes(OP_LIMITS.nameBytesMax);
      const target = from.u53();
      const newName = from.bytes(OP_LIMITS.nameBytesMax);
      const flags = from.u32();
      return from.finished ? share.rename(tag, node, name, target, newName, flags) : MALFORMED;
    }
    case Op.FSYNC: {
      const node = from.u53();
      return from.finished ? share.fsync(node) : MALFORMED;
    }
    case Op.STATFS: {
      if (!from.finished) return MALFORMED;
      const reply = share.statfs(statistics);
      writeStatistics(to, statistics);
      return reply;
    }
    case Op.FORGET: {
      const node = from.u53();
      const count = from.u53();
      if (!from.finished) return MALFORMED;
      share.forget(node, count);
      return 0;
    }
    default:
      return serveShareData(op, share, from, to);
  }
}

function serveAttributes(op: number, share: Share, from: FrameReader): Reply {
  if (op === Op.LOOKUP) {
    const parent = from.u53();
    const name = from.bytes(OP_LIMITS.nameBytesMax);
    return from.finished ? share.lookup(parent, name, attributes) : MALFORMED;
  }
  if (op === Op.GETATTR) {
    const node = from.u53();
    return from.finished ? share.getattr(node, attributes) : MALFORMED;
  }
  const tag = from.u32();
  const node = from.u53();
  if (op === Op.SETATTR) {
    const change = readChange(from);
    return from.finished ? share.setattr(tag, node, change, attributes) : MALFORMED;
  }
  if (op === Op.LINK) {
    const parent = from.u53();
    const name = from.bytes(OP_LIMITS.nameBytesMax);
    return from.finished ? share.link(tag, node, parent, name, attributes) : MALFORMED;
  }
  const name = from.bytes(OP_LIMITS.nameBytesMax);
  if (op === Op.SYMLINK) {
    const target = from.bytes(OP_LIMITS.targetBytesMax);
    return from.finished ? share.symlink(tag, node, name, target, attributes) : MALFORMED;
  }
  const mode = from.u32();
  if (op === Op.MKDIR) return from.finished ? share.mkdir(tag, node, name, mode, attributes) : MALFORMED;
  const rdev = from.u53();
  return from.finished ? share.create(tag, node, name, mode, rdev, attributes) : MALFORMED;
}

function serveShareData(op: number, share: Share, from: FrameReader, to: FrameWriter): Reply {
  const node = from.u53();
  if (op === Op.READLINK) {
    const count = from.u32();
    if (!from.finished) return MALFORMED;
    return fill(to, count, OP_LIMITS.targetBytesMax, (bytes) => share.readlink(node, bytes));
  }
  const at = from.u53();
  if (op === Op.WRITE) {
    const data = from.bytes(OP_LIMITS.shareBytesMax);
    return from.finished ? share.write(node, at, data) : MALFORMED;
  }
  const count = from.u32();
  if (!from.finished) return op === Op.READ || op === Op.READDIR ? MALFORMED : -Errno.ENOSYS;
  if (op === Op.READ) return fill(to, count, OP_LIMITS.shareBytesMax, (bytes) => share.read(node, at, bytes));
  if (op === Op.READDIR) return fill(to, count, OP_LIMITS.shareBytesMax, (bytes) => share.readdir(node, at, bytes));
  return -Errno.ENOSYS;
}

function serveSocket(op: number, socket: Socket, from: FrameReader, to: FrameWriter): Reply {
  const first = from.u32();
  switch (op) {
    case Op.CONNECT:
    case Op.LISTEN: {
      const host = from.text(OP_LIMITS.hostBytesMax);
      const address = { host, port: from.u16() };
      if (op === Op.CONNECT) return from.finished ? socket.connect(first, address) : MALFORMED;
      const backlog = from.u32();
      return from.finished ? socket.listen(first, address, backlog) : MALFORMED;
    }
    case Op.ACCEPT_CONNECTION: {
      const listener = from.u32();
      return from.finished ? socket.acceptConnection(first, listener) : MALFORMED;
    }
    case Op.NAME: {
      if (!from.finished) return MALFORMED;
      const out = { localPort: 0, peerHost: '', peerPort: 0 };
      const reply = socket.name(first, out);
      to.u16(out.localPort).text(out.peerHost).u16(out.peerPort);
      return reply;
    }
    case Op.SEND: {
      const sequence = from.u53();
      const data = from.bytes(OP_LIMITS.socketBytesMax);
      return from.finished ? socket.send(first, sequence, data) : MALFORMED;
    }
    case Op.RECEIVE: {
      const sequence = from.u53();
      const count = from.u32();
      if (!from.finished) return MALFORMED;
      return fill(to, count, OP_LIMITS.socketBytesMax, (bytes) => socket.receive(first, sequence, bytes));
    }
    case Op.READY:
      return from.finished ? socket.ready(first) : MALFORMED;
    case Op.SHUTDOWN:
      return from.finished ? socket.shutdown(first) : MALFORMED;
    case Op.CLOSE_CONNECTION:
      if (!from.finished) return MALFORMED;
      socket.closeConnection(first);
      return 0;
    default:
      return -Errno.ENOSYS;
  }
}
