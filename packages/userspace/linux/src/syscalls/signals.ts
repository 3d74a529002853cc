import { Errno, type Instant, type Reply } from '@ashlar/hardware';
import type { SignalAction } from '@ashlar/kernel-stub';
import { SignalFrame } from '../abi/sigframe.ts';
import { putSignalInfo, putTimeval, SIGACTION_BYTES, SIGINFO_BYTES, Signal, STACK_T_BYTES } from '../abi/structures.ts';
import { getUnsignedWord, getWord, putWord } from '../abi/word.ts';
import { type Call, isInstant, PAST } from '../call.ts';
import { GONE, RESTORED, row, type Syscall } from './syscall.ts';

/** sizeof(sigset_t) of the kernel. */
const SIGSET_BYTES = 8;
const STACK_POINTER = 2;
const SI_KERNEL = 0x80;

function rtSigaction(call: Call): Reply {
  if (call.size(3) !== SIGSET_BYTES) return -Errno.EINVAL;
  const nextAt = call.address(1);
  const oldAt = call.address(2);
  let next: SignalAction | undefined;
  if (nextAt !== 0) {
    const fetched = call.fetch(nextAt, SIGACTION_BYTES);
    if (fetched !== 0) return fetched;
    const { view } = call;
    // riscv64 has no restorer: handlers return to the vDSO.
    next = {
      handler: getUnsignedWord(view, 0),
      flags: view.getInt32(8, true),
      restorer: 0,
      maskLow: view.getUint32(16, true),
      maskHigh: view.getUint32(20, true),
    };
  }
  if (oldAt !== 0) {
    const ready = call.reserve(oldAt, SIGACTION_BYTES);
    if (ready !== 0) return ready;
  }
  const old: SignalAction = { handler: 0, flags: 0, restorer: 0, maskLow: 0, maskHigh: 0 };
  const reply = call.system.signalAction(call.task, call.int(0), next, oldAt === 0 ? undefined : old);
  if (reply < 0 || oldAt === 0) return reply;
  putWord(call.view, 0, old.handler);
  putWord(call.view, 8, old.flags >>> 0);
  putSet(call, 16, old.maskLow, old.maskHigh);
  return call.store(oldAt, SIGACTION_BYTES);
}

function putSet(call: Call, at: number, low: number, high: number): void {
  call.view.setUint32(at, low, true);
  call.view.setUint32(at + 4, high, true);
}

/** Reads a sigset_t of memory: after 0, its halves are at the start of the scratch. */
function fetchSet(call: Call, at: number, sizeIndex: number): Reply {
  return call.size(sizeIndex) === SIGSET_BYTES ? call.fetch(at, SIGSET_BYTES) : -Errno.EINVAL;
}

const low = (call: Call): number => call.view.getUint32(0, true);
const high = (call: Call): number => call.view.getUint32(4, true);

function rtSigprocmask(call: Call): Reply {
  if (call.size(3) !== SIGSET_BYTES) return -Errno.EINVAL;
  const nextAt = call.address(1);
  const oldAt = call.address(2);
  if (oldAt !== 0) {
    const ready = call.reserve(oldAt, SIGSET_BYTES);
    if (ready !== 0) return ready;
  }
  let reply: Reply;
  if (nextAt === 0) {
    reply = call.system.signalMask(call.task, -1, 0, 0);
  } else {
    const how = call.int(0);
    const fetched = call.fetch(nextAt, SIGSET_BYTES);
    if (fetched !== 0) return fetched;
    if (how < 0 || how > 2) return -Errno.EINVAL;
    reply = call.system.signalMask(call.task, how, low(call), high(call));
  }
  if (reply < 0 || oldAt === 0) return reply;
  putSet(call, 0, call.task.values[0]!, call.task.values[1]!);
  return call.store(oldAt, SIGSET_BYTES);
}

function rtSigpending(call: Call): Reply {
  const bytes = call.size(1);
  if (bytes > SIGSET_BYTES) return -Errno.EINVAL;
  const reply = call.system.signalPending(call.task);
  if (reply < 0) return reply;
  putSet(call, 0, call.task.values[0]!, call.task.values[1]!);
  return call.store(call.address(0), bytes);
}

