import { type ClauseTest, clauseTests } from '@ashlar/conformance';
import { Errno } from '@ashlar/hardware';
import { expect } from 'vitest';
import { NestedControls, PATIENCE_MS } from './controls.ts';
import { bareReport, DOMAIN_PAGES, type HypervisorFixture } from './fixture.ts';
import type { ProbeOp } from './probe.ts';
import { nested, probe } from './probe-loader.ts';

/** Does a bit of everything that a guest can notice. */
const EVERYTHING: readonly ProbeOp[] = [
  ['write', 'a'],
  ['burn', 5000],
  ['clock'],
  ['entropy', 4],
  ['sleep', 20],
  ['clock'],
  ['fsync', 3],
  ['charge', 10],
  ['burn', 30_000],
  ['sleep', 5],
  ['clock'],
  ['write', 'b'],
  ['wait'],
];
const ENOUGH = 100_000;
const SPIN: readonly ProbeOp[] = [['burn', 1_000_000_000]];

const retired = async (f: HypervisorFixture, name: string): Promise<number> => (await f.controls.usage(name)).retired;
const errnoOf = async (work: Promise<unknown>): Promise<number> => {
  try {
    await work;
  } catch (error) {
    return (error as { errno?: number }).errno ?? -1;
  }
  return 0;
};

const lifeCycle: readonly ClauseTest<HypervisorFixture>[] = [
  {
    clause: 'HV-1',
    title: 'what cannot be made is refused with its errno and leaves nothing behind',
    async run(f) {
      const before = f.hardware.machine.memory.usedPages;
      const ok = f.spec('one', probe(['wait']));
      expect(await errnoOf(f.controls.create({ ...ok, name: 'No' }))).toBe(Errno.EINVAL);
      expect(await errnoOf(f.controls.create({ ...ok, limits: { ...ok.limits, weight: 0 } }))).toBe(Errno.EINVAL);
      expect(await errnoOf(f.controls.create({ ...ok, limits: { ...ok.limits, capPerMille: 1001 } }))).toBe(Errno.EINVAL);
      expect(await errnoOf(f.controls.create({ ...ok, want: { ...ok.want, devices: { disk: { kind: 'block' } } } }))).toBe(Errno.ENODEV);
      expect(await errnoOf(f.controls.create({ ...ok, payload: { ...ok.payload, kernel: { use: 'probe' } } as never }))).toBeGreaterThan(0);
      expect(f.hardware.machine.memory.usedPages).toBe(before);
      expect(await f.controls.list()).toEqual([]);
    },
  },
  {
    clause: 'HV-1',
    title: 'a name is given once at a time',
    async run(f) {
      await f.controls.create(f.spec('one', probe(['wait'])));
      expect(await errnoOf(f.controls.create(f.spec('one', probe(['wait']))))).toBe(Errno.EEXIST);
      await f.controls.destroy('one');
      await f.controls.create(f.spec('one', probe(['wait'])));
    },
  },
  {
    clause: 'HV-2',
    title: 'nothing runs before start, and start is for created domains',
    async run(f) {
      await f.controls.create(f.spec('one', probe(...SPIN)));
      await f.advance(1000);
      expect(await retired(f, 'one')).toBe(0);
      expect(await f.controls.start('one')).toBe(0);
      expect((await f.controls.list())[0]?.state).toBe('running');
      expect(await f.controls.start('one')).toBe(-Errno.EINVAL);
      await f.advance(1000);
      expect(await retired(f, 'one')).toBe(1000);
    },
  },
  {
    clause: 'HV-3',
    title: 'a paused domain retires nothing and its time stands still',
    async run(f) {
      await f.probe('sleeper', [['clock'], ['sleep', 10], ['clock'], ['wait']]);
      await f.probe('other', SPIN);
      await f.advance(1000);
      await f.controls.pause('sleeper', PATIENCE_MS);
      const before = await retired(f, 'sleeper');
      await f.advance(5_000_000);
      expect(await retired(f, 'sleeper')).toBe(before);
      expect(await f.controls.resume('sleeper')).toBe(0);
      await f.advance(3_000_000);
      const { log } = await f.report('sleeper');
      const [first, , second] = log.map((line) => Number(line.split(' ')[1]));
      expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(0.01);
      expect((second ?? 0) - (first ?? 0)).toBeLessThan(0.03);
    },
  },
  {
    clause: 'HV-4',
    title: 'pause and resume answer -EINVAL in other states',
    async run(f) {
      await f.controls.create(f.spec('one', probe(...SPIN)));
      expect(await errnoOf(f.controls.pause('one', 1000))).toBe(Errno.EINVAL);
      expect(await f.controls.resume('one')).toBe(-Errno.EINVAL);
      await f.controls.start('one');
      expect(await f.controls.resume('one')).toBe(-Errno.EINVAL);
      await f.controls.pause('one', PATIENCE_MS);
      expect(await errnoOf(f.controls.pause('one', 1000))).toBe(Errno.EINVAL);
      expect(await f.controls.resume('one')).toBe(0);
      await f.advance(1000);
      expect(await retired(f, 'one')).toBe(1000);
    },
  },
  {
    clause: 'HV-5',
    title: 'destroy ends a domain in any state, and all its memory is back',
    async run(f) {
      const before = f.hardware.machine.memory.usedPages;
      await f.probe('one', [['charge', 100], ...SPIN]);
      await f.advance(1000);
      await f.controls.destroy('one');
      expect(await f.controls.stopped('one')).toEqual({ reason: 'killed', message: '' });
      await f.controls.create(f.spec('two', probe(...SPIN)));
      await f.controls.destroy('two');
      await f.controls.destroy('two');
      const room = f.spec('three', probe(['wait']), { pages: 5000 });
      await f.controls.create(room);
      await f.controls.destroy('three');
      expect(f.hardware.machine.memory.usedPages).toBe(before);
    },
  },
  {
    clause: 'HV-6',
    title: 'a payload that ends by itself stops its domain with `exit`',
    async run(f) {
      await f.probe('one', [['write', 'x'], ['end']]);
      await f.advance(1000);
      expect((await f.stepUntil(f.controls.stopped('one'))).reason).toBe('exit');
      expect(f.output()).toBe('x');
    },
  },
  {
    clause: 'HV-7',
    title: 'plugin code that throws ends its domain alone',
    async run(f) {
      await f.probe('bad', [
        ['burn', 100],
        ['throw', 'bad plugin'],
      ]);
      await f.probe('good', SPIN);
      await f.advance(100_000);
      expect(await f.stepUntil(f.controls.stopped('bad'))).toEqual({ reason: 'crashed', message: 'Error: bad plugin' });
      const before = await retired(f, 'good');
      await f.advance(100_000);
      expect(await retired(f, 'good')).toBe(before + 100_000);
    },
  },
];

