import { relative } from 'node:path';
import { type ModuleFacts, moduleFacts } from './module-facts.ts';
import { TIER_ORDER, type WorkspacePackage } from './workspace.ts';

/** The interfaces that a container resolves; who implements one is never made with `new` outside a container. */
const TIER_INTERFACES = new Set(['Hardware', 'Cpu', 'Hypervisor', 'Interposer', 'KernelStub', 'Personality']);
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

/** Every breach of the layering rules of DESIGN §10, as one line each. */
export function layerBreaches(root: string, packages: readonly WorkspacePackage[]): readonly string[] {
  const byName = new Map(packages.map((entry) => [entry.name, entry]));
  const facts = new Map(packages.flatMap(({ sources }) => sources.map((path) => [path, moduleFacts(path)] as const)));
  const owners = pluginClasses(packages, facts);
  const found: string[] = [];
  for (const entry of packages) {
    for (const path of entry.sources) {
      const file = relative(root, path);
      const { imports, constructed } = facts.get(path) as ModuleFacts;
      for (const { specifier, line } of imports) {
        const why = importBreach(entry, path, file === DISTRIBUTION, specifier, byName);
        if (why !== undefined) found.push(`${file}:${line}: imports ${specifier}: ${why}`);
      }
      for (const { name, line } of constructed) {
        const owner = owners.get(name);
        const allowed =
          owner === undefined || file === CONTAINER || (entry.tests.has(path) && (owner === entry.name || entry.kind === 'conformance'));
        if (!allowed)
          found.push(`${file}:${line}: constructs ${name}, a plugin class of ${owner}: only a container does, or its own tests`);
      }
    }
  }
  return found;
}

/** Classes that implement a tier interface, by name, with the package they belong to. Test doubles are not plugins. */
function pluginClasses(packages: readonly WorkspacePackage[], facts: ReadonlyMap<string, ModuleFacts>): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  for (const entry of packages) {
    for (const path of entry.sources.filter((source) => !entry.tests.has(source))) {
      for (const { name, implemented } of facts.get(path)?.classes ?? []) {
        if (name !== '' && implemented.some((each) => TIER_INTERFACES.has(each))) owners.set(name, entry.name);
      }
    }
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
  if (target.kind === 'plugin') return 'no package imports a plugin; plugins are found by the loader';
  if (target.kind === 'top' && target.name !== '@ashlar/plugin' && entry.kind !== 'top') return 'it stands above every tier';
  if (entry.tier !== undefined && tierRank(target) > tierRank(entry)) return `it belongs to the ${target.tier} tier, above this one`;
  return undefined;
}

/** A library from the registry must be named in package.json (of the package, or for tests of the workspace). */
function declared(entry: WorkspacePackage, specifier: string, test: boolean): string | undefined {
  return test || entry.dependencies.has(packageOf(specifier)) ? undefined : 'it is not a dependency of this package';
}
