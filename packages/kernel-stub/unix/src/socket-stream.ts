import { Errno, type EventKey, type Plain, type Reply, type Socket } from '@ashlar/hardware';
import { type Io, PollBit } from '@ashlar/kernel-stub';
import type { Description } from './description.ts';
import type { Caller } from './host.ts';
import { type Pipe, writePipe } from './pipe.ts';
import type { Received } from './socket-description.ts';
import { FirstBytes, RightsQueue } from './socket-rights.ts';

/** Bytes asked of the device at once, and kept here until the program takes them. */
const DEVICE_BYTES = 65_536;
/** Bits of `Socket.ready`. */
const DeviceReady = { RECEIVE: 1, SEND: 2, ENDED: 4 } as const;

/** What carries the bytes of a connected socket. Waits are answered as if the socket blocked. */
export interface SocketStream {
  /** Bytes; 0 at the end. */
  receive(io: Io, peek: boolean, out: Received): Reply;
  /** Progress of a blocking sender is in `caller.progress`. */
  send(caller: Pick<Caller, 'progress' | 'signalled'>, io: Io, nonblocking: boolean, rights: readonly Description[]): Reply;
  /** Poll bits. */
  bits(): number;
  watch(keys: EventKey[]): void;
  available(): number;
  endReceiving(): void;
  endSending(): void;
  close(): void;
  save(): Plain;
}

/** Both directions inside the stub. */
export class PipeStream implements SocketStream {
  readonly incoming: Pipe;
  readonly outgoing: Pipe;
  /** Descriptors that come along, and those that go: the peer's incoming queue. */
  readonly arriving = new RightsQueue();
  #leaving: RightsQueue | undefined;
  #receiving = true;
  #sending = true;

  constructor(incoming: Pipe, outgoing: Pipe) {
    this.incoming = incoming;
    this.outgoing = outgoing;
    incoming.openReader();
    outgoing.openWriter();
  }

  /** Each knows where the other's descriptors arrive. */
  static join(one: PipeStream, other: PipeStream): void {
    one.#leaving = other.arriving;
    other.#leaving = one.arriving;
  }

