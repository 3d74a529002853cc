import type {
  Clock,
  ClockName,
  Cpu,
  Crossings,
  Device,
  Events,
  Instant,
  Isa,
  Limits,
  Machine,
  MemoryAccount,
  Partition,
  PartitionRefused,
  Shape,
} from '@ashlar/hardware';
import { CLOCK_OFFSET, DomainClock } from './domain-clock.ts';
import { TAPS, type Tap } from './taps.ts';

/** The clock as interposing layers leave it, with the domain's offset still told. */
class TappedClock implements Clock {
  readonly #outer: Clock;
  readonly #domain: DomainClock;

  constructor(outer: Clock, domain: DomainClock) {
    this.#outer = outer;
    this.#domain = domain;
  }

  get [CLOCK_OFFSET](): Readonly<Instant> {
    return this.#domain[CLOCK_OFFSET];
  }

  read(which: ClockName, out: Instant): void {
    this.#outer.read(which, out);
  }
}

/** A partition's machine with the domain's own clock: what the innermost interposing layer wraps. */
class ClockedMachine implements Machine {
  readonly epoch = 0;
  readonly clock: DomainClock;
  readonly #base: Machine;
  /** Opened devices by name: the ones that hold state of this domain. */
  readonly opened = new Map<string, Device>();

  constructor(base: Machine, clock: DomainClock) {
    this.#base = base;
    this.clock = clock;
  }

  get shape(): Shape {
    return this.#base.shape;
  }

  get memory(): MemoryAccount {
    return this.#base.memory;
  }

  get events(): Events {
    return this.#base.events;
  }

  get crossings(): Crossings {
    return this.#base.crossings;
  }

  cpu(isa: Isa): Cpu | undefined {
    return this.#base.cpu(isa);
  }

  device(name: string): Device | undefined {
    const device = this.#base.device(name);
    if (device !== undefined) this.opened.set(name, device);
    return device;
  }

  entropy(to: Uint8Array): void {
    this.#base.entropy(to);
  }

  partition(want: Shape, limits: Limits): Partition | PartitionRefused {
    return this.#base.partition(want, limits);
  }
}

/**
 * The machine that a domain's payload holds: the partition it was given, its own time, and the interposing layers of its own and of the levels below.
 * Layers come and go between steps; `epoch` changes then.
 */
export class DomainMachine implements Machine {
  readonly #base: ClockedMachine;
  #target: Machine;
  #taps: readonly Tap[] = [];
  #clock: Clock;
  #epoch = 0;

  constructor(base: Machine, clock: DomainClock) {
    this.#base = new ClockedMachine(base, clock);
    this.#target = this.#base;
    this.#clock = clock;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** The domain's time itself, whatever looks at it. */
  get domainClock(): DomainClock {
    return this.#base.clock;
  }

  get [TAPS](): readonly Tap[] {
    return this.#taps;
  }

  /** Devices as the driver gave them, without layers: for saving. */
  get opened(): ReadonlyMap<string, Device> {
    return this.#base.opened;
  }

  /** A device without layers. */
  driver(name: string): Device | undefined {
    return this.#base.device(name);
  }

  /** Links these layers in, outermost first, instead of those before. Legal only between steps. */
  link(taps: readonly Tap[]): void {
    if (taps.length === this.#taps.length && taps.every((tap, i) => tap === this.#taps[i])) return;
    // A layer that throws leaves everything as it was.
    this.#target = taps.reduce<Machine>((lower, tap) => tap.interposer.wrap(lower), this.#base);
    this.#taps = taps;
    this.#clock = this.#target.clock === this.#base.clock ? this.#base.clock : new TappedClock(this.#target.clock, this.#base.clock);
    this.#epoch += 1;
  }

  get shape(): Shape {
    return this.#target.shape;
  }

  get memory(): MemoryAccount {
    return this.#target.memory;
  }

  get clock(): Clock {
    return this.#clock;
  }

  get events(): Events {
    return this.#target.events;
  }

  get crossings(): Crossings {
    return this.#target.crossings;
  }

  cpu(isa: Isa): Cpu | undefined {
    return this.#target.cpu(isa);
  }

  device(name: string): Device | undefined {
    return this.#target.device(name);
  }

  entropy(to: Uint8Array): void {
    this.#target.entropy(to);
  }

  partition(want: Shape, limits: Limits): Partition | PartitionRefused {
    return this.#target.partition(want, limits);
  }
}
