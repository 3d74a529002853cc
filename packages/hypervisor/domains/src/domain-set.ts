import {
  type Channel,
  Errno,
  type EventKey,
  type Instant,
  type Machine,
  type PartReader,
  type PartWriter,
  type Plain,
  type Reply,
  type Result,
  type Step,
} from '@ashlar/hardware';
import { DOMAIN_LIMITS, type Domain, type DomainSpec, type DomainState, type Hypervisor } from '@ashlar/hypervisor';
import { copyPart, PartError, readPart } from '@ashlar/machine-image';
import { checkSpec } from './check-spec.ts';
import { ControlServer } from './control-server.ts';
import { clockOffset } from './domain-clock.ts';
import { DomainError } from './domain-error.ts';
import { HostedDomain } from './hosted-domain.ts';
import { add, copy, isBefore, subtract, zero } from './instant.ts';
import { oneLine } from './local-resident.ts';
import { OfferWindow } from './offer-window.ts';
import type { Resident, Suspendable } from './resident.ts';
import { QUANTUM_INSTRUCTIONS } from './share.ts';
import { type Tap, tapsOf } from './taps.ts';
import { WaitUnion } from './wait-union.ts';

/** What a placement is told about the domain it makes. */
export interface Placing {
  readonly spec: DomainSpec;
  readonly taps: readonly Tap[];
  /** Where the domain's monotonic time starts, from the hardware's. */
  readonly clockOffset: Readonly<Instant>;
  /** A saved domain to go on from. */
  readonly from: PartReader | undefined;
}

export interface DomainSetOptions {
  /** Name and version of the saved form, `direct/1`. */
  readonly schema: string;
  readonly lower: Machine;
  /** Puts a payload where this hypervisor puts them; on failure leaves nothing behind and throws. */
  readonly place: (placing: Placing) => Promise<Resident>;
  /** A layer between every domain and its machine: what interposing hypervisors are. */
  readonly tap?: Tap;
  /** Most domains; an interposing hypervisor has one. */
  readonly domainsMax?: number;
}

/** Host milliseconds that a thread within has for writing its state when the hypervisor around is saved. */
const SAVE_WITHIN_MS = 60_000;
/** How soon a hypervisor asks to be stepped whose waits are too many to name. */
const SOON: Readonly<Instant> = { sec: 0, nsec: 10_000_000 };

/**
 * What every hypervisor shares: domains, who of them runs next and for how long, what all of them wait for, services, saving. A plugin adds the
 * place where payloads live.
 */
export class DomainSet implements Hypervisor, Suspendable {
  readonly schema: string;
  readonly domains: ReadonlyMap<string, Domain>;
  readonly #options: DomainSetOptions;
  readonly #lower: Machine;
  readonly #domains = new Map<string, HostedDomain>();
  readonly #reserved = new Set<string>();
  /** No longer there, the last of each name, for who asks how it ended. */
  readonly #ended = new Map<string, Domain>();
  readonly #ending = new Set<Promise<void>>();
  /** In every wait: domains come, go and are spoken to between steps. */
  readonly #news: EventKey;
  readonly #controls = new Set<ControlServer>();
  #epoch: number;
  #restoring: Promise<void> | undefined;
  #saved = new Map<HostedDomain, Uint8Array | Error | Promise<void>>();
  #suspended: HostedDomain[] = [];
  /** Time of the machine below in this step, read at most once. */
  readonly #now = zero();
  #nowKnown = false;
  /** The least pass of those who could go on: where sleepers join. Never goes back. */
  #pass = 0;
  /** What caps are parts of; kept while any domain has a cap. */
  readonly #window = new OfferWindow();
  #capped = false;

  constructor(options: DomainSetOptions) {
    this.#options = options;
    this.#lower = options.lower;
    this.schema = options.schema;
    this.domains = this.#domains;
    this.#epoch = options.lower.epoch;
    this.#news = options.lower.events.allocate();
  }

