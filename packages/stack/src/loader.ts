import type { CodeStore, Cpu, Machine, PartReader, Payload, Plain, PluginRef } from '@ashlar/hardware';
import type { DomainPlan, Hypervisor, Interposer, PayloadLoader, PayloadRef } from '@ashlar/hypervisor';
import type { KernelStub, Personality } from '@ashlar/kernel-stub';
import { Domains, Loader, LowerMachine } from '@ashlar/plugin';
import { Profiler } from '@ashlar/profiler';
import { SystemPayload } from '@ashlar/session';
import { construct, type Level, levelAbove, rootLevel } from './plugins/container.ts';
import type { PluginRegistry } from './plugins/registry.ts';
import { StackError } from './stack-error.ts';

/** What the CPUs of a domain's thread did, by instruction set. */
export type CpuCounters = Readonly<Record<string, Readonly<Record<string, number>>>>;

/**
 * Loads payloads inside one boundary: a container per level, child of the level below; behind a thread or process edge a new root whose machine
 * is the opened partition.
 */
export class StackLoader implements PayloadLoader {
  readonly seed: Plain;

  /**
   * @param module URL of a module whose `createLoader(seed)` makes this loader's like elsewhere
   * @param below the level that payloads are loaded on; each hypervisor's own level is the one below its domains
   * @param codes where the CPUs that it loads keep what they compile
   */
  constructor(
    private readonly registry: PluginRegistry,
    readonly module: string,
    private readonly below: Level = rootLevel(),
    private readonly codes?: CodeStore,
  ) {
    this.seed = { ...registry.seed() };
  }

  async payload(ref: PayloadRef, machine: Machine, from: PartReader | undefined): Promise<Payload> {
    const payload = ref.kind === 'system' ? await this.system(ref, machine) : await this.hypervisor(ref, machine);
    if (from !== undefined) {
      const restored = payload.restore(from);
      if (restored !== 0)
        throw new StackError(`the saved state does not fit: ${describe(restored)}`, `it must be one of ${payload.schema}`);
    }
    return payload;
  }

  async interposer(ref: PluginRef): Promise<Interposer> {
    return construct(this.below, await this.registry.find('interposer', ref), ref);
  }

  async cpu(ref: PluginRef): Promise<Cpu> {
    return construct(rootLevel(this.codes), await this.registry.find('cpu', ref), ref);
  }

  immobile(ref: PayloadRef): string | undefined {
    const named =
      ref.kind === 'system'
        ? [['kernel', ref.kernel] as const, ...ref.userspace.map((each) => ['userspace', each] as const)]
        : [['hypervisor', ref.hypervisor] as const];
    const given = named.find(([tier, each]) => this.registry.isClass(tier, each));
    if (given !== undefined) return `${given[0]} plugin '${given[1].use}' was given as a class and cannot go behind a thread`;
    return ref.kind === 'hypervisor'
      ? ref.domains.map((domain) => this.immobile(domain.payload)).find((why) => why !== undefined)
      : undefined;
  }

  private async system(ref: PayloadRef & { kind: 'system' }, lower: Machine): Promise<Payload> {
    const documents = new Map([['counters', () => encode(countersOf(lower))]]);
    const machine = ref.profileInterval === undefined ? lower : profiled(lower, ref.profileInterval, documents);
    const level = levelAbove(this.below, new Map([[LowerMachine, machine]]));
    const kernel = construct<KernelStub>(level, await this.registry.find('kernel', ref.kernel), ref.kernel);
    const personalities: Personality[] = [];
    for (const each of ref.userspace) personalities.push(construct(level, await this.registry.find('userspace', each), each));
    kernel.install(personalities);
    return new SystemPayload(kernel, machine, documents);
  }

  private async hypervisor(ref: PayloadRef & { kind: 'hypervisor' }, machine: Machine): Promise<Payload> {
    const plan: DomainPlan = { domains: ref.domains, flatten: ref.flatten ?? true };
    const bindings = new Map<symbol, unknown>([
      [LowerMachine, machine],
      [Domains, plan],
    ]);
    const level = levelAbove(this.below, bindings);
    level.bind(Loader).toConstantValue(new StackLoader(this.registry, this.module, level, this.codes));
    const hypervisor = construct<Hypervisor>(level, await this.registry.find('hypervisor', ref.hypervisor), ref.hypervisor);
    for (const spec of ref.domains) if (!hypervisor.domains.has(spec.name)) await hypervisor.create(spec);
    return hypervisor;
  }
}

/** The machine with a profiler around its CPUs; the profile is a document of the payload. */
function profiled(lower: Machine, interval: number, documents: Map<string, () => Uint8Array>): Machine {
  const profiler = new Profiler({ interval });
  documents.set('profile', () => encode(profiler.profile()));
  return profiler.machine(lower);
}

const encode = (document: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(document));

/** By instruction set; CPUs that count nothing are left out. */
function countersOf(machine: Machine): CpuCounters {
  const counted = machine.shape.isas.map((isa) => [isa, machine.cpu(isa)?.counters?.()] as const);
  return Object.fromEntries(counted.filter(([, counters]) => counters !== undefined)) as CpuCounters;
}

const describe = (reply: unknown): string => (typeof reply === 'number' ? `error ${-reply}` : 'it would have to wait');
