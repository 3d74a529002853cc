import {
  type AttributeChange,
  type Attributes,
  type Console,
  type Device,
  type DeviceKind,
  type Entropy,
  Errno,
  type EventKey,
  type FilesystemStatistics,
  type Instant,
  type PartReader,
  type PartWriter,
  type Reply,
  type Result,
  type Share,
  type Socket,
  type SocketAddress,
  type Tag,
  type Wait,
} from '@ashlar/hardware';
import type { FrameWriter } from './cursor.ts';
import { readJson } from './describe.ts';
import { type Caller, type Link, WAITS } from './link.ts';
import { OP_LIMITS, Op } from './ops.ts';
import { readAttributes, readStatistics, readWait, writeChange } from './records.ts';
import type { RemoteKeys } from './remote-keys.ts';
import { partFromBytes, partToBytes } from './saved-device.ts';

/** How a device reaches its far end. */
export interface RemoteAccess {
  readonly link: Link;
  readonly caller: Caller;
  readonly keys: RemoteKeys;
}

/** A device of another thread or level: each request is one frame. */
class RemoteDevice {
  readonly schema: string;
  readonly event: EventKey;
  protected readonly access: RemoteAccess;
  readonly #index: number;

  constructor(access: RemoteAccess, index: number, schema: string, event: EventKey) {
    this.access = access;
    this.#index = index;
    this.schema = schema;
    this.event = event;
  }

  reset(): Reply {
    this.begin(Op.RESET);
    return this.reply();
  }

  offered(): readonly string[] {
    this.begin(Op.OFFERED);
    if (this.reply() !== 0) return [];
    const features = readJson(this.access.link.reader);
    return Array.isArray(features) ? features.filter((feature): feature is string => typeof feature === 'string') : [];
  }

  accept(features: readonly string[]): Result {
    this.begin(Op.ACCEPT).text(JSON.stringify(features));
    return this.result();
  }

  quiesce(until: Instant): Reply {
    this.begin(Op.QUIESCE).instant(until);
    return this.reply();
  }

  /** The far end saves once and hands the bytes over in pieces; then they are written here. */
  save(out: PartWriter): Reply {
    const pieces: Uint8Array[] = [];
    let at = 0;
    for (;;) {
      this.begin(Op.SAVE).u32(at);
      const total = this.reply();
      if (typeof total !== 'number' || total < 0) return total;
      const piece = this.access.link.reader.bytes(OP_LIMITS.pieceBytesMax).slice();
      at += piece.length;
      if (!this.access.link.reader.ok || at > total || (piece.length === 0 && at < total)) return -Errno.EPROTO;
      pieces.push(piece);
      if (at === total) return partFromBytes(joined(pieces, total), out);
    }
  }

  restore(part: PartReader): Reply {
    const bytes = partToBytes(part);
    if (bytes.length > OP_LIMITS.savedBytesMax) return -Errno.E2BIG;
    let reply: Reply = 0;
    for (let at = 0; at < bytes.length; at += OP_LIMITS.pieceBytesMax) {
      const piece = bytes.subarray(at, at + OP_LIMITS.pieceBytesMax);
      this.begin(Op.RESTORE).u32(at).u32(bytes.length).data(piece);
      reply = this.reply();
      if (typeof reply !== 'number' || reply < 0) return reply;
    }
    return reply;
  }

  close(): void {
    this.begin(Op.CLOSE);
    this.result();
  }

  protected begin(op: number): FrameWriter {
    const { link, caller } = this.access;
    return link.begin(caller, op).u16(this.#index);
  }

  protected reply(): Reply {
    const { link, caller } = this.access;
    const result = link.finish(caller);
    return result === WAITS ? this.#wait() : result;
  }

  /** For requests that may not wait. */
  protected result(): Result {
    const { link, caller } = this.access;
    const result = link.finish(caller);
    return result === WAITS ? -Errno.EPROTO : result;
  }

  /** Copies the reply's bytes, which are as many as its result says, to `to`. */
  protected replyInto(to: Uint8Array, ask: number): Reply {
    const reply = this.reply();
    if (typeof reply !== 'number' || reply < 0) return reply;
    const { reader } = this.access.link;
    const data = reader.bytes(ask);
    if (!reader.ok || data.length > to.length) return -Errno.EPROTO;
    to.set(data);
    return reply;
  }

  #wait(): Wait | Result {
    const { link, keys } = this.access;
    const wait = readWait(link.reader, (key) => keys.local(key));
    return link.reader.ok ? wait : -Errno.EPROTO;
  }
}

