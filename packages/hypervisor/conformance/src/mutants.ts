import type { Mutant } from '@ashlar/conformance';
import { DomainSet, type HostedDomain, type Placing, placeInThread, type Resident, type Tap } from '@ashlar/domains';
import type { Machine, MemoryAccount } from '@ashlar/hardware';
import type { Domain, DomainPlan, DomainSpec, Hypervisor, PayloadLoader } from '@ashlar/hypervisor';
import { Config, Domains, hypervisor, Loader, LowerMachine, type PluginClass } from '@ashlar/plugin';
import { hypervisorBindings } from './bindings.ts';
import type { HypervisorFixture } from './fixture.ts';
import { ProbeLoader } from './probe-loader.ts';

/** What a broken hypervisor never brings about is given up after so many steps; nothing in the suite needs a tenth of it under a sound one. */
const STEPS_MAX = 1000;

/** Where a broken hypervisor differs from a sound one. */
interface Break {
  readonly place?: (resident: Resident) => Resident;
  readonly spec?: (spec: DomainSpec) => DomainSpec;
  readonly domain?: (domain: HostedDomain, all: ReadonlyMap<string, Domain>) => void;
  readonly tap?: Tap;
  readonly flatten?: boolean;
}

@hypervisor({ name: 'broken', interface: '1', config: { parse: (broken) => broken }, inject: [LowerMachine, Loader, Domains, Config] })
class BrokenHypervisor extends DomainSet {
  readonly #broken: Break;

  constructor(lower: Machine, loader: PayloadLoader, plan: DomainPlan, broken: Break) {
    const place = placeInThread({ lower, loader, flatten: broken.flatten ?? plan.flatten });
    super({
      schema: 'direct/1',
      lower,
      place: async (placing: Placing) => broken.place?.(await place(placing)) ?? place(placing),
      ...(broken.tap && { tap: broken.tap }),
    });
    this.#broken = broken;
  }

  override async create(spec: DomainSpec): Promise<Domain> {
    const domain = await super.create(this.#broken.spec?.(spec) ?? spec);
    this.#broken.domain?.(domain as HostedDomain, this.domains);
    return domain;
  }
}

/** Replaces a method of one object. */
function replace<T extends object, K extends keyof T>(target: T, key: K, value: T[K]): T {
  return Object.defineProperty(target, key, { value, configurable: true });
}

/** Constructs a plugin in a container of its own: `makePlugin` of `@ashlar/stack`, which stands above this package. */
export type MakePlugin = <T>(plugin: PluginClass<T>, config: unknown, bindings: ReadonlyMap<symbol, unknown>) => T;

/** A mutant, once there is a way to construct it. */
type MutantOf = (makePlugin: MakePlugin) => Mutant<HypervisorFixture>;

const mutant =
  (clause: string, name: string, broken: Break, also: readonly string[] = []): MutantOf =>
  (makePlugin) => {
    const make = (lower: Machine, loader: PayloadLoader, plan: DomainPlan): Hypervisor =>
      makePlugin<Hypervisor>(BrokenHypervisor, broken, hypervisorBindings(lower, loader, plan));
    return {
      clause,
      name,
      also,
      mutate: async (fixture) => {
        await fixture.close();
        const { use } = fixture.under;
        return fixture.again({
          loader: new ProbeLoader({ module: '', hypervisors: { [use]: make } }),
          make: (lower, loader, flatten) => make(lower, loader, { domains: [], flatten }),
          stepsMax: STEPS_MAX,
        });
      },
    };
  };

/** An account that gives what it does not have. */
function generous(account: MemoryAccount): MemoryAccount {
  return new Proxy(account, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target);
      if (key === 'charge') return (pages: number) => Math.max(target.charge(pages), 0);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const generousTap: Tap = {
  ref: undefined,
  interposer: {
    wrap: (lower) => {
      const memory = generous(lower.memory);
      return new Proxy(lower, {
        get: (target, key) => {
          if (key === 'memory') return memory;
          const value: unknown = Reflect.get(target, key, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    },
  },
};

const mutants: readonly MutantOf[] = [
  mutant('HV-2', 'every start succeeds', {
    domain: (domain) => {
      const start = domain.start.bind(domain);
      replace(domain, 'start', () => Math.max(start(), 0));
    },
  }),
  mutant('HV-3', 'time goes on while the domain is paused', {
    place: (resident) =>
      replace(
        replace(resident, 'pause', async () => undefined),
        'resume',
        () => undefined,
      ),
  }),
  mutant('HV-4', 'every resume succeeds', {
    domain: (domain) => {
      const resume = domain.resume.bind(domain);
      replace(domain, 'resume', () => Math.max(resume(), 0));
    },
  }),
  mutant('HV-5', 'a destroyed domain keeps its memory', { place: (resident) => replace(resident, 'destroy', async () => undefined) }, [
    'HV-43',
  ]),
  mutant('HV-7', 'a crash takes the siblings along', {
    domain: (domain, all) => {
      void domain.stopped.then(({ reason }) => {
        if (reason === 'crashed') for (const sibling of all.values()) void sibling.destroy();
      });
    },
  }),
  mutant('HV-21', 'charges beyond the limit succeed', { tap: generousTap }),
  mutant('HV-23', 'weights are ignored', {
    domain: (domain) => void Object.defineProperty(domain.share, 'weight', { get: () => 100, set: () => undefined }),
  }),
  mutant('HV-24', 'caps are ignored', {
    domain: (domain) => void Object.defineProperty(domain.share, 'allowed', { get: () => Number.POSITIVE_INFINITY }),
  }),
  mutant('HV-25', 'a sleeper gets back what it slept through', { domain: (domain) => void replace(domain.share, 'join', () => undefined) }),
  mutant('HV-31', 'nothing is flattened', { flatten: false }),
  mutant('HV-32', 'flattening cannot be turned off', { flatten: true }),
  mutant('HV-40', 'saved state is ignored', { spec: ({ from: _from, ...spec }) => spec }, ['HV-42', 'HV-43']),
  mutant('HV-41', 'saving lets a paused domain run', {
    domain: (domain) => {
      const save = domain.save.bind(domain);
      replace(domain, 'save', async (withinMs: number) => {
        const bytes = await save(withinMs);
        domain.resume();
        return bytes;
      });
    },
  }),
  mutant('HV-50', 'the channel to a service that is not there stays open', {
    domain: (domain) => {
      const serve = domain.serve.bind(domain);
      replace(domain, 'serve', (service, channel) => Math.max(serve(service, channel), 0));
    },
  }),
];

/** Hypervisors that break one promise each. */
export const hypervisorMutants = (makePlugin: MakePlugin): readonly Mutant<HypervisorFixture>[] => mutants.map((each) => each(makePlugin));
