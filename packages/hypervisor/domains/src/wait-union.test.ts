import type { EventKey } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { WAIT_KEYS_MAX, WaitUnion } from './wait-union.ts';

const key = (n: number): EventKey => n as EventKey;
const zero = { sec: 0, nsec: 0 };

describe('the wait of several domains', () => {
  it('names each key once, and the earliest deadline in outer time', () => {
    const union = new WaitUnion();
    union.add({ on: [key(1), key(2)], until: { sec: 5, nsec: 0 } }, { sec: 10, nsec: 0 });
    union.add({ on: [key(2), key(3)], until: { sec: 7, nsec: 0 } }, zero);
    expect(union.wait()).toEqual({ on: [1, 2, 3], until: { sec: 7, nsec: 0 } });
    expect(union.overflow).toBe(false);
  });

  it('says when it cannot name all keys', () => {
    const union = new WaitUnion();
    for (let i = 0; i <= WAIT_KEYS_MAX; i++) union.key(key(i));
    expect(union.overflow).toBe(true);
    expect(union.wait().on.length).toBe(WAIT_KEYS_MAX);
  });
});
