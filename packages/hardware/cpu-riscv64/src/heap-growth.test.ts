import * as v8 from 'node:v8';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ModestGrowth, withModestGrowth, withUsualGrowth } from './heap-growth.ts';
import { v8Version } from './v8-flags.ts';

const AS_A_RULE = '--semi-space-growth-factor=2 --heap-growing-percent=0';
const MODESTLY = '--semi-space-growth-factor=1 --heap-growing-percent=25';

/** Flags that are set for the wish: in the version that they were tried on, and none in others. */
const wished = (...flags: readonly string[]): readonly string[] => (v8Version === '11' ? flags : []);

describe('the wish that V8’s heap grow modestly', () => {
  const flags: string[] = [];
  let newSpaceMib = 8;
  let isMain = true;
  beforeEach(() => {
    const getHeapSpaceStatistics = (): object[] => [
      { space_name: 'old_space', space_size: 2 ** 30 },
      { space_name: 'new_space', space_size: newSpaceMib * 2 ** 20 },
    ];
    const setFlagsFromString = (flag: string): void => void flags.push(flag);
    const threads = {
      get isMainThread() {
        return isMain;
      },
    };
    const modules = { 'node:v8': { ...v8, getHeapSpaceStatistics, setFlagsFromString }, 'node:worker_threads': threads };
    vi.spyOn(process, 'getBuiltinModule').mockImplementation((name) => modules[name as keyof typeof modules]);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    flags.length = 0;
    [newSpaceMib, isMain] = [8, true];
  });

  it('waits until new space is large enough', () => {
    const growth = new ModestGrowth();
    newSpaceMib = 7;
    growth.wishIfEnough();
    expect(flags).toEqual([]);
    growth.end();
    newSpaceMib = 8;
    growth.wishIfEnough();
    expect(flags).toEqual(wished(MODESTLY));
    growth.end();
    expect(flags).toEqual(wished(MODESTLY, AS_A_RULE));
  });

  it('counts until the last who has it has it no more', () => {
    const [one, other] = [new ModestGrowth(), new ModestGrowth()];
    for (const growth of [one, other, one]) growth.wishIfEnough();
    one.end();
    one.end();
    expect(flags).toEqual(wished(MODESTLY));
    other.wishIfEnough();
    other.end();
    expect(flags).toEqual(wished(MODESTLY, AS_A_RULE));
  });

  it('does not count for what is made under the usual flags', () => {
    const growth = new ModestGrowth();
    growth.wishIfEnough();
    expect(withUsualGrowth(() => [...flags])).toEqual([...wished(MODESTLY), AS_A_RULE]);
    expect(flags.slice(-1)).toEqual(v8Version === '11' ? [MODESTLY] : [AS_A_RULE]);
    growth.end();
    expect(withUsualGrowth(() => flags.at(-1))).toBe(AS_A_RULE);
    expect(flags.at(-1)).toBe(AS_A_RULE);
  });

  it('is over when what was done with it has failed', () => {
    const fail = (): never => {
      throw new Error('no room');
    };
    expect(() => withModestGrowth(fail)).toThrow('no room');
    expect(flags).toEqual(wished(MODESTLY, AS_A_RULE));
    expect(withModestGrowth(() => [...flags])).toEqual(wished(MODESTLY, AS_A_RULE, MODESTLY));
  });

  it('is not had by threads, which may end before they set the flags back', () => {
    isMain = false;
    const growth = new ModestGrowth();
    growth.wishIfEnough();
    growth.end();
    expect(flags).toEqual([]);
  });
});
