import { clauseTests } from '@ashlar/conformance';
import type { Channel } from '@ashlar/hardware';
import type { GuestProcess, ProgramOutput, Session } from '@ashlar/userspace';
import { expect } from 'vitest';

/**
 * What the session suite is run on: a domain whose root holds Ashlar's guest programs under `/guests` and a writable `/tmp`.
 * Supports: `writable`, `terminal`, `signal`.
 */
export interface SessionFixture {
  /** A session of its own. */
  open(): Session;
  /** The bare channel of a further session. */
  channel(): Channel;
}

const UPPER = '/guests/upper';

async function textInPieces(output: ProgramOutput): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for (let piece = await output.next(); piece !== undefined; piece = await output.next()) {
    text += decoder.decode(piece, { stream: true });
    output.reuse(piece);
  }
  return text;
}

const start = (session: Session, argv: readonly string[], tty = false): Promise<GuestProcess> =>
  session.run({ argv, env: {}, cwd: '/', tty, ...(tty ? { columns: 80, rows: 24 } : {}) });

async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (const reader = stream.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
  }
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  chunks.reduce((at, chunk) => {
    whole.set(chunk, at);
    return at + chunk.length;
  }, 0);
  return whole;
}

const textOf = async (stream: ReadableStream<Uint8Array>): Promise<string> => new TextDecoder().decode(await bytesOf(stream));

async function send(stream: WritableStream<Uint8Array>, bytes: Uint8Array): Promise<void> {
  const writer = stream.getWriter();
  for (let at = 0; at < bytes.length; at += 10_000) await writer.write(bytes.subarray(at, at + 10_000));
  await writer.close();
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'nothing',
    (error: unknown) => (error as { code?: unknown }).code,
  );

/** Bytes of every value, in no text's order. */
const everyByte = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => (index * 167 + (index >> 8)) & 0xff);

