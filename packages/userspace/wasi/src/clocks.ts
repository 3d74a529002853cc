import { Errno, type Result } from '@ashlar/hardware';
import type { Call, WasiFunction } from './call.ts';
import { WasiClock } from './layout.ts';
import { putNanoseconds } from './time.ts';

const isClock = (clock: number): boolean => clock <= WasiClock.THREAD_CPU;

function putTime(call: Call, at: number, result: Result): number {
  if (result < 0) return result;
  const { values } = call.task;
  putNanoseconds(call.view, 0, values[0]!, values[1]!);
  const reply = call.store(at, 8);
  return typeof reply === 'number' ? reply : -Errno.EFAULT;
}

export const clock_res_get: WasiFunction = (call) => {
  const clock = call.u32(0);
  return isClock(clock) ? putTime(call, call.u32(1), call.system.clockResolution(call.task, clock)) : -Errno.EINVAL;
};

/** The precision argument, words 1 and 2, is a hint. */
export const clock_time_get: WasiFunction = (call) => {
  const clock = call.u32(0);
  return isClock(clock) ? putTime(call, call.u32(3), call.system.clock(call.task, clock)) : -Errno.EINVAL;
};