const equivalence: readonly ClauseTest<HypervisorFixture>[] = [
  {
    clause: 'HV-10',
    title: 'a guest sees and retires the same as on the machine itself',
    async run(f) {
      const bare = await bareReport(f.under, EVERYTHING, ENOUGH);
      await f.probe('one', EVERYTHING);
      await f.advance(ENOUGH);
      expect(await f.report('one')).toEqual(bare.report);
      expect(f.output()).toBe(bare.output);
    },
  },
  ...[true, false].map(
    (flatten): ClauseTest<HypervisorFixture> => ({
      clause: 'HV-11',
      title: `the same at depth 8, flattening ${flatten ? 'on' : 'off'}`,
      async run(f) {
        const bare = await bareReport(f.under, EVERYTHING, ENOUGH);
        const path = await f.deep(8, EVERYTHING, flatten);
        await f.advance(ENOUGH);
        expect(await f.report(path)).toEqual(bare.report);
        expect(f.output()).toBe(bare.output);
      },
    }),
  ),
];

const resources: readonly ClauseTest<HypervisorFixture>[] = [
  {
    clause: 'HV-20',
    title: 'memory is reserved when a domain is made: together they never get more than there is',
    async run(f) {
      await f.controls.create(f.spec('one', probe(['wait']), { pages: 5000 }));
      expect(await errnoOf(f.controls.create(f.spec('two', probe(['wait']), { pages: 5001 })))).toBe(Errno.ENOMEM);
      await f.controls.create(f.spec('three', probe(['wait']), { pages: 2000 }));
    },
  },
  {
    clause: 'HV-21',
    title: 'a limit binds, at its level and at every level within',
    async run(f) {
      await f.probe('one', [['charge', DOMAIN_PAGES + 1], ['charge', DOMAIN_PAGES], ['charge', 1], ['wait']]);
      await f.advance(100);
      expect((await f.report('one')).log).toEqual([`charge ${-Errno.ENOMEM}`, 'charge 0', `charge ${-Errno.ENOMEM}`]);
      expect((await f.controls.usage('one')).pages).toBe(DOMAIN_PAGES);
    },
  },
  {
    clause: 'HV-21',
    title: 'a limit set at level 3 binds level 8',
    async run(f) {
      const path = await f.deep(8, [['charge', DOMAIN_PAGES - 7], ['charge', DOMAIN_PAGES - 8], ['charge', 1], ['wait']], true);
      await f.advance(100);
      expect((await f.report(path)).log).toEqual([`charge ${-Errno.ENOMEM}`, 'charge 0', `charge ${-Errno.ENOMEM}`]);
    },
  },
  {
    clause: 'HV-22',
    title: 'a limit can be changed, not below what is used and not above what there is',
    async run(f) {
      const limits = { pages: DOMAIN_PAGES, weight: 100, capPerMille: 1000 };
      await f.probe('one', [['charge', 100], ['sleep', 1], ['charge', DOMAIN_PAGES], ['wait']]);
      await f.advance(2);
      expect(await f.controls.limit('one', { ...limits, pages: 99 })).toBe(-Errno.ENOMEM);
      expect(await f.controls.limit('one', { ...limits, pages: 1_000_000 })).toBe(-Errno.ENOMEM);
      expect(await f.controls.limit('one', { ...limits, weight: 0 })).toBe(-Errno.EINVAL);
      expect(await f.controls.limit('one', { ...limits, pages: DOMAIN_PAGES + 100 })).toBe(0);
      await f.advance(1000);
      expect((await f.report('one')).log).toEqual(['charge 0', 'slept', 'charge 0']);
    },
  },
  {
    clause: 'HV-23',
    title: 'siblings share by weight, counted in guest instructions',
    async run(f) {
      await f.probe('light', SPIN, { weight: 100 });
      await f.probe('heavy', SPIN, { weight: 300 });
      await f.advance(4_000_000);
      expect([await retired(f, 'light'), await retired(f, 'heavy')]).toEqual([1_000_000, 3_000_000]);
      await f.controls.limit('light', { pages: DOMAIN_PAGES, weight: 300, capPerMille: 1000 });
      await f.advance(2_000_000);
      const sum = (await retired(f, 'light')) - 2_000_000;
      expect(Math.abs(sum)).toBeLessThanOrEqual(10_000);
    },
  },
  {
    clause: 'HV-24',
    title: 'a cap is kept to the instruction, beside a sibling and alone',
    async run(f) {
      await f.probe('capped', SPIN, { capPerMille: 250, weight: 10_000 });
      await f.probe('free', SPIN);
      await f.advance(4_000_000);
      expect([await retired(f, 'capped'), await retired(f, 'free')]).toEqual([1_000_000, 3_000_000]);
      await f.controls.destroy('free');
      const { sec, nsec } = clockOf(f);
      await f.advance(1_000_000);
      const now = clockOf(f);
      const elapsedMs = (now.sec - sec) * 1000 + (now.nsec - nsec) / 1e6;
      // The simulated CPU retires 100 instructions a microsecond: 10 ms of work at a quarter of its time.
      expect(elapsedMs).toBeGreaterThan(39);
      expect(elapsedMs).toBeLessThan(41);
    },
  },
  {
    clause: 'HV-25',
    title: 'a domain that slept does not make up for it',
    async run(f) {
      await f.probe('sleeper', [['sleep', 20], ...SPIN]);
      await f.probe('busy', SPIN);
      await f.advance(3_000_000);
      // Two million instructions are 20 ms; from then on they share.
      expect(Math.abs((await retired(f, 'sleeper')) - 500_000)).toBeLessThanOrEqual(20_000);
      expect(Math.abs((await retired(f, 'busy')) - 2_500_000)).toBeLessThanOrEqual(20_000);
    },
  },
];

