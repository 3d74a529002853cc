import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { PluginRef } from '@ashlar/hardware';
import { ImageError, parseImageSpec } from '@ashlar/image';
import type { Tier } from '@ashlar/plugin';
import { ConfigError, type ConfigSource, type Diagnostic, describeValue } from './config/diagnostic.ts';
import { diagnose, type Issue } from './config/issues.ts';
import type { DeviceConfig, DomainConfig, StackConfig } from './config/schema.ts';
import { parseSize } from './config/size.ts';
import { type SharePlan, sharePlan, type VolumePlan } from './devices.ts';
import { lackOf, missingGroups, stubsWith } from './feature-groups.ts';
import { knownNeeds } from './known-programs.ts';
import { suggestion } from './nearest.ts';
import { type LeafPlan, refOf, type StackPlan } from './plan.ts';
import { PluginConfigError, parseConfig } from './plugins/container.ts';
import type { LoadedPlugin, PluginRegistry } from './plugins/registry.ts';
import { StackError } from './stack-error.ts';

type Path = readonly (string | number)[];

/** The plugins of a stack, found and fitting each other. */
export interface CheckedStack {
  readonly hardware: LoadedPlugin;
  /** By the leaf's name. */
  readonly kernels: ReadonlyMap<string, LoadedPlugin>;
  readonly cpus: readonly { readonly ref: PluginRef; readonly loaded: LoadedPlugin }[];
}

/**
 * Everything that can be known before anything starts: that each plugin is there and takes its config, that the tiers fit each other by their
 * declared traits, that volumes, images and links name something. Throws a {@link ConfigError} with all that is wrong.
 */
export async function checkStack(
  config: StackConfig,
  plan: StackPlan,
  registry: PluginRegistry,
  source: ConfigSource,
  folder: string,
): Promise<CheckedStack> {
  const check = new Check(config, registry, folder);
  const hardware = await check.plugin('hardware', plan.hardware, ['hardware']);
  const cpus: { ref: PluginRef; loaded: LoadedPlugin }[] = [];
  for (const [index, ref] of plan.cpus.entries()) {
    const loaded = await check.plugin('cpu', ref, ['cpus', index]);
    if (loaded !== undefined) cpus.push({ ref, loaded });
  }
  await check.node(config as DomainConfig, [], parseSize(config.memory ?? Number.POSITIVE_INFINITY), false);
  for (const leaf of plan.leaves) await check.leaf(leaf, cpus);
  check.devices(plan);
  check.links(plan);
  if (check.found.length > 0 || hardware === undefined) throw new ConfigError(check.found, source);
  return { hardware, cpus, kernels: check.kernels };
}

/** With the value that stands in the plugin's config at the diagnostic's path. */
function valued(diagnostic: Diagnostic, path: Path, { config }: PluginRef): Diagnostic {
  const inside = diagnostic.path.slice(path.length);
  const value = inside.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], config);
  return diagnostic.message === 'unknown key' ? diagnostic : { ...diagnostic, value: describeValue(value) };
}

class Check {
  readonly found: Diagnostic[] = [];
  readonly kernels = new Map<string, LoadedPlugin>();

  constructor(
    private readonly config: StackConfig,
    private readonly registry: PluginRegistry,
    private readonly folder: string,
  ) {}

  private report(path: Path, value: unknown, message: string, hint = ''): void {
    this.found.push({ path, value: describeValue(value), message, hint });
  }

  /** The plugin that `ref` names, or undefined after it was reported. */
  async plugin(tier: Tier, ref: PluginRef, path: Path): Promise<LoadedPlugin | undefined> {
    try {
      const loaded = await this.registry.find(tier, ref);
      parseConfig(loaded, ref);
      return loaded;
    } catch (error) {
      if (error instanceof PluginConfigError && error.issues.length > 0) {
        const known = (at: Path): readonly string[] => (at.length === path.length ? error.keys : []);
        for (const issue of error.issues)
          this.found.push(...diagnose(issue as Issue, path, undefined, known).map((each) => valued(each, path, ref)));
        return undefined;
      }
      if (!(error instanceof StackError)) throw error;
      this.report(path, ref.use, error.message, error.hint);
      return undefined;
    }
  }

