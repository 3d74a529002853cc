import { describe, expect, it } from 'vitest';
import { HostClock } from './host-clock.ts';

const MS = 1e6;

describe('the wall clock', () => {
  it('is the host’s: never behind, and at most a millisecond ahead', () => {
    for (let turn = 0; turn < 100; turn++) {
      const before = Date.now();
      const clock = new HostClock();
      const wall = { sec: 0, nsec: 0 };
      clock.read('wall', wall);
      const after = Date.now() + 1;
      const wallMs = wall.sec * 1000 + wall.nsec / MS;
      expect(wallMs).toBeGreaterThanOrEqual(before);
      expect(wallMs).toBeLessThanOrEqual(after + 1);
    }
  });

  it('goes on as the monotonic one does', () => {
    const clock = new HostClock();
    const read = (which: 'wall' | 'monotonic') => {
      const at = { sec: 0, nsec: 0 };
      clock.read(which, at);
      expect(at.nsec).toBeLessThan(1000 * MS);
      return at.sec * 1000 + at.nsec / MS;
    };
    const first = read('monotonic');
    const between = read('wall');
    const last = read('monotonic');
    const again = read('wall');
    expect(first).toBeLessThanOrEqual(last);
    expect(again - between).toBeGreaterThanOrEqual(0);
    expect(again - between).toBeLessThanOrEqual(read('monotonic') - first + 0.001);
  });
});
