import type { SignalInfo, Status, Termios } from '@ashlar/kernel-stub';
import { getUnsignedWord, putWord } from './word.ts';

/**
 * Layouts of the structures that riscv64 Linux system calls read and write, as C lays them out (lp64d). Offsets were printed with offsetof by a
 * program built with riscv64-linux-gnu-gcc 12 from Linux's headers for user space; structures.test.ts holds that list.
 */
export const STAT_BYTES = 128;
export const STATX_BYTES = 256;
export const STATFS_BYTES = 120;
export const UTSNAME_BYTES = 390;
export const SYSINFO_BYTES = 112;
export const RUSAGE_BYTES = 144;
export const TIMESPEC_BYTES = 16;
export const EPOLL_EVENT_BYTES = 16;
export const POLLFD_BYTES = 8;
export const IOVEC_BYTES = 16;
export const TERMIOS_BYTES = 36;
export const TERMIOS2_BYTES = 44;
export const SIGACTION_BYTES = 24;
export const SIGINFO_BYTES = 128;
export const STACK_T_BYTES = 24;
export const MSGHDR_BYTES = 56;
export const MMSGHDR_BYTES = 64;
export const FLOCK_BYTES = 32;

const STATX_BASIC_STATS = 0x7ff;

function clear(view: DataView, bytes: number): void {
  new Uint8Array(view.buffer, view.byteOffset, bytes).fill(0);
}

/** struct stat of include/uapi/asm-generic/stat.h. */
export function putStat(view: DataView, status: Status): void {
  clear(view, STAT_BYTES);
  putWord(view, 0, status.device);
  putWord(view, 8, status.node);
  view.setUint32(16, status.mode, true);
  view.setUint32(20, status.links, true);
  view.setUint32(24, status.uid, true);
  view.setUint32(28, status.gid, true);
  putWord(view, 32, status.rdev);
  putWord(view, 48, status.size);
  view.setInt32(56, status.blockBytes, true);
  putWord(view, 64, status.blocks);
  putTime(view, 72, status.atime.sec, status.atime.nsec);
  putTime(view, 88, status.mtime.sec, status.mtime.nsec);
  putTime(view, 104, status.ctime.sec, status.ctime.nsec);
}

/** dev_t as Linux encodes it in 32 bits (new_encode_dev). */
export const majorOf = (device: number): number => (device >>> 8) & 0xfff;
export const minorOf = (device: number): number => (device & 0xff) | ((device >>> 12) & 0xfff00);

/** struct statx with STATX_BASIC_STATS; the birth time is not told. */
export function putStatx(view: DataView, status: Status): void {
  clear(view, STATX_BYTES);
  view.setUint32(0, STATX_BASIC_STATS, true);
  view.setUint32(4, status.blockBytes, true);
  view.setUint32(16, status.links, true);
  view.setUint32(20, status.uid, true);
  view.setUint32(24, status.gid, true);
  view.setUint16(28, status.mode, true);
  putWord(view, 32, status.node);
  putWord(view, 40, status.size);
  putWord(view, 48, status.blocks);
  putTime(view, 64, status.atime.sec, status.atime.nsec);
  putTime(view, 96, status.ctime.sec, status.ctime.nsec);
  putTime(view, 112, status.mtime.sec, status.mtime.nsec);
  view.setUint32(128, majorOf(status.rdev), true);
  view.setUint32(132, minorOf(status.rdev), true);
  view.setUint32(136, majorOf(status.device), true);
  view.setUint32(140, minorOf(status.device), true);
}

/** struct timespec, and the 64-bit seconds with 32-bit nanoseconds of statx_timestamp (whose padding is zero). */
export function putTime(view: DataView, at: number, sec: number, nsec: number): void {
  putWord(view, at, sec);
  putWord(view, at + 8, nsec);
}

/** struct timeval. */
export function putTimeval(view: DataView, at: number, sec: number, nsec: number): void {
  putWord(view, at, sec);
  putWord(view, at + 8, Math.floor(nsec / 1000));
}

/** struct statfs from [magic, block bytes, blocks, free, nodes, nodes free, name bytes]. */
export function putStatfs(view: DataView, values: Float64Array): void {
  clear(view, STATFS_BYTES);
  putWord(view, 0, values[0]!);
  putWord(view, 8, values[1]!);
  putWord(view, 16, values[2]!);
  putWord(view, 24, values[3]!);
  putWord(view, 32, values[3]!);
  putWord(view, 40, values[4]!);
  putWord(view, 48, values[5]!);
  putWord(view, 64, values[6]!);
  putWord(view, 72, values[1]!);
}

