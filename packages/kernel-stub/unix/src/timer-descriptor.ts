import { Errno, type EventKey, type Instant, type Plain, type Reply } from '@ashlar/hardware';
import { type Io, OpenFlag, PollBit } from '@ashlar/kernel-stub';
import { AnonymousDescription } from './anonymous-description.ts';
import type { Deadlines, Timed } from './deadlines.ts';
import type { Caller } from './host.ts';
import { addInstants, instant, isZero, nanoseconds, subtractInstants } from './instant.ts';
import type { WaitQueue } from './wait-queue.ts';

/** What `save` gives beside the maker's arguments. */
export interface SavedTimer {
  readonly armed: boolean;
  readonly deadline: Instant;
  readonly interval: Instant;
  readonly expirations: number;
}

/** A timer as a descriptor: timerfd_create(2). Deadlines are on the monotonic clock; a wall clock's were translated when they were set. */
export class TimerDescriptor extends AnonymousDescription implements Timed {
  readonly kind = 'timerfd';
  readonly deadline: Instant = instant();
  readonly #interval: Instant = instant();
  readonly clock: number;
  readonly #queue: WaitQueue;
  readonly #deadlines: Deadlines;
  readonly #word = new Uint8Array(8);
  #armed = false;
  #expirations = 0;

  constructor(serial: number, queue: WaitQueue, deadlines: Deadlines, clock: number, flags: number) {
    super(OpenFlag.READ_WRITE | (flags & OpenFlag.NONBLOCK), serial, 'timerfd');
    this.#queue = queue;
    this.#deadlines = deadlines;
    this.clock = clock;
  }

  /** `at`: absolute monotonic; undefined disarms. */
  arm(at: Instant | undefined, interval: Instant): void {
    if (this.#armed) this.#deadlines.remove(this);
    this.#armed = at !== undefined;
    this.#expirations = 0;
    this.#interval.sec = interval.sec;
    this.#interval.nsec = interval.nsec;
    if (at === undefined) return;
    this.deadline.sec = at.sec;
    this.deadline.nsec = at.nsec;
    this.#deadlines.add(this);
  }

  /** Writes the time left and the interval to `values`, as timerfd_gettime(2). */
  remaining(now: Instant, values: Float64Array): void {
    const left = instant();
    if (this.#armed) subtractInstants(this.deadline, now, left);
    if (this.#armed && isZero(left)) left.nsec = 1;
    values[0] = left.sec;
    values[1] = left.nsec;
    values[2] = this.#interval.sec;
    values[3] = this.#interval.nsec;
  }

  expire(now: Instant): void {
    this.#expirations++;
    this.#armed = !isZero(this.#interval);
    if (this.#armed) {
      const late = instant();
      subtractInstants(now, this.deadline, late);
      const missed = Math.floor(nanoseconds(late) / nanoseconds(this.#interval));
      this.#expirations += missed;
      const skip = (missed + 1) * nanoseconds(this.#interval);
      addInstants(this.deadline, instant(Math.floor(skip / 1e9), skip % 1e9), this.deadline);
      this.#deadlines.add(this);
    }
    this.#queue.wake();
  }

  override read(_caller: Caller, io: Io): Reply {
    if (io.length < 8) return -Errno.EINVAL;
    if (this.#expirations === 0) return this.nonblocking ? -Errno.EAGAIN : this.#queue.wait;
    const view = new DataView(this.#word.buffer);
    view.setUint32(0, this.#expirations >>> 0, true);
    view.setUint32(4, Math.floor(this.#expirations / 2 ** 32), true);
    const put = io.put(0, this.#word);
    if (put !== 8) return typeof put === 'number' ? -Errno.EFAULT : put;
    this.#expirations = 0;
    return 8;
  }

  override ready(_caller: Caller): number {
    return this.#expirations > 0 ? PollBit.IN : 0;
  }

  override watch(keys: EventKey[]): void {
    keys.push(this.#queue.key);
  }

  save(): Plain {
    return {
      serial: this.serial,
      clock: this.clock,
      armed: this.#armed,
      deadline: { ...this.deadline },
      interval: { ...this.#interval },
      expirations: this.#expirations,
    };
  }

  restore(saved: SavedTimer): void {
    this.arm(saved.armed ? saved.deadline : undefined, saved.interval);
    this.#expirations = saved.expirations;
  }

  protected override closed(): void {
    if (this.#armed) this.#deadlines.remove(this);
    this.#queue.destroy();
  }
}
