import type { ConnectionOwner, LinkedEnd } from './connection.ts';

/** A port that a domain listens on. */
export interface Listener {
  readonly owner: ConnectionOwner;
  readonly port: number;
  readonly backlog: number;
  /** Connections that wait to be accepted. */
  readonly queue: LinkedEnd[];
  /** Who waits for room in the queue. */
  readonly waiting: Set<ConnectionOwner>;
}

/** Ports that nobody asked for by number (RFC 6335, section 6). */
const EPHEMERAL_FIRST = 49_152;
const PORT_LAST = 65_535;

/** First three numbers of every domain's address: of a range that no public network uses (RFC 1918). */
const ADDRESS_PREFIX = '10.13.0.';

/** The domains of one machine that sockets can reach, and their ports. */
export class SocketNetwork {
  readonly #domains = new Map<string, Map<number, Listener>>();
  readonly #names = new Map<string, string>();
  readonly #nextPort = new Map<string, number>();

  /** A name is known from when its device is made, so that a refused connection is told from an unknown name. */
  addDomain(name: string): void {
    if (this.#domains.has(name)) return;
    this.#domains.set(name, new Map());
    this.#names.set(`${ADDRESS_PREFIX}${this.#domains.size}`, name);
  }

  /**
   * The domain that a name or an address means: the first domain that was added is 10.13.0.1, the second 10.13.0.2, and so on, for programs that
   * know only addresses. Anything else is given back as it is.
   */
  resolve(host: string): string {
    return this.#names.get(host) ?? host;
  }

  hasDomain(name: string): boolean {
    return this.#domains.has(name);
  }

  listener(name: string, port: number): Listener | undefined {
    return this.#domains.get(name)?.get(port);
  }

  /** false if the port is taken. */
  listen(name: string, listener: Listener): boolean {
    const ports = this.#domains.get(name);
    if (ports === undefined || ports.has(listener.port)) return false;
    ports.set(listener.port, listener);
    return true;
  }

  unlisten(name: string, listener: Listener): void {
    const ports = this.#domains.get(name);
    if (ports?.get(listener.port) === listener) ports.delete(listener.port);
  }

  /** A port for a connection or a listener that named none; 0 if all are listened on. */
  ephemeralPort(name: string): number {
    const count = PORT_LAST - EPHEMERAL_FIRST + 1;
    const first = this.#nextPort.get(name) ?? EPHEMERAL_FIRST;
    for (let i = 0; i < count; i++) {
      const port = EPHEMERAL_FIRST + ((first - EPHEMERAL_FIRST + i) % count);
      if (this.listener(name, port) !== undefined) continue;
      this.#nextPort.set(name, port === PORT_LAST ? EPHEMERAL_FIRST : port + 1);
      return port;
    }
    return 0;
  }
}
