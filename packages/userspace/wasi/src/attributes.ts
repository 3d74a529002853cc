import { type AttributeChange, Errno, FileType, type Reply } from '@ashlar/hardware';
import type { Call } from './call.ts';
import { FILESTAT_BYTES, FstFlag, fileTypeOf, UNSTABLE_FILESTAT_BYTES } from './layout.ts';
import { instantOf, putNanoseconds } from './time.ts';

const TWO_32 = 4_294_967_296;

function put64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % TWO_32, true);
  view.setUint32(at + 4, Math.floor(value / TWO_32), true);
}

/** Writes a `filestat` from the task's record. In wasi_unstable the link count is 32 bits and what follows lies 8 bytes earlier. */
export function putFilestat(call: Call, at: number): Reply {
  const { stat } = call.task;
  const { view } = call;
  const bytes = call.unstable ? UNSTABLE_FILESTAT_BYTES : FILESTAT_BYTES;
  call.scratch.fill(0, 0, bytes);
  put64(view, 0, stat.device);
  put64(view, 8, stat.node);
  view.setUint8(16, fileTypeOf(stat.mode));
  if (call.unstable) view.setUint32(20, stat.links, true);
  else put64(view, 24, stat.links);
  const rest = bytes - 32;
  put64(view, rest, (stat.mode & FileType.MASK) === FileType.DIRECTORY ? 0 : stat.size);
  putNanoseconds(view, rest + 8, stat.atime.sec, stat.atime.nsec);
  putNanoseconds(view, rest + 16, stat.mtime.sec, stat.mtime.nsec);
  putNanoseconds(view, rest + 24, stat.ctime.sec, stat.ctime.nsec);
  return call.store(at, bytes);
}

/** The times that a *_filestat_set_times asks for: two 64-bit words and flags from `word` on. -EINVAL: a time both given and now. */
export function timesOf(call: Call, word: number): AttributeChange | number {
  const flags = call.u32(word + 4);
  if ((flags & FstFlag.ATIM && flags & FstFlag.ATIM_NOW) || (flags & FstFlag.MTIM && flags & FstFlag.MTIM_NOW)) return -Errno.EINVAL;
  const change: { -readonly [K in keyof AttributeChange]: AttributeChange[K] } = {};
  if (flags & FstFlag.ATIM) change.atime = instantOf(call.u32(word), call.u32(word + 1));
  if (flags & FstFlag.ATIM_NOW) change.atime = 'now';
  if (flags & FstFlag.MTIM) change.mtime = instantOf(call.u32(word + 2), call.u32(word + 3));
  if (flags & FstFlag.MTIM_NOW) change.mtime = 'now';
  return change;
}
