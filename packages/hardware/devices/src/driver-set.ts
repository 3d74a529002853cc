import {
  type Device,
  type DeviceShape,
  type DeviceSpec,
  Errno,
  type Events,
  type Instant,
  type PartReader,
  type PartWriter,
  type Reply,
  type Saveable,
} from '@ashlar/hardware';
import { ConsoleDriver } from './console.ts';
import { EntropyDriver, type EntropySource } from './entropy.ts';
import { type FaultPlan, FaultyShare } from './faulty-share.ts';
import { ShareDriver } from './share/driver.ts';
import { SocketDriver } from './socket/driver.ts';
import type { HostSockets } from './socket/host-sockets.ts';
import { SocketNetwork } from './socket/network.ts';

/** What drivers need of the hardware they belong to. */
export interface DriverSetOptions {
  readonly devices: Readonly<Record<string, DeviceSpec>>;
  readonly events: Events;
  readonly log: (bytes: Uint8Array) => void;
  /** Wall-clock time. */
  readonly now: (out: Instant) => void;
  /** Random bytes of the entropy device of that name. */
  readonly entropy: (device: string) => EntropySource;
  /** The host's network, where the hardware lets links reach it. */
  readonly host?: HostSockets;
  /** Makes every share slow and unreliable by this plan. */
  readonly faults?: { readonly plan: FaultPlan; readonly monotonic: (out: Instant) => void };
}

type ConsoleSpec = Exclude<Extract<DeviceSpec, { kind: 'console' }>, { readonly of: string }>;

/** A driver: many openers, one thing driven. */
interface Driver {
  open(): Device;
  close(): void;
  save?(out: PartWriter): Reply;
  restore?(part: PartReader): Reply;
}

/** The drivers of one hardware, by device name: what a stack asked it to have. */
export class DriverSet implements Saveable {
  readonly schema = 'drivers/1';
  /** What a machine's shape says of these devices. */
  readonly shape: Readonly<Record<string, DeviceShape>>;
  private readonly drivers = new Map<string, Driver>();
  private readonly network = new SocketNetwork();

  /** @throws Error that names the device, if one cannot be made */
  constructor(private readonly options: DriverSetOptions) {
    for (const [name, spec] of Object.entries(options.devices)) this.drivers.set(name, this.make(name, spec, options));
    this.shape = Object.fromEntries(Object.entries(options.devices).map(([name, { kind }]) => [name, { kind }]));
  }

  /** A fresh opener. */
  open(name: string): Device {
    const driver = this.drivers.get(name);
    if (driver === undefined) throw new Error(`there is no device '${name}'; there are ${[...this.drivers.keys()].join(', ')}`);
    const { faults } = this.options;
    if (faults !== undefined && driver instanceof ShareDriver) return new FaultyShare(driver.open(), faults.plan, faults.monotonic);
    return driver.open();
  }

  save(out: PartWriter): Reply {
    for (const [name, driver] of this.drivers) {
      const reply = driver.save?.(out.part(name)) ?? 0;
      if (reply !== 0) return reply;
    }
    return 0;
  }

  /** -EINVAL if a device was saved that is not here. */
  restore(part: PartReader): Reply {
    for (const name of part.parts()) {
      const driver = this.drivers.get(name);
      if (driver === undefined) return -Errno.EINVAL;
      const reply = driver.restore?.(part.part(name)) ?? 0;
      if (reply !== 0) return reply;
    }
    return 0;
  }

  close(): void {
    for (const driver of this.drivers.values()) driver.close();
    this.drivers.clear();
  }

  /** A console's output alone. */
  private outputOf(name: string, of: string): Driver {
    const console = this.drivers.get(of);
    if (!(console instanceof ConsoleDriver)) throw new Error(`device '${name}' is an end of '${of}', which is no console made before it`);
    return { open: () => console.open(false), close: () => undefined };
  }

  private make(name: string, spec: DeviceSpec, options: DriverSetOptions): Driver {
    const { events, log, now, host } = options;
    switch (spec.kind) {
      case 'share': {
        const { layers, volumes, writableBytes } = spec;
        return new ShareDriver({ layers, volumes, events, now, ...(writableBytes === undefined ? {} : { writableBytes }) });
      }
      case 'console':
        return 'of' in spec ? this.outputOf(name, spec.of) : newConsole(spec, events, log);
      case 'entropy':
        return new EntropyDriver(events, options.entropy(name));
      case 'socket':
        return new SocketDriver({
          events,
          network: this.network,
          name: spec.name,
          mayConnect: spec.mayConnect,
          ...(host === undefined ? {} : { host }),
        });
    }
  }
}

function newConsole(spec: ConsoleSpec, events: Events, log: (bytes: Uint8Array) => void): ConsoleDriver {
  const input = spec.keyboard !== undefined;
  const driver = new ConsoleDriver({ events, log, input, ...(spec.prefix === undefined ? {} : { prefix: spec.prefix }) });
  spec.keyboard?.((bytes) => driver.type(bytes));
  return driver;
}
