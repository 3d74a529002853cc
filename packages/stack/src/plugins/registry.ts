import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { PluginRef } from '@ashlar/hardware';
import { manifestOf, type PluginClass, type PluginManifest, type Tier } from '@ashlar/plugin';
import { suggestion } from '../nearest.ts';
import { StackError } from '../stack-error.ts';

/** A plugin found: its class, what it says of itself, and where it came from. */
export interface LoadedPlugin {
  readonly plugin: PluginClass;
  readonly manifest: PluginManifest;
  /** Package name, file path, or `class` for one handed in as a value. */
  readonly origin: string;
}

/** Where a registry finds plugins that are part of a distribution: name → the module that exports them. */
export type PluginModules = Readonly<Record<string, () => Promise<object>>>;

/** What another thread needs to find the same plugins: data only. */
export interface RegistrySeed {
  readonly baseUrl: string;
}

/** The keyword in package.json by which a plugin package is found. */
export const PLUGIN_KEYWORD = 'ashlar-plugin';

/** The interface versions this stack speaks, by tier. */
const INTERFACE_VERSIONS: Readonly<Record<Tier, string>> = {
  hardware: '1',
  cpu: '1',
  hypervisor: '1',
  interposer: '1',
  kernel: '1',
  userspace: '1',
};

/**
 * Finds plugins: those of the distribution by name, strangers' by package name or keyword, by path, or as classes handed in. All go the same
 * way; a built-in plugin has no private door.
 */
export class PluginRegistry {
  private readonly classes = new Map<string, LoadedPlugin>();
  private readonly loaded = new Map<string, readonly LoadedPlugin[]>();
  private installed: readonly string[] | undefined;

  /**
   * @param modules plugins of the distribution, by name
   * @param baseUrl folder (as a file URL with a final slash) from which relative paths and packages are resolved: the config file's
   */
  constructor(
    private readonly modules: PluginModules,
    readonly baseUrl: string = pathToFileURL(`${process.cwd()}/`).href,
  ) {}

  seed(): RegistrySeed {
    return { baseUrl: this.baseUrl };
  }

  /** The same plugins, with paths resolved from another folder. */
  from(folder: string): PluginRegistry {
    const child = new PluginRegistry(this.modules, pathToFileURL(`${resolve(folder)}/`).href);
    for (const [name, plugin] of this.classes) child.classes.set(name, plugin);
    return child;
  }

  /** Registers a class and returns the name by which a config can use it. */
  addClass(plugin: PluginClass): string {
    const manifest = manifestOf(plugin);
    if (manifest === undefined) {
      throw new StackError(`class ${plugin.name} is not a plugin`, 'put a tier decorator such as @hypervisor({ name, interface }) on it');
    }
    const name = `class:${manifest.name}`;
    this.classes.set(`${manifest.tier}/${name}`, { plugin, manifest, origin: 'class' });
    return name;
  }

  /** The plugin that `ref` names in `tier`; a {@link StackError} that says what was looked for and what is near. */
  async find(tier: Tier, ref: PluginRef): Promise<LoadedPlugin> {
    const { use } = ref;
    const byClass = this.classes.get(`${tier}/${use}`);
    if (byClass !== undefined) return byClass;
    if (isPath(use)) return this.pick(tier, use, await this.loadUrl(this.urlOf(use), use));
    const builtin = this.modules[use];
    if (builtin !== undefined) {
      const found = (await this.loadModule(`builtin ${use}`, use, builtin)).find(
        ({ manifest }) => manifest.tier === tier && manifest.name === use,
      );
      if (found !== undefined) return found;
    }
    for (const packageName of this.installedPackages()) {
      const found = (await this.loadPackage(packageName)).find(
        (entry) => entry.manifest.tier === tier && (entry.manifest.name === use || packageName === use),
      );
      if (found !== undefined) return found;
    }
    throw new StackError(`there is no ${tier} plugin '${use}'`, await this.hint(tier, use));
  }

  private async hint(tier: Tier, use: string): Promise<string> {
    const all = await this.all();
    const choices = all.filter(({ manifest }) => manifest.tier === tier).map(({ manifest }) => manifest.name);
    const elsewhere = all.find(({ manifest }) => manifest.name === use)?.manifest.tier;
    if (elsewhere === undefined) return suggestion(use, choices);
    return `'${use}' is a ${elsewhere} plugin; choose one of: ${choices.join(', ')}`;
  }

  /** Every plugin that can be found by name, in tier order; for `ashlar plugins` and for suggestions. */
  async all(): Promise<readonly LoadedPlugin[]> {
    const found: LoadedPlugin[] = [];
    for (const [name, load] of Object.entries(this.modules)) found.push(...(await this.loadModule(`builtin ${name}`, name, load)));
    for (const packageName of this.installedPackages()) found.push(...(await this.loadPackage(packageName)));
    // The first of a name is the one that `find` would take.
    return [...new Map(found.reverse().map((entry) => [`${entry.manifest.tier}/${entry.manifest.name}`, entry])).values()].reverse();
  }

