import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as Layout from '../layout.ts';
import { i32 } from '../wasm/expression.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import type { Term } from './extents.ts';
import type { Moving, Reach } from './reaches.ts';
import type { Version } from './versions.ts';
import { isWithinPages, movesWithin } from './windows.ts';

const { PAGE_SIZE } = Layout;
const [BASE, ADDED, INDEX] = [10, 11, 12] as const;
const REFUSED = -(2 ** 31);
/** Pages that have permissions here, from the first on. */
const PAGES = 24;

type Moves = (base: bigint, added: bigint, index: bigint) => number;

/** What an admission looks at, but for how its numbers are counted. */
type Looked = Pick<Version, 'reaches' | 'naturals' | 'turns'>;

/** What is found of a loop; REFUSED where it goes to `fail`. */
function found(memory: WebAssembly.Memory, looked: Looked): Moves {
  const module = new ModuleBuilder(Layout.BASE_WASM_PAGES);
  const callee = module.function(['i64', 'i64', 'i64'], 'i32', (code, [base, added, index]) => {
    const integers = { value: (r: number) => (r === BASE ? base : r === ADDED ? added : index) };
    code.block((fail) => {
      code.return(movesWithin({ code, version: { ...looked, zeros: [] } as unknown as Version, integers }, fail));
    });
    code.return(i32.const(REFUSED));
    code.unreachable();
  });
  module.export('moves', callee);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), { env: { memory } });
  return exports.moves as Moves;
}

/** Whether a reach is allowed after each of so many moves to so many, with all pages between. */
function isAllowed(
  permissions: readonly number[],
  { low, high, right, stride, added }: Reach,
  base: number,
  by: number,
  moves: readonly [number, number],
): boolean {
  const places = moves.map((count) => base + low + count * (stride + (added.length === 0 ? 0 : by)));
  const [first, last] = [Math.min(...places), Math.max(...places) + high - low];
  for (let page = Math.floor(first / PAGE_SIZE); page <= Math.floor(last / PAGE_SIZE); page++) {
    if (((permissions[page] ?? 0) & right) === 0) return false;
  }
  return true;
}

/** Whether what has to be natural is after each of so many moves. */
function areNatural(naturals: readonly Moving[], index: number, by: number, moves: readonly number[]): boolean {
  return naturals.every(({ terms, low, high, stride, added }) =>
    moves.every((count) => {
      const first = index * (terms[0] as Term).times + low + count * (stride + (added.length === 0 ? 0 : by));
      return first >= 0 && first + high - low < 2 ** 31;
    }),
  );
}

/** Whether any reach would leave its page with one move more. */
const endsPage = (reaches: readonly Reach[], base: number, moves: number): boolean =>
  reaches.some(({ low, high, stride }) => {
    const first = base + low + (moves + 1) * stride;
    return (
      Math.floor(first / PAGE_SIZE) !== Math.floor((first + high - low) / PAGE_SIZE) ||
      Math.floor(first / PAGE_SIZE) !== Math.floor((base + low) / PAGE_SIZE)
    );
  });

const reach = fc
  .record({
    low: fc.integer({ min: -40, max: 40 }),
    span: fc.oneof(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 0, max: 8191 })),
    right: fc.constantFrom(Layout.Perm.READ, Layout.Perm.WRITE),
    stride: fc.oneof(fc.constantFrom(-16, -8, -1, 0, 1, 4, 8), fc.integer({ min: -5000, max: 5000 })),
    isAdded: fc.nat(9),
  })
  .map(({ low, span, right, stride, isAdded }): Reach => {
    const added = isAdded === 0 && stride >= 0 ? [{ register: ADDED, times: 1 }] : [];
    return { terms: [{ register: BASE, times: 1 }], low, high: low + span, right, stride, added };
  });