  /** A chain of hypervisors and what stands on it. `behindEdge`: a thread or process lies below. */
  async node(config: DomainConfig, path: Path, memoryBytes: number, behindEdge: boolean): Promise<void> {
    const entries = config.hypervisors ?? [];
    let edge = behindEdge;
    let bytes = memoryBytes;
    for (const [index, entry] of entries.entries()) {
      const at = [...path, 'hypervisors', index];
      const ref = refOf(entry, 'memory', 'weight', 'cap', 'flatten');
      this.mobile('hypervisor', ref, at, edge);
      const loaded = await this.plugin('hypervisor', ref, at);
      edge ||= (loaded?.manifest.traits?.placement ?? 'thread') !== 'thread';
      const asked = typeof entry === 'string' ? undefined : entry.memory;
      bytes = this.memory(asked as string | number | undefined, bytes, [...at, 'memory']);
    }
    if (config.domains === undefined) {
      this.mobile('kernel', refOf(config.kernel ?? 'posix'), [...path, 'kernel'], edge);
      return;
    }
    await this.domains(config, path, bytes, edge);
  }

  private async domains(config: DomainConfig, path: Path, bytes: number, edge: boolean): Promise<void> {
    if ((config.hypervisors ?? (path.length === 0 ? ['direct'] : [])).length === 0) {
      this.report(
        [...path, 'domains'],
        undefined,
        'several domains need a hypervisor to hold them',
        'add `hypervisors: [direct]` beside it',
      );
    }
    for (const key of ['kernel', 'userspace', ...(path.length > 0 ? (['devices'] as const) : [])] as const) {
      if (config[key] !== undefined) this.report([...path, key], undefined, 'stands beside `domains`', `move it into one of the domains`);
    }
    const domains = Object.entries(config.domains ?? {});
    if (domains.length === 0) this.report([...path, 'domains'], undefined, 'names no domain', 'add one, such as `web: { … }`');
    let left = bytes;
    for (const [name, domain] of domains) {
      const at = [...path, 'domains', name];
      const own = this.memory(domain.memory, left, [...at, 'memory']);
      if (domain.memory !== undefined) left -= own;
      await this.node(domain, at, own, edge);
    }
  }

  /** The memory a level has; reports one that asks for more than the level below can give. */
  private memory(asked: string | number | undefined, available: number, path: Path): number {
    if (asked === undefined) return available;
    const bytes = parseSize(asked);
    if (bytes <= available) return bytes;
    const mebibytes = Math.floor(available / 2 ** 20);
    this.report(path, asked, 'more than the level below has left', `at most ${mebibytes}MiB, or raise \`memory\` of the levels below`);
    return available;
  }

  private mobile(tier: Tier, ref: PluginRef, path: Path, edge: boolean): void {
    if (edge && this.registry.isClass(tier, ref)) {
      this.report(path, ref.use, 'a plugin given as a class cannot go behind a thread', 'give its package name or path instead');
    }
  }

  async leaf(leaf: LeafPlan, cpus: CheckedStack['cpus']): Promise<void> {
    const kernel = await this.plugin('kernel', leaf.kernel, [...leaf.path, 'kernel']);
    if (kernel !== undefined) this.kernels.set(leaf.name, kernel);
    const isas = cpus.map(({ loaded }) => String(loaded.manifest.traits?.isa ?? ''));
    const several = leaf.userspace.length > 1;
    for (const [index, ref] of leaf.userspace.entries()) {
      const path = [...leaf.path, 'userspace', 'use', ...(several ? [index] : [])];
      const personality = await this.plugin('userspace', ref, path);
      if (personality === undefined) continue;
      const { traits } = personality.manifest;
      const isa = String(traits?.isa ?? '');
      if (isa !== '' && !isas.includes(isa)) {
        this.report(path, ref.use, `needs a ${isa} CPU; the machine's CPUs are ${isas.join(' and ') || 'none'}`, 'add it under `cpus`');
      }
      if (kernel !== undefined) await this.features(kernel, (traits?.needs as readonly string[] | undefined) ?? [], path, ref.use);
    }
    if (kernel !== undefined) await this.program(kernel, leaf);
    if (this.bound(leaf)) return;
    this.share([...leaf.path, 'userspace'], leaf);
  }

  /** What the config says that its program needs; if it says nothing, what is known of that program. */
  private async program(kernel: LoadedPlugin, { path, needs, run }: LeafPlan): Promise<void> {
    if (needs !== undefined) await this.features(kernel, needs, [...path, 'userspace', 'needs'], needs);
    else if (run !== undefined) await this.features(kernel, knownNeeds(run), [...path, 'userspace', 'run'], run);
  }

