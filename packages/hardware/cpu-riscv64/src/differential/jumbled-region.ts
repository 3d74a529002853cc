import fc from 'fast-check';
import { type Block, exploreRegion, type Region, successors } from '../translator/region.ts';
import * as Word from './words.ts';

/** Where these regions begin. */
export const START = 0x1_0000;
export const [A0, A1, A3] = [10, 11, 13] as const;

/** `seeds`: where the region was found, as numbers of words. */
export function regionOf(words: readonly number[], seeds: readonly number[] = [0]): Region {
  const halves = new Uint16Array(Uint32Array.from(words).buffer);
  const view = { half: (pc: number) => halves[(pc - START) / 2] ?? -1, taken: () => false, reached: () => true };
  const at = seeds.map((i) => START + i * 4);
  return exploreRegion(view, at) as Region;
}

const word = fc.oneof(fc.record({ to: fc.nat(31), register: fc.constantFrom(A0, A1, A3) }), fc.constant(undefined));

/** Of branches to anywhere in it, entered in a few places. */
export const jumbledRegion: fc.Arbitrary<Region> = fc
  .record({ code: fc.array(word, { minLength: 4, maxLength: 32 }), seeds: fc.array(fc.nat(31), { maxLength: 4 }) })
  .map(({ code, seeds }) => {
    const words = code.map((jump, i) =>
      jump === undefined ? Word.addi(A0, A0, 1) : Word.bnez(jump.register, ((jump.to % code.length) - i) * 4),
    );
    return regionOf(words, [0, ...seeds.map((seed) => seed % code.length)]);
  });

/** The addresses that a block leads to. */
export const addressesAfter = (region: Region, block: Block): readonly number[] =>
  successors(region, block).map((to) => (region.blocks.get(to) as Block).address);
