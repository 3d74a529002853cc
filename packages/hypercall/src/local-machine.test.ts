import { type Console, Errno, type Share } from '@ashlar/hardware';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Account, EventHub } from './index.ts';
import { LIMITS, SHAPE, testMachine } from './recording-device.test-support.ts';

describe('an account', () => {
  it('M-7 never holds more than its limit, and gives back what it held', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('charge' as const), pages: fc.integer({ min: -20, max: 40 }) }),
      fc.record({ do: fc.constant('sub' as const), pages: fc.nat(40) }),
      fc.record({ do: fc.constant('close' as const), pages: fc.nat(5) }),
      fc.record({ do: fc.constant('resize' as const), pages: fc.nat(120) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const root = new Account(1000);
        const account = root.sub(100) as Account;
        const children: Account[] = [];
        let own = 0;
        for (const { do: action, pages } of steps) {
          if (action === 'charge' && own + pages >= 0) own += account.charge(pages) === 0 ? pages : 0;
          if (action === 'sub') {
            const child = account.sub(pages);
            if (typeof child !== 'number') children.push(child);
          }
          if (action === 'close') children.splice(pages, 1)[0]?.close();
          if (action === 'resize') account.resize(pages);
          const reserved = children.reduce((sum, child) => sum + child.limitPages, 0);
          expect(account.usedPages).toBe(own + reserved);
          expect(account.reservedPages).toBe(reserved);
          expect(account.usedPages).toBeLessThanOrEqual(account.limitPages);
          expect(root.usedPages).toBe(account.limitPages);
        }
        account.close();
        expect(root.usedPages).toBe(0);
        for (const child of children) expect(child.charge(1)).toBe(-Errno.ENODEV);
      }),
      { numRuns: 500 },
    );
  });
});

describe('events', () => {
  it('M-9 tells the position of each key last firing, and wakes once', () => {
    const events = new EventHub();
    const [a, b] = [events.allocate(), events.allocate()];
    let wakes = 0;
    events.onNext(() => {
      wakes += 1;
    });
    expect(events.last(a)).toBe(0);
    const before = events.now();
    events.fire(a);
    events.fire(b);
    expect(events.last(a)).toBeGreaterThan(before);
    expect(events.last(b)).toBeGreaterThan(events.last(a));
    expect(wakes).toBe(1);
  });

  it('wakes whoever waits for a key that was given back, and lets nobody sleep on it', () => {
    const events = new EventHub();
    const key = events.allocate();
    const before = events.now();
    events.release(key);
    expect(events.last(key)).toBeGreaterThan(before);
    const later = events.now();
    events.fire(events.allocate());
    expect(events.last(key)).toBeGreaterThan(later);
    expect(events.last(999_999 as typeof key)).toBe(0);
  });
});

describe('a machine over drivers', () => {
  it('M-6 opens each device once for each machine, and revokes all below', () => {
    const test = testMachine();
    const first = test.machine.partition(SHAPE, LIMITS);
    if ('refused' in first) throw new Error('refused');
    const machine = first.open();
    const second = machine.partition(SHAPE, { ...LIMITS, pages: 10 });
    if ('refused' in second) throw new Error('refused');
    const share = second.open().device('root') as Share;
    expect(second.open().device('root')).toBe(share);
    expect(machine.device('root')).not.toBe(share);
    expect(share.fsync(1)).toBe(0);
    first.revoke();
    expect(share.fsync(1)).toBe(-Errno.ENODEV);
    expect((machine.device('log') as Console | undefined)?.write(new Uint8Array(1)) ?? -Errno.ENODEV).toBe(-Errno.ENODEV);
    expect(test.machine.memory.usedPages).toBe(0);
    expect(test.seen.filter((seen) => seen.method === 'close').length).toBe(2);
  });
});