function clockOf(f: HypervisorFixture): { sec: number; nsec: number } {
  const now = { sec: 0, nsec: 0 };
  f.hardware.machine.clock.read('monotonic', now);
  return now;
}

/** Frames that the levels of a chain sent for the same work. */
async function framesFor(f: HypervisorFixture, depth: number, flatten: boolean): Promise<number> {
  const fresh = await f.again({ around: [], flatten });
  try {
    const path = await fresh.deep(depth, [['wait']], flatten);
    const quiet = await framesOfChain(fresh, path);
    await fresh.close();
    const busy = await f.again({ around: [], flatten });
    const same = await busy.deep(depth, [['fsync', 50], ['clock'], ['wait']], flatten);
    await busy.advance(1000);
    await busy.report(same);
    const frames = (await framesOfChain(busy, same)) - quiet;
    await busy.close();
    return frames;
  } catch (error) {
    await fresh.close();
    throw error;
  }
}

async function framesOfChain(f: HypervisorFixture, path: string): Promise<number> {
  const names = path.split('/');
  let sum = (await f.controls.usage(names[0] as string)).frames;
  for (let i = 1; i < names.length; i++) {
    const inner = new NestedControls(f.controls, names.slice(0, i).join('/'));
    sum += (await inner.usage(names[i] as string)).frames;
  }
  return sum;
}

