import { describe, expect, it } from 'vitest';
import { SpareBuffers } from './spare-buffers.ts';

describe('SpareBuffers', () => {
  it('gives out what was given back, of the same length only', () => {
    const spare = new SpareBuffers();
    const bytes = spare.take(4096).fill(7);
    spare.give(bytes.buffer);
    expect(spare.take(8192).every((byte) => byte === 0)).toBe(true);
    expect(spare.take(4096).buffer).toBe(bytes.buffer);
    expect(spare.take(4096).buffer).not.toBe(bytes.buffer);
  });

  it('keeps 4 MiB and no more', () => {
    const spare = new SpareBuffers();
    const given = [1, 2, 3, 4, 5].map(() => new ArrayBuffer(1 << 20));
    for (const buffer of given) spare.give(buffer);
    const taken = given.map(() => spare.take(1 << 20).buffer);
    expect(taken.filter((buffer) => given.includes(buffer))).toHaveLength(4);
    spare.give(given[0] as ArrayBuffer);
    expect(spare.take(1 << 20).buffer).toBe(given[0]);
  });
});
