import { FORGETFUL } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { Engine } from './engine.ts';
import { BASE_WASM_PAGES } from './layout.ts';
import { ModuleBuilder } from './wasm/module.ts';

/** A module that puts one function into the table. */
function oneFunction(): WebAssembly.Module {
  const module = new ModuleBuilder(BASE_WASM_PAGES);
  module.importTable();
  module.placeInTable([module.function([], undefined, () => undefined)]);
  return new WebAssembly.Module(module.finish());
}

describe('an engine that is given back', () => {
  it('is the next space’s, as it was', () => {
    const engine = Engine.take(FORGETFUL);
    const { table, run } = engine;
    engine.release(() => undefined);
    expect(Engine.take(FORGETFUL)).toBe(engine);
    expect([engine.table, engine.run]).toEqual([table, run]);
    expect(engine.table).toBe(table);
  });

  it('lets go of translated code, which its table would keep', () => {
    const engine = Engine.take(FORGETFUL);
    const { table } = engine;
    const module = oneFunction();
    engine.place(module, 1);
    expect(table.get(1)).not.toBeNull();
    engine.release(() => undefined);
    const again = Engine.take(FORGETFUL);
    expect(again).toBe(engine);
    expect(again.table).not.toBe(table);
    again.place(module, 2);
    expect([1, 2].map((index) => again.table.get(index) === null)).toEqual([true, false]);
  });

  it('is of no use to anybody when it is too large to be kept', () => {
    const engine = Engine.take(FORGETFUL);
    expect(engine.reach(0x1000_0000)).toBe(true);
    engine.place(oneFunction(), 1);
    engine.release(() => undefined);
    expect(Engine.take(FORGETFUL)).not.toBe(engine);
    expect([engine.u8, engine.views.u8].map(({ length }) => length)).toEqual([0, 0]);
    expect(engine.table.length).toBe(0);
    expect(() => engine.place(oneFunction(), 2)).toThrow('given back');
    expect(() => engine.reach(0x1000_0000)).toThrow('given back');
  });
});
