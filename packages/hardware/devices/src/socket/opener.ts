import {
  Errno,
  type EventKey,
  type Instant,
  type PartReader,
  type PartWriter,
  type Plain,
  type Reply,
  type Result,
  type Socket,
  type SocketAddress,
  type Tag,
} from '@ashlar/hardware';
import { LifeCycle } from '../life-cycle.ts';
import { TagWindow } from '../tag-window.ts';
import { type ConnectionEnd, type ConnectionOwner, HostEnd, LinkedEnd } from './connection.ts';
import { HOST_NETWORK, type SocketOptions } from './driver.ts';
import type { Listener } from './network.ts';
import { Stream } from './stream.ts';

/** Most connections and listeners of one opener, those under way counted; past it -ENOBUFS. */
const IDS_MAX = 1024;
const BACKLOG_MAX = 128;
const HOST_NAME_BYTES_MAX = 255;
const IO_BYTES_MAX = 65_536;
const ID_END = 2 ** 31;

/** Bits of {@link Socket.ready}. */
export const Ready = { RECEIVE: 1, SEND: 2, OVER: 4 } as const;

/** The sockets of one consumer. */
export class SocketOpener implements Socket, ConnectionOwner {
  readonly kind = 'socket';
  readonly schema = 'socket/1';
  readonly event: EventKey;
  readonly #life = new LifeCycle([]);
  readonly #tags = new TagWindow();
  readonly #connections = new Map<number, ConnectionEnd & { break(): void }>();
  readonly #listeners = new Map<number, Listener>();
  /** Connections to the host that are under way, by what asked for them. */
  readonly #pending = new Map<string, HostEnd>();
  #nextId = 1;
  #closed = false;

  constructor(
    private readonly options: SocketOptions,
    private readonly onClose: () => void,
  ) {
    this.event = options.events.allocate();
  }

