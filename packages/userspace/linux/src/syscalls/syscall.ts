import type { Reply } from '@ashlar/hardware';
import type { Call } from '../call.ts';

/**
 * What a handled signal does to a call that is parked (signal(7), "Interruption of system calls"):
 * - `restart`: made again after a handler with SA_RESTART, else -EINTR. - `fail`: always -EINTR.
 */
export type Interruption = 'restart' | 'fail';

/** One row of the system call table. */
export interface Syscall {
  /** Of Linux's generic table (include/uapi/asm-generic/unistd.h), which riscv64 uses. */
  readonly number: number;
  readonly name: string;
  /** C parameters, for traces and the reference page. */
  readonly parameters: string;
  /** Decodes arguments and asks System. The value for a0, a wait, or {@link GONE} or {@link RESTORED}. */
  readonly call: (call: Call) => Reply;
  readonly interrupted: Interruption | ((call: Call) => Interruption);
  /** Runs before the handler when the parked call fails with -EINTR: what Linux still writes then. */
  readonly onFailure?: (call: Call) => void;
}

/** The calling image or thread is no more: nothing is to be written, the CPU must be left. */
export const GONE = -1_000_000;
/** All registers were set by the call itself (rt_sigreturn). */
export const RESTORED = -1_000_001;

export function row(
  number: number,
  name: string,
  parameters: string,
  call: (call: Call) => Reply,
  interrupted: Syscall['interrupted'] = 'fail',
): Syscall {
  return { number, name, parameters, call, interrupted };
}
