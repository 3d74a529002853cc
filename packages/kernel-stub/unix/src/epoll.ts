import { Errno, type EventKey, type Events, type Plain, type Result } from '@ashlar/hardware';
import { OpenFlag, PollBit, SYSTEM_LIMITS } from '@ashlar/kernel-stub';
import { AnonymousDescription } from './anonymous-description.ts';
import type { Description, DescriptionObserver } from './description.ts';
import type { Caller } from './host.ts';
import type { WaitQueue } from './wait-queue.ts';

/** Epoll sets within epoll sets, at most (epoll_ctl(2): 5). */
const NESTING_MAX = 5;
const ALWAYS = PollBit.ERR | PollBit.HUP;
/** Bits of an entry's events that are modes, not conditions. */
const MODES = PollBit.EDGE | PollBit.ONESHOT | PollBit.EXCLUSIVE;

export interface EpollEntry {
  readonly fd: number;
  readonly description: Description;
  events: number;
  dataLow: number;
  dataHigh: number;
  /** A one-shot that was reported: silent until modified. */
  disarmed: boolean;
  /** Edge-triggered: what its description's keys were when it was last reported, and the position of events then. */
  readonly keys: EventKey[];
  seen: number;
  /** Edge-triggered: an edge stands that was not reported. */
  edge: boolean;
}

/** A set of descriptors waited on together: epoll(7). Entries do not hold their description: they go when it does. */
export class EpollSet extends AnonymousDescription implements DescriptionObserver {
  readonly kind = 'epoll';
  readonly #events: Events;
  /** Woken when entries change, so that waiters look again. */
  readonly #changed: WaitQueue;
  #entries: EpollEntry[] = [];

  constructor(serial: number, events: Events, changed: WaitQueue) {
    super(OpenFlag.READ_WRITE, serial, 'eventpoll');
    this.#events = events;
    this.#changed = changed;
  }

  /** The entries in the order in which they are looked at. */
  get entries(): readonly EpollEntry[] {
    return this.#entries;
  }

  add(fd: number, description: Description, events: number, dataLow: number, dataHigh: number): Result {
    if (description === this) return -Errno.EINVAL;
    if (!description.pollable) return -Errno.EPERM;
    if (this.#find(fd, description) !== undefined) return -Errno.EEXIST;
    if (this.#entries.length >= SYSTEM_LIMITS.pollSet) return -Errno.ENOSPC;
    if (description instanceof EpollSet && (description.reaches(this) || 1 + description.depth() > NESTING_MAX)) return -Errno.ELOOP;
    const entry = { fd, description, events, dataLow, dataHigh, disarmed: false, keys: [], seen: 0, edge: true };
    this.#entries.push(entry);
    description.observe(this);
    this.#changed.wake();
    return 0;
  }

  modify(fd: number, description: Description, events: number, dataLow: number, dataHigh: number): Result {
    const entry = this.#find(fd, description);
    if (entry === undefined) return -Errno.ENOENT;
    entry.events = events;
    entry.dataLow = dataLow;
    entry.dataHigh = dataHigh;
    entry.disarmed = false;
    entry.edge = true;
    this.#changed.wake();
    return 0;
  }

  remove(fd: number, description: Description): Result {
    const entry = this.#find(fd, description);
    if (entry === undefined) return -Errno.ENOENT;
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    if (!this.#entries.some((other) => other.description === description)) description.unobserve(this);
    return 0;
  }

  gone(description: Description): void {
    this.#entries = this.#entries.filter((entry) => entry.description !== description);
  }

  /** Takes what is ready, at most `most`, as triples into `out`; returns how many. Entries reported go to the end, so that none starves. */
  collect(caller: Caller, out: Int32Array, most: number): number {
    let count = 0;
    const reported: EpollEntry[] = [];
    for (const entry of this.#entries) {
      if (count >= most) break;
      const bits = this.#readyBits(caller, entry);
      if (bits === 0) continue;
      out[count * 3] = bits;
      out[count * 3 + 1] = entry.dataLow;
      out[count * 3 + 2] = entry.dataHigh;
      count++;
      reported.push(entry);
      this.#reported(entry);
    }
    if (count === most && reported.length < this.#entries.length) {
      this.#entries = [...this.#entries.filter((entry) => !reported.includes(entry)), ...reported];
    }
    return count;
  }

  override ready(caller: Caller): number {
    for (const entry of this.#entries) if (this.#readyBits(caller, entry) !== 0) return PollBit.IN;
    return 0;
  }

  override watch(keys: EventKey[]): void {
    keys.push(this.#changed.key);
    for (const entry of this.#entries) if (!entry.disarmed) entry.description.watch(keys);
  }

  /** Levels of epoll sets below and including this one. */
  depth(): number {
    let deepest = 0;
    for (const entry of this.#entries) {
      if (entry.description instanceof EpollSet) deepest = Math.max(deepest, entry.description.depth());
    }
    return deepest + 1;
  }

  /** Whether `other` is in this set or below. */
  reaches(other: EpollSet): boolean {
    return this === other || this.#entries.some((entry) => entry.description instanceof EpollSet && entry.description.reaches(other));
  }

  /** Without its entries: they name descriptions, which the table of descriptions saves. */
  save(): Plain {
    return { serial: this.serial };
  }

  /** An entry as it was saved. */
  restoreEntry(entry: Omit<EpollEntry, 'keys' | 'seen'>): void {
    this.#entries.push({ ...entry, keys: [], seen: 0 });
    entry.description.observe(this);
    const added = this.#entries[this.#entries.length - 1] as EpollEntry;
    if (!added.edge) this.#reported(added, added.disarmed);
  }

  /** Whether an edge stands for the entry, reported or not: what a save must keep. */
  hasEdge(entry: EpollEntry): boolean {
    return entry.edge || entry.keys.some((key) => this.#events.last(key) > entry.seen);
  }

  protected override closed(): void {
    for (const entry of this.#entries) entry.description.unobserve(this);
    this.#entries = [];
    this.#changed.destroy();
  }

  #find(fd: number, description: Description): EpollEntry | undefined {
    return this.#entries.find((entry) => entry.fd === fd && entry.description === description);
  }

  #readyBits(caller: Caller, entry: EpollEntry): number {
    if (entry.disarmed) return 0;
    if ((entry.events & PollBit.EDGE) !== 0 && !this.hasEdge(entry)) return 0;
    return entry.description.ready(caller) & ((entry.events & ~MODES) | ALWAYS);
  }

  /** Remembers the moment, so that only a later firing is an edge; and arms the description's queues for it. */
  #reported(entry: EpollEntry, disarmed = (entry.events & PollBit.ONESHOT) !== 0): void {
    entry.disarmed = disarmed;
    if ((entry.events & PollBit.EDGE) === 0) return;
    entry.edge = false;
    entry.keys.length = 0;
    entry.description.watch(entry.keys);
    entry.seen = this.#events.now();
  }
}
