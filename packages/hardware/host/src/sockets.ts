import { connect as connectTcp, type Socket as NetSocket } from 'node:net';
import type { HostSockets, HostStream, HostStreamEvents } from '@ashlar/devices';
import { Errno, type Result } from '@ashlar/hardware';

/** Milliseconds after which a connection that does not come about is given up (as long as Linux's default of six SYN repeats). */
const CONNECT_TIMEOUT_MS = 127_000;

/** The host's network over node:net. Names are resolved by the host, so no guest sees a host address. */
export class NodeSockets implements HostSockets {
  readonly #open = new Set<NetSocket>();

  connect(host: string, port: number, events: HostStreamEvents): HostStream {
    const socket = connectTcp({ host, port, allowHalfOpen: true, noDelay: true });
    this.#open.add(socket);
    let isLoose = false;
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(Object.assign(new Error('connect timed out'), { code: 'ETIMEDOUT' })));
    socket.on('connect', () => {
      socket.setTimeout(0);
      if (!isLoose) events.connected();
    });
    socket.on('data', (bytes) => {
      if (!isLoose) events.data(bytes);
    });
    socket.on('drain', () => {
      if (!isLoose) events.drained();
    });
    socket.on('end', () => {
      if (!isLoose) events.ended();
    });
    let failure: Result = 0;
    socket.on('error', (error) => {
      failure = errnoOf(error);
    });
    socket.on('close', () => {
      this.#open.delete(socket);
      if (!isLoose) events.closed(failure);
    });
    return {
      write: (bytes) => socket.write(Uint8Array.from(bytes)),
      end: () => {
        socket.end();
      },
      pause: () => {
        socket.pause();
      },
      resume: () => {
        socket.resume();
      },
      destroy: () => {
        isLoose = true;
        // The far end must see that it was lost, not that all was said.
        if (socket.connecting) socket.destroy();
        else socket.resetAndDestroy();
      },
    };
  }

  /** Ends every connection at once. */
  close(): void {
    for (const socket of this.#open) socket.destroy();
    this.#open.clear();
  }
}

function errnoOf(error: NodeJS.ErrnoException): Result {
  const code = error.code ?? '';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return -Errno.EHOSTUNREACH;
  return code in Errno ? -Errno[code as keyof typeof Errno] : -Errno.EIO;
}
