// As inversify does: without what old engines lack.
import 'reflect-metadata/lite';

/** The tiers that plugins belong to, in the order of the stack from below. */
export const TIERS = ['hardware', 'cpu', 'hypervisor', 'interposer', 'kernel', 'userspace'] as const;
export type Tier = (typeof TIERS)[number];

/** Checks and completes a plugin's config. zod schemas fit. */
export interface ConfigSchema {
  parse(value: unknown): unknown;
}

/** What a plugin says of itself, before anything of it is constructed. */
export interface PluginManifest {
  readonly tier: Tier;
  /** Lower case, unique in its tier: what a config names. */
  readonly name: string;
  /** The version of the tier's interface that it was written for. */
  readonly interface: string;
  readonly version?: string;
  /** One line for `ashlar plugins`. */
  readonly summary?: string;
  readonly config?: ConfigSchema;
  /** Constructor parameters, in order, as tokens. */
  readonly inject: readonly symbol[];
  /** What a stack is checked against before it starts, by tier (see docs/guides/plugin.md). Plain data. */
  readonly traits?: Readonly<Record<string, unknown>>;
}

/** Any plugin class. Its constructor takes what `inject` names. */
export type PluginClass<T = unknown> = new (...dependencies: never[]) => T;

const MANIFEST = Symbol.for('ashlar/1/manifest');

/** Attaches a manifest to a class; the tier decorators call it. */
export function describe(target: PluginClass, manifest: PluginManifest): void {
  Reflect.defineMetadata(MANIFEST, manifest, target);
}

/** The manifest of a plugin class, or undefined if the value is none. */
export function manifestOf(value: unknown): PluginManifest | undefined {
  return typeof value === 'function' ? (Reflect.getOwnMetadata(MANIFEST, value) as PluginManifest | undefined) : undefined;
}
