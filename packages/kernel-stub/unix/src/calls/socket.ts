import { Errno, type Reply, type Result } from '@ashlar/hardware';
import { type Io, OpenFlag, SOCKET_DESCRIPTORS_MAX, type TaskSystem } from '@ashlar/kernel-stub';
import type { Core } from '../core.ts';
import { DatagramSocket } from '../datagram-socket.ts';
import type { Description } from '../description.ts';
import { kernelSignal } from '../signaling.ts';
import { Signal, SignalCode } from '../signals.ts';
import { type Address, Family, formatAddress, parseAddress, SocketType } from '../socket-address.ts';
import { MessageFlag, type Received, SocketDescription } from '../socket-description.ts';
import { StreamSocket } from '../stream-socket.ts';
import type { UnixTask } from '../task.ts';
import { descriptorLimit } from './descriptor.ts';

type Names =
  | 'socket'
  | 'socketPair'
  | 'bind'
  | 'listen'
  | 'accept'
  | 'connect'
  | 'send'
  | 'receive'
  | 'socketName'
  | 'shutdown'
  | 'socketOption'
  | 'setSocketOption';

/** IPPROTO_* that a socket may name: any, ICMP is not, TCP, UDP. */
const PROTOCOLS = { [SocketType.STREAM]: 6, [SocketType.DATAGRAM]: 17 } as const;
const FLAGS = OpenFlag.NONBLOCK | OpenFlag.CLOEXEC;
const AF_UNSPEC = 0;

/** The `socket` group of TaskSystem. */
export class SocketCalls implements Pick<TaskSystem, Names> {
  readonly #core: Core;
  readonly #received: Received = { from: undefined, flags: 0, rights: [] };

  constructor(core: Core) {
    this.#core = core;
  }

  socket(task: UnixTask, family: number, type: number, protocol: number): Result {
    const made = this.#make(family, type, protocol);
    return typeof made === 'number' ? made : this.#add(task, made, type);
  }

  socketPair(task: UnixTask, family: number, type: number, protocol: number): Result {
    if (family !== Family.UNIX) return family === Family.INET || family === Family.INET6 ? -Errno.EOPNOTSUPP : -Errno.EAFNOSUPPORT;
    const one = this.#make(family, type, protocol);
    const other = this.#make(family, type, protocol);
    if (typeof one === 'number') return one;
    if (typeof other === 'number') return other;
    if (one instanceof StreamSocket && other instanceof StreamSocket) {
      const credentials = [task.group, task.credentials.euid, task.credentials.egid];
      one.credentials = credentials;
      other.credentials = credentials;
      one.join(other);
    }
    if (one instanceof DatagramSocket && other instanceof DatagramSocket) one.join(other);
    const first = this.#add(task, one, type);
    const second = this.#add(task, other, type);
    if (first < 0 || second < 0) {
      if (first >= 0) task.descriptors.remove(first);
      return -Errno.EMFILE;
    }
    task.values[0] = first;
    task.values[1] = second;
    return 0;
  }

  bind(task: UnixTask, fd: number, address: Uint8Array): Reply {
    const socket = this.#of(task, fd);
    if (typeof socket === 'number') return socket;
    const parsed = parseAddress(address, socket.family);
    return typeof parsed === 'number' ? parsed : this.#fromTree(task, socket, socket.bind(task, parsed));
  }

  listen(task: UnixTask, fd: number, backlog: number): Reply {
    const socket = this.#of(task, fd);
    return typeof socket === 'number' ? socket : socket.listen(backlog);
  }

  accept(task: UnixTask, fd: number, flags: number): Reply {
    if ((flags & ~FLAGS) !== 0) return -Errno.EINVAL;
    const socket = this.#of(task, fd);
    if (typeof socket === 'number') return socket;
    const accepted = socket.accept(task);
    if (!(accepted instanceof SocketDescription)) return accepted;
    accepted.flags |= flags & OpenFlag.NONBLOCK;
    return this.#add(task, accepted, flags);
  }

  connect(task: UnixTask, fd: number, address: Uint8Array): Reply {
    const socket = this.#of(task, fd);
    if (typeof socket === 'number') return socket;
    if (address.length >= 2 && address[0] === AF_UNSPEC && address[1] === 0) return socket.connect(task, undefined);
    const parsed = parseAddress(address, socket.family);
    return typeof parsed === 'number' ? parsed : this.#fromTree(task, socket, socket.connect(task, parsed));
  }

  send(task: UnixTask, fd: number, io: Io, flags: number, to: Uint8Array, descriptors: readonly number[] = []): Reply {
    const socket = this.#of(task, fd);
    if (typeof socket === 'number') return socket;
    let address: Address | undefined;
    if (to.length > 0 && !(socket instanceof StreamSocket)) {
      const parsed = parseAddress(to, socket.family);
      if (typeof parsed === 'number') return parsed;
      address = parsed;
    }
    const rights = this.#rights(task, socket, descriptors);
    if (typeof rights === 'number') return rights;
    const reply = socket.send(task, io, flags, address, rights);
    if (typeof reply !== 'number' || reply < 0) for (const description of rights) description.release();
    if (typeof reply === 'number' && reply > 0) this.#core.work += reply;
    if (reply === -Errno.EPIPE && (flags & MessageFlag.NOSIGNAL) === 0 && socket instanceof StreamSocket) this.#brokenPipe(task);
    return reply;
  }

