import {
  type Console,
  type Entropy,
  Errno,
  type Limits,
  type Machine,
  type Partition,
  type Shape,
  type Share,
  type Socket,
} from '@ashlar/hardware';
import { PartBuilder, readPart } from '@ashlar/machine-image';
import { describe, expect, it } from 'vitest';
import { createPair, describeFrame, type FrameDescription, openPartition } from './index.ts';
import { asWait, LIMITS, SHAPE, type TestMachine, testMachine } from './recording-device.test-support.ts';
import { newAttributes, newStatistics } from './records.ts';

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

function part(machine: Machine, limits: Limits = LIMITS, shape: Shape = SHAPE): Partition {
  const made = machine.partition(shape, limits);
  if ('refused' in made) throw new Error(`refused: ${made.refused} ${made.missing}`);
  return made;
}

/** A partition of `machine` on the far side of a channel in this thread. */
function remote(test: TestMachine, partition: Partition, frames?: FrameDescription[]): Machine {
  const pair = createPair((_toward, frame) => {
    const description = describeFrame(frame);
    if (typeof description === 'number') throw new Error(`a frame on the channel is refused: ${description}`);
    frames?.push(description);
  });
  partition.serve(pair.server);
  return openPartition(partition.manifest, pair.client, { cpus: [], events: test.events });
}

