import type { Clock, Device, DeviceKind, EventKey, Instant, Limits, Machine, Reply, Shape } from '@ashlar/hardware';
import { Account, EventHub, LocalMachine } from './index.ts';

/** One request as a device saw it: byte arguments copied, output buffers by length. */
export interface Seen {
  readonly device: string;
  readonly method: string;
  readonly arguments: readonly unknown[];
}

/** Says what a device answers and what it puts into its output arguments. */
export type Script = (method: string, args: readonly unknown[]) => unknown;

/** A device that writes down each request and answers by script: what arrives can be compared with what was asked. */
export function recordingDevice(name: string, kind: DeviceKind, event: EventKey, seen: Seen[], script: Script): Device {
  const fixed: Record<string, unknown> = { kind, event, schema: `${kind}/test` };
  return new Proxy({} as Device, {
    get: (_target, property) => {
      const method = String(property);
      if (method in fixed) return fixed[method];
      return (...args: unknown[]): unknown => {
        seen.push({
          device: name,
          method,
          arguments: args.map((value) => (value instanceof Uint8Array ? value.slice() : structuredClone(plain(value)))),
        });
        return script(method, args);
      };
    },
  });
}

/** Part writers and readers are noted by name only. */
function plain(value: unknown): unknown {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject && Object.getPrototypeOf(value) !== Object.prototype ? 'object' : value;
}

export const SHAPE: Shape = {
  vcpus: 1,
  isas: [],
  pages: 1000,
  devices: { log: { kind: 'console' }, root: { kind: 'share' }, net: { kind: 'socket' }, random: { kind: 'entropy' } },
  virtualTime: true,
};

export const LIMITS: Limits = { pages: 500, weight: 100, capPerMille: 1000 };

export interface TestMachine {
  readonly machine: LocalMachine;
  readonly events: EventHub;
  readonly seen: Seen[];
  readonly time: Instant;
  /** Event key of the last opener of each device. */
  readonly keys: Map<string, EventKey>;
  script: Script;
}

/** A machine of recording devices. */
export function testMachine(): TestMachine {
  const events = new EventHub();
  const time: Instant = { sec: 5, nsec: 7 };
  const clock: Clock = {
    read: (_which, out) => {
      out.sec = time.sec;
      out.nsec = time.nsec;
    },
  };
  const test: Omit<TestMachine, 'machine'> = { events, seen: [], time, keys: new Map(), script: () => 0 };
  const machine = new LocalMachine({
    shape: SHAPE,
    account: new Account(SHAPE.pages),
    clock,
    events,
    cpus: [],
    open: (name) => {
      const key = events.allocate();
      test.keys.set(name, key);
      const kind = SHAPE.devices[name]?.kind as DeviceKind;
      return recordingDevice(name, kind, key, test.seen, (method, args) => result.script(method, args));
    },
    entropy: (to) => to.fill(0xab),
  });
  const result: TestMachine = Object.assign(test, { machine });
  return result;
}

export const asWait = (reply: Reply): Exclude<Reply, number> => {
  if (typeof reply === 'number') throw new Error(`a wait was expected, not ${reply}`);
  return reply;
};

export type { Machine };
