import { ControlClient } from '@ashlar/domains';
import type { Channel, Limits, PluginRef, Result } from '@ashlar/hardware';
import type { Domain, DomainSpec, DomainState, DomainStop, DomainUsage, Hypervisor } from '@ashlar/hypervisor';

/** Host milliseconds that a pause or a save may take: more than any takes on a machine that is slow or busy. */
export const PATIENCE_MS = 120_000;

/** Control over the domains of the hypervisor under test, wherever it runs: in this thread, or inside others behind a `control` service. */
export interface Controls {
  list(): Promise<readonly { readonly name: string; readonly state: DomainState }[]>;
  create(spec: DomainSpec): Promise<unknown>;
  start(name: string): Promise<Result>;
  pause(name: string, withinMs: number): Promise<void>;
  resume(name: string): Promise<Result>;
  save(name: string, withinMs: number): Promise<Uint8Array>;
  limit(name: string, limits: Limits): Promise<Result>;
  usage(name: string): Promise<DomainUsage & { readonly state: DomainState }>;
  interpose(name: string, tap: PluginRef | undefined): Promise<Result>;
  destroy(name: string): Promise<void>;
  stopped(name: string): Promise<DomainStop>;
  /** A channel to `NAME/service`. */
  connect(service: string): Channel;
}

/** Controls of a hypervisor in this thread. */
export class LocalControls implements Controls {
  readonly #hypervisor: Hypervisor;
  readonly #known = new Map<string, Domain>();

  constructor(hypervisor: Hypervisor) {
    this.#hypervisor = hypervisor;
  }

  async list(): Promise<readonly { readonly name: string; readonly state: DomainState }[]> {
    return [...this.#hypervisor.domains.values()].map(({ name, state }) => ({ name, state }));
  }

  async create(spec: DomainSpec): Promise<void> {
    this.#known.set(spec.name, await this.#hypervisor.create(spec));
  }

  async start(name: string): Promise<Result> {
    return this.#domain(name).start();
  }

  pause(name: string, withinMs: number): Promise<void> {
    return this.#domain(name).pause(withinMs);
  }

  async resume(name: string): Promise<Result> {
    return this.#domain(name).resume();
  }

  save(name: string, withinMs: number): Promise<Uint8Array> {
    return this.#domain(name).save(withinMs);
  }

  async limit(name: string, limits: Limits): Promise<Result> {
    return this.#domain(name).limit(limits);
  }

  async usage(name: string): Promise<DomainUsage & { readonly state: DomainState }> {
    const domain = this.#domain(name);
    return { ...domain.usage(), state: domain.state };
  }

  interpose(name: string, tap: PluginRef | undefined): Promise<Result> {
    return this.#domain(name).interpose(tap);
  }

  destroy(name: string): Promise<void> {
    return this.#domain(name).destroy();
  }

  stopped(name: string): Promise<DomainStop> {
    return this.#domain(name).stopped;
  }

  connect(service: string): Channel {
    const slash = service.indexOf('/');
    return this.#domain(service.slice(0, slash)).connect(service.slice(slash + 1));
  }

  #domain(name: string): Domain {
    const domain = this.#hypervisor.domains.get(name) ?? this.#known.get(name);
    if (domain === undefined) throw new Error(`there is no domain "${name}"`);
    return domain;
  }
}

/** Controls of a hypervisor inside the domain at `path` of an outer one: `a`, `a/b`. */
export class NestedControls extends ControlClient implements Controls {
  readonly #outer: Controls;
  readonly #path: string;

  constructor(outer: Controls, path: string) {
    super(outer.connect(`${path}/control`));
    this.#outer = outer;
    this.#path = path;
  }

  connect(service: string): Channel {
    return this.#outer.connect(`${this.#path}/${service}`);
  }
}
