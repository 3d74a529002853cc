import { describe, expect, it, vi } from 'vitest';
import { Shelf } from '../differential/shelf.ts';
import { HELPER_EXPORT } from '../interpreter/exports.ts';
import { BASE_WASM_PAGES } from '../layout.ts';
import { v8Version, withV8Flag } from '../v8-flags.ts';

const ADD = `${HELPER_EXPORT}add64`;
const MULTIPLY = `${HELPER_EXPORT}mul64`;
const ONE = 0x3ff0_0000_0000_0000n;
const TWO = 0x4000_0000_0000_0000n;
const NEAREST_EVEN = 0;

/** Has V8 optimise a function at once. */
function optimise(func: unknown): void {
  withV8Flag('--allow-natives-syntax', '--no-allow-natives-syntax', () => {
    new Function('func', '%WasmTierUpFunction(func)')(func);
  });
}

/** A process in which these helpers are optimised; gives how many were so at its beginning. */
async function inProcess(shelf: Shelf, ...names: readonly string[]): Promise<number> {
  vi.resetModules();
  const { helpersOver } = await import('./helpers.ts');
  const { optimisedIn } = await import('../host-code.ts');
  const store = shelf.open();
  const memory = new WebAssembly.Memory({ initial: BASE_WASM_PAGES, maximum: 65536 });
  const helpers = helpersOver(memory, store);
  const before = optimisedIn(Object.values(helpers));
  const add = helpers[ADD] as (a: bigint, b: bigint, mode: number) => bigint;
  expect(add(ONE, ONE, NEAREST_EVEN)).toBe(TWO);
  for (const name of names) optimise(helpers[name]);
  store.end();
  return before;
}

const kept = (shelf: Shelf): unknown => [...shelf.values.values()].map((value) => (value as { optimised: number }).optimised);

describe.runIf(v8Version === '11')('machine code of the helpers, in V8 11', () => {
  it('is kept once some are optimised, and again when more are', async () => {
    const shelf = new Shelf();
    expect(await inProcess(shelf)).toBe(0);
    expect(kept(shelf)).toEqual([]);
    await inProcess(shelf, ADD);
    expect(kept(shelf)).toEqual([1]);
    expect(await inProcess(shelf, MULTIPLY)).toBe(1);
    expect(kept(shelf)).toEqual([2]);
    expect(await inProcess(shelf)).toBe(2);
    expect(kept(shelf)).toEqual([2]);
  });
});
