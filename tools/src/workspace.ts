import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** What a package is, by which its imports are judged. */
export type PackageKind = 'interface' | 'library' | 'plugin' | 'conformance' | 'top';

export const TIER_ORDER = ['hardware', 'hypervisor', 'kernel-stub', 'userspace'] as const;
export type TierFolder = (typeof TIER_ORDER)[number];

export interface WorkspacePackage {
  readonly name: string;
  readonly folder: string;
  /** The tier whose folder it lies in; undefined for packages beside the tiers. */
  readonly tier: TierFolder | undefined;
  readonly kind: PackageKind;
  /** Compiled without Node's types: must run in a browser. */
  readonly browser: boolean;
  readonly dependencies: ReadonlySet<string>;
  readonly sources: readonly string[];
  /** Those of `sources` that are compiled for tests only and never published. */
  readonly tests: ReadonlySet<string>;
}

/** Libraries inside a tier's folder: not plugins, and named in DESIGN §10 or ARCHITECTURE.md. */
const LIBRARIES = new Set([
  '@ashlar/executor',
  '@ashlar/profiler',
  '@ashlar/devices',
  '@ashlar/domains',
  '@ashlar/unix',
  '@ashlar/session',
]);
/** Packages that put all tiers together. */
const TOPS = new Set(['@ashlar/stack', 'ashlar', '@ashlar/image', '@ashlar/plugin']);

export function readWorkspace(root: string): readonly WorkspacePackage[] {
  const tiers = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name));
  // `bin` has a package.json to say that a launcher is CommonJS; it is no package.
  const inner = tiers.flatMap((folder) => readdirSync(folder).flatMap((name) => (name === 'bin' ? [] : [join(folder, name)])));
  return [...tiers, ...inner].filter((folder) => existsSync(join(folder, 'package.json'))).map((folder) => readPackage(root, folder));
}

function readPackage(root: string, folder: string): WorkspacePackage {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    dependencies?: Record<string, string>;
    peerDependencies?: Record<string, string>;
  };
  const config = JSON.parse(readFileSync(join(folder, 'tsconfig.json'), 'utf8')) as {
    compilerOptions: { types?: string[] };
    exclude?: string[];
  };
  const sources = sourcesBelow(join(folder, 'src'));
  const [, first] = relative(root, folder).split('/');
  const tier = TIER_ORDER.find((name) => name === first);
  return {
    name: manifest.name,
    folder,
    tier,
    kind: kindOf(manifest.name, folder, tier),
    browser: !(config.compilerOptions.types ?? []).includes('node'),
    dependencies: new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })),
    sources,
    tests: new Set(sources.filter((path) => isTest(relative(folder, path), config.exclude ?? []))),
  };
}

/** By its name, or because it lies in a folder that the published build leaves out. */
const isTest = (path: string, excluded: readonly string[]): boolean =>
  /\.test[.-]/.test(path) || path.includes('/testing/') || excluded.some((folder) => path.startsWith(`${folder}/`));

function kindOf(name: string, folder: string, tier: TierFolder | undefined): PackageKind {
  if (folder.endsWith('/interface')) return 'interface';
  if (folder.endsWith('/conformance')) return 'conformance';
  if (TOPS.has(name)) return 'top';
  return tier === undefined || LIBRARIES.has(name) ? 'library' : 'plugin';
}

function sourcesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.ts$/.test(entry.name) && !entry.name.endsWith('.d.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}
