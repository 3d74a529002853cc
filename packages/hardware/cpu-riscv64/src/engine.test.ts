import { FORGETFUL } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { Engine } from './engine.ts';

/** A module that needs nothing and does nothing. */
const EMPTY = new WebAssembly.Module(Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));

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
    engine.place(EMPTY, 1);
    engine.release(() => undefined);
    const again = Engine.take(FORGETFUL);
    expect(again).toBe(engine);
    expect(again.table).not.toBe(table);
    expect(again.imports.table).toBe(again.table);
  });
});
