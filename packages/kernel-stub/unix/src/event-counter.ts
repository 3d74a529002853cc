import { Errno, type EventKey, type Plain, type Reply } from '@ashlar/hardware';
import { type Io, OpenFlag, PollBit } from '@ashlar/kernel-stub';
import { AnonymousDescription } from './anonymous-description.ts';
import type { Caller } from './host.ts';
import type { WaitQueue } from './wait-queue.ts';

/** Flag of eventfd(2) beside OpenFlag's NONBLOCK and CLOEXEC: reads take one at a time. */
export const EVENTFD_SEMAPHORE = 1;
const TWO_32 = 2 ** 32;
/** 2^64 − 2 as two words: the counter never holds more. */
const COUNTER_MAX_HIGH = 0xffff_ffff;
const COUNTER_MAX_LOW = 0xffff_fffe;

/** A counter as a descriptor: eventfd(2). The 64-bit count is kept as two unsigned words. */
export class EventCounter extends AnonymousDescription {
  readonly kind = 'eventfd';
  readonly #semaphore: boolean;
  readonly #queue: WaitQueue;
  readonly #word = new Uint8Array(8);
  readonly #view = new DataView(this.#word.buffer);
  #low: number;
  #high: number;

  constructor(serial: number, queue: WaitQueue, flags: number, low: number, high: number) {
    super(OpenFlag.READ_WRITE | (flags & OpenFlag.NONBLOCK), serial, 'eventfd');
    this.#semaphore = (flags & EVENTFD_SEMAPHORE) !== 0;
    this.#queue = queue;
    this.#low = low;
    this.#high = high;
  }

  override read(_caller: Caller, io: Io): Reply {
    if (io.length < 8) return -Errno.EINVAL;
    if (this.#low === 0 && this.#high === 0) return this.nonblocking ? -Errno.EAGAIN : this.#queue.wait;
    this.#view.setUint32(0, this.#semaphore ? 1 : this.#low, true);
    this.#view.setUint32(4, this.#semaphore ? 0 : this.#high, true);
    const put = io.put(0, this.#word);
    if (put !== 8) return typeof put === 'number' ? -Errno.EFAULT : put;
    if (this.#semaphore) this.#subtractOne();
    else this.#low = this.#high = 0;
    this.#queue.wake();
    return 8;
  }

  override write(_caller: Caller, io: Io): Reply {
    if (io.length < 8) return -Errno.EINVAL;
    const got = io.get(0, this.#word);
    if (got !== 8) return typeof got === 'number' ? -Errno.EFAULT : got;
    const low = this.#view.getUint32(0, true);
    const high = this.#view.getUint32(4, true);
    if (low === 0xffff_ffff && high === 0xffff_ffff) return -Errno.EINVAL;
    if (!this.#fits(low, high)) return this.nonblocking ? -Errno.EAGAIN : this.#queue.wait;
    const sum = this.#low + low;
    this.#low = sum >>> 0;
    this.#high = this.#high + high + (sum >= TWO_32 ? 1 : 0);
    if (low !== 0 || high !== 0) this.#queue.wake();
    return 8;
  }

  override ready(_caller: Caller): number {
    return (this.#low !== 0 || this.#high !== 0 ? PollBit.IN : 0) | (this.#fits(1, 0) ? PollBit.OUT : 0);
  }

  override watch(keys: EventKey[]): void {
    keys.push(this.#queue.key);
  }

  save(): Plain {
    return { serial: this.serial, semaphore: this.#semaphore, low: this.#low, high: this.#high };
  }

  protected override closed(): void {
    this.#queue.destroy();
  }

  #fits(low: number, high: number): boolean {
    const sum = this.#low + low;
    const top = this.#high + high + (sum >= TWO_32 ? 1 : 0);
    return top < COUNTER_MAX_HIGH || (top === COUNTER_MAX_HIGH && sum % TWO_32 <= COUNTER_MAX_LOW);
  }

  #subtractOne(): void {
    if (this.#low === 0) this.#high--;
    this.#low = (this.#low - 1) >>> 0;
  }
}
