import { PluginRegistry, type RegistrySeed, StackLoader } from '@ashlar/stack';
import { codeFolder } from './code-folder.ts';
import { DISTRIBUTION, LOADER_MODULE } from './plugins.ts';

/** Makes a payload loader in a thread of its own, from what the thread's maker sent along. */
export function createLoader(seed: RegistrySeed): StackLoader {
  return new StackLoader(new PluginRegistry(DISTRIBUTION, seed.baseUrl), LOADER_MODULE, undefined, codeFolder());
}
