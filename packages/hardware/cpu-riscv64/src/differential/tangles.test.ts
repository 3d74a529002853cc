import { describe, expect, it } from 'vitest';
import { Random } from './random.ts';
import { compare } from './stops.ts';
import { tangle } from './tangles.ts';

/** Environment: ASHLAR_TANGLES and ASHLAR_SEED for other runs than the usual one. */
const TANGLES = Number(process.env.ASHLAR_TANGLES ?? 400);
const SEED = Number(process.env.ASHLAR_SEED ?? 1);

describe('programs with tangled control flow', () => {
  it(`${TANGLES} of them, seed ${SEED}, are the same translated and interpreted at every stop`, { timeout: 600_000 }, () => {
    let stops = 0;
    for (let i = 0; i < TANGLES; i++) {
      const seed = SEED * 1_000_003 + i;
      const { notes, difference } = compare(tangle(new Random(seed)), seed);
      expect({ seed, difference }).toEqual({ seed, difference: undefined });
      stops += notes;
    }
    // Programs that end at once would show nothing.
    expect(stops).toBeGreaterThan(TANGLES * 8);
  });
});
