import { type CodeStore, FORGETFUL, type Plain, type PluginRef } from '@ashlar/hardware';
import { Codes, Config, manifestOf, type PluginClass } from '@ashlar/plugin';
import { Container } from 'inversify';
import { StackError } from '../stack-error.ts';
import type { LoadedPlugin } from './registry.ts';

/** A level of the stack: a container, child of the level below's. */
export type Level = Container;

/** The first level, or one behind a thread or process edge: it has nothing below it but what is bound here. */
export function rootLevel(codes: CodeStore = FORGETFUL): Level {
  const level = new Container();
  level.bind(Codes).toConstantValue(codes);
  return level;
}

/** A level on top of `below`, with its own bindings. Nothing bound below is overridden unless it is named here. */
export function levelAbove(below: Level, bindings: ReadonlyMap<symbol, unknown>): Level {
  const level = new Container({ parent: below });
  for (const [token, value] of bindings) level.bind(token).toConstantValue(value);
  return level;
}

/**
 * Constructs a plugin in a level: its config parsed by its own schema, and what else its manifest names as the level has it. Errors name the plugin and
 * the place in the config.
 */
export function construct<T>(level: Level, loaded: LoadedPlugin, ref: PluginRef): T {
  const { plugin, manifest } = loaded;
  const config = parseConfig(loaded, ref);
  try {
    const dependencies = manifest.inject.map((token) => (token === Config ? config : level.get(token)));
    return new plugin(...(dependencies as never[])) as T;
  } catch (error) {
    throw new StackError(`${manifest.tier} plugin '${manifest.name}' could not be made: ${(error as Error).message}`, '', { cause: error });
  }
}

/** What the plugin's schema makes of the config given to it. */
export function parseConfig(loaded: LoadedPlugin, ref: PluginRef): unknown {
  const { manifest } = loaded;
  const given = ref.config ?? {};
  if (manifest.config === undefined) {
    const keys = Object.keys(given as object);
    if (keys.length > 0) throw new StackError(`${manifest.tier} plugin '${manifest.name}' takes no config`, `remove ${keys.join(', ')}`);
    return {};
  }
  try {
    return manifest.config.parse(given);
  } catch (error) {
    throw new PluginConfigError(loaded, error);
  }
}

/** A plugin's config that its schema refuses. */
export class PluginConfigError extends StackError {
  /** What a zod schema found; empty if the schema is none of zod's. */
  readonly issues: readonly unknown[];
  /** Keys that the schema knows. */
  readonly keys: readonly string[];
  constructor({ manifest }: LoadedPlugin, error: unknown) {
    super(`config of ${manifest.tier} plugin '${manifest.name}' is wrong: ${issuesOf(error)}`, '', { cause: error });
    this.issues = (error as { issues?: readonly unknown[] }).issues ?? [];
    this.keys = Object.keys((manifest.config as { shape?: object } | undefined)?.shape ?? {});
  }
}

function issuesOf(error: unknown): string {
  const issues = (error as { issues?: { path: PropertyKey[]; message: string }[] }).issues;
  if (issues === undefined) return (error as Error).message;
  return issues.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message)).join('; ');
}

/**
 * A plugin made in a container of its own, with what its manifest asks for taken from `bindings`: for tests of one plugin, and for embedders that
 * put a single tier to work.
 *
 * @param config what the plugin's schema is given to parse. It stays in this thread, so it may hold more than plain data, a function say.
 * @throws StackError if the class is no plugin, the config is wrong, or the constructor throws
 */
export function makePlugin<T>(plugin: PluginClass<T>, config?: unknown, bindings: ReadonlyMap<symbol, unknown> = new Map()): T {
  const manifest = manifestOf(plugin);
  if (manifest === undefined) throw new StackError(`class ${plugin.name} is not a plugin`, 'put a tier decorator on it');
  const ref: PluginRef = { use: manifest.name, ...(config === undefined ? {} : { config: config as Plain }) };
  return construct(levelAbove(rootLevel(), bindings), { plugin, manifest, origin: 'class' }, ref);
}
