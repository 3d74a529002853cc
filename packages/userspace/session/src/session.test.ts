import type { Channel } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { FakeKernel, type Play, TestChannel, TestPart } from './fake-system.test.support.ts';
import { type Field, FrameWriter } from './frame.ts';
import { Operation, SESSION_LIMITS } from './protocol.ts';
import { SessionClient } from './session-client.ts';
import { SystemPayload } from './system-payload.ts';

const writeFrame = (...fields: readonly Field[]): Uint8Array => new FrameWriter().write(...fields);

/** Lets everything run that is due, as streams need between two of their turns. */
const idle = (): Promise<undefined> =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve(undefined);
    };
    port2.postMessage(null);
  });

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Copies stdin to stdout; ends with 0 at its end. */
const cat = (kernel: () => FakeKernel): Play => ({
  step(process) {
    const [input, output] = process.pipes;
    const chunk = new Uint8Array(500);
    const room = 1000 - output!.bytes.length;
    const got = room > 0 ? input!.read(chunk.subarray(0, room)) : 1;
    if (got === 0) process.exit(kernel().events, { code: 0, signal: 0 });
    else if (typeof got === 'number' && room > 0) output!.write(chunk.subarray(0, got));
  },
});

/** Writes for ever. */
const yes: Play = {
  step(process) {
    process.pipes[1]!.write(new Uint8Array(100).fill(121));
  },
};

const fail = (kernel: () => FakeKernel): Play => ({
  step(process) {
    process.pipes[2]!.write(text('no'));
    process.exit(kernel().events, { code: 3, signal: 0 });
  },
});

/** Asks for what the stub lacks. */
const ask = (kernel: () => FakeKernel): Play => ({
  step: (process) => process.exit(kernel().events, { code: 0, signal: 31, refused: 'pipe' }),
});

function stack() {
  const kernel: FakeKernel = new FakeKernel({ cat: cat(() => kernel), yes, fail: fail(() => kernel), ask: ask(() => kernel) });
  const payload = new SystemPayload(kernel, kernel.machine);
  const connect = () => {
    const channel = new TestChannel();
    expect(payload.serve('session', channel.server)).toBe(0);
    return { channel, client: new SessionClient(channel.client) };
  };
  const { channel, client } = connect();
  const channels = [channel];
  const turn = async () => {
    for (const each of channels) each.deliver();
    payload.step(1000);
    for (const each of channels) each.deliver();
    await idle();
  };
  /** Steps until the promise settles. */
  const settle = async <T>(promise: Promise<T>): Promise<T> => {
    let settled = false;
    const done = promise.finally(() => {
      settled = true;
    });
    done.catch(() => undefined);
    for (let turns = 0; !settled && turns < 20_000; turns++) await turn();
    expect(settled).toBe(true);
    return done;
  };
  return { kernel, payload, client, channel, channels, connect, turn, settle };
}

const spec = (...argv: string[]) => ({ argv, env: { A: 'b' }, cwd: '/', tty: false });

