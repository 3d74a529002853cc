import {
  type AttributeChange,
  type Attributes,
  Errno,
  type EventKey,
  type FilesystemStatistics,
  type Instant,
  type PartReader,
  type PartWriter,
  type Plain,
  type Reply,
  type Result,
  type Share,
  type Tag,
} from '@ashlar/hardware';
import { SeededRandom } from './seeded-random.ts';
import { keyOf } from './share/names.ts';

/** Which requests are delayed or fail. */
export interface FaultPlan {
  readonly seed: number;
  /** Of a thousand requests, how many are answered with a wait first. */
  readonly delayPerMille: number;
  /** How long such a request waits, in nanoseconds of monotonic time: between none and this. */
  readonly delayNsMax: number;
  /** Of a thousand requests, how many fail with -EIO. A request that fails was not executed. */
  readonly failPerMille: number;
}

interface Delayed {
  readonly due: Instant;
  readonly fails: boolean;
}

/** Requests that may be delayed at a time; the oldest is forgotten past it, and decided anew when asked again. */
const DELAYED_MAX = 1024;
const NS = 1_000_000_000;

/**
 * A share that is slow and unreliable by a seeded plan, for testing what stands on it: the first asking is answered by a wait, and the same request
 * (same tag, same arguments) asked after that time gets its answer. Waits name a time, so that virtual time leads to it; no timer is needed.
 */
export class FaultyShare implements Share {
  readonly kind = 'share';
  readonly schema = 'faulty-share/1';
  readonly #random: SeededRandom;
  readonly #delayed = new Map<string, Delayed>();
  readonly #now: Instant = { sec: 0, nsec: 0 };
  #failures = 0;

  constructor(
    private readonly share: Share,
    private readonly plan: FaultPlan,
    private readonly monotonic: (out: Instant) => void,
  ) {
    this.#random = new SeededRandom(plan.seed, 'faults');
  }

  /** The next `count` requests fail with -EIO, whatever the plan says. */
  failNext(count: number): void {
    this.#failures += count;
  }

  get event(): EventKey {
    return this.share.event;
  }
  reset(): Reply {
    this.#delayed.clear();
    return this.share.reset();
  }
  offered(): readonly string[] {
    return this.share.offered();
  }
  accept(features: readonly string[]): Result {
    return this.share.accept(features);
  }
  /** A delayed request was not executed: it is handed back by being forgotten, and decided anew after. */
  quiesce(until: Instant): Reply {
    return this.share.quiesce(until);
  }
  close(): void {
    this.share.close();
  }

