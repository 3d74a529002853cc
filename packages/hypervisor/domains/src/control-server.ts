import { type Channel, Errno, type Limits, type PluginRef, type Result } from '@ashlar/hardware';
import { DOMAIN_LIMITS, type Domain, type DomainSpec, type Hypervisor } from '@ashlar/hypervisor';
import { DomainError } from './domain-error.ts';
import { oneLine } from './local-resident.ts';
import { MessageStream } from './message-stream.ts';

/** What the `control` service of a hypervisor is asked. Answers carry the same `id`, and `value` or `errno` and `message`. */
export type ControlRequest = { readonly id: number } & (
  | { readonly do: 'list' }
  | { readonly do: 'create'; readonly spec: DomainSpec }
  | { readonly do: 'start' | 'resume' | 'usage' | 'destroy' | 'stopped'; readonly name: string }
  | { readonly do: 'pause' | 'save'; readonly name: string; readonly withinMs: number }
  | { readonly do: 'limit'; readonly name: string; readonly limits: Limits }
  | { readonly do: 'interpose'; readonly name: string; readonly tap: PluginRef | undefined }
);

export type ControlAnswer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly errno: number; readonly message: string };

/** Requests of one client that may be under way. */
const UNDER_WAY_MAX = 256;

/** Control over the domains of a nested hypervisor, from outside: how whoever made a domain reaches into it. */
export class ControlServer {
  readonly #hypervisor: Hypervisor;
  readonly #ended: ReadonlyMap<string, Domain>;
  readonly #stream: MessageStream;
  /** Ended domains are no longer listed, but whoever asks may learn how they ended. */
  readonly #known = new Map<string, Domain>();
  #underWay = 0;

  /** @param ended domains of the hypervisor that are no more, by name */
  constructor(hypervisor: Hypervisor, ended: ReadonlyMap<string, Domain>, channel: Channel) {
    this.#hypervisor = hypervisor;
    this.#ended = ended;
    this.#stream = new MessageStream(channel);
  }

  /** Begins to answer, once; the channel may have ended before. */
  open(onEnd: () => void): void {
    this.#stream.open((message) => void this.#take(message), onEnd);
  }

  async #take(message: unknown): Promise<void> {
    if (!isRequest(message)) {
      this.#stream.close(-Errno.EBADMSG);
      return;
    }
    const { id } = message;
    this.#underWay += 1;
    try {
      if (this.#underWay > UNDER_WAY_MAX) throw new DomainError(Errno.EAGAIN, `more than ${UNDER_WAY_MAX} control requests are under way`);
      this.#stream.send({ id, value: await this.#perform(message) } satisfies ControlAnswer);
    } catch (error) {
      const errno = error instanceof DomainError ? error.errno : Errno.EIO;
      this.#stream.send({ id, errno, message: error instanceof DomainError ? error.message : oneLine(error) } satisfies ControlAnswer);
    } finally {
      this.#underWay -= 1;
    }
  }

  async #perform(request: ControlRequest): Promise<unknown> {
    if (request.do === 'list') return [...this.#hypervisor.domains.values()].map(({ name, state }) => ({ name, state }));
    if (request.do === 'create') {
      const domain = await this.#hypervisor.create(request.spec);
      this.#remember(domain);
      return { name: domain.name, state: domain.state };
    }
    const { name } = request;
    const ended = request.do === 'stopped' ? this.#ended.get(name) : undefined;
    const domain = this.#hypervisor.domains.get(name) ?? this.#known.get(name) ?? ended;
    if (domain === undefined) throw new DomainError(Errno.ENOENT, `there is no domain "${String(request.name)}"`);
    this.#remember(domain);
    return perform(domain, request);
  }

  #remember(domain: Domain): void {
    this.#known.delete(domain.name);
    this.#known.set(domain.name, domain);
    const oldest = this.#known.keys().next().value;
    if (this.#known.size > DOMAIN_LIMITS.domainsMax && oldest !== undefined) this.#known.delete(oldest);
  }
}

async function perform(domain: Domain, request: Exclude<ControlRequest, { readonly do: 'list' | 'create' }>): Promise<unknown> {
  switch (request.do) {
    case 'start':
      return domain.start();
    case 'resume':
      return domain.resume();
    case 'usage':
      return { ...domain.usage(), state: domain.state };
    case 'destroy':
      return domain.destroy();
    case 'stopped':
      return domain.stopped;
    case 'pause':
      return domain.pause(request.withinMs);
    case 'save':
      return domain.save(request.withinMs);
    case 'limit':
      return domain.limit(request.limits) satisfies Result;
    case 'interpose':
      return domain.interpose(request.tap ?? undefined);
    default:
      throw new DomainError(Errno.ENOSYS, `control has no "${String((request as { do?: unknown }).do)}"`);
  }
}

function isRequest(message: unknown): message is ControlRequest {
  if (typeof message !== 'object' || message === null) return false;
  const { id, do: action } = message as { id?: unknown; do?: unknown };
  return typeof id === 'number' && typeof action === 'string';
}
