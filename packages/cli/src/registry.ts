import { PluginRegistry } from '@ashlar/stack';
import { DISTRIBUTION } from './plugins.ts';

/** The plugins that a command sees: this distribution's and those installed beside the working folder. */
export const registry = (): PluginRegistry => new PluginRegistry(DISTRIBUTION);
