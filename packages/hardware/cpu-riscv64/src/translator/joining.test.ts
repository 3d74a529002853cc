import { describe, expect, it } from 'vitest';
import * as Word from '../differential/words.ts';
import { compile, join } from './compilation.ts';
import type { Shape } from './shape.ts';

const START = 0x1_0000;
const FAR = 0x8_0000;
const [RA, A0, A1] = [1, 10, 11] as const;
const RET = Word.jalr(0, RA, 0);

/** Shapes of the regions that are made of a program, by address of its words, where some addresses are hot. */
function shapesOf(program: Readonly<Record<number, readonly number[]>>, hot: readonly number[], regionMax = 1500): readonly Shape[] {
  const words = new Map(Object.entries(program).flatMap(([at, list]) => list.map((word, i) => [Number(at) + 4 * i, word] as const)));
  const half = (pc: number): number => {
    const word = words.get(pc & ~3);
    return word === undefined ? -1 : (word >>> ((pc & 2) * 8)) & 0xffff;
  };
  const made = compile({
    ...{ hot, warm: [], seen: new Set<number>(), code: { half, reached: () => true, calleesOf: () => [] } },
    ...{
      placement: { ownerOf: () => undefined, switching: () => [] },
      eager: false,
      regionMax,
      copiedMax: 0,
      entriesApart: false,
      fuses: false,
      lasts: false,
    },
  });
  return made?.shapes ?? [];
}

const sizes = (shapes: readonly Shape[]): readonly number[] => shapes.map(({ instructions }) => instructions);
const adds = (count: number): number[] => Array.from({ length: count }, () => Word.addi(A0, A0, 1));

describe('joining', () => {
  it('makes one region of what was cut', () => {
    const program = { [START]: [...adds(30), Word.bnez(A1, 4), ...adds(30), RET] };
    const parts = [START, START + 88, START + 176].flatMap((pc) => shapesOf(program, [pc], 22));
    expect(sizes(parts)).toEqual([22, 22, 18]);
    const joined = join(parts, false);
    expect(sizes(joined?.shapes ?? [])).toEqual([62]);
    expect(joined?.joined).toEqual(parts);
    expect(joined?.shapes[0]?.entries).toEqual(parts.flatMap(({ entries }) => entries));
  });

  it('has what does not fit into a region in others', () => {
    const program = { [START]: [...adds(900), Word.bnez(A1, 4), ...adds(900), Word.bnez(A1, 4), ...adds(900), RET] };
    const parts = [0, 901, 1802].flatMap((n) => shapesOf(program, [START + 4 * n], 901));
    expect(sizes(parts)).toEqual([901, 901, 901]);
    const all = sizes(join(parts, false)?.shapes ?? []);
    expect(all.reduce((sum, size) => sum + size)).toBe(2703);
    expect(Math.max(...all)).toBeLessThanOrEqual(1500);
  });

  it('leaves out what was not reached, and code that is not what newer regions have there', () => {
    const old = shapesOf({ [START]: [...adds(3), RET], [FAR]: [...adds(5), RET] }, [START, FAR]);
    const young = shapesOf({ [START]: [...adds(2), RET] }, [START]);
    const joined = join([...young, ...old], false);
    expect(sizes(joined?.shapes ?? [])).toEqual([3, 6]);
    expect(joined?.joined).toEqual([young[0], old[1]]);
  });

  it('copies larger functions into their callers where there are few', () => {
    const program = (others: number): Record<number, readonly number[]> => ({
      [START]: [Word.jal(RA, FAR - START), Word.addi(A1, A1, -1), Word.bnez(A1, -8), RET],
      [FAR]: [...adds(40), RET],
      ...Object.fromEntries(Array.from({ length: others }, (_, i) => [2 * FAR + 0x1000 * i, [...adds(3), RET]])),
    });
    const copiedIn = (others: number): number => {
      const shapes = shapesOf(program(others), Object.keys(program(others)).map(Number));
      expect(shapes.every(({ copied }) => copied.length === 0)).toBe(true);
      return join(shapes, false)?.copiedInstructions ?? -1;
    };
    expect(copiedIn(10)).toBe(41);
    expect(copiedIn(30)).toBe(0);
  });

  it('is of nothing where there is nothing', () => {
    expect(join([], false)).toBeUndefined();
  });
});
