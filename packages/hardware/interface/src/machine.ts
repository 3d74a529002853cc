import type { Cpu } from './cpu.ts';
import type { Device, DeviceKind } from './device.ts';
import type { Events } from './event.ts';
import type { MemoryAccount } from './memory.ts';
import type { Instant, Isa, Plain, Result } from './value.ts';

/** A plugin by name, package or path, with its config: data that travels. */
export interface PluginRef {
  readonly use: string;
  readonly config?: Plain;
}

export type ClockName = 'monotonic' | 'wall' | 'steal';

/**
 * Time as a domain sees it. Monotonic time stands still while the domain is paused and never goes back; steal is time during which the domain
 * could have run and was not let. Where `virtualTime`, time moves only with retired instructions and idle skips.
 */
export interface Clock {
  read(which: ClockName, out: Instant): void;
}

export interface DeviceShape {
  readonly kind: DeviceKind;
  /** The device's name in the machine below; default: the same name. */
  readonly from?: string;
  readonly readOnly?: boolean;
}

/** What a machine looks like from inside. Frozen, cloneable, free of host names and ids. */
export interface Shape {
  /** Version 1: always 1. */
  readonly vcpus: number;
  readonly isas: readonly Isa[];
  /** Memory limit in pages. */
  readonly pages: number;
  readonly devices: Readonly<Record<string, DeviceShape>>;
  readonly virtualTime: boolean;
}

/** Resource limits of a domain. */
export interface Limits {
  readonly pages: number;
  /** Share of CPU time relative to its siblings, 1 … 10,000; 100 is usual. */
  readonly weight: number;
  /** Most CPU time, in thousandths of the parent's; 1,000: all of it. */
  readonly capPerMille: number;
}

/** Requests that crossed a boundary of this machine, counted where they cross. */
export interface Crossings {
  /** Frames sent or served on behalf of this machine, encapsulations included. */
  readonly frames: number;
  readonly bytes: number;
}

/**
 * A computer as the tier above sees it: offered by hardware and by every hypervisor.
 *
 * References to `cpu`, `device`, `clock` and `memory` are good while `epoch` stays the same; it changes only between two steps (an interposing layer
 * was attached or left). A payload compares it at the start of a step and takes its references again.
 */
export interface Machine {
  readonly shape: Shape;
  readonly epoch: number;
  readonly memory: MemoryAccount;
  readonly clock: Clock;
  readonly events: Events;
  cpu(isa: Isa): Cpu | undefined;
  /** By name: a stub asks for `root`, never for slot 3. Always the same object within an epoch. */
  device(name: string): Device | undefined;
  /** Fills `to` (at most 65,536 bytes) with random bytes; deterministic where `virtualTime`. */
  entropy(to: Uint8Array): void;
  /**
   * Gives a share of this machine away. -ENOMEM if `limits.pages` cannot be reserved; -ENODEV names a device or instruction set that is not here
   * (as `missing`); -EINVAL.
   */
  partition(want: Shape, limits: Limits): Partition | PartitionRefused;
  readonly crossings: Crossings;
}

export interface PartitionRefused {
  readonly refused: Result;
  readonly missing: string;
}

/** A CPU that the far end constructs itself: its plugin, and where its code is. */
export interface CpuRoute {
  readonly isa: Isa;
  readonly plugin: PluginRef;
}

/** What travels to whoever opens a partition elsewhere. */
export interface Manifest {
  readonly shape: Shape;
  readonly limits: Limits;
  /** The label that frames of this partition carry on its channel. */
  readonly label: number;
  readonly cpus: readonly CpuRoute[];
}

/**
 * One tier's view of a share of a machine: a manifest (data that travels) and the end that stays and answers.
 * Either `open` it in this thread, or `serve` it over a channel to wherever the manifest went; once, not both.
 */
export interface Partition {
  readonly manifest: Manifest;
  /** The machine itself, without a boundary: no frame is made. */
  open(): Machine;
  /** Answers hypercall frames on `channel` until it ends or the partition is revoked. */
  serve(channel: Channel): void;
  limit(limits: Limits): Result;
  /**
   * How tunnels are flattened: a further channel straight to the end that answers this partition's label, past every level between, as a handle
   * that can be posted to another thread. undefined where there is none; then {@link serve} it.
   */
  branch?(): unknown;
  /** Passes on what the opener of this partition asked for with its own `branch`: towards the end that answers. */
  adopt?(request: unknown): void;
  /** Takes everything back: later requests answer -ENODEV, the reservation returns to the machine. */
  revoke(): void;
}

/**
 * Whole frames, in order. Whatever carries them: a function call, a ring in shared memory, a socket.
 */
export interface Channel {
  /** false: do not send more until `onDrain`. A frame is copied before send returns. At most {@link FRAME_BYTES_MAX}. */
  send(frame: Uint8Array): boolean;
  /** Sets the receiver, once. `frame` is good until `onFrame` returns. */
  receive(onFrame: (frame: Uint8Array) => void, onDrain: () => void, onEnd: (errno: Result) => void): void;
  /** Blocking round trip, where the transport has one: sends, and copies the answering frame into `answer`. Bytes of it, or a negated errno. */
  call?(frame: Uint8Array, answer: Uint8Array): Result;
  /** A further channel to the same far end, for the partition `label` alone, as a handle that can be posted to another thread. */
  branch?(label: number): unknown;
  /** Hands a branch that was asked for further up on to the far end. */
  adopt?(request: unknown): void;
  close(errno: Result): void;
}

/** Largest frame on any channel, in bytes. */
export const FRAME_BYTES_MAX = (1 << 20) + 4096;