function rtSigsuspend(call: Call): Reply {
  const fetched = fetchSet(call, call.address(0), 1);
  return fetched === 0 ? call.system.signalSuspend(call.task, low(call), high(call)) : fetched;
}

function rtSigtimedwait(call: Call): Reply {
  const infoAt = call.address(1);
  const timeoutAt = call.address(2);
  let until: Instant | undefined;
  if (timeoutAt !== 0) {
    const duration = call.instant(timeoutAt);
    if (!isInstant(duration)) return duration;
    until = call.deadline(duration);
  }
  if (infoAt !== 0) {
    const ready = call.reserve(infoAt, SIGINFO_BYTES);
    if (ready !== 0) return ready;
  }
  const fetched = fetchSet(call, call.address(0), 3);
  if (fetched !== 0) return fetched;
  const signal = call.system.signalTake(call.task, low(call), high(call), until);
  if (typeof signal !== 'number' || signal < 0 || infoAt === 0) return signal;
  const { values } = call.task;
  putSignalInfo(call.view, 0, { signal, code: values[0]!, pid: values[1]!, uid: values[2]!, status: values[3]!, address: values[4]! });
  const stored = call.store(infoAt, SIGINFO_BYTES);
  return stored === 0 ? signal : stored;
}

/** What sigqueue(3) sends along: the code and si_value of a siginfo_t just fetched; exact for values that are numbers below 2^53. */
function queuedInfo(call: Call): { code: number; value: number } {
  const value = call.view.getUint32(24, true) + call.view.getInt32(28, true) * 2 ** 32;
  return { code: call.view.getInt32(8, true), value };
}

function rtSigqueueinfo(call: Call): Reply {
  const fetched = call.fetch(call.address(2), SIGINFO_BYTES);
  if (fetched !== 0) return fetched;
  const queued = queuedInfo(call);
  // Only the kernel may claim that a signal comes from it.
  if (queued.code >= 0 && call.int(0) !== call.task.group) return -Errno.EPERM;
  return call.system.kill(call.task, call.int(0), call.int(1), queued);
}

function rtTgsigqueueinfo(call: Call): Reply {
  const fetched = call.fetch(call.address(3), SIGINFO_BYTES);
  if (fetched !== 0) return fetched;
  const queued = queuedInfo(call);
  if (queued.code >= 0 && call.int(0) !== call.task.group) return -Errno.EPERM;
  return call.system.killThread(call.task, call.int(0), call.int(1), call.int(2), queued);
}

const frame = new SignalFrame();

/** Puts back what the frame at the stack pointer holds; a frame that cannot be right ends in SIGSEGV, as on Linux. */
function rtSigreturn(call: Call): Reply {
  const at = call.context.readUnsigned(STACK_POINTER);
  const moved = call.space.copyIn(at as typeof call.context.pc, frame.bytes);
  if (typeof moved !== 'number') return moved;
  if (at % 16 !== 0 || moved !== frame.bytes.length || !frame.valid) {
    call.system.raise(call.task, { signal: Signal.SEGV, code: SI_KERNEL, pid: 0, uid: 0, address: 0, status: 0 });
    return GONE;
  }
  frame.restore(call.context);
  call.system.signalReturn(call.task, frame.maskLow >>> 0, frame.maskHigh >>> 0);
  call.system.signalStack(call.task, call.context.readUnsigned(STACK_POINTER), frame.stack);
  return RESTORED;
}

function sigaltstack(call: Call): Reply {
  const nextAt = call.address(0);
  const oldAt = call.address(1);
  let set: { base: number; bytes: number; flags: number } | undefined;
  if (oldAt !== 0) {
    const ready = call.reserve(oldAt, STACK_T_BYTES);
    if (ready !== 0) return ready;
  }
  if (nextAt !== 0) {
    const fetched = call.fetch(nextAt, STACK_T_BYTES);
    if (fetched !== 0) return fetched;
    set = { base: getUnsignedWord(call.view, 0), flags: call.view.getInt32(8, true), bytes: getUnsignedWord(call.view, 16) };
  }
  const reply = call.system.signalStack(call.task, call.context.readUnsigned(STACK_POINTER), set);
  if (reply < 0 || oldAt === 0) return reply;
  const { values } = call.task;
  putWord(call.view, 0, values[0]!);
  putWord(call.view, 8, values[2]!);
  putWord(call.view, 16, values[1]!);
  return call.store(oldAt, STACK_T_BYTES);
}

