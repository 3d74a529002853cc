import { Errno, type EventKey, FileType, type Plain, type Reply, type Result, type Wait } from '@ashlar/hardware';
import { type Io, PollBit } from '@ashlar/kernel-stub';
import type { Description } from './description.ts';
import type { Caller } from './host.ts';
import { Pipe } from './pipe.ts';
import { type Address, formatAddress, type InetAddress, isAny, isLocal, LOOPBACK_HOST, SocketType } from './socket-address.ts';
import { MessageFlag, type Received, SocketDescription, type SocketNumbers } from './socket-description.ts';
import { DeviceStream, PipeStream, type SocketStream } from './socket-stream.ts';
import type { SocketTable } from './socket-table.ts';
import type { WaitQueue } from './wait-queue.ts';

/** Bytes on the way in one direction. */
const STREAM_BYTES = 212_992;
const BACKLOG_MAX = 4096;
const SHUT_RD = 0;
const SHUT_WR = 1;
const SHUT_RDWR = 2;

/** What a socket inside the stub is known by: a port, or a node of the file tree, or an abstract name. */
export type BoundName = string | number;

/** A connection-oriented socket: AF_UNIX, and AF_INET inside the domain or over the machine's socket device. */
export class StreamSocket extends SocketDescription {
  override readonly signalsPipe = true;
  readonly type: number = SocketType.STREAM;
  readonly #table: SocketTable;
  /** Woken by new connections, and by the end of connecting. */
  readonly news: WaitQueue;
  name: BoundName | undefined;
  stream: SocketStream | undefined;
  #peer: Address | undefined;
  #backlog = -1;
  #queue: StreamSocket[] = [];
  /** A path was made and is not yet known by its node. */
  #madeNode = false;
  /** A connection asked of the device, by its tag. */
  #connecting: { tag: number; to: InetAddress } | undefined;
  /** The device's listener, and the tag of the next connection asked of it. */
  #outside: { listener: number; tag: number } | undefined;
  credentials: readonly number[] = [0, -1, -1];

  constructor(table: SocketTable, serial: number, family: number, protocol: number, flags: number) {
    super(serial, family, protocol, flags);
    this.#table = table;
    this.news = table.core.queue();
  }

  get peer(): Address | undefined {
    return this.#peer;
  }

  get listening(): boolean {
    return this.#backlog >= 0;
  }

