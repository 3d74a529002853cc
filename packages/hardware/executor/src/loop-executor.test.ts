import type { Clock, EventKey, Events, Instant, Payload, Step } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { hostTurn } from './host-turn.ts';
import { LoopExecutor, type VirtualTime } from './loop-executor.ts';

class FakeEvents implements Events {
  private sequence = 0;
  private readonly fired = new Map<EventKey, number>();
  private wakes: (() => void)[] = [];
  private next = 1;
  allocate(): EventKey {
    return this.next++ as EventKey;
  }
  release(): void {}
  fire(key: EventKey): void {
    this.fired.set(key, ++this.sequence);
    for (const wake of this.wakes.splice(0)) wake();
  }
  now(): number {
    return this.sequence;
  }
  last(key: EventKey): number {
    return this.fired.get(key) ?? 0;
  }
  onNext(wake: () => void): void {
    this.wakes.push(wake);
  }
}

class FakeTime implements Clock, VirtualTime {
  ns = 0;
  retired = 0;
  read(_which: string, out: Instant): void {
    out.sec = Math.floor(this.ns / 1e9);
    out.nsec = this.ns % 1e9;
  }
  retire(instructions: number): void {
    this.retired += instructions;
    this.ns += instructions;
  }
  skipTo(until: Instant): void {
    this.ns = Math.max(this.ns, until.sec * 1e9 + until.nsec);
  }
}

/** A payload that plays a list of steps and notes the budgets it was given. */
function script(...steps: (Step | Promise<Step> | (() => Step))[]): Payload & { readonly budgets: number[]; done: Promise<void> } {
  let finished!: () => void;
  const done = new Promise<void>((resolve) => {
    finished = resolve;
  });
  const budgets: number[] = [];
  return {
    schema: 'script/1',
    budgets,
    done,
    step(budget) {
      budgets.push(budget);
      const next = steps.shift();
      if (steps.length === 0) finished();
      if (next === undefined) return { used: 0, wait: { on: [] } };
      return typeof next === 'function' ? next() : next;
    },
    serve: () => 0,
    stop: () => 0,
    save: () => 0,
    restore: () => 0,
  };
}

const turn = hostTurn();
const hostHasTurned = (): Promise<void> => new Promise((resolve) => turn(resolve));
const busy: Step = { used: 10, wait: undefined };

describe('LoopExecutor', () => {
  it('steps again while there is more to do, and after a promise settles', async () => {
    const payload = script(busy, Promise.resolve(busy), busy);
    const executor = new LoopExecutor(new FakeEvents(), new FakeTime());
    executor.start(payload);
    await payload.done;
    await executor.halt();
    expect(payload.budgets.length).toBeGreaterThanOrEqual(3);
  });

  it('sleeps until a key of the wait fires, not another', async () => {
    const events = new FakeEvents();
    const wanted = events.allocate();
    const other = events.allocate();
    const payload = script({ used: 0, wait: { on: [wanted] } }, busy);
    const executor = new LoopExecutor(events, new FakeTime());
    executor.start(payload);
    await hostHasTurned();
    await hostHasTurned();
    events.fire(other);
    await hostHasTurned();
    expect(payload.budgets).toHaveLength(1);
    events.fire(wanted);
    await payload.done;
    await executor.halt();
    expect(payload.budgets.length).toBeGreaterThanOrEqual(2);
  });

  it('does not lose an event that fires during the step that waits for it', async () => {
    const events = new FakeEvents();
    const key = events.allocate();
    const payload = script(() => {
      events.fire(key);
      return { used: 1, wait: { on: [key] } };
    }, busy);
    const executor = new LoopExecutor(events, new FakeTime());
    executor.start(payload);
    await payload.done;
    await executor.halt();
    expect(payload.budgets.length).toBeGreaterThanOrEqual(2);
  });

  it('starts no step after quiesce, and goes on after resume', async () => {
    const executor = new LoopExecutor(new FakeEvents(), new FakeTime());
    const payload = script(busy, busy, busy, busy, busy, busy);
    executor.start(payload);
    await executor.quiesce();
    const count = payload.budgets.length;
    await hostHasTurned();
    expect(payload.budgets).toHaveLength(count);
    executor.resume();
    await payload.done;
    await executor.halt();
  });

  it('reports what the payload threw', async () => {
    const executor = new LoopExecutor(new FakeEvents(), new FakeTime());
    executor.start(
      script(() => {
        throw new Error('bad plugin');
      }),
    );
    expect((await executor.failed).message).toBe('bad plugin');
  });

  it('retires exactly what advance was told, and skips idle virtual time', async () => {
    const events = new FakeEvents();
    const time = new FakeTime();
    const executor = new LoopExecutor(events, time, { virtual: time, sliceInstructions: 100 });
    const spin = (): Step => ({ used: 60, wait: undefined });
    const payload = script(spin, { used: 20, wait: { on: [], until: { sec: 5, nsec: 0 } } }, () => ({ used: 20, wait: undefined }));
    expect(await executor.advance(payload, 100)).toBe(100);
    expect(payload.budgets).toEqual([100, 40, 20]);
    expect(time.retired).toBe(100);
    expect(time.ns).toBeGreaterThanOrEqual(5e9);
  });

  it('stops advancing when all is idle', async () => {
    const time = new FakeTime();
    const executor = new LoopExecutor(new FakeEvents(), time, { virtual: time });
    expect(await executor.advance(script({ used: 7, wait: { on: [] } }), 1000)).toBe(7);
  });
});
