import { relative } from 'node:path';
import { type ConstructionFacts, type ModuleFacts, moduleFacts } from './module-facts.ts';
import { TIER_ORDER, type WorkspacePackage } from './workspace.ts';

/** The interfaces that a container resolves; who implements one is never made with `new` outside a container. */
const TIER_INTERFACES = new Set(['Hardware', 'Cpu', 'Hypervisor', 'Interposer', 'KernelStub', 'Personality']);
/** What marks a class as a plugin, whatever it says that it implements. */
const TIER_DECORATORS = new Set(['hardware', 'cpu', 'hypervisor', 'interposer', 'kernelStub', 'userspace']);
/** The one place where plugins are constructed for real. */
const CONTAINER = 'packages/stack/src/plugins/container.ts';
/** The one place that names the plugins of the distribution, to load them when asked. */
const DISTRIBUTION = 'packages/cli/src/plugins.ts';

const tierRank = (entry: WorkspacePackage): number => (entry.tier === undefined ? -1 : TIER_ORDER.indexOf(entry.tier));
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/** Every breach of the layering rules of DESIGN §10, in every source of the repository, as one line each. */
export function layerBreaches(root: string, packages: readonly WorkspacePackage[]): readonly string[] {
  const byName = new Map(packages.map((entry) => [entry.name, entry]));
  const facts = new Map(
    packages.flatMap(({ sources, scripts }) => [...sources, ...scripts].map((path) => [path, moduleFacts(path)] as const)),
  );
  const owners = pluginClasses(packages, facts);
  const found: string[] = [];
  for (const entry of packages) {
    for (const path of [...entry.sources, ...entry.scripts]) {
      const file = relative(root, path);
      const { imports, constructed } = facts.get(path) as ModuleFacts;
      for (const { specifier, line } of entry.sources.includes(path) ? imports : []) {
        const why = importBreach(entry, path, file === DISTRIBUTION, specifier, byName);
        if (why !== undefined) found.push(`${file}:${line}: imports ${specifier}: ${why}`);
      }
      for (const construction of file === CONTAINER ? [] : constructed) {
        const owner = ownerOf(construction, entry, owners);
        if (owner === undefined || (owner === entry.name && entry.tests.has(path))) continue;
        const { name, line } = construction;
        found.push(`${file}:${line}: constructs ${name}, a plugin class of ${owner}: only a container does, or its own tests`);
      }
    }
  }
  return found;
}

/** The package that a constructed plugin class belongs to; undefined if it is none. */
function ownerOf(
  { name, from }: ConstructionFacts,
  entry: WorkspacePackage,
  owners: ReadonlyMap<string, ReadonlySet<string>>,
): string | undefined {
  const candidates = owners.get(name);
  if (candidates === undefined) return undefined;
  const isForeign = from !== undefined && !from.startsWith('.') && packageOf(from) !== entry.name;
  if (!isForeign && candidates.has(entry.name)) return entry.name;
  return [...candidates].find((each) => each !== entry.name) ?? entry.name;
}

/**
 * Classes that implement a tier interface, say so by a decorator, or extend one that does, by name, with the packages that declare one of that
 * name. Those of tests too: a broken or empty hypervisor is a hypervisor.
 */
function pluginClasses(
  packages: readonly WorkspacePackage[],
  facts: ReadonlyMap<string, ModuleFacts>,
): ReadonlyMap<string, ReadonlySet<string>> {
  const declared = packages.flatMap(({ name, sources, scripts }) =>
    [...sources, ...scripts].flatMap((path) => facts.get(path)?.classes ?? []).map((facts) => ({ ...facts, owner: name })),
  );
  const owners = new Map<string, Set<string>>();
  // Once more for each level of inheritance, until nothing is added.
  for (let before = -1, count = 0; count !== before; ) {
    before = count;
    for (const { name, implemented, base, decorators, owner } of declared) {
      const isPlugin =
        implemented.some((each) => TIER_INTERFACES.has(each)) || decorators.some((each) => TIER_DECORATORS.has(each)) || owners.has(base);
      if (name !== '' && isPlugin) owners.set(name, (owners.get(name) ?? new Set()).add(owner));
    }
    count = [...owners.values()].reduce((sum, { size }) => sum + size, 0);
  }
  return owners;
}

function importBreach(
  entry: WorkspacePackage,
  path: string,
  distribution: boolean,
  specifier: string,
  byName: ReadonlyMap<string, WorkspacePackage>,
): string | undefined {
  if (specifier.startsWith('.')) return undefined;
  const test = entry.tests.has(path);
  if (specifier.startsWith('node:')) {
    return entry.browser && !test
      ? 'this package runs in browsers too; host access belongs to hardware plugins and the command'
      : undefined;
  }
  const target = byName.get(packageOf(specifier));
  if (target === undefined) return declared(entry, specifier, test);
  if (target === entry || distribution) return undefined;
  if (test) return undefined;
  if (!entry.dependencies.has(target.name)) return 'it is not a dependency of this package';
  if (entry.kind === 'application') return undefined;
  if (target.kind === 'plugin') return 'no package imports a plugin; plugins are found by the loader';
  if (target.kind === 'top' && target.name !== '@ashlar/plugin' && entry.kind !== 'top') return 'it stands above every tier';
  if (entry.tier !== undefined && tierRank(target) > tierRank(entry)) return `it belongs to the ${target.tier} tier, above this one`;
  return undefined;
}

/** A library from the registry must be named in package.json (of the package, or for tests of the workspace). */
function declared(entry: WorkspacePackage, specifier: string, test: boolean): string | undefined {
  return test || entry.dependencies.has(packageOf(specifier)) ? undefined : 'it is not a dependency of this package';
}
