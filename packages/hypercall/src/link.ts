import { type Channel, Errno, FRAME_BYTES_MAX, type Result } from '@ashlar/hardware';
import { FrameReader, FrameWriter } from './cursor.ts';
import { FrameFlag, FrameType, HEADER_BYTES, type Header, newHeader, readHeader, writeHeader } from './frame.ts';

/** Counts frames where they cross. */
export interface Counter {
  frames: number;
  bytes: number;
}

/** Asks on behalf of one label. */
export interface Caller {
  readonly label: number;
  readonly crossings: Counter;
  /** Sequence of the last request. */
  sequence: number;
}

/** What an unasked frame does to a client of this thread. */
export interface Listener {
  onEvent(header: Header, body: FrameReader): void;
}

/** Takes an unasked frame that is meant for somebody further up, without the tunnel. */
export type Relay = (frame: Uint8Array) => void;

/** Answer of {@link Link.finish} when the far end answered with a wait; the reader stands at it. */
export const WAITS = Number.NEGATIVE_INFINITY;

/**
 * The client's end of a channel, shared by all partitions of this thread that the channel reaches. One request is under way at a time, and its
 * buffers are the link's, so a request allocates nothing.
 */
export class Link {
  readonly channel: Channel;
  readonly writer = new FrameWriter();
  readonly reader = new FrameReader();
  readonly #request = new Uint8Array(FRAME_BYTES_MAX);
  readonly #answer = new Uint8Array(FRAME_BYTES_MAX);
  readonly #header = newHeader();
  readonly #reply = newHeader();
  readonly #event = newHeader();
  readonly #eventReader = new FrameReader();
  readonly #listeners = new Map<number, Listener>();
  readonly #relays = new Map<number, Relay>();
  readonly #onEnds: ((errno: Result) => void)[] = [];
  #busy = false;

  constructor(channel: Channel) {
    if (channel.call === undefined) throw new TypeError('this channel has no call: requests cannot be answered over it');
    this.channel = channel;
    channel.receive(
      (frame) => this.#receive(frame),
      () => undefined,
      (errno) => {
        for (const onEnd of this.#onEnds) onEnd(errno);
      },
    );
  }

  listen(label: number, listener: Listener | undefined): void {
    if (listener === undefined) this.#listeners.delete(label);
    else this.#listeners.set(label, listener);
  }

  relay(label: number, relay: Relay | undefined): void {
    if (relay === undefined) this.#relays.delete(label);
    else this.#relays.set(label, relay);
  }

  onEnd(onEnd: (errno: Result) => void): void {
    this.#onEnds.push(onEnd);
  }

  /** Begins a request; its arguments go into the writer that this returns. */
  begin(caller: Caller, op: number): FrameWriter {
    if (this.#busy) throw new Error('a request was begun while another was under way on the same channel');
    caller.sequence = (caller.sequence + 1) >>> 0;
    const header = this.#header;
    header.type = FrameType.REQUEST;
    header.label = caller.label;
    header.sequence = caller.sequence;
    header.op = op;
    header.hops = 0;
    header.flags = 0;
    return this.writer.reset(this.#request, HEADER_BYTES, this.#request.length);
  }

  /**
   * Sends what was begun and waits for the answer: its result, or {@link WAITS}; what else the reply holds is in `reader`.
   * -EINVAL: an argument does not fit its field. -EPROTO: the answer is none. -ENODEV: the channel ended.
   */
  finish(caller: Caller): Result {
    if (!this.writer.ok) return -Errno.EINVAL;
    const header = this.#header;
    header.length = this.writer.at;
    writeHeader(this.#request, 0, header);
    const bytes = this.#exchange(caller, header.length);
    if (bytes < 0) return bytes === -Errno.EMSGSIZE ? bytes : -Errno.ENODEV;
    const reply = this.#reply;
    const bad = readHeader(this.#answer, 0, bytes, reply);
    if (bad < 0 || reply.type !== FrameType.REPLY) return -Errno.EPROTO;
    this.reader.reset(this.#answer, HEADER_BYTES, bytes);
    if (reply.sequence !== header.sequence || reply.label !== header.label || reply.op !== header.op) {
      // A refusal of the frame itself cannot echo what was not understood; its result says why.
      const refusal = this.reader.i53();
      return refusal < 0 ? refusal : -Errno.EPROTO;
    }
    if ((reply.flags & FrameFlag.WAIT) !== 0) return WAITS;
    return this.reader.i53();
  }

  /**
   * Carries a frame of a partition further up inside one of `caller`'s, and gives the answer to it (good until the next request), or a negated errno.
   */
  tunnel(caller: Caller, frame: Uint8Array, hops: number): Uint8Array | Result {
    if (this.#busy) return -Errno.EBUSY;
    const length = frame.length + HEADER_BYTES;
    if (length > this.#request.length) return -Errno.EMSGSIZE;
    caller.sequence = (caller.sequence + 1) >>> 0;
    const header = this.#header;
    header.type = FrameType.TUNNEL;
    header.label = caller.label;
    header.sequence = caller.sequence;
    header.op = 0;
    header.hops = hops;
    header.flags = 0;
    header.length = length;
    writeHeader(this.#request, 0, header);
    this.#request.set(frame, HEADER_BYTES);
    const bytes = this.#exchange(caller, length);
    if (bytes < 0) return -Errno.ENODEV;
    const reply = this.#reply;
    const bad = readHeader(this.#answer, 0, bytes, reply);
    if (bad < 0) return -Errno.EPROTO;
    if (reply.type === FrameType.TUNNEL && reply.label === header.label && reply.sequence === header.sequence) {
      return this.#answer.subarray(HEADER_BYTES, bytes);
    }
    const refusal = this.reader.reset(this.#answer, HEADER_BYTES, bytes).i53();
    return reply.type === FrameType.REPLY && refusal < 0 ? refusal : -Errno.EPROTO;
  }

  #exchange(caller: Caller, length: number): Result {
    this.#busy = true;
    let bytes: Result;
    try {
      bytes = (this.channel.call as NonNullable<Channel['call']>).call(this.channel, this.#request.subarray(0, length), this.#answer);
    } finally {
      this.#busy = false;
    }
    caller.crossings.frames += 1;
    caller.crossings.bytes += length + Math.max(bytes, 0);
    return bytes;
  }

  #receive(frame: Uint8Array): void {
    const header = this.#event;
    if (readHeader(frame, 0, frame.length, header) < 0) return;
    if (header.type === FrameType.TUNNEL) this.#relays.get(header.label)?.(frame.subarray(HEADER_BYTES));
    else if (header.type === FrameType.EVENT) {
      this.#listeners.get(header.label)?.onEvent(header, this.#eventReader.reset(frame, HEADER_BYTES, frame.length));
    }
  }
}
