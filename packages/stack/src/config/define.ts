import type { PluginClass } from '@ashlar/plugin';
import type { StackConfig } from './schema.ts';

/** Where a config names a plugin, code may put the class itself. */
type WithClasses<T> = T extends string
  ? T
  : T extends readonly (infer Item)[]
    ? readonly (WithClasses<Item> | (Item extends string | { use: string } ? PluginClass : never))[]
    : T extends object
      ? {
          [Key in keyof T]:
            | WithClasses<T[Key]>
            | (Key extends 'hardware' | 'kernel' ? PluginClass : Key extends 'use' ? PluginClass : never);
        }
      : T;

/** A stack as code writes it: the config of `stack.yaml`, with plugin classes where names could stand. */
export type StackDefinition = WithClasses<StackConfig>;

/** Types a config; the value itself is returned. */
export function defineStack(definition: StackDefinition): StackDefinition {
  return definition;
}

/** The config with each class replaced by the name that `register` gives it. */
export function namePlugins(value: unknown, register: (plugin: PluginClass) => string): unknown {
  if (typeof value === 'function') return register(value as PluginClass);
  if (Array.isArray(value)) return value.map((item) => namePlugins(item, register));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, namePlugins(item, register)]));
}
