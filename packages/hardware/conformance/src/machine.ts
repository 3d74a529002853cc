import { clauseTests, type Mutant } from '@ashlar/conformance';
import { type Clock, type Console, Errno, type Instant, type Machine, type Partition, type Shape } from '@ashlar/hardware';
import { expect } from 'vitest';

/**
 * What the machine suite is run on: a machine with a console named `console`, at least 4,096 free pages, and nothing else going on.
 * Supports: `virtualTime`.
 */
export interface MachineFixture {
  readonly machine: Machine;
  /** A fresh machine of the same kind and seed. */
  again(): Machine;
}

const LIMITS = { weight: 100, capPerMille: 1000 } as const;

const want = (machine: Machine, pages: number, devices: Shape['devices'] = { console: { kind: 'console' } }): Shape => ({
  vcpus: 1,
  isas: machine.shape.isas,
  pages,
  devices,
  virtualTime: machine.shape.virtualTime,
});

function part(machine: Machine, pages: number): Partition {
  const made = machine.partition(want(machine, pages), { ...LIMITS, pages });
  if ('refused' in made) throw new Error(`no partition of ${pages} pages: ${made.refused} ${made.missing}`);
  return made;
}

const read = (machine: Machine, which: 'monotonic' | 'wall' | 'steal'): Instant => {
  const out = { sec: 0, nsec: 0 };
  machine.clock.read(which, out);
  return out;
};
const nanoseconds = ({ sec, nsec }: Instant): number => sec * 1e9 + nsec;
const entropy = (machine: Machine, length: number): string => {
  const bytes = new Uint8Array(length);
  machine.entropy(bytes);
  return bytes.join(',');
};

/** The clauses of docs/spec/machine.md on machines, partitions, accounts, clocks and events. */
export const machineTests = clauseTests<MachineFixture>(
  {
    clause: 'M-1',
    title: 'the shape is frozen plain data',
    run({ machine }) {
      const { shape } = machine;
      expect(structuredClone(shape)).toEqual(shape);
      expect(Object.isFrozen(shape)).toBe(true);
      expect(JSON.stringify(shape)).not.toContain('/');
    },
  },
  {
    clause: 'M-2',
    title: 'a device is one object, and only what is in the shape is there',
    run({ machine }) {
      expect(machine.device('console')).toBeDefined();
      expect(machine.device('console')).toBe(machine.device('console'));
      for (const name of ['absent', '', 'toString', '__proto__']) expect(machine.device(name), name).toBeUndefined();
    },
  },
  {
    clause: 'M-3',
    title: 'a CPU for each instruction set of the shape, and none for another',
    run({ machine }) {
      for (const isa of machine.shape.isas) expect(machine.cpu(isa)?.isa).toBe(isa);
      expect(machine.cpu('x86_32-system')).toBeUndefined();
    },
  },
  {
    clause: 'M-4',
    title: 'a partition reserves at once, or is refused and reserves nothing',
    run({ machine }) {
      const { usedPages, limitPages } = machine.memory;
      const one = part(machine, 1024);
      expect(machine.memory.usedPages).toBe(usedPages + 1024);
      const tooMuch = limitPages - usedPages - 1024 + 1;
      const refused = machine.partition(want(machine, tooMuch), { ...LIMITS, pages: tooMuch });
      expect('refused' in refused && refused.refused).toBe(-Errno.ENOMEM);
      expect(machine.memory.usedPages).toBe(usedPages + 1024);
      one.revoke();
      expect(machine.memory.usedPages).toBe(usedPages);
    },
  },
  {
    clause: 'M-4',
    title: 'what a child has its children cannot exceed',
    run({ machine }) {
      const child = part(machine, 1024).open();
      expect(child.memory.limitPages).toBe(1024);
      const refused = child.partition(want(child, 1025), { ...LIMITS, pages: 1025 });
      expect('refused' in refused && refused.refused).toBe(-Errno.ENOMEM);
      expect(part(child, 512).open().memory.limitPages).toBe(512);
      expect(child.memory.charge(513)).toBe(-Errno.ENOMEM);
      expect(child.memory.charge(512)).toBe(0);
    },
  },
  {
    clause: 'M-5',
    title: 'what is not there is refused by name',
    run({ machine }) {
      const refused = machine.partition(want(machine, 16, { disk: { kind: 'share', from: 'nowhere' } }), { ...LIMITS, pages: 16 });
      expect(refused).toMatchObject({ refused: -Errno.ENODEV, missing: 'nowhere' });
      const wrongIsa = machine.partition({ ...want(machine, 16), isas: ['riscv64-system'] }, { ...LIMITS, pages: 16 });
      expect(wrongIsa).toMatchObject({ refused: -Errno.ENODEV, missing: 'riscv64-system' });
    },
  },
  {
    clause: 'M-6',
    title: 'after revoke nothing of it answers, nor of what was made from it',
    run({ machine }) {
      const used = machine.memory.usedPages;
      const one = part(machine, 1024);
      const child = one.open();
      const grandchild = part(child, 256).open();
      const consoles = [child, grandchild].map((each) => each.device('console') as Console);
      for (const console of consoles) {
        expect(console.reset()).toBe(0);
        expect(console.accept(console.offered())).toBe(0);
        expect(console.write(new Uint8Array(1))).toBe(1);
      }
      one.revoke();
      for (const console of consoles) expect(console.write(new Uint8Array(1))).toBe(-Errno.ENODEV);
      const refused = child.partition(want(child, 1), { ...LIMITS, pages: 1 });
      expect('refused' in refused && refused.refused).toBe(-Errno.ENODEV);
      expect(machine.memory.usedPages).toBe(used);
    },
  },
  {
    clause: 'M-7',
    title: 'an account never holds more than its limit',
    run({ machine }) {
      const { memory } = part(machine, 64).open();
      expect(memory.charge(64)).toBe(0);
      expect(memory.charge(1)).toBe(-Errno.ENOMEM);
      expect([memory.usedPages, memory.limitPages]).toEqual([64, 64]);
      expect(memory.charge(-64)).toBe(0);
      const child = memory.sub(60);
      if (typeof child === 'number') throw new Error(`sub: ${child}`);
      expect(memory.charge(5)).toBe(-Errno.ENOMEM);
      child.close();
      expect(memory.charge(64)).toBe(0);
    },
  },
  {
    clause: 'M-8',
    title: 'monotonic time has begun, and does not go back',
    run({ machine }) {
      let before = nanoseconds(read(machine, 'monotonic'));
      expect(before).toBeGreaterThan(0);
      for (let count = 0; count < 1000; count++) {
        const now = read(machine, 'monotonic');
        expect(nanoseconds(now)).toBeGreaterThanOrEqual(before);
        expect(now.nsec).toBeLessThan(1e9);
        before = nanoseconds(now);
      }
    },
  },
  {
    clause: 'M-8',
    title: 'virtual time stands still while nothing is retired',
    requires: ['virtualTime'],
    run({ machine }) {
      const before = [read(machine, 'monotonic'), read(machine, 'wall')];
      machine.entropy(new Uint8Array(4096));
      expect([read(machine, 'monotonic'), read(machine, 'wall')]).toEqual(before);
    },
  },
  {
    clause: 'M-9',
    title: 'a firing is later than everything before it',
    run({ machine }) {
      const { events } = machine;
      const one = events.allocate();
      const other = events.allocate();
      expect([events.last(one), events.last(other)]).toEqual([0, 0]);
      const before = events.now();
      events.fire(one);
      expect(events.last(one)).toBeGreaterThan(before);
      expect(events.last(other)).toBe(0);
      const between = events.now();
      events.fire(one);
      expect(events.last(one)).toBeGreaterThan(between);
    },
  },
  {
    clause: 'M-10',
    title: 'keys that are held differ',
    run({ machine }) {
      const keys = Array.from({ length: 1000 }, () => machine.events.allocate());
      expect(new Set(keys).size).toBe(1000);
      for (const key of keys) machine.events.release(key);
    },
  },
  {
    clause: 'M-11',
    title: 'the same seed gives the same bytes',
    requires: ['virtualTime'],
    run({ machine, again }) {
      const other = again();
      for (const length of [1, 7, 64, 1000]) expect(entropy(other, length)).toBe(entropy(machine, length));
      expect(entropy(machine, 16)).not.toBe(entropy(machine, 16));
    },
  },
  {
    clause: 'CO-1',
    title: 'a console takes what is written, from several openers',
    run({ machine }) {
      for (const pages of [16, 16]) {
        const console = part(machine, pages).open().device('console') as Console;
        expect(console.reset()).toBe(0);
        expect(console.accept(console.offered())).toBe(0);
        const line = new TextEncoder().encode('a whole line\n');
        expect(console.write(line)).toBe(line.length);
      }
    },
  },
);

