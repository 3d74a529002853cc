import { LocalResident, oneLine, type Tap } from '@ashlar/domains';
import { LoopExecutor } from '@ashlar/executor';
import { Errno, type Payload, type PluginRef, type Wait } from '@ashlar/hardware';
import { EventHub, farKeys, OP_LIMITS, openPartition, RingClient, setFarWatch } from '@ashlar/hypercall';
import type { PayloadLoader } from '@ashlar/hypervisor';
import { readPart } from '@ashlar/machine-image';
import { PortChannel } from './port-channel.ts';
import { type Command, type FarStep, type Notice, type ThreadStart, UsageWord } from './protocol.ts';

/** The far side of the thread, whatever kind of worker it is. */
export interface ThreadPort {
  post(notice: Notice): void;
  onCommand(take: (command: Command) => void): void;
}

/** A domain in its own thread: the payload over the opened partition, stepped by an executor of the thread or on demand. */
export class DomainThread {
  readonly #port: ThreadPort;
  readonly #start: ThreadStart;
  readonly #events: EventHub;
  readonly #channel: RingClient;
  readonly #resident: LocalResident;
  readonly #usage: Float64Array;
  /** Absent where time is virtual: then each step is asked for. */
  readonly #executor: LoopExecutor | undefined;
  /** Commands are done one after the other. */
  #queue: Promise<void> = Promise.resolve();
  #stepping = false;
  #running = false;
  #paused = false;

  private constructor(port: ThreadPort, start: ThreadStart, parts: { events: EventHub; channel: RingClient; resident: LocalResident }) {
    this.#port = port;
    this.#start = start;
    this.#events = parts.events;
    this.#channel = parts.channel;
    this.#resident = parts.resident;
    this.#usage = new Float64Array(start.usage);
    this.#executor = start.manifest.shape.virtualTime ? undefined : new LoopExecutor(parts.events, parts.resident.machine.clock);
  }