const efficiency: readonly ClauseTest<HypervisorFixture>[] = [
  {
    clause: 'HV-30',
    title: 'instructions that ask for nothing cross no boundary',
    async run(f) {
      await f.probe('one', SPIN);
      await f.advance(1000);
      const { frames } = await f.controls.usage('one');
      await f.advance(5_000_000);
      expect((await f.controls.usage('one')).frames).toBe(frames);
    },
  },
  {
    clause: 'HV-31',
    requires: ['outermost'],
    title: 'flattened, depth 8 crosses as many boundaries as depth 1',
    async run(f) {
      expect(await framesFor(f, 8, true)).toBe(await framesFor(f, 1, true));
    },
  },
  {
    clause: 'HV-32',
    requires: ['outermost'],
    title: 'with flattening off, depth 8 crosses eight times as many as depth 1',
    async run(f) {
      const one = await framesFor(f, 1, false);
      expect(one).toBeGreaterThan(50);
      expect(await framesFor(f, 8, false)).toBe(8 * one);
    },
  },
];

const state: readonly ClauseTest<HypervisorFixture>[] = [
  ...[3, 5001, 20_000].map(
    (at): ClauseTest<HypervisorFixture> => ({
      clause: 'HV-40',
      title: `saved after ${at} instructions and restored, it runs on as it would have`,
      async run(f) {
        await f.probe('one', EVERYTHING);
        await f.advance(at);
        await f.controls.pause('one', PATIENCE_MS);
        const bytes = await f.controls.save('one', PATIENCE_MS);
        const before = f.output();
        await f.controls.resume('one');
        await f.advance(ENOUGH);
        const expected = await f.report('one');
        const there = await f.again();
        try {
          await there.controls.create({ ...there.spec('one', probe(...EVERYTHING)), from: bytes });
          await there.controls.start('one');
          await there.advance(ENOUGH);
          const { log, pc } = await there.report('one');
          // Random bytes are fresh on another machine.
          const sameButRandom = (line: string): string => (line.startsWith('entropy') ? 'entropy' : line);
          expect(log.map(sameButRandom)).toEqual(expected.log.map(sameButRandom));
          expect(pc).toBe(expected.pc);
          expect(before + there.output()).toBe(f.output());
        } finally {
          await there.close();
        }
      },
    }),
  ),
  {
    clause: 'HV-41',
    title: 'saving changes nothing, and the same state gives the same bytes',
    async run(f) {
      await f.probe('one', EVERYTHING);
      await f.advance(6000);
      await f.controls.pause('one', PATIENCE_MS);
      const first = await f.controls.save('one', PATIENCE_MS);
      expect(Buffer.compare(await f.controls.save('one', PATIENCE_MS), first)).toBe(0);
      expect((await f.controls.list())[0]?.state).toBe('paused');
    },
  },
  {
    clause: 'HV-42',
    title: 'a damaged image is refused, and leaves nothing behind',
    async run(f) {
      await f.probe('one', EVERYTHING);
      await f.advance(100);
      const bytes = await f.stepUntil(f.controls.save('one', PATIENCE_MS));
      const before = f.hardware.machine.memory.usedPages;
      const damaged = bytes.slice();
      damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] as number) ^ 1;
      for (const from of [damaged, bytes.slice(0, 30), new Uint8Array(0)]) {
        expect(await errnoOf(f.controls.create({ ...f.spec('two', probe(...EVERYTHING)), from }))).toBeGreaterThan(0);
      }
      expect(f.hardware.machine.memory.usedPages).toBe(before);
    },
  },
  {
    clause: 'HV-43',
    title: 'a nested hypervisor is saved and restored with all that is within',
    async run(f) {
      const path = await f.deep(3, EVERYTHING, true);
      await f.advance(6000);
      // Paused, so that the instructions before the save do not depend on how long the host takes for it.
      await f.controls.pause('deep-1', PATIENCE_MS);
      const bytes = await f.controls.save('deep-1', PATIENCE_MS);
      await f.controls.resume('deep-1');
      await f.advance(ENOUGH);
      const expected = await f.report(path);
      const there = await f.again();
      try {
        const first = await specOfDeep(there);
        await there.controls.create({ ...first, from: bytes });
        await there.controls.start('deep-1');
        await there.advance(ENOUGH);
        const { log } = await there.report(path);
        expect(log.filter((line) => !line.startsWith('entropy'))).toEqual(expected.log.filter((line) => !line.startsWith('entropy')));
      } finally {
        await there.close();
      }
    },
  },
];

