import { type Channel, Errno, type Limits, type PluginRef, type Result } from '@ashlar/hardware';
import type { DomainSpec, DomainState, DomainStop, DomainUsage } from '@ashlar/hypervisor';
import type { ControlAnswer, ControlRequest } from './control-server.ts';
import { DomainError } from './domain-error.ts';
import { MessageStream } from './message-stream.ts';

type Asked<R = ControlRequest> = R extends ControlRequest ? Omit<R, 'id'> : never;

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** Control over the domains of a hypervisor further up, over its `control` service: `domain.connect('control')`, `domain.connect('a/b/control')`. */
export class ControlClient {
  readonly #stream: MessageStream;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #ended: DomainError | undefined;

  constructor(channel: Channel) {
    this.#stream = new MessageStream(channel);
    this.#stream.open(
      (message) => this.#take(message as ControlAnswer),
      (errno) => this.#end(errno),
    );
  }

  list(): Promise<readonly { readonly name: string; readonly state: DomainState }[]> {
    return this.#ask({ do: 'list' });
  }

  create(spec: DomainSpec): Promise<{ readonly name: string; readonly state: DomainState }> {
    return this.#ask({ do: 'create', spec });
  }

  start(name: string): Promise<Result> {
    return this.#ask({ do: 'start', name });
  }

  resume(name: string): Promise<Result> {
    return this.#ask({ do: 'resume', name });
  }

  usage(name: string): Promise<DomainUsage & { readonly state: DomainState }> {
    return this.#ask({ do: 'usage', name });
  }

  async destroy(name: string): Promise<void> {
    await this.#ask({ do: 'destroy', name });
  }

  stopped(name: string): Promise<DomainStop> {
    return this.#ask({ do: 'stopped', name });
  }

  async pause(name: string, withinMs: number): Promise<void> {
    await this.#ask({ do: 'pause', name, withinMs });
  }

  save(name: string, withinMs: number): Promise<Uint8Array> {
    return this.#ask({ do: 'save', name, withinMs });
  }

  limit(name: string, limits: Limits): Promise<Result> {
    return this.#ask({ do: 'limit', name, limits });
  }

  interpose(name: string, tap: PluginRef | undefined): Promise<Result> {
    return this.#ask({ do: 'interpose', name, tap });
  }

  close(): void {
    this.#stream.close(0);
  }

  #ask<T>(request: Asked): Promise<T> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise<T>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#stream.send({ ...request, id });
    });
  }

  #take(answer: ControlAnswer): void {
    const pending = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if ('errno' in answer) pending?.reject(new DomainError(answer.errno, answer.message));
    else pending?.resolve(answer.value as never);
  }

  #end(errno: Result): void {
    this.#ended = new DomainError(errno === 0 ? Errno.ENODEV : errno, 'the control channel ended');
    for (const pending of this.#pending.values()) pending.reject(this.#ended);
    this.#pending.clear();
  }
}
