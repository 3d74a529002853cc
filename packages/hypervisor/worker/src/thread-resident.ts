import { Worker } from 'node:worker_threads';
import { DomainError, oneLine, type Resident, type ResidentUsage, type Tap } from '@ashlar/domains';
import {
  type Channel,
  Errno,
  type EventKey,
  type Events,
  type Instant,
  type Limits,
  type Partition,
  type PluginRef,
  type Result,
  type Step,
} from '@ashlar/hardware';
import type { DomainStop } from '@ashlar/hypervisor';
import { joinChannels, PortChannel } from './port-channel.ts';
import { type Command, type FarStep, type Notice, type ThreadStart, UsageWord } from './protocol.ts';

/** How long a thread may leave its hypervisor without an answer before it counts as spinning. */
export const STUCK_MS = 30_000;
/** How long a thread has to load its payload. */
const START_MS = 60_000;
/** Beyond what a command allows itself, for the way there and back. */
const GRACE_MS = 1000;
/** Questions in vain after which a thread counts as spinning. */
const PINGS = 5;

export interface ThreadPlace {
  readonly start: ThreadStart;
  readonly partition: Partition;
  /** Ends the channel that the thread's frames arrive at, if it ends here. */
  readonly closeChannel: () => void;
  readonly events: Events;
  /** Keys of this thread for keys of the hardware's. */
  readonly watch: (far: readonly number[]) => readonly EventKey[];
  readonly stuckMs: number;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: ReturnType<typeof setTimeout> | undefined;
}

/** A payload in a thread of its own, seen from its hypervisor. */
export class ThreadResident implements Resident {
  readonly autonomous: boolean;
  readonly ended: Promise<DomainStop>;
  readonly #place: ThreadPlace;
  readonly #worker: Worker;
  readonly #usage: Float64Array;
  /** Fired by what happens in the thread between steps. */
  readonly #news: EventKey;
  readonly #pending = new Map<number, Pending>();
  readonly #channels = new Set<Channel>();
  #watchdog: ReturnType<typeof setInterval> | undefined;
  #end!: (stop: DomainStop) => void;
  #ready!: (error?: Error) => void;
  #lastId = 0;
  #unanswered = 0;
  #over = false;

  private constructor(place: ThreadPlace) {
    this.#place = place;
    this.autonomous = !place.start.manifest.shape.virtualTime;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#usage = new Float64Array(place.start.usage);
    this.#news = place.events.allocate();
    this.#worker = new Worker(new URL('./thread.js', import.meta.url), { name: `domain ${place.start.name}`, workerData: place.start });
    this.#worker.on('message', (notice: Notice) => this.#take(notice));
    this.#worker.on('error', (error) => this.#lose({ reason: 'crashed', message: oneLine(error) }));
    this.#worker.on('messageerror', (error) => this.#lose({ reason: 'lost', message: oneLine(error) }));
    this.#worker.on('exit', (code) => this.#lose({ reason: 'lost', message: `the thread ended with code ${code}` }));
  }

  /** Settles when the payload is loaded; on failure the thread is gone again. */
  static async open(place: ThreadPlace): Promise<ThreadResident> {
    const resident = new ThreadResident(place);
    const timer = setTimeout(
      () =>
        resident.#ready(new DomainError(Errno.ETIMEDOUT, `the thread of domain "${place.start.name}" did not start within ${START_MS} ms`)),
      START_MS,
    );
    const failed = await new Promise<Error | undefined>((resolve) => {
      resident.#ready = resolve;
    });
    clearTimeout(timer);
    if (failed === undefined) {
      resident.#watch();
      return resident;
    }
    await resident.destroy();
    throw failed;
  }

