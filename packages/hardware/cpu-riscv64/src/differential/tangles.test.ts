import { describe, expect, it } from 'vitest';
import { inlineCalls } from '../translator/inlining.ts';
import { exploreRegion, type Region } from '../translator/region.ts';
import { Random } from './random.ts';
import { compare } from './stops.ts';
import { TANGLE_CODE, tangle } from './tangles.ts';

/** Environment: ASHLAR_TANGLES and ASHLAR_SEED for other runs than the usual one. */
const TANGLES = Number(process.env.ASHLAR_TANGLES ?? 400);
const SEED = Number(process.env.ASHLAR_SEED ?? 1);

/** Ends of what is copied of small functions. */
function* copiedEnds(code: Uint8Array): Generator<string> {
  const halves = new Uint16Array(code.buffer, 0, code.length >> 1);
  const view = { half: (pc: number) => halves[(pc - TANGLE_CODE) / 2] ?? -1, taken: () => false, reached: () => true };
  const region = exploreRegion(view, [TANGLE_CODE]) as Region;
  for (const { start, address, end } of inlineCalls(region, view, { most: 64, regionMost: 1500, isOften: () => true }).blocks.values()) {
    if (start !== address) yield end.kind;
  }
}

describe('programs with tangled control flow', () => {
  it(`${TANGLES} of them, seed ${SEED}, are the same translated and interpreted at every stop`, { timeout: 600_000 }, () => {
    let stops = 0;
    const copied = new Map<string, number>();
    for (let i = 0; i < TANGLES; i++) {
      const seed = SEED * 1_000_003 + i;
      const code = tangle(new Random(seed));
      const { notes, difference } = compare(code, seed);
      expect({ seed, difference }).toEqual({ seed, difference: undefined });
      stops += notes;
      for (const kind of copiedEnds(code)) copied.set(kind, (copied.get(kind) ?? 0) + 1);
    }
    // Programs that end at once would show nothing.
    expect(stops).toBeGreaterThan(TANGLES * 8);
    for (const kind of ['go', 'back', 'call', 'callIndirect', 'system'])
      expect({ kind, often: (copied.get(kind) ?? 0) > TANGLES / 20 }).toEqual({ kind, often: true });
  });
});
