import {
  type Channel,
  Errno,
  type Instant,
  type Limits,
  type Machine,
  type Partition,
  type PartReader,
  type PartWriter,
  type Payload,
  type PluginRef,
  type Reply,
  type Result,
  type Step,
} from '@ashlar/hardware';
import type { DomainSpec, DomainStop, Hypervisor, PayloadLoader, PayloadRef } from '@ashlar/hypervisor';
import { PartBuilder } from '@ashlar/machine-image';
import { CLOCK_OFFSET, DomainClock } from './domain-clock.ts';
import { DomainError, errnoName } from './domain-error.ts';
import { DomainMachine } from './domain-machine.ts';
import { askAgain, within } from './patience.ts';
import { isSuspendable, type Resident, type ResidentUsage } from './resident.ts';
import { restoreMachine, saveDomain } from './saved-domain.ts';
import type { Tap } from './taps.ts';

export interface LocalPlace {
  /** Name for messages. */
  readonly name: string;
  /** The machine of the partition, opened. */
  readonly machine: Machine;
  /** Where the domain's monotonic time starts, from the hardware's. */
  readonly clockOffset: Readonly<Instant>;
  readonly loader: PayloadLoader;
  /** Control over the partition; undefined where another thread has it. */
  readonly partition: Partition | undefined;
}

/** A payload in this thread. */
export class LocalResident implements Resident {
  readonly autonomous = false;
  readonly machine: DomainMachine;
  readonly ended: Promise<DomainStop>;
  readonly #place: LocalPlace;
  #payload: Payload | undefined;
  /** Domains that its payload was loaded with. */
  #planned: readonly DomainSpec[] = [];
  /** Settles, and never rejects, when the step under way is done. */
  #stepping: Promise<unknown> | undefined;
  /** Its payload is on the stack: it may be what ends this domain. */
  #within = false;
  #retired = 0;
  #steps = 0;
  #end!: (stop: DomainStop) => void;
  #over = false;

