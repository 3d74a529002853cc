import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import {
  type CodeStore,
  type Cpu,
  type DeviceSpec,
  type Hardware,
  type HardwareSpec,
  type Isa,
  type PluginRef,
  type Tree,
} from '@ashlar/hardware';
import type { Image } from '@ashlar/image';
import { Spec } from '@ashlar/plugin';
import { type CheckedStack, checkStack } from './check.ts';
import { namePlugins, type StackDefinition } from './config/define.ts';
import { ConfigError, type ConfigSource } from './config/diagnostic.ts';
import type { ExaminedConfig, ReadConfig } from './config/read.ts';
import type { StackConfig } from './config/schema.ts';
import type { DevicePlan } from './devices.ts';
import { type ImageOptions, imagesOf, resolveImages } from './images.ts';
import { StackLoader } from './loader.ts';
import { planOf, type StackPlan } from './plan.ts';
import { construct, levelAbove, rootLevel } from './plugins/container.ts';
import type { PluginRegistry } from './plugins/registry.ts';
import { checkProgram } from './program.ts';
import { loadRoot } from './root.ts';
import { Stack } from './stack.ts';
import { StackError } from './stack-error.ts';
import { openStackImage } from './stack-image.ts';
import { openVolumes } from './volumes.ts';

/** How to start a stack, beside its config. */
export interface StartOptions {
  /** Where plugins are found. */
  readonly registry: PluginRegistry;
  /** URL of the module with `createLoader(seed)`, for domains in other threads. */
  readonly loaderModule: string;
  /** Folder that relative paths of the config stand for; default: the config file's, else the working folder. */
  readonly folder?: string;
  /** A machine image that {@link Stack.save} made. */
  readonly from?: Uint8Array;
  /** Start nothing yet: `advance` or `resume` does. */
  readonly paused?: boolean;
  /** Takes a profile of each domain, with so many guest instructions between samples: {@link Stack.profile} gives it. */
  readonly profileInterval?: number;
  readonly images?: ImageOptions;
  /** Where CPUs keep what they compile for the next process; default: nowhere. */
  readonly codes?: CodeStore;
  readonly console?: (bytes: Uint8Array) => void;
}

/** A config read, planned and checked: everything short of starting. */
export interface PreparedStack {
  readonly plan: StackPlan;
  readonly checked: CheckedStack;
  readonly folder: string;
  readonly registry: PluginRegistry;
}

/** Reads a stack file and checks it against the schema. */
export async function readStackFile(path: string): Promise<ReadConfig> {
  // Only stacks that come from a file need a YAML parser.
  const [text, { readYaml }] = await Promise.all([readText(path), import('./config/read-yaml.ts')]);
  return readYaml(text, path);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    const why: Readonly<Record<string, string>> = {
      ENOENT: 'there is no such file',
      EACCES: 'it may not be read by this user',
      EISDIR: 'it is a directory',
    };
    throw new StackError(`${path}: ${why[code] ?? (error as Error).message}`, 'name a stack file, such as stack.yaml', { cause: error });
  }
}

/** Reads and checks a stack file; throws a `ConfigError` with all that is wrong. */
export async function prepareFile(path: string, registry: PluginRegistry): Promise<PreparedStack> {
  const folder = dirname(resolve(path));
  const [text, { examineYaml }] = await Promise.all([readText(path), import('./config/read-yaml.ts')]);
  return prepare(examineYaml(text, path), registry.from(folder), folder);
}

/** Checks a config object; `name` is what errors call it. */
export async function prepareObject(
  definition: StackDefinition,
  registry: PluginRegistry,
  folder: string = process.cwd(),
  name = 'config',
): Promise<PreparedStack> {
  const own = registry.from(folder);
  const config = namePlugins(definition, (plugin) => own.addClass(plugin));
  const { examine } = await import('./config/read.ts');
  return prepare(examine(config, unlocated(name)), own, folder);
}

/**
 * Checks a config whose form is known to be right: made by code, and of no outsider's parts. Its plugins, places and limits are checked as ever; what
 * is saved is the schema, which takes longer to load than a small program to run.
 */
export function prepareTyped(config: StackConfig, registry: PluginRegistry, folder: string, name = 'config'): Promise<PreparedStack> {
  return prepare({ config, source: unlocated(name), found: [], leftOut: [] }, registry.from(folder), folder);
}

/** Checks a config that was read from a file and then changed; what is wrong is told with its place in the file as far as it has one. */
export async function prepareChanged(
  config: StackConfig,
  source: ConfigSource,
  registry: PluginRegistry,
  folder: string,
): Promise<PreparedStack> {
  return prepare({ config, source, found: [], leftOut: [] }, registry.from(folder), folder);
}

const unlocated = (name: string): ConfigSource => ({ name, locate: () => undefined });

