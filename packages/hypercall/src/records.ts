import type { AttributeChange, Attributes, EventKey, FilesystemStatistics, Instant, Wait } from '@ashlar/hardware';
import type { FrameReader, FrameWriter } from './cursor.ts';
import { ChangeBit, OP_LIMITS } from './ops.ts';

export const newInstant = (): Instant => ({ sec: 0, nsec: 0 });

export function newAttributes(): Attributes {
  return { node: 0, mode: 0, size: 0, links: 0, uid: 0, gid: 0, rdev: 0, atime: newInstant(), mtime: newInstant(), ctime: newInstant() };
}

export function newStatistics(): FilesystemStatistics {
  return { blockBytes: 0, blocks: 0, blocksFree: 0, nodes: 0, nodesFree: 0 };
}

export function writeAttributes(to: FrameWriter, from: Attributes): void {
  to.u53(from.node).u32(from.mode).u53(from.size).u32(from.links).u32(from.uid).u32(from.gid).u53(from.rdev);
  to.instant(from.atime).instant(from.mtime).instant(from.ctime);
}

export function readAttributes(from: FrameReader, to: Attributes): void {
  to.node = from.u53();
  to.mode = from.u32();
  to.size = from.u53();
  to.links = from.u32();
  to.uid = from.u32();
  to.gid = from.u32();
  to.rdev = from.u53();
  from.instant(to.atime);
  from.instant(to.mtime);
  from.instant(to.ctime);
}

export function writeStatistics(to: FrameWriter, from: FilesystemStatistics): void {
  to.u32(from.blockBytes).u53(from.blocks).u53(from.blocksFree).u53(from.nodes).u53(from.nodesFree);
}

export function readStatistics(from: FrameReader, to: FilesystemStatistics): void {
  to.blockBytes = from.u32();
  to.blocks = from.u53();
  to.blocksFree = from.u53();
  to.nodes = from.u53();
  to.nodesFree = from.u53();
}

export function writeChange(to: FrameWriter, change: AttributeChange): void {
  const { mode, size, uid, gid, atime, mtime } = change;
  let bits = 0;
  if (mode !== undefined) bits |= ChangeBit.MODE;
  if (size !== undefined) bits |= ChangeBit.SIZE;
  if (uid !== undefined) bits |= ChangeBit.UID;
  if (gid !== undefined) bits |= ChangeBit.GID;
  if (atime !== undefined) bits |= atime === 'now' ? ChangeBit.ATIME_NOW : ChangeBit.ATIME;
  if (mtime !== undefined) bits |= mtime === 'now' ? ChangeBit.MTIME_NOW : ChangeBit.MTIME;
  to.u8(bits);
  if (mode !== undefined) to.u32(mode);
  if (size !== undefined) to.u53(size);
  if (uid !== undefined) to.u32(uid);
  if (gid !== undefined) to.u32(gid);
  if (atime !== undefined && atime !== 'now') to.instant(atime);
  if (mtime !== undefined && mtime !== 'now') to.instant(mtime);
}

/** A time that is both given and "now" makes the reader fail. */
export function readChange(from: FrameReader): AttributeChange {
  const bits = from.u8();
  const change: { -readonly [K in keyof AttributeChange]: AttributeChange[K] } = {};
  if ((bits & ChangeBit.MODE) !== 0) change.mode = from.u32();
  if ((bits & ChangeBit.SIZE) !== 0) change.size = from.u53();
  if ((bits & ChangeBit.UID) !== 0) change.uid = from.u32();
  if ((bits & ChangeBit.GID) !== 0) change.gid = from.u32();
  if ((bits & ChangeBit.ATIME) !== 0) change.atime = readInstant(from);
  if ((bits & ChangeBit.MTIME) !== 0) change.mtime = readInstant(from);
  if ((bits & ChangeBit.ATIME_NOW) !== 0) {
    if (change.atime !== undefined) from.ok = false;
    change.atime = 'now';
  }
  if ((bits & ChangeBit.MTIME_NOW) !== 0) {
    if (change.mtime !== undefined) from.ok = false;
    change.mtime = 'now';
  }
  return change;
}

export function readInstant(from: FrameReader): Instant {
  const out = newInstant();
  from.instant(out);
  return out;
}

/** u16 count, so many u32 keys, u8 whether a deadline follows, the deadline. */
export function writeWait(to: FrameWriter, wait: Wait): void {
  writeKeys(to, wait.on);
  to.u8(wait.until === undefined ? 0 : 1);
  if (wait.until !== undefined) to.instant(wait.until);
}

/** `local` turns a key of the far end into one of this thread's. */
export function readWait(from: FrameReader, local: (key: number) => EventKey): Wait {
  const remote = readKeys(from);
  const dated = from.u8();
  if (dated > 1) from.ok = false;
  const until = dated === 1 ? readInstant(from) : undefined;
  const on = from.ok ? remote.map(local) : [];
  return until === undefined ? { on } : { on, until };
}

export function readKeys(from: FrameReader): number[] {
  const count = from.u16();
  if (count > OP_LIMITS.keysMax) from.ok = false;
  const keys: number[] = [];
  for (let i = 0; i < count && from.ok; i++) keys.push(from.u32());
  return keys;
}

export function writeKeys(to: FrameWriter, keys: readonly number[]): void {
  if (keys.length > OP_LIMITS.keysMax) to.ok = false;
  to.u16(keys.length);
  for (const key of keys) to.u32(key);
}
