import { type AddressInfo, createServer, type Socket as NetSocket, type Server } from 'node:net';
import { SocketDriver, SocketNetwork } from '@ashlar/devices';
import { Errno, type Reply, type Socket } from '@ashlar/hardware';
import { EventHub } from '@ashlar/hypercall';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NodeSockets } from './sockets.ts';

let server: Server;
let port: number;
let serve: (socket: NetSocket) => void;
let events: EventHub;
let sockets: NodeSockets;
let socket: Socket;

beforeEach(async () => {
  serve = () => undefined;
  server = createServer({ allowHalfOpen: true }, (accepted) => {
    // A broken connection is what some of these tests want.
    accepted.on('error', () => undefined);
    serve(accepted);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  port = (server.address() as AddressInfo).port;
  events = new EventHub();
  sockets = new NodeSockets();
  socket = new SocketDriver({ events, network: new SocketNetwork(), name: 'domain', mayConnect: ['*'], host: sockets }).open();
  socket.accept(socket.offered());
});
afterEach(() => {
  sockets.close();
  server.close();
});

/** Asks again at each event, as an executor would, until it is answered. */
async function settle(ask: () => Reply): Promise<number> {
  for (;;) {
    const reply = ask();
    if (typeof reply === 'number') return reply;
    await new Promise<void>((wake) => {
      events.onNext(wake);
    });
  }
}

const connect = (tag: number): Promise<number> => settle(() => socket.connect(tag, { host: '127.0.0.1', port }));

async function receiveAll(id: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let sequence = 0;
  for (;;) {
    const to = Buffer.alloc(10_000);
    const length = await settle(() => socket.receive(id, sequence, to));
    if (length <= 0) return Buffer.concat(parts);
    parts.push(to.subarray(0, length));
    sequence += length;
  }
}

describe('NodeSockets', () => {
  it('carries bytes both ways and closes by halves', async () => {
    serve = (accepted) => accepted.pipe(accepted);
    const id = await connect(1);
    expect(id).toBeGreaterThan(0);
    expect(await settle(() => socket.send(id, 0, Buffer.from('hello')))).toBe(5);
    expect(await settle(() => socket.shutdown(id))).toBe(0);
    expect((await receiveAll(id)).toString()).toBe('hello');
    socket.closeConnection(id);
  });

  it('moves more than fits anywhere, in order, with back-pressure on both sides', async () => {
    const content = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 31 + (i >> 12)) & 0xff));
    serve = (accepted) => accepted.pipe(accepted);
    const id = await connect(1);
    const received = receiveAll(id);
    for (let sent = 0; sent < content.length; ) sent += await settle(() => socket.send(id, sent, content.subarray(sent, sent + 50_000)));
    socket.shutdown(id);
    expect((await received).equals(content)).toBe(true);
  });

  it('says that nobody listens', async () => {
    await new Promise((resolve) => {
      server.close(resolve);
    });
    expect(await connect(1)).toBe(-Errno.ECONNREFUSED);
  });

  it('says that a connection was reset', async () => {
    serve = (accepted) => void accepted.once('data', () => accepted.resetAndDestroy());
    const id = await connect(1);
    await settle(() => socket.send(id, 0, Buffer.from('x')));
    expect(await settle(() => socket.receive(id, 0, new Uint8Array(1)))).toBe(-Errno.ECONNRESET);
  });

  it('leaves nothing open when the domain goes, and says so to the far end', async () => {
    const lost = new Promise<string | undefined>((resolve) => {
      serve = (accepted) => accepted.on('error', (error: NodeJS.ErrnoException) => resolve(error.code)).resume();
    });
    expect(await connect(1)).toBeGreaterThan(0);
    socket.close();
    expect(await lost).toBe('ECONNRESET');
  });
});