  async names(tier: Tier): Promise<readonly string[]> {
    return (await this.all()).filter((entry) => entry.manifest.tier === tier).map((entry) => entry.manifest.name);
  }

  /** Whether `ref` was given as a class, which cannot travel to another thread. */
  isClass(tier: Tier, ref: PluginRef): boolean {
    return this.classes.has(`${tier}/${ref.use}`);
  }

  private urlOf(path: string): string {
    if (path.startsWith('file:')) return path;
    return isAbsolute(path) ? pathToFileURL(path).href : new URL(path, this.baseUrl).href;
  }

  private async loadUrl(url: string, use: string): Promise<readonly LoadedPlugin[]> {
    if (!existsSync(fileURLToPath(url)))
      throw new StackError(`plugin file ${use} does not exist`, `it was looked for at ${fileURLToPath(url)}`);
    return this.loadModule(fileURLToPath(url), use, () => import(url) as Promise<object>);
  }

  private async loadPackage(name: string): Promise<readonly LoadedPlugin[]> {
    const require = createRequire(new URL('package.json', this.baseUrl));
    return this.loadModule(name, name, () => import(pathToFileURL(require.resolve(name)).href) as Promise<object>);
  }

  private async loadModule(origin: string, use: string, load: () => Promise<object>): Promise<readonly LoadedPlugin[]> {
    const known = this.loaded.get(origin);
    if (known !== undefined) return known;
    let exports: object;
    try {
      exports = await load();
    } catch (error) {
      throw new StackError(`plugin '${use}' could not be loaded: ${(error as Error).message}`, `it was imported from ${origin}`, {
        cause: error,
      });
    }
    const found: LoadedPlugin[] = [];
    for (const value of new Set(Object.values(exports))) {
      const manifest = manifestOf(value);
      if (manifest === undefined) continue;
      checkInterface(manifest, use);
      found.push({ plugin: value as PluginClass, manifest, origin });
    }
    this.loaded.set(origin, found);
    return found;
  }

  private pick(tier: Tier, use: string, found: readonly LoadedPlugin[]): LoadedPlugin {
    const fitting = found.filter((entry) => entry.manifest.tier === tier);
    const [only] = fitting;
    if (only !== undefined && fitting.length === 1) return only;
    const has = found.map((entry) => `${entry.manifest.tier} ${entry.manifest.name}`).join(', ') || 'no plugin at all';
    throw new StackError(`${use} exports ${fitting.length} ${tier} plugins; one was expected`, `it exports ${has}`);
  }

  /** Packages beside the config whose package.json carries the keyword. Looked up once; at most 10,000 folders are read. */
  private installedPackages(): readonly string[] {
    this.installed ??= pluginPackages(fileURLToPath(this.baseUrl));
    return this.installed;
  }
}

const isPath = (use: string): boolean => use.startsWith('.') || use.startsWith('/') || use.startsWith('file:');

function checkInterface(manifest: PluginManifest, use: string): void {
  const wanted = INTERFACE_VERSIONS[manifest.tier];
  if (manifest.interface !== wanted) {
    throw new StackError(
      `plugin '${use}' was written for version ${manifest.interface} of the ${manifest.tier} interface; this stack speaks version ${wanted}`,
      'install a version of the plugin that fits',
    );
  }
}

const FOLDERS_MAX = 10_000;

function pluginPackages(from: string): readonly string[] {
  const found = new Set<string>();
  let budget = FOLDERS_MAX;
  for (let folder = from; ; folder = dirname(folder)) {
    for (const name of packageFolders(join(folder, 'node_modules'))) {
      if (budget-- <= 0) return [...found];
      if (carriesKeyword(join(folder, 'node_modules', name, 'package.json'))) found.add(name);
    }
    if (dirname(folder) === folder) return [...found];
  }
}

function packageFolders(modules: string): readonly string[] {
  if (!existsSync(modules)) return [];
  return readdirSync(modules).flatMap((name) => {
    if (name.startsWith('.')) return [];
    if (!name.startsWith('@')) return [name];
    return readdirSync(join(modules, name)).map((inner) => `${name}/${inner}`);
  });
}

function carriesKeyword(path: string): boolean {
  try {
    const { keywords } = JSON.parse(readFileSync(path, 'utf8')) as { keywords?: unknown };
    return Array.isArray(keywords) && keywords.includes(PLUGIN_KEYWORD);
  } catch {
    return false;
  }
}
