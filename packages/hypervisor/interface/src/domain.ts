import type {
  Channel,
  Cpu,
  Instant,
  Limits,
  Machine,
  PartReader,
  PartWriter,
  Payload,
  Plain,
  PluginRef,
  Result,
  Shape,
} from '@ashlar/hardware';

/**
 * What is loaded inside a domain's boundary, named and never handed in as an object: it may have to travel to another thread, process or host.
 */
export type PayloadRef =
  | {
      readonly kind: 'system';
      readonly kernel: PluginRef;
      /** Personalities, asked in this order whether they recognise a program. */
      readonly userspace: readonly PluginRef[];
      /** Takes a profile of what its programs execute, with so many instructions between samples; the service `profile` gives it. */
      readonly profileInterval?: number;
    }
  | {
      readonly kind: 'hypervisor';
      readonly hypervisor: PluginRef;
      /** false: every request is encapsulated at this level instead of being linked past it. Default true. */
      readonly flatten?: boolean;
      readonly domains: readonly DomainSpec[];
    };

/** A domain to be made. Plain data. */
export interface DomainSpec {
  /** Unique among its siblings: 1 … 64 characters of [a-z0-9-]. Not visible to the guest. */
  readonly name: string;
  readonly want: Shape;
  readonly limits: Limits;
  readonly payload: PayloadRef;
  /** A saved domain (the bytes of a machine-image part) to restore instead of starting fresh. */
  readonly from?: Uint8Array;
}

/**
 * created → running ⇄ paused → stopped. `stopped` is for good.
 *
 * | whoever made the domain           | the hypervisor                                                                  |
 * |-----------------------------------|---------------------------------------------------------------------------------|
 * | `create(spec)`                    | reserves memory, loads the payload inside the boundary; state `created`         |
 * | `start()`                         | steps it from now on: `running`                                                 |
 * | `pause()`                         | finishes the step under way; monotonic time of the domain stands still          |
 * | `save()` while paused or running  | has the payload write its own state between two steps                           |
 * | `resume()`                        | `running` again                                                                 |
 * | `destroy()`                       | ends it without asking; all memory is back at the parent when this settles      |
 */
export type DomainState = 'created' | 'running' | 'paused' | 'stopped';

export interface DomainStop {
  /** `exit`: the payload stopped by itself. `killed`: destroyed. `crashed`: plugin code threw or spun. `lost`: the boundary broke. */
  readonly reason: 'exit' | 'killed' | 'crashed' | 'lost';
  /** For `crashed` and `lost`: what happened, in one line. */
  readonly message: string;
}

export interface DomainUsage {
  readonly pages: number;
  readonly retired: number;
  readonly exits: number;
  /** Frames that crossed this domain's own boundary. */
  readonly frames: number;
  readonly steal: Instant;
}

/** Control over one domain; never flattened: whoever made a domain can always pause, limit, revoke and destroy it. */
export interface Domain {
  readonly name: string;
  readonly state: DomainState;
  /** -EINVAL unless `created`. */
  start(): Result;
  /** Settles when no step is under way; rejects with ETIMEDOUT after `withinMs` (host milliseconds) and leaves the domain running. */
  pause(withinMs: number): Promise<void>;
  resume(): Result;
  /** The payload's state and its devices', as the bytes of one machine-image part; rejects with ETIMEDOUT and leaves the domain as it was. */
  save(withinMs: number): Promise<Uint8Array>;
  limit(limits: Limits): Result;
  usage(): DomainUsage;
  /** A channel to a service of the payload; `NAME/service` goes on into a child of a nested hypervisor. Ends with ENOENT if there is none. */
  connect(service: string): Channel;
  /**
   * Puts an interposing layer between this domain and its machine, or takes it away (`undefined`), between two steps; `Machine.epoch` changes.
   * -ENOSYS across a boundary the hypervisor cannot relink.
   */
  interpose(tap: PluginRef | undefined): Promise<Result>;
  readonly stopped: Promise<DomainStop>;
  destroy(): Promise<void>;
}

/** A layer that sees requests on their way down: the machine it was given, wrapped. Ports it does not name are the lower machine's own objects. */
export interface Interposer {
  wrap(lower: Machine): Machine;
}

/**
 * Loads payloads and interposers inside the current boundary. Given to hypervisors by injection; `module` is the URL of a module with an export
 * `createLoader(seed)` for boundaries that need their own (a new thread): `seed` is plain data.
 */
export interface PayloadLoader {
  readonly module: string;
  readonly seed: Plain;
  /** A hypervisor's domains are made, and not started: whoever lets it run starts them. */
  payload(ref: PayloadRef, machine: Machine, from: PartReader | undefined): Promise<Payload>;
  interposer(ref: PluginRef): Promise<Interposer>;
  /** A CPU for this thread, as a manifest routes it. */
  cpu(ref: PluginRef): Promise<Cpu>;
  /** Why the plugin that `ref` names cannot be loaded behind a thread or process edge; undefined if it can. */
  immobile(ref: PayloadRef): string | undefined;
}

export type { PartReader, PartWriter };
