import { type Channel, Errno, FRAME_BYTES_MAX, type Result } from '@ashlar/hardware';
import { decode, encode } from '@msgpack/msgpack';

/** Largest message, in bytes: a saved domain is the largest there is. */
export const MESSAGE_BYTES_MAX = 1 << 30;
const PIECE_BYTES = FRAME_BYTES_MAX - 1;
const LAST = 1;

/**
 * Messages of any size over a channel of frames: MessagePack in pieces, each frame one byte (1 in the last piece, else 0) and a piece.
 * What is no message ends the channel with -EBADMSG.
 */
export class MessageStream {
  readonly #channel: Channel;
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Begins to receive, once; what had come before is handled before this returns. */
  open(onMessage: (message: unknown) => void, onEnd: (errno: Result) => void): void {
    this.#channel.receive(
      (frame) => this.#take(frame, onMessage),
      () => undefined,
      onEnd,
    );
  }

  send(message: unknown): void {
    const bytes = encode(message, { ignoreUndefined: true });
    for (let at = 0; ; at += PIECE_BYTES) {
      const piece = bytes.subarray(at, at + PIECE_BYTES);
      const frame = new Uint8Array(piece.length + 1);
      frame[0] = at + PIECE_BYTES >= bytes.length ? LAST : 0;
      frame.set(piece, 1);
      this.#channel.send(frame);
      if (frame[0] === LAST) return;
    }
  }

  close(errno: Result): void {
    this.#channel.close(errno);
  }

  #take(frame: Uint8Array, onMessage: (message: unknown) => void): void {
    this.#bytes += frame.length - 1;
    if (frame.length === 0 || this.#bytes > MESSAGE_BYTES_MAX) {
      this.#channel.close(-Errno.EBADMSG);
      return;
    }
    this.#pieces.push(frame.slice(1));
    if (frame[0] !== LAST) return;
    const whole = new Uint8Array(this.#bytes);
    let at = 0;
    for (const piece of this.#pieces.splice(0)) {
      whole.set(piece, at);
      at += piece.length;
    }
    this.#bytes = 0;
    let message: unknown;
    try {
      message = decode(whole);
    } catch {
      this.#channel.close(-Errno.EBADMSG);
      return;
    }
    onMessage(message);
  }
}
