import { Errno, type Reply } from '@ashlar/hardware';
import { putTime, putTimeval, TIMESPEC_BYTES } from '../abi/structures.ts';
import { putWord } from '../abi/word.ts';
import { type Call, CLOCK_MONOTONIC, CLOCK_REALTIME, isInstant } from '../call.ts';
import { row, type Syscall } from './syscall.ts';

const CLOCK_BOOTTIME = 7;
const CLOCK_TAI = 11;
const TIMER_ABSTIME = 1;
const TICKS_PER_SECOND = 100;

function clockGettime(call: Call): Reply {
  const reply = call.system.clock(call.task, call.int(0));
  if (reply < 0) return reply;
  const { values } = call.task;
  return call.storeTime(call.address(1), values[0]!, values[1]!);
}

function clockGetres(call: Call): Reply {
  const reply = call.system.clockResolution(call.task, call.int(0));
  const at = call.address(1);
  if (reply < 0 || at === 0) return reply;
  putTime(call.view, 0, call.task.values[0]!, call.task.values[1]!);
  return call.store(at, TIMESPEC_BYTES);
}

function gettimeofday(call: Call): Reply {
  const at = call.address(0);
  const zone = call.address(1);
  if (at !== 0) {
    const reply = call.system.clock(call.task, CLOCK_REALTIME);
    if (reply < 0) return reply;
    putTimeval(call.view, 0, call.task.values[0]!, call.task.values[1]!);
    const stored = call.store(at, TIMESPEC_BYTES);
    if (stored !== 0) return stored;
  }
  if (zone === 0) return 0;
  call.head(8).fill(0);
  return call.store(zone, 8);
}

/** nanosleep(2) measures with the monotonic clock on Linux, whatever POSIX says of the realtime clock. */
function nanosleep(call: Call): Reply {
  const duration = call.instant(call.address(0));
  return isInstant(duration) ? call.system.sleep(call.task, CLOCK_MONOTONIC, call.deadline(duration)) : duration;
}

function clockNanosleep(call: Call): Reply {
  const clock = call.int(0);
  if (clock !== CLOCK_REALTIME && clock !== CLOCK_MONOTONIC && clock !== CLOCK_BOOTTIME && clock !== CLOCK_TAI) {
    return clock === 2 ? -Errno.EOPNOTSUPP : -Errno.EINVAL;
  }
  const time = call.instant(call.address(2));
  if (!isInstant(time)) return time;
  if ((call.int(1) & TIMER_ABSTIME) !== 0) return call.system.sleep(call.task, clock, time);
  return call.system.sleep(call.task, CLOCK_MONOTONIC, call.deadline(time));
}

/** Tells an interrupted sleeper how much is left; unwritable memory is its own loss. */
function storeRemaining(call: Call, at: number): void {
  const deadline = call.task.callNote;
  if (at === 0 || deadline === undefined || typeof deadline !== 'object') return;
  const { sec, nsec } = deadline as unknown as { sec: number; nsec: number };
  const left = remaining(call, sec, nsec);
  putTime(call.view, 0, left.sec, left.nsec);
  call.store(at, TIMESPEC_BYTES);
}

/** From now to a monotonic deadline; never negative. */
export function remaining(call: Call, sec: number, nsec: number): { readonly sec: number; readonly nsec: number } {
  call.system.clock(call.task, CLOCK_MONOTONIC);
  const { values } = call.task;
  const borrow = nsec < values[1]! ? 1 : 0;
  const left = sec - values[0]! - borrow;
  return left < 0 ? { sec: 0, nsec: 0 } : { sec: left, nsec: nsec - values[1]! + borrow * 1_000_000_000 };
}

function times(call: Call): Reply {
  const at = call.address(0);
  if (at !== 0) {
    for (const [who, offset] of [
      [0, 0],
      [-1, 16],
    ] as const) {
      const reply = call.system.resourceUsage(call.task, who);
      if (reply < 0) return reply;
      const { values } = call.task;
      putWord(call.view, offset, ticks(values[0]!, values[1]!));
      putWord(call.view, offset + 8, ticks(values[2]!, values[3]!));
    }
    const stored = call.store(at, 32);
    if (stored !== 0) return stored;
  }
  const reply = call.system.clock(call.task, CLOCK_MONOTONIC);
  return reply < 0 ? reply : ticks(call.task.values[0]!, call.task.values[1]!);
}

const ticks = (sec: number, nsec: number): number => sec * TICKS_PER_SECOND + Math.floor(nsec / (1_000_000_000 / TICKS_PER_SECOND));

const refused = (): Reply => -Errno.EPERM;

export const TIME_CALLS: readonly Syscall[] = [
  {
    ...row(101, 'nanosleep', 'const struct timespec *duration, struct timespec *left', nanosleep),
    onFailure: (call) => storeRemaining(call, call.address(1)),
  },
  row(112, 'clock_settime', 'clockid_t clock, const struct timespec *time', refused),
  row(113, 'clock_gettime', 'clockid_t clock, struct timespec *time', clockGettime),
  row(114, 'clock_getres', 'clockid_t clock, struct timespec *resolution', clockGetres),
  {
    ...row(115, 'clock_nanosleep', 'clockid_t clock, int flags, const struct timespec *time, struct timespec *left', clockNanosleep),
    onFailure: (call) => {
      if ((call.int(1) & TIMER_ABSTIME) === 0) storeRemaining(call, call.address(3));
    },
  },
  row(153, 'times', 'struct tms *times', times),
  row(169, 'gettimeofday', 'struct timeval *time, struct timezone *zone', gettimeofday),
  row(170, 'settimeofday', 'const struct timeval *time, const struct timezone *zone', refused),
];