/** The clauses of docs/spec/session.md on sessions. */
export const sessionTests = clauseTests<SessionFixture>(
  {
    clause: 'SE-1',
    title: 'a program has a pid; what cannot be started says why in `code`',
    async run({ open }) {
      const session = open();
      const program = await start(session, ['/guests/hello']);
      expect(program.pid).toBeGreaterThan(0);
      expect((await textOf(program.stdout)).length).toBeGreaterThan(0);
      await program.exit;
      expect(await codeOf(start(session, ['/guests/absent']))).toBe('ENOENT');
      expect(await codeOf(start(session, ['/guests']))).toBe('EACCES');
    },
  },
  {
    clause: 'SE-2',
    title: 'stdout and stderr pass whole and in order',
    async run({ open }) {
      const program = await start(open(), ['/guests/lines', '5000']);
      const [stdout, stderr, exit] = await Promise.all([textOf(program.stdout), textOf(program.stderr), program.exit]);
      expect(stdout.split('\n').length).toBe(5001);
      expect(stdout.endsWith('line 5000 of 5000: the quick brown fox\n')).toBe(true);
      expect([stderr, exit]).toEqual(['', { code: 0 }]);
      const again = await start(open(), ['/guests/lines', '5000']);
      const [inPieces] = await Promise.all([textInPieces(again.outputOf(1)), textInPieces(again.outputOf(2)), again.exit]);
      expect(inPieces).toBe(stdout);
    },
  },
  {
    clause: 'SE-3',
    title: 'stdin passes every byte, and its end',
    async run({ open }) {
      const program = await start(open(), [UPPER]);
      const input = everyByte(300_000);
      const [output] = await Promise.all([bytesOf(program.stdout), send(program.stdin, input)]);
      const expected = input.map((byte) => (byte >= 0x61 && byte <= 0x7a ? byte - 32 : byte));
      expect(output.length).toBe(expected.length);
      expect(output.every((byte, index) => byte === expected[index])).toBe(true);
      expect(await program.exit).toEqual({ code: 0 });
    },
  },
  {
    clause: 'SE-4',
    title: 'a reader that stops stops the program, and nothing is lost',
    async run({ open }) {
      const session = open();
      const program = await start(session, ['/guests/lines', '60000']);
      const reader = program.stdout.getReader();
      let length = (await reader.read()).value?.length ?? 0;
      // A second program runs to its end meanwhile: the first one does not, as it is held back.
      const other = await start(session, ['/guests/lines', '2000']);
      expect((await textOf(other.stdout)).length).toBeGreaterThan(50_000);
      const ended = await Promise.race([program.exit.then(() => true), Promise.resolve(false)]);
      expect(ended).toBe(false);
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        length += value.length;
      }
      expect(length).toBeGreaterThan(2_000_000);
      expect(await program.exit).toEqual({ code: 0 });
    },
  },
  {
    clause: 'SE-5',
    title: 'the code, or the signal',
    async run({ open }) {
      const session = open();
      expect(await (await start(session, ['/guests/end', 'exit', '42'])).exit).toEqual({ code: 42 });
      expect(await (await start(session, ['/guests/end', 'segv'])).exit).toEqual({ signal: 11 });
    },
  },
  {
    clause: 'SE-6',
    title: 'signals reach the program, and nobody after its end',
    requires: ['signal'],
    async run({ open }) {
      const program = await start(open(), [UPPER]);
      await program.signal(15);
      expect(await program.exit).toEqual({ signal: 15 });
      expect(await codeOf(program.signal(15))).toBe('ESRCH');
    },
  },
  {
    clause: 'SE-7',
    title: 'a terminal echoes, edits, interrupts and is resized',
    requires: ['terminal', 'signal'],
    async run({ open }) {
      const program = await start(open(), [UPPER], true);
      await program.resize(100, 40);
      const writer = program.stdin.getWriter();
      await writer.write(utf8('hello\n'));
      const reader = program.stdout.getReader();
      let seen = '';
      while (!seen.includes('HELLO')) seen += new TextDecoder().decode((await reader.read()).value);
      expect(seen).toContain('hello\r\n');
      await writer.write(utf8('\x03'));
      expect(await program.exit).toEqual({ signal: 2 });
      await reader.cancel();
    },
  },
  {
    clause: 'SE-8',
    title: 'files of any size pass unchanged, and errors say which',
    requires: ['writable'],
    async run({ open }) {
      const session = open();
      const bytes = everyByte(1_500_000);
      await send(session.write('/tmp/big', 0o640), bytes);
      const back = await bytesOf(session.read('/tmp/big'));
      expect(back.length).toBe(bytes.length);
      expect(back.every((byte, index) => byte === bytes[index])).toBe(true);
      expect((await session.stat('/tmp/big')).size).toBe(bytes.length);
      expect(await codeOf(bytesOf(session.read('/tmp/absent')))).toBe('ENOENT');
      expect(await codeOf(send(session.write('/tmp/absent/file', 0o644), utf8('x')))).toBe('ENOENT');
      await session.remove('/tmp/big');
    },
  },
  {
    clause: 'SE-9',
    title: 'directories are listed, made and removed',
    requires: ['writable'],
    async run({ open }) {
      const session = open();
      await session.mkdir('/tmp/folder', 0o755);
      await send(session.write('/tmp/folder/file', 0o600), utf8('text'));
      expect((await session.list('/tmp/folder')).map(({ name }) => name).filter((name) => !name.startsWith('.'))).toEqual(['file']);
      expect((await session.stat('/tmp/folder/file')).mode & 0o777).toBe(0o600);
      expect(await codeOf(session.remove('/tmp/folder'))).toBe('ENOTEMPTY');
      await session.remove('/tmp/folder/file');
      await session.remove('/tmp/folder');
      expect(await codeOf(session.stat('/tmp/folder'))).toBe('ENOENT');
    },
  },
  {
    clause: 'SE-10',
    title: 'ten programs at once keep their streams apart',
    async run({ open }) {
      const sessions = [open(), open()];
      const outputs = await Promise.all(
        Array.from({ length: 10 }, async (_, index) => {
          const program = await start(sessions[index % 2] as Session, [UPPER]);
          const [text] = await Promise.all([textOf(program.stdout), send(program.stdin, utf8(`program ${index}\n`.repeat(500)))]);
          return text;
        }),
      );
      for (const [index, text] of outputs.entries()) expect(text).toBe(`PROGRAM ${index}\n`.repeat(500));
    },
  },
  {
    clause: 'SE-11',
    title: 'a malformed frame ends its own session only',
    async run({ open, channel }) {
      const session = open();
      const bad = channel();
      const ended = new Promise<number>((resolve) =>
        bad.receive(
          () => undefined,
          () => undefined,
          resolve,
        ),
      );
      bad.send(Uint8Array.of(0xc1, 0xff, 0x00));
      expect(await ended).toBeLessThan(0);
      const program = await start(session, ['/guests/end', 'exit', '7']);
      expect(await program.exit).toEqual({ code: 7 });
    },
  },
);
