import { type Channel, Errno, type Limits, type PluginRef, type Result, type Step, type Wait } from '@ashlar/hardware';
import { createPair } from '@ashlar/hypercall';
import type { Domain, DomainSpec, DomainState, DomainStop, DomainUsage } from '@ashlar/hypervisor';
import { DomainError } from './domain-error.ts';
import { copy, zero } from './instant.ts';
import { within } from './patience.ts';
import type { Resident } from './resident.ts';
import { Share } from './share.ts';
import type { Tap } from './taps.ts';

/** What a domain tells the hypervisor that holds it. */
export interface Holder {
  /** Something may have changed: the hypervisor wants to be stepped. */
  news(): void;
  /** Layers of the levels below. */
  inheritedTaps(): readonly Tap[];
  forget(domain: HostedDomain): void;
  /** It runs from now on: what it was not there for, it does not get back. */
  joins(domain: HostedDomain): void;
}

/** One domain of a {@link DomainSet}: its life cycle over whatever place its payload has. */
export class HostedDomain implements Domain {
  readonly name: string;
  readonly spec: DomainSpec;
  readonly share: Share;
  readonly stopped: Promise<DomainStop>;
  /** What the last step said, and where in the order of firings it began. */
  wait: Wait | undefined;
  steppedAt = 0;
  /** Step it even if nothing it waits for happened. */
  poked = true;
  /** It could run since this time of the machine below, and does not. */
  readySince: { sec: number; nsec: number } | undefined;
  readonly steal = zero();
  #resident: Resident;
  #state: DomainState = 'created';
  /** Whoever needs that no step begins: pausing, saving, relinking. */
  #holds = 0;
  #ownTap: Tap | undefined;
  #limits: Limits;
  readonly #holder: Holder;
  #stop!: (stop: DomainStop) => void;
  #stopping: Promise<void> | undefined;
  /** Settles when another payload is in its place. */
  #replacing: Promise<void> | undefined;

  constructor(spec: DomainSpec, resident: Resident, holder: Holder) {
    this.name = spec.name;
    this.spec = spec;
    this.share = new Share(spec.limits.weight, spec.limits.capPerMille);
    this.stopped = new Promise((resolve) => {
      this.#stop = resolve;
    });
    this.#limits = spec.limits;
    this.#holder = holder;
    this.#resident = resident;
    this.#watch(resident);
  }

  get state(): DomainState {
    return this.#state;
  }

  get resident(): Resident {
    return this.#resident;
  }

  get limits(): Limits {
    return this.#limits;
  }

  /** Whether its hypervisor may step it now. */
  get steppable(): boolean {
    return this.#state === 'running' && this.#holds === 0 && !this.#resident.autonomous;
  }

