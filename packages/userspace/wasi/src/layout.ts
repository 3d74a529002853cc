import { FileType } from '@ashlar/hardware';

/** Layouts and constants of WASI preview 1 (wasi_snapshot_preview1.witx). All structures are little-endian. */

/** `filetype`. */
export const WasiFileType = { UNKNOWN: 0, BLOCK: 1, CHARACTER: 2, DIRECTORY: 3, REGULAR: 4, SOCKET_STREAM: 6, SYMLINK: 7 } as const;

/** `filetype` of a st_mode. WASI has none for pipes: they are unknown. */
export function fileTypeOf(mode: number): number {
  switch (mode & FileType.MASK) {
    case FileType.REGULAR:
      return WasiFileType.REGULAR;
    case FileType.DIRECTORY:
      return WasiFileType.DIRECTORY;
    case FileType.CHARACTER:
      return WasiFileType.CHARACTER;
    case FileType.BLOCK:
      return WasiFileType.BLOCK;
    case FileType.SYMLINK:
      return WasiFileType.SYMLINK;
    case FileType.SOCKET:
      return WasiFileType.SOCKET_STREAM;
    default:
      return WasiFileType.UNKNOWN;
  }
}

/** `clockid`: the numbers are Linux's. */
export const WasiClock = { REALTIME: 0, MONOTONIC: 1, PROCESS_CPU: 2, THREAD_CPU: 3 } as const;

/** `fdflags`. */
export const FdFlag = { APPEND: 1, DSYNC: 2, NONBLOCK: 4, RSYNC: 8, SYNC: 16 } as const;
/** `oflags`. */
export const OFlag = { CREAT: 1, DIRECTORY: 2, EXCL: 4, TRUNC: 8 } as const;
/** `lookupflags`. */
export const LOOKUP_SYMLINK_FOLLOW = 1;
/** `fstflags`. */
export const FstFlag = { ATIM: 1, ATIM_NOW: 2, MTIM: 4, MTIM_NOW: 8 } as const;

/** `rights`: all of preview 1 are in the low word. */
export const Right = {
  FD_DATASYNC: 1 << 0,
  FD_READ: 1 << 1,
  FD_SEEK: 1 << 2,
  FD_TELL: 1 << 5,
  FD_WRITE: 1 << 6,
  FD_ALLOCATE: 1 << 8,
  FD_READDIR: 1 << 14,
  FD_FILESTAT_SET_SIZE: 1 << 22,
  ALL: 0x1fff_ffff,
} as const;
export const READ_RIGHTS = Right.FD_READ | Right.FD_READDIR;
export const WRITE_RIGHTS = Right.FD_DATASYNC | Right.FD_WRITE | Right.FD_ALLOCATE | Right.FD_FILESTAT_SET_SIZE;

/** Bytes of structures. */
export const FDSTAT_BYTES = 24;
export const FILESTAT_BYTES = 64;
export const DIRENT_BYTES = 24;
export const SUBSCRIPTION_BYTES = 48;
export const EVENT_BYTES = 32;
export const IOVEC_BYTES = 8;

/** Sizes in wasi_unstable, where they differ. */
export const UNSTABLE_FILESTAT_BYTES = 56;
export const UNSTABLE_SUBSCRIPTION_BYTES = 56;

/** `eventtype` and the tag of a subscription. */
export const EventType = { CLOCK: 0, FD_READ: 1, FD_WRITE: 2 } as const;
/** `eventrwflags`. */
export const EVENT_HANGUP = 1;
/** `subclockflags`. */
export const SUBSCRIPTION_CLOCK_ABSTIME = 1;

/**
 * `signal` of WASI → Linux's number: the lists differ from 16 (STKFLT) on. 0: none. -1: not known.
 */
export function linuxSignal(signal: number): number {
  if (signal < 0 || signal > 30) return -1;
  return signal < 16 ? signal : signal + 1;
}
