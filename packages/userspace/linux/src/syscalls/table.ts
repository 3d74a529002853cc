import { DESCRIPTOR_CALLS } from './descriptors.ts';
import { FILE_CALLS } from './files.ts';
import { IDENTITY_CALLS } from './identity.ts';
import { MEMORY_CALLS } from './memory.ts';
import { POLL_CALLS } from './poll.ts';
import { PROCESS_CALLS } from './process.ts';
import { SIGNAL_CALLS } from './signals.ts';
import { SOCKET_CALLS } from './sockets.ts';
import type { Syscall } from './syscall.ts';
import { SYSTEM_CALLS } from './system.ts';
import { TERMINAL_CALLS } from './terminal.ts';
import { THREAD_CALLS } from './threads.ts';
import { TIME_CALLS } from './time.ts';
import { TRANSFER_CALLS } from './transfer.ts';

/**
 * Every system call that is answered; all others are -ENOSYS, also those that programs were seen to do without (riscv_hwprobe 258, rseq 293,
 * io_uring_setup 425, clone3 435).
 */
export const SYSCALLS: readonly Syscall[] = [
  ...PROCESS_CALLS,
  ...IDENTITY_CALLS,
  ...THREAD_CALLS,
  ...MEMORY_CALLS,
  ...TIME_CALLS,
  ...FILE_CALLS,
  ...DESCRIPTOR_CALLS,
  ...TRANSFER_CALLS,
  ...TERMINAL_CALLS,
  ...SIGNAL_CALLS,
  ...POLL_CALLS,
  ...SOCKET_CALLS,
  ...SYSTEM_CALLS,
].sort((one, other) => one.number - other.number);

/** Numbers end here: one slot each, so that dispatch is an array access. */
export const SYSCALL_SLOTS = 512;

/** By number. */
export const SYSCALL_TABLE: readonly (Syscall | undefined)[] = (() => {
  const table: (Syscall | undefined)[] = Array.from({ length: SYSCALL_SLOTS });
  for (const syscall of SYSCALLS) {
    if (table[syscall.number] !== undefined) throw new Error(`system call ${syscall.number} (${syscall.name}) has two rows`);
    table[syscall.number] = syscall;
  }
  return table;
})();
