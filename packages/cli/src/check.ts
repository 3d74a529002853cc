import { checkPrograms, prepareFile, sharedDevices } from '@ashlar/stack';
import { stdout } from './output.ts';
import { registry } from './registry.ts';

/** `ashlar check FILE`: says that nothing is wrong, and which devices domains share; or throws with all that is. */
export async function check(file: string): Promise<void> {
  const { plan, checked, registry: plugins, folder } = await prepareFile(file, registry());
  await checkPrograms(plan, checked, plugins, folder);
  const domains = plan.leaves.length === 1 ? 'one domain' : `${plan.leaves.length} domains`;
  stdout.say(`${file}: a stack of ${domains}; nothing is wrong\n`);
  for (const device of sharedDevices(plan)) stdout.say(`  ${device}\n`);
}