  lookup(parent: number, name: Uint8Array, out: Attributes): Reply {
    return this.#admit(`lookup ${parent} ${keyOf(name)}`) ?? this.share.lookup(parent, name, out);
  }
  getattr(node: number, out: Attributes): Reply {
    return this.#admit(`getattr ${node}`) ?? this.share.getattr(node, out);
  }
  setattr(tag: Tag, node: number, change: AttributeChange, out: Attributes): Reply {
    return this.#admit(`setattr ${tag} ${node}`) ?? this.share.setattr(tag, node, change, out);
  }
  readlink(node: number, to: Uint8Array): Reply {
    return this.#admit(`readlink ${node}`) ?? this.share.readlink(node, to);
  }
  create(tag: Tag, parent: number, name: Uint8Array, mode: number, rdev: number, out: Attributes): Reply {
    return this.#admit(`create ${tag} ${parent} ${keyOf(name)}`) ?? this.share.create(tag, parent, name, mode, rdev, out);
  }
  mkdir(tag: Tag, parent: number, name: Uint8Array, mode: number, out: Attributes): Reply {
    return this.#admit(`mkdir ${tag} ${parent} ${keyOf(name)}`) ?? this.share.mkdir(tag, parent, name, mode, out);
  }
  symlink(tag: Tag, parent: number, name: Uint8Array, target: Uint8Array, out: Attributes): Reply {
    return this.#admit(`symlink ${tag} ${parent} ${keyOf(name)}`) ?? this.share.symlink(tag, parent, name, target, out);
  }
  link(tag: Tag, node: number, parent: number, name: Uint8Array, out: Attributes): Reply {
    return this.#admit(`link ${tag} ${node} ${parent} ${keyOf(name)}`) ?? this.share.link(tag, node, parent, name, out);
  }
  unlink(tag: Tag, parent: number, name: Uint8Array): Reply {
    return this.#admit(`unlink ${tag} ${parent} ${keyOf(name)}`) ?? this.share.unlink(tag, parent, name);
  }
  rmdir(tag: Tag, parent: number, name: Uint8Array): Reply {
    return this.#admit(`rmdir ${tag} ${parent} ${keyOf(name)}`) ?? this.share.rmdir(tag, parent, name);
  }
  rename(tag: Tag, from: number, name: Uint8Array, to: number, newName: Uint8Array, flags: number): Reply {
    const request = `rename ${tag} ${from} ${to} ${flags} ${keyOf(name)}/${keyOf(newName)}`;
    return this.#admit(request) ?? this.share.rename(tag, from, name, to, newName, flags);
  }
  read(node: number, at: number, to: Uint8Array): Reply {
    return this.#admit(`read ${node} ${at} ${to.length}`) ?? this.share.read(node, at, to);
  }
  write(node: number, at: number, from: Uint8Array): Reply {
    return this.#admit(`write ${node} ${at} ${from.length}`) ?? this.share.write(node, at, from);
  }
  readdir(node: number, cookie: number, to: Uint8Array): Reply {
    return this.#admit(`readdir ${node} ${cookie} ${to.length}`) ?? this.share.readdir(node, cookie, to);
  }
  fsync(node: number): Reply {
    return this.#admit(`fsync ${node}`) ?? this.share.fsync(node);
  }
  statfs(out: FilesystemStatistics): Reply {
    return this.#admit('statfs') ?? this.share.statfs(out);
  }
  forget(node: number, count: number): void {
    this.share.forget(node, count);
  }

  save(out: PartWriter): Reply {
    out.put('random', this.#random.save());
    out.put(
      'delayed',
      [...this.#delayed].map(([request, { due, fails }]) => [request, due.sec, due.nsec, fails]),
    );
    return this.share.save(out.part('share'));
  }

  restore(part: PartReader): Reply {
    const delayed = part.get('delayed');
    if (!this.#random.restore(part.get('random')) || !Array.isArray(delayed)) return -Errno.EINVAL;
    this.#delayed.clear();
    for (const [request, sec, nsec, fails] of delayed as readonly (readonly Plain[])[]) {
      this.#delayed.set(String(request), { due: { sec: Number(sec), nsec: Number(nsec) }, fails: fails === true });
    }
    return this.share.restore(part.part('share'));
  }

  /** A wait, -EIO, or undefined: let it through. */
  #admit(request: string): Reply | undefined {
    this.monotonic(this.#now);
    const known = this.#delayed.get(request);
    if (known !== undefined) {
      if (isBefore(this.#now, known.due)) return { on: [this.event], until: known.due };
      this.#delayed.delete(request);
      return known.fails ? -Errno.EIO : undefined;
    }
    if (this.#failures > 0) {
      this.#failures--;
      return -Errno.EIO;
    }
    const fails = this.#random.next() % 1000 < this.plan.failPerMille;
    if (this.#random.next() % 1000 >= this.plan.delayPerMille) return fails ? -Errno.EIO : undefined;
    const due = later(this.#now, this.#random.next() % (this.plan.delayNsMax + 1));
    this.#delayed.set(request, { due, fails });
    if (this.#delayed.size > DELAYED_MAX) {
      for (const oldest of this.#delayed.keys()) {
        this.#delayed.delete(oldest);
        break;
      }
    }
    return { on: [this.event], until: due };
  }
}

function isBefore(a: Instant, b: Instant): boolean {
  return a.sec < b.sec || (a.sec === b.sec && a.nsec < b.nsec);
}

function later(from: Instant, ns: number): Instant {
  const nsec = from.nsec + ns;
  return { sec: from.sec + Math.floor(nsec / NS), nsec: nsec % NS };
}
