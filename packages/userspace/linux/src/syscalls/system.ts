import { Errno, type Reply } from '@ashlar/hardware';
import type { Call } from '../call.ts';
import { row, type Syscall } from './syscall.ts';

/** Most bytes of one answer: Linux gives up to 256 without interruption and libc asks again for more. */
const RANDOM_BYTES_MAX = 65_536;
/** GRND_NONBLOCK 1, GRND_RANDOM 2, GRND_INSECURE 4: all the same here, there is always entropy. */
const RANDOM_FLAGS = 7;

function getrandom(call: Call): Reply {
  const flags = call.unsigned(2);
  if ((flags & ~RANDOM_FLAGS) !== 0 || (flags & 6) === 6) return -Errno.EINVAL;
  return call.system.random(call.task, call.piece(call.address(0), Math.min(call.size(1), RANDOM_BYTES_MAX)));
}

export const SYSTEM_CALLS: readonly Syscall[] = [
  row(278, 'getrandom', 'void *buffer, size_t size, unsigned int flags', getrandom, 'restart'),
];
