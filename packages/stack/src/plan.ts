import { type DeviceShape, type Isa, type Limits, PAGE_BYTES, type Plain, type PluginRef, type Shape } from '@ashlar/hardware';
import type { DomainSpec, PayloadRef } from '@ashlar/hypervisor';
import type { DomainConfig, StackConfig } from './config/schema.ts';
import { parseSize } from './config/size.ts';
import { type DevicePlan, listOf, type SharedDevice, SharedDevices, type SharePlan, sharePlan, type VolumePlan } from './devices.ts';

/** What runs at one leaf of the stack: a kernel stub with its personalities, and what its share is made of. */
export interface LeafPlan {
  /** The leaf's name: `main`, or the domain's name in the config; nested ones are joined with a dot. */
  readonly name: string;
  /** Names of the domains from the hardware up; empty with an empty chain. */
  readonly route: readonly string[];
  /** Where the leaf stands in the config, for errors. */
  readonly path: readonly (string | number)[];
  readonly kernel: PluginRef;
  readonly userspace: readonly PluginRef[];
  /** What its root file system is made of: its own, or that of the share that it has together with others. */
  readonly images: readonly string[];
  readonly volumes: readonly VolumePlan[];
  /** Devices of the stack that it has by the config's names. */
  readonly shared: NonNullable<DomainConfig['devices']>;
  readonly run: readonly string[] | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
  /** Feature groups that its programs need beside what the personalities need, as the config says; undefined: what is known of `run`. */
  readonly needs: readonly string[] | undefined;
  /** The hypervisors above the hardware up to this leaf, outermost first. */
  readonly chain: readonly PluginRef[];
  /** Device names of this leaf in the hardware, by the name the leaf knows them by. */
  readonly devices: Readonly<Record<string, DeviceShape>>;
}

/** A config turned into what is loaded: data only, nothing looked up or started. */
export interface StackPlan {
  readonly hardware: PluginRef;
  readonly cpus: readonly PluginRef[];
  readonly pages: number;
  readonly leaves: readonly LeafPlan[];
  /** What the hardware is to have, by its names. */
  readonly devices: ReadonlyMap<string, DevicePlan>;
  readonly shared: readonly SharedDevice[];
  readonly links: readonly { readonly from: string; readonly to: string }[];
  /** The outermost payload, with every domain in it. `shape` says what the machine it stands on offers. */
  payload(
    machine: { readonly isas: readonly Isa[]; readonly virtualTime: boolean },
    saved: ReadonlyMap<string, Uint8Array>,
    profileInterval?: number,
  ): PayloadRef;
}

/** Memory of a stack that says nothing of it: 2 GiB. */
export const DEFAULT_MEMORY_BYTES = 2 ** 31;
const DEFAULT_LIMITS = { weight: 100, capPerMille: 1000 } as const;
const DEFAULT_ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' } as const;

type PluginEntry = string | { readonly use: string; readonly [key: string]: unknown };

/** A plugin entry of a config as a reference: everything beside `use` is its config. */
export function refOf(entry: PluginEntry, ...without: readonly string[]): PluginRef {
  if (typeof entry === 'string') return { use: entry };
  const config = Object.fromEntries(Object.entries(entry).filter(([key]) => key !== 'use' && !without.includes(key)));
  return Object.keys(config).length === 0 ? { use: entry.use } : { use: entry.use, config: config as Plain };
}

const pagesOf = (size: string | number): number => Math.floor(parseSize(size) / PAGE_BYTES);

/** What a node of the domain tree becomes, once the machine it stands on is known. */
interface Node {
  readonly leaves: readonly LeafPlan[];
  payload(context: BuildContext, pages: number): PayloadRef;
}

interface BuildContext {
  readonly isas: readonly Isa[];
  readonly virtualTime: boolean;
  readonly saved: ReadonlyMap<string, Uint8Array>;
  readonly profileInterval: number | undefined;
}

