import { LocalResident, startDomains } from '@ashlar/domains';
import {
  type Channel,
  Errno,
  type Hardware,
  type Machine,
  type Partition,
  type PartReader,
  type PartWriter,
  type Payload,
  type Reply,
  type Result,
  type Shape,
  type Step,
} from '@ashlar/hardware';
import type { Hypervisor, PayloadRef } from '@ashlar/hypervisor';
import { copyPart, PartBuilder, readPart } from '@ashlar/machine-image';
import type { StackLoader } from './loader.ts';
import type { LeafPlan, StackPlan } from './plan.ts';
import { StackError } from './stack-error.ts';

/** The outermost payload of a stack, and how each leaf in it is saved. */
export interface Root {
  readonly payload: Payload;
  /** As `DomainSpec.from` takes it. */
  readonly saveLeaf: (leaf: LeafPlan) => Promise<Uint8Array>;
}

/** Host milliseconds that a domain may take to come to rest and write its state. */
const SAVE_MS_MAX = 30_000;

/** Loads the outermost payload on the hardware: a hypervisor with everything in it, or with an empty chain the system itself. */
export async function loadRoot(
  loader: StackLoader,
  ref: PayloadRef,
  plan: StackPlan,
  hardware: Hardware,
  saved: ReadonlyMap<string, Uint8Array>,
): Promise<Root> {
  if (ref.kind === 'hypervisor') {
    const hypervisor = (await loader.payload(ref, hardware.machine, undefined)) as Hypervisor;
    // None runs before all are there: what they share is as it was saved when the last of them is restored.
    startDomains(hypervisor, ref.domains);
    return { payload: hypervisor, saveLeaf: (leaf) => saveLeafOf(hypervisor, leaf) };
  }
  const [leaf] = plan.leaves;
  if (leaf === undefined) throw new StackError('the stack has no domain');
  const partition = leafPartition(hardware.machine, leaf, plan.pages);
  const resident = new LocalResident({ name: leaf.name, machine: partition.open(), clockOffset: { sec: 0, nsec: 0 }, loader, partition });
  const bytes = saved.get(leaf.name);
  await resident.start(ref, [], bytes === undefined ? undefined : readPart(bytes));
  return { payload: new SoleSystem(resident), saveLeaf: () => resident.save(SAVE_MS_MAX) };
}

/** All of the hardware's machine, with devices by the names that the only leaf knows them by. */
function leafPartition(machine: Machine, leaf: LeafPlan, pages: number): Partition {
  const { isas, virtualTime } = machine.shape;
  const want: Shape = { vcpus: 1, isas, pages, devices: leaf.devices, virtualTime };
  const partition = machine.partition(want, { pages, weight: 100, capPerMille: 1000 });
  if ('refused' in partition) throw new StackError(`the hardware has no ${partition.missing}`);
  return partition;
}

/** A system right on the hardware, without a hypervisor that would contain it: what it throws ends the stack. */
class SoleSystem implements Payload {
  readonly schema = 'sole-system/1';
  private readonly system: Payload;

  constructor(private readonly resident: LocalResident) {
    this.system = resident.payload;
  }

  step(budget: number): Step | Promise<Step> {
    return this.system.step(budget);
  }

  serve(service: string, channel: Channel): Result {
    return this.system.serve(service, channel);
  }

  stop(): Reply {
    return this.system.stop();
  }

  save(out: PartWriter): Reply {
    return this.resident.saveInto(out);
  }

  /** It is restored when it is loaded: with its machine, before it. */
  restore(_part: PartReader): Reply {
    return -Errno.ENOSYS;
  }
}

/** A leaf's part of the state of the outermost domain that it is in: everything on the way is saved together, at rest. */
async function saveLeafOf(hypervisor: Hypervisor, leaf: LeafPlan): Promise<Uint8Array> {
  const [outermost = '', ...inner] = leaf.route;
  const domain = hypervisor.domains.get(outermost);
  if (domain === undefined) throw new StackError(`there is no domain '${outermost}' to save`);
  const bytes = await domain.save(SAVE_MS_MAX);
  if (inner.length === 0) return bytes;
  const part = inner.reduce<PartReader>((reader, name) => reader.part('payload').part(`domain:${name}`).part('state'), readPart(bytes));
  const out = new PartBuilder();
  copyPart(part, out);
  return out.toBytes();
}
