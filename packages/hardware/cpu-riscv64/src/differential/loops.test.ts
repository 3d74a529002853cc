import { describe, expect, it } from 'vitest';
import { structure } from '../translator/flow.ts';
import { exploreRegion, type Region } from '../translator/region.ts';
import { versionLoops } from '../translator/versions.ts';
import { loopProgram } from './loops.ts';
import { Random } from './random.ts';
import { compare } from './stops.ts';
import { TANGLE_CODE } from './tangles.ts';

/** Environment: ASHLAR_LOOPS and ASHLAR_SEED for other runs than the usual one. */
const LOOPS = Number(process.env.ASHLAR_LOOPS ?? 300);
const SEED = Number(process.env.ASHLAR_SEED ?? 1);

function hasVersions(code: Uint8Array): boolean {
  const halves = new Uint16Array(code.buffer);
  const view = { half: (pc: number) => halves[(pc - TANGLE_CODE) / 2] ?? -1, taken: () => false, reached: () => true };
  const region = exploreRegion(view, [TANGLE_CODE]) as Region;
  return versionLoops(region, structure(region)).versions.length > 0;
}

describe('loops', () => {
  it(`${LOOPS} of them, seed ${SEED}, are the same translated and interpreted at every stop`, { timeout: 600_000 }, () => {
    let versioned = 0;
    for (let i = 0; i < LOOPS; i++) {
      const seed = SEED * 1_000_003 + i;
      const code = loopProgram(new Random(seed));
      expect({ seed, difference: compare(code, seed).difference }).toEqual({ seed, difference: undefined });
      if (hasVersions(code)) versioned++;
    }
    // The others have accesses that may be anywhere.
    expect(versioned).toBeGreaterThan(LOOPS / 4);
  });
});