  receive(task: UnixTask, fd: number, io: Io, flags: number, room = 0): Reply {
    const socket = this.#of(task, fd);
    if (typeof socket === 'number') return socket;
    this.#received.from = undefined;
    this.#received.flags = 0;
    this.#received.rights = [];
    const reply = socket.receive(task, io, flags, this.#received);
    if (typeof reply === 'number' && reply > 0) this.#core.work += reply;
    task.values[0] = this.#received.from === undefined ? 0 : this.#answer(task, formatAddress(this.#received.from));
    this.#install(task, room, (flags & MessageFlag.CMSG_CLOEXEC) !== 0);
    task.values[1] = this.#received.flags;
    return reply;
  }

  socketName(task: UnixTask, fd: number, peer: boolean): Result {
    const socket = this.#of(task, fd);
    if (typeof socket === 'number') return socket;
    const address = peer ? socket.peer : (socket.local ?? this.#unnamed(socket));
    return address === undefined ? -Errno.ENOTCONN : this.#answer(task, formatAddress(address));
  }

  shutdown(task: UnixTask, fd: number, how: number): Reply {
    const socket = this.#of(task, fd);
    return typeof socket === 'number' ? socket : socket.shutdown(how);
  }

  socketOption(task: UnixTask, fd: number, level: number, name: number): Result {
    const socket = this.#of(task, fd);
    if (typeof socket === 'number') return socket;
    const value = socket.option(level, name);
    return typeof value === 'number' ? value : this.#answer(task, value);
  }

  setSocketOption(task: UnixTask, fd: number, level: number, name: number, value: Uint8Array): Result {
    const socket = this.#of(task, fd);
    return typeof socket === 'number' ? socket : socket.setOption(level, name, value);
  }

  /** Holds what is sent along. Only AF_UNIX carries descriptors; elsewhere they are not looked at, as on Linux. */
  #rights(task: UnixTask, socket: SocketDescription, descriptors: readonly number[]): readonly Description[] | Result {
    if (descriptors.length === 0 || socket.family !== Family.UNIX) return [];
    if (descriptors.length > SOCKET_DESCRIPTORS_MAX) return -Errno.EINVAL;
    const found = descriptors.map((fd) => task.descriptors.get(fd));
    if (found.some((description) => description === undefined)) return -Errno.EBADF;
    return found.map((description) => (description as Description).hold());
  }

  /** Makes descriptors of what came along, as many as there is room for; the rest is let go. */
  #install(task: UnixTask, room: number, closeOnExec: boolean): void {
    let count = 0;
    for (const description of this.#received.rights) {
      const fd = count < room ? task.descriptors.add(description, 0, closeOnExec, descriptorLimit(task)) : -Errno.EMFILE;
      if (fd < 0) {
        description.release();
        this.#received.flags |= MessageFlag.CTRUNC;
      } else {
        task.values[3 + count++] = fd;
      }
    }
    task.values[2] = count;
    this.#received.rights = [];
  }

  #of(task: UnixTask, fd: number): SocketDescription | Result {
    const description = task.descriptors.get(fd);
    if (description === undefined) return -Errno.EBADF;
    return description instanceof SocketDescription ? description : -Errno.ENOTSOCK;
  }

  #make(family: number, typeAndFlags: number, protocol: number): SocketDescription | Result {
    const type = typeAndFlags & SocketType.MASK;
    if ((typeAndFlags & ~(SocketType.MASK | FLAGS)) !== 0) return -Errno.EINVAL;
    const inet = family === Family.INET || family === Family.INET6;
    if (!inet && family !== Family.UNIX) return -Errno.EAFNOSUPPORT;
    if (type !== SocketType.STREAM && type !== SocketType.DATAGRAM && (inet || type !== SocketType.SEQPACKET)) {
      return inet ? -Errno.EPERM : -Errno.EPROTONOSUPPORT;
    }
    if (inet && protocol !== 0 && protocol !== PROTOCOLS[type as 1 | 2]) return -Errno.EPROTONOSUPPORT;
    if (!inet && protocol !== 0 && protocol !== 1) return -Errno.EPROTONOSUPPORT;
    const actual = inet ? PROTOCOLS[type as 1 | 2] : 0;
    const core = this.#core;
    return type === SocketType.STREAM
      ? new StreamSocket(core.sockets, core.serial(), family, actual, typeAndFlags)
      : new DatagramSocket(core.sockets, core.serial(), family, type, actual, typeAndFlags);
  }

  #add(task: UnixTask, socket: SocketDescription, flags: number): Result {
    const fd = task.descriptors.add(socket, 0, (flags & OpenFlag.CLOEXEC) !== 0, descriptorLimit(task));
    if (fd < 0) socket.release();
    return fd;
  }

  #unnamed(socket: SocketDescription): Address {
    return socket.family === 1 ? { family: 1, name: undefined } : { family: socket.family as 2 | 10, host: [0, 0, 0, 0], port: 0 };
  }

  #answer(task: UnixTask, bytes: Uint8Array): number {
    task.bytes.set(bytes);
    return bytes.length;
  }

  /** A wait while a path is walked comes from a device, and is not cut short. */
  #fromTree(task: UnixTask, socket: SocketDescription, reply: Reply): Reply {
    if (typeof reply !== 'number' && socket.family === Family.UNIX && task.progress !== undefined) task.interruptible = false;
    return reply;
  }

  #brokenPipe(task: UnixTask): void {
    this.#core.signals.sendThread(task, { ...kernelSignal(Signal.PIPE, SignalCode.USER), pid: task.group });
  }
}
