/** Signal numbers of Linux's generic ABI (signal(7)). */
export const Signal = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  PWR: 30,
  SYS: 31,
} as const;

/** The largest signal number; 32 … 64 are real-time signals, which queue. */
export const SIGNAL_MAX = 64;
/** Real-time signals queued for one process or thread; more are refused with -EAGAIN. */
export const QUEUED_SIGNALS_MAX = 1024;

/** SA_* of sigaction(2). */
export const ActionFlag = {
  NOCLDSTOP: 1,
  NOCLDWAIT: 2,
  SIGINFO: 4,
  ONSTACK: 0x08000000,
  RESTART: 0x10000000,
  NODEFER: 0x40000000,
  RESETHAND: 0x80000000 | 0,
} as const;

/** SI_* and CLD_* of sigaction(2). */
export const SignalCode = {
  USER: 0,
  KERNEL: 0x80,
  TKILL: -6,
  TIMER: -2,
  CHILD_EXITED: 1,
  CHILD_KILLED: 2,
  CHILD_STOPPED: 5,
  CHILD_CONTINUED: 6,
} as const;

export const DEFAULT_HANDLER = 0;
export const IGNORE_HANDLER = 1;

/** What a signal does when nobody handles it. */
export type DefaultAction = 'terminate' | 'ignore' | 'stop' | 'continue';

export function defaultAction(signal: number): DefaultAction {
  switch (signal) {
    case Signal.CHLD:
    case Signal.URG:
    case Signal.WINCH:
      return 'ignore';
    case Signal.STOP:
    case Signal.TSTP:
    case Signal.TTIN:
    case Signal.TTOU:
      return 'stop';
    case Signal.CONT:
      return 'continue';
    default:
      return 'terminate';
  }
}

/** Bit of a signal in the low word (1 … 32) or 0. Sets are two unsigned 32-bit words, as sigset_t lays them out. */
export const lowBit = (signal: number): number => (signal <= 32 ? (1 << (signal - 1)) >>> 0 : 0);
/** Bit of a signal in the high word (33 … 64) or 0. */
export const highBit = (signal: number): number => (signal > 32 ? (1 << (signal - 33)) >>> 0 : 0);

/** The signals that can be neither blocked, handled nor ignored. */
export const UNBLOCKABLE_LOW = lowBit(Signal.KILL) | lowBit(Signal.STOP);
/** Delivered before others: they belong to the instruction that just ran. */
export const SYNCHRONOUS_LOW =
  lowBit(Signal.SEGV) | lowBit(Signal.BUS) | lowBit(Signal.ILL) | lowBit(Signal.TRAP) | lowBit(Signal.FPE) | lowBit(Signal.SYS);
/** Those whose default is to stop. */
export const STOP_LOW = lowBit(Signal.STOP) | lowBit(Signal.TSTP) | lowBit(Signal.TTIN) | lowBit(Signal.TTOU);

/** Lowest signal of a set, or 0. */
export function lowestSignal(low: number, high: number): number {
  if (low !== 0) return 32 - Math.clz32(low & -low);
  if (high !== 0) return 64 - Math.clz32(high & -high);
  return 0;
}
