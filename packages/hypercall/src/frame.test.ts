import { Errno, FRAME_BYTES_MAX, type Share } from '@ashlar/hardware';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newHeader, writeHeader } from './frame.ts';
import {
  composeFrame,
  createPair,
  describeFrame,
  type FrameDescription,
  HEADER_BYTES,
  HOPS_MAX,
  openPartition,
  readHeader,
} from './index.ts';
import { type Field, type FieldType, OPERATIONS } from './ops.ts';
import { LIMITS, SHAPE, testMachine } from './recording-device.test-support.ts';

const u32 = fc.nat(0xffff_ffff);
const u53 = fc.nat(Number.MAX_SAFE_INTEGER);
const i53 = fc.maxSafeInteger().map((n) => n + 0);
const instant = fc.record({ sec: i53, nsec: fc.nat(999_999_999) });
const attributes = fc.record({
  node: u53,
  mode: u32,
  size: u53,
  links: u32,
  uid: u32,
  gid: u32,
  rdev: u53,
  atime: instant,
  mtime: instant,
  ctime: instant,
});

const FIELD: Readonly<Record<FieldType, fc.Arbitrary<unknown>>> = {
  u8: fc.nat(255),
  u16: fc.nat(65_535),
  u32,
  u53,
  i53,
  instant,
  bytes: fc.uint8Array({ maxLength: 40 }),
  text: fc.string({ unit: 'grapheme', maxLength: 20 }),
  json: fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown),
  keys: fc.array(u32, { maxLength: 20 }),
  attributes,
  statistics: fc.record({ blockBytes: u32, blocks: u53, blocksFree: u53, nodes: u53, nodesFree: u53 }),
  change: fc.record(
    {
      mode: u32,
      size: u53,
      uid: u32,
      gid: u32,
      atime: fc.oneof(instant, fc.constant('now')),
      mtime: fc.oneof(instant, fc.constant('now')),
    },
    { requiredKeys: [], noNullPrototype: true },
  ),
};

const fields = (list: readonly Field[]): fc.Arbitrary<Record<string, unknown>> =>
  fc.record(Object.fromEntries(list.map(([name, type]) => [name, FIELD[type]])), { noNullPrototype: true });

const plainFrame: fc.Arbitrary<FrameDescription> = fc.constantFrom(...OPERATIONS).chain((row): fc.Arbitrary<FrameDescription> => {
  const common = { label: u32, sequence: u32, op: fc.constant(row.name) };
  if (row.event === true)
    return fc.record({ type: fc.constant('event' as const), ...common, arguments: fields(row.arguments) }, { noNullPrototype: true });
  const wait = fc.oneof(
    fc.record({ on: fc.array(u32, { maxLength: 5 }) }, { noNullPrototype: true }),
    fc.record({ on: fc.array(u32, { maxLength: 5 }), until: instant }, { noNullPrototype: true }),
  );
  return fc.oneof(
    fc.record({ type: fc.constant('request' as const), ...common, arguments: fields(row.arguments) }, { noNullPrototype: true }),
    fc.record({ type: fc.constant('reply' as const), ...common, result: u53, results: fields(row.results) }, { noNullPrototype: true }),
    fc.record(
      { type: fc.constant('reply' as const), ...common, result: fc.integer({ min: -133, max: -1 }), results: fc.constant({}) },
      { noNullPrototype: true },
    ),
    fc.record({ type: fc.constant('reply' as const), ...common, wait }, { noNullPrototype: true }),
  );
});

const tunnelled = (inner: FrameDescription, labels: readonly number[], unasked: boolean): FrameDescription =>
  labels.reduce<FrameDescription>((frame, label) => ({ type: 'tunnel', label, sequence: label, unasked, inner: frame }), inner);

const anyFrame = fc
  .tuple(plainFrame, fc.array(u32, { maxLength: HOPS_MAX }), fc.boolean())
  .map(([frame, labels, unasked]) => tunnelled(frame, labels, unasked));

