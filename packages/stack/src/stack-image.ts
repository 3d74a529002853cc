import type { Hardware, PartReader } from '@ashlar/hardware';
import type { Domain, Hypervisor } from '@ashlar/hypervisor';
import { PartBuilder, PartError, readPart } from '@ashlar/machine-image';
import type { LeafPlan, StackPlan } from './plan.ts';
import type { StackParts } from './stack.ts';
import { StackError } from './stack-error.ts';

/** A saved stack, opened: what hardware restores, and the saved state of each domain by the leaf's name. */
export interface StackImage {
  readonly domains: ReadonlyMap<string, Uint8Array>;
  restoreHardware(hardware: Hardware): void;
}

const SCHEMA = 'stack/1';

/**
 * Saves hardware and every leaf, all of one moment: what one domain does to a shared device is in the others' state too. The image names no hypervisor: it
 * restores under any chain.
 */
export async function saveStack(parts: StackParts, saveLeaf: (leaf: LeafPlan) => Promise<Uint8Array>): Promise<Uint8Array> {
  const domains = [...((parts.payload as Partial<Hypervisor>).domains?.values() ?? [])].filter(({ state }) => state === 'running');
  const paused: Domain[] = [];
  try {
    for (const domain of domains) {
      await domain.pause(PAUSE_MS_MAX);
      paused.push(domain);
    }
    return await saveHeld(parts, saveLeaf);
  } finally {
    for (const domain of paused) domain.resume();
  }
}

/** Host milliseconds that a domain may take to come to rest. */
const PAUSE_MS_MAX = 30_000;

async function saveHeld(parts: StackParts, saveLeaf: (leaf: LeafPlan) => Promise<Uint8Array>): Promise<Uint8Array> {
  const out = new PartBuilder();
  out.put('schema', SCHEMA);
  const domains: Record<string, Uint8Array> = {};
  for (const leaf of parts.plan.leaves) domains[leaf.name] = await saveLeaf(leaf);
  out.put('domains', domains);
  const reply = parts.hardware.save(out.part('hardware'));
  if (reply !== 0) throw new StackError(`the hardware could not be saved: ${JSON.stringify(reply)}`);
  return out.toBytes();
}

/** Opens what {@link saveStack} made. */
export function openStackImage(bytes: Uint8Array, plan: StackPlan): StackImage {
  const part = read(bytes);
  const domains = new Map(Object.entries(part.get('domains') as Readonly<Record<string, Uint8Array>>));
  const missing = plan.leaves.find(({ name }) => !domains.has(name));
  if (missing !== undefined || domains.size !== plan.leaves.length) {
    throw new StackError(
      `the image holds the domains ${[...domains.keys()].join(', ')}`,
      'restore it with a config that has the same domains',
    );
  }
  return {
    domains,
    restoreHardware: (hardware) => {
      const reply = hardware.restore(part.part('hardware'));
      if (reply !== 0) throw new StackError('the saved hardware does not fit', 'restore it on the same hardware, images and volumes');
    },
  };
}

function read(bytes: Uint8Array): PartReader {
  try {
    const part = readPart(bytes);
    if (part.has('schema') && part.get('schema') === SCHEMA) return part;
  } catch (error) {
    if (!(error instanceof PartError)) throw error;
    throw new StackError(`the image cannot be read: ${error.message}`, '', { cause: error });
  }
  throw new StackError('this is not a saved stack', 'give the bytes that save() returned');
}
