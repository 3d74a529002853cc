import { Errno, type EventKey, type Limits, type Reply, type Shape } from '@ashlar/hardware';
import type { FrameReader, FrameWriter } from './cursor.ts';
import { readJson } from './describe.ts';
import { CLOCKS, OP_LIMITS, Op } from './ops.ts';
import { isPlainRecord, plainLimits, plainShape } from './plain-shape.ts';
import { newInstant, readKeys } from './records.ts';
import { CHILDREN_MAX, Seat } from './seat.ts';
import { ServedDevice, serveDevice } from './serve-device.ts';

/** What answering needs of the server. */
export interface Seats {
  seatChild(parent: Seat, child: Seat): void;
  unseat(seat: Seat): void;
  limitChild(child: Seat, limits: Limits): number;
  pin(seat: Seat, key: EventKey): void;
  watch(seat: Seat, keys: readonly EventKey[]): void;
}

const MALFORMED: Reply = -Errno.EBADMSG;
const time = newInstant();

/** Answers one request of the partition at `seat`. */
export function serveRequest(seats: Seats, seat: Seat, op: number, from: FrameReader, to: FrameWriter): Reply {
  switch (op) {
    case Op.ENTROPY: {
      const count = from.u32();
      if (!from.finished) return MALFORMED;
      if (count > OP_LIMITS.entropyBytesMax) return -Errno.EINVAL;
      const at = to.u32(count).reserve(count);
      seat.machine.entropy(to.bytes.subarray(at, at + count).fill(0));
      return count;
    }
    case Op.CLOCK: {
      const which = CLOCKS[from.u8()];
      if (!from.finished) return MALFORMED;
      if (which === undefined) return -Errno.EINVAL;
      seat.machine.clock.read(which, time);
      to.instant(time);
      return 0;
    }
    case Op.PARTITION:
      return servePartition(seats, seat, from, to);
    case Op.LIMIT: {
      const child = childOf(seat, from.u32());
      const limits = plainLimits(readJson(from));
      if (!from.finished || limits === undefined) return MALFORMED;
      return child === undefined ? -Errno.ENODEV : seats.limitChild(child, limits);
    }
    case Op.REVOKE: {
      const child = childOf(seat, from.u32());
      if (!from.finished) return MALFORMED;
      if (child === undefined) return -Errno.ENODEV;
      seats.unseat(child);
      return 0;
    }
    case Op.WATCH: {
      const keys = readKeys(from) as EventKey[];
      if (!from.finished) return MALFORMED;
      seats.watch(seat, keys);
      return 0;
    }
    default:
      return op >>> 8 === 0 ? -Errno.ENOSYS : serveDeviceRequest(seats, seat, op, from, to);
  }
}

function childOf(seat: Seat, label: number): Seat | undefined {
  for (const child of seat.children) if (child.label === label) return child;
  return undefined;
}

/** The reply's JSON is the manifest, or `{refused, missing}`. */
function servePartition(seats: Seats, seat: Seat, from: FrameReader, to: FrameWriter): Reply {
  const want = readJson(from);
  if (!from.finished || !isPlainRecord(want)) return MALFORMED;
  const shape: Shape | undefined = plainShape(want.shape);
  const limits = plainLimits(want.limits);
  if (shape === undefined || limits === undefined) return MALFORMED;
  if (seat.children.size >= CHILDREN_MAX) return -Errno.ENOSPC;
  const partition = seat.machine.partition(shape, limits);
  if ('refused' in partition) {
    to.text(JSON.stringify(partition));
    return 0;
  }
  seats.seatChild(seat, new Seat(partition.manifest.label, partition.open(), partition, seat));
  to.text(JSON.stringify(partition.manifest));
  return 0;
}

function serveDeviceRequest(seats: Seats, seat: Seat, op: number, from: FrameReader, to: FrameWriter): Reply {
  const index = from.u16();
  if (!from.ok) return MALFORMED;
  const name = seat.deviceNames[index];
  if (name === undefined) return -Errno.ENODEV;
  if (op === Op.OPEN) return from.finished ? openDevice(seats, seat, index, name, to) : MALFORMED;
  const served = seat.devices.get(index);
  if (served === undefined) return -Errno.EIO;
  if (op === Op.CLOSE) {
    if (!from.finished) return MALFORMED;
    seat.devices.delete(index);
    served.device.close();
    return 0;
  }
  return serveDevice(op, served, from, to);
}

function openDevice(seats: Seats, seat: Seat, index: number, name: string, to: FrameWriter): Reply {
  const device = seat.devices.get(index)?.device ?? seat.machine.device(name);
  if (device === undefined) return -Errno.ENODEV;
  if (!seat.devices.has(index)) seat.devices.set(index, new ServedDevice(device));
  seats.pin(seat, device.event);
  to.u32(device.event).text(device.schema);
  return 0;
}
