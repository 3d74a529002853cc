import { type Image, imageArchitecture, parseImageSpec } from '@ashlar/image';
import type { CheckedStack } from './check.ts';
import { lackOf, missingGroups, stubsWith } from './feature-groups.ts';
import { imagesOf, resolveImages } from './images.ts';
import { scriptNeeds } from './known-programs.ts';
import type { LeafPlan, StackPlan } from './plan.ts';
import type { PluginRegistry } from './plugins/registry.ts';
import { StackError } from './stack-error.ts';

/** Looks at the program of each domain whose image is here already: throws what a start would. Images from npm are not looked into. */
export async function checkPrograms(plan: StackPlan, checked: CheckedStack, registry: PluginRegistry, folder: string): Promise<void> {
  const leaves = plan.leaves.filter(({ images }) => images.every((image) => parseImageSpec(image).kind !== 'npm'));
  const shares = new Set(leaves.map(({ devices }) => devices.root?.from));
  const devices = new Map([...plan.devices].filter(([name]) => shares.has(name)));
  const images = await resolveImages({ ...plan, devices }, folder, { offline: true });
  try {
    for (const leaf of leaves) await checkProgram(leaf, imagesOf(leaf, images), checked, registry);
  } finally {
    for (const { tree } of [...images.values()].flat()) tree.close();
  }
}

/** Refuses a program made for another computer, and a script where the kernel stub runs none, in words, before anything runs. */
export async function checkProgram(
  leaf: LeafPlan,
  images: readonly Image[],
  checked: CheckedStack,
  registry: PluginRegistry,
): Promise<void> {
  const [program] = leaf.run ?? images.findLast((image) => image.argv !== undefined)?.argv ?? [];
  if (program?.startsWith('/') !== true) return;
  const isas = checked.cpus.map(({ loaded }) => String(loaded.manifest.traits?.isa ?? ''));
  const found = [...images]
    .reverse()
    .map(({ tree }) => imageArchitecture(tree, program))
    .find(({ kind }) => kind !== 'none');
  if (found === undefined || found.kind === 'none' || found.kind === 'unknown') return;
  if (found.kind === 'script') return checkScript(leaf, program, found.interpreter, checked, registry);
  if ('isa' in found && found.isa !== undefined && isas.includes(found.isa)) return;
  throw new StackError(
    `${program} in ${leaf.images.join(', ')} is a program for ${found.name}, and the machine's CPUs are ${isas.join(' and ')}`,
    'use an image for riscv64, or a WASI module',
  );
}

async function checkScript(
  leaf: LeafPlan,
  path: string,
  interpreter: string,
  checked: CheckedStack,
  registry: PluginRegistry,
): Promise<void> {
  const kernel = checked.kernels.get(leaf.name);
  const missing = kernel === undefined || leaf.needs !== undefined ? [] : missingGroups(kernel, scriptNeeds(interpreter));
  if (missing.length === 0) return;
  const { use } = leaf.kernel;
  throw new StackError(`${path} is a script for ${interpreter} and ${lackOf(missing, use)}`, await stubsWith(missing, registry, use));
}
