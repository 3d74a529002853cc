import { describe, expect, it } from 'vitest';
import * as Word from '../differential/words.ts';
import { Perm } from '../layout.ts';
import { structure } from './flow.ts';
import { type Plans, planGuards } from './guards.ts';
import { exploreRegion, type Region } from './region.ts';

const START = 0x1_0000;
const [RA, SP, S0, A0, A1, A2, A3] = [1, 2, 8, 10, 11, 12, 13] as const;
const RET = Word.jalr(0, RA, 0);

function regionOf(words: readonly number[]): Region {
  const halves = new Uint16Array(Uint32Array.from(words).buffer);
  const view = { half: (pc: number) => halves[(pc - START) / 2] ?? -1, taken: () => false, reached: () => true };
  return exploreRegion(view, [START]) as Region;
}

function plansOf(...words: readonly number[]): Plans {
  const region = regionOf(words);
  return planGuards(region, structure(region));
}

/** What the instructions of a block need, by their places in it. */
const planned = ({ blocks }: Plans, start: number): unknown => Object.fromEntries(blocks.get(start) ?? []);

describe('guards', () => {
  it('check accesses with the same base once, from the lowest byte to the highest', () => {
    const plans = plansOf(Word.ld(A0, A1, 16), Word.lw(A2, A1, 0), Word.sd(A2, A1, 8), RET);
    expect(planned(plans, START)).toEqual({ 0: { low: 0, high: 23, right: Perm.WRITE }, 1: 'guarded', 2: 'guarded' });
  });

  it('leave a lone access to check itself, and count it for later ones', () => {
    const plans = plansOf(Word.ld(A0, A1, 8), Word.ld(A2, A3, 0), Word.bnez(A0, 8), Word.ld(A0, A1, 8), Word.lw(A0, A1, 12), RET);
    expect(planned(plans, START)).toEqual({});
    expect(planned(plans, START + 12)).toEqual({ 0: 'guarded' });
    expect(planned(plans, START + 16)).toEqual({ 0: 'guarded' });
  });

  it('check anew where not all ways checked, and for stores where loads were', () => {
    const plans = plansOf(Word.bnez(A0, 8), Word.ld(A0, A1, 0), Word.ld(A0, A1, 0), Word.beqz(A0, 8), Word.sd(A0, A1, 0), RET);
    expect(planned(plans, START + 8)).toEqual({});
    expect(planned(plans, START + 16)).toEqual({});
  });

  it('know nothing of a base that was written, unless it was moved by a constant', () => {
    const plans = plansOf(
      Word.ld(A0, A1, 8),
      Word.addi(A1, A1, 8),
      Word.ld(A2, A1, 0),
      Word.addi(A3, A1, -8),
      Word.ld(A1, A3, 8),
      Word.ld(A0, A1, 0),
      RET,
    );
    expect(planned(plans, START)).toEqual({ 0: { low: 8, high: 15, right: Perm.READ }, 2: 'guarded', 4: 'guarded' });
  });

  it('check with an access what follows through its base plus constants', () => {
    const copied = [Word.addi(A3, A1, 32), Word.addi(A1, A1, 16), Word.sd(A2, A1, 0), Word.ld(A0, A3, 0)];
    expect(planned(plansOf(Word.ld(A2, A1, 8), ...copied, RET), START)).toEqual({
      0: { low: 8, high: 39, right: Perm.WRITE },
      3: 'guarded',
      4: 'guarded',
    });
    const overwritten = [Word.addi(A3, A1, 16), Word.add(A3, A3, A2), Word.ld(A0, A3, 0)];
    expect(planned(plansOf(Word.ld(A2, A1, 8), ...overwritten, RET), START)).toEqual({});
  });

  it('know constant addresses by what they are, whichever register has them, also behind calls', () => {
    const PAGE = 0x52;
    const plans = plansOf(
      Word.lui(A1, PAGE),
      Word.ld(A0, A1, 0x150),
      Word.addi(A3, A1, 0x158),
      Word.ld(A2, A3, 0),
      Word.jal(RA, 0x100),
      Word.lui(A2, PAGE),
      Word.ld(A0, A2, 0x150),
      Word.sd(A0, A2, 0x150),
      RET,
    );
    expect(planned(plans, START)).toEqual({ 1: { low: 0x150, high: 0x15f, right: Perm.WRITE }, 3: 'guarded' });
    expect(plans.kept).toEqual(new Map([[START, 0]]));
    expect(planned(plans, START + 20)).toEqual({ 1: 'guarded', 2: 'guarded' });
  });

  it('follow a base that each turn of an endless loop adds to into the next turn only', () => {
    const plans = plansOf(Word.ld(A2, A1, 0), Word.addi(A1, A1, 8), Word.jal(0, -8));
    expect(planned(plans, START)).toEqual({ 0: { low: 0, high: 15, right: Perm.READ } });
  });

  it('take for known where a region is entered what is known on all ways from within and needed', () => {
    // The loop's beginning is an entry: a run that was out of fuel goes on there.
    const plans = plansOf(Word.ld(A0, A1, 0), Word.ld(A2, A1, 0), Word.sd(A2, A3, 0), Word.addi(A3, A3, 8), Word.bnez(A2, -12), RET);
    expect(planned(plans, START + 4)).toEqual({ 0: 'guarded' });
    expect(plans.entries).toEqual(new Map([[START + 4, new Map([[A1, { low: 0, high: 7, right: Perm.READ }]])]]));
  });

  it('know of what an admission vouches for that alone, and not what is accessed behind it', () => {
    const region = regionOf([Word.ld(A2, A1, 0), Word.addi(A3, A3, -1), Word.bnez(A3, -8), Word.sd(A2, A1, 64), RET]);
    const plans = planGuards(region, structure(region), new Set([START]));
    expect(planned(plans, START)).toEqual({ 0: 'guarded' });
    expect(planned(plans, START + 12)).toEqual({});
  });

  it('know nothing of what only some ways to where a region is entered checked', () => {
    const plans = plansOf(Word.ld(A0, A3, 0), Word.ld(A2, A1, 0), Word.bnez(A2, -4), RET);
    expect(planned(plans, START + 4)).toEqual({});
    expect(plans.entries).toEqual(new Map());
  });

  it('keep of all that was known before a call what is known of the stack', () => {
    const call = [Word.sd(A0, SP, 8), Word.sd(A0, A1, 8), Word.jal(RA, 0x100)];
    const plans = plansOf(...call, Word.sd(A0, SP, 8), Word.sd(A0, A1, 8), RET);
    expect(plans.kept).toEqual(new Map([[START, 1 << SP]]));
    expect(planned(plans, START + 12)).toEqual({ 0: 'guarded' });
  });

  it('do not reach farther than half a page', () => {
    const plans = plansOf(Word.ld(A0, A1, -2040), Word.ld(A2, A1, 2040), Word.ld(A0, A1, 0), RET);
    const [low, high] = [
      { low: -2040, high: 7, right: Perm.READ },
      { low: 0, high: 2047, right: Perm.READ },
    ];
    expect(planned(plans, START)).toEqual({ 0: low, 1: high, 2: 'guarded' });
  });

  it('check with an access what follows it on every way', () => {
    // The ways go through the same base, one 4 bytes behind it and one 16.
    const plans = plansOf(
      Word.lw(A0, A1, 0),
      Word.bnez(A0, 12),
      Word.sd(A0, A1, 16),
      Word.jal(0, 8),
      Word.sw(A0, A1, 4),
      Word.ld(A2, A1, 8),
      RET,
    );
    expect(planned(plans, START)).toEqual({ 0: { low: 0, high: 23, right: Perm.WRITE } });
    expect(planned(plans, START + 8)).toEqual({ 0: 'guarded' });
    expect(planned(plans, START + 16)).toEqual({ 0: 'guarded' });
    expect(planned(plans, START + 20)).toEqual({ 0: 'guarded' });
  });

  it('check it for stores if all ways store, and else for loads', () => {
    const writing = [Word.ld(A2, A1, 16), Word.sd(A0, A1, 16)];
    const plans = plansOf(Word.lw(A0, A1, 0), Word.bnez(A0, 16), ...writing, Word.jal(0, 8), Word.ld(A0, A1, 8), RET);
    expect(planned(plans, START)).toEqual({ 0: { low: 0, high: 23, right: Perm.READ } });
    expect(planned(plans, START + 8)).toEqual({ 0: 'guarded' });
    const apart = plansOf(Word.lw(A0, A1, 0), Word.bnez(A0, 12), Word.sd(A0, A1, 16), Word.jal(0, 8), Word.ld(A0, A1, 8), RET);
    expect(planned(apart, START)).toEqual({ 0: { low: 0, high: 23, right: Perm.READ } });
    expect(planned(apart, START + 8)).toEqual({});
  });

  it('do not check what a way does not access, what is behind a change of the base, or what is far away', () => {
    const skipped = plansOf(Word.lw(A0, A1, 0), Word.bnez(A0, 8), Word.sd(A0, A1, 16), RET);
    expect(planned(skipped, START)).toEqual({});
    const changed = plansOf(Word.lw(A0, A1, 0), Word.bnez(A0, 8), Word.add(A1, A1, A0), Word.sd(A0, A1, 16), RET);
    expect(planned(changed, START)).toEqual({});
    const far = plansOf(Word.lw(A0, A1, 0), Word.bnez(A0, 4), Word.ld(A1, A1, 1024), RET);
    expect(planned(far, START)).toEqual({});
  });

  it('do not count ways out of the region where there is another', () => {
    const plans = plansOf(Word.lw(A0, A1, 0), Word.bnez(A0, 0x100), Word.sd(A0, A1, 16), RET);
    expect(planned(plans, START)).toEqual({ 0: { low: 0, high: 23, right: Perm.WRITE } });
  });

  it('keep through a call what is known of registers that callees give back, where that spares checks', () => {
    const call = [Word.sd(A0, S0, 8), Word.sd(A0, A1, 8), Word.jal(RA, 0x100)];
    const plans = plansOf(...call, Word.sd(A0, S0, 0), Word.sd(A0, A1, 8), RET);
    expect(planned(plans, START)).toEqual({ 0: { low: 0, high: 15, right: Perm.WRITE } });
    expect(plans.kept).toEqual(new Map([[START, 1 << S0]]));
    expect(planned(plans, START + 12)).toEqual({ 0: 'guarded' });
    expect(plansOf(...call, Word.add(S0, S0, A1), Word.sd(A0, S0, 0), RET).kept).toEqual(new Map([[START, 0]]));
  });

  it('take for granted that what can be written can be read', () => {
    const plans = plansOf(Word.sd(A0, A1, 0), Word.bnez(A0, 8), Word.ld(A2, A1, 0), RET);
    expect(planned(plans, START + 8)).toEqual({ 0: 'guarded' });
  });
});
