import { type Console, type DeviceSpec, ROOT_NODE, type Share, type Socket } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { DriverSet, type DriverSetOptions } from './driver-set.ts';
import { FakeEvents, MemoryPart, tickingClock } from './fakes.test.support.ts';
import { blankAttributes } from './share/attributes.ts';
import { MemoryTree } from './share/memory-tree.ts';
import { bytes, now, outcome, ShareClient } from './share/share-client.test.support.ts';

const SHARE: DeviceSpec = { kind: 'share', layers: [new MemoryTree({ f: 'layer' })], volumes: [] };

function setOf(devices: Readonly<Record<string, DeviceSpec>>, options: Partial<DriverSetOptions> = {}): DriverSet {
  return new DriverSet({
    devices,
    events: new FakeEvents(),
    log: () => undefined,
    now: tickingClock(),
    entropy: (stream) => ({ kind: 'seeded', seed: 1, stream }),
    ...options,
  });
}

describe('DriverSet', () => {
  it('has the devices that were asked for, and says so', () => {
    const set = setOf({ root: SHARE, log: { kind: 'console' }, random: { kind: 'entropy' } });
    expect(set.shape).toEqual({ root: { kind: 'share' }, log: { kind: 'console' }, random: { kind: 'entropy' } });
    for (const name of ['root', 'log', 'random']) expect(set.open(name).kind).toBe(set.shape[name]?.kind);
    expect(() => set.open('none')).toThrow("there is no device 'none'; there are root, log, random");
  });

  it('has a console for several, of which one has the keyboard, whoever comes first', () => {
    const log: string[] = [];
    const typists: ((bytes: Uint8Array) => number)[] = [];
    const set = setOf(
      { tty: { kind: 'console', keyboard: (type) => typists.push(type) }, out: { kind: 'console', of: 'tty' } },
      { log: (out) => log.push(new TextDecoder().decode(out)) },
    );
    const [type] = typists;
    const [writer, reader] = [set.open('out') as Console, set.open('tty') as Console];
    const to = new Uint8Array(8);
    expect(type?.(bytes('lost by the reset'))).toBe(0);
    for (const console of [writer, reader]) console.accept([]);
    expect(type?.(bytes('typed'))).toBe(5);
    expect([writer.read(to), reader.read(to)]).toEqual([0, 5]);
    expect(reader.read(to)).toEqual({ on: [reader.event] });
    writer.write(bytes('one'));
    reader.write(bytes('two'));
    expect(log).toEqual(['one', 'two']);
    expect(() => setOf({ out: { kind: 'console', of: 'tty' } })).toThrow(
      "device 'out' is an end of 'tty', which is no console made before it",
    );
  });

  it('joins the sockets of its domains, and of no others', () => {
    const devices: Readonly<Record<string, DeviceSpec>> = {
      a: { kind: 'socket', name: 'a', mayConnect: ['b'] },
      b: { kind: 'socket', name: 'b', mayConnect: [] },
    };
    const [here, elsewhere] = [setOf(devices), setOf(devices)];
    const ready = (set: DriverSet, name: string): Socket => {
      const socket = set.open(name) as Socket;
      socket.accept([]);
      return socket;
    };
    ready(here, 'b').listen(1, { host: '', port: 80 }, 1);
    expect(now(ready(here, 'a').connect(1, { host: 'b', port: 80 }))).toBeGreaterThan(0);
    expect(outcome(ready(elsewhere, 'a').connect(1, { host: 'b', port: 80 }))).toBe('ECONNREFUSED');
  });

  it('keeps what its devices share over a save, and refuses devices that it does not have', () => {
    const before = setOf({ root: SHARE });
    new ShareClient(before.open('root') as Share).put('/new', 'kept');
    const part = new MemoryPart();
    expect(before.save(part)).toBe(0);
    const after = setOf({ root: SHARE });
    expect(after.restore(part.read())).toBe(0);
    expect(new ShareClient(after.open('root') as Share).read('/new')).toBe('kept');
    expect(outcome(setOf({ other: SHARE }).restore(part.read()))).toBe('EINVAL');
  });

  it('makes every share unreliable where a plan says so', () => {
    const plan = { seed: 1, delayPerMille: 1000, delayNsMax: 1000, failPerMille: 0 };
    const share = setOf({ root: SHARE }, { faults: { plan, monotonic: tickingClock() } }).open('root') as Share;
    share.accept(share.offered());
    expect(share.lookup(ROOT_NODE, bytes('f'), blankAttributes())).toHaveProperty('until');
  });
});
