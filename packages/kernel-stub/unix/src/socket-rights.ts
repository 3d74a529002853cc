import type { Plain, Reply } from '@ashlar/hardware';
import type { Io } from '@ashlar/kernel-stub';
import type { Description } from './description.ts';

/** Messages with descriptors under way in one direction, at most; their sender waits for no room but is refused. */
export const RIGHTS_QUEUED_MAX = 64;

/** Descriptions on their way with a message, each held. */
interface Rights {
  /** Bytes to be taken before the message they came with. */
  behind: number;
  readonly descriptions: readonly Description[];
}

/** A message's descriptors as saved: by their numbers in the table of descriptions. */
export interface SavedRights {
  readonly behind: number;
  readonly descriptions: readonly number[];
}

/** Descriptors that travel along one direction of a stream (SCM_RIGHTS of unix(7)): they arrive with the first byte of their message. */
export class RightsQueue {
  #queue: Rights[] = [];

  get full(): boolean {
    return this.#queue.length >= RIGHTS_QUEUED_MAX;
  }

  /** `ahead`: bytes in the stream before the message. Takes over the references. */
  add(ahead: number, descriptions: readonly Description[]): void {
    this.#queue.push({ behind: ahead, descriptions });
  }

  /** How many of the next bytes may be taken at once: a read does not go past the beginning of a message with descriptors. */
  limit(most: number): number {
    const [first, second] = this.#queue;
    if (first === undefined) return most;
    if (first.behind > 0) return Math.min(most, first.behind);
    return second === undefined ? most : Math.min(most, second.behind);
  }

  /** `count` bytes were taken: what arrived with the first of them; the references are the caller's. */
  taken(count: number): readonly Description[] {
    const [first] = this.#queue;
    const arrived = first !== undefined && first.behind === 0 && count > 0 ? first.descriptions : [];
    if (arrived.length > 0) this.#queue.shift();
    for (const rights of this.#queue) rights.behind -= count;
    return arrived;
  }

  clear(): void {
    for (const { descriptions } of this.#queue) for (const description of descriptions) description.release();
    this.#queue = [];
  }

  save(number: (description: Description) => number): Plain {
    return this.#queue.map(({ behind, descriptions }) => ({ behind, descriptions: descriptions.map(number) }));
  }

  restore(saved: readonly SavedRights[], all: readonly Description[]): void {
    this.#queue = saved.map(({ behind, descriptions }) => ({
      behind,
      descriptions: descriptions.map((at) => (all[at] as Description).hold()),
    }));
  }
}

/** The first bytes of another Io. */
export class FirstBytes implements Io {
  readonly length: number;
  readonly #io: Io;

  constructor(io: Io, most: number) {
    this.#io = io;
    this.length = Math.min(io.length, most);
  }

  get(at: number, to: Uint8Array): Reply {
    return this.#io.get(at, to.subarray(0, Math.max(0, this.length - at)));
  }

  put(at: number, from: Uint8Array): Reply {
    return this.#io.put(at, from.subarray(0, Math.max(0, this.length - at)));
  }

  window(at: number, write: boolean): Uint8Array | undefined {
    return this.#io.window(at, write)?.subarray(0, Math.max(0, this.length - at));
  }
}
