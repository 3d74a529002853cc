import { DriverSet } from '@ashlar/devices';
import { LoopExecutor } from '@ashlar/executor';
import type { Executor, Hardware, HardwareSpec, Machine, PartReader, PartWriter, Reply, Shape } from '@ashlar/hardware';
import { Account, EventHub, LocalMachine } from '@ashlar/hypercall';
import { hardware, Spec } from '@ashlar/plugin';
import { fillRandom } from './entropy.ts';
import { HostClock, hostMs } from './host-clock.ts';
import { NodeSockets } from './sockets.ts';

/** The Node.js process it runs in as a machine: real clocks, real entropy, host folders as volumes. */
@hardware({
  name: 'host',
  interface: '1',
  version: '0.1.0',
  summary: 'the Node.js process: real time, real entropy, host folders and sockets',
  inject: [Spec],
  traits: { virtualTime: false },
})
export class HostHardware implements Hardware {
  readonly schema = 'host/1';
  readonly machine: Machine;
  readonly executor: Executor;
  private readonly drivers: DriverSet;

  constructor(spec: HardwareSpec) {
    const events = new EventHub();
    const clock = new HostClock();
    this.drivers = new DriverSet({
      devices: spec.devices,
      events,
      log: spec.log,
      now: (out) => clock.read('wall', out),
      entropy: () => ({ kind: 'crypto' }),
      host: new NodeSockets(),
    });
    const shape: Shape = Object.freeze({
      vcpus: 1,
      isas: spec.cpus.map(({ cpu }) => cpu.isa),
      pages: spec.pages,
      devices: this.drivers.shape,
      virtualTime: false,
    });
    this.machine = new LocalMachine({
      shape,
      account: new Account(spec.pages),
      clock,
      events,
      cpus: spec.cpus,
      open: (name) => this.drivers.open(name),
      entropy: fillRandom,
    });
    this.executor = new LoopExecutor(events, clock, { hostMs });
  }

  save(out: PartWriter): Reply {
    return this.drivers.save(out.part('drivers'));
  }

  restore(part: PartReader): Reply {
    return this.drivers.restore(part.part('drivers'));
  }

  async close(): Promise<void> {
    await this.executor.halt();
    this.drivers.close();
  }
}
