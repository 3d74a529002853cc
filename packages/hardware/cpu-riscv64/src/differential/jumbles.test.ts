import { describe, expect, it } from 'vitest';
import { expectCallees, type ObservedCode } from '../translator/callees.ts';
import { regionModule } from '../translator/emit.ts';
import { inlineCalls } from '../translator/inlining.ts';
import { exploreRegion, type Region } from '../translator/region.ts';
import { setEntriesApart } from '../translator/resumption.ts';
import { DATA, differ, HOT, JOINED } from './directed.ts';
import { JUMBLE_CODE, type Jumble, jumble } from './jumbles.ts';
import { overdrawn } from './overdrawn.ts';
import { Random } from './random.ts';
import * as Word from './words.ts';

/** Environment: ASHLAR_JUMBLES and ASHLAR_SEED for other runs than the usual one. */
const JUMBLES = Number(process.env.ASHLAR_JUMBLES ?? 1500);
const SEED = Number(process.env.ASHLAR_SEED ?? 1);
/** Running them takes longer than planning. */
const RUN_PART = 10;

const seeds = (count: number): number[] => Array.from({ length: count }, (_, i) => SEED * 1_000_003 + i);

/** The code as a space would have it in which some of it was reached. */
function viewOf({ words, callees }: Jumble, random: Random): ObservedCode & { readonly taken: () => boolean } {
  const halves = new Uint16Array(Uint32Array.from(words).buffer);
  const unreached = new Set(words.flatMap((_, i) => (random.chance(5) ? [JUMBLE_CODE + 4 * i] : [])));
  const isWhole = random.chance(2);
  return {
    half: (pc) => halves[(pc - JUMBLE_CODE) / 2] ?? -1,
    taken: () => false,
    reached: (pc) => isWhole || !unreached.has(pc),
    calleesOf: (pc) => callees.get(pc) ?? [],
  };
}

function regionOf(code: Jumble, random: Random): Region | undefined {
  const view = viewOf(code, random);
  const other = random.chance(2) ? [JUMBLE_CODE + 4 * random.below(code.words.length)] : [];
  const found = exploreRegion(view, [JUMBLE_CODE, ...other]);
  if (found === undefined) return undefined;
  const whole = inlineCalls(expectCallees(found, view), view, { most: 64, regionMost: 1500, isOften: () => true });
  return random.chance(2) ? setEntriesApart(whole) : whole;
}

describe('code with any jumps', () => {
  it('is planned so that the fuel never goes below 0, and makes modules', { timeout: 600_000 }, () => {
    const wrong: { seed: number; over?: string; isModule: boolean }[] = [];
    let regions = 0;
    for (const seed of seeds(JUMBLES)) {
      const random = new Random(seed);
      const region = regionOf(jumble(random), random);
      if (region === undefined) continue;
      regions++;
      const lasts = random.chance(2);
      const over = overdrawn(region, lasts);
      const isModule = WebAssembly.validate(regionModule([region], { fuses: false, lasts }, { kept: 0, elided: 0 }));
      if (over !== undefined || !isModule) wrong.push({ seed, isModule, ...(over === undefined ? {} : { over }) });
    }
    expect(wrong).toEqual([]);
    expect(regions).toBeGreaterThan(JUMBLES / 2);
  });

  it('is the same translated and interpreted at every stop', { timeout: 600_000 }, () => {
    for (const seed of seeds(JUMBLES / RUN_PART)) {
      const random = new Random(seed);
      const { words } = jumble(random);
      // It comes to its end only by a fault or the last stop.
      words.push(Word.jal(0, 4 * (random.below(words.length) - words.length)));
      const registers = Object.fromEntries(
        [1, 2, 5, 6, 8, 9, 10, 11, 12, 20, 21, 22, 30].map((r) => [
          r,
          random.pick([
            JUMBLE_CODE + 4 * random.below(words.length),
            DATA + 8 * random.below(0x600),
            random.below(40),
            random.bits() * 16 + random.below(16),
          ]),
        ]),
      );
      const budgets = Array.from({ length: 300 }, () => random.between(1, random.pick([4, 30, 300])));
      const setup = { fill: seed, registers, maps: [[DATA, 0x3000, 3]] } as const;
      const translation = random.pick([HOT, JOINED, 'eager'] as const);
      const difference = differ(words, setup, translation, (stop) => budgets[stop] as number, budgets.length);
      expect({ seed, difference }).toEqual({ seed, difference: undefined });
    }
  });
});
