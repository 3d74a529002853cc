export type { CpuProfile, ProfileNode } from '@ashlar/profiler';
export { type CheckedStack, checkStack } from './check.ts';
export { defineStack, type StackDefinition } from './config/define.ts';
export { ConfigError, type ConfigSource, type Diagnostic } from './config/diagnostic.ts';
export type { ReadConfig } from './config/read.ts';
export type { DomainConfig, StackConfig } from './config/schema.ts';
export { parseSize } from './config/size.ts';
export { refusalOf } from './feature-groups.ts';
export type { LevelStop, LevelUsage } from './levels.ts';
export { type CpuCounters, StackLoader } from './loader.ts';
export { suggestion } from './nearest.ts';
export { picture, sharedDevices } from './picture.ts';
export { type LeafPlan, planOf, type StackPlan } from './plan.ts';
export { makePlugin } from './plugins/container.ts';
export { type LoadedPlugin, PLUGIN_KEYWORD, type PluginModules, PluginRegistry, type RegistrySeed } from './plugins/registry.ts';
export { checkPrograms } from './program.ts';
export { type CollectOptions, type RunOptions, type RunResult, type SpawnOptions, Stack, type StackEvents, statusOf } from './stack.ts';
export { StackError } from './stack-error.ts';
export {
  type PreparedStack,
  prepareChanged,
  prepareFile,
  prepareObject,
  prepareTyped,
  readStackFile,
  type StartOptions,
  start,
  startPrepared,
} from './start.ts';
