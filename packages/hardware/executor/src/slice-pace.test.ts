import { describe, expect, it } from 'vitest';
import { SLICE_INSTRUCTIONS, SLICE_INSTRUCTIONS_MAX, SlicePace } from './slice-pace.ts';

/** What a pace gives after steps that took so long, each with all that it was given used. */
function after(...ms: readonly number[]): number {
  const pace = new SlicePace();
  for (const each of ms) pace.took(pace.instructions, each);
  return pace.instructions;
}

describe('the instructions of a step', () => {
  it('become more while steps are short, up to a limit', () => {
    expect(after(0.3)).toBe(2 * SLICE_INSTRUCTIONS);
    expect(after(0.3, 0.6)).toBe(4 * SLICE_INSTRUCTIONS);
    expect(after(0.3, 0.6, 1.2)).toBe(4 * SLICE_INSTRUCTIONS);
    expect(after(...Array.from({ length: 20 }, () => 0.1))).toBe(SLICE_INSTRUCTIONS_MAX);
  });

  it('become fewer when steps are long, down to what they are at first', () => {
    expect(after(0.3, 0.6, 40)).toBe(2 * SLICE_INSTRUCTIONS);
    expect(after(10, 10, 10)).toBe(SLICE_INSTRUCTIONS);
  });

  it('stay where a step waited', () => {
    const pace = new SlicePace();
    pace.took(pace.instructions - 1, 0.1);
    expect(pace.instructions).toBe(SLICE_INSTRUCTIONS);
  });
});