/** Turns a config into a plan. The config has passed its schema; plugins are not looked at. */
export function planOf(config: StackConfig): StackPlan {
  const chain = config.hypervisors ?? ['direct'];
  const pages = pagesOf(config.memory ?? DEFAULT_MEMORY_BYTES);
  const shared = new SharedDevices(config.devices);
  const devices = new Map(shared.planned);
  const networked = new Set((config.links ?? []).flatMap(({ from, to }) => [from, to]));
  const root = planNode({ ...config, hypervisors: chain } as DomainConfig, {
    path: [],
    names: [],
    route: [],
    chain: [],
    networked,
    count: { leaves: 0 },
    several: leafCount(config as DomainConfig) > 1,
    shared,
    devices,
  });
  return {
    hardware: refOf(config.hardware ?? 'host'),
    cpus: listOf(config.cpus, ['riscv64', 'wasm32']).map((entry) => refOf(entry)),
    pages,
    leaves: root.leaves,
    devices,
    shared: shared.all,
    links: config.links ?? [],
    payload: (machine, saved, profileInterval) => root.payload({ ...machine, saved, profileInterval }, pages),
  };
}

const leafCount = ({ domains }: DomainConfig): number =>
  domains === undefined ? 1 : Object.values(domains).reduce((sum, domain) => sum + leafCount(domain), 0);

interface Place {
  readonly path: readonly (string | number)[];
  readonly names: readonly string[];
  readonly route: readonly string[];
  readonly chain: readonly PluginRef[];
  readonly networked: ReadonlySet<string>;
  readonly count: { leaves: number };
  /** Whether the stack has several domains, which their consoles tell apart. */
  readonly several: boolean;
  readonly shared: SharedDevices;
  /** What is planned so far, by the hardware's names. */
  readonly devices: Map<string, DevicePlan>;
}

/** A chain of hypervisors with a leaf or several domains at its end. */
function planNode(config: DomainConfig, place: Place): Node {
  const hypervisors = config.hypervisors ?? [];
  const refs = hypervisors.map((entry) => refOf(entry, 'memory', 'weight', 'cap', 'flatten'));
  const several = config.domains !== undefined;
  const inner: Place = {
    ...place,
    chain: [...place.chain, ...refs],
    route: [...place.route, ...refs.slice(several ? 1 : 0).map(() => 'main')],
  };
  const top: Node = several ? planDomains(config.domains ?? {}, inner, lastFlatten(hypervisors), refs.at(-1)) : planLeaf(config, inner);
  const wrapped = several ? hypervisors.slice(0, -1) : hypervisors;
  return wrapped.reduceRight<Node>((node, entry, index) => wrap(node, entry, refs[index] as PluginRef), top);
}

const lastFlatten = (hypervisors: readonly PluginEntry[]): boolean => flattenOf(hypervisors.at(-1) ?? '');
const flattenOf = (entry: PluginEntry): boolean => typeof entry === 'string' || entry.flatten !== false;

/** A hypervisor with one domain in it. */
function wrap(node: Node, entry: PluginEntry, ref: PluginRef): Node {
  const limits = typeof entry === 'string' ? {} : entry;
  return {
    leaves: node.leaves,
    payload: (context, pages) => {
      const spec = domainSpec('main', node, limits, pages, context);
      return { kind: 'hypervisor', hypervisor: ref, flatten: flattenOf(entry), domains: [spec] };
    },
  };
}

/** A hypervisor with the domains that the config names. Memory that no domain asked for is divided evenly among the others. */
function planDomains(domains: Readonly<Record<string, DomainConfig>>, place: Place, flatten: boolean, ref: PluginRef | undefined): Node {
  const children = Object.entries(domains).map(([name, config]) => ({
    name,
    config,
    node: planNode(config, {
      ...place,
      path: [...place.path, 'domains', name],
      names: [...place.names, name],
      route: [...place.route, name],
    }),
  }));
  return {
    leaves: children.flatMap(({ node }) => node.leaves),
    payload: (context, pages) => {
      const asked = children.reduce((sum, { config }) => sum + (config.memory === undefined ? 0 : pagesOf(config.memory)), 0);
      const sharing = children.filter(({ config }) => config.memory === undefined).length;
      const share = Math.floor((pages - asked) / Math.max(1, sharing));
      return {
        kind: 'hypervisor',
        hypervisor: ref ?? { use: 'direct' },
        flatten,
        domains: children.map(({ name, config, node }) => domainSpec(name, node, config, share, context)),
      };
    },
  };
}

