import { Errno, type Plain, type Result, type Socket } from '@ashlar/hardware';
import type { Core } from './core.ts';
import type { SocketDescription } from './socket-description.ts';

/** Ports given to sockets that do not ask for one, as Linux's ip_local_port_range. */
const EPHEMERAL_FIRST = 32_768;
const EPHEMERAL_LAST = 60_999;
/** Sockets that have a name at one time. */
const NAMES_MAX = 4096;

/** Which space of names a socket's address lies in. */
export type NameSpace = 'tcp' | 'udp' | 'unix' | 'unix-datagram';

/** Names that sockets are bound to, and the machine's socket device. */
export class SocketTable {
  readonly core: Core;
  readonly #bound = new Map<string, SocketDescription>();
  #nextPort = EPHEMERAL_FIRST;
  /** The handshake with the device is done. */
  #ready = false;
  #device: Socket | undefined;
  #epoch = -1;

  constructor(core: Core) {
    this.core = core;
  }

  find(space: NameSpace, name: string | number): SocketDescription | undefined {
    return this.#bound.get(`${space}:${name}`);
  }

  /** -EADDRINUSE, or -ENOBUFS when too many have a name. */
  bind(space: NameSpace, name: string | number, socket: SocketDescription): Result {
    const key = `${space}:${name}`;
    if (this.#bound.has(key)) return -Errno.EADDRINUSE;
    if (this.#bound.size >= NAMES_MAX) return -Errno.ENOBUFS;
    this.#bound.set(key, socket);
    return 0;
  }

  release(space: NameSpace, name: string | number, socket: SocketDescription): void {
    const key = `${space}:${name}`;
    if (this.#bound.get(key) === socket) this.#bound.delete(key);
  }

  /** A port nobody has; -EADDRINUSE if all are taken. */
  freePort(space: 'tcp' | 'udp'): Result {
    for (let tried = EPHEMERAL_FIRST; tried <= EPHEMERAL_LAST; tried++) {
      const port = this.#nextPort;
      this.#nextPort = port >= EPHEMERAL_LAST ? EPHEMERAL_FIRST : port + 1;
      if (!this.#bound.has(`${space}:${port}`)) return port;
    }
    return -Errno.EADDRINUSE;
  }

  /** The socket device after its handshake; undefined if the machine has none or refuses. */
  readonly device = (): Socket | undefined => {
    const { machine } = this.core;
    if (machine.epoch !== this.#epoch) {
      this.#epoch = machine.epoch;
      const name = Object.entries(machine.shape.devices).find(([, shape]) => shape.kind === 'socket')?.[0];
      const device = name === undefined ? undefined : machine.device(name);
      this.#device = device?.kind === 'socket' ? (device as Socket) : undefined;
    }
    const device = this.#device;
    if (device !== undefined && !this.#ready) {
      if (typeof device.reset() !== 'number' || device.accept(device.offered()) < 0) return undefined;
      this.#ready = true;
    }
    return device;
  };

  save(): Plain {
    return { nextPort: this.#nextPort, ready: this.#ready };
  }

  restore(saved: { nextPort: number; ready: boolean }): void {
    this.#nextPort = saved.nextPort;
    this.#ready = saved.ready;
  }
}
