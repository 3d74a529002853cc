import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** What a package is, by which its imports are judged. */
export type PackageKind = 'interface' | 'library' | 'plugin' | 'conformance' | 'top' | 'application';

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
  /** Sources beside `src`: build scripts and the like, run as they are and never imported. */
  readonly scripts: readonly string[];
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

/** Folders that hold packages, and folders that are one. */
const PACKAGES_BELOW = ['packages', 'examples'];
const PACKAGES = ['acceptance', 'bench', 'tools'];
/** What is generated or belongs to somebody else. A `bundle` is generated if it lies beside a package.json. */
const FOREIGN = new Set(['node_modules', 'dist', 'coverage']);
const SOURCE = /\.([cm]?[jt]s|[jt]sx)$/;

/** Every package of the workspace, and the workspace itself for what lies beside them. */
export function readWorkspace(root: string): readonly WorkspacePackage[] {
  const outer = PACKAGES_BELOW.flatMap((name) => foldersIn(join(root, name)));
  const folders = [...outer, ...outer.flatMap(foldersIn), ...PACKAGES.map((name) => join(root, name)), root];
  // A package.json alone may only say that what lies beside it is CommonJS.
  const packages = new Set(folders.filter((folder) => ['package.json', 'tsconfig.json'].every((name) => existsSync(join(folder, name)))));
  return [...packages].map((folder) => readPackage(root, folder, packages));
}

const foldersIn = (folder: string): readonly string[] =>
  existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => join(folder, name))
    : [];

function readPackage(root: string, folder: string, packages: ReadonlySet<string>): WorkspacePackage {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    keywords?: string[];
    dependencies?: Record<string, string>;
    devDependencies?: Record<string, string>;
    peerDependencies?: Record<string, string>;
  };
  const config = JSON.parse(readFileSync(join(folder, 'tsconfig.json'), 'utf8')) as {
    compilerOptions?: { types?: string[] };
    exclude?: string[];
  };
  const files = sourcesBelow(folder, packages);
  const sources = files.filter((path) => path.startsWith(join(folder, 'src/')));
  const tier = TIER_ORDER.find((name) => folder.startsWith(join(root, 'packages', name, '/')));
  const kind = kindOf(manifest, relative(root, folder), tier);
  const developed = kind === 'application' ? manifest.devDependencies : {};
  return {
    name: manifest.name,
    folder,
    tier,
    kind,
    browser: !(config.compilerOptions?.types ?? []).includes('node'),
    dependencies: new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies, ...developed })),
    sources,
    scripts: files.filter((path) => !sources.includes(path)),
    tests: new Set(sources.filter((path) => isTest(relative(folder, path), config.exclude ?? []))),
  };
}

/** By its name, or because it lies in a folder that the published build leaves out. */
const isTest = (path: string, excluded: readonly string[]): boolean =>
  /\.test[.-]/.test(path) || path.includes('/testing/') || excluded.some((folder) => path.startsWith(`${folder}/`));

interface NamedManifest {
  readonly name: string;
  readonly keywords?: readonly string[];
}

function kindOf({ name, keywords = [] }: NamedManifest, folder: string, tier: TierFolder | undefined): PackageKind {
  if (!folder.startsWith('packages/')) return keywords.includes('ashlar-plugin') ? 'plugin' : 'application';
  if (folder.endsWith('/interface')) return 'interface';
  if (folder.endsWith('/conformance')) return 'conformance';
  if (TOPS.has(name)) return 'top';
  return tier === undefined || LIBRARIES.has(name) ? 'library' : 'plugin';
}

/** The sources of one package: those of packages within it are theirs. */
function sourcesBelow(folder: string, packages: ReadonlySet<string>): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return isForeign(folder, entry.name) || packages.has(path) ? [] : sourcesBelow(path, packages);
    return entry.isFile() && SOURCE.test(entry.name) && !/\.d\.[cm]?ts$/.test(entry.name) ? [path] : [];
  });
}

const isForeign = (folder: string, name: string): boolean =>
  FOREIGN.has(name) || name.startsWith('.') || (name === 'bundle' && existsSync(join(folder, 'package.json')));