  async create(spec: DomainSpec): Promise<Domain> {
    checkSpec(spec, this.#names());
    if (this.#names().size >= (this.#options.domainsMax ?? Number.POSITIVE_INFINITY)) {
      throw new DomainError(Errno.ENOSPC, `domain "${spec.name}": this hypervisor holds at most ${this.#options.domainsMax}`);
    }
    this.#reserved.add(spec.name);
    try {
      const from = spec.from === undefined ? undefined : readPart(spec.from);
      const domain = new HostedDomain(spec, await this.#place(spec, from), this);
      this.#domains.set(spec.name, domain);
      this.news();
      return domain;
    } catch (error) {
      if (error instanceof DomainError) throw error;
      throw new DomainError(
        error instanceof PartError ? Errno.EINVAL : Errno.EIO,
        `domain "${spec.name}" could not be made: ${oneLine(error)}`,
      );
    } finally {
      this.#reserved.delete(spec.name);
    }
  }

  step(budget: number): Step | Promise<Step> {
    if (this.#restoring !== undefined) return this.#restoring.then(() => this.step(budget));
    if (this.#epoch !== this.#lower.epoch) this.#relink();
    this.#nowKnown = false;
    this.#offer(budget);
    return this.#run(budget, 0, new Set());
  }

  serve(service: string, channel: Channel): Result {
    if (service === 'control') {
      const control = new ControlServer(this, this.#ended, channel);
      this.#controls.add(control);
      control.open(() => this.#controls.delete(control));
      return 0;
    }
    const slash = service.indexOf('/');
    const domain = slash > 0 ? this.#domains.get(service.slice(0, slash)) : undefined;
    return domain === undefined ? -Errno.ENOENT : domain.serve(service.slice(slash + 1), channel);
  }

  /** Ends every domain; a wait until all of them gave back what they held. */
  stop(): Reply {
    for (const domain of [...this.#domains.values()]) {
      const ending: Promise<void> = domain.destroy().then(() => {
        this.#ending.delete(ending);
        this.news();
      });
      this.#ending.add(ending);
    }
    return this.#ending.size === 0 ? 0 : { on: [this.#news] };
  }

  /** Ends every domain; settles when all is back. */
  async dispose(): Promise<void> {
    await Promise.all([...this.#domains.values()].map((domain) => domain.destroy()));
    this.#lower.events.release(this.#news);
  }

  // ── for the domains ──

  news(): void {
    this.#lower.events.fire(this.#news);
  }

  inheritedTaps(): readonly Tap[] {
    const below = tapsOf(this.#lower);
    return this.#options.tap === undefined ? below : [...below, this.#options.tap];
  }

  forget(domain: HostedDomain): void {
    if (this.#domains.get(domain.name) !== domain) return;
    this.#domains.delete(domain.name);
    this.#ended.delete(domain.name);
    this.#ended.set(domain.name, domain);
    const oldest = this.#ended.keys().next().value;
    if (this.#ended.size > DOMAIN_LIMITS.domainsMax && oldest !== undefined) this.#ended.delete(oldest);
  }

  joins(domain: HostedDomain): void {
    domain.share.join(this.#pass);
  }

  // ── stepping ──

  #run(budget: number, usedBefore: number, yielded: Set<HostedDomain>): Step | Promise<Step> {
    let used = usedBefore;
    while (used < budget) {
      const domain = this.#pick(yielded, used === 0);
      if (domain === undefined) break;
      const quantum = Math.min(budget - used, domain.share.allowed, this.#quantum(yielded));
      const step = this.#stepDomain(domain, quantum);
      if (step instanceof Promise) return step.then((done) => this.#run(budget, used + this.#account(domain, done, yielded), yielded));
      used += this.#account(domain, step, yielded);
    }
    return this.#finish(used, yielded);
  }

  #stepDomain(domain: HostedDomain, quantum: number): Step | Promise<Step> {
    if (domain.readySince !== undefined) {
      add(domain.steal, subtract(this.#time(), domain.readySince, zero()), domain.steal);
      domain.resident.steal?.(domain.readySince, this.#time());
      domain.readySince = undefined;
    }
    return domain.step(quantum, this.#lower.events.now());
  }

  #account(domain: HostedDomain, step: Step, yielded: Set<HostedDomain>): number {
    domain.share.charge(step.used);
    domain.wait = step.wait;
    // Going on without having done anything: others first, and no endless loop here.
    if (step.used === 0) yielded.add(domain);
    return step.used;
  }

  /** The one whose turn it is, by the least pass; ties by age. Who slept joins at the pass of those who did not. */
  #pick(yielded: ReadonlySet<HostedDomain>, first: boolean): HostedDomain | undefined {
    const alone = this.#domains.size === 1;
    const due = [...this.#domains.values()].filter(
      (domain) => domain.steppable && !yielded.has(domain) && domain.share.allowed >= 1 && ((alone && first) || this.#isDue(domain)),
    );
    this.#pass = Math.max(this.#pass, leastPass(due));
    let next: HostedDomain | undefined;
    for (const domain of due) {
      if (domain.wait !== undefined) domain.share.join(this.#pass);
      if (next === undefined || domain.share.pass < next.share.pass) next = domain;
    }
    return next;
  }

  #quantum(yielded: ReadonlySet<HostedDomain>): number {
    if (this.#domains.size === 1) return Number.POSITIVE_INFINITY;
    let due = 0;
    for (const domain of this.#domains.values()) if (domain.steppable && !yielded.has(domain) && this.#isDue(domain)) due += 1;
    return due > 1 ? QUANTUM_INSTRUCTIONS : 10 * QUANTUM_INSTRUCTIONS;
  }

  #isDue(domain: HostedDomain): boolean {
    const { wait } = domain;
    if (wait === undefined || domain.poked) return true;
    const { events } = this.#lower;
    for (const key of wait.on) if (events.last(key) > domain.steppedAt) return true;
    return wait.until !== undefined && !isBefore(this.#time(), add(wait.until, this.#toOuter(domain), zero()));
  }

  /** What turns the domain's monotonic time into that of the machine below. */
  #toOuter(domain: HostedDomain): Readonly<Instant> {
    const offset = domain.resident.clockOffset();
    return subtract(clockOffset(this.#lower.clock), offset, zero());
  }

  #finish(used: number, yielded: ReadonlySet<HostedDomain>): Step {
    const union = new WaitUnion();
    union.key(this.#news);
    let throttled = false;
    let goOn = yielded.size > 0 && [...yielded].some((domain) => domain.steppable && domain.wait === undefined);
    const contended = this.#domains.size > 1;
    for (const domain of this.#domains.values()) {
      if (!domain.steppable) continue;
      if (domain.wait !== undefined && !this.#isDueByKeys(domain)) {
        union.add(domain.wait, this.#toOuter(domain));
        continue;
      }
      if (contended && domain.readySince === undefined && !yielded.has(domain)) domain.readySince = copy(this.#time());
      if (domain.share.allowed < 1) throttled = true;
      else goOn = true;
    }
    // A capped domain alone goes on once without a pause, so that it is known how long its instructions take.
    const measures = throttled && used > 0 && !this.#window.measured;
    if (this.#capped) this.#window.end(used, this.#time(), goOn || measures);
    if (goOn || measures) return { used, wait: undefined };
    if (throttled) union.deadline(this.#window.over);
    if (union.overflow) union.deadline(add(this.#time(), SOON, zero()));
    return { used, wait: union.wait() };
  }

  #isDueByKeys(domain: HostedDomain): boolean {
    if (domain.poked) return true;
    for (const key of domain.wait?.on ?? []) if (this.#lower.events.last(key) > domain.steppedAt) return true;
    return false;
  }

  #time(): Readonly<Instant> {
    if (!this.#nowKnown) {
      this.#lower.clock.read('monotonic', this.#now);
      this.#nowKnown = true;
    }
    return this.#now;
  }

  /** Caps are thousandths of what this hypervisor is offered. */
  #offer(budget: number): void {
    this.#capped = false;
    for (const domain of this.#domains.values()) if (domain.limits.capPerMille < 1000) this.#capped = true;
    if (!this.#capped || !this.#window.begin(budget, this.#time())) return;
    for (const domain of this.#domains.values()) domain.share.offer(budget);
  }

  #relink(): void {
    this.#epoch = this.#lower.epoch;
    for (const domain of this.#domains.values()) void domain.relink();
  }

  // ── holding all that is within ──

  async suspend(withinMs: number): Promise<void> {
    const running = [...this.#domains.values()].filter((domain) => domain.state === 'running' && !this.#suspended.includes(domain));
    for (const domain of running) {
      await domain.held(() => domain.resident.pause(withinMs));
      this.#suspended.push(domain);
    }
  }

  unsuspend(): void {
    for (const domain of this.#suspended.splice(0)) {
      if (domain.state !== 'running') continue;
      domain.resident.resume();
      domain.poked = true;
    }
    this.news();
  }

  // ── saving ──

  /** Domains that run by themselves are asked first; until all of them answered this waits. */
  save(out: PartWriter): Reply {
    const pending = [...this.#domains.values()].filter((domain) => domain.resident.autonomous || domain.resident.saveInto === undefined);
    for (const domain of pending) if (!this.#saved.has(domain)) this.#beginSave(domain);
    const results = pending.map((domain) => this.#saved.get(domain));
    if (results.some((result) => result instanceof Promise)) return { on: [this.#news] };
    this.#saved = new Map();
    if (results.some((result) => result instanceof Error)) return -Errno.EIO;
    out.put('domains', [...this.#domains.keys()]);
    out.put('pass', this.#pass);
    for (const [name, domain] of this.#domains) {
      const part = out.part(`domain:${name}`);
      part.put('state', domain.state);
      part.put('share', [domain.share.pass]);
      const bytes = results[pending.indexOf(domain)];
      const state = part.part('state');
      if (bytes instanceof Uint8Array) copyPart(readPart(bytes), state);
      else {
        const reply = domain.resident.saveInto?.(state) ?? 0;
        if (reply !== 0) return reply;
      }
    }
    return 0;
  }

  #beginSave(domain: HostedDomain): void {
    const saving = domain.save(SAVE_WITHIN_MS).then(
      (bytes) => void this.#saved.set(domain, bytes),
      (error: unknown) => void this.#saved.set(domain, error instanceof Error ? error : new Error(String(error))),
    );
    this.#saved.set(
      domain,
      saving.then(() => this.news()),
    );
  }

  /** The domains must have been created again; their payloads are replaced before the next step. */
  restore(part: PartReader): Reply {
    const names = part.get('domains');
    if (!Array.isArray(names) || !names.every((name: Plain) => typeof name === 'string' && this.#domains.has(name))) return -Errno.EINVAL;
    this.#pass = Number(part.get('pass'));
    const restores = (names as readonly string[]).map((name) => this.#restoreDomain(name, part.part(`domain:${name}`)));
    this.#restoring = Promise.all(restores).then(() => {
      this.#restoring = undefined;
    });
    this.news();
    return 0;
  }

  async #restoreDomain(name: string, part: PartReader): Promise<void> {
    const domain = this.#domains.get(name) as HostedDomain;
    const [pass] = part.get('share') as readonly number[];
    domain.share.pass = typeof pass === 'number' ? pass : 0;
    try {
      await domain.replace(() => this.#place(domain.spec, part.part('state')), part.get('state') as DomainState);
    } catch (error) {
      domain.fail(`not restored: ${oneLine(error)}`);
    }
  }

  #place(spec: DomainSpec, from: PartReader | undefined): Promise<Resident> {
    return this.#options.place({ spec, from, taps: this.inheritedTaps(), clockOffset: clockOffset(this.#lower.clock) });
  }

  /** Of domains, and of those being made. */
  #names(): ReadonlySet<string> {
    return new Set([...this.#domains.keys(), ...this.#reserved]);
  }
}

/** Of those who went on without a wait; 0 if there are none. */
function leastPass(domains: readonly HostedDomain[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (const { wait, share } of domains) if (wait === undefined) least = Math.min(least, share.pass);
  return Number.isFinite(least) ? least : 0;
}