describe('the frame codec', () => {
  it('HC-1 gives back any frame at any depth of encapsulation', () => {
    fc.assert(
      fc.property(anyFrame, (frame) => {
        expect(describeFrame(composeFrame(frame))).toEqual(frame);
      }),
      { numRuns: 3000 },
    );
  });

  it('HC-2 refuses every truncation', () => {
    fc.assert(
      fc.property(anyFrame, fc.nat(), (frame, cut) => {
        const bytes = composeFrame(frame);
        expect(describeFrame(bytes.subarray(0, cut % bytes.length))).toBe(-Errno.EBADMSG);
      }),
      { numRuns: 3000 },
    );
  });

  it('HC-3 refuses trailing bytes, other magic, versions, types, flags and reserved bits', () => {
    const frame = composeFrame({ type: 'request', label: 1, sequence: 1, op: 'FSYNC', arguments: { device: 0, node: 1 } });
    const with_ = (at: number, value: number): Uint8Array => {
      const copy = frame.slice();
      copy[at] = value;
      return copy;
    };
    expect(describeFrame(new Uint8Array([...frame, 0]))).toBe(-Errno.EBADMSG);
    expect(describeFrame(with_(0, 0))).toBe(-Errno.EBADMSG);
    expect(describeFrame(with_(2, 2))).toBe(-Errno.EPROTO);
    expect(describeFrame(with_(3, 0))).toBe(-Errno.EPROTO);
    expect(describeFrame(with_(3, 5))).toBe(-Errno.EPROTO);
    expect(describeFrame(with_(19, 1))).toBe(-Errno.EPROTO);
    expect(describeFrame(with_(18, 1))).toBe(-Errno.EPROTO);
    expect(describeFrame(with_(20, 1))).toBe(-Errno.EPROTO);
    expect(describeFrame(with_(16, 0xff))).toBe(-Errno.ENOSYS);
  });

  it('HC-4 refuses frames that are longer than any may be', () => {
    const bytes = new Uint8Array(FRAME_BYTES_MAX + 1);
    writeHeader(bytes, 0, { ...newHeader(), type: 1, op: 1, length: bytes.length });
    expect(readHeader(bytes, 0, bytes.length, newHeader())).toBe(-Errno.EMSGSIZE);
  });

  it('HC-5 refuses more than 64 tunnels and a hop count that is not how many there are', () => {
    const inner: FrameDescription = { type: 'request', label: 1, sequence: 1, op: 'FSYNC', arguments: { device: 0, node: 1 } };
    const labels = Array.from({ length: HOPS_MAX + 1 }, (_, i) => i);
    expect(describeFrame(composeFrame(tunnelled(inner, labels, false)))).toBe(-Errno.ELOOP);
    const bytes = composeFrame(tunnelled(inner, [1, 2], false));
    bytes[18] = 3;
    expect(describeFrame(bytes)).toBe(-Errno.EPROTO);
  });
});

/** A server whose answers can be seen, and the next sequence of its label. */
function server() {
  const test = testMachine();
  const partition = test.machine.partition(SHAPE, LIMITS);
  if ('refused' in partition) throw new Error('refused');
  const pair = createPair();
  partition.serve(pair.server);
  const { label } = partition.manifest;
  const answer = new Uint8Array(FRAME_BYTES_MAX);
  const ask = (frame: Uint8Array): FrameDescription | number => {
    const bytes = pair.client.call?.(frame, answer) ?? 0;
    if (bytes < 0) throw new Error(`the channel failed: ${bytes}`);
    return describeFrame(answer.subarray(0, bytes));
  };
  return { test, partition, label, ask };
}

const resultOf = (reply: FrameDescription | number): unknown => {
  if (typeof reply === 'number' || reply.type !== 'reply') throw new Error(`a reply was expected: ${JSON.stringify(reply)}`);
  return 'wait' in reply ? reply.wait : reply.result;
};

const fsync = (label: number, sequence: number): FrameDescription => ({
  type: 'request',
  label,
  sequence,
  op: 'FSYNC',
  arguments: { device: 3, node: 1 },
});
const open = (label: number, sequence: number): FrameDescription => ({
  type: 'request',
  label,
  sequence,
  op: 'OPEN',
  arguments: { device: 3 },
});