async function collect(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function send(stream: WritableStream<Uint8Array>, bytes: Uint8Array): Promise<void> {
  const writer = stream.getWriter();
  await writer.write(bytes);
  await writer.close();
}

describe('running a program', () => {
  it('passes every byte through stdin and stdout, and gives the exit code', async () => {
    const { client, settle, kernel } = stack();
    const process = await settle(client.run(spec('cat')));
    expect(kernel.processes.get(process.pid)?.spec.env).toEqual({ A: 'b' });
    const bytes = Uint8Array.from({ length: 20_000 }, (_, index) => (index * 7919) >> 3);
    const [out, err, exit] = await settle(
      Promise.all([collect(process.stdout), collect(process.stderr), process.exit, send(process.stdin, bytes)]),
    );
    expect(out).toEqual(bytes);
    expect(err.length).toBe(0);
    expect(exit).toEqual({ code: 0 });
    expect(kernel.released).toEqual([process.pid]);
  });

  it('keeps stdout and stderr apart and gives a code', async () => {
    const { client, settle } = stack();
    const process = await settle(client.run(spec('fail')));
    const [out, err, exit] = await settle(Promise.all([collect(process.stdout), collect(process.stderr), process.exit]));
    expect([out.length, new TextDecoder().decode(err), exit]).toEqual([0, 'no', { code: 3 }]);
  });

  it('SE-12: names the operation for lack of which the stub ended it', async () => {
    const { client, settle } = stack();
    const process = await settle(client.run(spec('ask')));
    expect(await settle(process.exit)).toEqual({ signal: 31, refused: 'pipe' });
  });

  it('rejects with the errno by name', async () => {
    const { client, settle } = stack();
    await expect(settle(client.run(spec('missing')))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(settle(client.run(spec('cat\0')))).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(settle(client.stat('/nothing'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('stops a program whose output nobody reads, within the window', async () => {
    const { client, settle, turn, kernel } = stack();
    const process = await settle(client.run(spec('yes')));
    for (let turns = 0; turns < 6000; turns++) await turn();
    const reader = process.stdout.getReader();
    expect(kernel.processes.get(process.pid)?.pipes[1]?.bytes.length).toBe(1000);
    let queued = 0;
    for (;;) {
      const next = await Promise.race([reader.read(), idle()]);
      if (next?.value === undefined) break;
      queued += next.value.length;
    }
    expect(queued).toBeLessThanOrEqual(SESSION_LIMITS.outputBytes);
  });

  it('tells a program that its output is not read any more', async () => {
    const { client, settle, turn, kernel } = stack();
    const process = await settle(client.run(spec('yes')));
    await turn();
    await process.stdout.cancel();
    await turn();
    expect(kernel.processes.get(process.pid)?.pipes[1]?.readerGone).toBe(true);
  });

  it('passes signals, and ESRCH after the end', async () => {
    const { client, settle } = stack();
    const process = await settle(client.run(spec('yes')));
    await settle(process.signal(9));
    expect(await settle(process.exit)).toEqual({ signal: 9 });
    await expect(settle(process.signal(9))).rejects.toMatchObject({ code: 'ESRCH' });
  });

  it('sizes terminals', async () => {
    const { client, settle, kernel } = stack();
    const process = await settle(client.run({ ...spec('yes'), tty: true, columns: 80, rows: 24 }));
    expect(kernel.processes.get(process.pid)?.spec).toMatchObject({ tty: true, columns: 80, rows: 24 });
    await settle(process.resize(100, 30));
    expect(kernel.processes.get(process.pid)?.size).toEqual({ columns: 100, rows: 30 });
  });
});

describe('files', () => {
  it('carries a file of several pieces there and back', async () => {
    const { client, settle, kernel } = stack();
    const bytes = Uint8Array.from({ length: 600_000 }, (_, index) => index % 251);
    await settle(send(client.write('/f', 0o644), bytes));
    expect((await settle(collect(client.read('/f')))).length).toBe(bytes.length);
    expect(await settle(client.stat('/f'))).toEqual({ mode: 0o100644, size: 600_000, mtimeMs: 1500 });
    expect(await settle(client.list('/'))).toEqual([{ name: '/f', type: 8 }]);
    await settle(client.remove('/f'));
    expect(kernel.files.size).toBe(0);
    expect(kernel.openHandles).toBe(0);
  });
});

describe('a channel that is full', () => {
  it('gets what was held back as it was, once it drains', () => {
    const taken: Uint8Array[] = [];
    let drained = (): void => undefined;
    const channel: Channel = {
      send(frame) {
        taken.push(frame.slice());
        return taken.length > 1;
      },
      receive: (_onFrame, onDrain) => {
        drained = onDrain;
      },
      close: () => undefined,
    };
    const client = new SessionClient(channel);
    for (const path of ['/one', '/another']) client.stat(path).catch(() => undefined);
    expect(taken).toHaveLength(1);
    drained();
    expect(taken.slice(1)).toEqual([writeFrame(Operation.STAT, 1, '/one'), writeFrame(Operation.STAT, 2, '/another')]);
  });
});

describe('the end of a session', () => {
  it('ends the programs that it started and leaves others', async () => {
    const { client, settle, turn, kernel, connect, channels } = stack();
    const process = await settle(client.run(spec('yes')));
    const other = connect();
    channels.push(other.channel);
    const kept = await settle(other.client.run(spec('yes')));
    await client.close();
    await turn();
    await turn();
    expect(kernel.processes.get(process.pid)?.status).toEqual({ code: 0, signal: 9 });
    expect(kernel.processes.get(kept.pid)?.status).toBeUndefined();
    expect(kernel.released).toEqual([process.pid]);
    await expect(process.exit).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  const malformed: readonly (readonly [string, Uint8Array])[] = [
    ['not MessagePack', Uint8Array.of(0xc1, 0xff)],
    ['not an array', Uint8Array.of(1)],
    ['an unknown operation', writeFrame(200, 1)],
    ['a missing field', writeFrame(Operation.RUN, 1)],
    ['credit beyond the window', writeFrame(Operation.OUTPUT_CREDIT, 2, 1, SESSION_LIMITS.outputBytes + 1)],
    ['another version', writeFrame(Operation.HELLO, 99)],
  ];
  for (const [what, frame] of malformed) {
    it(`comes with a frame that is ${what}, and with nothing else`, async () => {
      const { turn, payload, settle, connect, channels } = stack();
      const raw = new TestChannel();
      channels.push(raw);
      payload.serve('session', raw.server);
      raw.client.send(writeFrame(Operation.HELLO, 1));
      raw.client.send(frame);
      await turn();
      await turn();
      expect(raw.closed).toBeLessThan(0);
      const next = connect();
      channels.push(next.channel);
      expect((await settle(next.client.run(spec('yes')))).pid).toBeGreaterThan(0);
    });
  }

  it('comes when the payload stops', async () => {
    const { client, settle, payload, kernel } = stack();
    const process = await settle(client.run(spec('yes')));
    expect(payload.stop()).toBe(0);
    expect(kernel.stopped).toBe(true);
    await expect(process.exit).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('a restored payload', () => {
  it('goes on with output that was not sent yet, without repeating what was', async () => {
    const first = stack();
    const process = await first.settle(first.client.run(spec('cat')));
    const reader = process.stdout.getReader();
    const writer = process.stdin.getWriter();
    void writer.write(text('before'));
    const heard = await first.settle(reader.read());
    expect(new TextDecoder().decode(heard.value)).toBe('before');
    first.kernel.processes.get(process.pid)?.pipes[1]?.write(text('after'));
    const part = new TestPart();
    expect(first.payload.save(part)).toBe(0);

    const second = stack();
    expect(second.payload.restore(part)).toBe(0);
    expect(await second.settle(second.client.processes())).toEqual([process.pid]);
    const again = await second.settle(second.client.attach(process.pid));
    const [out, exit] = await second.settle(Promise.all([collect(again.stdout), again.exit, send(again.stdin, text('!'))]));
    expect(new TextDecoder().decode(out)).toBe('after!');
    expect(exit).toEqual({ code: 0 });
    await expect(second.settle(second.client.attach(99))).rejects.toMatchObject({ code: 'ESRCH' });
  });

  it('keeps input that the program had not read', async () => {
    const first = stack();
    const process = await first.settle(first.client.run(spec('yes')));
    const writer = process.stdin.getWriter();
    void writer.write(new Uint8Array(3000).fill(7));
    for (let turns = 0; turns < 5; turns++) await first.turn();
    const part = new TestPart();
    first.payload.save(part);
    const second = stack();
    second.payload.restore(part);
    await second.turn();
    // 1,000 were in the first kernel's pipe (which this fake does not save), the rest is still with the session.
    expect(second.kernel.processes.get(process.pid)?.pipes[0]?.bytes.length).toBe(1000);
  });
});