  start(): Result {
    if (this.#state !== 'created') return -Errno.EINVAL;
    this.#state = 'running';
    this.#holder.joins(this);
    this.#resident.run();
    this.#holder.news();
    return 0;
  }

  async pause(withinMs: number): Promise<void> {
    if (this.#state !== 'running') throw new DomainError(Errno.EINVAL, `domain "${this.name}" is ${this.#state}, not running`);
    try {
      await this.held(() => this.#resident.pause(withinMs));
    } catch (error) {
      // What could not be held in time may be held later: it is let go again, so that the domain is what its state says.
      this.#resident.resume();
      throw error;
    }
    if (this.#state === 'running') this.#state = 'paused';
  }

  resume(): Result {
    if (this.#state !== 'paused') return -Errno.EINVAL;
    this.#state = 'running';
    this.#holder.joins(this);
    this.#resident.resume();
    this.poked = true;
    this.#holder.news();
    return 0;
  }

  async save(withinMs: number): Promise<Uint8Array> {
    if (this.#state === 'stopped') throw new DomainError(Errno.ENODEV, `domain "${this.name}" is stopped`);
    return this.held(() => within(this.#resident.save(withinMs), withinMs, `saving domain "${this.name}"`));
  }

  limit(limits: Limits): Result {
    if (this.#state === 'stopped') return -Errno.ENODEV;
    const result = this.#resident.limit(limits);
    if (result < 0) return result;
    this.#limits = limits;
    this.share.weight = limits.weight;
    this.share.capPerMille = limits.capPerMille;
    this.#holder.news();
    return result;
  }

  usage(): DomainUsage {
    return { ...this.#resident.usage(), steal: copy(this.steal) };
  }

  connect(service: string): Channel {
    if (this.#state !== 'stopped' && this.#replacing === undefined && this.#resident.connect !== undefined) {
      this.poked = true;
      this.#holder.news();
      return this.#resident.connect(service);
    }
    const { client, server } = createPair();
    const result = this.serve(service, server);
    if (result < 0) server.close(result);
    return client;
  }

  serve(service: string, channel: Channel): Result {
    if (this.#state === 'stopped') return -Errno.ENODEV;
    if (this.#replacing !== undefined) {
      void this.#replacing.then(() => this.#serveLater(service, channel));
      return 0;
    }
    const result = this.#resident.serve(service, channel);
    this.poked = true;
    this.#holder.news();
    return result;
  }

  /** For a channel that came while the domain was being restored: its frames waited in it. */
  #serveLater(service: string, channel: Channel): void {
    const result = this.serve(service, channel);
    if (result < 0) channel.close(result);
  }

  async interpose(ref: PluginRef | undefined): Promise<Result> {
    if (this.#state === 'stopped') return -Errno.ENODEV;
    const tap = ref === undefined ? undefined : await this.#resident.load(ref);
    const before = this.#ownTap;
    this.#ownTap = tap;
    let result: Result = -Errno.EIO;
    try {
      result = await this.held(async () => this.relink());
      return result;
    } finally {
      if (result < 0) this.#ownTap = before;
    }
  }

  /** Links the layers below and its own between it and its machine. */
  relink(): Result | Promise<Result> {
    this.poked = true;
    return this.#resident.link(this.taps());
  }

  taps(): readonly Tap[] {
    const inherited = this.#holder.inheritedTaps();
    return this.#ownTap === undefined ? inherited : [...inherited, this.#ownTap];
  }

  destroy(): Promise<void> {
    return this.#end({ reason: 'killed', message: '' });
  }

  step(budget: number, position: number): Step | Promise<Step> {
    this.steppedAt = position;
    this.poked = false;
    return this.#resident.step(budget);
  }

  /** No step begins while `work` is under way. */
  async held<T>(work: () => Promise<T>): Promise<T> {
    this.#holds += 1;
    try {
      return await work();
    } finally {
      this.#holds -= 1;
      this.#holder.news();
    }
  }

  /** Another payload in its place: the domain was restored. */
  async replace(make: () => Promise<Resident>, state: DomainState): Promise<void> {
    const replaced = this.#replace(make, state);
    // Whoever waits for the end of it does so whether it succeeds or not: a domain that could not be restored is stopped.
    this.#replacing = replaced
      .catch(() => undefined)
      .then(() => {
        this.#replacing = undefined;
      });
    await replaced;
  }

  async #replace(make: () => Promise<Resident>, state: DomainState): Promise<void> {
    await this.held(async () => {
      const old = this.#resident;
      await old.destroy();
      this.#resident = await make();
      this.#watch(this.#resident);
      this.wait = undefined;
      this.poked = true;
      if (this.#state !== 'stopped') this.#state = state;
      if (state === 'running') this.#resident.run();
      if (state === 'paused') await this.#resident.pause(Number.MAX_SAFE_INTEGER);
    });
  }

  /** Ends it because its hypervisor could not go on with it. */
  fail(message: string): void {
    void this.#end({ reason: 'crashed', message });
  }

  #watch(resident: Resident): void {
    void resident.ended.then((stop) => {
      if (resident === this.#resident) void this.#end(stop);
    });
  }

  #end(stop: DomainStop): Promise<void> {
    this.#stopping ??= this.#release(stop);
    return this.#stopping;
  }

  async #release(stop: DomainStop): Promise<void> {
    this.#state = 'stopped';
    this.#holder.forget(this);
    await this.#resident.destroy();
    this.#stop(stop);
    this.#holder.news();
  }
}
