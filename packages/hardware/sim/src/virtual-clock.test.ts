import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from './virtual-clock.ts';

const now = (clock: VirtualClock, which: 'monotonic' | 'wall' | 'steal' = 'monotonic'): [number, number] => {
  const out = { sec: 0, nsec: 0 };
  clock.read(which, out);
  return [out.sec, out.nsec];
};

describe('VirtualClock', () => {
  it('adds up the same however the instructions are cut into steps', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 5_000_000_000 }), { maxLength: 20 }),
        fc.integer({ min: 1, max: 10_000 }),
        (steps, rate) => {
          const cut = new VirtualClock(rate, 0);
          const whole = new VirtualClock(rate, 0);
          for (const step of steps) cut.retire(step);
          whole.retire(steps.reduce((sum, step) => sum + step, 0));
          expect(now(cut)).toEqual(now(whole));
        },
      ),
    );
  });

  it('jumps forward to a deadline, never back', () => {
    const clock = new VirtualClock(1000, 100);
    clock.skipTo({ sec: 5, nsec: 7 });
    clock.skipTo({ sec: 4, nsec: 9 });
    expect(now(clock)).toEqual([5, 7]);
    expect(now(clock, 'wall')).toEqual([104, 7]);
    expect(now(clock, 'steal')).toEqual([0, 0]);
  });
});
