import { Errno, type GuestAddress, type Instant, type Reply } from '@ashlar/hardware';
import { type Call, CLOCK_MONOTONIC, CLOCK_REALTIME, isInstant } from '../call.ts';
import { type Interruption, row, type Syscall } from './syscall.ts';

/** Operations of futex(2). */
const Futex = {
  WAIT: 0,
  WAKE: 1,
  REQUEUE: 3,
  CMP_REQUEUE: 4,
  WAKE_OP: 5,
  WAIT_BITSET: 9,
  WAKE_BITSET: 10,
  COMMAND: 0x7f,
  CLOCK_REALTIME: 0x100,
  MATCH_ANY: 0xffff_ffff,
} as const;

function futex(call: Call): Reply {
  const operation = call.int(1);
  const at = call.address(0);
  if (at % 4 !== 0) return -Errno.EINVAL;
  switch (operation & Futex.COMMAND & ~Futex.CLOCK_REALTIME) {
    case Futex.WAIT:
      return futexWait(call, at, Futex.MATCH_ANY, false);
    case Futex.WAIT_BITSET:
      return futexWait(call, at, call.unsigned(5), true);
    case Futex.WAKE:
      return call.system.futexWake(call.task, at, Math.max(1, call.int(2)), Futex.MATCH_ANY);
    case Futex.WAKE_BITSET:
      return call.unsigned(5) === 0 ? -Errno.EINVAL : call.system.futexWake(call.task, at, Math.max(1, call.int(2)), call.unsigned(5));
    case Futex.REQUEUE:
    case Futex.CMP_REQUEUE:
      return requeue(call, at, (operation & Futex.COMMAND) === Futex.CMP_REQUEUE);
    case Futex.WAKE_OP:
      return wakeOperation(call, at);
    default:
      return -Errno.ENOSYS;
  }
}

/** FUTEX_WAIT takes a duration, FUTEX_WAIT_BITSET a point in time. */
function futexWait(call: Call, at: GuestAddress, bits: number, absolute: boolean): Reply {
  if (bits === 0) return -Errno.EINVAL;
  const timeoutAt = call.address(3);
  let until: Instant | undefined;
  if (timeoutAt !== 0) {
    const time = call.instant(timeoutAt);
    if (!isInstant(time)) return time;
    const clock = (call.int(1) & Futex.CLOCK_REALTIME) !== 0 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    until = absolute ? call.deadlineOf(clock, time) : call.deadline(time);
  }
  return call.system.futexWait(call.task, at, call.unsigned(2), until, bits);
}

function requeue(call: Call, at: GuestAddress, compare: boolean): Reply {
  const wake = call.int(2);
  const move = call.int(3);
  if (wake < 0 || move < 0) return -Errno.EINVAL;
  return call.system.futexRequeue(call.task, at, wake, move, call.address(4), compare ? call.unsigned(5) : undefined);
}

const signExtend12 = (value: number): number => (value << 20) >> 20;

/** FUTEX_WAKE_OP: changes a second word, wakes waiters of the first, and those of the second if its old value passed a test. */
function wakeOperation(call: Call, at: GuestAddress): Reply {
  const code = call.int(5);
  const second = call.address(4);
  if (second % 4 !== 0) return -Errno.EINVAL;
  const operator = (code >>> 28) & 7;
  const raw = signExtend12(code >> 12);
  const operand = code >>> 31 === 1 ? 1 << (raw & 31) : raw;
  const old = call.space.load32(second);
  if (typeof old !== 'number' || old < 0) return old;
  const next = applyOperator(operator, old | 0, operand);
  if (next === undefined) return -Errno.ENOSYS;
  const stored = call.storeInt(second, next);
  if (stored !== 0) return stored;
  const woken = call.system.futexWake(call.task, at, Math.max(1, call.int(2)), Futex.MATCH_ANY);
  if (woken < 0 || !compares((code >>> 24) & 15, old | 0, signExtend12(code))) return woken;
  const more = call.system.futexWake(call.task, second, Math.max(1, call.int(3)), Futex.MATCH_ANY);
  return more < 0 ? more : woken + more;
}

