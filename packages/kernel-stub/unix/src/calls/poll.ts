import { Errno, type Instant, type Reply, type Result } from '@ashlar/hardware';
import { OpenFlag, PollBit, type PollSet, SYSTEM_LIMITS, type TaskSystem } from '@ashlar/kernel-stub';
import type { Core } from '../core.ts';
import type { Description } from '../description.ts';
import { EpollSet } from '../epoll.ts';
import { EVENTFD_SEMAPHORE, EventCounter } from '../event-counter.ts';
import { addInstants, compareInstants, instant, isZero, subtractInstants } from '../instant.ts';
import { UNBLOCKABLE_LOW } from '../signals.ts';
import type { UnixTask } from '../task.ts';
import { TimerDescriptor } from '../timer-descriptor.ts';
import { descriptorLimit } from './descriptor.ts';
import { isWallClock } from './time.ts';

type Names = 'poll' | 'epollCreate' | 'epollControl' | 'epollWait' | 'eventCounter' | 'timerCreate' | 'timerSet';
type Mask = { low: number; high: number } | undefined;

const DESCRIPTOR_FLAGS = OpenFlag.CLOEXEC | OpenFlag.NONBLOCK;
const ADD = 1;
const DELETE = 2;
const MODIFY = 3;

/** The `poll` group of TaskSystem. */
export class PollCalls implements Pick<TaskSystem, Names> {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  poll(task: UnixTask, set: PollSet, count: number, until: Instant | undefined, mask: Mask): Reply {
    if (count > SYSTEM_LIMITS.pollSet || count > descriptorLimit(task)) return -Errno.EINVAL;
    const found = this.#look(task, set, count);
    if (found > 0 || this.#passed(until)) return this.#answer(task, found);
    task.pollKeys.length = 0;
    for (let at = 0; at < count; at++) task.descriptors.get(set[at * 3] as number)?.watch(task.pollKeys);
    return this.#wait(task, until, mask);
  }

  epollCreate(task: UnixTask, flags: number): Result {
    if ((flags & ~OpenFlag.CLOEXEC) !== 0) return -Errno.EINVAL;
    return this.#add(task, new EpollSet(this.#core.serial(), this.#core.machine.events, this.#core.queue()), flags);
  }

  epollControl(task: UnixTask, epoll: number, operation: number, fd: number, events: number, dataLow: number, dataHigh: number): Result {
    const set = task.descriptors.get(epoll);
    const description = task.descriptors.get(fd);
    if (set === undefined || description === undefined) return -Errno.EBADF;
    if (!(set instanceof EpollSet)) return -Errno.EINVAL;
    if (operation === ADD) return set.add(fd, description, events, dataLow, dataHigh);
    if (operation === DELETE) return set.remove(fd, description);
    if (operation === MODIFY) return set.modify(fd, description, events, dataLow, dataHigh);
    return -Errno.EINVAL;
  }

