import { DomainError, DomainSet, type Placing, partitionFor, type Resident } from '@ashlar/domains';
import { Errno, type Machine, type PluginRef } from '@ashlar/hardware';
import { createRing, nearKeys, openRingServer, type RingHandle } from '@ashlar/hypercall';
import type { DomainPlan, PayloadLoader } from '@ashlar/hypervisor';
import { copyPart, PartBuilder } from '@ashlar/machine-image';
import { Config, Domains, hypervisor, Loader, LowerMachine } from '@ashlar/plugin';
import { USAGE_BYTES } from './protocol.ts';
import { STUCK_MS, ThreadResident } from './thread-resident.ts';

export interface WorkerConfig {
  /** Host milliseconds after which a thread that does not answer counts as spinning and is ended. */
  readonly stuckMs: number;
}

/** Checks the config of the plugin. */
export const workerConfig = {
  parse(value: unknown): WorkerConfig {
    const { stuckMs = STUCK_MS, ...rest } = (value ?? {}) as { stuckMs?: unknown };
    const unknown = Object.keys(rest)[0];
    if (unknown !== undefined) throw new TypeError(`worker: there is no setting "${unknown}"; there is stuckMs`);
    if (typeof stuckMs !== 'number' || !Number.isSafeInteger(stuckMs) || stuckMs < 100) {
      throw new TypeError(`worker: stuckMs ${String(stuckMs)} is not a whole number of milliseconds, at least 100`);
    }
    return { stuckMs };
  },
};

/**
 * A thread per domain: parallel on cores, and killable even when plugin code spins. Requests cross as frames on a ring in shared memory; a thread
 * within a thread is linked straight to the far end unless flattening is off. Where time is virtual, threads run in lockstep.
 */
@hypervisor({
  name: 'worker',
  interface: '1',
  version: '0.1.0',
  summary: 'a thread per domain: parallel on cores, killable even when plugin code spins',
  config: workerConfig,
  inject: [LowerMachine, Loader, Domains, Config],
  traits: { placement: 'own-thread', interpose: true },
})
export class WorkerHypervisor extends DomainSet {
  constructor(lower: Machine, loader: PayloadLoader, plan: DomainPlan, { stuckMs }: WorkerConfig) {
    super({ schema: 'worker/1', lower, place: (placing) => placeInThread({ lower, loader, flatten: plan.flatten, stuckMs }, placing) });
  }
}

interface Floor {
  readonly lower: Machine;
  readonly loader: PayloadLoader;
  readonly flatten: boolean;
  readonly stuckMs: number;
}

async function placeInThread({ lower, loader, flatten, stuckMs }: Floor, { spec, taps, clockOffset, from }: Placing): Promise<Resident> {
  const immobile = loader.immobile(spec.payload);
  if (immobile !== undefined) throw new DomainError(Errno.EINVAL, `domain "${spec.name}": ${immobile}`);
  const refs = taps.map((tap) => tap.ref).filter((ref): ref is PluginRef => ref !== undefined);
  if (refs.length !== taps.length)
    throw new DomainError(Errno.ENOSYS, `domain "${spec.name}": a layer below looks at its requests and cannot go behind a thread`);
  const partition = partitionFor(lower, spec);
  const branch = flatten ? (partition.branch?.() as RingHandle | undefined) : undefined;
  const ring = branch ?? createRing();
  const server = branch === undefined ? openRingServer(ring) : undefined;
  if (server !== undefined) partition.serve(server);
  return ThreadResident.open({
    start: {
      name: spec.name,
      manifest: partition.manifest,
      ring,
      module: loader.module,
      seed: loader.seed,
      payload: spec.payload,
      from: from === undefined ? undefined : bytesOf(from),
      taps: refs,
      clockOffset,
      branches: partition.adopt !== undefined,
      usage: new SharedArrayBuffer(USAGE_BYTES),
    },
    partition,
    closeChannel: () => server?.close(-Errno.ENODEV),
    events: lower.events,
    watch: (far) => nearKeys(lower.events, far),
    stuckMs,
  });
}

function bytesOf(from: NonNullable<Placing['from']>): Uint8Array {
  const copy = new PartBuilder();
  copyPart(from, copy);
  return copy.toBytes();
}
