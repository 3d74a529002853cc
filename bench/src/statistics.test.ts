import { describe, expect, it } from 'vitest';
import { geometricMean, median, ratioOfMedians, table } from './statistics.ts';

describe('statistics', () => {
  it('has the middle of a sample', () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  it('has the geometric mean', () => {
    expect(geometricMean([1, 10, 100])).toBeCloseTo(10);
    expect(geometricMean([])).toBeNaN();
  });

  it('has a ratio of medians within its interval, which is wider for a noisier sample', () => {
    const above = [20, 21, 19, 20, 22, 18, 20];
    const calm = ratioOfMedians(above, [10, 10.1, 9.9, 10, 10.2, 9.8, 10]);
    const noisy = ratioOfMedians(above, [10, 14, 7, 10, 16, 5, 10]);
    expect(calm.ratio).toBe(2);
    expect(calm.interval[0]).toBeLessThan(2);
    expect(calm.interval[1]).toBeGreaterThan(2);
    expect(noisy.interval[1] - noisy.interval[0]).toBeGreaterThan(calm.interval[1] - calm.interval[0]);
  });

  it('takes rounds whole: what slows both samples alike does not widen the interval', () => {
    const load = [1, 3, 2, 5, 1, 4];
    expect(
      ratioOfMedians(
        load.map((factor) => factor * 30),
        load.map((factor) => factor * 10),
      ),
    ).toEqual({ ratio: 3, interval: [3, 3] });
  });

  it('refuses samples that are no pairs', () => {
    expect(() => ratioOfMedians([1, 2], [1])).toThrow('samples of 2 and 1 values are no pairs');
    expect(() => ratioOfMedians([], [])).toThrow(RangeError);
  });

  it('aligns tables', () => {
    expect(
      table([
        { name: 'a', n: 1 },
        { name: 'long', n: 100 },
      ]),
    ).toBe('name    n\na       1\nlong  100');
  });
});
