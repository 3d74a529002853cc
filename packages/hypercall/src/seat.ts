import type { Channel, EventKey, Machine, Partition } from '@ashlar/hardware';
import { FrameType } from './frame.ts';
import type { ServedDevice } from './serve-device.ts';

/** Most event keys that one partition may wait for at a time; the oldest is reported as fired beyond. */
export const WATCHES_MAX = 4096;
/** Most partitions made of one partition through frames. */
export const CHILDREN_MAX = 1024;

/** How a client is reached: over which channel, inside which tunnels (labels, outermost first). */
export interface Route {
  readonly channel: Channel;
  readonly path: readonly number[];
}

/** What the server keeps for one label. */
export class Seat {
  readonly label: number;
  readonly machine: Machine;
  /** undefined for the server's own machine. */
  readonly partition: Partition | undefined;
  readonly parent: Seat | undefined;
  readonly children = new Set<Seat>();
  /** Names of the machine's devices in order: how frames number them. */
  readonly deviceNames: readonly string[];
  readonly devices = new Map<number, ServedDevice>();
  route: Route | undefined;
  /** The client must hear of these keys. */
  readonly fired = new Set<EventKey>();
  /** A memory limit the client must hear of. */
  limit: number | undefined;
  /** The client's channel is full. */
  blocked = false;
  readonly #watched = new Map<EventKey, number>();
  readonly #pinned = new Map<EventKey, number>();
  #lastRequest = 0;
  #lastTunnel = 0;
  #lastEvent = 0;

  constructor(label: number, machine: Machine, partition: Partition | undefined, parent: Seat | undefined) {
    this.label = label;
    this.machine = machine;
    this.partition = partition;
    this.parent = parent;
    this.deviceNames = Object.keys(machine.shape.devices).sort();
  }

  isWithin(ancestor: Seat): boolean {
    for (let seat: Seat | undefined = this; seat !== undefined; seat = seat.parent) if (seat === ancestor) return true;
    return false;
  }

  /** Notes a frame's sequence; false for one that was there before. */
  advance(type: number, sequence: number, isAfter: (sequence: number, last: number) => boolean): boolean {
    const tunnel = type === FrameType.TUNNEL;
    if (!isAfter(sequence, tunnel ? this.#lastTunnel : this.#lastRequest)) return false;
    if (tunnel) this.#lastTunnel = sequence;
    else this.#lastRequest = sequence;
    return true;
  }

  nextEvent(): number {
    this.#lastEvent = (this.#lastEvent + 1) >>> 0;
    return this.#lastEvent;
  }

  /** Reports the key's next firing after position `since`, once. */
  watch(key: EventKey, since: number): void {
    if (this.#watched.has(key) || this.#pinned.has(key)) return;
    if (this.#watched.size >= WATCHES_MAX) {
      const oldest = this.#watched.keys().next().value as EventKey;
      this.#watched.delete(oldest);
      this.fired.add(oldest);
    }
    this.#watched.set(key, since);
  }

  /** Reports every firing of the key after position `since`. */
  pin(key: EventKey, since: number): void {
    this.#watched.delete(key);
    this.#pinned.set(key, since);
  }

  /** Moves keys that fired to `fired`. */
  collect(): void {
    const { events } = this.machine;
    for (const [key, since] of this.#watched) {
      if (events.last(key) <= since) continue;
      this.#watched.delete(key);
      this.fired.add(key);
    }
    for (const [key, since] of this.#pinned) {
      const last = events.last(key);
      if (last <= since) continue;
      this.#pinned.set(key, last);
      this.fired.add(key);
    }
  }

  forgetDevices(): void {
    this.devices.clear();
    this.#watched.clear();
    this.#pinned.clear();
    this.fired.clear();
    this.route = undefined;
  }
}
