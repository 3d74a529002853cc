import {
  type AttributeChange,
  type Attributes,
  Errno,
  type FilesystemStatistics,
  FRAME_BYTES_MAX,
  type Instant,
  type Plain,
} from '@ashlar/hardware';
import { FrameReader, FrameWriter } from './cursor.ts';
import { FrameFlag, FrameType, HEADER_BYTES, newHeader, readHeader, writeHeader } from './frame.ts';
import { type Field, type FieldType, OP_LIMITS, OPERATIONS, operation } from './ops.ts';
import {
  newAttributes,
  newStatistics,
  readAttributes,
  readChange,
  readInstant,
  readKeys,
  readStatistics,
  readWait,
  writeAttributes,
  writeChange,
  writeKeys,
  writeStatistics,
  writeWait,
} from './records.ts';

/** A frame as data: for taps, logs and test vectors. */
export type FrameDescription =
  | {
      readonly type: 'request';
      readonly label: number;
      readonly sequence: number;
      readonly op: string;
      readonly arguments: Readonly<Record<string, unknown>>;
    }
  | {
      readonly type: 'reply';
      readonly label: number;
      readonly sequence: number;
      readonly op: string;
      readonly result: number;
      readonly results: Readonly<Record<string, unknown>>;
    }
  | {
      readonly type: 'reply';
      readonly label: number;
      readonly sequence: number;
      readonly op: string;
      readonly wait: { readonly on: readonly number[]; readonly until?: Instant };
    }
  | {
      readonly type: 'event';
      readonly label: number;
      readonly sequence: number;
      readonly op: string;
      readonly arguments: Readonly<Record<string, unknown>>;
    }
  | {
      readonly type: 'tunnel';
      readonly label: number;
      readonly sequence: number;
      readonly unasked: boolean;
      readonly inner: FrameDescription;
    };

/** The frame as data, or why it is refused (a negated errno). Unknown ops are -ENOSYS; a body that is not what its op says is -EBADMSG. */
export function describeFrame(frame: Uint8Array): FrameDescription | number {
  return describeAt(frame, 0, -1);
}

function describeAt(frame: Uint8Array, at: number, hops: number): FrameDescription | number {
  const header = newHeader();
  const bad = readHeader(frame, at, frame.length, header);
  if (bad < 0) return bad;
  if (hops >= 0 && header.hops !== hops) return -Errno.EPROTO;
  const { label, sequence } = header;
  if (header.type === FrameType.TUNNEL) {
    const inner = describeAt(frame, at + HEADER_BYTES, header.hops - 1);
    if (typeof inner === 'number') return inner;
    return { type: 'tunnel', label, sequence, unasked: (header.flags & FrameFlag.UNASKED) !== 0, inner };
  }
  const row = operation(header.op);
  const reader = new FrameReader().reset(frame, at + HEADER_BYTES, frame.length);
  if (header.type === FrameType.REPLY) return describeReply(reader, header, row?.name ?? `0x${header.op.toString(16)}`, row?.results ?? []);
  if (row === undefined || (row.event === true) !== (header.type === FrameType.EVENT)) return -Errno.ENOSYS;
  const fields = readFields(reader, row.arguments);
  if (!reader.finished) return -Errno.EBADMSG;
  return { type: header.type === FrameType.EVENT ? 'event' : 'request', label, sequence, op: row.name, arguments: fields };
}

function describeReply(
  reader: FrameReader,
  header: { label: number; sequence: number; flags: number },
  op: string,
  fields: readonly Field[],
): FrameDescription | number {
  const { label, sequence } = header;
  if ((header.flags & FrameFlag.WAIT) !== 0) {
    const wait = readWait(reader, (key) => key as never);
    return reader.finished ? { type: 'reply', label, sequence, op, wait } : -Errno.EBADMSG;
  }
  const result = reader.i53();
  const results = result < 0 ? {} : readFields(reader, fields);
  return reader.finished ? { type: 'reply', label, sequence, op, result, results } : -Errno.EBADMSG;
}

