import { Errno, type EventKey, FileType, type Plain, type Reply, type Result } from '@ashlar/hardware';
import { type Io, PollBit } from '@ashlar/kernel-stub';
import type { Description } from './description.ts';
import type { Caller } from './host.ts';
import { type Address, formatAddress, type InetAddress, isLocal, LOOPBACK_HOST, parseAddress, SocketType } from './socket-address.ts';
import { MessageFlag, type Received, SocketDescription, type SocketNumbers } from './socket-description.ts';
import type { SocketTable } from './socket-table.ts';
import { abstractName, type BoundName } from './stream-socket.ts';
import type { WaitQueue } from './wait-queue.ts';

/** Largest datagram, and how many wait at one socket. */
const DATAGRAM_BYTES_MAX = 65_507;
const DATAGRAMS_MAX = 64;

interface Datagram {
  readonly bytes: Uint8Array;
  readonly from: Address | undefined;
  readonly rights: readonly Description[];
}

/** What `saveWith` gives beside what all sockets have. */
export interface SavedDatagrams {
  readonly name: BoundName | null;
  madeNode: boolean;
  peer: Uint8Array | null;
  receiving: boolean;
  sending: boolean;
  readonly messages: readonly { readonly bytes: Uint8Array; readonly from: Uint8Array | null; readonly rights: readonly number[] }[];
}

/** Messages with boundaries: AF_UNIX datagrams and sequenced packets, and UDP inside the domain. */
export class DatagramSocket extends SocketDescription {
  readonly type: number;
  readonly #table: SocketTable;
  /** Woken when a message arrives, and when there is room again. */
  readonly #news: WaitQueue;
  name: BoundName | undefined;
  /** Where messages without an address go: a socketpair's other end, or what `connect` named. */
  #other: DatagramSocket | undefined;
  #peer: Address | undefined;
  #queue: Datagram[] = [];
  #receiving = true;
  #sending = true;
  #madeNode = false;

  constructor(table: SocketTable, serial: number, family: number, type: number, protocol: number, flags: number) {
    super(serial, family, protocol, flags);
    this.type = type;
    this.#table = table;
    this.#news = table.core.queue();
  }

  get peer(): Address | undefined {
    return this.#peer;
  }

  get listening(): boolean {
    return false;
  }

  join(other: DatagramSocket): void {
    this.#other = other;
    other.#other = this;
    this.#peer = { family: 1, name: undefined };
    other.#peer = { family: 1, name: undefined };
  }

  bind(caller: Caller, address: Address): Reply {
    if (this.local !== undefined) return -Errno.EINVAL;
    if (address.family === 1) return this.#bindUnix(caller, address.name);
    if (!isLocal(address)) return -Errno.EADDRNOTAVAIL;
    return this.#bindPort(address);
  }

  connect(caller: Caller, address: Address | undefined): Reply {
    if (address === undefined) {
      this.#peer = undefined;
      this.#other = undefined;
      return 0;
    }
    if (address.family !== 1) {
      this.#peer = address;
      this.#other = undefined;
      return this.#autobind();
    }
    const found = this.#find(caller, address);
    if (!(found instanceof DatagramSocket)) return found;
    this.#other = found;
    this.#peer = address;
    return 0;
  }