describe('the server', () => {
  it('HC-10 refuses a replayed frame and does not execute it', () => {
    const { test, label, ask } = server();
    ask(composeFrame(open(label, 1)));
    const frame = composeFrame(fsync(label, 2));
    expect(resultOf(ask(frame))).toBe(0);
    expect(resultOf(ask(frame))).toBe(-Errno.EALREADY);
    expect(resultOf(ask(composeFrame(fsync(label, 1))))).toBe(-Errno.EALREADY);
    expect(resultOf(ask(composeFrame(fsync(label, 3))))).toBe(0);
    expect(test.seen.length).toBe(2);
  });

  it('HC-11 takes sequences on past 2^32', () => {
    const { label, ask } = server();
    ask(composeFrame(open(label, 0x7fff_ffff)));
    expect(resultOf(ask(composeFrame(fsync(label, 0xffff_fffe))))).toBe(0);
    expect(resultOf(ask(composeFrame(fsync(label, 1))))).toBe(0);
    expect(resultOf(ask(composeFrame(fsync(label, 0xffff_ffff))))).toBe(-Errno.EALREADY);
  });

  it('HC-12 refuses labels that are not below the channel own', () => {
    const { label, ask, test } = server();
    const sibling = test.machine.partition(SHAPE, { ...LIMITS, pages: 1 });
    if ('refused' in sibling) throw new Error('refused');
    expect(resultOf(ask(composeFrame(fsync(sibling.manifest.label, 1))))).toBe(-Errno.ENODEV);
    expect(resultOf(ask(composeFrame(fsync(0, 1))))).toBe(-Errno.ENODEV);
    const tunnel = ask(composeFrame(tunnelled(fsync(sibling.manifest.label, 1), [label], false)));
    if (typeof tunnel === 'number' || tunnel.type !== 'tunnel') throw new Error('a tunnel was expected');
    expect(resultOf(tunnel.inner)).toBe(-Errno.ENODEV);
  });

  it('HC-13 refuses unknown ops, devices that were not opened, and requests of another kind of device', () => {
    const { label, ask } = server();
    const unknown = composeFrame(fsync(label, 1));
    unknown[16] = 0xfe;
    expect(resultOf(ask(unknown))).toBe(-Errno.EIO);
    unknown[17] = 0x7f;
    unknown[12] = 2;
    expect(resultOf(ask(unknown))).toBe(-Errno.EIO);
    ask(composeFrame(open(label, 3)));
    unknown[12] = 4;
    expect(resultOf(ask(unknown))).toBe(-Errno.ENOSYS);
    expect(resultOf(ask(composeFrame({ type: 'request', label, sequence: 5, op: 'READY', arguments: { device: 3, id: 1 } })))).toBe(
      -Errno.EINVAL,
    );
    expect(resultOf(ask(composeFrame({ type: 'request', label, sequence: 6, op: 'FSYNC', arguments: { device: 9, node: 1 } })))).toBe(
      -Errno.ENODEV,
    );
  });

  it('HC-14 answers anything at all with a reply that says why it was refused, and goes on', () => {
    const { label, ask, test } = server();
    let sequence = 1;
    ask(composeFrame(open(label, sequence)));
    fc.assert(
      fc.property(
        plainFrame,
        fc.array(fc.constant(label), { maxLength: 3 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
        (frame, labels, damage) => {
          sequence += 1;
          const bytes = composeFrame(tunnelled({ ...frame, label, sequence } as FrameDescription, labels, false));
          for (const [at, value] of damage) bytes[at % bytes.length] = value;
          const guarded = new Uint8Array(bytes.length + 64).fill(0xee);
          guarded.set(bytes, 32);
          const reply = ask(guarded.subarray(32, 32 + bytes.length));
          expect(typeof reply).toBe('object');
        },
      ),
      { numRuns: 6000 },
    );
    sequence += 1;
    test.seen.length = 0;
    const probe = resultOf(ask(composeFrame(fsync(label, (sequence + 0x3fff_ffff) >>> 0))));
    expect([0, -Errno.EALREADY, -Errno.EIO]).toContain(probe);
  });

  it('HC-15 never answers more bytes than were asked for', () => {
    const { test, label, ask } = server();
    ask(composeFrame(open(label, 1)));
    test.script = () => 1000;
    const reply = ask(
      composeFrame({ type: 'request', label, sequence: 2, op: 'READ', arguments: { device: 3, node: 1, at: 0, count: 10 } }),
    );
    expect(reply).toMatchObject({ results: { data: new Uint8Array(10) } });
    const over = { device: 3, node: 1, at: 0, count: (1 << 20) + 1 };
    expect(resultOf(ask(composeFrame({ type: 'request', label, sequence: 3, op: 'READ', arguments: over })))).toBe(-Errno.EINVAL);
  });

  it('HC-16 carries the largest request through 64 tunnels', () => {
    const { label, ask } = server();
    ask(composeFrame(open(label, 1)));
    const write: FrameDescription = {
      type: 'request',
      label,
      sequence: 2,
      op: 'WRITE',
      arguments: { device: 3, node: 1, at: 0, data: new Uint8Array(1 << 20) },
    };
    const labels = new Array<number>(HOPS_MAX).fill(label);
    const frame = composeFrame(
      labels.reduce<FrameDescription>(
        (inner, outer, i) => ({ type: 'tunnel', label: outer, sequence: 64 - i, unasked: false, inner }),
        write,
      ),
    );
    expect(frame.length).toBeGreaterThan((1 << 20) + HOPS_MAX * HEADER_BYTES);
    let reply = ask(frame);
    while (typeof reply !== 'number' && reply.type === 'tunnel') reply = reply.inner;
    expect(resultOf(reply)).toBe(0);
  });
});

describe('the client', () => {
  it('HC-17 takes no answer that is not to its request', () => {
    const test = testMachine();
    const partition = test.machine.partition(SHAPE, LIMITS);
    if ('refused' in partition) throw new Error('refused');
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), plainFrame.map(composeFrame)), (answer) => {
        const pair = createPair();
        pair.server.receive(
          () => void pair.server.send(answer),
          () => undefined,
          () => undefined,
        );
        const machine = openPartition(partition.manifest, pair.client, { cpus: [], events: test.events });
        const result = (machine.device('root') as Share).fsync(1);
        expect(typeof result === 'number' && result < 0).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
