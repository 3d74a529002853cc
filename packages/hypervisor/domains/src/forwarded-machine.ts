import type {
  Clock,
  Cpu,
  Crossings,
  Device,
  Events,
  Isa,
  Limits,
  Machine,
  MemoryAccount,
  Partition,
  PartitionRefused,
  Shape,
} from '@ashlar/hardware';

/** A machine that answers with another one's answers, but for what a subclass answers itself. */
export abstract class ForwardedMachine implements Machine {
  /** Whose answers they are. A subclass that changes it changes its `epoch` too. */
  protected lower: Machine;

  constructor(lower: Machine) {
    this.lower = lower;
  }

  get shape(): Shape {
    return this.lower.shape;
  }

  get epoch(): number {
    return this.lower.epoch;
  }

  get memory(): MemoryAccount {
    return this.lower.memory;
  }

  get clock(): Clock {
    return this.lower.clock;
  }

  get events(): Events {
    return this.lower.events;
  }

  get crossings(): Crossings {
    return this.lower.crossings;
  }

  cpu(isa: Isa): Cpu | undefined {
    return this.lower.cpu(isa);
  }

  device(name: string): Device | undefined {
    return this.lower.device(name);
  }

  entropy(to: Uint8Array): void {
    this.lower.entropy(to);
  }

  partition(want: Shape, limits: Limits): Partition | PartitionRefused {
    return this.lower.partition(want, limits);
  }
}
