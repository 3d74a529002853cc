import { describe, expect, it } from 'vitest';
import { nestProgram } from './nests.ts';
import { Random } from './random.ts';
import { compare } from './stops.ts';
import { TANGLE_CODE_BYTES } from './tangles.ts';

/** Environment: ASHLAR_NESTS and ASHLAR_SEED for other runs than the usual one. */
const NESTS = Number(process.env.ASHLAR_NESTS ?? 300);
const SEED = Number(process.env.ASHLAR_SEED ?? 1);

describe('nests of loops and calls', () => {
  it(`${NESTS} of them, seed ${SEED}, are the same translated and interpreted at every stop`, { timeout: 600_000 }, () => {
    let stops = 0;
    for (let i = 0; i < NESTS; i++) {
      const seed = SEED * 1_000_003 + i;
      const code = nestProgram(new Random(seed));
      if (code.length > TANGLE_CODE_BYTES) continue;
      const { notes, difference } = compare(code, seed);
      expect({ seed, difference }).toEqual({ seed, difference: undefined });
      stops += notes;
    }
    // Programs that end at once would show nothing.
    expect(stops).toBeGreaterThan(NESTS * 50);
  });
});