  private async features(kernel: LoadedPlugin, needs: readonly string[], path: Path, value: unknown): Promise<void> {
    const missing = missingGroups(kernel, needs);
    if (missing.length === 0) return;
    const { name } = kernel.manifest;
    this.report(path, value, lackOf(missing, name), await stubsWith(missing, this.registry, name));
  }

  /** What a share is made of; `at`: where the config says it. */
  private share(at: Path, { images, volumes }: Pick<SharePlan, 'images' | 'volumes'>): void {
    if (images.length === 0 && volumes.length === 0) {
      this.report(at, undefined, 'has no image and no volume, so there is no program to run', 'add `image: dir:PATH`');
    }
    for (const [index, image] of images.entries()) {
      const path = [...at, 'image', ...(images.length > 1 ? [index] : [])];
      try {
        const spec = parseImageSpec(image);
        if (spec.kind !== 'npm' && !existsSync(resolve(this.folder, spec.path))) {
          this.report(path, image, 'there is no such file or folder', `it was looked for at ${resolve(this.folder, spec.path)}`);
        }
      } catch (error) {
        if (!(error instanceof ImageError)) throw error;
        this.report(path, image, error.reason, error.fix);
      }
    }
    this.volumes(at, volumes);
  }

  private volumes(at: Path, volumes: readonly VolumePlan[]): void {
    const seen = new Set<string>();
    for (const [index, volume] of volumes.entries()) {
      const path = [...at, 'volumes', index];
      if (!existsSync(resolve(this.folder, volume.host))) {
        this.report(
          [...path, 'host'],
          volume.host,
          'there is no such file or folder',
          `it was looked for at ${resolve(this.folder, volume.host)}`,
        );
      }
      if (volume.guest !== '/' && (volume.guest.endsWith('/') || /\/\.{0,2}(\/|$)/.test(volume.guest))) {
        this.report([...path, 'guest'], volume.guest, 'is not a plain absolute path', 'write it without ., .., // and a final /');
      }
      if (seen.has(volume.guest)) this.report([...path, 'guest'], volume.guest, 'is the place of two volumes', 'give each its own');
      seen.add(volume.guest);
    }
  }

  /** Whether a leaf's root is a share of the stack; reports names of devices that are not there. */
  private bound({ path, shared }: LeafPlan): boolean {
    for (const own of ['root', 'console'] as const) {
      const name = shared[own];
      if (name !== undefined) this.binding([...path, 'devices', own], name, own === 'root' ? 'share' : 'console');
    }
    if (shared.root === undefined) return false;
    const { userspace } = this.domainAt(path);
    for (const key of ['image', 'volumes'] as const) {
      if (userspace?.[key] === undefined) continue;
      const at = [...path, 'userspace', key];
      this.report(
        at,
        userspace[key],
        `stands beside the share '${shared.root}', which is all that the domain sees`,
        `move it to devices.${shared.root}`,
      );
    }
    return true;
  }

  private binding(path: Path, name: string, kind: DeviceConfig['kind']): void {
    const devices = Object.entries(this.config.devices ?? {});
    const found = devices.find(([each]) => each === name)?.[1];
    if (found?.kind === kind) return;
    const message = found === undefined ? 'there is no device of that name' : `is a ${found.kind}; a ${kind} is expected`;
    const fitting = devices.filter(([, each]) => each.kind === kind).map(([each]) => each);
    this.report(path, name, message, fitting.length === 0 ? `add a ${kind} to \`devices\` at the top` : suggestion(name, fitting));
  }

  private domainAt(path: Path): DomainConfig {
    return path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], this.config) as DomainConfig;
  }

  /** The devices of the stack itself. */
  devices({ shared }: StackPlan): void {
    if (shared.length > 0 && this.config.domains === undefined) {
      this.report(
        ['devices'],
        undefined,
        'are for several domains, and there are none',
        'put `image` and `volumes` into `userspace`, or add `domains`',
      );
    }
    for (const { name, config, users } of shared) {
      const path = ['devices', name];
      if (config.kind === 'share') this.share(path, sharePlan(config));
      else if (config.input !== undefined && !users.includes(config.input)) {
        this.report([...path, 'input'], config.input, 'is no domain that has this console', suggestion(config.input, users));
      }
    }
  }

  links(plan: StackPlan): void {
    const names = plan.leaves.map(({ name }) => name);
    for (const [index, link] of plan.links.entries()) {
      for (const end of ['from', 'to'] as const) {
        const name = link[end];
        if (name !== '*' && !names.includes(name)) {
          this.report(['links', index, end], name, 'there is no domain of that name', suggestion(name, names));
        }
      }
    }
  }
}