  /** From when it is loaded: how long that may take is another matter. */
  #watch(): void {
    this.#watchdog = setInterval(() => this.#ping(), this.#place.stuckMs / PINGS);
    this.#watchdog.unref();
  }

  run(): void {
    this.#post({ do: 'run' });
  }

  async step(budget: number): Promise<Step> {
    const step = (await this.#ask((id) => ({ do: 'step', id, budget }), this.#place.stuckMs).catch((error: unknown) => {
      this.#lose({ reason: 'crashed', message: `a step did not end: ${oneLine(error)}` });
      return { used: 0, ended: false, wait: { far: [], until: undefined } };
    })) as FarStep;
    const { used, wait } = step;
    if (wait === undefined) return { used, wait: undefined };
    const on = [...this.#place.watch(wait.far), this.#news];
    return { used, wait: wait.until === undefined ? { on } : { on, until: wait.until } };
  }

  async pause(withinMs: number): Promise<void> {
    await this.#ask((id) => ({ do: 'pause', id, withinMs }), withinMs + GRACE_MS);
  }

  resume(): void {
    this.#post({ do: 'resume' });
  }

  async save(withinMs: number): Promise<Uint8Array> {
    return (await this.#ask((id) => ({ do: 'save', id, withinMs }), withinMs + GRACE_MS)) as Uint8Array;
  }

  serve(service: string, channel: Channel): Result {
    if (this.#over) return -Errno.ENODEV;
    joinChannels(channel, this.connect(service));
    return 0;
  }

  connect(service: string): Channel {
    const { port1, port2 } = new MessageChannel();
    const channel = new PortChannel(port1, () => this.#channels.delete(channel));
    this.#channels.add(channel);
    this.#post({ do: 'serve', service, port: port2 }, [port2]);
    return channel;
  }

  /** In the thread: layers that cannot travel cannot be linked. */
  async link(taps: readonly Tap[]): Promise<Result> {
    const refs = taps.map((tap) => tap.ref).filter((ref): ref is PluginRef => ref !== undefined);
    if (refs.length !== taps.length) return -Errno.ENOSYS;
    return (await this.#ask((id) => ({ do: 'link', id, taps: refs }), this.#place.stuckMs)) as Result;
  }

  async load(ref: PluginRef): Promise<Tap> {
    return { ref, interposer: { wrap: (lower) => lower } };
  }

  limit(limits: Limits): Result {
    if (limits.pages < (this.#usage[UsageWord.PAGES] ?? 0)) return -Errno.ENOMEM;
    return this.#place.partition.limit(limits);
  }

  usage(): ResidentUsage {
    const word = (index: number): number => this.#usage[index] ?? 0;
    return { pages: word(UsageWord.PAGES), retired: word(UsageWord.RETIRED), exits: word(UsageWord.EXITS), frames: word(UsageWord.FRAMES) };
  }

  clockOffset(): Readonly<Instant> {
    return { sec: this.#usage[UsageWord.OFFSET_SEC] ?? 0, nsec: this.#usage[UsageWord.OFFSET_NSEC] ?? 0 };
  }

  async destroy(): Promise<void> {
    this.#over = true;
    clearInterval(this.#watchdog);
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer);
      pending.reject(new DomainError(Errno.ENODEV, `domain "${this.#place.start.name}" is gone`));
    }
    this.#pending.clear();
    await this.#worker.terminate();
    for (const channel of [...this.#channels]) channel.close(-Errno.ENODEV);
    this.#place.partition.revoke();
    this.#place.closeChannel();
    this.#place.events.release(this.#news);
  }

  #take(notice: Notice): void {
    switch (notice.tell) {
      case 'ready':
        this.#ready();
        break;
      case 'refused':
        this.#ready(new DomainError(notice.errno, `domain "${this.#place.start.name}": ${notice.message}`));
        break;
      case 'answer':
        this.#settle(notice.id)?.resolve(notice.value);
        break;
      case 'error':
        this.#settle(notice.id)?.reject(new DomainError(notice.errno, notice.message));
        break;
      case 'branch':
        this.#place.partition.adopt?.(notice.request);
        break;
      case 'news':
        if (!this.#over) this.#place.events.fire(this.#news);
        break;
      case 'ended':
        this.#lose(notice.stop);
        break;
    }
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(pending?.timer);
    return pending;
  }

  #ask(command: (id: number) => Command, withinMs: number): Promise<unknown> {
    if (this.#over) return Promise.reject(new DomainError(Errno.ENODEV, `domain "${this.#place.start.name}" is gone`));
    this.#lastId += 1;
    const id = this.#lastId;
    const asked = command(id);
    return new Promise((resolve, reject) => {
      const late = (): void => {
        this.#pending.delete(id);
        reject(new DomainError(Errno.ETIMEDOUT, `domain "${this.#place.start.name}" did not ${asked.do} within ${withinMs} ms`));
      };
      // A limit beyond what timers take is none.
      const timer = withinMs < 2 ** 31 ? setTimeout(late, withinMs) : undefined;
      this.#pending.set(id, { resolve, reject, timer });
      this.#post(asked);
    });
  }

  #post(command: Command, transfer: readonly MessagePort[] = []): void {
    if (!this.#over) this.#worker.postMessage(command, transfer as never);
  }

  /** Each tick is one in which this thread could have taken an answer, so being busy here does not make others stuck. */
  #ping(): void {
    if (this.#unanswered >= PINGS) {
      this.#lose({ reason: 'crashed', message: `the thread did not answer for ${this.#place.stuckMs} ms: plugin code spins` });
      return;
    }
    this.#unanswered += 1;
    this.#ask((id) => ({ do: 'ping', id }), this.#place.stuckMs * 2).then(
      () => {
        this.#unanswered = 0;
      },
      () => undefined,
    );
  }

  #lose(stop: DomainStop): void {
    this.#ready(new DomainError(Errno.EIO, `domain "${this.#place.start.name}": ${stop.message}`));
    if (!this.#over) this.#end(stop);
  }
}
