import {
  type Channel,
  Errno,
  type EventKey,
  FRAME_BYTES_MAX,
  type Limits,
  type Machine,
  type Manifest,
  type Reply,
  type Result,
} from '@ashlar/hardware';
import { FrameReader, FrameWriter } from './cursor.ts';
import { FrameFlag, FrameType, HEADER_BYTES, isAfter, newHeader, readHeader, writeHeader } from './frame.ts';
import type { Counter } from './link.ts';
import { OP_LIMITS, Op } from './ops.ts';
import { writeKeys, writeWait } from './records.ts';
import { openRingServer, readBranch } from './ring.ts';
import { Seat } from './seat.ts';
import { serveRequest } from './serve-machine.ts';

/**
 * Answers hypercall frames for one machine and for the partitions made of it through frames. Each label is a seat; a channel may speak for the label
 * it was attached for and for the partitions below that, and for nobody else.
 */
export class PartitionServer {
  readonly crossings: Counter;
  readonly #root: Seat;
  readonly #seats = new Map<number, Seat>();
  readonly #reply = new Uint8Array(FRAME_BYTES_MAX);
  readonly #event = new Uint8Array(HEADER_BYTES * 66 + OP_LIMITS.keysMax * 4 + 16);
  readonly #writer = new FrameWriter();
  readonly #eventWriter = new FrameWriter();
  readonly #reader = new FrameReader();
  readonly #header = newHeader();
  readonly #outer = newHeader();
  readonly #channels = new Set<Channel>();
  #armed = false;

  /** `crossings` is counted up with every frame that comes in; a tunnel counts once for each header. */
  constructor(machine: Machine, manifest: Manifest, crossings: Counter = { frames: 0, bytes: 0 }) {
    this.crossings = crossings;
    this.#root = new Seat(manifest.label, machine, undefined, undefined);
    this.#seats.set(manifest.label, this.#root);
  }

