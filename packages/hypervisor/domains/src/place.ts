import type { Cpu, Machine, Partition } from '@ashlar/hardware';
import { createPair, openPartition } from '@ashlar/hypercall';
import type { DomainSpec, PayloadLoader } from '@ashlar/hypervisor';
import { DomainError } from './domain-error.ts';
import type { Placing } from './domain-set.ts';
import { LocalResident } from './local-resident.ts';
import type { Resident } from './resident.ts';

/** Reserves what a domain wants of the machine below; throws a {@link DomainError} that names what is missing. */
export function partitionFor(lower: Machine, spec: DomainSpec): Partition {
  const made = lower.partition(spec.want, spec.limits);
  if (!('refused' in made)) return made;
  throw new DomainError(made.refused, `domain "${spec.name}": the machine below has not what it wants: ${made.missing}`);
}

export interface ThisThread {
  readonly lower: Machine;
  readonly loader: PayloadLoader;
  /** false: each domain is a client of its own, and each of its requests a frame over a channel within the thread. */
  readonly flatten: boolean;
}

/** Places payloads in this thread, on their partition itself where flattening is not off. */
export function placeInThread({ lower, loader, flatten }: ThisThread): (placing: Placing) => Promise<Resident> {
  return async ({ spec, taps, clockOffset, from }) => {
    const partition = partitionFor(lower, spec);
    const machine = flatten ? partition.open() : encapsulate(lower, partition);
    const resident = new LocalResident({ name: spec.name, machine, clockOffset, loader, partition });
    try {
      await resident.start(spec.payload, taps, from);
    } catch (error) {
      await resident.destroy();
      throw error;
    }
    return resident;
  };
}

/** A boundary within the thread: requests cross it as they would any other. */
function encapsulate(lower: Machine, partition: Partition): Machine {
  const { client, server } = createPair();
  partition.serve(server);
  const cpus = partition.manifest.shape.isas.map((isa) => lower.cpu(isa)).filter((cpu): cpu is Cpu => cpu !== undefined);
  return openPartition(partition.manifest, client, { cpus, events: lower.events });
}