  send(caller: Caller, io: Io, flags: number, to: Address | undefined, rights: readonly Description[]): Reply {
    if (!this.#sending) return -Errno.EPIPE;
    if (io.length > DATAGRAM_BYTES_MAX) return -Errno.EMSGSIZE;
    if (to === undefined && this.#peer === undefined && this.#other === undefined)
      return this.family === 1 ? -Errno.ENOTCONN : -Errno.EDESTADDRREQ;
    const target = this.#target(caller, to);
    if (!(target instanceof DatagramSocket)) return target;
    if (target.references === 0 || !target.#receiving) return this.family === 1 ? -Errno.EPIPE : -Errno.ECONNREFUSED;
    if (target.#queue.length >= DATAGRAMS_MAX) {
      if (this.family !== 1) return io.length;
      return this.nonblocking || (flags & MessageFlag.DONTWAIT) !== 0 ? -Errno.EAGAIN : target.#news.wait;
    }
    const bytes = new Uint8Array(io.length);
    const got = io.get(0, bytes);
    if (got !== bytes.length) return typeof got === 'number' && got >= 0 ? -Errno.EFAULT : got;
    const bound = this.family === 1 ? 0 : this.#autobind();
    if (bound < 0) return bound;
    target.#queue.push({ bytes, from: this.local, rights });
    target.#news.wake();
    return bytes.length;
  }

  receive(_caller: Caller, io: Io, flags: number, out: Received): Reply {
    const first = this.#queue[0];
    if (first === undefined) {
      if (!this.#receiving || (this.type === SocketType.SEQPACKET && this.#other?.references === 0)) return 0;
      return this.nonblocking || (flags & MessageFlag.DONTWAIT) !== 0 ? -Errno.EAGAIN : this.#news.wait;
    }
    const put = first.bytes.length === 0 ? 0 : io.put(0, first.bytes.subarray(0, io.length));
    if (typeof put !== 'number' || put < 0) return put;
    out.from = first.from;
    if (first.bytes.length > io.length) out.flags = MessageFlag.TRUNC;
    if ((flags & MessageFlag.PEEK) === 0) {
      out.rights = first.rights;
      this.#queue.shift();
      this.#news.wake();
    }
    return (flags & MessageFlag.TRUNC) !== 0 ? first.bytes.length : put;
  }

  shutdown(how: number): Result {
    if (how < 0 || how > 2) return -Errno.EINVAL;
    if (this.#peer === undefined) return -Errno.ENOTCONN;
    if (how !== 1) this.#receiving = false;
    if (how !== 0) this.#sending = false;
    this.#news.wake();
    return 0;
  }

  override ready(_caller: Caller): number {
    const gone = this.#other !== undefined && this.#other.references === 0;
    const full = this.#other !== undefined && this.#other.#queue.length >= DATAGRAMS_MAX;
    return (this.#queue.length > 0 || !this.#receiving || gone ? PollBit.IN : 0) | (full ? 0 : PollBit.OUT) | (gone ? PollBit.HUP : 0);
  }

  override watch(keys: EventKey[]): void {
    keys.push(this.#news.key);
    if (this.#other !== undefined && this.#other.references > 0) keys.push(this.#other.#news.key);
  }

  override available(): Result {
    return this.#queue[0]?.bytes.length ?? 0;
  }

  saveWith(numbers: SocketNumbers): Plain {
    const address = (from: Address | undefined): Plain => (from === undefined ? null : formatAddress(from));
    return {
      ...this.saveCommon(),
      name: this.name ?? null,
      madeNode: this.#madeNode,
      peer: address(this.#peer),
      other: this.#other === undefined || this.#other.references === 0 ? -1 : numbers.description(this.#other),
      receiving: this.#receiving,
      sending: this.#sending,
      messages: this.#queue.map(({ bytes, from, rights }) => ({
        bytes,
        from: address(from),
        rights: rights.map((description) => numbers.description(description)),
      })),
    };
  }

  restore(saved: SavedDatagrams): void {
    const address = (bytes: Uint8Array | null): Address | undefined => {
      const parsed = bytes === null ? undefined : parseAddress(bytes, this.family);
      return typeof parsed === 'number' ? undefined : parsed;
    };
    this.#madeNode = saved.madeNode;
    this.#peer = address(saved.peer);
    this.#receiving = saved.receiving;
    this.#sending = saved.sending;
    if (saved.name === null) return;
    this.name = saved.name;
    this.#table.bind(this.#space, saved.name, this);
  }

  /** After a restore: where its messages go, and those that wait here. */
  link(other: DatagramSocket | undefined, messages: SavedDatagrams['messages'], all: readonly Description[]): void {
    this.#other = other;
    this.#queue = messages.map(({ bytes, from, rights }) => {
      const address = from === null ? undefined : parseAddress(from, this.family);
      const held = rights.map((number) => (all[number] as Description).hold());
      return { bytes, from: typeof address === 'number' ? undefined : address, rights: held };
    });
  }

  protected override closed(): void {
    if (this.name !== undefined) this.#table.release(this.#space, this.name, this);
    const other = this.#other;
    if (other !== undefined) other.#news.wake();
    for (const { rights } of this.#queue) for (const description of rights) description.release();
    this.#queue = [];
    this.#news.wake();
  }

  get #space(): 'unix-datagram' | 'udp' {
    return this.family === 1 ? 'unix-datagram' : 'udp';
  }

  #target(caller: Caller, to: Address | undefined): DatagramSocket | Reply {
    if (to === undefined && this.#other !== undefined) return this.#other;
    return this.#find(caller, to ?? (this.#peer as Address));
  }

  #find(caller: Caller, address: Address): DatagramSocket | Reply {
    if (address.family !== 1) {
      if (!isLocal(address)) return -Errno.ENETUNREACH;
      const found = this.#table.find('udp', address.port);
      return found instanceof DatagramSocket ? found : -Errno.ECONNREFUSED;
    }
    if (address.name === undefined) return -Errno.EINVAL;
    const key =
      address.name[0] === 0 ? abstractName(address.name) : this.#table.core.files.nodeKey(caller, caller.directories.cwd, address.name);
    if (typeof key !== 'string') return key;
    const found = this.#table.find('unix-datagram', key);
    return found instanceof DatagramSocket ? found : -Errno.ECONNREFUSED;
  }

  #bindUnix(caller: Caller, name: Uint8Array | undefined): Reply {
    if (name === undefined) return -Errno.EINVAL;
    if (name[0] === 0) return this.#bound({ family: 1, name }, abstractName(name));
    const { files } = this.#table.core;
    if (!this.#madeNode) {
      const made = files.mknod(caller, caller.directories.cwd, name, FileType.SOCKET | 0o777, 0);
      if (made === -Errno.EEXIST) return -Errno.EADDRINUSE;
      if (made !== 0) return made;
      this.#madeNode = true;
    }
    const key = files.nodeKey(caller, caller.directories.cwd, name);
    return typeof key === 'string' ? this.#bound({ family: 1, name }, key) : key;
  }

  #autobind(): Result {
    if (this.local !== undefined) return 0;
    return this.#bindPort({ family: this.family as 2 | 10, host: LOOPBACK_HOST, port: 0 });
  }

  #bindPort(address: InetAddress): Result {
    const port = address.port === 0 ? this.#table.freePort('udp') : address.port;
    return port < 0 ? port : this.#bound({ ...address, port }, port);
  }

  #bound(local: Address, name: BoundName): Result {
    const bound = this.#table.bind(this.#space, name, this);
    if (bound < 0) return bound;
    this.local = local;
    this.name = name;
    return 0;
  }
}
