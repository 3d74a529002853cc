import { ConfigError, type ConfigSource, type Diagnostic } from './diagnostic.ts';
import { diagnose } from './issues.ts';
import { type StackConfig, stackSchema } from './schema.ts';

/** A config checked against its schema, and where its parts stand. */
export interface ReadConfig {
  readonly config: StackConfig;
  readonly source: ConfigSource;
}

type Path = readonly (string | number)[];

/** A config that may be wrong in part, so that the rest of it can still be checked: a person wants to know everything at once. */
export interface ExaminedConfig {
  /** What is right of it; undefined if too little is. */
  readonly config: StackConfig | undefined;
  readonly source: ConfigSource;
  readonly found: readonly Diagnostic[];
  /** What was left out of `config`: nothing that is said about these or because of their absence would be true. */
  readonly leftOut: readonly Path[];
}

/** Checks a config object, as {@link defineStack} gives it. */
export function readObject(value: unknown, source: ConfigSource): ReadConfig {
  const { config, found } = examine(value, source);
  if (config === undefined || found.length > 0) throw new ConfigError(found, source);
  return { config, source };
}

/** Checks a value against the schema; `source` says where its parts stand. */
export function examine(value: unknown, source: ConfigSource): ExaminedConfig {
  const result = stackSchema.safeParse(value, { reportInput: true });
  if (result.success) return { config: result.data, source, found: [], leftOut: [] };
  const found = result.error.issues.flatMap((issue) => diagnose(issue, [], value));
  const leftOut = found.map(({ path }) => outermostOptional(path));
  const rest = leftOut.reduce<unknown>(without, value);
  const again = stackSchema.safeParse(typeof rest === 'object' && rest !== null ? { ...rest, ashlar: 1 } : rest);
  return { config: again.success ? again.data : undefined, source, found, leftOut };
}

/** What to leave out for something wrong at `path`: no part of a list, because what follows would be counted differently, and no part of a device. */
function outermostOptional(path: Path): Path {
  if (path[0] === 'devices') return ['devices'];
  const list = path.findIndex((key) => typeof key === 'number');
  return list < 0 ? path : path.slice(0, list);
}

function without(value: unknown, path: Path): unknown {
  const [key, ...rest] = path;
  if (key === undefined || typeof value !== 'object' || value === null || !(key in value)) return value;
  const copy: Record<string, unknown> = { ...value };
  if (rest.length === 0) delete copy[key];
  else copy[key] = without(copy[key], rest);
  return copy;
}