function applyOperator(operator: number, old: number, operand: number): number | undefined {
  return [operand, old + operand, old | operand, old & ~operand, old ^ operand][operator];
}

function compares(comparison: number, old: number, operand: number): boolean {
  return [old === operand, old !== operand, old < operand, old <= operand, old > operand, old >= operand][comparison] ?? false;
}

/** A wait with a timeout is never made again (restart_syscall would have to keep its deadline); one without is. */
const futexInterrupted = (call: Call): Interruption => (call.address(3) === 0 ? 'restart' : 'fail');

const CPU_MASK_BYTES = 8;

/** One CPU. As the system call answers it: bytes written, not 0 as libc's wrapper does. */
function getAffinity(call: Call): Reply {
  const bytes = call.unsigned(1);
  if (bytes < CPU_MASK_BYTES || bytes % 8 !== 0) return -Errno.EINVAL;
  call.head(CPU_MASK_BYTES).fill(0);
  call.scratch[0] = 1;
  const stored = call.store(call.address(2), CPU_MASK_BYTES);
  return stored === 0 ? CPU_MASK_BYTES : stored;
}

function getcpu(call: Call): Reply {
  for (let index = 0; index < 2; index++) {
    const at = call.address(index);
    const stored = at === 0 ? 0 : call.storeInt(at, 0);
    if (stored !== 0) return stored;
  }
  return 0;
}

/** SCHED_OTHER 0, FIFO 1, RR 2, BATCH 3, IDLE 5. */
function priorityBound(call: Call, realTime: number): Reply {
  const policy = call.int(0);
  if (policy === 1 || policy === 2) return realTime;
  return policy === 0 || policy === 3 || policy === 5 ? 0 : -Errno.EINVAL;
}

const accepted = (): Reply => 0;
/** getpriority(2) as the system call answers it: 20 minus the nice value. */
const NICE_ZERO = 20;

export const THREAD_CALLS: readonly Syscall[] = [
  row(96, 'set_tid_address', 'int *at', (call) => {
    const reply = call.system.setClearTid(call.task, call.address(0));
    return reply < 0 ? reply : call.task.id;
  }),
  row(
    98,
    'futex',
    'uint32_t *at, int operation, uint32_t value, const struct timespec *timeout, uint32_t *second, uint32_t value3',
    futex,
    futexInterrupted,
  ),
  row(99, 'set_robust_list', 'struct robust_list_head *head, size_t length', (call) =>
    call.size(1) === 24 ? call.system.robustList(call.task, call.address(0), 24) : -Errno.EINVAL,
  ),
  row(118, 'sched_setparam', 'pid_t pid, const struct sched_param *param', accepted),
  row(119, 'sched_setscheduler', 'pid_t pid, int policy, const struct sched_param *param', accepted),
  row(120, 'sched_getscheduler', 'pid_t pid', accepted),
  row(121, 'sched_getparam', 'pid_t pid, struct sched_param *param', (call) => call.storeInt(call.address(1), 0)),
  row(122, 'sched_setaffinity', 'pid_t pid, unsigned int bytes, const unsigned long *mask', accepted),
  row(123, 'sched_getaffinity', 'pid_t pid, unsigned int bytes, unsigned long *mask', getAffinity),
  row(124, 'sched_yield', '', (call) => call.system.yield(call.task)),
  row(125, 'sched_get_priority_max', 'int policy', (call) => priorityBound(call, 99)),
  row(126, 'sched_get_priority_min', 'int policy', (call) => priorityBound(call, 1)),
  row(140, 'setpriority', 'int which, int who, int nice', accepted),
  row(141, 'getpriority', 'int which, int who', () => NICE_ZERO),
  row(168, 'getcpu', 'unsigned int *cpu, unsigned int *node, void *unused', getcpu),
];