async function prepare(
  { config, source, found, leftOut }: ExaminedConfig,
  registry: PluginRegistry,
  folder: string,
): Promise<PreparedStack> {
  if (config === undefined) throw new ConfigError(found, source);
  const plan = planOf(config);
  try {
    const checked = await checkStack(config, plan, registry, source, folder);
    if (found.length === 0) return { plan, folder, registry, checked };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const more = error.diagnostics.filter(({ path }) => !leftOut.some((missing) => isAbout(path, missing)));
    throw new ConfigError([...found, ...more], source);
  }
  throw new ConfigError(found, source);
}

/** Whether something said of `path` may only be so because `missing` was left out. */
function isAbout(path: readonly (string | number)[], missing: readonly (string | number)[]): boolean {
  if (missing.includes('domains') && path[0] === 'links') return true;
  if (missing[0] === 'devices' && path.includes('devices')) return true;
  const common = Math.min(path.length, missing.length);
  return path.slice(0, common).every((key, index) => key === missing[index]);
}

/** Starts a stack from a config object. Nothing is started when anything is wrong. */
export async function start(definition: StackDefinition, options: StartOptions): Promise<Stack> {
  return startPrepared(await prepareObject(definition, options.registry, options.folder), options);
}

/** Starts what was prepared. */
export async function startPrepared(prepared: PreparedStack, options: StartOptions): Promise<Stack> {
  const { plan, checked, folder, registry } = prepared;
  const images = await resolveImages(plan, folder, options.images ?? {});
  const opened: { close(): unknown }[] = [...images.values()].flat().map((image) => image.tree);
  const release = (): void => {
    for (const each of opened) each.close();
  };
  try {
    for (const leaf of plan.leaves) await checkProgram(leaf, imagesOf(leaf, images), checked, registry);
    const cpus = checked.cpus.map(({ ref, loaded }) => ({ cpu: construct<Cpu>(rootLevel(options.codes), loaded, ref), plugin: ref }));
    const listeners: ((bytes: Uint8Array) => void)[] = [];
    const log = (bytes: Uint8Array): void => {
      for (const listen of listeners) listen(bytes);
    };
    const keyboards: Keyboards = new Map();
    const spec = hardwareSpec(plan, images, folder, cpus, log, keyboards);
    const hardware = construct<Hardware>(levelAbove(rootLevel(), new Map([[Spec, spec]])), checked.hardware, plan.hardware);
    const { shape } = hardware.machine;
    const saved = options.from === undefined ? undefined : openStackImage(options.from, plan);
    saved?.restoreHardware(hardware);
    const loader = new StackLoader(registry, options.loaderModule);
    const machine = { isas: shape.isas as readonly Isa[], virtualTime: shape.virtualTime };
    const ref = plan.payload(machine, saved?.domains ?? new Map(), options.profileInterval);
    const { payload, saveLeaf } = await loadRoot(loader, ref, plan, hardware, saved?.domains ?? new Map());
    const stack = new Stack({ plan: withDefaultProgram(plan, images), hardware, payload, saveLeaf, release, keyboards });
    listeners.push((bytes) => {
      options.console?.(bytes);
      stack.emit('console', bytes);
    });
    hardware.executor.start(payload);
    if (options.paused === true) await hardware.executor.quiesce();
    return stack;
  } catch (error) {
    release();
    throw error;
  }
}

function withDefaultProgram(plan: StackPlan, images: ReadonlyMap<string, readonly Image[]>): StackPlan {
  const leaves = plan.leaves.map((leaf) => {
    const argv = imagesOf(leaf, images).findLast((image) => image.argv !== undefined)?.argv;
    return leaf.run === undefined && argv !== undefined ? { ...leaf, run: argv } : leaf;
  });
  return { ...plan, leaves };
}

/** How to type into the consoles that have a keyboard, by their names in the hardware. */
type Keyboards = Map<string, (bytes: Uint8Array) => number>;

function hardwareSpec(
  plan: StackPlan,
  images: ReadonlyMap<string, readonly Image[]>,
  folder: string,
  cpus: readonly { cpu: Cpu; plugin: PluginRef }[],
  log: (bytes: Uint8Array) => void,
  keyboards: Keyboards,
): HardwareSpec {
  const devices: Record<string, DeviceSpec> = {};
  for (const [name, device] of plan.devices) {
    const layers: readonly Tree[] = (images.get(name) ?? []).map((image) => image.tree);
    devices[name] = deviceSpec(device, layers, plan, folder, (type) => keyboards.set(name, type));
  }
  return { pages: plan.pages, devices, cpus, log };
}

function deviceSpec(
  device: DevicePlan,
  layers: readonly Tree[],
  plan: StackPlan,
  folder: string,
  keyboard: (type: (bytes: Uint8Array) => number) => void,
): DeviceSpec {
  switch (device.kind) {
    case 'share': {
      const { volumes, writableBytes } = device;
      return { kind: 'share', layers, volumes: openVolumes(volumes, folder), ...(writableBytes === undefined ? {} : { writableBytes }) };
    }
    case 'console':
      if ('of' in device) return device;
      return { kind: 'console', prefix: device.prefix, ...(device.keyboard ? { keyboard } : {}) };
    case 'socket':
      return { ...device, mayConnect: plan.links.filter(({ from }) => from === device.name).map(({ to }) => to) };
  }
}