const natural = fc
  .record({
    times: fc.constantFrom(1, 1, 3, 4),
    low: fc.integer({ min: -40, max: 40 }),
    span: fc.integer({ min: 0, max: 70 }),
    stride: fc.oneof(fc.constantFrom(-4, -3, -1, 0, 1, 4), fc.integer({ min: -5000, max: 500_000 })),
    isAdded: fc.nat(4),
  })
  .map(({ times, low, span, stride, isAdded }): Moving => {
    const added = isAdded === 0 && stride >= 0 ? [{ register: ADDED, times: 1 }] : [];
    return { terms: [{ register: INDEX, times }], low, high: low + span, stride, added };
  });

/** Moves that are found at least where what has to be natural is for so many and somewhat more. */
const NATURAL_MOVES = 4096;

describe('how often accesses can move', () => {
  it('is found so that all of them are allowed, and not much too small', () => {
    const memory = new WebAssembly.Memory({ initial: Layout.BASE_WASM_PAGES });
    const bytes = new Uint8Array(memory.buffer);
    const { READ, WRITE } = Layout.Perm;
    const permission = fc.oneof({ weight: 6, arbitrary: fc.constant(READ | WRITE) }, fc.constant(READ), fc.constant(0));
    const input = fc.record({
      reaches: fc.array(reach, { minLength: 1, maxLength: 3 }),
      naturals: fc.array(natural, { maxLength: 2 }),
      turns: fc.constantFrom(1, 1, 4),
      permissions: fc.array(permission, { minLength: PAGES, maxLength: PAGES }),
      base: fc.oneof(
        fc.nat(PAGES * PAGE_SIZE),
        fc.tuple(fc.nat(PAGES), fc.integer({ min: -80, max: 80 })).map(([page, at]) => page * PAGE_SIZE + at),
      ),
      index: fc.oneof(
        ...[0, 2 ** 12, 2 ** 29, 2 ** 31, -(2 ** 31), 2 ** 32].map((place) => fc.integer({ min: place - 20_000, max: place + 20_000 })),
      ),
      by: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 9000 }) }, fc.integer({ min: -9000, max: 0 })),
    });
    fc.assert(
      fc.property(input, ({ reaches, naturals, turns, permissions, base, index, by }) => {
        // Nothing is ever mapped in the lowest page.
        permissions[0] = 0;
        bytes.set(permissions, Layout.PERMS);
        const moves = found(memory, { reaches, naturals, turns })(BigInt(base), BigInt(by), BigInt(index));
        const all = (from: number, to: number): boolean => reaches.every((one) => isAllowed(permissions, one, base, by, [from, to]));
        if (moves >= 1) expect([all(0, 0), all(moves, moves), areNatural(naturals, index, by, [0, moves])]).toEqual([true, true, true]);
        if (by < 1 && [...reaches, ...naturals].some(({ added }) => added.length > 0)) expect(moves).toBe(REFUSED);
        const far = Math.max(...reaches.map(({ stride, added }) => Math.abs(stride) + (added.length === 0 ? 0 : by)));
        const span = Math.max(...reaches.map(({ low, high }) => high - low));
        // As often as they surely stay in their window, if all is allowed there; in their page, where they end is known.
        const sure = Math.floor((6 * PAGE_SIZE - span) / Math.max(1, far));
        if (!isWithinPages({ reaches, turns } as unknown as Version)) {
          const most = naturals.length === 0 ? sure : Math.min(sure, NATURAL_MOVES);
          // Upward they are to be natural for all moves that might be found; downward as long as it takes.
          const areAll = naturals.every((one) => {
            const isFar = one.added.length > 0 && by > 8 * PAGE_SIZE;
            return !isFar && areNatural([one], index, by, [0, one.stride < 0 ? most : NATURAL_MOVES]);
          });
          if (by > 0 && most > 0 && all(0, most) && areAll) expect(moves).toBeGreaterThanOrEqual(most);
        } else if (moves >= 1 && naturals.length === 0) {
          expect(far === 0 || endsPage(reaches, base, moves)).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