function domainSpec(
  name: string,
  node: Node,
  asked: { memory?: unknown; weight?: unknown; cap?: unknown },
  pages: number,
  context: BuildContext,
): DomainSpec {
  const limits: Limits = {
    pages: asked.memory === undefined ? pages : pagesOf(asked.memory as string | number),
    weight: (asked.weight as number | undefined) ?? DEFAULT_LIMITS.weight,
    capPerMille: asked.cap === undefined ? DEFAULT_LIMITS.capPerMille : Math.round((asked.cap as number) * 1000),
  };
  const payload = node.payload(context, limits.pages);
  const [leaf] = node.leaves;
  const isLeaf = payload.kind === 'system' && leaf !== undefined;
  const devices = isLeaf ? leaf.devices : Object.fromEntries(node.leaves.flatMap((each) => hardwareDevices(each)));
  const want: Shape = { vcpus: 1, isas: context.isas, pages: limits.pages, devices, virtualTime: context.virtualTime };
  const saved = isLeaf ? context.saved.get(leaf.name) : undefined;
  return { name, want, limits, payload, ...(saved === undefined ? {} : { from: saved }) };
}

/** A leaf's devices by the names that hardware and everything between know them by. */
export const hardwareDevices = (leaf: LeafPlan): [string, DeviceShape][] =>
  Object.entries(leaf.devices).map(([name, { kind, from }]) => [from ?? name, { kind }]);

function planLeaf(config: DomainConfig, place: Place): Node {
  const { userspace } = config;
  const name = place.names.length === 0 ? 'main' : place.names.join('.');
  const devices = leafDevices(config, name, place);
  const share = place.devices.get(devices.root?.from ?? '') as SharePlan;
  const leaf: LeafPlan = {
    name,
    route: place.route,
    path: place.path,
    kernel: refOf(config.kernel ?? 'posix'),
    userspace: listOf(userspace?.use, ['linux', 'wasi']).map((entry) => refOf(entry)),
    images: share.images,
    volumes: share.volumes,
    shared: config.devices ?? {},
    run: userspace?.run,
    env: { ...DEFAULT_ENVIRONMENT, ...userspace?.env },
    workdir: userspace?.workdir ?? '/',
    needs: userspace?.needs,
    chain: place.chain,
    devices,
  };
  return {
    leaves: [leaf],
    payload: ({ profileInterval }) => ({
      kind: 'system',
      kernel: leaf.kernel,
      userspace: leaf.userspace,
      ...(profileInterval === undefined ? {} : { profileInterval }),
    }),
  };
}

/** The devices of a leaf: those of the stack that it names, and its own. */
function leafDevices(config: DomainConfig, name: string, place: Place): Readonly<Record<string, DeviceShape>> {
  // Numbers, not domain names: a device name is at most 64 characters, and a dotted path of domains may be longer.
  const prefix = `leaf${place.count.leaves++}.`;
  const own = (kind: DeviceShape['kind'], label: string, plan: DevicePlan): DeviceShape => {
    place.devices.set(`${prefix}${label}`, plan);
    return { kind, from: `${prefix}${label}` };
  };
  const { root, console } = config.devices ?? {};
  const line = place.several ? `${name}: ` : '';
  return {
    root: place.shared.use(root, 'share', name) ?? own('share', 'root', sharePlan(config.userspace ?? {})),
    console: place.shared.use(console, 'console', name) ?? own('console', 'console', { kind: 'console', prefix: line, keyboard: false }),
    ...(place.networked.has(name) ? { net: own('socket', 'net', { kind: 'socket', name }) } : {}),
  };
}