function joined(pieces: readonly Uint8Array[], total: number): Uint8Array {
  const out = new Uint8Array(total);
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

class RemoteOther extends RemoteDevice implements Device {
  readonly kind: DeviceKind;

  constructor(kind: DeviceKind, ...rest: ConstructorParameters<typeof RemoteDevice>) {
    super(...rest);
    this.kind = kind;
  }
}

class RemoteConsole extends RemoteDevice implements Console {
  readonly kind = 'console';

  read(to: Uint8Array): Reply {
    const ask = Math.min(to.length, OP_LIMITS.consoleBytesMax);
    this.begin(Op.CONSOLE_READ).u32(ask);
    return this.replyInto(to, ask);
  }

  write(from: Uint8Array): Reply {
    this.begin(Op.CONSOLE_WRITE).data(from.subarray(0, OP_LIMITS.consoleBytesMax));
    return this.reply();
  }

  size(out: { columns: number; rows: number }): Result {
    this.begin(Op.CONSOLE_SIZE);
    const result = this.result();
    if (result < 0) return result;
    out.columns = this.access.link.reader.u32();
    out.rows = this.access.link.reader.u32();
    return result;
  }
}

class RemoteEntropy extends RemoteDevice implements Entropy {
  readonly kind = 'entropy';

  fill(to: Uint8Array): Result {
    this.begin(Op.FILL).u32(to.length);
    const reply = this.replyInto(to, OP_LIMITS.entropyBytesMax);
    return typeof reply === 'number' ? reply : -Errno.EPROTO;
  }
}

class RemoteShare extends RemoteDevice implements Share {
  readonly kind = 'share';

  lookup(parent: number, name: Uint8Array, out: Attributes): Reply {
    this.begin(Op.LOOKUP).u53(parent).data(name);
    return this.#attributes(out);
  }

  getattr(node: number, out: Attributes): Reply {
    this.begin(Op.GETATTR).u53(node);
    return this.#attributes(out);
  }

  setattr(tag: Tag, node: number, change: AttributeChange, out: Attributes): Reply {
    writeChange(this.begin(Op.SETATTR).u32(tag).u53(node), change);
    return this.#attributes(out);
  }

  readlink(node: number, to: Uint8Array): Reply {
    const ask = Math.min(to.length, OP_LIMITS.targetBytesMax);
    this.begin(Op.READLINK).u53(node).u32(ask);
    return this.replyInto(to, ask);
  }

  create(tag: Tag, parent: number, name: Uint8Array, mode: number, rdev: number, out: Attributes): Reply {
    this.begin(Op.CREATE).u32(tag).u53(parent).data(name).u32(mode).u53(rdev);
    return this.#attributes(out);
  }

  mkdir(tag: Tag, parent: number, name: Uint8Array, mode: number, out: Attributes): Reply {
    this.begin(Op.MKDIR).u32(tag).u53(parent).data(name).u32(mode);
    return this.#attributes(out);
  }

  symlink(tag: Tag, parent: number, name: Uint8Array, target: Uint8Array, out: Attributes): Reply {
    this.begin(Op.SYMLINK).u32(tag).u53(parent).data(name).data(target);
    return this.#attributes(out);
  }

  link(tag: Tag, node: number, parent: number, name: Uint8Array, out: Attributes): Reply {
    this.begin(Op.LINK).u32(tag).u53(node).u53(parent).data(name);
    return this.#attributes(out);
  }

  unlink(tag: Tag, parent: number, name: Uint8Array): Reply {
    this.begin(Op.UNLINK).u32(tag).u53(parent).data(name);
    return this.reply();
  }

  rmdir(tag: Tag, parent: number, name: Uint8Array): Reply {
    this.begin(Op.RMDIR).u32(tag).u53(parent).data(name);
    return this.reply();
  }

  rename(tag: Tag, from: number, name: Uint8Array, to: number, newName: Uint8Array, flags: number): Reply {
    this.begin(Op.RENAME).u32(tag).u53(from).data(name).u53(to).data(newName).u32(flags);
    return this.reply();
  }

  read(node: number, at: number, to: Uint8Array): Reply {
    const ask = Math.min(to.length, OP_LIMITS.shareBytesMax);
    this.begin(Op.READ).u53(node).u53(at).u32(ask);
    return this.replyInto(to, ask);
  }

  write(node: number, at: number, from: Uint8Array): Reply {
    this.begin(Op.WRITE).u53(node).u53(at).data(from.subarray(0, OP_LIMITS.shareBytesMax));
    return this.reply();
  }

  readdir(node: number, cookie: number, to: Uint8Array): Reply {
    const ask = Math.min(to.length, OP_LIMITS.shareBytesMax);
    this.begin(Op.READDIR).u53(node).u53(cookie).u32(ask);
    return this.replyInto(to, ask);
  }

  fsync(node: number): Reply {
    this.begin(Op.FSYNC).u53(node);
    return this.reply();
  }

  statfs(out: FilesystemStatistics): Reply {
    this.begin(Op.STATFS);
    const reply = this.reply();
    if (reply === 0) readStatistics(this.access.link.reader, out);
    return this.access.link.reader.ok ? reply : -Errno.EPROTO;
  }

  forget(node: number, count: number): void {
    this.begin(Op.FORGET).u53(node).u53(count);
    this.result();
  }

  #attributes(out: Attributes): Reply {
    const reply = this.reply();
    if (typeof reply !== 'number' || reply < 0) return reply;
    readAttributes(this.access.link.reader, out);
    return this.access.link.reader.ok ? reply : -Errno.EPROTO;
  }
}

