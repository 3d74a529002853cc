import { type Channel, Errno, FRAME_BYTES_MAX, type Result } from '@ashlar/hardware';
import { isUnasked } from './frame.ts';
import type { ChannelTap } from './pair.ts';
import { CORRUPT, EMPTY, SharedRing } from './shared-ring.ts';

/** A channel between threads as plain data: post it to the other thread. */
export interface RingHandle {
  readonly buffer: SharedArrayBuffer;
}

/** What a client asks the far end for when one of its partitions moves to a further thread. */
export interface BranchRequest {
  readonly label: number;
  readonly ring: RingHandle;
}

/** Bytes of the rings for requests and replies (each holds at least one largest frame), and for events. */
const REQUEST_RING_BYTES = 1 << 21;
const EVENT_RING_BYTES = 1 << 16;
const CONTROL_BYTES = 512;
const RING_BYTES = CONTROL_BYTES + 2 * REQUEST_RING_BYTES + EVENT_RING_BYTES;

/** Indices of the control words; each in its own cache line. */
const CLOSED = 0;
const REQUEST_HEAD = 16;
const REQUEST_TAIL = 32;
const REPLY_HEAD = 48;
const REPLY_TAIL = 64;
const EVENT_HEAD = 80;
const EVENT_TAIL = 96;

/** Loads of the reply's position before the thread goes to sleep: about as long as waking it would take. */
const SPIN_LOADS = 4000;
/** Loads of the request's position before the server goes back to its event loop. */
const SERVER_SPIN_LOADS = 2000;
/** Requests that a server answers before its event loop gets a turn. */
const BURST_REQUESTS = 256;
/** A sleeping client looks whether the far end closed at least so often. */
const CLIENT_NAP_MS = 1000;
/** Event frames that wait in the server for room in the ring; the sender was told to stop long before. */
const BACKLOG_MAX = 64;
/** Pause between looks where shared memory cannot be awaited (engines without Atomics.waitAsync). */
const POLL_MS = 1;

export function createRing(): RingHandle {
  return { buffer: new SharedArrayBuffer(RING_BYTES) };
}

interface Rings {
  readonly control: Int32Array;
  readonly requests: SharedRing;
  readonly replies: SharedRing;
  readonly events: SharedRing;
}

function ringsOf(handle: RingHandle): Rings {
  const { buffer } = handle;
  if (buffer.byteLength !== RING_BYTES) throw new RangeError(`a ring of ${buffer.byteLength} bytes; this version uses ${RING_BYTES}`);
  const control = new Int32Array(buffer, 0, CONTROL_BYTES / 4);
  const data = (index: number, bytes: number): Uint8Array => new Uint8Array(buffer, CONTROL_BYTES + index * REQUEST_RING_BYTES, bytes);
  return {
    control,
    requests: new SharedRing(control, REQUEST_HEAD, REQUEST_TAIL, data(0, REQUEST_RING_BYTES)),
    replies: new SharedRing(control, REPLY_HEAD, REPLY_TAIL, data(1, REQUEST_RING_BYTES)),
    events: new SharedRing(control, EVENT_HEAD, EVENT_TAIL, data(2, EVENT_RING_BYTES)),
  };
}

function closeRings(control: Int32Array, errno: Result): void {
  Atomics.compareExchange(control, CLOSED, 0, errno === 0 ? 1 : errno);
  for (const index of [REQUEST_HEAD, REPLY_HEAD, EVENT_HEAD, EVENT_TAIL]) Atomics.notify(control, index);
}

/** Settles when the word at `index` is not `seen` any more, or it was notified. */
async function changed(control: Int32Array, index: number, seen: number): Promise<void> {
  if (typeof Atomics.waitAsync !== 'function') {
    if (Atomics.load(control, index) === seen) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    return;
  }
  const waiting = Atomics.waitAsync(control, index, seen);
  if (waiting.async) await waiting.value;
}

/** A turn of the host's event loop. */
function turn(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (call: () => void) => void };
  return new Promise((resolve) => (setImmediate === undefined ? setTimeout(resolve, 0) : setImmediate(resolve)));
}

export interface RingClientOptions {
  readonly tap?: ChannelTap;
  /** Hands a branch on to the thread at the far end; absent: this channel has no branches. */
  readonly post?: (request: unknown) => void;
  /** false: events are delivered only by {@link RingClient.poll}, at moments that the caller chooses. */
  readonly pump?: boolean;
}

/** The end that asks. Its `call` blocks the thread. */
export class RingClient implements Channel {
  readonly branch?: (label: number) => unknown;
  readonly adopt?: (request: unknown) => void;
  readonly #rings: Rings;
  readonly #tap: ChannelTap | undefined;
  readonly #pump: boolean;
  readonly #event = new Uint8Array(EVENT_RING_BYTES);
  #onFrame: ((frame: Uint8Array) => void) | undefined;
  #onEnd: ((errno: Result) => void) | undefined;

  constructor(handle: RingHandle, options: RingClientOptions = {}) {
    this.#rings = ringsOf(handle);
    this.#tap = options.tap;
    this.#pump = options.pump ?? true;
    const { post } = options;
    if (post === undefined) return;
    this.adopt = post;
    this.branch = (label) => {
      const ring = createRing();
      post({ label, ring } satisfies BranchRequest);
      return ring;
    };
  }

  /** Requests go through `call`: a client has nothing else to say. */
  send(_frame: Uint8Array): boolean {
    throw new TypeError('a ring client asks with call; it has nothing to send unasked');
  }