/** struct rusage from the values of `resourceUsage`. */
export function putUsage(view: DataView, at: number, values: Float64Array): void {
  new Uint8Array(view.buffer, view.byteOffset + at, RUSAGE_BYTES).fill(0);
  putTimeval(view, at, values[0]!, values[1]!);
  putTimeval(view, at + 16, values[2]!, values[3]!);
  putWord(view, at + 32, values[4]!);
  putWord(view, at + 64, values[5]!);
  putWord(view, at + 72, values[6]!);
  putWord(view, at + 128, values[7]!);
  putWord(view, at + 136, values[8]!);
}

/** struct sysinfo from [uptime s, total bytes, free bytes, processes]. */
export function putSysinfo(view: DataView, values: Float64Array): void {
  clear(view, SYSINFO_BYTES);
  putWord(view, 0, values[0]!);
  putWord(view, 32, values[1]!);
  putWord(view, 40, values[2]!);
  view.setUint16(80, values[3]!, true);
  view.setUint32(104, 1, true);
}

/** struct utsname: six fields of 65 bytes. */
export function putNames(bytes: Uint8Array, fields: readonly string[]): void {
  bytes.fill(0, 0, UTSNAME_BYTES);
  fields.forEach((field, index) => {
    for (let at = 0; at < field.length; at++) bytes[index * 65 + at] = field.charCodeAt(at);
  });
}

/** struct termios of the kernel (not libc's, which is longer). */
export function putTermios(view: DataView, termios: Termios): void {
  view.setUint32(0, termios.input, true);
  view.setUint32(4, termios.output, true);
  view.setUint32(8, termios.control, true);
  view.setUint32(12, termios.local, true);
  view.setUint8(16, termios.line);
  for (let index = 0; index < 19; index++) view.setUint8(17 + index, termios.characters[index] ?? 0);
}

export function getTermios(view: DataView, out: Termios): void {
  out.input = view.getUint32(0, true);
  out.output = view.getUint32(4, true);
  out.control = view.getUint32(8, true);
  out.local = view.getUint32(12, true);
  out.line = view.getUint8(16);
  for (let index = 0; index < 19; index++) out.characters[index] = view.getUint8(17 + index);
}

export const Signal = {
  HUP: 1,
  ILL: 4,
  TRAP: 5,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  SEGV: 11,
  PIPE: 13,
  CHLD: 17,
} as const;

const FAULTS: ReadonlySet<number> = new Set([Signal.SEGV, Signal.BUS, Signal.ILL, Signal.TRAP, Signal.FPE]);

/** Whether the kernel raised it for what an instruction did: it says at which address then. */
export const isFault = ({ signal, code }: SignalInfo): boolean => code > 0 && FAULTS.has(signal);

/** Of si_addr in siginfo_t. */
const FAULT_ADDRESS = 16;

/** siginfo_t; which member of its union counts follows from signal and code (sigaction(2)). */
export function putSignalInfo(view: DataView, at: number, info: SignalInfo): void {
  new Uint8Array(view.buffer, view.byteOffset + at, SIGINFO_BYTES).fill(0);
  view.setInt32(at, info.signal, true);
  view.setInt32(at + 8, info.code, true);
  if (isFault(info)) {
    putWord(view, at + FAULT_ADDRESS, info.address);
    return;
  }
  view.setInt32(at + 16, info.pid, true);
  view.setUint32(at + 20, info.uid, true);
  if (info.code > 0 && info.signal === Signal.CHLD) view.setInt32(at + 24, info.status, true);
  else putWord(view, at + 24, info.address);
}

/** si_addr of a fault, exact where it is not as a number. */
export function putFaultAddress(view: DataView, at: number, low: number, high: number): void {
  view.setInt32(at + FAULT_ADDRESS, low, true);
  view.setInt32(at + FAULT_ADDRESS + 4, high, true);
}

/** struct iovec number `index` of an array: where it points and how long it is. */
export const iovecBase = (view: DataView, index: number): number => getUnsignedWord(view, index * IOVEC_BYTES);
export const iovecBytes = (view: DataView, index: number): number => getUnsignedWord(view, index * IOVEC_BYTES + 8);
