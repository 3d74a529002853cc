import { expect, it } from 'vitest';
import { fillRandom } from './entropy.ts';

it('fills all of an array, and differently each time', () => {
  const [one, other] = [new Uint8Array(100_000), new Uint8Array(100_000)];
  fillRandom(one);
  fillRandom(other);
  expect(one).not.toEqual(other);
  // Each byte value is as likely as any: of 100,000 some 390 are of one kind.
  for (const bytes of [one, other]) expect(new Set(bytes.subarray(-10_000)).size).toBe(256);
});

it('takes no bytes as well', () => {
  fillRandom(new Uint8Array(0));
});