/** Broken machines, each on one clause. */
export const machineMutants: readonly Mutant<MachineFixture>[] = [
  {
    name: 'time that goes back now and then',
    clause: 'M-8',
    mutate: (fixture) => {
      let count = 0;
      const { clock } = fixture.machine;
      return withMachine(fixture, {
        clock: {
          read: (which, out) => {
            clock.read(which, out);
            if (++count % 100 === 0) out.sec -= 5;
          },
        },
      });
    },
  },
  {
    name: 'time that is not started',
    clause: 'M-8',
    mutate: (fixture) => {
      const { clock } = fixture.machine;
      const stopped: Clock['read'] = (which, out) => {
        clock.read(which, out);
        if (which === 'monotonic') Object.assign(out, { sec: 0, nsec: 0 });
      };
      return withMachine(fixture, { clock: { read: stopped } });
    },
  },
  {
    name: 'a device that is made anew each time',
    clause: 'M-2',
    mutate: (fixture) =>
      withMachine(fixture, {
        device: (name) => {
          const device = fixture.machine.device(name);
          return device === undefined ? undefined : Object.create(device);
        },
      }),
  },
  {
    name: 'a partition that reserves nothing',
    clause: 'M-4',
    also: ['M-6', 'M-7'],
    mutate: (fixture) => {
      const { machine } = fixture;
      return withMachine(fixture, {
        partition: (shape, limits) => machine.partition({ ...shape, pages: 1 }, { ...limits, pages: 1 }),
      });
    },
  },
  {
    name: 'keys that are handed out twice',
    clause: 'M-10',
    also: ['M-9'],
    mutate: (fixture) => {
      const { events } = fixture.machine;
      const key = events.allocate();
      return withMachine(fixture, { events: Object.assign(Object.create(events), { allocate: () => key, release: () => undefined }) });
    },
  },
];

const withMachine = (fixture: MachineFixture, changes: Partial<Machine>): MachineFixture => ({
  ...fixture,
  machine: new Proxy(fixture.machine, {
    get: (target, key) => {
      const value: unknown = key in changes ? changes[key as keyof Machine] : Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  }),
});