  static async open(port: ThreadPort, start: ThreadStart): Promise<DomainThread> {
    const { createLoader } = (await import(start.module)) as { createLoader: (seed: unknown) => PayloadLoader | Promise<PayloadLoader> };
    const loader = await createLoader(start.seed);
    const events = new EventHub();
    const post = (request: unknown): void => port.post({ tell: 'branch', request });
    const channel = new RingClient(start.ring, { pump: !start.manifest.shape.virtualTime, ...(start.branches ? { post } : {}) });
    const cpus = await Promise.all(start.manifest.cpus.map(({ plugin }) => loader.cpu(plugin)));
    const machine = openPartition(start.manifest, channel, { cpus, events });
    setFarWatch(events, (far) => machine.watch(far));
    const resident = new LocalResident({ name: start.name, machine, clockOffset: start.clockOffset, loader, partition: undefined });
    const thread = new DomainThread(port, start, { events, channel, resident });
    const from = start.from === undefined ? undefined : readPart(start.from);
    await resident.start(start.payload, await thread.#load(start.taps), from);
    thread.#listen();
    return thread;
  }

  #listen(): void {
    this.#port.onCommand((command) => {
      // A thread that is asked whether it lives answers at once, whatever else it waits for.
      if (command.do === 'ping') this.#port.post({ tell: 'answer', id: command.id, value: 0 });
      else this.#queue = this.#queue.then(() => this.#do(command));
    });
    void this.#resident.ended.then((stop) => this.#port.post({ tell: 'ended', stop }));
    void this.#executor?.failed.then((error) => this.#port.post({ tell: 'ended', stop: { reason: 'crashed', message: oneLine(error) } }));
    if (this.#executor === undefined) this.#tellNews();
    this.#noteUsage();
    this.#port.post({ tell: 'ready' });
  }

  async #do(command: Command): Promise<void> {
    const id = 'id' in command ? command.id : 0;
    try {
      const value = await this.#perform(command);
      if (id !== 0) this.#port.post({ tell: 'answer', id, value });
    } catch (error) {
      const errno = (error as { errno?: unknown }).errno;
      if (id !== 0) this.#port.post({ tell: 'error', id, message: oneLine(error), errno: typeof errno === 'number' ? errno : Errno.EIO });
    }
  }

  async #perform(command: Command): Promise<unknown> {
    switch (command.do) {
      case 'step':
        return this.#step(command.budget);
      case 'run':
        return this.#run();
      case 'pause':
        this.#paused = true;
        await this.#executor?.quiesce();
        return this.#resident.pause(command.withinMs);
      case 'resume':
        this.#paused = false;
        this.#resident.resume();
        this.#noteUsage();
        return this.#executor?.resume();
      case 'save':
        return this.#save(command.withinMs);
      case 'link':
        return this.#link(command.taps);
      case 'serve':
        return this.#serve(command.service, command.port);
      default:
        return undefined;
    }
  }

  #run(): void {
    this.#running = true;
    this.#resident.run();
    this.#executor?.start(this.#steppedPayload());
  }

  /** The payload as this thread's executor steps it: usage is told after each step. */
  #steppedPayload(): Payload {
    const resident = this.#resident;
    const noted = <T>(value: T): T => {
      this.#noteUsage();
      return value;
    };
    return {
      schema: resident.payload.schema,
      step: (budget) => {
        const step = resident.step(budget);
        return step instanceof Promise ? step.then(noted) : noted(step);
      },
      serve: (service, channel) => resident.serve(service, channel),
      stop: () => resident.payload.stop(),
      save: (out) => resident.payload.save(out),
      restore: (part) => resident.payload.restore(part),
    };
  }

  /** Events are taken at the start of a step and at no other time, so that what the payload sees does not depend on how fast threads are. */
  async #step(budget: number): Promise<FarStep> {
    this.#stepping = true;
    this.#channel.poll();
    const began = this.#events.now();
    const { used, wait, ended } = await this.#resident.step(budget);
    this.#channel.poll();
    this.#stepping = false;
    this.#noteUsage();
    return { used, ended: ended === true, wait: wait === undefined || this.#hasNews(wait, began) ? undefined : this.#farWait(wait) };
  }

  #hasNews(wait: Wait, began: number): boolean {
    return wait.on.some((key) => this.#events.last(key) > began);
  }

  /** In the hardware's keys, and in this domain's time. */
  #farWait(wait: Wait): FarStep['wait'] {
    const far = farKeys(this.#events, wait.on);
    if (far.length <= OP_LIMITS.keysMax) return { far, until: wait.until };
    const soon = { sec: 0, nsec: 0 };
    this.#resident.machine.clock.read('monotonic', soon);
    return { far: [], until: soon };
  }

  /** What happens in this thread between steps (a service was spoken to) is told: the hypervisor knows no keys of this thread. */
  #tellNews(): void {
    this.#events.onNext(() => {
      if (!this.#stepping) this.#port.post({ tell: 'news' });
      this.#tellNews();
    });
  }

  #save(withinMs: number): Promise<Uint8Array> {
    return this.#atRest(() => this.#resident.save(withinMs));
  }

  /** Does `work` between two steps. What does not run already, because it was not started or is paused, does not run afterwards either. */
  async #atRest<T>(work: () => T | Promise<T>): Promise<T> {
    if (!this.#running || this.#paused) return work();
    await this.#executor?.quiesce();
    try {
      return await work();
    } finally {
      this.#executor?.resume();
    }
  }

  async #link(refs: readonly PluginRef[]): Promise<number> {
    const taps = await this.#load(refs);
    return this.#atRest(() => this.#resident.link(taps));
  }

  #load(refs: readonly PluginRef[]): Promise<readonly Tap[]> {
    return Promise.all(refs.map((ref) => this.#resident.load(ref)));
  }

  #serve(service: string, port: MessagePort): void {
    const channel = new PortChannel(port);
    const result = this.#resident.serve(service, channel);
    if (result < 0) channel.close(result);
    if (this.#executor === undefined) this.#port.post({ tell: 'news' });
  }

  #noteUsage(): void {
    const { pages, retired, exits, frames } = this.#resident.usage();
    const offset = this.#resident.clockOffset();
    this.#usage[UsageWord.PAGES] = pages;
    this.#usage[UsageWord.RETIRED] = retired;
    this.#usage[UsageWord.EXITS] = exits;
    this.#usage[UsageWord.FRAMES] = frames;
    this.#usage[UsageWord.OFFSET_SEC] = offset.sec;
    this.#usage[UsageWord.OFFSET_NSEC] = offset.nsec;
  }

  /** Where the thread started, for messages. */
  get name(): string {
    return this.#start.name;
  }
}
