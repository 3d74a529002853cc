import { Errno, type Socket } from '@ashlar/hardware';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeEvents, MemoryPart } from '../fakes.test.support.ts';
import { bytes, now, outcome, text } from '../share/share-client.test.support.ts';
import { SocketDriver } from './driver.ts';
import type { HostSockets, HostStream, HostStreamEvents } from './host-sockets.ts';
import { SocketNetwork } from './network.ts';
import { Ready } from './opener.ts';
import { STREAM_BYTES_MAX } from './stream.ts';

interface Rig {
  readonly events: FakeEvents;
  readonly network: SocketNetwork;
  socket(name: string, mayConnect?: readonly string[], host?: HostSockets): Socket;
}

function rig(): Rig {
  const events = new FakeEvents();
  const network = new SocketNetwork();
  return {
    events,
    network,
    socket: (name, mayConnect = [], host) => {
      const driver = new SocketDriver({ events, network, name, mayConnect, ...(host === undefined ? {} : { host }) });
      const socket = driver.open();
      socket.accept(socket.offered());
      return socket;
    },
  };
}

/** A connection from `client` to `server`, and its ids at both ends. */
function connected(): Rig & { client: Socket; server: Socket; near: number; far: number } {
  const made = rig();
  const client = made.socket('client', ['server']);
  const server = made.socket('server');
  const listener = now(server.listen(1, { host: 'server', port: 80 }, 8));
  const near = now(client.connect(1, { host: 'server', port: 80 }));
  const far = now(server.acceptConnection(2, listener));
  return { ...made, client, server, near, far };
}

function receive(socket: Socket, id: number, sequence: number, length = 1000): string {
  const to = new Uint8Array(length);
  return text(to.subarray(0, now(socket.receive(id, sequence, to))));
}

describe('links', () => {
  it('carry bytes both ways, with names and ports', () => {
    const { client, server, near, far } = connected();
    expect(client.send(near, 0, bytes('request'))).toBe(7);
    expect(receive(server, far, 0)).toBe('request');
    expect(server.send(far, 0, bytes('answer'))).toBe(6);
    expect(receive(client, near, 0, 3)).toBe('ans');
    expect(receive(client, near, 3)).toBe('wer');
    const name = { localPort: 0, peerHost: '', peerPort: 0 };
    client.name(near, name);
    expect(name).toMatchObject({ peerHost: 'server', peerPort: 80 });
    const { localPort } = name;
    server.name(far, name);
    expect(name).toEqual({ localPort: 80, peerHost: 'client', peerPort: localPort });
  });

  it('wait for a connection, for bytes and for room, and are woken', () => {
    const { events, client, server, near, far } = connected();
    const to = new Uint8Array(10);
    expect(server.receive(far, 0, to)).toEqual({ on: [server.event] });
    let before = events.now();
    client.send(near, 0, bytes('x'));
    expect(events.last(server.event)).toBeGreaterThan(before);
    let sent = 1;
    for (;;) {
      const reply = client.send(near, sent, new Uint8Array(10_000));
      if (typeof reply !== 'number') {
        expect(reply).toEqual({ on: [client.event] });
        break;
      }
      sent += reply;
    }
    expect(sent).toBe(STREAM_BYTES_MAX);
    expect(client.ready(near) & Ready.SEND).toBe(0);
    before = events.now();
    const big = new Uint8Array(STREAM_BYTES_MAX);
    expect(server.receive(far, 0, big)).toBe(STREAM_BYTES_MAX);
    // Room comes with the next request: what was given out may have to be given again.
    expect(server.receive(far, STREAM_BYTES_MAX, to)).toEqual({ on: [server.event] });
    expect(events.last(client.event)).toBeGreaterThan(before);
    expect(client.send(near, sent, bytes('more'))).toBe(4);
  });

  it('recognise repeats by their sequence, in either direction', () => {
    const { client, server, near, far } = connected();
    expect(client.send(near, 0, bytes('abc'))).toBe(3);
    expect(client.send(near, 0, bytes('abc'))).toBe(3);
    expect(client.send(near, 3, bytes('def'))).toBe(3);
    expect(receive(server, far, 0, 2)).toBe('ab');
    expect(receive(server, far, 0, 2)).toBe('ab');
    expect(receive(server, far, 2)).toBe('cdef');
    expect(receive(server, far, 2)).toBe('cdef');
    expect(outcome(client.send(near, 99, bytes('gap')))).toBe('EINVAL');
    expect(outcome(server.receive(far, 99, new Uint8Array(1)))).toBe('EINVAL');
    server.receive(far, 6, new Uint8Array(1));
    expect(outcome(server.receive(far, 2, new Uint8Array(1)))).toBe('EINVAL');
  });

  it('close by halves', () => {
    const { client, server, near, far } = connected();
    client.send(near, 0, bytes('last words'));
    expect(client.shutdown(near)).toBe(0);
    expect(outcome(client.send(near, 10, bytes('x')))).toBe('EPIPE');
    expect(receive(server, far, 0)).toBe('last words');
    expect(receive(server, far, 10)).toBe('');
    expect(server.ready(far) & Ready.OVER).toBe(Ready.OVER);
    expect(server.send(far, 0, bytes('still here'))).toBe(10);
    expect(receive(client, near, 0)).toBe('still here');
    server.closeConnection(far);
    expect(receive(client, near, 10)).toBe('');
    expect(outcome(client.shutdown(near))).toBe(0);
  });

  it('answer EPIPE to who sends to a closed end, and let it read what was sent before', () => {
    const { client, server, near, far } = connected();
    server.send(far, 0, bytes('bye'));
    server.closeConnection(far);
    expect(outcome(client.send(near, 0, bytes('x')))).toBe('EPIPE');
    expect(receive(client, near, 0)).toBe('bye');
    expect(receive(client, near, 3)).toBe('');
    expect(outcome(server.receive(far, 0, new Uint8Array(1)))).toBe('EBADF');
  });

  it('break with ECONNRESET when an end is reset, and nothing else does', () => {
    const { client, server, near, socket } = connected();
    const other = socket('other', ['server']);
    const listener = now(server.listen(9, { host: '', port: 81 }, 1));
    const kept = now(other.connect(1, { host: 'server', port: 81 }));
    const accepted = now(server.acceptConnection(10, listener));
    client.reset();
    client.accept([]);
    expect(outcome(client.send(near, 0, bytes('x')))).toBe('EBADF');
    expect(other.send(kept, 0, bytes('fine'))).toBe(4);
    expect(receive(server, accepted, 0)).toBe('fine');
    other.close();
    expect(outcome(server.receive(accepted, 4, new Uint8Array(1)))).toBe('ECONNRESET');
    expect(server.ready(accepted)).toBe(Ready.RECEIVE | Ready.SEND | Ready.OVER);
  });
});

