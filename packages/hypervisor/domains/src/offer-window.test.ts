import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromNanoseconds, toNanoseconds } from './instant.ts';
import { OfferWindow } from './offer-window.ts';

/** Nanoseconds per instruction of the CPU of these tests. */
const PACE = 10;

/** A window that has seen one busy step, so that it knows the pace. */
function measured(): OfferWindow {
  const window = new OfferWindow();
  window.begin(1000, fromNanoseconds(0));
  window.end(1000, fromNanoseconds(0), true);
  window.begin(0, fromNanoseconds(1000 * PACE));
  return window;
}

describe('OfferWindow', () => {
  it('learns how long instructions take from two steps without a pause between them', () => {
    const window = new OfferWindow();
    expect(window.measured).toBe(false);
    window.begin(1000, fromNanoseconds(0));
    window.end(1000, fromNanoseconds(0), true);
    expect(window.begin(500, fromNanoseconds(1000 * PACE))).toBe(true);
    expect(window.measured).toBe(true);
    expect(toNanoseconds(window.over)).toBe(1500 * PACE);
  });

  it('offers nothing more to a step that an event brought on before the time is over', () => {
    const window = measured();
    expect(window.begin(1000, fromNanoseconds(20_000))).toBe(true);
    window.end(250, fromNanoseconds(20_000), false);
    expect(window.begin(1000, fromNanoseconds(20_001))).toBe(false);
    expect(window.begin(1000, fromNanoseconds(29_999))).toBe(false);
    expect(window.begin(1000, fromNanoseconds(30_000))).toBe(true);
  });

  it('is over early when all that was offered was used', () => {
    const window = measured();
    window.begin(1000, fromNanoseconds(20_000));
    window.end(400, fromNanoseconds(20_000), false);
    expect(window.begin(1000, fromNanoseconds(20_001))).toBe(false);
    window.end(600, fromNanoseconds(20_001), false);
    expect(window.begin(1000, fromNanoseconds(20_002))).toBe(true);
  });

  it('never offers more than the time that passed is worth, whatever events come between', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 0, max: 60_000 })), { maxLength: 60 }),
        (steps) => {
          const window = measured();
          const start = 20_000;
          let now = start;
          let offered = 0;
          let last = 0;
          for (const [budget, pauseNs] of steps) {
            if (window.begin(budget, fromNanoseconds(now))) {
              offered += budget;
              last = budget;
            }
            window.end(0, fromNanoseconds(now), false);
            now += pauseNs;
          }
          expect((offered - last) * PACE).toBeLessThanOrEqual(now - start);
        },
      ),
    );
  });
});
