import { Errno, FileType, type Plain, type Reply, type Result } from '@ashlar/hardware';
import { type Io, OpenFlag, type Status } from '@ashlar/kernel-stub';
import { Description } from './description.ts';
import type { Caller } from './host.ts';
import { anonymousStatus, type Pipe } from './pipe.ts';
import { type Address, formatAddress } from './socket-address.ts';

/** Levels, options and flags of getsockopt(2) and recv(2) that have an effect here. */
export const SOL_SOCKET = 1;
export const SocketOption = {
  REUSEADDR: 2,
  TYPE: 3,
  ERROR: 4,
  SNDBUF: 7,
  RCVBUF: 8,
  KEEPALIVE: 9,
  PEERCRED: 17,
  ACCEPTCONN: 30,
  PROTOCOL: 38,
  DOMAIN: 39,
} as const;
export const MessageFlag = {
  OOB: 1,
  PEEK: 2,
  CTRUNC: 8,
  TRUNC: 0x20,
  DONTWAIT: 0x40,
  WAITALL: 0x100,
  NOSIGNAL: 0x4000,
  CMSG_CLOEXEC: 0x4000_0000,
} as const;

/** What a socket's buffers are said to hold; Linux doubles what is set. */
export const SOCKET_BUFFER_BYTES = 212_992;
/** Options remembered for a socket. */
const OPTIONS_MAX = 64;

/** What `receive` says beside the count. */
export interface Received {
  from: Address | undefined;
  /** MSG_* bits. */
  flags: number;
  /** Descriptions that came along, each held for whoever asked. */
  rights: readonly Description[];
}

/** Numbers of what a socket refers to, for saving. */
export interface SocketNumbers {
  pipe(pipe: Pipe): void;
  description(description: Description): number;
}

/** A socket: what streams and datagrams have in common. Messages with no peer answer -ENOTCONN, unless overridden. */
export abstract class SocketDescription extends Description {
  readonly kind = 'socket';
  abstract readonly type: number;
  readonly family: number;
  readonly protocol: number;
  readonly serial: number;
  local: Address | undefined;
  /** A failure that the next call or SO_ERROR tells. */
  error = 0;
  readonly options = new Map<number, Uint8Array>();

  constructor(serial: number, family: number, protocol: number, flags: number) {
    super(OpenFlag.READ_WRITE | (flags & OpenFlag.NONBLOCK));
    this.serial = serial;
    this.family = family;
    this.protocol = protocol;
  }

  abstract get peer(): Address | undefined;
  abstract get listening(): boolean;
  abstract bind(caller: Caller, address: Address): Reply;
  abstract connect(caller: Caller, address: Address | undefined): Reply;
  /** `rights`: descriptions that go along; their references are taken over if the answer is a number > 0 or, with boundaries, ≥ 0. */
  abstract send(caller: Caller, io: Io, flags: number, to: Address | undefined, rights: readonly Description[]): Reply;
  abstract receive(caller: Caller, io: Io, flags: number, out: Received): Reply;
  abstract shutdown(how: number): Result;
  /** What `save` cannot say without numbers for other descriptions. */
  abstract saveWith(numbers: SocketNumbers): Plain;

  listen(_backlog: number): Result {
    return -Errno.EOPNOTSUPP;
  }

  accept(_caller: Caller): SocketDescription | Reply {
    return -Errno.EOPNOTSUPP;
  }

  override read(caller: Caller, io: Io): Reply {
    const out: Received = { from: undefined, flags: 0, rights: [] };
    const reply = this.receive(caller, io, 0, out);
    for (const description of out.rights) description.release();
    return reply;
  }

  override write(caller: Caller, io: Io): Reply {
    return this.send(caller, io, 0, undefined, []);
  }

  /** Value bytes, or -ENOPROTOOPT. */
  option(level: number, name: number): Uint8Array | Result {
    if (level === SOL_SOCKET) {
      const value = this.#known(name);
      if (value !== undefined) return new Uint8Array(Int32Array.of(...value).buffer);
    }
    return this.options.get(optionKey(level, name)) ?? new Uint8Array(4);
  }

  setOption(level: number, name: number, value: Uint8Array): Result {
    if (level === SOL_SOCKET && value.length < 4) return -Errno.EINVAL;
    const key = optionKey(level, name);
    if (!this.options.has(key) && this.options.size >= OPTIONS_MAX) return -Errno.ENOBUFS;
    const doubled = level === SOL_SOCKET && (name === SocketOption.SNDBUF || name === SocketOption.RCVBUF);
    this.options.set(key, doubled ? double(value) : value.slice());
    return 0;
  }

  override stat(_caller: Caller, out: Status): Reply {
    anonymousStatus(out, this.serial, FileType.SOCKET | 0o777, 1);
    return 0;
  }

  override setAttributes(): Reply {
    return 0;
  }

  label(): Uint8Array {
    return new TextEncoder().encode(`socket:[${this.serial}]`);
  }

  save(): Plain {
    throw new Error('a socket is saved by saveWith');
  }

  protected saveCommon(): { readonly [key: string]: Plain } {
    const local = this.local === undefined ? null : formatAddress(this.local);
    const { type, family, protocol, serial, error } = this;
    return { type, family, protocol, serial, error, local, options: [...this.options].map(([key, value]) => ({ key, value })) };
  }

  #known(name: number): readonly number[] | undefined {
    switch (name) {
      case SocketOption.TYPE:
        return [this.type];
      case SocketOption.ERROR: {
        const { error } = this;
        this.error = 0;
        return [error];
      }
      case SocketOption.ACCEPTCONN:
        return [this.listening ? 1 : 0];
      case SocketOption.DOMAIN:
        return [this.family];
      case SocketOption.PROTOCOL:
        return [this.protocol];
      case SocketOption.PEERCRED:
        return this.peerCredentials();
      case SocketOption.SNDBUF:
      case SocketOption.RCVBUF:
        return this.options.has(optionKey(SOL_SOCKET, name)) ? undefined : [SOCKET_BUFFER_BYTES];
      default:
        return undefined;
    }
  }

  /** pid, uid, gid of the far end; of one that has none: 0, −1, −1. */
  protected peerCredentials(): readonly number[] {
    return [0, -1, -1];
  }
}

const optionKey = (level: number, name: number): number => level * 65536 + name;

function double(value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4);
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  new DataView(bytes.buffer).setInt32(0, Math.min(Math.max(view.getInt32(0, true), 2304) * 2, 2 * SOCKET_BUFFER_BYTES), true);
  return bytes;
}
