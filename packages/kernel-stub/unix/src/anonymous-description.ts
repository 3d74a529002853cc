import type { Reply } from '@ashlar/hardware';
import type { Status } from '@ashlar/kernel-stub';
import { Description } from './description.ts';
import type { Caller } from './host.ts';
import { anonymousStatus } from './pipe.ts';

/** What has a descriptor and neither a name nor a place in any tree: eventfd(2), timerfd_create(2), epoll(7). */
export abstract class AnonymousDescription extends Description {
  protected readonly serial: number;
  readonly #type: string;

  /** `serial`: its node number. `type`: as /proc/PID/fd shows it. */
  constructor(flags: number, serial: number, type: 'eventfd' | 'eventpoll' | 'timerfd') {
    super(flags);
    this.serial = serial;
    this.#type = type;
  }

  /** Linux lets such a descriptor be sought, without effect. */
  override seek(): Reply {
    return 0;
  }

  override stat(_caller: Caller, out: Status): Reply {
    anonymousStatus(out, this.serial, 0o600, 1);
    return 0;
  }

  label(): Uint8Array {
    return new TextEncoder().encode(`anon_inode:[${this.#type}]`);
  }
}
