import { describe, expect, it } from 'vitest';
import { ClientOutput, streamOf } from './client-output.ts';
import { SESSION_LIMITS } from './protocol.ts';

const WINDOW = SESSION_LIMITS.outputBytes;

function output() {
  const granted: number[] = [];
  let hungUp = 0;
  const made = new ClientOutput(
    (bytes) => granted.push(bytes),
    () => {
      hungUp++;
    },
  );
  return { output: made, granted, hangUps: () => hungUp };
}

const piece = (length: number, value = 1): Uint8Array => new Uint8Array(length).fill(value);
const END = new Uint8Array(0);

describe('an output', () => {
  it('asks for a window at once, and for more as it is read, in large steps', async () => {
    const { output: stdout, granted } = output();
    expect(granted).toEqual([WINDOW]);
    for (let n = 0; n < 4; n++) stdout.receive(piece(WINDOW / 8));
    expect(granted).toEqual([WINDOW]);
    await stdout.next();
    expect(granted).toEqual([WINDOW]);
    await stdout.next();
    expect(granted).toEqual([WINDOW, WINDOW / 4]);
  });

  it('asks for more when a reader was waiting for what came', async () => {
    const { output: stdout, granted } = output();
    const next = stdout.next();
    stdout.receive(piece(WINDOW / 2, 7));
    expect(await next).toEqual(piece(WINDOW / 2, 7));
    expect(granted).toEqual([WINDOW, WINDOW / 2]);
  });

  it('gives all pieces in order, and then the end, again and again', async () => {
    const { output: stdout } = output();
    for (const value of [1, 2, 3]) stdout.receive(piece(value, value));
    stdout.receive(END);
    expect(stdout.ended).toBe(true);
    for (const value of [1, 2, 3]) expect(await stdout.next()).toEqual(piece(value, value));
    expect(await stdout.next()).toBeUndefined();
    expect(await stdout.next()).toBeUndefined();
  });

  it('copies what comes, into memory that was given back where that is large enough', async () => {
    const { output: stdout } = output();
    const frame = piece(100, 1);
    const receive = async (length: number, value: number): Promise<Uint8Array> => {
      frame.fill(value);
      stdout.receive(frame.subarray(0, length));
      return (await stdout.next()) as Uint8Array;
    };
    const first = await receive(10, 1);
    const second = await receive(10, 2);
    expect([first, second]).toEqual([piece(10, 1), piece(10, 2)]);
    stdout.reuse(first);
    const third = await receive(9, 3);
    expect([third, third.buffer]).toEqual([piece(9, 3), first.buffer]);
    expect(third.buffer).toBe(first.buffer);
    stdout.reuse(third);
    const larger = await receive(11, 4);
    expect(larger.buffer).not.toBe(first.buffer);
    expect([second, larger]).toEqual([piece(10, 2), piece(11, 4)]);
  });

  it('holds on to little of what is given back', async () => {
    const { output: stdout } = output();
    const given = Array.from({ length: 20 }, () => piece(10));
    for (const each of given) stdout.reuse(each);
    const buffers = new Set<ArrayBufferLike>(given.map(({ buffer }) => buffer));
    let reused = 0;
    for (let n = 0; n < 20; n++) {
      stdout.receive(piece(10));
      if (buffers.has(((await stdout.next()) as Uint8Array).buffer)) reused++;
    }
    expect(reused).toBe(4);
  });

  it('asks for nothing behind the end', async () => {
    const { output: stdout, granted } = output();
    stdout.receive(piece(WINDOW / 2));
    stdout.receive(END);
    await stdout.next();
    expect(granted).toEqual([WINDOW]);
  });

  it('tells who waits of the end', async () => {
    const { output: stdout } = output();
    const next = stdout.next();
    stdout.receive(END);
    expect(await next).toBeUndefined();
  });

  it('refuses a second reader while one waits', async () => {
    const { output: stdout } = output();
    const first = stdout.next();
    await expect(stdout.next()).rejects.toThrow('twice at once');
    stdout.receive(piece(1));
    expect(await first).toEqual(piece(1));
  });

  it('is closed once: what came and what is under way is dropped, and nothing more is asked for', async () => {
    const { output: stdout, granted, hangUps } = output();
    stdout.receive(piece(WINDOW / 2));
    const [came] = [await stdout.next()];
    expect(came?.length).toBe(WINDOW / 2);
    stdout.receive(piece(10));
    stdout.close();
    stdout.close();
    stdout.receive(piece(20));
    expect(await stdout.next()).toBeUndefined();
    expect(hangUps()).toBe(1);
    expect(granted).toEqual([WINDOW, WINDOW / 2]);
  });

  it('fails for who waits and who comes later, and does not hang up', async () => {
    const { output: stdout, hangUps } = output();
    stdout.receive(piece(5));
    await stdout.next();
    const next = stdout.next();
    stdout.fail(new Error('gone'));
    await expect(next).rejects.toThrow('gone');
    await expect(stdout.next()).rejects.toThrow('gone');
    stdout.close();
    expect(hangUps()).toBe(0);
  });

  it('that has ended does not fail', async () => {
    const { output: stdout } = output();
    stdout.receive(END);
    stdout.fail(new Error('gone'));
    expect(await stdout.next()).toBeUndefined();
  });
});

describe('an output as a stream', () => {
  it('passes pieces and the end', async () => {
    const { output: stdout } = output();
    stdout.receive(piece(3, 9));
    stdout.receive(END);
    expect(new Uint8Array(await new Response(streamOf(stdout)).arrayBuffer())).toEqual(piece(3, 9));
  });

  it('takes nothing before it is read, and hangs up when it is cancelled', async () => {
    const { output: stdout, hangUps } = output();
    const reader = streamOf(stdout).getReader();
    stdout.receive(piece(3, 9));
    expect((await reader.read()).value).toEqual(piece(3, 9));
    await reader.cancel();
    expect(hangUps()).toBe(1);
  });

  it('fails when the output does', async () => {
    const { output: stdout } = output();
    const read = streamOf(stdout).getReader().read();
    stdout.fail(new Error('gone'));
    await expect(read).rejects.toThrow('gone');
  });
});
