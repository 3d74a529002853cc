import { Errno, type GuestAddress, type Instant, type Reply } from '@ashlar/hardware';
import { OpenFlag, PollBit, SYSTEM_LIMITS } from '@ashlar/kernel-stub';
import { EPOLL_EVENT_BYTES, POLLFD_BYTES, putTime, TIMESPEC_BYTES } from '../abi/structures.ts';
import { getUnsignedWord } from '../abi/word.ts';
import { type Call, isInstant, PAST } from '../call.ts';
import { row, type Syscall } from './syscall.ts';
import { remaining } from './time.ts';

const SIGSET_BYTES = 8;

interface Mask {
  readonly low: number;
  readonly high: number;
}

/** The signal mask of a wait: undefined without one. */
function fetchMask(call: Call, at: number, size: number): Mask | undefined | Reply {
  if (at === 0) return undefined;
  if (size !== SIGSET_BYTES) return -Errno.EINVAL;
  const fetched = call.fetch(at, SIGSET_BYTES);
  return fetched === 0 ? { low: call.view.getUint32(0, true), high: call.view.getUint32(4, true) } : fetched;
}

const isMask = (value: Mask | undefined | Reply): value is Mask | undefined =>
  value === undefined || (typeof value === 'object' && 'low' in value);

/** The deadline of a timeout in memory; undefined without one. Zero is not made a deadline: it asks what is so now. */
function fetchDeadline(call: Call, at: number): Instant | undefined | Reply {
  if (at === 0) return undefined;
  const duration = call.instant(at);
  if (!isInstant(duration)) return duration;
  return duration.sec === 0 && duration.nsec === 0 ? PAST : call.deadline(duration);
}

const isDeadline = (value: Instant | undefined | Reply): value is Instant | undefined => value === undefined || isInstant(value);

/** Linux tells poll and select callers how much of their timeout is left. */
function storeLeft(call: Call, at: number, until: Instant | undefined): void {
  if (at === 0 || until === undefined) return;
  const left = until === PAST ? PAST : remaining(call, until.sec, until.nsec);
  putTime(call.view, 0, left.sec, left.nsec);
  call.store(at, TIMESPEC_BYTES);
}

/** Poll sets are read and written in pieces that fit the scratch. */
const POLLFDS_PER_PIECE = 1024;

function eachPiece(at: number, count: number, use: (at: number, first: number, bytes: number) => Reply): Reply {
  for (let first = 0; first < count; first += POLLFDS_PER_PIECE) {
    const reply = use(at + first * POLLFD_BYTES, first, Math.min(POLLFDS_PER_PIECE, count - first) * POLLFD_BYTES);
    if (reply !== 0) return reply;
  }
  return 0;
}

function ppoll(call: Call): Reply {
  const count = call.unsigned(1);
  if (count > SYSTEM_LIMITS.pollSet) return -Errno.EINVAL;
  const at = call.address(0);
  const timeoutAt = call.address(2);
  const until = fetchDeadline(call, timeoutAt);
  if (!isDeadline(until)) return until;
  const mask = fetchMask(call, call.address(3), call.size(4));
  if (!isMask(mask)) return mask;
  const set = call.triples(count);
  const { view } = call;
  const fetched = eachPiece(at, count, (piece, first, bytes) => {
    const reply = call.fetch(piece, bytes);
    for (let offset = 0, index = first * 3; reply === 0 && offset < bytes; offset += POLLFD_BYTES, index += 3) {
      set[index] = view.getInt32(offset, true);
      set[index + 1] = view.getUint16(offset + 4, true);
      set[index + 2] = 0;
    }
    return reply;
  });
  if (fetched !== 0) return fetched;
  const found = call.system.poll(call.task, set, count, until, mask);
  if (typeof found !== 'number' || found < 0) return found;
  storeLeft(call, timeoutAt, until);
  const stored = eachPiece(at, count, (piece, first, bytes) => {
    for (let offset = 0, index = first * 3; offset < bytes; offset += POLLFD_BYTES, index += 3) {
      view.setInt32(offset, set[index]!, true);
      view.setUint16(offset + 4, set[index + 1]!, true);
      view.setUint16(offset + 6, set[index + 2]!, true);
    }
    return call.store(piece, bytes);
  });
  return stored === 0 ? found : stored;
}

/** What makes a descriptor readable, writable, exceptional to select(2) (POLLIN_SET and its like in Linux's fs/select.c). */
const SELECT_RETURNED = [
  PollBit.IN | PollBit.HUP | PollBit.ERR | 0x40 | 0x80,
  PollBit.OUT | PollBit.ERR | 0x100 | 0x200,
  PollBit.PRI,
] as const;
const SELECT_ASKED = [PollBit.IN, PollBit.OUT, PollBit.PRI] as const;
const SELECT_BYTES = SYSTEM_LIMITS.descriptors / 8;

