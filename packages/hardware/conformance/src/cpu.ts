import { clauseTests, type Mutant } from '@ashlar/conformance';
import { type AddressSpace, type Context, type Exit, TrapAnswer } from '@ashlar/hardware';
import { PartBuilder, readPart } from '@ashlar/machine-image';
import { expect } from 'vitest';
import { type CpuFixture, counterOf, type LoadedGuest, leave, nextTrap, runNow } from './cpu-fixture.ts';

const calls = (fixture: CpuFixture, guest: LoadedGuest, budget: number): { exit: Exit; count: number } => {
  let count = 0;
  const exit = runNow(
    fixture,
    guest,
    (context, trap) => {
      if (trap.cause !== 'syscall') return TrapAnswer.LEAVE;
      count++;
      fixture.complete(context);
      return TrapAnswer.RESUME;
    },
    budget,
  );
  return { exit, count };
};

function savedAndRestored(fixture: CpuFixture, guest: LoadedGuest, into: LoadedGuest): LoadedGuest {
  const out = new PartBuilder();
  expect(guest.space.save(out.part('space'))).toBe(0);
  expect(guest.context.save(out.part('context'))).toBe(0);
  const part = readPart(out.toBytes());
  expect(into.space.restore(part.part('space'), () => undefined)).toBe(0);
  expect(into.context.restore(part.part('context'))).toBe(0);
  expect(counterOf(fixture, into.space)).toBe(counterOf(fixture, guest.space));
  return into;
}

/** The clauses of docs/spec/machine.md on CPUs. */
export const cpuTests = clauseTests<CpuFixture>(
  {
    clause: 'CPU-1',
    title: 'a run retires no more than its budget',
    run(fixture) {
      for (const budget of [1, 2, 3, 7, 100, 12_345]) {
        const guest = fixture.load('spin');
        const before = guest.context.retired;
        const exit = runNow(fixture, guest, leave, budget);
        expect(exit).toBe('budget');
        expect(guest.context.retired - before).toBeLessThanOrEqual(budget);
      }
    },
  },
  {
    clause: 'CPU-1',
    title: 'a run retires exactly its budget',
    requires: ['exactBudget'],
    run(fixture) {
      const guest = fixture.load('spin');
      let sum = 0;
      for (const budget of [1, 1, 2, 3, 5, 8, 1000, 65_537]) {
        expect(runNow(fixture, guest, leave, budget)).toBe('budget');
        sum += budget;
        expect(guest.context.retired).toBe(sum);
      }
    },
  },
  {
    clause: 'CPU-2',
    title: 'a call that is not completed traps again, unchanged',
    run(fixture) {
      const guest = fixture.load('count');
      const first = nextTrap(fixture, guest);
      const counter = counterOf(fixture, guest.space);
      expect(first.cause).toBe('syscall');
      expect(nextTrap(fixture, guest)).toEqual(first);
      expect(counterOf(fixture, guest.space)).toBe(counter);
    },
  },
  {
    clause: 'CPU-3',
    title: 'a completed call goes on behind it, in the same run',
    run(fixture) {
      const guest = fixture.load('count');
      const { exit, count } = calls(fixture, guest, 10_000);
      expect(exit).toBe('budget');
      expect(count).toBeGreaterThan(100);
      expect([count, count + 1]).toContain(counterOf(fixture, guest.space));
    },
  },
  {
    clause: 'CPU-4',
    title: 'LEAVE ends the run',
    run(fixture) {
      const guest = fixture.load('count');
      let count = 0;
      const exit = runNow(
        fixture,
        guest,
        (context) => {
          fixture.complete(context);
          return ++count === 3 ? TrapAnswer.LEAVE : TrapAnswer.RESUME;
        },
        10_000,
      );
      expect([exit, count]).toEqual(['left', 3]);
      expect(counterOf(fixture, guest.space)).toBe(3);
    },
  },
  {
    clause: 'CPU-5',
    title: 'retired counts the same in the handler and after, and only grows',
    run(fixture) {
      const guest = fixture.load('count');
      const seen: number[] = [];
      runNow(
        fixture,
        guest,
        (context) => {
          seen.push(context.retired);
          fixture.complete(context);
          return seen.length === 5 ? TrapAnswer.LEAVE : TrapAnswer.RESUME;
        },
        10_000,
      );
      const steps = seen.slice(1).map((value, index) => value - (seen[index] as number));
      expect(new Set(steps).size).toBe(1);
      expect(steps[0]).toBeGreaterThan(0);
      expect(guest.context.retired).toBeGreaterThanOrEqual(seen[4] as number);
    },
  },
  {
    clause: 'CPU-6',
    title: 'a fault tells address, access and reason, and the program goes on once it is mended',
    requires: ['mendable'],
    run(fixture) {
      const guest = fixture.load('store');
      const trap = nextTrap(fixture, guest);
      expect(trap).toEqual({ cause: 'fault', address: fixture.storeAt, access: 'write', reason: 'unmapped' });
      const before = guest.context.retired;
      expect(nextTrap(fixture, guest)).toEqual(trap);
      expect(guest.context.retired).toBe(before);
      const page = (fixture.storeAt - (fixture.storeAt % 4096)) as typeof fixture.storeAt;
      expect(guest.space.map(page, 4096, 1, undefined, 0, 'private')).toBe(0);
      expect(nextTrap(fixture, guest).reason).toBe('protection');
      expect(guest.space.protect(page, 4096, 3)).toBe(0);
      expect(nextTrap(fixture, guest).cause).toBe('syscall');
      expect(guest.space.load32(fixture.storeAt)).toBe(7);
    },
  },
  {
    clause: 'CPU-7',
    title: 'an instruction that does not exist traps at its address',
    requires: ['illegal'],
    run(fixture) {
      const guest = fixture.load('illegal');
      const trap = nextTrap(fixture, guest);
      expect(trap.cause).toBe('illegal');
      expect(nextTrap(fixture, guest)).toEqual(trap);
    },
  },
  {
    clause: 'CPU-8',
    title: 'a guest that spins comes back at its budget, again and again',
    requires: ['preemptible'],
    run(fixture) {
      const guest = fixture.load('spin');
      let before = -1;
      for (let turn = 0; turn < 20; turn++) {
        expect(runNow(fixture, guest, leave, 5000)).toBe('budget');
        expect(counterOf(fixture, guest.space)).toBeGreaterThan(before);
        before = counterOf(fixture, guest.space);
      }
    },
  },
  {
    clause: 'CPU-9',
    title: 'a clone in a forked space runs on by itself',
    requires: ['forkable'],
    run(fixture) {
      const guest = fixture.load('count');
      // Cut where one instruction more or less shows in the count: a clone that starts anew is that far off.
      calls(fixture, guest, 999);
      const space = guest.space.fork() as AddressSpace;
      const child: LoadedGuest = { space, context: fixture.cpu.clone(guest.context, space) as Context };
      const counter = counterOf(fixture, guest.space);
      expect(counterOf(fixture, space)).toBe(counter);
      calls(fixture, child, 5001);
      expect(counterOf(fixture, guest.space)).toBe(counter);
      expect(counterOf(fixture, space)).toBeGreaterThan(counter);
      calls(fixture, guest, 5001);
      expect(counterOf(fixture, guest.space)).toBe(counterOf(fixture, space));
    },
  },
  {
    clause: 'CPU-10',
    title: 'restored in fresh ones, context and space go on as the original does',
    requires: ['saveable'],
    run(fixture) {
      for (const budget of [1, 10, 999, 5003]) {
        const guest = fixture.load('count');
        calls(fixture, guest, budget);
        const copy = savedAndRestored(fixture, guest, fixture.blank('count'));
        for (const more of [17, 1000, 3]) {
          expect(calls(fixture, copy, more)).toEqual(calls(fixture, guest, more));
          expect(counterOf(fixture, copy.space)).toBe(counterOf(fixture, guest.space));
          expect(copy.context.retired).toBe(guest.context.retired);
        }
      }
    },
  },
  {
    clause: 'CPU-11',
    title: 'interrupt ends the next run; the one after goes on',
    run(fixture) {
      const guest = fixture.load('spin');
      fixture.cpu.interrupt(guest.context);
      expect(runNow(fixture, guest, leave, 1_000_000)).toBe('interrupted');
      expect(guest.context.retired).toBeLessThan(1_000_000);
      expect(runNow(fixture, guest, leave, 1000)).toBe('budget');
    },
  },
  {
    clause: 'CPU-13',
    title: 'code that was changed is executed as it is now',
    requires: ['code in memory'],
    run(fixture) {
      const guest = fixture.load('count');
      calls(fixture, guest, 4000);
      const before = counterOf(fixture, guest.space);
      fixture.patch?.(guest.space);
      const { count } = calls(fixture, guest, 4000);
      expect(count).toBeGreaterThan(100);
      // The increment under way when it was changed may have been the old one.
      expect([2 * count - 1, 2 * count, 2 * count + 1, 2 * count + 2]).toContain(counterOf(fixture, guest.space) - before);
    },
  },
  {
    clause: 'CPU-12',
    title: 'the same program retires the same, whatever ran before',
    run(fixture) {
      const first = fixture.load('count');
      const one = [calls(fixture, first, 777), calls(fixture, first, 10_000)];
      for (let turn = 0; turn < 3; turn++) calls(fixture, fixture.load('spin'), 20_000);
      const second = fixture.load('count');
      expect([calls(fixture, second, 777), calls(fixture, second, 10_000)]).toEqual(one);
      expect(second.context.retired).toBe(first.context.retired);
    },
  },
);