function readFields(reader: FrameReader, fields: readonly Field[]): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, type] of fields) out[name] = READ[type](reader);
  return out;
}

const READ: Readonly<Record<FieldType, (reader: FrameReader) => unknown>> = {
  u8: (reader) => reader.u8(),
  u16: (reader) => reader.u16(),
  u32: (reader) => reader.u32(),
  u53: (reader) => reader.u53(),
  i53: (reader) => reader.i53(),
  instant: readInstant,
  bytes: (reader) => reader.bytes(FRAME_BYTES_MAX).slice(),
  text: (reader) => reader.text(FRAME_BYTES_MAX),
  json: readJson,
  keys: readKeys,
  change: readChange,
  attributes: (reader) => {
    const out = newAttributes();
    readAttributes(reader, out);
    return out;
  },
  statistics: (reader) => {
    const out = newStatistics();
    readStatistics(reader, out);
    return out;
  },
};

/** A JSON field; what does not parse makes the reader fail. */
export function readJson(reader: FrameReader): Plain {
  const text = reader.text(OP_LIMITS.jsonBytesMax);
  if (!reader.ok) return null;
  try {
    return JSON.parse(text) as Plain;
  } catch {
    reader.ok = false;
    return null;
  }
}

/** The bytes of a described frame; throws if a value does not fit its field. For vectors and tests: clients and servers write fields directly. */
export function composeFrame(description: FrameDescription): Uint8Array {
  const bytes = new Uint8Array(FRAME_BYTES_MAX);
  const writer = new FrameWriter().reset(bytes, 0, bytes.length);
  compose(writer, description);
  if (!writer.ok) throw new RangeError(`a field of this ${description.type} frame does not fit`);
  return bytes.slice(0, writer.at);
}

function compose(writer: FrameWriter, description: FrameDescription): number {
  const start = writer.reserve(HEADER_BYTES);
  const header = newHeader();
  header.label = description.label;
  header.sequence = description.sequence;
  if (description.type === 'tunnel') {
    header.type = FrameType.TUNNEL;
    header.flags = description.unasked ? FrameFlag.UNASKED : 0;
    header.hops = compose(writer, description.inner) + 1;
  } else {
    const row = OPERATIONS.find((entry) => entry.name === description.op);
    if (row === undefined) throw new RangeError(`no operation is called ${description.op}`);
    header.op = row.op;
    header.type = { request: FrameType.REQUEST, reply: FrameType.REPLY, event: FrameType.EVENT }[description.type];
    if (description.type !== 'reply') writeFields(writer, row.arguments, description.arguments);
    else if ('wait' in description) {
      header.flags = FrameFlag.WAIT;
      writeWait(writer, description.wait as never);
    } else {
      writer.i53(description.result);
      if (description.result >= 0) writeFields(writer, row.results, description.results);
    }
  }
  if (!writer.ok) return header.hops;
  header.length = writer.at - start;
  writeHeader(writer.bytes, start, header);
  return header.hops;
}

function writeFields(writer: FrameWriter, fields: readonly Field[], values: Readonly<Record<string, unknown>>): void {
  for (const [name, type] of fields) WRITE[type](writer, values[name]);
}

const WRITE: Readonly<Record<FieldType, (writer: FrameWriter, value: unknown) => void>> = {
  u8: (writer, value) => writer.u8(value as number),
  u16: (writer, value) => writer.u16(value as number),
  u32: (writer, value) => writer.u32(value as number),
  u53: (writer, value) => writer.u53(value as number),
  i53: (writer, value) => writer.i53(value as number),
  instant: (writer, value) => writer.instant(value as Instant),
  bytes: (writer, value) => writer.data(value as Uint8Array),
  text: (writer, value) => writer.text(value as string),
  json: (writer, value) => writer.text(JSON.stringify(value)),
  keys: (writer, value) => writeKeys(writer, value as readonly number[]),
  change: (writer, value) => writeChange(writer, value as AttributeChange),
  attributes: (writer, value) => writeAttributes(writer, value as Attributes),
  statistics: (writer, value) => writeStatistics(writer, value as FilesystemStatistics),
};
