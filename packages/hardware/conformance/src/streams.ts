import { clauseTests } from '@ashlar/conformance';
import { type Console, type Entropy, Errno, type Reply, type Socket } from '@ashlar/hardware';
import { expect } from 'vitest';

/** What the suite of consoles is run on: openers of one console, accepted, and what they wrote together. */
export interface ConsoleFixture {
  open(): Console;
  written(): string;
  /** Another end of the console, accepted, that nobody can type to. */
  openOutput(): Console;
  /** Bytes taken of what is typed. */
  type(bytes: Uint8Array): number;
}

export interface EntropyFixture {
  /** An opener, accepted. */
  open(): Entropy;
}

/** Two domains, `near` and `far`, of which near may connect to far and not the other way round. */
export interface SocketFixture {
  near(): Socket;
  far(): Socket;
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const now = (reply: Reply): number => (typeof reply === 'number' ? reply : Number.NaN);
let lastTag = 0;
const tag = (): number => ++lastTag;

export const consoleTests = clauseTests<ConsoleFixture>(
  {
    clause: 'CO-1',
    title: 'lines of several openers arrive whole and in the order of each',
    run({ open, written }) {
      const [one, other] = [open(), open()];
      for (let line = 0; line < 20; line++) {
        for (const [name, console] of [['one', one] as const, ['other', other] as const]) {
          const bytes = utf8(`${name} ${line}\n`);
          expect(console.write(bytes)).toBe(bytes.length);
        }
      }
      const lines = written().split('\n');
      for (const name of ['one', 'other']) {
        expect(lines.filter((line) => line.includes(`${name} `)).map((line) => line.slice(line.indexOf(name)))).toEqual(
          Array.from({ length: 20 }, (_, line) => `${name} ${line}`),
        );
      }
    },
  },
  {
    clause: 'CO-2',
    title: 'what is typed reaches one opener, and none whose end has no keyboard',
    run({ open, openOutput, type }) {
      const [output, reader, later] = [openOutput(), open(), open()];
      const to = new Uint8Array(16);
      expect(type(utf8('typed'))).toBe(5);
      expect(output.read(to)).toBe(0);
      expect(later.read(to)).toEqual({ on: [later.event] });
      expect(reader.read(to)).toBe(5);
      expect(new TextDecoder().decode(to.subarray(0, 5))).toBe('typed');
      expect(reader.read(to)).toEqual({ on: [reader.event] });
    },
  },
);

export const entropyTests = clauseTests<EntropyFixture>({
  clause: 'EN-1',
  title: 'fills what was asked, and no more than 65,536 bytes',
  run({ open }) {
    const device = open();
    for (const length of [0, 1, 31, 4096, 65_536]) expect(device.fill(new Uint8Array(length))).toBe(length);
    expect(device.fill(new Uint8Array(65_537))).toBe(-Errno.EINVAL);
    const bytes = new Uint8Array(4096);
    device.fill(bytes);
    expect(new Set(bytes).size).toBeGreaterThan(200);
  },
});

/** A connection between the two, with the ids at each end. */
function connected(fixture: SocketFixture): { readonly near: Socket; readonly far: Socket; readonly out: number; readonly into: number } {
  const [near, far] = [fixture.near(), fixture.far()];
  const listener = now(far.listen(tag(), { host: 'far', port: 80 }, 4));
  expect(listener).toBeGreaterThan(0);
  const asking = tag();
  const first = near.connect(asking, { host: 'far', port: 80 });
  const into = now(far.acceptConnection(tag(), listener));
  const out = typeof first === 'number' ? first : now(near.connect(asking, { host: 'far', port: 80 }));
  expect([out > 0, into > 0]).toEqual([true, true]);
  return { near, far, out, into };
}

/** Everything there is to receive, and whether its end was reached. */
function received(socket: Socket, connection: number, from = 0): { readonly text: string; readonly ended: boolean } {
  const buffer = new Uint8Array(1000);
  let text = '';
  let at = from;
  for (;;) {
    const reply = socket.receive(connection, at, buffer);
    if (typeof reply !== 'number' || reply <= 0) return { text, ended: reply === 0 };
    text += new TextDecoder().decode(buffer.subarray(0, reply));
    at += reply;
  }
}

export const socketTests = clauseTests<SocketFixture>(
  {
    clause: 'SO-1',
    title: 'bytes arrive in order and once, also when sending is asked again',
    run(fixture) {
      const { near, far, out, into } = connected(fixture);
      let sequence = 0;
      for (let line = 0; line < 50; line++) {
        const bytes = utf8(`line ${line}\n`);
        expect(near.send(out, sequence, bytes)).toBe(bytes.length);
        // The answer was lost, so it is asked again.
        expect(near.send(out, sequence, bytes)).toBe(bytes.length);
        sequence += bytes.length;
      }
      expect(received(far, into).text).toBe(Array.from({ length: 50 }, (_, line) => `line ${line}\n`).join(''));
    },
  },
  {
    clause: 'SO-2',
    title: 'what no link allows, and where nobody listens',
    run(fixture) {
      const [near, far] = [fixture.near(), fixture.far()];
      expect(now(near.connect(tag(), { host: 'far', port: 81 }))).toBe(-Errno.ECONNREFUSED);
      expect(now(near.listen(tag(), { host: 'near', port: 80 }, 1))).toBeGreaterThan(0);
      expect(now(far.connect(tag(), { host: 'near', port: 80 }))).toBe(-Errno.EACCES);
    },
  },
  {
    clause: 'SO-3',
    title: 'what was sent before the end is read first, then 0',
    run(fixture) {
      const { near, far, out, into } = connected(fixture);
      expect(near.send(out, 0, utf8('last words'))).toBe(10);
      expect(near.shutdown(out)).toBe(0);
      expect(received(far, into)).toEqual({ text: 'last words', ended: true });
      expect(now(far.send(into, 0, utf8('answer')))).toBe(6);
      expect(received(near, out).text).toBe('answer');
    },
  },
  {
    clause: 'SO-4',
    title: 'a full connection waits, and goes on when it is read',
    run(fixture) {
      const { near, far, out, into } = connected(fixture);
      const block = new Uint8Array(16_384).fill(0x61);
      let sent = 0;
      let reply: Reply = 0;
      for (let count = 0; count < 10_000; count++) {
        reply = near.send(out, sent, block);
        if (typeof reply !== 'number') break;
        sent += reply;
      }
      expect(typeof reply).toBe('object');
      const { text } = received(far, into);
      expect(text.length).toBe(sent);
      expect(now(near.send(out, sent, block))).toBeGreaterThan(0);
    },
  },
);
