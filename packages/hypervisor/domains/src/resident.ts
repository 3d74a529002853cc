import type { Channel, Instant, Limits, PartWriter, PluginRef, Reply, Result, Step } from '@ashlar/hardware';
import type { DomainStop } from '@ashlar/hypervisor';
import type { Tap } from './taps.ts';

export interface ResidentUsage {
  readonly pages: number;
  readonly retired: number;
  readonly exits: number;
  readonly frames: number;
}

/**
 * A payload at the place where its hypervisor put it: in this thread, in another one. What a {@link DomainSet} asks of every placement.
 */
export interface Resident {
  /** true: it runs by itself and is never stepped from here. */
  readonly autonomous: boolean;
  /** Makes an autonomous one run, or go on. */
  run(): void;
  step(budget: number): Step | Promise<Step>;
  /** Settles when no step is under way and the domain's time stands still; rejects with ETIMEDOUT. Called between steps if not autonomous. */
  pause(withinMs: number): Promise<void>;
  resume(): void;
  /** The bytes of the saved domain. Called between steps if not autonomous. */
  save(withinMs: number): Promise<Uint8Array>;
  /** The same at once into a part, where that is possible. */
  saveInto?(out: PartWriter): Reply;
  /** Monotonic time of the domain less the hardware's. */
  clockOffset(): Readonly<Instant>;
  /** The domain could have run between these times of the machine below. */
  steal?(from: Readonly<Instant>, to: Readonly<Instant>): void;
  serve(service: string, channel: Channel): Result;
  /** The same over a channel of its own, where that saves a hop. */
  connect?(service: string): Channel;
  /** Links these layers between payload and machine, outermost first; at once if no step is under way. */
  link(taps: readonly Tap[]): Result | Promise<Result>;
  limit(limits: Limits): Result;
  usage(): ResidentUsage;
  /** Everything it held is back when this settles. */
  destroy(): Promise<void>;
  /** Settles if it ended without being destroyed. */
  readonly ended: Promise<DomainStop>;
  /** Finds an interposing layer, to be linked where the payload is. */
  load(tap: PluginRef): Promise<Tap>;
}

/** A payload of this library's hypervisors can be held with all that is within it, though nobody below knows that it is a hypervisor. */
export interface Suspendable {
  suspend(withinMs: number): Promise<void>;
  unsuspend(): void;
}

export function isSuspendable(payload: object): payload is Suspendable {
  return 'suspend' in payload && 'unsuspend' in payload;
}
