import type { PluginRef } from '@ashlar/hardware';
import { listOf } from './devices.ts';
import type { StackPlan } from './plan.ts';

/** One line per tier, the userspace on top and the hardware at the bottom; domains side by side below each other, indented by depth. */
export function picture(plan: StackPlan): string {
  const boxes = plan.leaves.flatMap((leaf) => [
    row(
      'userspace',
      `${leaf.userspace.map(nameOf).join(' + ')}${leaf.images.length > 0 ? `  (${leaf.images.join(', ')})` : ''}`,
      plan.leaves.length > 1 ? leaf.name : '',
    ),
    row('kernel', nameOf(leaf.kernel), ''),
    ...[...leaf.chain].reverse().map((ref) => row('hypervisor', nameOf(ref), '')),
  ]);
  const rows = [
    ...boxes,
    ...sharedDevices(plan).map((text) => row('device', text, '')),
    row('hardware', `${nameOf(plan.hardware)}  (${plan.cpus.map(nameOf).join(', ')})`, ''),
  ];
  const width = Math.max(...rows.map((line) => line.length));
  const edge = (left: string, right: string): string => `${left}${'─'.repeat(width + 2)}${right}`;
  return [
    edge('┌', '┐'),
    ...rows.flatMap((line, index) => [...(index > 0 ? [edge('├', '┤')] : []), `│ ${line.padEnd(width)} │`]),
    edge('└', '┘'),
  ].join('\n');
}

/** One line for each device of the config's `devices`: what it is, and who has it for what. */
export function sharedDevices(plan: StackPlan): readonly string[] {
  return plan.shared.map(({ name, config, users }) => {
    const who = users.length === 0 ? 'no domain' : users.join(', ');
    if (config.kind === 'share') {
      const from = listOf(config.image, []).join(', ');
      return `${name}: share${from === '' ? '' : ` (${from})`}, the root of ${who}`;
    }
    return `${name}: console of ${who}${config.input === undefined ? '' : `; ${config.input} reads it`}`;
  });
}

const row = (tier: string, text: string, domain: string): string => `${tier.padEnd(11)} ${text}${domain === '' ? '' : `  [${domain}]`}`;

function nameOf(ref: PluginRef): string {
  const config = ref.config === undefined ? '' : ` ${JSON.stringify(ref.config).replaceAll('"', '').replaceAll(',', ', ')}`;
  return `${ref.use}${config}`;
}
