import type { Clock, ClockName, Device, Instant, Limits, Machine, Partition, PartitionRefused, Shape } from '@ashlar/hardware';
import { ForwardedMachine } from './forwarded-machine.ts';

/** Told of each request after it was answered. `port`: `device:root`, `clock`, `entropy`, `partition`. Arguments are the caller's own: do not keep them. */
export type Observer = (port: string, op: string, args: readonly unknown[], result: unknown) => void;

/** The same device, with every request told to `observer`. */
export function wrapDevice<D extends Device>(device: D, port: string, observer: Observer): D {
  const methods = new Map<PropertyKey, unknown>();
  return new Proxy(device, {
    get: (target, property) => {
      const known = methods.get(property);
      if (known !== undefined) return known;
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      const observed = (...args: unknown[]): unknown => {
        const result: unknown = Reflect.apply(value, target, args);
        observer(port, String(property), args, result);
        return result;
      };
      methods.set(property, observed);
      return observed;
    },
  });
}

/** Which ports of a machine an interposing layer looks at; the others are the lower machine's own objects. */
export interface MachinePorts {
  readonly clock?: boolean;
  readonly entropy?: boolean;
  readonly partition?: boolean;
  /** Device names; default: all. */
  readonly devices?: readonly string[];
}

/** A machine whose requests at `ports` are told to `observer`. */
export function wrapMachine(
  lower: Machine,
  observer: Observer,
  ports: MachinePorts = { clock: true, entropy: true, partition: true },
): Machine {
  return new ObservedMachine(lower, observer, ports);
}

class ObservedMachine extends ForwardedMachine {
  readonly #observer: Observer;
  readonly #ports: MachinePorts;
  readonly #clock: Clock;
  readonly #devices = new Map<string, Device>();

  constructor(lower: Machine, observer: Observer, ports: MachinePorts) {
    super(lower);
    this.#observer = observer;
    this.#ports = ports;
    this.#clock = ports.clock === true ? observedClock(lower.clock, observer) : lower.clock;
  }

  override get clock(): Clock {
    return this.#clock;
  }

  override device(name: string): Device | undefined {
    const known = this.#devices.get(name);
    if (known !== undefined) return known;
    const device = super.device(name);
    if (device === undefined || this.#ports.devices?.includes(name) === false) return device;
    const observed = wrapDevice(device, `device:${name}`, this.#observer);
    this.#devices.set(name, observed);
    return observed;
  }

  override entropy(to: Uint8Array): void {
    super.entropy(to);
    if (this.#ports.entropy === true) this.#observer('entropy', 'fill', [to], to.length);
  }

  override partition(want: Shape, limits: Limits): Partition | PartitionRefused {
    const made = super.partition(want, limits);
    if (this.#ports.partition === true) this.#observer('partition', 'partition', [want, limits], 'refused' in made ? made.refused : 0);
    return made;
  }
}

function observedClock(clock: Clock, observer: Observer): Clock {
  return {
    read: (which: ClockName, out: Instant): void => {
      clock.read(which, out);
      observer('clock', 'read', [which], 0);
    },
  };
}
