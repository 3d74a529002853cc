import { expect, it } from 'vitest';
import { FakeKernel } from './fake-system.test.support.ts';
import { SystemPayload } from './system-payload.ts';

it('a step ends when what its CPUs make ready beside it is ready, not before', async () => {
  const kernel = new FakeKernel({});
  const payload = new SystemPayload(kernel, kernel.machine);
  expect(payload.step(1)).not.toBeInstanceOf(Promise);
  let ready!: () => void;
  kernel.pending = new Promise((resolve) => {
    ready = resolve;
  });
  const step = payload.step(1);
  expect(step).toBeInstanceOf(Promise);
  const order: string[] = [];
  const ended = Promise.resolve(step).then(() => order.push('ended'));
  // Whatever does not wait for the CPU has settled by then.
  for (let turns = 0; turns < 100; turns++) await undefined;
  order.push('ready');
  kernel.pending = undefined;
  ready();
  await ended;
  expect(order).toEqual(['ready', 'ended']);
  expect(payload.step(1)).not.toBeInstanceOf(Promise);
});
