import { Errno, type GuestAddress, type Instant, type Plain, type Reply } from '@ashlar/hardware';
import { PollBit, SYSTEM_LIMITS } from '@ashlar/kernel-stub';
import { type Call, isPreopen, stubFd, type WasiFunction } from './call.ts';
import { WASI_EBADF } from './errno.ts';
import {
  EVENT_BYTES,
  EVENT_HANGUP,
  EventType,
  SUBSCRIPTION_BYTES,
  SUBSCRIPTION_CLOCK_ABSTIME,
  UNSTABLE_SUBSCRIPTION_BYTES,
  WasiClock,
} from './layout.ts';
import { instantOf, isBefore, minus, plus } from './time.ts';

interface Subscription {
  readonly userLow: number;
  readonly userHigh: number;
  readonly type: number;
  readonly fd: number;
  /** Clocks: monotonic time of the event. */
  readonly until: Instant | undefined;
}

/** Stands for "a descriptor is bad": no waiting. */
const BAD = 1;

/** Monotonic or real time now. */
function now(call: Call, clock: number): Instant | number {
  const result = call.system.clock(call.task, clock);
  return result < 0 ? result : { sec: call.task.values[0]!, nsec: call.task.values[1]! };
}

/** When the call was made first: relative timeouts count from there, however often it is asked again. */
function firstAsked(call: Call): Instant | number {
  const known = call.task.callNote as unknown as Instant | undefined;
  if (known !== undefined) return known;
  const first = now(call, WasiClock.MONOTONIC);
  if (typeof first !== 'number') call.task.callNote = first as unknown as Plain;
  return first;
}

function deadlineOf(call: Call, view: DataView, at: number): Instant | number {
  const clock = view.getUint32(at, true);
  const timeout = instantOf(view.getUint32(at + 8, true), view.getUint32(at + 12, true));
  const absolute = (view.getUint16(at + 24, true) & SUBSCRIPTION_CLOCK_ABSTIME) !== 0;
  if (clock > WasiClock.MONOTONIC) return -Errno.EINVAL;
  if (!absolute) {
    const first = firstAsked(call);
    return typeof first === 'number' ? first : plus(first, timeout);
  }
  if (clock === WasiClock.MONOTONIC) return timeout;
  const [wall, monotonic] = [now(call, WasiClock.REALTIME), now(call, WasiClock.MONOTONIC)];
  if (typeof wall === 'number') return wall;
  return typeof monotonic === 'number' ? monotonic : plus(monotonic, minus(timeout, wall));
}

/** The subscriptions, or an errno. In wasi_unstable a clock has an identifier of 8 bytes in front of the rest. */
function read(call: Call, at: number, count: number): Subscription[] | Reply {
  const size = call.unstable ? UNSTABLE_SUBSCRIPTION_BYTES : SUBSCRIPTION_BYTES;
  const bytes = new Uint8Array(count * size);
  const moved = call.space.copyIn(at as GuestAddress, bytes);
  if (typeof moved !== 'number') return moved;
  if (moved !== bytes.length) return -Errno.EFAULT;
  const view = new DataView(bytes.buffer);
  const subscriptions: Subscription[] = [];
  for (let base = 0; base < bytes.length; base += size) {
    const type = view.getUint8(base + 8);
    if (type > EventType.FD_WRITE) return -Errno.EINVAL;
    const until = type === EventType.CLOCK ? deadlineOf(call, view, base + (call.unstable ? 24 : 16)) : undefined;
    if (typeof until === 'number') return until;
    subscriptions.push({
      userLow: view.getUint32(base, true),
      userHigh: view.getUint32(base + 4, true),
      type,
      fd: type === EventType.CLOCK ? -1 : view.getUint32(base + 16, true),
      until,
    });
  }
  return subscriptions;
}

/** Writes one event; returns how many there are now. */
function put(out: DataView, count: number, from: Subscription, error: number, bytes: number, flags: number): number {
  const at = count * EVENT_BYTES;
  out.setUint32(at, from.userLow, true);
  out.setUint32(at + 4, from.userHigh, true);
  out.setUint16(at + 8, error, true);
  out.setUint8(at + 10, from.type);
  if (from.type !== EventType.CLOCK) {
    out.setUint32(at + 16, bytes, true);
    out.setUint16(at + 24, flags, true);
  }
  return count + 1;
}

function putDescriptorEvent(call: Call, out: DataView, count: number, from: Subscription, returned: number): number {
  if (returned & PollBit.NVAL) return put(out, count, from, WASI_EBADF, 0, 0);
  const available = from.type === EventType.FD_READ ? Math.max(0, call.system.available(call.task, stubFd(from.fd))) : 0;
  return put(out, count, from, 0, available, returned & PollBit.HUP ? EVENT_HANGUP : 0);
}

/** Waits on the descriptors until the first deadline. Directories that are always open are no descriptors that can be waited on. */
function wait(call: Call, subscriptions: readonly Subscription[], set: Int32Array, count: number): Reply {
  const until = subscriptions.reduce<Instant | undefined>(
    (first, { until: each }) => (each && (!first || isBefore(each, first)) ? each : first),
    undefined,
  );
  if (count === 0 && until) return call.system.sleep(call.task, WasiClock.MONOTONIC, until);
  return call.system.poll(call.task, set, count, until, undefined);
}

/** `(in, out, count, stored)`: at least one event, as poll(2) with deadlines. */
export const poll_oneoff: WasiFunction = (call) => {
  const [at, outAt, total, storedAt] = [call.u32(0), call.u32(1), call.u32(2), call.u32(3)];
  if (total === 0 || total > SYSTEM_LIMITS.pollSet) return -Errno.EINVAL;
  if (!call.canWrite(outAt, total * EVENT_BYTES) || !call.canWrite(storedAt, 4)) return -Errno.EFAULT;
  const subscriptions = read(call, at, total);
  if (!Array.isArray(subscriptions)) return subscriptions as Reply;
  const set = new Int32Array(total * 3);
  let polled = 0;
  for (const { type, fd } of subscriptions) {
    if (type === EventType.CLOCK) continue;
    set[polled * 3] = isPreopen(fd) ? -1 : stubFd(fd);
    set[polled * 3 + 1] = type === EventType.FD_READ ? PollBit.IN : PollBit.OUT;
    polled++;
  }
  const bad = subscriptions.some(({ type, fd }) => type !== EventType.CLOCK && isPreopen(fd));
  const ready = bad ? BAD : wait(call, subscriptions, set, polled);
  if (typeof ready !== 'number' || ready < 0) return ready;
  return putEvents(call, subscriptions, set, outAt, storedAt);
};

function putEvents(call: Call, subscriptions: readonly Subscription[], set: Int32Array, outAt: number, storedAt: number): Reply {
  const bytes = new Uint8Array(subscriptions.length * EVENT_BYTES);
  const out = new DataView(bytes.buffer);
  const time = now(call, WasiClock.MONOTONIC);
  let count = 0;
  let polled = 0;
  for (const each of subscriptions) {
    if (each.until) {
      if (typeof time !== 'number' && !isBefore(time, each.until)) count = put(out, count, each, 0, 0, 0);
      continue;
    }
    const returned = isPreopen(each.fd) ? PollBit.NVAL : set[polled * 3 + 2]!;
    polled++;
    if (returned !== 0) count = putDescriptorEvent(call, out, count, each, returned);
  }
  const reply = call.put(outAt, bytes.subarray(0, count * EVENT_BYTES));
  return reply === 0 ? call.store32(storedAt, count) : reply;
}
