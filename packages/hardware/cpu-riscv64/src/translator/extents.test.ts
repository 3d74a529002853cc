import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instruction, REGISTERS, signed, value } from '../differential/arithmetic.ts';
import { atStart, type Extent, follow, type Sum } from './extents.ts';
import { decodeAt, type Op } from './op.ts';

const START = 0x1_0000;

/** The terms of a sum, where registers hold `values` when the turn begins. */
const termsOf = ({ terms }: Sum, values: ReadonlyMap<number, bigint>): bigint =>
  terms.reduce((sum, { register: r, times }) => sum + (values.get(r) as bigint) * BigInt(times), 0n);

/** Whether a sum is natural, as an admission finds out: modulo 2⁶⁴. */
function isNatural(sum: Sum, values: ReadonlyMap<number, bigint>): boolean {
  const all = termsOf(sum, values);
  return [sum.low, sum.high].every((number) => BigInt.asUintN(64, all + BigInt(number)) < 2n ** 31n);
}

describe('extents', () => {
  it('say what a register holds, if what has to be natural is', () => {
    let told = 0;
    let cut = 0;
    const input = fc.record({
      code: fc.array(instruction, { minLength: 1, maxLength: 8 }),
      values: fc.tuple(value, value, value, value, value),
    });
    fc.assert(
      fc.property(input, ({ code, values }) => {
        const before = new Map(REGISTERS.map((r, i) => [r as number, values[i] as bigint]));
        const now = new Map(before);
        const extents = atStart();
        for (const { rd, raw, result } of code) {
          const op = decodeAt((pc) => (pc === START ? raw & 0xffff : raw >>> 16), START) as Op;
          follow(op, extents, true);
          now.set(rd, result(now));
          const extent = extents[rd] as Extent | undefined;
          if (extent === undefined || !extent.naturals.every((sum) => isNatural(sum, before))) continue;
          const more = signed((now.get(rd) as bigint) - termsOf(extent, before));
          expect(more >= BigInt(extent.low) && more <= BigInt(extent.high)).toBe(true);
          told++;
          if (extent.naturals.length > 0) cut++;
        }
      }),
      { numRuns: 10_000 },
    );
    // Enough for a mistake to show.
    expect(told).toBeGreaterThan(10_000);
    expect(cut).toBeGreaterThan(1000);
  });
});