describe('connect and listen', () => {
  it('go only where policy allows', () => {
    const { socket } = rig();
    const server = socket('server');
    server.listen(1, { host: '', port: 80 }, 1);
    const stranger = socket('stranger', ['nobody']);
    expect(outcome(stranger.connect(1, { host: 'server', port: 80 }))).toBe('EACCES');
    expect(outcome(stranger.connect(2, { host: 'example.org', port: 80 }))).toBe('EHOSTUNREACH');
    const friend = socket('friend', ['server']);
    expect(outcome(friend.connect(1, { host: 'server', port: 81 }))).toBe('ECONNREFUSED');
    expect(now(friend.connect(2, { host: 'server', port: 80 }))).toBeGreaterThan(0);
    // Reachable is not reaching: the server may not connect back.
    expect(outcome(server.connect(3, { host: 'friend', port: 80 }))).toBe('EACCES');
    expect(outcome(server.connect(4, { host: 'server', port: 81 }))).toBe('ECONNREFUSED');
  });

  it('execute once for each tag', () => {
    const { socket } = rig();
    const server = socket('server');
    const client = socket('client', ['server']);
    const listener = server.listen(1, { host: '', port: 80 }, 8);
    expect(server.listen(1, { host: '', port: 80 }, 8)).toBe(listener);
    expect(outcome(server.listen(2, { host: '', port: 80 }, 8))).toBe('EADDRINUSE');
    const first = client.connect(1, { host: 'server', port: 80 });
    expect(client.connect(1, { host: 'server', port: 80 })).toBe(first);
    const accepted = server.acceptConnection(3, now(listener));
    expect(server.acceptConnection(3, now(listener))).toBe(accepted);
    expect(server.acceptConnection(4, now(listener))).toEqual({ on: [server.event] });
    expect(outcome(client.connect(0, { host: 'server', port: 80 }))).toBe('EINVAL');
  });

  it('park the connecting end while the backlog is full', () => {
    const { events, socket } = rig();
    const server = socket('server');
    const client = socket('client', ['server']);
    const listener = now(server.listen(1, { host: '', port: 80 }, 1));
    expect(now(client.connect(1, { host: 'server', port: 80 }))).toBeGreaterThan(0);
    expect(client.connect(2, { host: 'server', port: 80 })).toEqual({ on: [client.event] });
    const before = events.now();
    server.acceptConnection(2, listener);
    expect(events.last(client.event)).toBeGreaterThan(before);
    expect(now(client.connect(2, { host: 'server', port: 80 }))).toBeGreaterThan(0);
    expect(client.connect(3, { host: 'server', port: 80 })).toEqual({ on: [client.event] });
    server.closeConnection(listener);
    expect(outcome(client.connect(3, { host: 'server', port: 80 }))).toBe('ECONNREFUSED');
  });

  it('give free ports to who names none, and take back those of who left', () => {
    const { socket } = rig();
    const server = socket('server');
    const ids = [1, 2, 3].map((tag) => now(server.listen(tag, { host: '', port: 0 }, 1)));
    const name = { localPort: 0, peerHost: '', peerPort: 0 };
    const ports = ids.map((id) => {
      server.name(id, name);
      return name.localPort;
    });
    expect(new Set(ports).size).toBe(3);
    server.close();
    expect(outcome(socket('server').listen(1, { host: '', port: ports[0]! }, 1))).toBeGreaterThan(0);
  });

  it('are limited, with ENOBUFS', () => {
    const { socket } = rig();
    const server = socket('server');
    let made = 0;
    while (now(server.listen(made + 1, { host: '', port: 1000 + made }, 1)) > 0) made++;
    expect(made).toBe(1024);
    expect(outcome(server.listen(5000, { host: '', port: 9 }, 1))).toBe('ENOBUFS');
  });

  it.each([
    ['port 0', { host: 'server', port: 0 }],
    ['port 65,536', { host: 'server', port: 65_536 }],
    ['no host', { host: '', port: 80 }],
    ['a host name of 256 bytes', { host: 'h'.repeat(256), port: 80 }],
  ])('refuse %s', (_what, to) => {
    expect(outcome(rig().socket('client', ['*']).connect(1, to))).toBe('EINVAL');
  });
});

