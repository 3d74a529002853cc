import { prepareFile } from '@ashlar/stack';
import { registry } from './registry.ts';

/** `ashlar check FILE`: says nothing wrong, or throws with all that is. */
export async function check(file: string): Promise<void> {
  const { plan } = await prepareFile(file, registry());
  const domains = plan.leaves.length === 1 ? 'one domain' : `${plan.leaves.length} domains`;
  process.stdout.write(`${file}: a stack of ${domains}; nothing is wrong\n`);
}
