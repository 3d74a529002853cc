import { describe, expect, it } from 'vitest';
import { ANY_CALLEE, CALLEES, CALLEES_BYTES } from '../layout.ts';
import { forgetCallees, seenCallees } from './seen-callees.ts';

const CALL = 0x1_0000;
const CALLED = [CALL + 0x100, CALL + 0x200, CALL + 0x300] as const;

describe('seen callees', () => {
  const words = (...seen: readonly number[]): Uint32Array => {
    const all = new Uint32Array((CALLEES + CALLEES_BYTES) / 4);
    all.set(seen, CALLEES / 4);
    return all;
  };

  it('are those that are noted of a call', () => {
    expect(seenCallees(words(CALL, CALLED[0], CALLED[1], 0), CALL)).toEqual(CALLED.slice(0, 2));
    expect(seenCallees(words(CALL, ...CALLED), CALL)).toEqual(CALLED);
  });

  it('are none where another call is noted, or too many', () => {
    expect(seenCallees(words(CALL, ...CALLED), CALL + CALLEES_BYTES / 8)).toEqual([]);
    expect(seenCallees(words(CALL, ANY_CALLEE, CALLED[1], CALLED[2]), CALL)).toEqual([]);
  });

  it('are forgotten', () => {
    const all = words(CALL, ...CALLED);
    forgetCallees(all);
    expect(all.every((word) => word === 0)).toBe(true);
  });
});
