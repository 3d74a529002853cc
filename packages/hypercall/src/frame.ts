import { Errno, FRAME_BYTES_MAX, type Result } from '@ashlar/hardware';
import { setWord, word } from './cursor.ts';

/**
 * The header of every frame, little-endian:
 *
 *     0   u16 magic 0x4841 ("AH")
 *     2   u8  version
 *     3   u8  type            FrameType
 *     4   u32 length          of the whole frame, header included
 *     8   u32 label           the partition that asks, is answered or told
 *     12  u32 sequence        of the request, per label and type; wraps at 2^32
 *     16  u16 op              Op; 0 in tunnels
 *     18  u8  hops            how many tunnels are around the innermost frame
 *     19  u8  flags           FrameFlag
 *     20  u32 zero            so that bodies begin at a multiple of 8
 */
export const HEADER_BYTES = 24;
export const FRAME_MAGIC = 0x4841;
export const FRAME_VERSION = 1;
/** Most tunnels around a frame. With {@link FRAME_BYTES_MAX} they leave room for the longest request. */
export const HOPS_MAX = 64;

export const FrameType = {
  /** Client → server. */
  REQUEST: 1,
  /** Server → client, one for each request. */
  REPLY: 2,
  /** Server → client, unasked. */
  EVENT: 3,
  /** Either direction: the body is a frame of a partition further up. */
  TUNNEL: 4,
} as const;

export const FrameFlag = {
  /** Of a reply: it is a wait. */
  WAIT: 1,
  /** Of a tunnel: what is inside goes to a client unasked. */
  UNASKED: 2,
} as const;

export interface Header {
  type: number;
  length: number;
  label: number;
  sequence: number;
  op: number;
  hops: number;
  flags: number;
}

export const newHeader = (): Header => ({ type: 0, length: 0, label: 0, sequence: 0, op: 0, hops: 0, flags: 0 });

/** Writes a header at `at`; the caller has made room. */
export function writeHeader(bytes: Uint8Array, at: number, header: Readonly<Header>): void {
  bytes[at] = FRAME_MAGIC & 0xff;
  bytes[at + 1] = FRAME_MAGIC >>> 8;
  bytes[at + 2] = FRAME_VERSION;
  bytes[at + 3] = header.type;
  setWord(bytes, at + 4, header.length);
  setWord(bytes, at + 8, header.label);
  setWord(bytes, at + 12, header.sequence);
  bytes[at + 16] = header.op;
  bytes[at + 17] = header.op >>> 8;
  bytes[at + 18] = header.hops;
  bytes[at + 19] = header.flags;
  setWord(bytes, at + 20, 0);
}

/**
 * Reads and checks the header of the frame that fills [at, end): 0, or why it is refused.
 * -EBADMSG: not a frame, truncated, or its length is not what is there. -EMSGSIZE: longer than any frame may be.
 * -EPROTO: a version, type, flag or reserved bit that this version does not know. -ELOOP: too many tunnels.
 */
export function readHeader(bytes: Uint8Array, at: number, end: number, out: Header): Result {
  if (end > bytes.length || end - at < HEADER_BYTES) return -Errno.EBADMSG;
  if (((bytes[at] as number) | ((bytes[at + 1] as number) << 8)) !== FRAME_MAGIC) return -Errno.EBADMSG;
  if (bytes[at + 2] !== FRAME_VERSION) return -Errno.EPROTO;
  out.type = bytes[at + 3] as number;
  out.length = word(bytes, at + 4);
  out.label = word(bytes, at + 8);
  out.sequence = word(bytes, at + 12);
  out.op = (bytes[at + 16] as number) | ((bytes[at + 17] as number) << 8);
  out.hops = bytes[at + 18] as number;
  out.flags = bytes[at + 19] as number;
  if (out.length > FRAME_BYTES_MAX) return -Errno.EMSGSIZE;
  if (out.length !== end - at) return -Errno.EBADMSG;
  if (word(bytes, at + 20) !== 0) return -Errno.EPROTO;
  return checkFields(out);
}

function checkFields(header: Header): Result {
  const { type, flags, hops, op } = header;
  if (type < FrameType.REQUEST || type > FrameType.TUNNEL) return -Errno.EPROTO;
  if (type === FrameType.TUNNEL) {
    if (hops > HOPS_MAX) return -Errno.ELOOP;
    if (hops === 0 || op !== 0 || (flags & ~FrameFlag.UNASKED) !== 0) return -Errno.EPROTO;
    return header.length < 2 * HEADER_BYTES ? -Errno.EBADMSG : 0;
  }
  const allowed = type === FrameType.REPLY ? FrameFlag.WAIT : 0;
  return hops !== 0 || (flags & ~allowed) !== 0 ? -Errno.EPROTO : 0;
}

/** Whether a frame that was already checked goes to a client unasked. */
export function isUnasked(frame: Uint8Array): boolean {
  return frame[3] === FrameType.EVENT || (frame[3] === FrameType.TUNNEL && ((frame[19] as number) & FrameFlag.UNASKED) !== 0);
}

/** Whether `sequence` comes after `last`, in serial number arithmetic (RFC 1982). */
export function isAfter(sequence: number, last: number): boolean {
  return ((sequence - last) | 0) > 0;
}
