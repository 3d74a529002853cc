import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QUANTUM_INSTRUCTIONS, Share } from './share.ts';

describe('a share of time', () => {
  it('goes by weight to within one quantum, whatever the weights', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 2, maxLength: 5 }), (weights) => {
        const shares = weights.map((weight) => new Share(weight, 1000));
        const used = shares.map(() => 0);
        for (let turn = 0; turn < 2000; turn++) {
          const next = shares.reduce((best, share, i) => (share.pass < (shares[best] as Share).pass ? i : best), 0);
          (shares[next] as Share).charge(QUANTUM_INSTRUCTIONS);
          used[next] = (used[next] ?? 0) + QUANTUM_INSTRUCTIONS;
        }
        const total = 2000 * QUANTUM_INSTRUCTIONS;
        const sum = weights.reduce((a, b) => a + b, 0);
        weights.forEach((weight, i) => {
          expect(Math.abs((used[i] ?? 0) - (total * weight) / sum)).toBeLessThanOrEqual(weights.length * QUANTUM_INSTRUCTIONS);
        });
      }),
      { numRuns: 100 },
    );
  });

  it('is capped at exactly its thousandths of what is offered', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999 }), fc.array(fc.integer({ min: 1, max: 100_000 }), { maxLength: 100 }), (cap, offers) => {
        const share = new Share(100, cap);
        let offered = 0;
        let used = 0;
        for (const offer of offers) {
          share.offer(offer);
          offered += offer;
          used += share.allowed;
          share.charge(share.allowed);
        }
        expect(used).toBe(Math.floor((offered * cap) / 1000));
      }),
    );
  });

  it('keeps at most one window of what a capped domain left unused', () => {
    const share = new Share(100, 500);
    for (let i = 0; i < 100; i++) share.offer(1_000_000);
    expect(share.allowed).toBe(500_000);
  });

  it('gives nothing back to who slept', () => {
    const share = new Share(100, 1000);
    share.join(42);
    expect(share.pass).toBe(42);
    share.join(7);
    expect(share.pass).toBe(42);
  });
});