/** The spec that `deep(3)` makes. */
async function specOfDeep(f: HypervisorFixture) {
  const { use } = f.under;
  const third = f.spec('deep-3', probe(...EVERYTHING), { pages: DOMAIN_PAGES - 3 });
  const second = f.spec('deep-2', nested(use, [third]), { pages: DOMAIN_PAGES - 2 });
  return f.spec('deep-1', nested(use, [second]));
}

const services: readonly ClauseTest<HypervisorFixture>[] = [
  {
    clause: 'HV-50',
    title: 'a service is reached at any depth; where there is none the channel ends with ENOENT',
    async run(f) {
      const path = await f.deep(3, [['write', 'x'], ['wait']], true);
      await f.advance(10);
      expect((await f.report(path)).log).toEqual(['write 1']);
      for (const wrong of ['deep-1/nobody/report', `${path}/nothing`]) {
        const channel = f.controls.connect(wrong);
        const ended = new Promise<number>((resolve) =>
          channel.receive(
            () => undefined,
            () => undefined,
            resolve,
          ),
        );
        expect(await f.stepUntil(ended)).toBe(-Errno.ENOENT);
      }
    },
  },
  {
    clause: 'HV-51',
    title: 'whoever made a domain controls what is within: it stands still with it, and ends with it',
    async run(f) {
      const path = await f.deep(3, SPIN, true);
      await f.advance(10_000);
      await f.controls.pause('deep-1', PATIENCE_MS);
      const before = await retiredWithin(f, path);
      await f.advance(10_000);
      expect(await retiredWithin(f, path)).toBe(before);
      await f.controls.resume('deep-1');
      await f.advance(10_000);
      expect(await retiredWithin(f, path)).toBe(before + 10_000);
      const used = f.hardware.machine.memory.usedPages;
      await f.controls.destroy('deep-1');
      expect(f.hardware.machine.memory.usedPages).toBeLessThanOrEqual(used);
    },
  },
];

const interposition: readonly ClauseTest<HypervisorFixture>[] = [
  {
    clause: 'HV-60',
    title: 'an interposed layer sees what the domain asks for from then on, and nothing after',
    async run(f) {
      await f.probe('one', [
        ['write', 'a'],
        ['sleep', 10],
        ['jump', 0],
      ]);
      await f.advance(1);
      expect(await f.stepUntil(f.controls.interpose('one', { use: 'stamp' }))).toBe(0);
      await f.advance(3);
      expect(await f.stepUntil(f.controls.interpose('one', undefined))).toBe(0);
      await f.advance(9);
      expect(f.output()).toMatch(/^a+(!a)+a+$/);
    },
  },
  {
    clause: 'HV-60',
    title: 'it sees what domains within ask for, however they are linked',
    async run(f) {
      const path = await f.deep(
        3,
        [
          ['write', 'a'],
          ['sleep', 10],
          ['jump', 0],
        ],
        true,
      );
      await f.advance(1);
      expect(await f.stepUntil(f.controls.interpose('deep-1', { use: 'stamp' }))).toBe(0);
      await f.advance(6);
      expect(f.output()).toMatch(/^a+(!a)+$/);
      expect((await f.report(path)).log.length).toBeGreaterThan(2);
    },
  },
];

/** Instructions that the innermost domain retired. */
async function retiredWithin(f: HypervisorFixture, path: string): Promise<number> {
  const names = path.split('/');
  const inner = new NestedControls(f.controls, names.slice(0, -1).join('/'));
  return (await inner.usage(names.at(-1) as string)).retired;
}

/** The clauses of docs/spec/hypervisor.md. Supports: `outermost` (nothing around it: frames can be counted from the hardware up). */
export const hypervisorTests = clauseTests<HypervisorFixture>(
  ...lifeCycle,
  ...equivalence,
  ...resources,
  ...efficiency,
  ...state,
  ...services,
  ...interposition,
);
