import { type Channel, Errno, FRAME_BYTES_MAX, type Result } from '@ashlar/hardware';

/** Bytes under way in one direction before the sender is asked to stop. */
export const WINDOW_BYTES = 1 << 20;
/** Bytes that a sender who does not stop may have under way; the channel ends beyond. */
export const OVERRUN_BYTES_MAX = 64 << 20;

type PortMessage = { readonly frame: Uint8Array } | { readonly taken: number } | { readonly end: Result };

/** Byte frames of a service over a MessagePort, with the receiver's pace kept. */
export class PortChannel implements Channel {
  readonly #port: MessagePort;
  #onFrame: ((frame: Uint8Array) => void) | undefined;
  #onDrain: (() => void) | undefined;
  #onEnd: ((errno: Result) => void) | undefined;
  #early: Uint8Array[] = [];
  #underWay = 0;
  #ended: Result | undefined;

  readonly #onClosed: () => void;

  constructor(port: MessagePort, onClosed: () => void = () => undefined) {
    this.#port = port;
    this.#onClosed = onClosed;
    port.onmessage = (event: MessageEvent<PortMessage>) => this.#take(event.data);
    port.start();
  }

  send(frame: Uint8Array): boolean {
    if (frame.length > FRAME_BYTES_MAX) throw new RangeError(`a frame of ${frame.length} bytes: at most ${FRAME_BYTES_MAX}`);
    if (this.#ended !== undefined) return true;
    this.#underWay += frame.length;
    if (this.#underWay > OVERRUN_BYTES_MAX) {
      this.close(-Errno.ENOBUFS);
      return false;
    }
    const copy = frame.slice();
    this.#port.postMessage({ frame: copy } satisfies PortMessage, [copy.buffer]);
    return this.#underWay < WINDOW_BYTES;
  }

  receive(onFrame: (frame: Uint8Array) => void, onDrain: () => void, onEnd: (errno: Result) => void): void {
    if (this.#onFrame !== undefined) throw new Error('receive was called twice on one channel');
    this.#onFrame = onFrame;
    this.#onDrain = onDrain;
    this.#onEnd = onEnd;
    for (const frame of this.#early.splice(0)) this.#give(frame);
    if (this.#ended !== undefined) onEnd(this.#ended);
  }

  close(errno: Result): void {
    if (this.#ended !== undefined) return;
    this.#port.postMessage({ end: errno } satisfies PortMessage);
    this.#end(errno);
  }

  #take(message: PortMessage): void {
    if ('frame' in message) {
      if (this.#onFrame === undefined) this.#early.push(message.frame);
      else this.#give(message.frame);
    } else if ('taken' in message) {
      const full = this.#underWay >= WINDOW_BYTES;
      this.#underWay -= message.taken;
      if (full && this.#underWay < WINDOW_BYTES) this.#onDrain?.();
    } else this.#end(message.end);
  }

  #give(frame: Uint8Array): void {
    this.#onFrame?.(frame);
    if (this.#ended === undefined) this.#port.postMessage({ taken: frame.length } satisfies PortMessage);
  }

  #end(errno: Result): void {
    if (this.#ended !== undefined) return;
    this.#ended = errno;
    this.#onEnd?.(errno);
    this.#onClosed();
    this.#port.close();
  }
}

/** Carries frames and the end of each channel over to the other. */
export function joinChannels(a: Channel, b: Channel): void {
  const into = (to: Channel) => (frame: Uint8Array) => void to.send(frame);
  a.receive(
    into(b),
    () => undefined,
    (errno) => b.close(errno),
  );
  b.receive(
    into(a),
    () => undefined,
    (errno) => a.close(errno),
  );
}