describe('a partition over frames', () => {
  it('HC-20 carries every request of every device as one frame, arguments unchanged', () => {
    const test = testMachine();
    const frames: FrameDescription[] = [];
    const machine = remote(test, part(test.machine), frames);
    const share = machine.device('root') as Share;
    const socket = machine.device('net') as Socket;
    const console = machine.device('log') as Console;
    const entropy = machine.device('random') as Entropy;
    const out = newAttributes();
    const big = 2 ** 52 + 1;
    const until = { sec: 9, nsec: 1 };
    const asks: readonly [string, unknown[]][] = [
      ['reset', []],
      ['accept', [['a', 'b']]],
      ['quiesce', [until]],
      ['lookup', [1, bytes(65), out]],
      ['getattr', [big, out]],
      ['setattr', [7, 2, { mode: 0o644, size: big, atime: 'now', mtime: until }, out]],
      ['readlink', [3, new Uint8Array(100)]],
      ['create', [8, 1, bytes(66), 0o100644, 0, out]],
      ['mkdir', [9, 1, bytes(67), 0o755, out]],
      ['symlink', [10, 1, bytes(68), bytes(47, 69), out]],
      ['link', [11, 4, 1, bytes(70), out]],
      ['unlink', [12, 1, bytes(71)]],
      ['rmdir', [13, 1, bytes(72)]],
      ['rename', [14, 1, bytes(73), 2, bytes(74), 1]],
      ['read', [4, big, new Uint8Array(10)]],
      ['write', [4, 5, bytes(1, 2, 3)]],
      ['readdir', [1, 0, new Uint8Array(512)]],
      ['fsync', [4]],
      ['statfs', [newStatistics()]],
      ['forget', [4, 2]],
    ];
    const socketAsks: readonly [string, unknown[]][] = [
      ['connect', [1, { host: 'é', port: 80 }]],
      ['listen', [2, { host: '', port: 0 }, 5]],
      ['acceptConnection', [3, 1]],
      ['name', [1, { localPort: 0, peerHost: '', peerPort: 0 }]],
      ['send', [1, big, bytes(5)]],
      ['receive', [1, 0, new Uint8Array(4)]],
      ['ready', [1]],
      ['shutdown', [1]],
      ['closeConnection', [1]],
    ];
    const before = machine.crossings.frames;
    const call = (target: unknown, [method, args]: readonly [string, unknown[]]): unknown =>
      (target as Record<string, (...args: unknown[]) => unknown>)[method]?.(...args);
    for (const ask of asks) call(share, ask);
    for (const ask of socketAsks) call(socket, ask);
    console.read(new Uint8Array(6));
    console.write(bytes(104, 105));
    console.size({ columns: 0, rows: 0 });
    entropy.fill(new Uint8Array(8));
    const want = [
      ...asks,
      ...socketAsks,
      ['read', [new Uint8Array(6)]],
      ['write', [bytes(104, 105)]],
      ['size', [{ columns: 0, rows: 0 }]],
      ['fill', [new Uint8Array(8)]],
    ];
    expect(test.seen.map(({ method, arguments: args }) => [method, args])).toEqual(want);
    expect(machine.crossings.frames - before).toBe(want.length);
    expect(frames.filter((frame) => frame.type === 'request').length).toBe(machine.crossings.frames);
  });

  it('HC-21 carries results, records and bytes back', () => {
    const test = testMachine();
    const machine = remote(test, part(test.machine));
    const share = machine.device('root') as Share;
    test.script = (method, args) => {
      if (method === 'read') {
        (args[2] as Uint8Array).set([9, 8, 7]);
        return 3;
      }
      if (method === 'readlink') {
        (args[1] as Uint8Array).fill(1);
        return 5000;
      }
      if (method === 'lookup') {
        Object.assign(args[2] as object, { node: 2 ** 40, mode: 0o100600, size: 2 ** 52, links: 2, uid: 0xffff_ffff, gid: 3, rdev: 4 });
        (args[2] as { mtime: { sec: number } }).mtime.sec = -5;
        return 0;
      }
      return method === 'unlink' ? -Errno.ENOENT : 0;
    };
    const to = new Uint8Array(10);
    expect(share.read(1, 0, to)).toBe(3);
    expect([...to]).toEqual([9, 8, 7, 0, 0, 0, 0, 0, 0, 0]);
    expect(share.readlink(1, to)).toBe(5000);
    expect([...to]).toEqual(new Array(10).fill(1));
    const out = newAttributes();
    expect(share.lookup(1, bytes(65), out)).toBe(0);
    expect(out).toMatchObject({ node: 2 ** 40, size: 2 ** 52, uid: 0xffff_ffff, mtime: { sec: -5, nsec: 0 } });
    expect(share.unlink(1, 1, bytes(65))).toBe(-Errno.ENOENT);
  });

  it('HC-22 reads clocks and entropy', () => {
    const test = testMachine();
    const machine = remote(test, part(test.machine));
    const now = { sec: 0, nsec: 0 };
    machine.clock.read('wall', now);
    expect(now).toEqual({ sec: 5, nsec: 7 });
    const random = new Uint8Array(70);
    machine.entropy(random);
    expect(random).toEqual(new Uint8Array(70).fill(0xab));
    expect(() => machine.entropy(new Uint8Array(65_537))).toThrow(RangeError);
  });

  it('HC-30 answers a wait with keys of the asking thread, fires them, and reports each wait once', () => {
    const test = testMachine();
    const frames: FrameDescription[] = [];
    const machine = remote(test, part(test.machine), frames);
    const console = machine.device('log') as Console;
    const key = test.events.allocate();
    test.script = () => ({ on: [key], until: { sec: 6, nsec: 0 } });
    const wait = asWait(console.read(new Uint8Array(1)));
    expect(wait.until).toEqual({ sec: 6, nsec: 0 });
    const local = wait.on[0];
    if (local === undefined) throw new Error('no key');
    expect(local).not.toBe(key);
    const asked = test.events.now();
    expect(test.events.last(local)).toBe(0);
    test.events.fire(key);
    expect(test.events.last(local)).toBeGreaterThan(asked);
    test.events.fire(key);
    expect(frames.filter((frame) => frame.type === 'event').length).toBe(1);
    expect(asWait(console.read(new Uint8Array(1))).on).toEqual([local]);
  });

  it('HC-31 tells of every firing of a device own event', () => {
    const test = testMachine();
    const machine = remote(test, part(test.machine));
    const event = machine.device('net')?.event;
    const far = test.keys.get('net');
    if (event === undefined || far === undefined) throw new Error('no event');
    for (let i = 0; i < 3; i++) {
      const before = test.events.now();
      test.events.fire(far);
      expect(test.events.last(event)).toBeGreaterThan(before);
    }
  });

  it('HC-40 answers -ENODEV to the partition and all below it after revoke, and the reservation is back', () => {
    const test = testMachine();
    const first = part(test.machine);
    const machine = remote(test, first);
    const second = part(machine, { ...LIMITS, pages: 100 });
    const deep = second.open();
    const share = deep.device('root') as Share;
    expect(share.fsync(1)).toBe(0);
    expect(test.machine.memory.usedPages).toBe(500);
    first.revoke();
    expect(test.machine.memory.usedPages).toBe(0);
    expect(share.fsync(1)).toBe(-Errno.ENODEV);
    expect((machine.device('log') as Console).write(bytes(1))).toBe(-Errno.ENODEV);
    const refused = machine.partition(SHAPE, { ...LIMITS, pages: 1 });
    expect(refused).toEqual({ refused: -Errno.ENODEV, missing: 'machine' });
  });

  it('HC-41 takes one child back and leaves its siblings', () => {
    const test = testMachine();
    const machine = remote(test, part(test.machine));
    const one = part(machine, { ...LIMITS, pages: 100 });
    const two = part(machine, { ...LIMITS, pages: 100 });
    const ask = (machine: Machine): unknown => (machine.device('root') as Share).fsync(1);
    const [first, second] = [one.open(), two.open()];
    expect([ask(first), ask(second)]).toEqual([0, 0]);
    one.revoke();
    expect([ask(first), ask(second)]).toEqual([-Errno.ENODEV, 0]);
    expect(machine.memory.usedPages).toBe(100);
  });

  it('HC-42 binds memory limits of every level below', () => {
    const test = testMachine();
    const level1 = remote(test, part(test.machine));
    const level2 = part(level1, { ...LIMITS, pages: 50 }).open();
    const level3 = part(level2, { ...LIMITS, pages: 40 }).open();
    expect(level3.shape.pages).toBe(40);
    expect(level3.memory.charge(41)).toBe(-Errno.ENOMEM);
    expect(level3.memory.charge(40)).toBe(0);
    expect(level2.memory.charge(11)).toBe(-Errno.ENOMEM);
    expect(level2.partition(SHAPE, { ...LIMITS, pages: 11 })).toEqual({ refused: -Errno.ENOMEM, missing: 'memory' });
    expect(level2.memory.charge(10)).toBe(0);
  });

  it('HC-43 changes a limit at both ends', () => {
    const test = testMachine();
    const partition = part(test.machine);
    const machine = remote(test, partition);
    machine.device('log');
    expect(machine.memory.charge(400)).toBe(0);
    expect(partition.limit({ ...LIMITS, pages: 600 })).toBe(0);
    expect(machine.memory.limitPages).toBe(600);
    expect(partition.limit({ ...LIMITS, pages: 300 })).toBe(0);
    expect(machine.memory.charge(1)).toBe(-Errno.ENOMEM);
    expect(partition.limit({ ...LIMITS, pages: 1001 })).toBe(-Errno.ENOMEM);
    expect(partition.limit({ ...LIMITS, weight: 0 })).toBe(-Errno.EINVAL);
  });

  it('HC-44 names what is missing when it refuses', () => {
    const test = testMachine();
    for (const machine of [test.machine, remote(test, part(test.machine))]) {
      expect(machine.partition({ ...SHAPE, devices: { disk: { kind: 'share' } } }, LIMITS)).toEqual({
        refused: -Errno.ENODEV,
        missing: 'disk',
      });
      expect(machine.partition({ ...SHAPE, isas: ['wasm32'] }, LIMITS)).toEqual({ refused: -Errno.ENODEV, missing: 'wasm32' });
      expect(machine.partition(SHAPE, { ...LIMITS, weight: 10_001 })).toEqual({ refused: -Errno.EINVAL, missing: 'limits.weight' });
    }
  });

  it('HC-45 renames devices and keeps read-only what a level below made so', () => {
    const test = testMachine();
    const machine = remote(test, part(test.machine));
    const want: Shape = { ...SHAPE, devices: { files: { kind: 'share', from: 'root', readOnly: true } } };
    const child = part(machine, { ...LIMITS, pages: 1 }, want).open();
    const share = child.device('files') as Share;
    expect(child.device('root')).toBeUndefined();
    expect(share.unlink(1, 1, bytes(65))).toBe(-Errno.EROFS);
    expect(share.fsync(1)).toBe(0);
    const grandchild = part(child, { ...LIMITS, pages: 0 }, { ...SHAPE, devices: { again: { kind: 'share', from: 'files' } } }).open();
    expect((grandchild.device('again') as Share).write(1, 0, bytes(1))).toBe(-Errno.EROFS);
    expect(test.seen.map((seen) => [seen.device, seen.method])).toEqual([['root', 'fsync']]);
  });

  it('HC-46 saves and restores a device in pieces', () => {
    const test = testMachine();
    const machine = remote(test, part(test.machine));
    const large = new Uint8Array(3 << 20).map((_, i) => i * 7);
    let restored: unknown;
    test.script = (method, args) => {
      if (method === 'save') (args[0] as PartBuilder).put('large', large);
      if (method === 'restore') restored = (args[0] as ReturnType<typeof readPart>).get('large');
      return 0;
    };
    const out = new PartBuilder();
    const share = machine.device('root') as Share;
    expect(share.save(out)).toBe(0);
    expect(share.restore(readPart(out.toBytes()))).toBe(0);
    expect(Buffer.compare(restored as Uint8Array, large)).toBe(0);
  });
});