/** A host network that does what the test says. */
class PlayedHost implements HostSockets, HostStream {
  events!: HostStreamEvents;
  readonly did: string[] = [];
  room = true;
  connect(host: string, port: number, events: HostStreamEvents): HostStream {
    this.did.push(`connect ${host}:${port}`);
    this.events = events;
    return this;
  }
  write(from: Uint8Array): boolean {
    this.did.push(`write ${text(from)}`);
    return this.room;
  }
  end(): void {
    this.did.push('end');
  }
  pause(): void {
    this.did.push('pause');
  }
  resume(): void {
    this.did.push('resume');
  }
  destroy(): void {
    this.did.push('destroy');
  }
}

describe('the host’s network', () => {
  function outside() {
    const host = new PlayedHost();
    const made = rig();
    const socket = made.socket('domain', ['*'], host);
    const to = { host: 'example.org', port: 443 };
    return { ...made, host, socket, to };
  }

  it('is connected to once, without blocking', () => {
    const { host, socket, to } = outside();
    expect(socket.connect(1, to)).toEqual({ on: [socket.event] });
    expect(socket.connect(1, to)).toEqual({ on: [socket.event] });
    host.events.connected();
    const id = socket.connect(1, to);
    expect(id).toBeGreaterThan(0);
    expect(socket.connect(1, to)).toBe(id);
    expect(host.did).toEqual(['connect example.org:443']);
  });

  it('reports why it cannot be', () => {
    const { host, socket, to } = outside();
    socket.connect(1, to);
    host.events.closed(-Errno.ECONNREFUSED);
    expect(outcome(socket.connect(1, to))).toBe('ECONNREFUSED');
    expect(outcome(socket.connect(1, to))).toBe('ECONNREFUSED');
  });

  it('breaks where it is used, not where it was made, if it stood for a moment', () => {
    const { host, socket, to } = outside();
    socket.connect(1, to);
    host.events.connected();
    host.events.closed(-Errno.ECONNRESET);
    const id = now(socket.connect(1, to));
    expect(id).toBeGreaterThan(0);
    expect(outcome(socket.receive(id, 0, new Uint8Array(1)))).toBe('ECONNRESET');
  });

  it('is paused when nobody reads, loses nothing that comes late, and goes on', () => {
    const { host, socket, to } = outside();
    socket.connect(1, to);
    host.events.connected();
    const id = now(socket.connect(1, to));
    host.events.data(new Uint8Array(STREAM_BYTES_MAX));
    expect(host.did.at(-1)).toBe('pause');
    host.events.data(bytes('late'));
    host.events.ended();
    const buffer = new Uint8Array(STREAM_BYTES_MAX);
    expect(socket.receive(id, 0, buffer)).toBe(STREAM_BYTES_MAX);
    socket.receive(id, STREAM_BYTES_MAX, buffer);
    expect(host.did.at(-1)).toBe('resume');
    expect(receive(socket, id, STREAM_BYTES_MAX)).toBe('late');
    expect(receive(socket, id, STREAM_BYTES_MAX + 4)).toBe('');
  });

  it('makes the sender wait while it is full, and never sends a repeat', () => {
    const { host, socket, to } = outside();
    socket.connect(1, to);
    host.events.connected();
    const id = now(socket.connect(1, to));
    host.room = false;
    expect(socket.send(id, 0, bytes('abc'))).toBe(3);
    expect(socket.send(id, 0, bytes('abc'))).toBe(3);
    expect(socket.send(id, 3, bytes('def'))).toEqual({ on: [socket.event] });
    host.events.drained();
    expect(socket.send(id, 3, bytes('def'))).toBe(3);
    socket.shutdown(id);
    socket.closeConnection(id);
    expect(host.did.slice(1)).toEqual(['write abc', 'write def', 'end', 'resume']);
  });

  it('breaks with what the host says, and is left when the domain goes', () => {
    const { host, socket, to } = outside();
    socket.connect(1, to);
    host.events.connected();
    const id = now(socket.connect(1, to));
    host.events.closed(-Errno.ECONNRESET);
    expect(outcome(socket.receive(id, 0, new Uint8Array(1)))).toBe('ECONNRESET');
    socket.connect(2, to);
    socket.reset();
    expect(host.did.at(-1)).toBe('destroy');
  });
});

