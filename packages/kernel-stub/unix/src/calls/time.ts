import { Errno, type Instant, type Reply, type Result } from '@ashlar/hardware';
import type { TaskSystem } from '@ashlar/kernel-stub';
import type { Core } from '../core.ts';
import { addInstants, compareInstants, instant, subtractInstants } from '../instant.ts';
import type { UnixTask } from '../task.ts';
import { FOREVER } from '../wait-queue.ts';

type Names = 'clock' | 'clockResolution' | 'sleep';

/** CLOCK_* of clock_gettime(2). */
const Clock = {
  REALTIME: 0,
  MONOTONIC: 1,
  PROCESS_CPU: 2,
  THREAD_CPU: 3,
  MONOTONIC_RAW: 4,
  REALTIME_COARSE: 5,
  MONOTONIC_COARSE: 6,
  BOOTTIME: 7,
  REALTIME_ALARM: 8,
  BOOTTIME_ALARM: 9,
  TAI: 11,
} as const;
const CLOCK_MAX = 11;
/** No clock of ours has this number (CLOCK_SGI_CYCLE). */
const CLOCK_UNUSED = 10;

export const isWallClock = (clock: number): boolean =>
  clock === Clock.REALTIME || clock === Clock.REALTIME_COARSE || clock === Clock.REALTIME_ALARM || clock === Clock.TAI;

/** The `time` group of TaskSystem. */
export class TimeCalls implements Pick<TaskSystem, Names> {
  readonly #core: Core;
  readonly #now: Instant = instant();

  constructor(core: Core) {
    this.#core = core;
  }

  clock(task: UnixTask, clock: number): Result {
    const values = task.values;
    if (clock === Clock.PROCESS_CPU || clock === Clock.THREAD_CPU) {
      const ns = this.#core.cpuNs(task);
      values[0] = Math.floor(ns / 1e9);
      values[1] = ns % 1e9;
      return 0;
    }
    if (!isClock(clock)) return -Errno.EINVAL;
    this.#core.clock(isWallClock(clock) ? 'wall' : 'monotonic', this.#now);
    values[0] = this.#now.sec;
    values[1] = this.#now.nsec;
    return 0;
  }

  clockResolution(task: UnixTask, clock: number): Result {
    if (!isClock(clock)) return -Errno.EINVAL;
    task.values[0] = 0;
    task.values[1] = 1;
    return 0;
  }

  sleep(_task: UnixTask, clock: number, until: Instant): Reply {
    if (clock === Clock.PROCESS_CPU) return -Errno.EOPNOTSUPP;
    if (!isClock(clock) || clock === Clock.THREAD_CPU || until.nsec < 0 || until.nsec >= 1e9 || until.sec < 0) return -Errno.EINVAL;
    this.#core.clock(isWallClock(clock) ? 'wall' : 'monotonic', this.#now);
    if (compareInstants(this.#now, until) >= 0) return 0;
    if (!isWallClock(clock)) return { on: FOREVER.on, until };
    const left = subtractInstants(until, this.#now, instant());
    return { on: FOREVER.on, until: addInstants(this.#core.now(), left, left) };
  }
}

const isClock = (clock: number): boolean => clock >= 0 && clock <= CLOCK_MAX && clock !== CLOCK_UNUSED;