  epollWait(task: UnixTask, epoll: number, out: Int32Array, most: number, until: Instant | undefined, mask: Mask): Reply {
    const set = task.descriptors.get(epoll);
    if (set === undefined) return -Errno.EBADF;
    if (!(set instanceof EpollSet) || most <= 0) return -Errno.EINVAL;
    const found = set.collect(task, out, Math.min(most, Math.floor(out.length / 3), SYSTEM_LIMITS.pollSet));
    if (found > 0 || this.#passed(until)) return this.#answer(task, found);
    task.pollKeys.length = 0;
    set.watch(task.pollKeys);
    return this.#wait(task, until, mask);
  }

  eventCounter(task: UnixTask, initial: number, flags: number): Result {
    if ((flags & ~(DESCRIPTOR_FLAGS | EVENTFD_SEMAPHORE)) !== 0) return -Errno.EINVAL;
    return this.#add(task, new EventCounter(this.#core.serial(), this.#core.queue(), flags, initial >>> 0, 0), flags);
  }

  timerCreate(task: UnixTask, clock: number, flags: number): Result {
    if ((flags & ~DESCRIPTOR_FLAGS) !== 0 || ![0, 1, 7, 8, 9].includes(clock)) return -Errno.EINVAL;
    return this.#add(task, new TimerDescriptor(this.#core.serial(), this.#core.queue(), this.#core.deadlines, clock, flags), flags);
  }

  timerSet(task: UnixTask, fd: number, set: { value: Instant; interval: Instant; absolute: boolean } | undefined): Result {
    const timer = task.descriptors.get(fd);
    if (timer === undefined) return -Errno.EBADF;
    if (!(timer instanceof TimerDescriptor)) return -Errno.EINVAL;
    timer.remaining(this.#core.now(), task.values);
    if (set === undefined) return 0;
    if (set.value.nsec >= 1e9 || set.interval.nsec >= 1e9 || set.value.sec < 0 || set.interval.sec < 0) return -Errno.EINVAL;
    timer.arm(this.#deadline(timer.clock, set), set.interval);
    this.#core.deadlines.expire(this.#core.now());
    return 0;
  }

  /** Fills in the returned events; how many entries have any. */
  #look(task: UnixTask, set: PollSet, count: number): number {
    let found = 0;
    for (let at = 0; at < count; at++) {
      const fd = set[at * 3] as number;
      let bits = 0;
      if (fd >= 0) {
        const description = task.descriptors.get(fd);
        const wanted = (set[at * 3 + 1] as number) | PollBit.ERR | PollBit.HUP;
        bits = description === undefined ? PollBit.NVAL : description.ready(task) & withNormal(wanted);
        if (description !== undefined) bits = normal(bits, set[at * 3 + 1] as number);
      }
      set[at * 3 + 2] = bits;
      if (bits !== 0) found++;
    }
    return found;
  }

  #passed(until: Instant | undefined): boolean {
    return until !== undefined && compareInstants(this.#core.now(), until) >= 0;
  }

  /** The call is over: the mask goes back. */
  #answer(task: UnixTask, found: number): Result {
    const saved = task.savedMask;
    if (saved !== undefined) {
      task.maskLow = saved.low;
      task.maskHigh = saved.high;
      task.savedMask = undefined;
      this.#core.signals.recheck(task);
    }
    return found;
  }

  #wait(task: UnixTask, until: Instant | undefined, mask: Mask): Reply {
    if (mask !== undefined && task.savedMask === undefined) {
      task.savedMask = { low: task.maskLow, high: task.maskHigh };
      task.maskLow = (mask.low & ~UNBLOCKABLE_LOW) >>> 0;
      task.maskHigh = mask.high >>> 0;
      this.#core.signals.recheck(task);
    }
    if (until === undefined) delete task.pollWait.until;
    else task.pollWait.until = until;
    return task.pollWait;
  }

  #deadline(clock: number, set: { value: Instant; absolute: boolean }): Instant | undefined {
    if (isZero(set.value)) return undefined;
    const now = this.#core.now();
    if (!set.absolute) return addInstants(now, set.value, instant());
    if (!isWallClock(clock)) return instant(set.value.sec, set.value.nsec);
    const wall = instant();
    const monotonic = instant(now.sec, now.nsec);
    this.#core.clock('wall', wall);
    return addInstants(monotonic, subtractInstants(set.value, wall, instant()), instant());
  }

  #add(task: UnixTask, description: Description, flags: number): Result {
    const fd = task.descriptors.add(description, 0, (flags & OpenFlag.CLOEXEC) !== 0, descriptorLimit(task));
    if (fd < 0) description.release();
    return fd;
  }
}

/** POLLRDNORM and POLLWRNORM mean what POLLIN and POLLOUT do here. */
const READ_NORMAL = 0x40;
const WRITE_NORMAL = 0x100;

const withNormal = (wanted: number): number =>
  wanted | ((wanted & READ_NORMAL) !== 0 ? PollBit.IN : 0) | ((wanted & WRITE_NORMAL) !== 0 ? PollBit.OUT : 0);

function normal(bits: number, wanted: number): number {
  let shown = bits & (wanted | PollBit.ERR | PollBit.HUP | PollBit.NVAL);
  if ((bits & PollBit.IN) !== 0) shown |= wanted & READ_NORMAL;
  if ((bits & PollBit.OUT) !== 0) shown |= wanted & WRITE_NORMAL;
  return shown;
}
