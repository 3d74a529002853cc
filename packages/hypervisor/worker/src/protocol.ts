import type { Instant, Manifest, Plain, PluginRef } from '@ashlar/hardware';
import type { RingHandle } from '@ashlar/hypercall';
import type { DomainStop, PayloadRef } from '@ashlar/hypervisor';

/**
 * What is said between a worker hypervisor and the thread of a domain: control and services. Requests of the domain's machine never go here: they are
 * frames on the ring.
 */

/** Given to the thread at its start. */
export interface ThreadStart {
  readonly name: string;
  readonly manifest: Manifest;
  readonly ring: RingHandle;
  /** The module with `createLoader(seed)`. */
  readonly module: string;
  readonly seed: Plain;
  readonly payload: PayloadRef;
  readonly from: Uint8Array | undefined;
  /** Interposing layers, outermost first. */
  readonly taps: readonly PluginRef[];
  readonly clockOffset: Readonly<Instant>;
  /** Whether the far end takes branches. */
  readonly branches: boolean;
  /** {@link UsageWord}s: written by the thread, read by the hypervisor at any time. */
  readonly usage: SharedArrayBuffer;
}

/** Indices of the doubles that tell what a domain uses. */
export const UsageWord = { PAGES: 0, RETIRED: 1, EXITS: 2, FRAMES: 3, OFFSET_SEC: 4, OFFSET_NSEC: 5 } as const;
export const USAGE_BYTES = 64;

/** Hypervisor → thread. Those with `id` are answered. */
export type Command =
  | { readonly do: 'step'; readonly id: number; readonly budget: number }
  | { readonly do: 'run' }
  | { readonly do: 'pause'; readonly id: number; readonly withinMs: number }
  | { readonly do: 'resume' }
  | { readonly do: 'save'; readonly id: number; readonly withinMs: number }
  | { readonly do: 'link'; readonly id: number; readonly taps: readonly PluginRef[] }
  | { readonly do: 'serve'; readonly service: string; readonly port: MessagePort }
  | { readonly do: 'ping'; readonly id: number };

/** What a step in the thread did. Keys are the hardware's. */
export interface FarStep {
  readonly used: number;
  readonly ended: boolean;
  readonly wait: { readonly far: readonly number[]; readonly until: Instant | undefined } | undefined;
}

/** Thread → hypervisor. */
export type Notice =
  | { readonly tell: 'ready' }
  | { readonly tell: 'refused'; readonly message: string; readonly errno: number }
  | { readonly tell: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly tell: 'error'; readonly id: number; readonly message: string; readonly errno: number }
  | { readonly tell: 'branch'; readonly request: unknown }
  | { readonly tell: 'news' }
  | { readonly tell: 'ended'; readonly stop: DomainStop };