  call(frame: Uint8Array, answer: Uint8Array): Result {
    if (frame.length > FRAME_BYTES_MAX) return -Errno.EMSGSIZE;
    const { control, requests, replies } = this.#rings;
    if (Atomics.load(control, CLOSED) !== 0) return -Errno.ENODEV;
    this.#tap?.('server', frame);
    if (!requests.push(frame)) return -Errno.EBUSY;
    const seen = replies.tail();
    for (let i = 0; i < SPIN_LOADS; i++) if (replies.head() !== seen) break;
    while (replies.head() === seen) {
      if (Atomics.load(control, CLOSED) !== 0) return -Errno.ENODEV;
      Atomics.wait(control, REPLY_HEAD, seen, CLIENT_NAP_MS);
    }
    const length = replies.pop(answer);
    if (length < 0) return this.#broken();
    this.#tap?.('client', answer.subarray(0, length));
    return length;
  }

  receive(onFrame: (frame: Uint8Array) => void, _onDrain: () => void, onEnd: (errno: Result) => void): void {
    if (this.#onFrame !== undefined) throw new Error('receive was called twice on one channel');
    this.#onFrame = onFrame;
    this.#onEnd = onEnd;
    if (this.#pump) void this.#pumpEvents();
  }

  /** Delivers the events that came so far. */
  poll(): void {
    const { events } = this.#rings;
    for (;;) {
      const length = events.pop(this.#event);
      if (length === EMPTY) return;
      if (length === CORRUPT) {
        this.#broken();
        return;
      }
      const frame = this.#event.subarray(0, length);
      this.#tap?.('client', frame);
      this.#onFrame?.(frame);
    }
  }

  close(errno: Result): void {
    closeRings(this.#rings.control, errno);
  }

  async #pumpEvents(): Promise<void> {
    const { control, events } = this.#rings;
    while (Atomics.load(control, CLOSED) === 0) {
      this.poll();
      await changed(control, EVENT_HEAD, events.tail());
    }
    this.poll();
    this.#onEnd?.(Atomics.load(control, CLOSED));
  }

  #broken(): Result {
    this.close(-Errno.EBADMSG);
    return -Errno.EBADMSG;
  }
}

/** The end that answers, from its thread's event loop. */
class RingServer implements Channel {
  readonly #rings: Rings;
  readonly #tap: ChannelTap | undefined;
  readonly #request = new Uint8Array(FRAME_BYTES_MAX);
  #backlog: Uint8Array[] = [];
  #onFrame: ((frame: Uint8Array) => void) | undefined;
  #onDrain: (() => void) | undefined;
  #onEnd: ((errno: Result) => void) | undefined;

  constructor(handle: RingHandle, tap: ChannelTap | undefined) {
    this.#rings = ringsOf(handle);
    this.#tap = tap;
  }

  send(frame: Uint8Array): boolean {
    this.#tap?.('client', frame);
    const { replies, events } = this.#rings;
    if (!isUnasked(frame)) {
      if (!replies.push(frame)) this.close(-Errno.EBADMSG);
      return true;
    }
    if (this.#backlog.length === 0 && events.push(frame)) return true;
    if (this.#backlog.length >= BACKLOG_MAX) {
      this.close(-Errno.ENOBUFS);
      return false;
    }
    this.#backlog.push(frame.slice());
    if (this.#backlog.length === 1) void this.#drain();
    return false;
  }

  receive(onFrame: (frame: Uint8Array) => void, onDrain: () => void, onEnd: (errno: Result) => void): void {
    if (this.#onFrame !== undefined) throw new Error('receive was called twice on one channel');
    this.#onFrame = onFrame;
    this.#onDrain = onDrain;
    this.#onEnd = onEnd;
    void this.#pump();
  }

  close(errno: Result): void {
    closeRings(this.#rings.control, errno);
  }

  async #pump(): Promise<void> {
    const { control, requests } = this.#rings;
    while (Atomics.load(control, CLOSED) === 0) {
      if (this.#answerBurst()) await turn();
      else await changed(control, REQUEST_HEAD, requests.tail());
    }
    this.#onEnd?.(Atomics.load(control, CLOSED));
  }

  /** Answers what is there and what comes soon after; true if there may be more. */
  #answerBurst(): boolean {
    const { control, requests } = this.#rings;
    for (let served = 0; served < BURST_REQUESTS; served++) {
      const length = requests.pop(this.#request);
      if (length === EMPTY) return false;
      if (length === CORRUPT) {
        this.close(-Errno.EBADMSG);
        return false;
      }
      const frame = this.#request.subarray(0, length);
      this.#tap?.('server', frame);
      this.#onFrame?.(frame);
      if (Atomics.load(control, CLOSED) !== 0) return false;
      for (let i = 0; i < SERVER_SPIN_LOADS && requests.empty; i++);
    }
    return true;
  }

  async #drain(): Promise<void> {
    const { control, events } = this.#rings;
    for (;;) {
      const seen = events.tail();
      while (this.#backlog.length > 0 && events.push(this.#backlog[0] as Uint8Array)) this.#backlog.shift();
      if (this.#backlog.length === 0) break;
      if (Atomics.load(control, CLOSED) !== 0) return;
      await changed(control, EVENT_TAIL, seen);
    }
    this.#onDrain?.();
  }
}

export function openRingServer(handle: RingHandle, tap?: ChannelTap): Channel {
  return new RingServer(handle, tap);
}

/** The request if it is one. */
export function readBranch(request: unknown): BranchRequest | undefined {
  if (typeof request !== 'object' || request === null) return undefined;
  const { label, ring } = request as { label?: unknown; ring?: unknown };
  if (typeof label !== 'number' || typeof ring !== 'object' || ring === null) return undefined;
  const { buffer } = ring as { buffer?: unknown };
  return buffer instanceof SharedArrayBuffer && buffer.byteLength === RING_BYTES ? { label, ring: { buffer } } : undefined;
}
