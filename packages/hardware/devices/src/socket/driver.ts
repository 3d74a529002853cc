import type { Events, Socket } from '@ashlar/hardware';
import type { HostSockets } from './host-sockets.ts';
import type { SocketNetwork } from './network.ts';
import { SocketOpener } from './opener.ts';

/** Lets a domain reach the host's network, in {@link SocketOptions.mayConnect}. */
export const HOST_NETWORK = '*';

export interface SocketOptions {
  readonly events: Events;
  /** Shared by all domains that links may join. */
  readonly network: SocketNetwork;
  /** The name by which links reach whoever opens this device. */
  readonly name: string;
  /** Names of domains that may be connected to; {@link HOST_NETWORK}: the host's network too. The own name always may. */
  readonly mayConnect: readonly string[];
  /** The host's network, where the hardware has one. */
  readonly host?: HostSockets;
}

/**
 * The sockets of one domain. Openers have their own connections; ports belong to the domain's name, so two openers cannot listen on the same one.
 */
export class SocketDriver {
  readonly #openers = new Set<SocketOpener>();

  constructor(private readonly options: SocketOptions) {
    options.network.addDomain(options.name);
  }

  open(): Socket {
    const opener = new SocketOpener(this.options, () => this.#openers.delete(opener));
    this.#openers.add(opener);
    return opener;
  }

  close(): void {
    for (const opener of [...this.#openers]) opener.close();
  }
}
