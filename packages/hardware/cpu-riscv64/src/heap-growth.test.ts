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
  let newSpaceMib = 4;
  let isMain = true;
  beforeEach(() => {
    vi.useFakeTimers();
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
    vi.runAllTimers();
    vi.useRealTimers();
    vi.restoreAllMocks();
    flags.length = 0;
    [newSpaceMib, isMain] = [4, true];
  });

  it('waits until new space is large enough', () => {
    const growth = new ModestGrowth();
    newSpaceMib = 3;
    growth.wishIfEnough();
    expect(flags).toEqual([]);
    growth.end();
    newSpaceMib = 4;
    growth.wishIfEnough();
    expect(flags).toEqual(wished(MODESTLY));
    growth.end();
    vi.runAllTimers();
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
    vi.runAllTimers();
    expect(flags).toEqual(wished(MODESTLY, AS_A_RULE));
  });

  it('is gone on with for a moment, since one guest often follows another', () => {
    const [one, other] = [new ModestGrowth(), new ModestGrowth()];
    one.wishIfEnough();
    one.end();
    vi.advanceTimersByTime(999);
    other.wishIfEnough();
    vi.advanceTimersByTime(5000);
    expect(flags).toEqual(wished(MODESTLY));
    other.end();
    vi.advanceTimersByTime(999);
    expect(flags).toEqual(wished(MODESTLY));
    vi.advanceTimersByTime(1);
    expect(flags).toEqual(wished(MODESTLY, AS_A_RULE));
  });

  it('is over when the process ends, before anybody else is told so', () => {
    const told: string[] = [];
    const other = (): void => void told.push(...flags);
    process.on('exit', other);
    const before = process.listeners('exit');
    const growth = new ModestGrowth();
    growth.wishIfEnough();
    for (const listener of process.listeners('exit')) if (listener === other || !before.includes(listener)) listener(0);
    expect(told).toEqual(wished(MODESTLY, AS_A_RULE));
    expect(process.listeners('exit')).toEqual(before);
    process.off('exit', other);
    growth.end();
  });

  it('does not count for what is made under the usual flags', () => {
    const growth = new ModestGrowth();
    growth.wishIfEnough();
    expect(withUsualGrowth(() => [...flags])).toEqual([...wished(MODESTLY), AS_A_RULE]);
    expect(flags.slice(-1)).toEqual(v8Version === '11' ? [MODESTLY] : [AS_A_RULE]);
    growth.end();
    vi.runAllTimers();
    expect(withUsualGrowth(() => flags.at(-1))).toBe(AS_A_RULE);
    expect(flags.at(-1)).toBe(AS_A_RULE);
  });

  it('is over when what was done with it has failed', () => {
    const fail = (): never => {
      throw new Error('no room');
    };
    expect(() => withModestGrowth(fail)).toThrow('no room');
    vi.runAllTimers();
    expect(flags).toEqual(wished(MODESTLY, AS_A_RULE));
    expect(withModestGrowth(() => [...flags])).toEqual(wished(MODESTLY, AS_A_RULE, MODESTLY));
  });

  it('is not had by threads, which may end before they set the flags back', () => {
    isMain = false;
    const growth = new ModestGrowth();
    growth.wishIfEnough();
    growth.end();
    vi.runAllTimers();
    expect(flags).toEqual([]);
  });
});
