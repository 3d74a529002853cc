import type { Clock, ClockName, Instant } from '@ashlar/hardware';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clockOffset, DomainClock } from './domain-clock.ts';
import { add, fromNanoseconds, isBefore, subtract, toNanoseconds } from './instant.ts';

/** A clock that a test moves. */
class TestClock implements Clock {
  ns = 0;
  read(which: ClockName, out: Instant): void {
    Object.assign(out, which === 'steal' ? { sec: 0, nsec: 0 } : fromNanoseconds(this.ns + (which === 'wall' ? 1e12 : 0)));
  }
}

const read = (clock: Clock, which: ClockName = 'monotonic'): number => {
  const out = { sec: 0, nsec: 0 };
  clock.read(which, out);
  return toNanoseconds(out);
};

const zero = { sec: 0, nsec: 0 };

describe('the clock of a domain', () => {
  it('stands still while frozen and goes on where it stood, at any depth', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5_000_000_000), fc.boolean()), { maxLength: 20 }), (spans) => {
        const base = new TestClock();
        const outer = new DomainClock(base, zero);
        const inner = new DomainClock(base, clockOffset(outer));
        let ran = 0;
        for (const [ns, paused] of spans) {
          if (paused) {
            outer.freeze();
            inner.freeze();
          }
          base.ns += ns;
          if (!paused) ran += ns;
          expect([read(outer), read(inner)]).toEqual([ran, ran]);
          outer.thaw();
          inner.thaw();
          expect([read(outer), read(inner)]).toEqual([ran, ran]);
        }
        expect(read(outer, 'wall')).toBe(read(base, 'wall'));
      }),
    );
  });

  it('goes on from a saved time, the wall clock too where time is virtual', () => {
    const base = new TestClock();
    base.ns = 5;
    const clock = new DomainClock(base, zero);
    clock.set({ sec: 100, nsec: 1 }, { sec: 7, nsec: 0 });
    base.ns += 10;
    expect(read(clock)).toBe(100_000_000_011);
    expect(read(clock, 'wall')).toBe(7_000_000_010);
  });

  it('tells stolen time', () => {
    const clock = new DomainClock(new TestClock(), zero);
    clock.steal({ sec: 1, nsec: 999_999_999 }, { sec: 2, nsec: 0 });
    clock.steal({ sec: 3, nsec: 0 }, { sec: 2, nsec: 0 });
    expect(read(clock, 'steal')).toBe(1);
  });
});

describe('instants', () => {
  it('add and subtract exactly, also below zero', () => {
    const instant = fc.record({ sec: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), nsec: fc.nat(999_999_999) });
    fc.assert(
      fc.property(instant, instant, (a, b) => {
        const difference = subtract(a, b, { sec: 0, nsec: 0 });
        expect(difference.nsec).toBeGreaterThanOrEqual(0);
        expect(difference.nsec).toBeLessThan(1e9);
        expect(add(difference, b, { sec: 0, nsec: 0 })).toEqual(a);
        expect(isBefore(a, b)).toBe(difference.sec < 0);
      }),
    );
  });
});
