import { describe, expect, it } from 'vitest';
import { planRegion } from '../translator/blueprint.ts';
import { structure } from '../translator/flow.ts';
import { type Plan, planGuards } from '../translator/guards.ts';
import { planMerges } from '../translator/merges.ts';
import { exploreRegion, type Region } from '../translator/region.ts';
import { planRotations } from '../translator/rotations.ts';
import { beginsLarger } from '../translator/separation.ts';
import { loopProgram } from './loops.ts';
import { Random } from './random.ts';
import { compare } from './stops.ts';
import { TANGLE_CODE } from './tangles.ts';

/** Environment: ASHLAR_LOOPS and ASHLAR_SEED for other runs than the usual one. */
const LOOPS = Number(process.env.ASHLAR_LOOPS ?? 300);
const SEED = Number(process.env.ASHLAR_SEED ?? 1);

function explored(code: Uint8Array): Region {
  const halves = new Uint16Array(code.buffer);
  const view = { half: (pc: number) => halves[(pc - TANGLE_CODE) / 2] ?? -1, taken: () => false, reached: () => true };
  return exploreRegion(view, [TANGLE_CODE]) as Region;
}

function countMerges(region: Region, counts: Record<string, number>): void {
  const { blocks } = planGuards(region, structure(region));
  for (const { start, ops } of region.blocks.values()) {
    counts.rotated = (counts.rotated ?? 0) + planRotations(ops).results.size;
    for (const merge of planMerges(ops, blocks.get(start) as Plan).values()) {
      const name = merge.kind === 'stored' ? `stored ${merge.value.kind}` : merge.kind;
      counts[name] = (counts[name] ?? 0) + 1;
    }
  }
}

describe('loops', () => {
  it(`${LOOPS} of them, seed ${SEED}, are the same translated and interpreted at every stop`, { timeout: 600_000 }, () => {
    let versioned = 0;
    let counted = 0;
    let separated = 0;
    let nested = 0;
    let indexed = 0;
    let followed = 0;
    const begun = { small: 0, longer: 0, looking: 0 };
    const merged = { rotated: 0, loaded: 0, whole: 0, left: 0, 'stored wide': 0, 'stored register': 0, 'stored registers': 0 };
    for (let i = 0; i < LOOPS; i++) {
      const seed = SEED * 1_000_003 + i;
      const code = loopProgram(new Random(seed));
      expect({ seed, difference: compare(code, seed).difference }).toEqual({ seed, difference: undefined });
      const region = explored(code);
      const { region: planned, versions } = planRegion(region, true);
      if ([...planned.blocks.keys()].some(beginsLarger)) separated++;
      if (versions.some(({ header }) => beginsLarger(header))) nested++;
      if (versions.length > 0) versioned++;
      if (versions.some(({ beginning }) => beginning?.gate === undefined && beginning?.looksAtFuel === false)) begun.small++;
      if (versions.some(({ beginning }) => beginning?.gate !== undefined)) begun.longer++;
      if (versions.some(({ beginning }) => beginning?.gate === undefined && beginning?.looksAtFuel === true)) begun.looking++;
      if (versions.some(({ naturals }) => naturals.length > 0)) indexed++;
      if (versions.some(({ zeros }) => zeros.length > 0)) followed++;
      if (versions.some(({ counting }) => counting !== undefined)) counted++;
      countMerges(region, merged);
    }
    // The others have accesses that may be anywhere.
    expect(versioned).toBeGreaterThan(LOOPS / 4);
    expect(counted).toBeGreaterThan(LOOPS / 8);
    expect(separated).toBeGreaterThan(LOOPS / 12);
    expect(nested).toBeGreaterThan(LOOPS / 40);
    expect(indexed).toBeGreaterThan(LOOPS / 8);
    expect(begun.small).toBeGreaterThan(LOOPS / 30);
    expect(begun.looking).toBeGreaterThan(LOOPS / 25);
    expect(begun.longer).toBeGreaterThan(LOOPS / 100);
    expect(followed).toBeGreaterThan(LOOPS / 20);
    for (const [kind, count] of Object.entries(merged)) expect({ kind, often: count > LOOPS / 20 }).toEqual({ kind, often: true });
  });
});