describe('state', () => {
  it('keeps connections within one opener, listeners and tags; all others are reset', () => {
    const before = rig();
    const self = before.socket('self', ['server', 'self']);
    before.socket('server').listen(1, { host: '', port: 80 }, 4);
    const outside = now(self.connect(1, { host: 'server', port: 80 }));
    const listener = now(self.listen(2, { host: '', port: 90 }, 4));
    const near = now(self.connect(3, { host: 'self', port: 90 }));
    const far = now(self.acceptConnection(4, listener));
    self.send(near, 0, bytes('kept'));
    receive(self, far, 0, 2);
    const part = new MemoryPart();
    expect(self.save(part)).toBe(0);

    const after = rig();
    const socket = new SocketDriver({ events: after.events, network: after.network, name: 'self', mayConnect: ['self'] }).open();
    expect(socket.restore(part.read())).toBe(0);
    expect(receive(socket, far, 0, 2)).toBe('ke');
    expect(receive(socket, far, 2)).toBe('pt');
    expect(socket.send(near, 4, bytes('!'))).toBe(1);
    expect(receive(socket, far, 4)).toBe('!');
    expect(outcome(socket.send(outside, 0, bytes('x')))).toBe('ECONNRESET');
    expect(socket.acceptConnection(4, listener)).toBe(far);
    expect(now(socket.connect(5, { host: 'self', port: 90 }))).toBeGreaterThan(far);
    expect(now(socket.acceptConnection(6, listener))).toBeGreaterThan(0);
  });
});

describe('any way of sending and receiving', () => {
  it('delivers each byte once and in order, repeats and lost answers included', () => {
    const step = fc.record({ send: fc.boolean(), length: fc.integer({ min: 1, max: 30_000 }), answerIsLost: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { client, server, near, far } = connected();
        const byteAt = (at: number) => (at * 7 + (at >> 8)) & 0xff;
        let sent = 0;
        let received = 0;
        for (const { send, length, answerIsLost } of steps) {
          const buffer = new Uint8Array(length);
          const reply = send
            ? client.send(
                near,
                sent,
                buffer.map((_, i) => byteAt(sent + i)),
              )
            : server.receive(far, received, buffer);
          if (typeof reply !== 'number' || answerIsLost) continue;
          if (send) sent += reply;
          else {
            for (let i = 0; i < reply; i++) if (buffer[i] !== byteAt(received + i)) throw new Error(`byte ${received + i}`);
            received += reply;
          }
        }
        expect(received).toBeLessThanOrEqual(sent + STREAM_BYTES_MAX);
      }),
      { numRuns: 100, seed: 5 },
    );
  });
});
