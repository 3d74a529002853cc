/**
 * The embedding API: everything that the `ashlar` command can do, from code.
 *
 *     import { start } from 'ashlar';
 *     await using stack = await start({ ashlar: 1, userspace: { image: 'file:./hello.wasm' } });
 *     const { text } = await stack.run(['/hello.wasm', 'world']);
 */
import { PluginRegistry, type Stack, type StackDefinition, type StartOptions, start as startWith } from '@ashlar/stack';
import { DISTRIBUTION, LOADER_MODULE } from './plugins.ts';

export * from '@ashlar/stack';
export { DISTRIBUTION, LOADER_MODULE } from './plugins.ts';

/** Starts a stack with the plugins of this distribution and whatever is installed beside the config. */
export function start(definition: StackDefinition, options: Partial<StartOptions> = {}): Promise<Stack> {
  return startWith(definition, { registry: new PluginRegistry(DISTRIBUTION), loaderModule: LOADER_MODULE, ...options });
}
