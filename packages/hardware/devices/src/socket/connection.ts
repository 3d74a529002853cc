import { Errno, type Result } from '@ashlar/hardware';
import type { HostStream } from './host-sockets.ts';
import { Stream } from './stream.ts';

/** Who is told that something changed at one end of a connection. */
export interface ConnectionOwner {
  fire(): void;
}

/** One end of a connection, as its owner holds it. */
export interface ConnectionEnd {
  readonly owner: ConnectionOwner;
  readonly localPort: number;
  readonly peerHost: string;
  readonly peerPort: number;
  readonly incoming: Stream;
  /** Room for at least one byte. */
  canSend(): boolean;
  /** Bytes taken, 0 if there is no room, or a negated errno. */
  send(sequence: number, from: Uint8Array): Result;
  /** To be called after the owner took bytes. */
  received(): void;
  shutdown(): void;
  close(): void;
  /** The far end is gone without a word: -ECONNRESET from now on. */
  broken: Result;
  /** The other end, if it is one of this network. */
  readonly peer: ConnectionEnd | undefined;
}

/** An end of a connection between two domains. */
export class LinkedEnd implements ConnectionEnd {
  broken: Result = 0;
  #peer: LinkedEnd | undefined;

  constructor(
    readonly owner: ConnectionOwner,
    readonly localPort: number,
    readonly peerHost: string,
    readonly peerPort: number,
    readonly incoming: Stream = new Stream(),
  ) {}

  get peer(): LinkedEnd | undefined {
    return this.#peer;
  }

  static join(a: LinkedEnd, b: LinkedEnd): void {
    a.#peer = b;
    b.#peer = a;
  }

  canSend(): boolean {
    return this.#peer !== undefined && this.#peer.incoming.space > 0;
  }

  send(sequence: number, from: Uint8Array): Result {
    if (this.broken < 0) return this.broken;
    const peer = this.#peer;
    if (peer === undefined) return -Errno.EPIPE;
    const taken = peer.incoming.send(sequence, from);
    if (taken > 0) peer.owner.fire();
    return taken;
  }

  received(): void {
    this.#peer?.owner.fire();
  }

  shutdown(): void {
    const peer = this.#peer;
    if (peer === undefined || peer.incoming.isEnded) return;
    peer.incoming.isEnded = true;
    peer.owner.fire();
  }

  close(): void {
    this.shutdown();
    this.incoming.isDeaf = true;
    this.#peer?.owner.fire();
  }

  /** Ends both sides as a lost domain does. */
  break(): void {
    const peer = this.#peer;
    this.broken = -Errno.ECONNRESET;
    if (peer === undefined || peer.broken < 0) return;
    peer.broken = -Errno.ECONNRESET;
    peer.owner.fire();
  }
}

/** An end whose far end is somewhere on the host's network. */
export class HostEnd implements ConnectionEnd {
  readonly peer = undefined;
  readonly incoming = new Stream();
  broken: Result = 0;
  state: 'connecting' | 'open' | 'closed' = 'connecting';
  /** It stood once: what broke it then is for send and receive to tell, not for connect. */
  wasOpen = false;
  #stream: HostStream | undefined;
  #sent = 0;
  #isFull = false;
  #isPaused = false;
  #isShut = false;
  /** Bytes that came while the stream was full: what the host had under way when it was paused. */
  #overflow: Uint8Array[] = [];

  constructor(
    readonly owner: ConnectionOwner,
    readonly localPort: number,
    readonly peerHost: string,
    readonly peerPort: number,
  ) {}

  attach(stream: HostStream): void {
    if (this.state === 'closed') stream.destroy();
    else this.#stream = stream;
  }

  connected(): void {
    this.state = 'open';
    this.wasOpen = true;
    this.owner.fire();
  }

  data(bytes: Uint8Array): void {
    const taken = this.#overflow.length > 0 ? 0 : this.incoming.send(this.incoming.end, bytes);
    if (taken < 0) return;
    if (taken < bytes.length) this.#overflow.push(bytes.slice(taken));
    if (this.incoming.space === 0 && !this.#isPaused) {
      this.#isPaused = true;
      this.#stream?.pause();
    }
    this.owner.fire();
  }

  drained(): void {
    this.#isFull = false;
    this.owner.fire();
  }

  #endsAfterOverflow = false;

  ended(): void {
    if (this.#overflow.length > 0) this.#endsAfterOverflow = true;
    else this.incoming.isEnded = true;
    this.owner.fire();
  }

  closed(errno: Result): void {
    if (errno < 0) this.broken = errno;
    else this.ended();
    this.state = 'closed';
    this.#stream = undefined;
    this.owner.fire();
  }

  canSend(): boolean {
    return this.state === 'open' && !this.#isFull;
  }

  send(sequence: number, from: Uint8Array): Result {
    if (sequence > this.#sent || !Number.isInteger(sequence)) return -Errno.EINVAL;
    if (sequence < this.#sent) return Math.min(this.#sent - sequence, from.length);
    if (this.broken < 0) return this.broken;
    if (this.#isShut || this.state === 'closed' || this.#stream === undefined) return -Errno.EPIPE;
    if (this.#isFull) return 0;
    const part = from.subarray(0, HOST_WRITE_BYTES_MAX);
    this.#isFull = !this.#stream.write(part);
    this.#sent += part.length;
    return part.length;
  }

  received(): void {
    while (this.#overflow.length > 0) {
      const first = this.#overflow[0]!;
      const taken = this.incoming.send(this.incoming.end, first);
      if (taken < first.length) {
        this.#overflow[0] = first.subarray(Math.max(0, taken));
        return;
      }
      this.#overflow.shift();
    }
    if (this.#endsAfterOverflow) this.incoming.isEnded = true;
    if (!this.#isPaused || this.incoming.space === 0) return;
    this.#isPaused = false;
    this.#stream?.resume();
  }

  shutdown(): void {
    if (this.#isShut) return;
    this.#isShut = true;
    this.#stream?.end();
  }

  close(): void {
    this.shutdown();
    this.incoming.isDeaf = true;
    this.#overflow = [];
    this.#stream?.resume();
    this.#stream = undefined;
    this.state = 'closed';
  }

  break(): void {
    this.#stream?.destroy();
    this.#stream = undefined;
    this.state = 'closed';
    this.broken = -Errno.ECONNRESET;
  }
}

/** Bytes of one write to the host, so that no request is long. */
const HOST_WRITE_BYTES_MAX = 65_536;
