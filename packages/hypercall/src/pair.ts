import { type Channel, Errno, FRAME_BYTES_MAX, type Result } from '@ashlar/hardware';
import { isUnasked } from './frame.ts';

/** Sees every frame that crosses a channel, before it is delivered. `frame` is good until it returns. */
export type ChannelTap = (toward: 'server' | 'client', frame: Uint8Array) => void;

/** Most bytes that a channel holds back for an end that does not receive yet. */
export const PENDING_BYTES_MAX = 4 << 20;

/** One end of a channel within a thread. */
class PairEnd implements Channel {
  peer: PairEnd | undefined;
  readonly #toward: 'server' | 'client';
  readonly #tap: ChannelTap | undefined;
  #onFrame: ((frame: Uint8Array) => void) | undefined;
  #onDrain: (() => void) | undefined;
  #onEnd: ((errno: Result) => void) | undefined;
  /** Frames that wait for a receiver, or for the delivery under way to return: order is kept and no receiver is entered twice. */
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #delivering = false;
  #full = false;
  #ended: Result | undefined;
  /** Where the answer to the call under way goes. */
  #answer: Uint8Array | undefined;
  #answered: Result = 0;

  constructor(toward: 'server' | 'client', tap: ChannelTap | undefined) {
    this.#toward = toward;
    this.#tap = tap;
  }

  send(frame: Uint8Array): boolean {
    const peer = this.#checked(frame);
    if (peer === undefined) return true;
    this.#tap?.(this.#toward, frame);
    return peer.#accept(frame);
  }

  call(frame: Uint8Array, answer: Uint8Array): Result {
    const peer = this.#checked(frame);
    if (peer === undefined || peer.#onFrame === undefined) return this.#ended ?? -Errno.ENOTCONN;
    if (this.#answer !== undefined) return -Errno.EBUSY;
    this.#tap?.(this.#toward, frame);
    this.#answer = answer;
    this.#answered = -Errno.EIO;
    try {
      peer.#onFrame(frame);
    } finally {
      this.#answer = undefined;
    }
    return this.#answered;
  }

  receive(onFrame: (frame: Uint8Array) => void, onDrain: () => void, onEnd: (errno: Result) => void): void {
    if (this.#onFrame !== undefined) throw new Error('receive was called twice on one channel');
    this.#onFrame = onFrame;
    this.#onDrain = onDrain;
    this.#onEnd = onEnd;
    this.#deliver();
    if (this.#ended !== undefined) onEnd(this.#ended);
  }

  close(errno: Result): void {
    const peer = this.peer;
    if (peer === undefined) return;
    this.peer = undefined;
    peer.peer = undefined;
    this.#ended = errno;
    peer.#ended = errno;
    this.#onEnd?.(errno);
    peer.#onEnd?.(errno);
  }

  #checked(frame: Uint8Array): PairEnd | undefined {
    if (frame.length > FRAME_BYTES_MAX) throw new RangeError(`a frame of ${frame.length} bytes: at most ${FRAME_BYTES_MAX}`);
    return this.peer;
  }

  #accept(frame: Uint8Array): boolean {
    if (this.#answer !== undefined && !isUnasked(frame)) {
      this.#take(frame);
      return true;
    }
    if (this.#onFrame !== undefined && !this.#delivering) {
      this.#delivering = true;
      try {
        this.#onFrame(frame);
      } finally {
        this.#delivering = false;
      }
      this.#deliver();
      return true;
    }
    if (this.#pendingBytes + frame.length > PENDING_BYTES_MAX && this.#pending.length > 0) {
      this.close(-Errno.ENOBUFS);
      return false;
    }
    this.#pending.push(frame.slice());
    this.#pendingBytes += frame.length;
    this.#full = this.#pendingBytes + FRAME_BYTES_MAX > PENDING_BYTES_MAX;
    return !this.#full;
  }

  #take(frame: Uint8Array): void {
    const answer = this.#answer as Uint8Array;
    if (frame.length > answer.length) {
      this.#answered = -Errno.EMSGSIZE;
      return;
    }
    answer.set(frame);
    this.#answered = frame.length;
  }

  #deliver(): void {
    const onFrame = this.#onFrame;
    if (onFrame === undefined || this.#delivering) return;
    this.#delivering = true;
    try {
      for (let frame = this.#pending.shift(); frame !== undefined; frame = this.#pending.shift()) {
        this.#pendingBytes -= frame.length;
        onFrame(frame);
      }
    } finally {
      this.#delivering = false;
    }
    if (!this.#full) return;
    this.#full = false;
    const peer = this.peer;
    if (peer !== undefined) peer.#onDrain?.();
  }
}

/**
 * A channel within one thread: frames are delivered by a function call, in order; `call` is one too. A receiver that sends from within its
 * `onFrame` does not reenter the other's: such frames wait until it returned.
 */
export function createPair(tap?: ChannelTap): { readonly client: Channel; readonly server: Channel } {
  const client = new PairEnd('server', tap);
  const server = new PairEnd('client', tap);
  client.peer = server;
  server.peer = client;
  return { client, server };
}