const ITIMERVAL_BYTES = 32;
const ITIMER_REAL = 0;

/** struct itimerval: interval first, value second. */
function fetchTimer(call: Call, at: number): { value: Instant; interval: Instant } | Reply {
  const fetched = call.fetch(at, ITIMERVAL_BYTES);
  if (fetched !== 0) return fetched;
  const part = (offset: number): Instant | undefined => {
    const sec = getWord(call.view, offset);
    const microseconds = getWord(call.view, offset + 8);
    return sec < 0 || microseconds < 0 || microseconds >= 1_000_000 ? undefined : { sec, nsec: microseconds * 1000 };
  };
  const interval = part(0);
  const value = part(16);
  return interval === undefined || value === undefined ? -Errno.EINVAL : { value, interval };
}

/** `set`: what it is set to if there is nothing at `nextAt`. */
function intervalTimer(call: Call, nextAt: number, oldAt: number, set?: { value: Instant; interval: Instant }): Reply {
  if (call.int(0) !== ITIMER_REAL) return -Errno.EINVAL;
  if (oldAt !== 0) {
    const ready = call.reserve(oldAt, ITIMERVAL_BYTES);
    if (ready !== 0) return ready;
  }
  if (nextAt !== 0) {
    const fetched = fetchTimer(call, nextAt);
    if (typeof fetched === 'number' || 'on' in fetched) return fetched;
    set = fetched;
  }
  const reply = call.system.intervalTimer(call.task, set);
  if (reply < 0 || oldAt === 0) return reply;
  const { values } = call.task;
  putTimeval(call.view, 0, values[2]!, values[3]!);
  putTimeval(call.view, 16, values[0]!, values[1]!);
  return call.store(oldAt, ITIMERVAL_BYTES);
}

export const SIGNAL_CALLS: readonly Syscall[] = [
  row(102, 'getitimer', 'int which, struct itimerval *current', (call) => intervalTimer(call, 0, call.address(1))),
  // No new value disarms the timer, as Linux has always done.
  row(103, 'setitimer', 'int which, const struct itimerval *next, struct itimerval *old', (call) =>
    intervalTimer(call, call.address(1), call.address(2), { value: PAST, interval: PAST }),
  ),
  row(129, 'kill', 'pid_t pid, int signal', (call) => call.system.kill(call.task, call.int(0), call.int(1))),
  row(130, 'tkill', 'pid_t thread, int signal', (call) =>
    call.int(0) <= 0 ? -Errno.EINVAL : call.system.killThread(call.task, -1, call.int(0), call.int(1)),
  ),
  row(131, 'tgkill', 'pid_t group, pid_t thread, int signal', (call) =>
    call.int(0) <= 0 || call.int(1) <= 0 ? -Errno.EINVAL : call.system.killThread(call.task, call.int(0), call.int(1), call.int(2)),
  ),
  row(132, 'sigaltstack', 'const stack_t *next, stack_t *old', sigaltstack),
  row(133, 'rt_sigsuspend', 'const sigset_t *mask, size_t size', rtSigsuspend),
  row(134, 'rt_sigaction', 'int signal, const struct sigaction *next, struct sigaction *old, size_t size', rtSigaction),
  row(135, 'rt_sigprocmask', 'int how, const sigset_t *next, sigset_t *old, size_t size', rtSigprocmask),
  row(136, 'rt_sigpending', 'sigset_t *out, size_t size', rtSigpending),
  row(137, 'rt_sigtimedwait', 'const sigset_t *set, siginfo_t *info, const struct timespec *timeout, size_t size', rtSigtimedwait),
  row(138, 'rt_sigqueueinfo', 'pid_t group, int signal, siginfo_t *info', rtSigqueueinfo),
  row(139, 'rt_sigreturn', '', rtSigreturn),
  row(240, 'rt_tgsigqueueinfo', 'pid_t group, pid_t thread, int signal, siginfo_t *info', rtTgsigqueueinfo),
];
