import {
  type Entropy,
  Errno,
  type EventKey,
  type Events,
  type Instant,
  type PartReader,
  type PartWriter,
  type Reply,
  type Result,
} from '@ashlar/hardware';
import { LifeCycle } from './life-cycle.ts';
import { SeededRandom } from './seeded-random.ts';

/** Most bytes of one request. */
const FILL_BYTES_MAX = 65_536;

/** Where random bytes come from: `crypto.getRandomValues`, or a seed. */
export type EntropySource = { readonly kind: 'crypto' } | { readonly kind: 'seeded'; readonly seed: number; readonly stream: string };

/**
 * Random bytes for many. From `crypto`, no two openers get the same. Seeded, each opener has the whole stream from its start and its own place in it,
 * so that what a domain draws does not depend on who else draws, or on how many layers lie between.
 */
export class EntropyDriver {
  readonly event: EventKey;
  readonly #events: Events;

  constructor(
    events: Events,
    private readonly source: EntropySource,
  ) {
    this.#events = events;
    this.event = events.allocate();
  }

  open(): Entropy {
    return new EntropyOpener(
      this.event,
      this.source.kind === 'seeded' ? new SeededRandom(this.source.seed, this.source.stream) : undefined,
    );
  }

  close(): void {
    this.#events.release(this.event);
  }
}

class EntropyOpener implements Entropy {
  readonly kind = 'entropy';
  readonly schema = 'entropy/1';
  readonly #life = new LifeCycle([]);

  constructor(
    readonly event: EventKey,
    private readonly random: SeededRandom | undefined,
  ) {}

  reset(): Reply {
    this.#life.reset();
    return 0;
  }
  offered(): readonly string[] {
    return this.#life.offered();
  }
  accept(features: readonly string[]): Result {
    return this.#life.accept(features);
  }
  quiesce(_until: Instant): Reply {
    return 0;
  }
  close(): void {
    this.#life.reset();
  }

  fill(to: Uint8Array): Result {
    if (!this.#life.isReady) return -Errno.EIO;
    if (to.length > FILL_BYTES_MAX) return -Errno.EINVAL;
    if (this.random !== undefined) this.random.fill(to);
    else fillFromCrypto(to);
    return to.length;
  }

  save(out: PartWriter): Reply {
    out.put('features', this.#life.save());
    out.put('state', this.random?.save() ?? null);
    return 0;
  }

  /** A stream from `crypto` is fresh after a restore, as it must be in a clone; a seeded one goes on where it was. */
  restore(part: PartReader): Reply {
    const state = part.get('state');
    if (this.random !== undefined && state !== null && !this.random.restore(state)) return -Errno.EINVAL;
    return this.#life.restore(part.get('features'));
  }
}

function fillFromCrypto(to: Uint8Array): void {
  // getRandomValues refuses memory that other threads share.
  const bytes = new Uint8Array(to.length);
  crypto.getRandomValues(bytes);
  to.set(bytes);
}
