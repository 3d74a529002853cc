import type { Channel, Cpu, EventKey, Events, Machine, PartReader, PartWriter, Payload, Reply, Result, Step } from '@ashlar/hardware';
import type { KernelStub } from '@ashlar/kernel-stub';
import { sendDocument } from './document.ts';
import { WaitSet } from './gate.ts';
import { Hosting } from './hosting.ts';
import { SessionServer } from './session-server.ts';

/**
 * A kernel stub with its sessions, as one payload. A step handles what sessions asked, steps the kernel, and carries away what programs wrote.
 * Saved together with the kernel: what a session had sent is not sent again, what it had not is sent to whoever attaches to the process.
 */
export class SystemPayload implements Payload {
  readonly schema = 'system/1';
  readonly kernel: KernelStub;
  readonly #hosting: Hosting;
  readonly #sessions = new Set<SessionServer>();
  readonly #events: Events;
  /** Fires when a session came: whoever steps may wait for what was known before. */
  readonly #arrival: EventKey;

  readonly #cpus: readonly Cpu[];
  readonly #documents: ReadonlyMap<string, () => Uint8Array>;

  /** `documents`: further services, each of which answers with one document as of when it was asked. */
  constructor(kernel: KernelStub, machine: Machine, documents: ReadonlyMap<string, () => Uint8Array> = new Map()) {
    this.kernel = kernel;
    this.#documents = documents;
    this.#cpus = machine.shape.isas.flatMap((isa) => machine.cpu(isa) ?? []);
    this.#events = machine.events;
    this.#arrival = machine.events.allocate();
    this.#hosting = new Hosting(kernel.system, machine);
  }

  step(budget: number): Step | Promise<Step> {
    this.#pumpSessions();
    this.#hosting.pump();
    const step = this.kernel.step(budget);
    const pending = this.#pending();
    if (pending !== undefined) return pending.then(async () => this.#finish(await step));
    return step instanceof Promise ? step.then((done) => this.#finish(done)) : this.#finish(step);
  }

  serve(service: string, channel: Channel): Result {
    const document = this.#documents.get(service);
    if (document !== undefined) return sendDocument(document(), channel);
    if (service !== 'session') return this.kernel.serve(service, channel);
    this.#sessions.add(new SessionServer(this.#hosting, channel));
    this.#events.fire(this.#arrival);
    return 0;
  }

  stop(): Reply {
    const reply = this.kernel.stop();
    if (typeof reply !== 'number') return reply;
    for (const session of this.#sessions) session.close(0);
    this.#sessions.clear();
    return reply;
  }

  save(out: PartWriter): Reply {
    const reply = this.kernel.save(out.part('kernel'));
    if (typeof reply !== 'number' || reply < 0) return reply;
    this.#hosting.save(out.part('sessions'));
    return 0;
  }

  restore(part: PartReader): Reply {
    const reply = this.kernel.restore(part.part('kernel'));
    if (typeof reply !== 'number' || reply < 0) return reply;
    this.#hosting.restore(part.part('sessions'));
    return 0;
  }

  /** What CPUs are making ready beside this thread. */
  #pending(): Promise<unknown> | undefined {
    let pending: Promise<unknown> | undefined;
    for (const cpu of this.#cpus) {
      const one = cpu.pending?.();
      if (one !== undefined) pending = pending === undefined ? one : Promise.all([pending, one]);
    }
    return pending;
  }

  #pumpSessions(): void {
    for (const session of this.#sessions) {
      session.pump();
      if (session.over) this.#sessions.delete(session);
    }
  }

  /** Output goes out in the step that made it; frames that came meanwhile wait for the next one. */
  #finish(step: Step): Step {
    const moved = this.#hosting.pump();
    const { wait } = step;
    // What moved may have given the kernel something to do that its wait does not know of.
    if (wait === undefined || moved) return wait === undefined ? step : { used: step.used, wait: undefined };
    const all = new WaitSet();
    all.add(wait);
    all.key(this.#arrival);
    this.#hosting.collect(all);
    for (const session of this.#sessions) session.collect(all);
    return { used: step.used, wait: all.wait() };
  }
}