class RemoteSocket extends RemoteDevice implements Socket {
  readonly kind = 'socket';

  connect(tag: Tag, to: SocketAddress): Reply {
    this.begin(Op.CONNECT).u32(tag).text(to.host).u16(to.port);
    return this.reply();
  }

  listen(tag: Tag, at: SocketAddress, backlog: number): Reply {
    this.begin(Op.LISTEN).u32(tag).text(at.host).u16(at.port).u32(backlog);
    return this.reply();
  }

  acceptConnection(tag: Tag, listener: number): Reply {
    this.begin(Op.ACCEPT_CONNECTION).u32(tag).u32(listener);
    return this.reply();
  }

  name(id: number, out: { localPort: number; peerHost: string; peerPort: number }): Reply {
    this.begin(Op.NAME).u32(id);
    const reply = this.reply();
    if (typeof reply !== 'number' || reply < 0) return reply;
    const { reader } = this.access.link;
    out.localPort = reader.u16();
    out.peerHost = reader.text(OP_LIMITS.hostBytesMax);
    out.peerPort = reader.u16();
    return reader.ok ? reply : -Errno.EPROTO;
  }

  send(connection: number, sequence: number, from: Uint8Array): Reply {
    this.begin(Op.SEND).u32(connection).u53(sequence).data(from.subarray(0, OP_LIMITS.socketBytesMax));
    return this.reply();
  }

  receive(connection: number, sequence: number, to: Uint8Array): Reply {
    const ask = Math.min(to.length, OP_LIMITS.socketBytesMax);
    this.begin(Op.RECEIVE).u32(connection).u53(sequence).u32(ask);
    return this.replyInto(to, ask);
  }

  ready(id: number): number {
    this.begin(Op.READY).u32(id);
    return this.result();
  }

  shutdown(connection: number): Reply {
    this.begin(Op.SHUTDOWN).u32(connection);
    return this.reply();
  }

  closeConnection(id: number): void {
    this.begin(Op.CLOSE_CONNECTION).u32(id);
    this.result();
  }
}

/** Opens the device at `index` of the far end's list (its names in order). A device that the far end will not open answers with errors. */
export function openRemoteDevice(access: RemoteAccess, index: number, kind: DeviceKind): Device {
  const { link, caller, keys } = access;
  link.begin(caller, Op.OPEN).u16(index);
  const result = link.finish(caller);
  const opened = result === 0;
  const event = keys.local(opened ? link.reader.u32() : 0);
  const schema = opened ? link.reader.text(OP_LIMITS.nameBytesMax) : '';
  switch (kind) {
    case 'console':
      return new RemoteConsole(access, index, schema, event);
    case 'share':
      return new RemoteShare(access, index, schema, event);
    case 'socket':
      return new RemoteSocket(access, index, schema, event);
    case 'entropy':
      return new RemoteEntropy(access, index, schema, event);
    default:
      return new RemoteOther(kind, access, index, schema, event);
  }
}