describe('levels without flattening', () => {
  /** A chain of `depth` levels, each reached by frames over the one below. */
  function chain(depth: number, flatten: boolean): { test: TestMachine; machines: Machine[]; frames: FrameDescription[] } {
    const test = testMachine();
    const machines: Machine[] = [];
    const frames: FrameDescription[] = [];
    for (let level = 0; level < depth; level++) {
      const partition = part(machines.at(-1) ?? test.machine, { ...LIMITS, pages: 500 - 10 * level });
      machines.push(flatten && level > 0 ? partition.open() : remote(test, partition, frames));
    }
    return { test, machines, frames };
  }

  const work = (machine: Machine): void => {
    const share = machine.device('root') as Share;
    for (let i = 0; i < 10; i++) share.write(1, i, bytes(i));
    machine.clock.read('monotonic', { sec: 0, nsec: 0 });
  };

  const countOf = (depth: number, flatten: boolean): number => {
    const { machines } = chain(depth, flatten);
    const before = machines.reduce((sum, machine) => sum + machine.crossings.frames, 0);
    work(machines.at(-1) as Machine);
    return machines.reduce((sum, machine) => sum + machine.crossings.frames, 0) - before;
  };

  it('HC-50 crosses one boundary for each level: depth 8 is eight times depth 1', () => {
    expect(countOf(1, false)).toBe(12);
    expect(countOf(8, false)).toBe(8 * countOf(1, false));
  });

  it('HC-51 crosses one boundary whatever the depth when flattened', () => {
    expect(countOf(8, true)).toBe(countOf(1, true));
  });

  it('HC-52 encapsulates with one header for each level', () => {
    const { machines, frames } = chain(8, false);
    const share = (machines.at(-1) as Machine).device('root') as Share;
    frames.length = 0;
    share.fsync(1);
    const depthOf = (frame: FrameDescription): number => (frame.type === 'tunnel' ? 1 + depthOf(frame.inner) : 0);
    expect(frames.map(depthOf)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 7, 6, 5, 4, 3, 2, 1, 0]);
  });

  it('HC-53 delivers events through all levels', () => {
    const { test, machines } = chain(8, false);
    const console = (machines.at(-1) as Machine).device('log') as Console;
    const key = test.events.allocate();
    test.script = () => ({ on: [key] });
    const local = asWait(console.read(new Uint8Array(1))).on[0];
    const before = test.events.now();
    test.events.fire(key);
    expect(test.events.last(local as never)).toBeGreaterThan(before);
  });

  it('HC-54 flattens above an encapsulating level', () => {
    const { test, machines } = chain(3, false);
    const machine = part(machines[2] as Machine, { ...LIMITS, pages: 3 }).open();
    const share = machine.device('root') as Share;
    const counts = machines.map((m) => m.crossings.frames);
    expect(share.fsync(1)).toBe(0);
    expect(machines.map((m) => m.crossings.frames)).toEqual([(counts[0] ?? 0) + 1, (counts[1] ?? 0) + 1, counts[2]]);
    expect(test.seen.at(-1)?.method).toBe('fsync');
  });

  it('HC-55 revokes and limits at any level', () => {
    const { test, machines } = chain(8, false);
    const level3 = machines[2] as Machine;
    const partition = part(level3, { ...LIMITS, pages: 5 });
    const machine = remote(test, partition);
    expect((machine.device('root') as Share).fsync(1)).toBe(0);
    const held = level3.memory.usedPages;
    partition.revoke();
    expect((machine.device('root') as Share).fsync(1)).toBe(-Errno.ENODEV);
    expect(level3.memory.usedPages).toBe(held - 5);
    expect(((machines[7] as Machine).device('root') as Share).fsync(1)).toBe(0);
  });
});