  /** Joins two sockets, as socketpair(2) and connect(2) do. */
  join(other: StreamSocket): void {
    const make = (): Pipe => new Pipe(this.#table.core.serial(), () => this.#table.core.queue(), STREAM_BYTES);
    const [there, back] = [make(), make()];
    const one = new PipeStream(back, there);
    const far = new PipeStream(there, back);
    PipeStream.join(one, far);
    this.stream = one;
    other.stream = far;
    this.#peer = other.local ?? { family: 1, name: undefined };
    other.#peer = this.local ?? { family: 1, name: undefined };
  }

  bind(caller: Caller, address: Address): Reply {
    if (this.local !== undefined) return -Errno.EINVAL;
    return address.family === 1 ? this.#bindUnix(caller, address.name) : this.#bindPort(address);
  }

  override listen(backlog: number): Result {
    if (this.stream !== undefined) return -Errno.EINVAL;
    if (this.name === undefined) {
      if (this.family === 1) return -Errno.EINVAL;
      const bound = this.#bindPort({ family: this.family as 2 | 10, host: [0, 0, 0, 0], port: 0 });
      if (bound < 0) return bound;
    }
    this.#backlog = Math.min(Math.max(backlog, 0), BACKLOG_MAX);
    return this.#listenOutside();
  }

  override accept(_caller: Caller): StreamSocket | Reply {
    if (!this.listening) return -Errno.EINVAL;
    const inside = this.#queue.shift();
    if (inside !== undefined) {
      this.news.wake();
      return inside;
    }
    const outside = this.#acceptOutside();
    if (outside instanceof StreamSocket) return outside;
    if (this.nonblocking) return -Errno.EAGAIN;
    const wait = this.news.wait;
    return typeof outside === 'number' ? wait : { ...outside, on: [...wait.on, ...outside.on] };
  }

  connect(caller: Caller, address: Address | undefined): Reply {
    if (address === undefined) return -Errno.EINVAL;
    if (this.#connecting !== undefined) return this.#connectOutside(this.#connecting.to);
    if (this.stream !== undefined) return -Errno.EISCONN;
    if (this.listening) return -Errno.EINVAL;
    if (address.family === 1) return this.#connectUnix(caller, address.name);
    if (!isLocal(address)) return this.#connectOutside(address);
    return this.#connectInside(caller, this.#table.find('tcp', address.port), address);
  }

  send(caller: Caller, io: Io, flags: number, _to: Address | undefined, rights: readonly Description[]): Reply {
    if (this.stream === undefined) return this.family === 1 ? -Errno.ENOTCONN : -Errno.EPIPE;
    if ((flags & MessageFlag.OOB) !== 0) return -Errno.EOPNOTSUPP;
    return this.stream.send(caller, io, this.nonblocking || (flags & MessageFlag.DONTWAIT) !== 0, rights);
  }

  receive(_caller: Caller, io: Io, flags: number, out: Received): Reply {
    if (this.stream === undefined) return this.family === 1 ? -Errno.EINVAL : -Errno.ENOTCONN;
    if ((flags & MessageFlag.OOB) !== 0) return -Errno.EINVAL;
    if (io.length === 0) return 0;
    const reply = this.stream.receive(io, (flags & MessageFlag.PEEK) !== 0, out);
    const nonblocking = this.nonblocking || (flags & MessageFlag.DONTWAIT) !== 0;
    return typeof reply !== 'number' && nonblocking ? -Errno.EAGAIN : reply;
  }

  shutdown(how: number): Result {
    if (how < SHUT_RD || how > SHUT_RDWR) return -Errno.EINVAL;
    if (this.stream === undefined) return -Errno.ENOTCONN;
    if (how !== SHUT_WR) this.stream.endReceiving();
    if (how !== SHUT_RD) this.stream.endSending();
    return 0;
  }

  override ready(_caller: Caller): number {
    if (this.#connecting !== undefined) this.#connectOutside(this.#connecting.to);
    const failed = this.error !== 0 ? PollBit.ERR | PollBit.OUT | PollBit.IN : 0;
    if (this.stream !== undefined) return this.stream.bits() | failed;
    if (this.listening) return this.#queue.length > 0 || this.#outsideReady() ? PollBit.IN : 0;
    return this.#connecting !== undefined ? 0 : PollBit.OUT | PollBit.HUP | failed;
  }

  override watch(keys: EventKey[]): void {
    keys.push(this.news.key);
    this.stream?.watch(keys);
    if (this.#outside === undefined && this.#connecting === undefined) return;
    const device = this.#table.device();
    if (device !== undefined) keys.push(device.event);
  }

  override available(): Result {
    return this.stream === undefined ? -Errno.EINVAL : this.stream.available();
  }

  saveWith(numbers: SocketNumbers): Plain {
    if (this.stream instanceof PipeStream) {
      numbers.pipe(this.stream.incoming);
      numbers.pipe(this.stream.outgoing);
    }
    return {
      ...this.saveCommon(),
      name: this.name ?? null,
      madeNode: this.#madeNode,
      peer: this.#peer === undefined ? null : formatAddress(this.#peer),
      backlog: this.#backlog,
      queue: this.#queue.map((socket) => numbers.description(socket)),
      credentials: this.credentials,
      inside: this.stream instanceof PipeStream ? this.stream.save() : null,
      arriving: this.stream instanceof PipeStream ? this.stream.arriving.save((description) => numbers.description(description)) : [],
      device: this.stream instanceof DeviceStream ? this.stream.save() : null,
      connecting: this.#connecting === undefined ? null : { tag: this.#connecting.tag, to: formatAddress(this.#connecting.to) as Plain },
      outside: this.#outside === undefined ? null : { ...this.#outside },
    };
  }

  /** Beside the stream, the queue and what all sockets have. */
  restore(saved: {
    name: BoundName | null;
    madeNode: boolean;
    peer: Address | undefined;
    backlog: number;
    credentials: readonly number[];
    connecting: { tag: number; to: InetAddress } | undefined;
    outside: { listener: number; tag: number } | null;
  }): void {
    this.#madeNode = saved.madeNode;
    this.#peer = saved.peer;
    this.#backlog = saved.backlog;
    this.credentials = saved.credentials;
    this.#connecting = saved.connecting;
    this.#outside = saved.outside ?? undefined;
    if (saved.name === null) return;
    this.name = saved.name;
    this.#table.bind(this.family === 1 ? 'unix' : 'tcp', saved.name, this);
  }

  /** A connection that waits to be accepted; it is this socket's from now on. */
  enqueue(socket: StreamSocket): void {
    this.#queue.push(socket);
    this.news.wake();
  }

  protected override peerCredentials(): readonly number[] {
    return this.credentials;
  }

  protected override closed(): void {
    if (this.name !== undefined) this.#table.release(this.family === 1 ? 'unix' : 'tcp', this.name, this);
    this.stream?.close();
    for (const socket of this.#queue) socket.release();
    this.#queue = [];
    if (this.#outside !== undefined) this.#table.device()?.closeConnection(this.#outside.listener);
    this.news.destroy();
  }

  #bindUnix(caller: Caller, name: Uint8Array | undefined): Reply {
    if (name === undefined) return -Errno.EINVAL;
    if (name[0] === 0) return this.#bound({ family: 1, name }, 'unix', abstractName(name));
    const { files } = this.#table.core;
    const start = caller.directories.cwd;
    if (!this.#madeNode) {
      const made = files.mknod(caller, start, name, FileType.SOCKET | 0o777, 0);
      if (made === -Errno.EEXIST) return -Errno.EADDRINUSE;
      if (made !== 0) return made;
      this.#madeNode = true;
    }
    const key = files.nodeKey(caller, start, name);
    return typeof key === 'string' ? this.#bound({ family: 1, name }, 'unix', key) : key;
  }

  #bindPort(address: InetAddress): Result {
    if (!isLocal(address)) return -Errno.EADDRNOTAVAIL;
    const port = address.port === 0 ? this.#table.freePort('tcp') : address.port;
    return port < 0 ? port : this.#bound({ ...address, port }, 'tcp', port);
  }

  #bound(local: Address, space: 'unix' | 'tcp', name: BoundName): Result {
    const bound = this.#table.bind(space, name, this);
    if (bound < 0) return bound;
    this.local = local;
    this.name = name;
    return 0;
  }

  #connectUnix(caller: Caller, name: Uint8Array | undefined): Reply {
    if (name === undefined) return -Errno.EINVAL;
    const to: Address = { family: 1, name };
    if (name[0] === 0) return this.#connectInside(caller, this.#table.find('unix', abstractName(name)), to);
    const key = this.#table.core.files.nodeKey(caller, caller.directories.cwd, name);
    return typeof key === 'string' ? this.#connectInside(caller, this.#table.find('unix', key), to) : key;
  }

  #connectInside(caller: Caller, found: SocketDescription | undefined, to: Address): Reply {
    if (!(found instanceof StreamSocket) || !found.listening) return -Errno.ECONNREFUSED;
    if (found.#queue.length > found.#backlog) return this.nonblocking ? -Errno.EAGAIN : found.news.wait;
    if (this.local === undefined && to.family !== 1) this.local = { family: to.family, host: LOOPBACK_HOST, port: this.#clientPort() };
    const server = new StreamSocket(this.#table, this.#table.core.serial(), this.family, this.protocol, 0);
    server.local = to.family !== 1 && isAny(to) ? { ...to, host: LOOPBACK_HOST } : to;
    this.join(server);
    const { euid, egid } = caller.credentials;
    server.credentials = [caller.group, euid, egid];
    this.credentials = found.credentials;
    found.enqueue(server);
    return 0;
  }

  #clientPort(): number {
    return Math.max(0, this.#table.freePort('tcp'));
  }

  #connectOutside(to: InetAddress): Reply {
    const device = this.#table.device();
    if (device === undefined) return -Errno.ENETUNREACH;
    const fresh = this.#connecting === undefined;
    this.#connecting ??= { tag: this.#table.core.tag(), to };
    const reply = device.connect(this.#connecting.tag, { host: to.host.join('.'), port: to.port });
    if (typeof reply !== 'number') return this.nonblocking ? (fresh ? -Errno.EINPROGRESS : -Errno.EALREADY) : reply;
    this.#connecting = undefined;
    if (reply < 0) {
      if (!fresh && this.nonblocking) this.error = -reply;
      return reply;
    }
    this.stream = new DeviceStream(this.#table.device, { id: reply, sent: 0, received: 0, held: new Uint8Array() });
    this.#peer = to;
    this.local ??= { family: to.family, host: LOOPBACK_HOST, port: this.#clientPort() };
    return 0;
  }

  /** Where there is a device and it allows it, connections also come from outside; where not, only from inside. */
  #listenOutside(): Result {
    if (this.local === undefined || this.local.family === 1 || !isAny(this.local) || this.#outside !== undefined) return 0;
    const device = this.#table.device();
    const listener = device?.listen(this.#table.core.tag(), { host: '', port: this.local.port }, this.#backlog);
    if (typeof listener === 'number' && listener > 0) this.#outside = { listener, tag: this.#table.core.tag() };
    return 0;
  }

  #acceptOutside(): StreamSocket | Result | Wait {
    const device = this.#outside === undefined ? undefined : this.#table.device();
    if (device === undefined || this.#outside === undefined) return -Errno.EAGAIN;
    const id = device.acceptConnection(this.#outside.tag, this.#outside.listener);
    if (typeof id !== 'number') return id;
    this.#outside.tag = this.#table.core.tag();
    if (id < 0) return id;
    const socket = new StreamSocket(this.#table, this.#table.core.serial(), this.family, this.protocol, 0);
    socket.stream = new DeviceStream(this.#table.device, { id, sent: 0, received: 0, held: new Uint8Array() });
    socket.local = this.local;
    const name = { localPort: 0, peerHost: '', peerPort: 0 };
    device.name(id, name);
    socket.#peer = { family: this.family as 2 | 10, host: hostOf(name.peerHost), port: name.peerPort };
    return socket;
  }

  #outsideReady(): boolean {
    return this.#outside !== undefined && ((this.#table.device()?.ready(this.#outside.listener) ?? 0) & 1) !== 0;
  }
}

/** Abstract names have a name space of their own beside nodes. */
export const abstractName = (name: Uint8Array): string => `@${name.join(',')}`;

/** A dotted address; names of linked domains have none and are shown as 0.0.0.0. */
function hostOf(text: string): readonly [number, number, number, number] {
  const parts = text.split('.').map(Number);
  return parts.length === 4 && parts.every((part) => part >= 0 && part <= 255) ? (parts as [number, number, number, number]) : [0, 0, 0, 0];
}