  /** Answers what comes over `channel`, for `label` and the partitions below it. */
  attach(channel: Channel, label: number): void {
    const seat = this.#seats.get(label);
    if (seat === undefined) {
      channel.close(-Errno.ENODEV);
      return;
    }
    this.#channels.add(channel);
    channel.receive(
      (frame) => {
        const bytes = this.#answer(frame, seat, channel);
        channel.send(this.#reply.subarray(0, bytes));
      },
      () => this.#flushAll(),
      () => this.#channels.delete(channel),
    );
  }

  /** Attaches a ring that a client made for one of its partitions, see {@link Partition.adopt}. What is no such request is ignored. */
  adopt(request: unknown): void {
    const branch = readBranch(request);
    if (branch !== undefined && this.#seats.has(branch.label)) this.attach(openRingServer(branch.ring), branch.label);
  }

  /** Tells the client of `label` that its memory limit is another now. */
  limited(label: number, pages: number): void {
    const seat = this.#seats.get(label);
    if (seat === undefined) return;
    seat.limit = pages;
    this.#flush(seat);
  }

  /** Every later request of every label answers -ENODEV. The machine's own revocation is its owner's business. */
  revoke(): void {
    for (const seat of this.#seats.values()) seat.forgetDevices();
    this.#seats.clear();
  }

  /** Closes the channels too: nobody is there any more. */
  close(errno: Result): void {
    this.revoke();
    for (const channel of [...this.#channels]) channel.close(errno);
    this.#channels.clear();
  }

  /** Writes the answer to `frame` into the reply buffer; its length. */
  #answer(frame: Uint8Array, scope: Seat, channel: Channel): number {
    const header = this.#header;
    const path: number[] = [];
    let seat = scope;
    let at = 0;
    this.crossings.bytes += frame.length;
    for (;;) {
      this.crossings.frames += 1;
      const bad = this.#admit(frame, at, path, seat);
      if (bad < 0) return this.#refuse(frame, path, bad);
      seat = this.#seats.get(header.label) as Seat;
      if (header.type !== FrameType.TUNNEL) break;
      path.push(at);
      at += HEADER_BYTES;
    }
    seat.route =
      seat.route?.channel === channel && samePath(seat.route.path, path, frame) ? seat.route : { channel, path: labelsOf(path, frame) };
    return this.#serve(frame, at, seat, path);
  }

  /** 0 if the frame at `at` may be handled on behalf of somebody below `scope`; its header is in `#header` then. */
  #admit(frame: Uint8Array, at: number, path: readonly number[], scope: Seat): Result {
    const header = this.#header;
    const before = path.length > 0 ? header.hops : -1;
    const bad = readHeader(frame, at, frame.length, header);
    if (bad < 0) return bad;
    if (before >= 0 && header.hops !== before - 1) return -Errno.EPROTO;
    if (header.type !== FrameType.REQUEST && header.type !== FrameType.TUNNEL) return -Errno.EPROTO;
    if (header.type === FrameType.TUNNEL && header.flags !== 0) return -Errno.EPROTO;
    const seat = this.#seats.get(header.label);
    if (seat === undefined || !seat.isWithin(scope)) return -Errno.ENODEV;
    return seat.advance(header.type, header.sequence, isAfter) ? 0 : -Errno.EALREADY;
  }

  #serve(frame: Uint8Array, at: number, seat: Seat, path: readonly number[]): number {
    const start = path.length * HEADER_BYTES;
    const bodyAt = start + HEADER_BYTES;
    const writer = this.#writer.reset(this.#reply, bodyAt + 8, this.#reply.length);
    const reader = this.#reader.reset(frame, at + HEADER_BYTES, frame.length);
    const { op, label, sequence } = this.#header;
    const since = seat.machine.events.now();
    const reply = serveRequest(this, seat, op, reader, writer);
    const flags = typeof reply === 'number' ? this.#writeResult(reply, bodyAt) : this.#writeWait(reply, bodyAt, seat, since);
    const header = this.#header;
    header.type = FrameType.REPLY;
    header.length = writer.at - start;
    header.label = label;
    header.sequence = sequence;
    header.op = op;
    header.hops = 0;
    header.flags = flags;
    writeHeader(this.#reply, start, header);
    return this.#wrap(frame, path, writer.at);
  }

  #writeResult(result: Result, bodyAt: number): number {
    const writer = this.#writer;
    const end = writer.ok && result >= 0 ? writer.at : bodyAt + 8;
    const value = writer.ok ? result : -Errno.EOVERFLOW;
    writer.reset(this.#reply, bodyAt, this.#reply.length).i53(value);
    writer.at = end;
    return 0;
  }

  #writeWait(wait: Exclude<Reply, number>, bodyAt: number, seat: Seat, since: number): number {
    const writer = this.#writer.reset(this.#reply, bodyAt, this.#reply.length);
    writeWait(writer, wait);
    if (!writer.ok) return this.#writeResult(-Errno.EOVERFLOW, bodyAt);
    for (const key of wait.on) seat.watch(key, since);
    this.#notice();
    return FrameFlag.WAIT;
  }

  /** A reply that says why a frame was not taken, inside the tunnels that were. What could not be read of its header is zero. */
  #refuse(frame: Uint8Array, path: readonly number[], errno: Result): number {
    const start = path.length * HEADER_BYTES;
    const header = this.#header;
    header.type = FrameType.REPLY;
    header.length = HEADER_BYTES + 8;
    header.label = 0;
    header.sequence = 0;
    header.op = 0;
    header.hops = 0;
    header.flags = 0;
    writeHeader(this.#reply, start, header);
    this.#writer.reset(this.#reply, start + HEADER_BYTES, this.#reply.length).i53(errno);
    return this.#wrap(frame, path, start + HEADER_BYTES + 8);
  }

  /** Puts the tunnels of the request around a reply that ends at `end`. */
  #wrap(frame: Uint8Array, path: readonly number[], end: number): number {
    for (let i = 0; i < path.length; i++) {
      const outer = this.#outer;
      readHeader(frame, path[i] as number, frame.length, outer);
      outer.length = end - i * HEADER_BYTES;
      // Fewer than in the request where a tunnel within was refused.
      outer.hops = path.length - i;
      writeHeader(this.#reply, i * HEADER_BYTES, outer);
    }
    return end;
  }

  /** A partition was made of `parent` through a frame. */
  seatChild(parent: Seat, child: Seat): void {
    parent.children.add(child);
    this.#seats.set(child.label, child);
  }

  /** Takes a partition and all below it away. */
  unseat(seat: Seat): void {
    for (const child of [...seat.children]) this.unseat(child);
    seat.forgetDevices();
    seat.parent?.children.delete(seat);
    this.#seats.delete(seat.label);
    seat.partition?.revoke();
  }

  limitChild(child: Seat, limits: Limits): Result {
    const result = child.partition?.limit(limits) ?? -Errno.EINVAL;
    if (result >= 0) this.limited(child.label, limits.pages);
    return result;
  }

  /** Watches a device's own event for as long as the partition lives. */
  pin(seat: Seat, key: EventKey): void {
    seat.pin(key, seat.machine.events.now());
    this.#arm();
  }

  /** Reports the next firing of each key, as if the client had been told to wait for it. */
  watch(seat: Seat, keys: readonly EventKey[]): void {
    for (const key of keys) seat.watch(key, seat.machine.events.now());
    this.#arm();
  }

  #notice(): void {
    this.#collect();
    this.#arm();
  }

  #arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    this.#root.machine.events.onNext(() => {
      this.#armed = false;
      if (this.#seats.size === 0) return;
      this.#collect();
      this.#arm();
    });
  }

  #collect(): void {
    for (const seat of this.#seats.values()) {
      seat.collect();
      if (seat.fired.size > 0) this.#flush(seat);
    }
  }

  #flushAll(): void {
    for (const seat of this.#seats.values()) {
      seat.blocked = false;
      this.#flush(seat);
    }
  }

  /** Sends what a seat's client has to hear; stops when its channel is full and goes on when it drained. Keys coalesce meanwhile. */
  #flush(seat: Seat): void {
    if (seat.limit !== undefined && this.#maySend(seat)) {
      const pages = seat.limit;
      seat.limit = undefined;
      this.#sendEvent(seat, Op.LIMITED, (writer) => void writer.u53(pages));
    }
    while (seat.fired.size > 0 && this.#maySend(seat)) {
      const keys = [...seat.fired].slice(0, OP_LIMITS.keysMax);
      for (const key of keys) seat.fired.delete(key);
      this.#sendEvent(seat, Op.FIRED, (writer) => writeKeys(writer, keys));
    }
  }

  #maySend(seat: Seat): boolean {
    return seat.route !== undefined && !seat.blocked;
  }

  #sendEvent(seat: Seat, op: number, body: (writer: FrameWriter) => void): void {
    const route = seat.route as NonNullable<Seat['route']>;
    const start = route.path.length * HEADER_BYTES;
    const writer = this.#eventWriter.reset(this.#event, start + HEADER_BYTES, this.#event.length);
    body(writer);
    const header = newHeader();
    header.type = FrameType.EVENT;
    header.label = seat.label;
    header.sequence = seat.nextEvent();
    header.op = op;
    header.length = writer.at - start;
    writeHeader(this.#event, start, header);
    header.type = FrameType.TUNNEL;
    header.op = 0;
    header.flags = FrameFlag.UNASKED;
    route.path.forEach((label, i) => {
      header.label = label;
      header.hops = route.path.length - i;
      header.length = writer.at - i * HEADER_BYTES;
      writeHeader(this.#event, i * HEADER_BYTES, header);
    });
    if (!route.channel.send(this.#event.subarray(0, writer.at))) seat.blocked = true;
  }
}

const label = newHeader();

function labelsOf(path: readonly number[], frame: Uint8Array): readonly number[] {
  return path.map((at) => (readHeader(frame, at, frame.length, label) === 0 ? label.label : 0));
}

function samePath(labels: readonly number[], path: readonly number[], frame: Uint8Array): boolean {
  if (labels.length !== path.length) return false;
  for (let i = 0; i < path.length; i++) {
    if (readHeader(frame, path[i] as number, frame.length, label) < 0 || label.label !== labels[i]) return false;
  }
  return true;
}