  receive(io: Io, peek: boolean, out: Received): Reply {
    if (!this.#receiving) return 0;
    if (this.incoming.used > 0) {
      const limit = this.arriving.limit(io.length);
      const part = limit < io.length ? new FirstBytes(io, limit) : io;
      if (peek) return this.incoming.peek(part);
      const taken = this.incoming.take(part);
      if (typeof taken === 'number' && taken > 0) out.rights = this.arriving.taken(taken);
      return taken;
    }
    return this.incoming.writers === 0 ? 0 : this.incoming.readable.wait;
  }

  send(caller: Pick<Caller, 'progress' | 'signalled'>, io: Io, nonblocking: boolean, rights: readonly Description[]): Reply {
    if (!this.#sending) return -Errno.EPIPE;
    if (rights.length === 0) return writePipe(this.outgoing, caller, io, nonblocking);
    if (this.#leaving === undefined || this.#leaving.full) return -Errno.ENOBUFS;
    const ahead = this.outgoing.used;
    // The message goes as far as there is room now, so that its descriptors go with its first byte exactly once.
    const sent = writePipe(this.outgoing, caller, io, true);
    if (sent === -Errno.EAGAIN && !nonblocking) return this.outgoing.writable.wait;
    if (typeof sent === 'number' && sent > 0) this.#leaving.add(ahead, rights);
    return sent;
  }

  bits(): number {
    const ended = this.incoming.writers === 0 || !this.#receiving;
    const closed = this.outgoing.readers === 0 || !this.#sending;
    return (
      (this.incoming.used > 0 || ended ? PollBit.IN : 0) |
      (ended ? PollBit.RDHUP : 0) |
      (this.outgoing.room >= this.outgoing.capacity / 4 || closed ? PollBit.OUT : 0) |
      (ended && closed ? PollBit.HUP : 0)
    );
  }

  watch(keys: EventKey[]): void {
    keys.push(this.incoming.readable.key, this.outgoing.writable.key);
  }

  available(): number {
    return this.incoming.used;
  }

  endReceiving(): void {
    if (!this.#receiving) return;
    this.#receiving = false;
    this.arriving.clear();
    this.incoming.closeReader();
    this.incoming.readable.wake();
  }

  endSending(): void {
    if (!this.#sending) return;
    this.#sending = false;
    this.outgoing.closeWriter();
    this.outgoing.writable.wake();
  }

  close(): void {
    this.endReceiving();
    this.endSending();
  }

  save(): Plain {
    return { incoming: this.incoming.serial, outgoing: this.outgoing.serial, receiving: this.#receiving, sending: this.#sending };
  }
}

/** A connection that leads out of the stub, by the machine's socket device. */
export class DeviceStream implements SocketStream {
  readonly #device: () => Socket | undefined;
  readonly id: number;
  #sent: number;
  #received: number;
  /** Received from the device and not yet taken. */
  #held: Uint8Array;
  readonly #piece = new Uint8Array(DEVICE_BYTES);

  constructor(device: () => Socket | undefined, saved: { id: number; sent: number; received: number; held: Uint8Array }) {
    this.#device = device;
    this.id = saved.id;
    this.#sent = saved.sent;
    this.#received = saved.received;
    this.#held = saved.held;
  }

  receive(io: Io, peek: boolean, _out: Received): Reply {
    if (this.#held.length === 0) {
      const got = this.#device()?.receive(this.id, this.#received, this.#piece) ?? -Errno.ECONNRESET;
      if (typeof got !== 'number' || got <= 0) return got;
      this.#received += got;
      this.#held = this.#piece.slice(0, got);
    }
    const put = io.put(0, this.#held.subarray(0, io.length));
    if (typeof put === 'number' && put > 0 && !peek) this.#held = this.#held.subarray(put);
    return put;
  }

  send(caller: Pick<Caller, 'progress' | 'signalled'>, io: Io, nonblocking: boolean): Reply {
    const device = this.#device();
    if (device === undefined) return -Errno.ECONNRESET;
    let done = typeof caller.progress === 'number' ? caller.progress : 0;
    caller.progress = undefined;
    while (done < io.length) {
      const got = io.get(done, this.#piece.subarray(0, Math.min(DEVICE_BYTES, io.length - done)));
      const sent = typeof got === 'number' && got > 0 ? device.send(this.id, this.#sent, this.#piece.subarray(0, got)) : got;
      if (typeof sent === 'number' && sent > 0) {
        this.#sent += sent;
        done += sent;
        continue;
      }
      if (done > 0 && (typeof sent === 'number' || nonblocking || caller.signalled)) return done;
      if (typeof sent === 'number') return sent;
      if (nonblocking) return -Errno.EAGAIN;
      if (done > 0) caller.progress = done;
      return sent;
    }
    return done;
  }

  bits(): number {
    const ready = this.#device()?.ready(this.id) ?? DeviceReady.ENDED;
    return (
      ((ready & (DeviceReady.RECEIVE | DeviceReady.ENDED)) !== 0 || this.#held.length > 0 ? PollBit.IN : 0) |
      ((ready & (DeviceReady.SEND | DeviceReady.ENDED)) !== 0 ? PollBit.OUT : 0) |
      ((ready & DeviceReady.ENDED) !== 0 ? PollBit.HUP | PollBit.RDHUP : 0)
    );
  }

  watch(keys: EventKey[]): void {
    const device = this.#device();
    if (device !== undefined) keys.push(device.event);
  }

  available(): number {
    return this.#held.length;
  }

  endReceiving(): void {}

  endSending(): void {
    this.#device()?.shutdown(this.id);
  }

  close(): void {
    this.#device()?.closeConnection(this.id);
  }

  save(): Plain {
    return { id: this.id, sent: this.#sent, received: this.#received, held: this.#held };
  }
}
