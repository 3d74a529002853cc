import type { DomainSet } from '@ashlar/domains';
import type { Channel, Limits, Machine, Partition, PartitionRefused, Shape } from '@ashlar/hardware';
import { describeFrame, type FrameDescription } from '@ashlar/hypercall';
import { WorkerHypervisor } from '@ashlar/hypervisor-worker';
import { makePlugin } from 'ashlar/bundled';
import { describe, expect, it } from 'vitest';
import { makeWorker } from './built-in.test-support.ts';
import { hypervisorBindings, nested, PATIENCE_MS, probe } from './index.ts';
import { report, reportAfter, rig } from './rig.test-support.ts';

/** The same machine; channels over which its partitions are served are shown to `see`. */
function tapped(machine: Machine, see: (toward: 'server' | 'client', frame: FrameDescription | number) => void): Machine {
  const tapChannel = (channel: Channel): Channel => ({
    send: (frame) => {
      see('client', describeFrame(frame));
      return channel.send(frame);
    },
    receive: (onFrame, onDrain, onEnd) =>
      channel.receive(
        (frame) => {
          see('server', describeFrame(frame));
          onFrame(frame);
        },
        onDrain,
        onEnd,
      ),
    close: (errno) => channel.close(errno),
  });
  const partition = (want: Shape, limits: Limits): Partition | PartitionRefused => {
    const made = machine.partition(want, limits);
    if ('refused' in made) return made;
    return {
      manifest: made.manifest,
      open: () => made.open(),
      serve: (channel) => made.serve(tapChannel(channel)),
      limit: (next) => made.limit(next),
      revoke: () => made.revoke(),
    };
  };
  return new Proxy(machine, {
    get: (target, key) => {
      if (key === 'partition') return partition;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describe('a worker', () => {
  it.each([1, 3])('HC-60 carries every request of the machine as a frame, and nothing else (%i threads deep)', async (depth) => {
    const r = rig('sim');
    const seen: [string, FrameDescription | number][] = [];
    const lower = tapped(r.hardware.machine, (toward, frame) => seen.push([toward, frame]));
    const hypervisor = makeWorker(lower, r.loader, { domains: [], flatten: false });
    const work = probe(['fsync', 20], ['clock'], ['entropy', 4], ['write', 'out'], ['wait']);
    const payload = Array.from({ length: depth - 1 }).reduce<ReturnType<typeof probe>>(
      (inner, _, i) => nested('worker', [r.spec('in', inner, { pages: 100 + i })], false),
      work,
    );
    const domain = await hypervisor.create(r.spec('one', payload));
    domain.start();
    const path = 'in/'.repeat(depth - 1);
    const { log } = await reportAfter(r.hardware, hypervisor, 100, domain, path);
    expect(log).toEqual(['fsync 0', 'clock 1.000000000', 'entropy 3f7e7580', 'write 3']);
    expect(seen.filter(([, frame]) => typeof frame === 'number')).toEqual([]);
    const innermost = (frame: FrameDescription | number): FrameDescription | number =>
      typeof frame !== 'number' && frame.type === 'tunnel' ? innermost(frame.inner) : frame;
    const ops = seen.filter(([toward]) => toward === 'server').map(([, frame]) => innermost(frame) as { readonly op: string });
    const count = (op: string): number => ops.filter((frame) => frame.op === op).length;
    expect([count('FSYNC'), count('CLOCK') > 0, count('ENTROPY'), count('CONSOLE_WRITE')]).toEqual([20, true, 1, 1]);
    expect(seen.filter(([toward]) => toward === 'server').length).toBe(
      seen.filter(([toward, frame]) => toward === 'client' && (innermost(frame) as FrameDescription).type === 'reply').length,
    );
    await hypervisor.dispose();
  });

  it.each(['sim', 'host'] as const)('ends a domain whose plugin code spins, and no other (%s)', async (kind) => {
    const r = rig(kind);
    const bindings = hypervisorBindings(r.hardware.machine, r.loader, { domains: [], flatten: true });
    const hypervisor = makePlugin<DomainSet>(WorkerHypervisor, { stuckMs: 5000 }, bindings);
    const spins = await hypervisor.create(r.spec('spins', probe(['burn', 10], ['spin'])));
    const good = await hypervisor.create(r.spec('good', probe(['sleep', 1], ['jump', 0])));
    for (const domain of [spins, good]) domain.start();
    if (kind === 'host') r.hardware.executor.start(hypervisor);
    else await r.hardware.executor.advance(hypervisor, 1000);
    expect((await spins.stopped).reason).toBe('crashed');
    const ask = () => (kind === 'host' ? report(good) : reportAfter(r.hardware, hypervisor, 100, good));
    while ((await ask()).log.length === 0);
    expect(r.hardware.machine.memory.usedPages).toBe(1000);
    await hypervisor.dispose();
    expect(r.hardware.machine.memory.usedPages).toBe(0);
    await r.hardware.close();
  });

  it('is saved while it runs in real time, and goes on under another hypervisor', async () => {
    const r = rig('host');
    const worker = r.hypervisor('worker');
    r.hardware.executor.start(worker);
    const work = probe(['charge', 5], ['write', 'a'], ['sleep', 1], ['jump', 2]);
    const domain = await worker.create(r.spec('one', work));
    domain.start();
    while ((await report(domain)).log.length < 4);
    const bytes = await domain.save(PATIENCE_MS);
    expect(domain.state).toBe('running');
    const before = (await report(domain)).log.length;
    while ((await report(domain)).log.length <= before);
    await worker.dispose();
    await r.hardware.close();

    const there = rig('host');
    const direct = there.hypervisor('direct');
    there.hardware.executor.start(direct);
    const restored = await direct.create({ ...there.spec('one', work), from: bytes });
    restored.start();
    while ((await report(restored)).log.length <= before);
    const { log } = await report(restored);
    expect(log.slice(0, 3)).toEqual(['charge 0', 'write 1', 'slept']);
    expect(there.output()).toBe('');
    await direct.dispose();
    await there.hardware.close();
  });

  it('HV-2: what is nested in a domain does not run before the domain is started, in real time too', async () => {
    const r = rig('host');
    const worker = r.hypervisor('worker');
    r.hardware.executor.start(worker);
    const inner = r.spec('in', probe(['write', 'ran'], ['wait']), { pages: 100 });
    const domain = await worker.create(r.spec('out', nested('worker', [inner])));
    for (let count = 0; count < 5; count++) await domain.save(PATIENCE_MS);
    expect(r.output()).toBe('');
    domain.start();
    while (r.output() === '') await new Promise((resolve) => setImmediate(resolve));
    expect(r.output()).toBe('ran');
    await worker.dispose();
    await r.hardware.close();
  });

  it('HV-3: a paused domain is saved without going on, in real time too', async () => {
    const r = rig('host');
    const worker = r.hypervisor('worker');
    r.hardware.executor.start(worker);
    const domain = await worker.create(r.spec('one', probe(['burn', 10], ['jump', 0])));
    domain.start();
    while (domain.usage().retired === 0) await report(domain);
    await domain.pause(PATIENCE_MS);
    const { retired } = domain.usage();
    for (let count = 0; count < 5; count++) await domain.save(PATIENCE_MS);
    expect([domain.usage().retired, domain.state]).toEqual([retired, 'paused']);
    domain.resume();
    while (domain.usage().retired === retired) await report(domain);
    await worker.dispose();
    await r.hardware.close();
  });

  it('stops with a wait until all threads are gone', async () => {
    const r = rig('sim');
    const hypervisor = r.hypervisor('worker');
    (await hypervisor.create(r.spec('one', probe(['wait'])))).start();
    const { events } = r.hardware.machine;
    const reply = hypervisor.stop();
    if (typeof reply === 'number') throw new Error('it did not wait');
    await new Promise<void>((resolve) => events.onNext(resolve));
    while (hypervisor.stop() !== 0) await new Promise<void>((resolve) => events.onNext(resolve));
    expect(r.hardware.machine.memory.usedPages).toBe(0);
  });
});
