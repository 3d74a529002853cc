import * as v8 from 'node:v8';
import { describe, expect, it, vi } from 'vitest';
import { ModestGrowth } from './heap-growth.ts';
import { hostCodeOf, type UnderFlags, withHostCode } from './host-code.ts';
import { v8Version, withoutInlining, withV8Flag } from './v8-flags.ts';
import { i32 } from './wasm/expression.ts';
import { ModuleBuilder } from './wasm/module.ts';

const plainly: UnderFlags = (make) => make();
const memory = new WebAssembly.Memory({ initial: 0 });

/** `more`: what it adds besides. The host has code once for all modules of the same bytes. */
function doubler(more = 0): {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly module: WebAssembly.Module;
  readonly double: (n: number) => number;
} {
  const builder = new ModuleBuilder(0);
  builder.function(['i32'], 'i32', (code, [n]) => code.return(i32.add(i32.add(n, n), i32.const(more))), 'double');
  const bytes = builder.finish();
  const module = new WebAssembly.Module(bytes);
  return { bytes, module, double: doubleOf(module) };
}

const doubleOf = (module: WebAssembly.Module): ((n: number) => number) =>
  new WebAssembly.Instance(module, { env: { memory } }).exports.double as (n: number) => number;

/** Has V8 optimise a function at once. */
function optimise(func: unknown): void {
  withV8Flag('--allow-natives-syntax', '--no-allow-natives-syntax', () => {
    new Function('func', '%WasmTierUpFunction(func)')(func);
  });
}

/** The machine code of a module of which one function was optimised; undefined, as it must be, where nobody has tried to get it. */
function codeOf(module: WebAssembly.Module, double: (n: number) => number): ArrayBuffer | undefined {
  const known = v8Version === '11';
  if (known) optimise(double);
  const code = hostCodeOf(module, plainly, () => [double]);
  expect(code !== undefined).toBe(known);
  return code;
}

describe('machine code of a module', () => {
  it('is there only once something of it was optimised', () => {
    const { module, double } = doubler();
    expect(double(21)).toBe(42);
    expect(hostCodeOf(module, plainly, () => [double])).toBeUndefined();
    codeOf(module, double);
  });

  it('is waited for where the optimiser is at it, and no longer than told', () => {
    const { module, double } = doubler(1);
    const { now } = performance;
    let waits = 0;
    vi.spyOn(Atomics, 'wait').mockImplementation(() => {
      if (++waits === 3) optimise(double);
      return 'timed-out';
    });
    vi.spyOn(performance, 'now').mockImplementation(() => now.call(performance) + waits * 2);
    const other = doubler(2);
    expect(hostCodeOf(other.module, plainly, () => [other.double], 4)).toBeUndefined();
    expect(waits).toBe(v8Version === '11' ? 2 : 0);
    const code = hostCodeOf(module, plainly, () => [double], 10_000);
    expect(code !== undefined).toBe(v8Version === '11');
    expect(waits).toBe(v8Version === '11' ? 3 : 0);
    vi.restoreAllMocks();
  });

  it('makes a module that is optimised from the start', () => {
    const { bytes, module, double } = doubler();
    const code = codeOf(module, double);
    if (code === undefined) return;
    const again = withHostCode(structuredClone(bytes), structuredClone(code), plainly) as WebAssembly.Module;
    const other = doubleOf(again);
    expect(hostCodeOf(again, plainly, () => [other])).toBeInstanceOf(ArrayBuffer);
    expect(other(-4)).toBe(-8);
  });

  it('is of no use under other flags', () => {
    const { bytes, module, double } = doubler();
    const code = codeOf(module, double);
    if (code === undefined) return;
    const otherwise: UnderFlags = (make) => withV8Flag('--no-wasm-loop-unrolling', '--wasm-loop-unrolling', make);
    expect(withHostCode(bytes, code, otherwise)).toBeUndefined();
    expect(withHostCode(bytes, code, plainly)).toBeInstanceOf(WebAssembly.Module);
  });

  it('is the same while V8’s heap is to grow modestly', () => {
    const { bytes, module, double } = doubler();
    const statistics = (): v8.HeapSpaceInfo[] =>
      v8.getHeapSpaceStatistics().map((space) => ({ ...space, space_size: Math.max(space.space_size, 2 ** 24) }));
    const { getBuiltinModule } = process;
    vi.spyOn(process, 'getBuiltinModule').mockImplementation((name: string) =>
      name === 'node:v8' ? { ...v8, getHeapSpaceStatistics: statistics } : getBuiltinModule(name),
    );
    const growth = new ModestGrowth();
    growth.wishIfEnough();
    const code = codeOf(module, double);
    growth.end();
    vi.restoreAllMocks();
    if (code !== undefined) expect(withHostCode(bytes, code, plainly)).toBeInstanceOf(WebAssembly.Module);
  });

  it('is of use also where something is being translated', () => {
    const { bytes, module, double } = doubler();
    const code = codeOf(module, double);
    if (code === undefined) return;
    expect(withoutInlining(() => withHostCode(bytes, code, plainly))).toBeInstanceOf(WebAssembly.Module);
    expect(withHostCode(bytes, withoutInlining(() => codeOf(module, double)) as ArrayBuffer, plainly)).toBeInstanceOf(WebAssembly.Module);
  });
});
