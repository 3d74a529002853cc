import { describe, expect, it } from 'vitest';
import { nested, PATIENCE_MS, probe } from './index.ts';
import { report, reportAfter, rig } from './rig.test-support.ts';

const PROGRAM = [
  ['write', 'hello '],
  ['burn', 50_000],
  ['clock'],
  ['entropy', 4],
  ['sleep', 20],
  ['clock'],
  ['fsync', 5],
  ['burn', 1000],
  ['write', 'bye'],
  ['wait'],
] as const;

const LOG = ['write 6', 'clock 1.000000000', 'entropy 3f7e7580', 'slept', 'clock 1.020000000', 'fsync 0', 'write 3'];

describe.each(['direct', 'worker'] as const)('%s', (use) => {
  it('runs a probe on sim', async () => {
    const r = rig('sim');
    const hypervisor = r.hypervisor(use);
    const domain = await hypervisor.create(r.spec('one', probe(...PROGRAM)));
    domain.start();
    const report = await reportAfter(r.hardware, hypervisor, 200_000, domain);
    expect(report.log).toEqual(LOG);
    expect(r.output()).toBe('hello bye');
    await hypervisor.dispose();
  });

  it.each([true, false])('runs nested, flatten %s', async (flatten) => {
    const r = rig('sim');
    const hypervisor = r.hypervisor(use, { flatten });
    const inner = r.spec('inner', probe(...PROGRAM), { pages: 100 });
    const mid = r.spec('mid', nested(use === 'direct' ? 'worker' : 'direct', [inner], flatten), { pages: 200 });
    const outer = r.spec('outer', nested('worker', [mid], flatten), { pages: 300 });
    const domain = await hypervisor.create(outer);
    domain.start();
    const report = await reportAfter(r.hardware, hypervisor, 200_000, domain, 'mid/inner/');
    expect(report.log).toEqual(LOG);
    expect(r.output()).toBe('hello bye');
    await hypervisor.dispose();
  });
});

describe('worker on real time', () => {
  it('runs by itself, pauses, goes on, and is destroyed', async () => {
    const r = rig('host');
    const hypervisor = r.hypervisor('worker');
    r.hardware.executor.start(hypervisor);
    const domain = await hypervisor.create(r.spec('one', probe(['write', 'x'], ['charge', 7], ['sleep', 1], ['jump', 2])));
    domain.start();
    while ((await report(domain)).log.length < 5);
    await domain.pause(PATIENCE_MS);
    const { retired, pages } = domain.usage();
    expect(pages).toBe(7);
    expect(domain.state).toBe('paused');
    expect(domain.usage().retired).toBe(retired);
    expect(domain.resume()).toBe(0);
    while (domain.usage().retired === retired) await report(domain);
    await domain.destroy();
    expect(await domain.stopped).toEqual({ reason: 'killed', message: '' });
    expect(r.hardware.machine.memory.usedPages).toBe(0);
    await r.hardware.close();
  });

  it('contains plugin code that spins or throws', async () => {
    const r = rig('host');
    const hypervisor = r.hypervisor('worker');
    r.hardware.executor.start(hypervisor);
    const spins = await hypervisor.create(r.spec('spins', probe(['spin'])));
    const throws = await hypervisor.create(r.spec('throws', probe(['throw', 'bad plugin'])));
    const good = await hypervisor.create(r.spec('good', probe(['sleep', 1], ['jump', 0])));
    for (const domain of [spins, throws, good]) domain.start();
    expect(await throws.stopped).toEqual({ reason: 'crashed', message: 'Error: bad plugin' });
    // Until it spins, it can be paused.
    const pauseAgain = async (): Promise<never> => {
      for (;;) {
        await spins.pause(50);
        spins.resume();
        // Without a while in between, the next pause may come before the thread's first step, each time.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    await expect(pauseAgain()).rejects.toThrow('ETIMEDOUT');
    expect(spins.state).toBe('running');
    await spins.destroy();
    expect((await spins.stopped).reason).toBe('killed');
    while ((await report(good)).log.length === 0);
    expect(r.hardware.machine.memory.usedPages).toBe(1000);
    await good.destroy();
    await r.hardware.close();
  });
});