  constructor(place: LocalPlace) {
    this.#place = place;
    this.machine = new DomainMachine(place.machine, new DomainClock(place.machine.clock, place.clockOffset));
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Loads the payload, restored if `from` is given: clock and devices first. */
  async start(ref: PayloadRef, taps: readonly Tap[], from: PartReader | undefined): Promise<void> {
    this.machine.link(taps);
    if (ref.kind === 'hypervisor') this.#planned = ref.domains;
    if (from !== undefined) await askAgain(this.machine.events, () => restoreMachine(this.machine, from));
    this.#payload = await this.#place.loader.payload(ref, this.machine, from?.part('payload'));
  }

  get payload(): Payload {
    if (this.#payload === undefined) throw new DomainError(Errno.EINVAL, `domain "${this.#place.name}" is not loaded`);
    return this.#payload;
  }

  /** A hypervisor's own domains start with it and not before: nothing may run while its siblings are still being made or restored. */
  run(): void {
    startDomains(this.payload, this.#planned);
  }

  /** What plugin code throws ends this domain and nobody else's. */
  step(budget: number): Step | Promise<Step> {
    if (this.#over) return IDLE;
    this.#steps += 1;
    let step: Step | Promise<Step>;
    this.#within = true;
    try {
      step = this.payload.step(budget);
    } catch (error) {
      return this.#crash(error);
    } finally {
      this.#within = false;
    }
    if (!(step instanceof Promise)) return this.#stepped(step);
    const settled = step.then(
      (done) => this.#stepped(done),
      (error: unknown) => this.#crash(error),
    );
    this.#stepping = settled.finally(() => {
      this.#stepping = undefined;
    });
    return settled;
  }

  async pause(withinMs: number): Promise<void> {
    if (this.#stepping !== undefined) await within(this.#stepping, withinMs, `the step under way in domain "${this.#place.name}"`);
    if (isSuspendable(this.payload)) await this.payload.suspend(withinMs);
    this.machine.domainClock.freeze();
  }

  resume(): void {
    this.machine.domainClock.thaw();
    if (isSuspendable(this.payload)) this.payload.unsuspend();
  }

  async save(withinMs: number): Promise<Uint8Array> {
    if (this.#stepping !== undefined) await within(this.#stepping, withinMs, `the step under way in domain "${this.#place.name}"`);
    let image = new PartBuilder();
    let late = false;
    const saving = askAgain(this.machine.events, () => {
      if (late) return -Errno.ETIMEDOUT;
      image = new PartBuilder();
      return saveDomain(this.machine, this.payload, image);
    });
    const result = await within(saving, withinMs, `saving domain "${this.#place.name}"`).finally(() => {
      late = true;
    });
    if (result < 0) throw new DomainError(result, `domain "${this.#place.name}" cannot be saved`);
    return image.toBytes();
  }

  saveInto(out: PartWriter): Reply {
    return saveDomain(this.machine, this.payload, out);
  }

  clockOffset(): Readonly<Instant> {
    return this.machine.domainClock[CLOCK_OFFSET];
  }

  steal(from: Readonly<Instant>, to: Readonly<Instant>): void {
    this.machine.domainClock.steal(from, to);
  }

  serve(service: string, channel: Channel): Result {
    if (this.#over) return -Errno.ENODEV;
    try {
      return this.payload.serve(service, channel);
    } catch (error) {
      this.#crash(error);
      return -Errno.ENODEV;
    }
  }

  link(taps: readonly Tap[]): Result | Promise<Result> {
    if (this.#stepping !== undefined) return this.#stepping.then(() => this.link(taps));
    this.machine.link(taps);
    return 0;
  }

  async load(ref: PluginRef): Promise<Tap> {
    return { interposer: await this.#place.loader.interposer(ref), ref };
  }

  limit(limits: Limits): Result {
    if (limits.pages < this.machine.memory.usedPages) return -Errno.ENOMEM;
    return this.#place.partition?.limit(limits) ?? 0;
  }

  usage(): ResidentUsage {
    const { frames } = this.machine.crossings;
    return { pages: this.machine.memory.usedPages, retired: this.#retired, exits: this.#steps + frames, frames };
  }

  async destroy(): Promise<void> {
    this.#over = true;
    const payload = this.#payload;
    if (payload !== undefined && isDisposable(payload)) await payload.dispose();
    this.#place.partition?.revoke();
    if (payload !== undefined && !this.#within && this.#stepping === undefined) letGo(payload);
  }

  #stepped(step: Step): Step {
    this.#retired += step.used;
    if (step.ended !== true) return step;
    this.#over = true;
    this.#end({ reason: 'exit', message: '' });
    return { used: step.used, wait: NEVER };
  }

  #crash(error: unknown): Step {
    this.#over = true;
    this.#end({ reason: 'crashed', message: oneLine(error) });
    return IDLE;
  }
}

/** Starts the domains that a hypervisor was loaded with, once it may run itself. */
export function startDomains(payload: Payload & Partial<Hypervisor>, planned: readonly DomainSpec[]): void {
  for (const { name } of planned) {
    const domain = payload.domains?.get(name);
    if (domain?.state === 'created') domain.start();
  }
}

const NEVER = { on: [] } as const;
const IDLE: Step = { used: 0, wait: NEVER };

/** Hypervisors hold threads and reservations that revoking their own machine does not end. */
interface Disposable {
  dispose(): Promise<void>;
}

function isDisposable(payload: object): payload is Disposable {
  return 'dispose' in payload && typeof payload.dispose === 'function';
}

/** Its machine answers nothing any more: what it has of this thread's (address spaces, buffers) goes to whoever needs it next, not to the garbage collector. */
function letGo(payload: Payload): void {
  try {
    payload.stop();
  } catch {
    // It may be what crashed: its memory is collected then.
  }
}

export function oneLine(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : typeof error === 'number' ? errnoName(error) : String(error);
  return (text.split('\n')[0] ?? '').slice(0, 500);
}
