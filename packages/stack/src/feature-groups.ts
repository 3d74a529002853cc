import { type FeatureGroup, OPERATIONS } from '@ashlar/kernel-stub';
import type { ProcessExit } from '@ashlar/userspace';
import type { LeafPlan } from './plan.ts';
import type { LoadedPlugin, PluginRegistry } from './plugins/registry.ts';
import { StackError } from './stack-error.ts';

const groupsOf = ({ manifest }: LoadedPlugin): readonly string[] => (manifest.traits?.features as readonly string[] | undefined) ?? [];

/** Those of the feature groups that a kernel stub lacks. */
export function missingGroups(kernel: LoadedPlugin, needs: readonly string[]): readonly string[] {
  const has = groupsOf(kernel);
  return needs.filter((group) => !has.includes(group));
}

/** What to do about missing feature groups: the kernel stubs that have them all, but for the one that was tried. */
export async function stubsWith(groups: readonly string[], registry: PluginRegistry, tried: string): Promise<string> {
  const fitting = (await registry.all()).filter((plugin) => {
    const { tier, name } = plugin.manifest;
    return tier === 'kernel' && name !== tried && missingGroups(plugin, groups).length === 0;
  });
  const names = fitting.map(({ manifest }) => manifest.name);
  return names.length === 0 ? 'no kernel stub that is installed has that' : `use kernel ${names.join(' or ')}`;
}

/** `a`, `a and b`, `a, b and c` */
const enumerated = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;

/** The refusal of something that needs more than a stub has. */
export const lackOf = (groups: readonly string[], stub: string): string =>
  `needs the feature group${groups.length > 1 ? 's' : ''} ${enumerated(groups)}, which kernel stub '${stub}' lacks`;

/** Why the kernel stub ended a program, where it did so because it lacks what the program asked for; undefined for every other end. */
export async function refusalOf(
  exit: ProcessExit,
  program: string,
  leaf: LeafPlan,
  registry: PluginRegistry,
): Promise<StackError | undefined> {
  const refused = 'refused' in exit ? exit.refused : undefined;
  if (refused === undefined) return undefined;
  const stub = leaf.kernel.use;
  const row = (OPERATIONS as Readonly<Record<string, { readonly group: FeatureGroup; readonly source: string }>>)[refused];
  const group = row === undefined ? '' : ` of the feature group ${row.group}`;
  return new StackError(
    `${program} asked for ${row?.source ?? refused}${group}, which kernel stub '${stub}' lacks, and was ended by SIGSYS`,
    await stubsWith(row === undefined ? [] : [row.group], registry, stub),
  );
}