/** The same CPU with changed answers. */
const withCpu = (fixture: CpuFixture, changes: Partial<CpuFixture['cpu']>): CpuFixture => ({
  ...fixture,
  cpu: new Proxy(fixture.cpu, {
    get: (target, key) => {
      const value: unknown = key in changes ? changes[key as keyof typeof changes] : Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  }),
});

/** Broken CPUs, each on one clause. */
export const cpuMutants: readonly Mutant<CpuFixture>[] = [
  {
    name: 'runs a few instructions past its budget',
    clause: 'CPU-1',
    also: ['CPU-12', 'CPU-10'],
    mutate: (fixture) => withCpu(fixture, { run: (context, space, onTrap, budget) => fixture.cpu.run(context, space, onTrap, budget + 3) }),
  },
  {
    name: 'goes on although the handler says LEAVE',
    clause: 'CPU-4',
    also: ['CPU-2', 'CPU-5', 'CPU-6', 'CPU-7'],
    mutate: (fixture) =>
      withCpu(fixture, {
        run: (context, space, onTrap, budget) => {
          const exit = fixture.cpu.run(context, space, onTrap, budget);
          return exit === 'left' ? fixture.cpu.run(context, space, onTrap, budget) : exit;
        },
      }),
  },
  {
    name: 'forgets that it was interrupted',
    clause: 'CPU-11',
    mutate: (fixture) => withCpu(fixture, { interrupt: () => undefined }),
  },
  {
    name: 'starts a clone from the beginning',
    clause: 'CPU-9',
    mutate: (fixture) => withCpu(fixture, { clone: () => fixture.load('count').context }),
  },
];
