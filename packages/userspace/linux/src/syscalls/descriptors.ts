import { Errno, type Reply } from '@ashlar/hardware';
import { OpenFlag, SYSTEM_LIMITS } from '@ashlar/kernel-stub';
import { FLOCK_BYTES } from '../abi/structures.ts';
import type { Call } from '../call.ts';
import { row, type Syscall } from './syscall.ts';

/** Commands of fcntl(2). */
const Command = {
  DUPFD: 0,
  GETFD: 1,
  SETFD: 2,
  GETFL: 3,
  SETFL: 4,
  GETLK: 5,
  SETLK: 6,
  SETLKW: 7,
  SETOWN: 8,
  GETOWN: 9,
  OFD_GETLK: 36,
  OFD_SETLK: 37,
  OFD_SETLKW: 38,
  DUPFD_CLOEXEC: 1030,
  SETPIPE_SZ: 1031,
  GETPIPE_SZ: 1032,
} as const;
const FD_CLOEXEC = 1;
const F_UNLCK = 2;

function fcntl(call: Call): Reply {
  const { system, task } = call;
  const fd = call.int(0);
  const command = call.int(1);
  switch (command) {
    case Command.DUPFD:
    case Command.DUPFD_CLOEXEC:
      return duplicate(call, fd, call.int(2), command === Command.DUPFD_CLOEXEC);
    case Command.GETFD:
      return system.descriptorFlags(task, fd, -1);
    case Command.SETFD:
      return Math.min(0, system.descriptorFlags(task, fd, call.int(2) & FD_CLOEXEC));
    case Command.GETFL:
      return system.statusFlags(task, fd, -1);
    case Command.SETFL:
      return Math.min(0, system.statusFlags(task, fd, call.unsigned(2) & (OpenFlag.APPEND | OpenFlag.NONBLOCK)));
    case Command.GETPIPE_SZ:
      return system.pipeCapacity(task, fd, -1);
    case Command.SETPIPE_SZ:
      return call.int(2) < 0 ? -Errno.EINVAL : system.pipeCapacity(task, fd, call.int(2));
    case Command.GETLK:
    case Command.OFD_GETLK:
      return withDescriptor(call, fd, () => unlocked(call));
    // Records of a file are not locked against other processes: the caller always gets its lock. flock(2) is real.
    case Command.SETLK:
    case Command.SETLKW:
    case Command.OFD_SETLK:
    case Command.OFD_SETLKW:
    case Command.SETOWN:
    case Command.GETOWN:
      return withDescriptor(call, fd, () => 0);
    default:
      return withDescriptor(call, fd, () => -Errno.EINVAL);
  }
}

function duplicate(call: Call, fd: number, least: number, closeOnExec: boolean): Reply {
  if (least < 0 || least >= SYSTEM_LIMITS.descriptors) return -Errno.EINVAL;
  return call.system.duplicate(call.task, fd, least, closeOnExec);
}

function withDescriptor(call: Call, fd: number, then: () => Reply): Reply {
  const known = call.system.descriptorFlags(call.task, fd, -1);
  return known < 0 ? known : then();
}

/** F_GETLK: nobody holds a lock in the way. */
function unlocked(call: Call): Reply {
  const at = call.address(2);
  const fetched = call.fetch(at, FLOCK_BYTES);
  if (fetched !== 0) return fetched;
  call.view.setInt16(0, F_UNLCK, true);
  return call.store(at, FLOCK_BYTES);
}

function dup3(call: Call): Reply {
  const fd = call.int(0);
  const target = call.int(1);
  const flags = call.unsigned(2);
  if ((flags & ~OpenFlag.CLOEXEC) !== 0 || fd === target) return -Errno.EINVAL;
  if (target < 0 || target >= SYSTEM_LIMITS.descriptors) return -Errno.EBADF;
  return call.system.duplicateTo(call.task, fd, target, flags !== 0);
}

/** Hands two new descriptors over as C's int[2]. */
export function storePair(call: Call, at: number, make: () => Reply): Reply {
  const ready = call.reserve(at, 8);
  if (ready !== 0) return ready;
  const made = make();
  if (typeof made !== 'number' || made < 0) return made;
  call.view.setInt32(0, call.task.values[0]!, true);
  call.view.setInt32(4, call.task.values[1]!, true);
  return call.store(at, 8);
}

const PIPE_FLAGS = OpenFlag.CLOEXEC | OpenFlag.NONBLOCK | 0o40000;

function pipe2(call: Call): Reply {
  const flags = call.unsigned(1);
  if ((flags & ~PIPE_FLAGS) !== 0) return -Errno.EINVAL;
  return storePair(call, call.address(0), () => call.system.pipe(call.task, flags & (OpenFlag.CLOEXEC | OpenFlag.NONBLOCK)));
}

/** CLOSE_RANGE_UNSHARE 2, CLOSE_RANGE_CLOEXEC 4. */
function closeRange(call: Call): Reply {
  const first = call.unsigned(0);
  const last = call.unsigned(1);
  const flags = call.unsigned(2);
  if (first > last || (flags & ~4) !== 0) return -Errno.EINVAL;
  return call.system.closeRange(call.task, first, Math.min(last, SYSTEM_LIMITS.descriptors - 1), flags !== 0);
}

export const DESCRIPTOR_CALLS: readonly Syscall[] = [
  row(23, 'dup', 'int fd', (call) => call.system.duplicate(call.task, call.int(0), 0, false)),
  row(24, 'dup3', 'int fd, int target, int flags', dup3),
  row(25, 'fcntl', 'int fd, int command, unsigned long argument', fcntl, 'restart'),
  row(57, 'close', 'int fd', (call) => call.system.close(call.task, call.int(0))),
  row(59, 'pipe2', 'int pair[2], int flags', pipe2),
  row(436, 'close_range', 'unsigned int first, unsigned int last, unsigned int flags', closeRange),
];
