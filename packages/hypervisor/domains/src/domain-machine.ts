import type { Clock, ClockName, Device, Instant, Machine } from '@ashlar/hardware';
import { CLOCK_OFFSET, DomainClock } from './domain-clock.ts';
import { ForwardedMachine } from './forwarded-machine.ts';
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
class ClockedMachine extends ForwardedMachine {
  readonly #clock: DomainClock;
  /** Opened devices by name: the ones that hold state of this domain. */
  readonly opened = new Map<string, Device>();

  constructor(base: Machine, clock: DomainClock) {
    super(base);
    this.#clock = clock;
  }

  /** Always the same to its layers; that of the domain's machine changes with them. */
  override get epoch(): number {
    return 0;
  }

  override get clock(): DomainClock {
    return this.#clock;
  }

  override device(name: string): Device | undefined {
    const device = super.device(name);
    if (device !== undefined) this.opened.set(name, device);
    return device;
  }
}

/**
 * The machine that a domain's payload holds: the partition it was given, its own time, and the interposing layers of its own and of the levels below.
 * Layers come and go between steps; `epoch` changes then.
 */
export class DomainMachine extends ForwardedMachine {
  readonly #base: ClockedMachine;
  #taps: readonly Tap[] = [];
  #clock: Clock;
  #epoch = 0;

  constructor(base: Machine, clock: DomainClock) {
    const clocked = new ClockedMachine(base, clock);
    super(clocked);
    this.#base = clocked;
    this.#clock = clock;
  }

  override get epoch(): number {
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
    this.lower = taps.reduce<Machine>((lower, tap) => tap.interposer.wrap(lower), this.#base);
    this.#taps = taps;
    this.#clock = this.lower.clock === this.#base.clock ? this.#base.clock : new TappedClock(this.lower.clock, this.#base.clock);
    this.#epoch += 1;
  }

  override get clock(): Clock {
    return this.#clock;
  }
}