/** pselect6: three bit sets of `count` descriptors, as a poll. */
function pselect6(call: Call): Reply {
  if (call.int(0) < 0) return -Errno.EINVAL;
  const count = Math.min(call.int(0), SYSTEM_LIMITS.descriptors);
  const bytes = Math.ceil(count / 64) * 8;
  const timeoutAt = call.address(4);
  const until = fetchDeadline(call, timeoutAt);
  if (!isDeadline(until)) return until;
  const mask = selectMask(call, call.address(5));
  if (!isMask(mask)) return mask;
  const wanted = [1, 2, 3].map((index) => call.address(index));
  const sets = fetchSelectSets(call, wanted, bytes);
  if (!Array.isArray(sets)) return sets as Reply;
  const triples = call.triples(count);
  const used = selectTriples(sets, count, triples);
  const found = call.system.poll(call.task, triples, used, until, mask);
  if (typeof found !== 'number' || found < 0) return found;
  storeLeft(call, timeoutAt, until);
  return storeSelected(call, sets, wanted, triples, used);
}

/** The sixth argument points at a pointer to the mask and its size. */
function selectMask(call: Call, at: number): Mask | undefined | Reply {
  if (at === 0) return undefined;
  const fetched = call.fetch(at, 16);
  if (fetched !== 0) return fetched;
  return fetchMask(call, getUnsignedWord(call.view, 0), getUnsignedWord(call.view, 8));
}

function fetchSelectSets(call: Call, at: readonly GuestAddress[], bytes: number): Uint8Array[] | Reply {
  const sets: Uint8Array[] = [];
  for (const address of at) {
    const set = new Uint8Array(SELECT_BYTES);
    if (address !== 0 && bytes > 0) {
      const fetched = call.fetch(address, bytes);
      if (fetched !== 0) return fetched;
      set.set(call.head(bytes));
    }
    sets.push(set);
  }
  return sets;
}

const hasBit = (set: Uint8Array, fd: number): boolean => (set[fd >> 3]! & (1 << (fd & 7))) !== 0;

function selectTriples(sets: readonly Uint8Array[], count: number, triples: Int32Array): number {
  let used = 0;
  for (let fd = 0; fd < count; fd++) {
    let events = 0;
    for (let kind = 0; kind < 3; kind++) if (hasBit(sets[kind]!, fd)) events |= SELECT_ASKED[kind]!;
    if (events === 0) continue;
    triples[used * 3] = fd;
    triples[used * 3 + 1] = events;
    triples[used * 3 + 2] = 0;
    used++;
  }
  return used;
}

function storeSelected(call: Call, sets: readonly Uint8Array[], at: readonly GuestAddress[], triples: Int32Array, used: number): Reply {
  const bytes = Math.ceil(Math.min(call.int(0), SYSTEM_LIMITS.descriptors) / 64) * 8;
  let bits = 0;
  for (let kind = 0; kind < 3; kind++) {
    const set = sets[kind]!;
    const returned = new Uint8Array(bytes);
    for (let index = 0; index < used; index++) {
      const fd = triples[index * 3]!;
      const events = triples[index * 3 + 2]!;
      if ((events & PollBit.NVAL) !== 0) return -Errno.EBADF;
      if (!hasBit(set, fd) || (events & SELECT_RETURNED[kind]!) === 0) continue;
      returned[fd >> 3]! |= 1 << (fd & 7);
      bits++;
    }
    const stored = at[kind] === 0 || bytes === 0 ? 0 : call.put(at[kind]!, returned);
    if (stored !== 0) return stored;
  }
  return bits;
}

// ───── epoll ─────

/** Events handed over by one wait: as many as fit the scratch. */
const EPOLL_EVENTS_MAX = 512;

function epollCtl(call: Call): Reply {
  const operation = call.int(1);
  let events = 0;
  let dataLow = 0;
  let dataHigh = 0;
  if (operation !== 2) {
    const fetched = call.fetch(call.address(3), EPOLL_EVENT_BYTES);
    if (fetched !== 0) return fetched;
    events = call.view.getInt32(0, true);
    dataLow = call.view.getInt32(8, true);
    dataHigh = call.view.getInt32(12, true);
  }
  return call.system.epollControl(call.task, call.int(0), operation, call.int(2), events, dataLow, dataHigh);
}

function epollPwait(call: Call): Reply {
  const milliseconds = call.int(3);
  let until: Instant | undefined;
  if (milliseconds === 0) until = PAST;
  else if (milliseconds > 0) until = call.deadline({ sec: Math.floor(milliseconds / 1000), nsec: (milliseconds % 1000) * 1_000_000 });
  return epollWait(call, until);
}

function epollPwait2(call: Call): Reply {
  const until = fetchDeadline(call, call.address(3));
  return isDeadline(until) ? epollWait(call, until) : until;
}

