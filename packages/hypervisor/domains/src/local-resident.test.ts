import { type Clock, Errno, type Machine, type Payload, type Plain, type Wait } from '@ashlar/hardware';
import { Account, createPair, EventHub, LocalMachine } from '@ashlar/hypercall';
import type { PayloadLoader, PayloadRef } from '@ashlar/hypervisor';
import { describe, expect, it } from 'vitest';
import { DomainSet, placeInThread } from './index.ts';

const REF: PayloadRef = { kind: 'system', kernel: { use: 'test' }, userspace: [] };
const SPEC = {
  name: 'one',
  want: { vcpus: 1, isas: [], pages: 100, devices: {}, virtualTime: false },
  limits: { pages: 100, weight: 100, capPerMille: 1000 },
  payload: REF,
};

function machine(): LocalMachine {
  const clock: Clock = { read: (_which, out) => Object.assign(out, { sec: 0, nsec: 0 }) };
  return new LocalMachine({
    shape: { vcpus: 1, isas: [], pages: 1000, devices: {}, virtualTime: false },
    account: new Account(1000),
    clock,
    events: new EventHub(),
    cpus: [],
    open: () => {
      throw new Error('there are no devices');
    },
    entropy: () => undefined,
  });
}

/** A hypervisor whose only payload is `payload`. */
function around(payload: Partial<Payload>, lower: Machine = machine()): DomainSet {
  const whole: Payload = {
    schema: 'test/1',
    step: () => ({ used: 0, wait: { on: [] } }),
    serve: () => 0,
    stop: () => 0,
    save: () => 0,
    restore: () => 0,
    ...payload,
  };
  const loader: PayloadLoader = {
    module: '',
    seed: null as Plain,
    payload: async () => whole,
    interposer: async () => ({
      wrap: () => {
        throw new Error('bad layer');
      },
    }),
    cpu: async () => {
      throw new Error('no CPU');
    },
    immobile: () => undefined,
  };
  return new DomainSet({ schema: 'test/1', lower, place: placeInThread({ lower, loader, flatten: true }) });
}

describe('plugin code in a domain of this thread', () => {
  it('HV-7 ends its domain when it throws in a step, a promise or a service', async () => {
    const bad = (): never => {
      throw new Error('bad plugin');
    };
    for (const payload of [{ step: bad }, { step: () => Promise.reject(new Error('bad plugin')) }, { serve: bad }]) {
      const set = around(payload);
      const domain = await set.create(SPEC);
      domain.start();
      await set.step(100);
      if ('serve' in payload) domain.connect('anything');
      expect(await domain.stopped).toEqual({ reason: 'crashed', message: 'Error: bad plugin' });
      expect(set.domains.size).toBe(0);
    }
  });

  it('lets go of what it has once its domain is destroyed and its machine answers nothing', async () => {
    let charged = -1;
    let stops = 0;
    const lower = machine();
    const set = around(
      {
        stop: () => {
          stops += 1;
          charged = lower.memory.usedPages;
          throw new Error('bad plugin');
        },
      },
      lower,
    );
    const domain = await set.create(SPEC);
    domain.start();
    await domain.destroy();
    expect(await domain.stopped).toEqual({ reason: 'killed', message: '' });
    expect([stops, charged]).toEqual([1, 0]);
  });

  it('is not told to stop while it is what ends its domain', async () => {
    let stops = 0;
    let end: (() => Promise<void>) | undefined;
    const set = around({
      step: () => {
        void end?.();
        expect(stops).toBe(0);
        return { used: 1, wait: undefined };
      },
      stop: () => {
        stops += 1;
        return 0;
      },
    });
    const domain = await set.create(SPEC);
    end = () => domain.destroy();
    domain.start();
    await set.step(100);
    expect(await domain.stopped).toEqual({ reason: 'killed', message: '' });
    expect(stops).toBe(0);
  });

  it('cannot keep a step going for ever by doing nothing', async () => {
    let steps = 0;
    const set = around({
      step: () => {
        steps += 1;
        return { used: 0, wait: undefined };
      },
    });
    (await set.create(SPEC)).start();
    expect(await set.step(1000)).toEqual({ used: 0, wait: undefined });
    expect(steps).toBe(1);
  });

  it('leaves the domain as it was when a save takes too long', async () => {
    const lower = machine();
    const key = lower.events.allocate();
    let asked = 0;
    const wait: Wait = { on: [key] };
    const set = around(
      {
        save: () => {
          asked += 1;
          return wait;
        },
      },
      lower,
    );
    const domain = await set.create(SPEC);
    domain.start();
    await expect(domain.save(5)).rejects.toMatchObject({ errno: Errno.ETIMEDOUT });
    expect(domain.state).toBe('running');
    const before = asked;
    lower.events.fire(key);
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(asked).toBe(before);
  });

  it('is unharmed by a layer that cannot be put on', async () => {
    const set = around({ step: (budget) => ({ used: budget, wait: undefined }) });
    const domain = await set.create(SPEC);
    domain.start();
    await expect(domain.interpose({ use: 'bad' })).rejects.toThrow('bad layer');
    expect(await set.step(1000)).toEqual({ used: 1000, wait: undefined });
  });
});

describe('the control service', () => {
  it('HV-51 is not disturbed by a channel that ended before it was served', async () => {
    const set = around({});
    const { client, server } = createPair();
    client.send(new Uint8Array([1, 0xc1]));
    client.close(0);
    expect(set.serve('control', server)).toBe(0);
  });

  it('HV-51 ends with EBADMSG for what is no message', async () => {
    const set = around({});
    for (const frame of [new Uint8Array(0), new Uint8Array([1, 0xc1]), new Uint8Array([1, 5])]) {
      const { client, server } = createPair();
      expect(set.serve('control', server)).toBe(0);
      const ended = new Promise<number>((resolve) => {
        client.receive(
          () => undefined,
          () => undefined,
          resolve,
        );
      });
      client.send(frame);
      expect(await ended).toBe(-Errno.EBADMSG);
    }
  });
});
