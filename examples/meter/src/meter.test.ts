import { fileURLToPath } from 'node:url';
import { guestPrograms } from '@ashlar/guests';
import { start } from 'ashlar';
import { expect, it } from 'vitest';

const BUILT = fileURLToPath(new URL('../dist/meter.js', import.meta.url));

it('is found by its path, and counts what a program asks for', async () => {
  await using stack = await start({
    ashlar: 1,
    hypervisors: ['direct', BUILT, 'direct'],
    kernel: 'passthrough',
    userspace: { use: ['linux'], volumes: [{ host: guestPrograms, guest: '/guests', readOnly: true }] },
  });
  const { text } = await stack.run(['/guests/hello']);
  expect(text).toContain('Hello');
  const { requests } = (await import(BUILT)) as { requests: ReadonlyMap<string, number> };
  expect(requests.get('device:root lookup')).toBeGreaterThan(0);
  expect(requests.get('device:root read')).toBeGreaterThan(0);
});