function epollWait(call: Call, until: Instant | undefined): Reply {
  const asked = call.int(2);
  if (asked <= 0) return -Errno.EINVAL;
  const most = Math.min(asked, EPOLL_EVENTS_MAX);
  const at = call.address(1);
  const mask = fetchMask(call, call.address(4), call.size(5));
  if (!isMask(mask)) return mask;
  // An event that was taken is not reported again, so the buffer must be good before.
  const ready = call.reserve(at, most * EPOLL_EVENT_BYTES);
  if (ready !== 0) return ready;
  const out = call.triples(most);
  const found = call.system.epollWait(call.task, call.int(0), out, most, until, mask);
  if (typeof found !== 'number' || found <= 0) return found;
  const { view } = call;
  for (let index = 0; index < found; index++) {
    view.setInt32(index * EPOLL_EVENT_BYTES, out[index * 3]!, true);
    view.setInt32(index * EPOLL_EVENT_BYTES + 4, 0, true);
    view.setInt32(index * EPOLL_EVENT_BYTES + 8, out[index * 3 + 1]!, true);
    view.setInt32(index * EPOLL_EVENT_BYTES + 12, out[index * 3 + 2]!, true);
  }
  const stored = call.put(at, call.scratch.subarray(0, found * EPOLL_EVENT_BYTES));
  return stored === 0 ? found : stored;
}

// ───── event counters and timers ─────

const CREATE_FLAGS = OpenFlag.CLOEXEC | OpenFlag.NONBLOCK;

function eventfd2(call: Call): Reply {
  const flags = call.int(1);
  if ((flags & ~(CREATE_FLAGS | 1)) !== 0) return -Errno.EINVAL;
  return call.system.eventCounter(call.task, call.unsigned(0), flags);
}

const ITIMERSPEC_BYTES = 32;
const TFD_TIMER_ABSTIME = 1;

function storeTimer(call: Call, at: number): Reply {
  const { values } = call.task;
  putTime(call.view, 0, values[2]!, values[3]!);
  putTime(call.view, 16, values[0]!, values[1]!);
  return call.store(at, ITIMERSPEC_BYTES);
}

function timerfdSettime(call: Call): Reply {
  const flags = call.int(1);
  if ((flags & ~3) !== 0) return -Errno.EINVAL;
  const oldAt = call.address(3);
  const ready = oldAt === 0 ? 0 : call.reserve(oldAt, ITIMERSPEC_BYTES);
  if (ready !== 0) return ready;
  const at = call.address(2);
  const interval = call.instant(at);
  if (!isInstant(interval)) return interval;
  const value = call.instant(at + 16);
  if (!isInstant(value)) return value;
  const reply = call.system.timerSet(call.task, call.int(0), { value, interval, absolute: (flags & TFD_TIMER_ABSTIME) !== 0 });
  return reply < 0 || oldAt === 0 ? reply : storeTimer(call, oldAt);
}

function timerfdGettime(call: Call): Reply {
  const reply = call.system.timerSet(call.task, call.int(0), undefined);
  return reply < 0 ? reply : storeTimer(call, call.address(1));
}

export const POLL_CALLS: readonly Syscall[] = [
  row(19, 'eventfd2', 'unsigned int initial, int flags', eventfd2),
  row(20, 'epoll_create1', 'int flags', (call) =>
    (call.int(0) & ~OpenFlag.CLOEXEC) === 0 ? call.system.epollCreate(call.task, call.int(0)) : -Errno.EINVAL,
  ),
  row(21, 'epoll_ctl', 'int epoll, int operation, int fd, struct epoll_event *event', epollCtl),
  row(
    22,
    'epoll_pwait',
    'int epoll, struct epoll_event *events, int most, int milliseconds, const sigset_t *mask, size_t size',
    epollPwait,
  ),
  row(72, 'pselect6', 'int count, fd_set *read, fd_set *write, fd_set *except, struct timespec *timeout, void *mask', pselect6),
  row(73, 'ppoll', 'struct pollfd *fds, unsigned int count, struct timespec *timeout, const sigset_t *mask, size_t size', ppoll),
  row(85, 'timerfd_create', 'int clock, int flags', (call) =>
    (call.int(1) & ~CREATE_FLAGS) === 0 ? call.system.timerCreate(call.task, call.int(0), call.int(1)) : -Errno.EINVAL,
  ),
  row(86, 'timerfd_settime', 'int fd, int flags, const struct itimerspec *next, struct itimerspec *old', timerfdSettime),
  row(87, 'timerfd_gettime', 'int fd, struct itimerspec *current', timerfdGettime),
  row(
    441,
    'epoll_pwait2',
    'int epoll, struct epoll_event *events, int most, const struct timespec *timeout, const sigset_t *mask, size_t size',
    epollPwait2,
  ),
];
