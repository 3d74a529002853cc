import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Output } from './output.ts';

/** A stream that takes what it is given, or fails. */
function stream(fails = false): { readonly taken: string[]; readonly open: () => NodeJS.WriteStream; opened: number } {
  const taken: string[] = [];
  const made = {
    taken,
    opened: 0,
    open: () => {
      made.opened++;
      const write = (chunk: Buffer, _: string, done: (error?: Error) => void): void => {
        if (chunk.length > 0) taken.push(chunk.toString());
        done(fails ? Object.assign(new Error('no'), { code: 'EPIPE' }) : undefined);
      };
      return new Writable({ write }) as unknown as NodeJS.WriteStream;
    },
  };
  return made;
}
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('an output', () => {
  let folder: string;
  let file: number;
  const content = (): string => readFileSync(join(folder, 'out'), 'utf8');

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ashlar-output-'));
    file = openSync(join(folder, 'out'), 'w');
  });
  afterEach(() => {
    closeSync(file);
    rmSync(folder, { recursive: true });
  });

  it('writes the little that is said before it is flushed without a stream', async () => {
    const { open } = stream();
    const output = new Output(file, open);
    const chunk = bytes('hello, ');
    expect(await output.write(chunk)).toBeUndefined();
    chunk.fill(0);
    output.say('world');
    expect(content()).toBe('');
    expect(await output.flush()).toBeUndefined();
    expect(content()).toBe('hello, world');
  });

  it('opens the stream for what is more, in order', async () => {
    const made = stream();
    const output = new Output(file, made.open);
    output.say('a');
    await output.write(bytes('b'.repeat(5000)));
    output.say('c');
    await output.flush();
    expect([made.opened, made.taken, content()]).toEqual([1, ['a', 'b'.repeat(5000), 'c'], '']);
  });

  it('opens the stream when nothing came for a moment', () => {
    vi.useFakeTimers();
    const made = stream();
    const output = new Output(file, made.open);
    output.say('a');
    vi.advanceTimersByTime(9);
    expect(made.taken).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(made.taken).toEqual(['a']);
    vi.useRealTimers();
  });

  it('holds back no longer what comes behind a flush', async () => {
    const made = stream();
    const output = new Output(file, made.open);
    output.say('a');
    await output.flush();
    vi.useFakeTimers();
    output.say('b');
    vi.advanceTimersByTime(10);
    vi.useRealTimers();
    expect([made.taken, content()]).toEqual([['b'], 'a']);
  });

  it('holds nothing back behind what the other one says', async () => {
    const [one, other] = [stream(), stream()];
    const [first, second] = [new Output(file, one.open), new Output(file, other.open)];
    first.say('a');
    second.say('b');
    expect(one.taken).toEqual(['a']);
    first.say('c');
    expect([one.taken, other.taken]).toEqual([['a', 'c'], ['b']]);
    await Promise.all([first.flush(), second.flush()]);
    expect(content()).toBe('');
  });

  it('tells who writes or flushes what went wrong, once', async () => {
    const broken = new Output(file, stream(true).open);
    broken.say('a');
    broken.open();
    expect(await broken.write(bytes('b'))).toMatchObject({ code: 'EPIPE' });
    const closed = openSync(join(folder, 'out'), 'r');
    const readOnly = new Output(closed, stream().open);
    readOnly.say('a');
    expect(await readOnly.flush()).toMatchObject({ code: 'EBADF' });
    expect(await readOnly.flush()).toBeUndefined();
    closeSync(closed);
  });

  it('is not lost when the process exits', () => {
    const script = `const { stdout } = await import(${JSON.stringify(new URL('../dist/output.js', import.meta.url).href)}); stdout.say('held'); process.exit(3);`;
    const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 3, stdout: 'held' });
  });
});
