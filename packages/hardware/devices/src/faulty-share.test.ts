import { type Instant, ROOT_NODE, type Share, type Wait } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { FakeEvents, MemoryPart, tickingClock } from './fakes.test.support.ts';
import { type FaultPlan, FaultyShare } from './faulty-share.ts';
import { blankAttributes } from './share/attributes.ts';
import { ShareDriver } from './share/driver.ts';
import { MemoryTree } from './share/memory-tree.ts';
import { bytes, outcome } from './share/share-client.test.support.ts';

const out = blankAttributes();

function rig(plan: Partial<FaultPlan>) {
  const time: Instant = { sec: 5, nsec: 0 };
  const events = new FakeEvents();
  const driver = new ShareDriver({ layers: [new MemoryTree({ f: 'content' })], events, now: tickingClock() });
  const share = new FaultyShare(driver.open(), { seed: 1, delayPerMille: 0, delayNsMax: 1_000_000, failPerMille: 0, ...plan }, (to) =>
    Object.assign(to, time),
  );
  share.accept(share.offered());
  return { share, time };
}

/** What a sequence of lookups comes to. */
function outcomes(share: Share, count: number): (number | string)[] {
  return Array.from({ length: count }, () => {
    const reply = share.lookup(ROOT_NODE, bytes('f'), out);
    return typeof reply === 'number' ? outcome(reply) : 'wait';
  });
}

describe('FaultyShare', () => {
  it('is the share itself without a plan', () => {
    expect(outcomes(rig({}).share, 50)).toEqual(Array(50).fill(0));
  });

  it('makes a request wait until a time, and then gives the answer, once', () => {
    const { share, time } = rig({ delayPerMille: 1000 });
    const first = share.mkdir(7, ROOT_NODE, bytes('d'), 0o700, out) as Wait;
    expect(first.until?.sec).toBe(5);
    expect(share.mkdir(7, ROOT_NODE, bytes('d'), 0o700, out)).toEqual(first);
    Object.assign(time, first.until);
    expect(share.mkdir(7, ROOT_NODE, bytes('d'), 0o700, out)).toBe(0);
    const made = out.node;
    const again = share.mkdir(7, ROOT_NODE, bytes('d'), 0o700, out) as Wait;
    Object.assign(time, again.until);
    expect(share.mkdir(7, ROOT_NODE, bytes('d'), 0o700, out)).toBe(0);
    expect(out.node).toBe(made);
  });

  it('fails as often as it is told, the same for the same seed, and what fails was not executed', () => {
    const runs = [1, 1, 2].map((seed) => outcomes(rig({ seed, failPerMille: 300 }).share, 200));
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]).not.toEqual(runs[2]);
    const failed = runs[0]!.filter((result) => result === 'EIO').length;
    expect(failed).toBeGreaterThan(30);
    expect(failed).toBeLessThan(90);
    const { share } = rig({});
    share.failNext(1);
    expect(outcome(share.mkdir(1, ROOT_NODE, bytes('d'), 0o700, out))).toBe('EIO');
    expect(outcome(share.lookup(ROOT_NODE, bytes('d'), out))).toBe('ENOENT');
  });

  it('goes on with its plan and its waits after a save and restore', () => {
    const before = rig({ delayPerMille: 500, failPerMille: 200 });
    outcomes(before.share, 20);
    const waiting = before.share.read(ROOT_NODE, 0, new Uint8Array(3));
    const part = new MemoryPart();
    expect(before.share.save(part)).toBe(0);
    const after = rig({ delayPerMille: 500, failPerMille: 200 });
    expect(after.share.restore(part.read())).toBe(0);
    expect(after.share.read(ROOT_NODE, 0, new Uint8Array(3))).toEqual(waiting);
    before.share.read(ROOT_NODE, 0, new Uint8Array(3));
    Object.assign(before.time, { sec: 6 });
    Object.assign(after.time, { sec: 6 });
    expect(outcomes(after.share, 100)).toEqual(outcomes(before.share, 100));
  });
});
