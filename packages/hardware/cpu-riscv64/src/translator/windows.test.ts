import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as Layout from '../layout.ts';
import { i32 } from '../wasm/expression.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import type { Reach, Version } from './versions.ts';
import { isWithinPages, movesWithin } from './windows.ts';

const { PAGE_SIZE } = Layout;
const [BASE, ADDED] = [10, 11] as const;
const REFUSED = -(2 ** 31);
/** Pages that have permissions here, from the first on. */
const PAGES = 24;

type Moves = (base: bigint, added: bigint) => number;

/** What is found of a loop with these reaches; REFUSED where it goes to `fail`. */
function found(memory: WebAssembly.Memory, reaches: readonly Reach[], turns: number): Moves {
  const module = new ModuleBuilder(Layout.BASE_WASM_PAGES);
  const callee = module.function(['i64', 'i64'], 'i32', (code, [base, added]) => {
    const integers = { value: (r: number) => (r === BASE ? base : added) };
    code.block((fail) => {
      code.return(movesWithin({ code, version: { reaches, turns } as unknown as Version, integers }, fail));
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
  const places = moves.map((count) => base + low + count * (stride + (added === 0 ? 0 : by)));
  const [first, last] = [Math.min(...places), Math.max(...places) + high - low];
  for (let page = Math.floor(first / PAGE_SIZE); page <= Math.floor(last / PAGE_SIZE); page++) {
    if (((permissions[page] ?? 0) & right) === 0) return false;
  }
  return true;
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
    const added = isAdded === 0 && stride >= 0 ? 1 << ADDED : 0;
    return { roots: 1 << BASE, low, high: low + span, right, stride, added };
  });

describe('how often accesses can move', () => {
  it('is found so that all of them are allowed, and not much too small', () => {
    const memory = new WebAssembly.Memory({ initial: Layout.BASE_WASM_PAGES });
    const bytes = new Uint8Array(memory.buffer);
    const { READ, WRITE } = Layout.Perm;
    const permission = fc.oneof({ weight: 6, arbitrary: fc.constant(READ | WRITE) }, fc.constant(READ), fc.constant(0));
    const input = fc.record({
      reaches: fc.array(reach, { minLength: 1, maxLength: 3 }),
      turns: fc.constantFrom(1, 1, 4),
      permissions: fc.array(permission, { minLength: PAGES, maxLength: PAGES }),
      base: fc.oneof(
        fc.nat(PAGES * PAGE_SIZE),
        fc.tuple(fc.nat(PAGES), fc.integer({ min: -80, max: 80 })).map(([page, at]) => page * PAGE_SIZE + at),
      ),
      by: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 9000 }) }, fc.integer({ min: -9000, max: 0 })),
    });
    fc.assert(
      fc.property(input, ({ reaches, turns, permissions, base, by }) => {
        // Nothing is ever mapped in the lowest page.
        permissions[0] = 0;
        bytes.set(permissions, Layout.PERMS);
        const moves = found(memory, reaches, turns)(BigInt(base), BigInt(by));
        const all = (from: number, to: number): boolean => reaches.every((one) => isAllowed(permissions, one, base, by, [from, to]));
        if (moves >= 1) expect([all(0, 0), all(moves, moves)]).toEqual([true, true]);
        if (by < 1 && reaches.some(({ added }) => added !== 0)) expect(moves).toBe(REFUSED);
        const far = Math.max(...reaches.map(({ stride, added }) => Math.abs(stride) + (added === 0 ? 0 : by)));
        const span = Math.max(...reaches.map(({ low, high }) => high - low));
        // As often as they surely stay in their window, if all is allowed there; in their page, where they end is known.
        const sure = Math.floor((6 * PAGE_SIZE - span) / Math.max(1, far));
        if (!isWithinPages({ reaches, turns } as unknown as Version)) {
          if (by > 0 && sure > 0 && all(0, sure)) expect(moves).toBeGreaterThanOrEqual(sure);
        } else if (moves >= 1) {
          expect(far === 0 || endsPage(reaches, base, moves)).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