  fire(): void {
    if (!this.#closed) this.options.events.fire(this.event);
  }

  /** Far ends see -ECONNRESET, as if this domain were lost. */
  reset(): Reply {
    for (const connection of this.#connections.values()) connection.break();
    for (const connection of this.#pending.values()) connection.break();
    for (const listener of this.#listeners.values()) this.#stopListening(listener);
    this.#connections.clear();
    this.#pending.clear();
    this.#listeners.clear();
    this.#tags.clear();
    this.#life.reset();
    return 0;
  }
  offered(): readonly string[] {
    return this.#life.offered();
  }
  accept(features: readonly string[]): Result {
    return this.#closed ? -Errno.ENODEV : this.#life.accept(features);
  }
  /** Requests that wait hold nothing here that asking again would not find. */
  quiesce(_until: Instant): Reply {
    return 0;
  }
  close(): void {
    if (this.#closed) return;
    this.reset();
    this.#closed = true;
    this.options.events.release(this.event);
    this.onClose();
  }

  connect(tag: Tag, to: SocketAddress): Reply {
    return this.#once(tag, `connect ${to.port} ${to.host}`, (request) => {
      if (!isPort(to.port) || to.host.length === 0 || to.host.length > HOST_NAME_BYTES_MAX) return -Errno.EINVAL;
      const { network, mayConnect, name } = this.options;
      if (this.#pending.has(request)) return this.#connectHost(request, to);
      if (this.#used() >= IDS_MAX) return -Errno.ENOBUFS;
      const host = network.resolve(to.host);
      if (network.hasDomain(host)) {
        return host === name || mayConnect.includes(host) ? this.#connectDomain({ host, port: to.port }) : -Errno.EACCES;
      }
      if (!mayConnect.includes(HOST_NETWORK)) return -Errno.EHOSTUNREACH;
      return this.#connectHost(request, to);
    });
  }

  listen(tag: Tag, at: SocketAddress, backlog: number): Reply {
    return this.#once(tag, `listen ${at.port} ${backlog}`, () => {
      const { network, name } = this.options;
      if (at.port !== 0 && !isPort(at.port)) return -Errno.EINVAL;
      if (this.#used() >= IDS_MAX) return -Errno.ENOBUFS;
      const port = at.port === 0 ? network.ephemeralPort(name) : at.port;
      const listener: Listener = {
        owner: this,
        port,
        backlog: Math.min(BACKLOG_MAX, Math.max(1, Math.trunc(backlog) || 1)),
        queue: [],
        waiting: new Set(),
      };
      if (port === 0 || !network.listen(name, listener)) return -Errno.EADDRINUSE;
      const id = this.#newId();
      this.#listeners.set(id, listener);
      return id;
    });
  }

  acceptConnection(tag: Tag, listener: number): Reply {
    return this.#once(tag, `accept ${listener}`, () => {
      const found = this.#listeners.get(listener);
      if (found === undefined) return -Errno.EBADF;
      if (found.queue.length === 0) return { on: [this.event] };
      if (this.#used() >= IDS_MAX) return -Errno.ENOBUFS;
      const connection = found.queue.shift()!;
      for (const owner of found.waiting) owner.fire();
      found.waiting.clear();
      const id = this.#newId();
      this.#connections.set(id, connection);
      return id;
    });
  }

  name(id: number, out: { localPort: number; peerHost: string; peerPort: number }): Reply {
    if (!this.#life.isReady) return -Errno.EIO;
    const listener = this.#listeners.get(id);
    const connection = this.#connections.get(id);
    if (listener === undefined && connection === undefined) return -Errno.EBADF;
    out.localPort = listener?.port ?? connection!.localPort;
    out.peerHost = connection?.peerHost ?? '';
    out.peerPort = connection?.peerPort ?? 0;
    return 0;
  }

  send(connection: number, sequence: number, from: Uint8Array): Reply {
    const end = this.#connection(connection);
    if (typeof end === 'number') return end;
    const part = from.subarray(0, IO_BYTES_MAX);
    if (part.length === 0) return end.broken;
    const taken = end.send(sequence, part);
    return taken === 0 ? { on: [this.event] } : taken;
  }

  receive(connection: number, sequence: number, to: Uint8Array): Reply {
    const end = this.#connection(connection);
    if (typeof end === 'number') return end;
    if (end.broken < 0) return end.broken;
    const space = end.incoming.space;
    const count = end.incoming.receive(sequence, to.subarray(0, IO_BYTES_MAX));
    if (end.incoming.space > space) end.received();
    if (count !== 0 || to.length === 0) return count;
    return end.incoming.isEnded ? 0 : { on: [this.event] };
  }

  ready(id: number): number {
    const listener = this.#listeners.get(id);
    if (listener !== undefined) return listener.queue.length > 0 ? Ready.RECEIVE : 0;
    const end = this.#connections.get(id);
    if (end === undefined || end.broken < 0) return Ready.RECEIVE | Ready.SEND | Ready.OVER;
    const receive = end.incoming.hasNews ? Ready.RECEIVE : 0;
    const isPipe = end.peer?.incoming.isDeaf === true;
    return receive | (isPipe || end.canSend() ? Ready.SEND : 0) | (end.incoming.isEnded ? Ready.OVER : 0);
  }

  shutdown(connection: number): Reply {
    const end = this.#connection(connection);
    if (typeof end === 'number') return end;
    if (end.broken < 0) return end.broken;
    end.shutdown();
    return 0;
  }

  closeConnection(id: number): void {
    const listener = this.#listeners.get(id);
    if (listener !== undefined) this.#stopListening(listener);
    this.#listeners.delete(id);
    const connection = this.#connections.get(id);
    this.#connections.delete(id);
    connection?.close();
  }

  save(out: PartWriter): Reply {
    const idOf = new Map<ConnectionEnd, number>();
    for (const [id, end] of this.#connections) idOf.set(end, id);
    out.put('features', this.#life.save());
    out.put('next', this.#nextId);
    out.put(
      'connections',
      [...this.#connections].map(([id, end]) => ({
        id,
        localPort: end.localPort,
        peerHost: end.peerHost,
        peerPort: end.peerPort,
        // Both ends are here, so nothing is lost; any other connection breaks.
        peer: (end.broken === 0 && end.peer !== undefined ? idOf.get(end.peer) : undefined) ?? 0,
        incoming: end.incoming.save(),
      })),
    );
    out.put(
      'listeners',
      [...this.#listeners].map(([id, { port, backlog }]) => ({ id, port, backlog })),
    );
    this.#tags.save(out);
    return 0;
  }

  /**
   * Connections between sockets of this opener and listeners go on; others answer -ECONNRESET, because their far ends know nothing of the restore. A
   * listener whose port is taken meanwhile answers -EBADF.
   */
  restore(part: PartReader): Reply {
    this.reset();
    const next = part.get('next');
    const connections = part.get('connections');
    const listeners = part.get('listeners');
    if (typeof next !== 'number' || !Array.isArray(connections) || !Array.isArray(listeners)) return -Errno.EINVAL;
    this.#nextId = next;
    const peers = new Map<number, number>();
    for (const saved of connections as readonly Fields[]) {
      const result = this.#restoreConnection(saved, peers);
      if (result < 0) return result;
    }
    for (const [id, end] of this.#connections) {
      const peer = this.#connections.get(peers.get(id) ?? 0);
      if (end instanceof LinkedEnd && peer instanceof LinkedEnd) LinkedEnd.join(end, peer);
      else end.broken = -Errno.ECONNRESET;
    }
    for (const { id, port, backlog } of listeners as readonly Fields[]) {
      const listener: Listener = { owner: this, port: Number(port), backlog: Number(backlog), queue: [], waiting: new Set() };
      if (this.options.network.listen(this.options.name, listener)) this.#listeners.set(Number(id), listener);
    }
    const tags = this.#tags.restore(part);
    return tags < 0 ? tags : this.#life.restore(part.get('features'));
  }

  #restoreConnection(saved: Fields, peers: Map<number, number>): Result {
    const incoming = new Stream();
    const result = incoming.restore(saved.incoming ?? null);
    if (result < 0) return result;
    const end = new LinkedEnd(this, Number(saved.localPort), String(saved.peerHost), Number(saved.peerPort), incoming);
    this.#connections.set(Number(saved.id), end);
    peers.set(Number(saved.id), Number(saved.peer));
    return 0;
  }

  #connectDomain(to: SocketAddress): Reply {
    const { network, name } = this.options;
    const listener = network.listener(to.host, to.port);
    if (listener === undefined) return -Errno.ECONNREFUSED;
    if (listener.queue.length >= listener.backlog) {
      listener.waiting.add(this);
      return { on: [this.event] };
    }
    const port = network.ephemeralPort(name);
    const here = new LinkedEnd(this, port, to.host, to.port);
    const there = new LinkedEnd(listener.owner, to.port, name, port);
    LinkedEnd.join(here, there);
    listener.queue.push(there);
    listener.owner.fire();
    const id = this.#newId();
    this.#connections.set(id, here);
    return id;
  }

  #connectHost(request: string, to: SocketAddress): Reply {
    const { host, network, name } = this.options;
    if (host === undefined) return -Errno.EHOSTUNREACH;
    let end = this.#pending.get(request);
    if (end === undefined) {
      end = new HostEnd(this, network.ephemeralPort(name), to.host, to.port);
      this.#pending.set(request, end);
      end.attach(host.connect(to.host, to.port, end));
    }
    if (end.state === 'connecting') return { on: [this.event] };
    this.#pending.delete(request);
    if (end.broken < 0 && !end.wasOpen) return end.broken;
    const id = this.#newId();
    this.#connections.set(id, end);
    return id;
  }

  #stopListening(listener: Listener): void {
    this.options.network.unlisten(this.options.name, listener);
    for (const connection of listener.queue) connection.break();
    listener.queue.length = 0;
    for (const owner of listener.waiting) owner.fire();
    listener.waiting.clear();
  }

  #connection(id: number): (ConnectionEnd & { break(): void }) | Result {
    if (!this.#life.isReady) return -Errno.EIO;
    return this.#connections.get(id) ?? -Errno.EBADF;
  }

  /** Ids are not used again before 2^31 others were, so that a late request never meets a stranger's connection. */
  #newId(): number {
    while (this.#connections.has(this.#nextId) || this.#listeners.has(this.#nextId)) this.#advanceId();
    const id = this.#nextId;
    this.#advanceId();
    return id;
  }

  #advanceId(): void {
    this.#nextId = this.#nextId + 1 < ID_END ? this.#nextId + 1 : 1;
  }

  #used(): number {
    return this.#connections.size + this.#listeners.size + this.#pending.size;
  }

  /** A tagged request; what waits keeps no answer. Tag 0 cannot be collected, so it is refused here. */
  #once(tag: Tag, request: string, execute: (request: string) => Reply): Reply {
    if (!this.#life.isReady) return -Errno.EIO;
    const bad = this.#tags.check(tag);
    if (bad < 0 || tag === 0) return -Errno.EINVAL;
    const answered = this.#tags.find(tag, request);
    if (answered !== undefined) return answered.result;
    const reply = execute(`${tag} ${request}`);
    if (typeof reply === 'number') this.#tags.keep(tag, request, reply, null);
    return reply;
  }
}

type Fields = { readonly [key: string]: Plain };

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}
