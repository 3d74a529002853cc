import { type LeafPlan, type PluginRegistry, prepareFile, type Stack, startPrepared, statusOf } from '@ashlar/stack';
import type { GuestProcess } from '@ashlar/userspace';
import { codeFolder } from './code-folder.ts';
import { imageProgress } from './image-progress.ts';
import { stderr } from './output.ts';
import { LOADER_MODULE } from './plugins.ts';
import { tellRefusal } from './refusal.ts';
import { registry } from './registry.ts';
import { orFailure, STOP_MS_MAX, within } from './stack-failure.ts';
import { startFailed } from './start-failure.ts';
import { connectStdio } from './stdio.ts';

/** `ashlar up FILE`: runs the program of each domain, consoles on stderr; the status of the first that fails, else 0. */
export async function up(file: string, flags: { readonly offline?: boolean }): Promise<number> {
  const prepared = await prepareFile(file, registry());
  const images = imageProgress();
  const stack = await startPrepared(prepared, {
    registry: prepared.registry,
    loaderModule: LOADER_MODULE,
    codes: codeFolder(),
    images: { offline: flags.offline === true, progress: images.progress },
    console: (bytes) => void stderr.write(bytes.slice()),
  });
  images.done();
  stderr.say(`${stack}\n`);
  try {
    const running = stack.plan.leaves.map((leaf) => orFailure(runLeaf(stack, leaf, prepared.registry), stack, leaf.name));
    const statuses = await Promise.all(running);
    return statuses.find((status) => status !== 0) ?? 0;
  } finally {
    await within(STOP_MS_MAX, stack.stop());
  }
}

async function runLeaf(stack: Stack, leaf: LeafPlan, plugins: PluginRegistry): Promise<number> {
  const { name: domain, run: argv } = leaf;
  if (argv === undefined) return 0;
  let guest: GuestProcess;
  try {
    guest = await stack.spawn(argv, { domain });
  } catch (error) {
    return startFailed(error, argv);
  }
  const stdio = connectStdio(guest, { interactive: false, tty: false, prompt: false });
  const [exit] = await Promise.all([guest.exit, stdio.drained]);
  await tellRefusal(exit, argv, leaf, plugins);
  return statusOf(exit);
}
