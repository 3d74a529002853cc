import { DriverSet, SeededRandom } from '@ashlar/devices';
import { LoopExecutor } from '@ashlar/executor';
import {
  Errno,
  type Executor,
  type Hardware,
  type HardwareSpec,
  type Instant,
  type Machine,
  type PartReader,
  type PartWriter,
  type Reply,
  type Shape,
} from '@ashlar/hardware';
import { Account, EventHub, LocalMachine } from '@ashlar/hypercall';
import { Config, hardware, Spec } from '@ashlar/plugin';
import { z } from 'zod';
import { VirtualClock } from './virtual-clock.ts';

export const SimConfig = z.strictObject({
  seed: z.number().int().min(0).max(0xffff_ffff).default(0).describe('Of every random byte'),
  instructionsPerMicrosecond: z.number().int().min(1).max(1_000_000).default(100).describe('How fast the simulated CPU is'),
  epoch: z
    .number()
    .int()
    .min(0)
    .max(2 ** 40)
    .default(1_700_000_000)
    .describe('Wall-clock seconds since 1970 at the start'),
  faults: z
    .strictObject({
      delayPerMille: z.number().int().min(0).max(1000).default(0).describe('Of a thousand requests to a share, how many are answered late'),
      delayNsMax: z
        .number()
        .int()
        .min(0)
        .max(1_000_000_000)
        .default(1_000_000)
        .describe('How late at most, in nanoseconds of virtual time'),
      failPerMille: z.number().int().min(0).max(1000).default(0).describe('Of a thousand, how many fail with EIO'),
    })
    .optional()
    .describe('Makes shares slow and unreliable, the same way for the same seed'),
});
export type SimConfig = z.infer<typeof SimConfig>;

/** A machine where nothing comes from outside: the same guest, seed and input give the same bytes and the same instruction count. */
@hardware({
  name: 'sim',
  interface: '1',
  version: '0.1.0',
  summary: 'deterministic: seeded entropy, time that moves with instructions, domains in lockstep',
  config: SimConfig,
  inject: [Spec, Config],
  traits: { virtualTime: true },
})
export class SimHardware implements Hardware {
  readonly schema = 'sim/1';
  readonly machine: Machine;
  readonly executor: Executor;
  private readonly drivers: DriverSet;
  private readonly clock: VirtualClock;
  private readonly random: SeededRandom;

  constructor(spec: HardwareSpec, config: SimConfig) {
    const events = new EventHub();
    const clock = new VirtualClock(config.instructionsPerMicrosecond, config.epoch);
    const random = new SeededRandom(config.seed, 'machine');
    this.clock = clock;
    this.random = random;
    this.drivers = new DriverSet({
      devices: spec.devices,
      events,
      log: spec.log,
      now: (out) => clock.read('wall', out),
      entropy: (device) => ({ kind: 'seeded', seed: config.seed, stream: device }),
      ...(config.faults === undefined
        ? {}
        : { faults: { plan: { seed: config.seed, ...config.faults }, monotonic: (out: Instant) => clock.read('monotonic', out) } }),
    });
    const shape: Shape = Object.freeze({
      vcpus: 1,
      isas: spec.cpus.map(({ cpu }) => cpu.isa),
      pages: spec.pages,
      devices: this.drivers.shape,
      virtualTime: true,
    });
    this.machine = new LocalMachine({
      shape,
      account: new Account(spec.pages),
      clock,
      events,
      cpus: spec.cpus,
      open: (name) => this.drivers.open(name),
      entropy: (to) => random.fill(to),
    });
    this.executor = new LoopExecutor(events, clock, { virtual: clock });
  }

  save(out: PartWriter): Reply {
    out.put('random', this.random.save());
    const clock = this.clock.save(out.part('clock'));
    return clock === 0 ? this.drivers.save(out.part('drivers')) : clock;
  }

  restore(part: PartReader): Reply {
    if (!this.random.restore(part.get('random'))) return -Errno.EINVAL;
    const clock = this.clock.restore(part.part('clock'));
    return clock === 0 ? this.drivers.restore(part.part('drivers')) : clock;
  }

  async close(): Promise<void> {
    await this.executor.halt();
    this.drivers.close();
  }
}
