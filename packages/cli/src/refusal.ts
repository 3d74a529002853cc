import { type LeafPlan, type PluginRegistry, refusalOf } from '@ashlar/stack';
import type { ProcessExit } from '@ashlar/userspace';
import { stderr } from './output.ts';

/** Says on stderr why a kernel stub ended a program that asked for what the stub lacks; of every other end, nothing. */
export async function tellRefusal(exit: ProcessExit, argv: readonly string[], leaf: LeafPlan, plugins: PluginRegistry): Promise<void> {
  const refusal = await refusalOf(exit, argv[0] ?? '', leaf, plugins);
  if (refusal !== undefined) stderr.say(`ashlar: ${refusal.message}\n  hint: ${refusal.hint}\n`);
}
