import { type Context, Errno, type Wait } from '@ashlar/hardware';
import { TestAccount } from '@ashlar/hardware-conformance';
import { describe, expect, it } from 'vitest';
import { parseModule } from './binary/module.ts';
import { Wasm32Cpu } from './cpu.ts';
import { sameBytes } from './preparation.ts';
import { rewriteInPieces, rewriteModule } from './rewrite/module.ts';
import { bodyBytes, PIECE_BYTES } from './rewrite/pieces.ts';
import { LinearSpace } from './space.ts';

const leb = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)]);

/** A module with a memory, `_start`, and functions whose bodies have so many bytes of `i32.const 0 drop`. */
function moduleOf(sizes: readonly number[]): Uint8Array {
  const section = (id: number, ...body: readonly (readonly number[])[]): number[] => [id, ...leb(body.flat().length), ...body.flat()];
  const body = (bytes: number): number[] => {
    const code = Array.from({ length: Math.floor(bytes / 3) }, () => [0x41, 0x00, 0x1a]).flat();
    return [...leb(code.length + 2), 0x00, ...code, 0x0b];
  };
  const count = leb(sizes.length);
  return Uint8Array.from(
    [
      [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      section(1, [1, 0x60, 0, 0]),
      section(3, count, new Array<number>(sizes.length).fill(0)),
      section(5, [1, 0, 1]),
      section(7, [1, 6], [...new TextEncoder().encode('_start')], [0, 0]),
      section(10, count, ...sizes.map(body)),
    ].flat(),
  );
}

const sizes = Array.from({ length: 120 }, (_, index) => 1_000 + ((index * 7919) % 9_000));
const large = moduleOf(sizes);

/** How many times work is left when bodies are taken in order and a piece holds PIECE_BYTES at most. */
function fullPieces(code: Uint8Array): number {
  const module = parseModule(code);
  let [pieces, bytes] = [0, 0];
  for (let index = 0; index < module.functions.length; index++) {
    const next = bodyBytes(module, index);
    if (bytes > 0 && bytes + next > PIECE_BYTES) [pieces, bytes] = [pieces + 1, 0];
    bytes += next;
  }
  return pieces;
}

/** Asks for a context until there is one; what the CPU has under way is waited for as a payload's step does. */
async function ask(cpu: Wasm32Cpu, code: Uint8Array): Promise<{ context: Context | number; askings: number; engine: number }> {
  const space = new LinearSpace(new TestAccount(64));
  let engine = 0;
  for (let askings = 1; ; askings++) {
    const reply: Context | Wait | number = cpu.context(space, code);
    if (typeof reply === 'number' || !('on' in reply)) return { context: reply, askings, engine };
    expect(reply).toEqual({ on: [], until: { sec: 0, nsec: 0 } });
    const pending = cpu.pending();
    if (pending !== undefined) engine++;
    await pending;
  }
}

describe('a large module is made ready in pieces', () => {
  it('surveys and rewrites at most so many bytes of functions at a time', () => {
    const pieces = rewriteInPieces(large);
    let left = 0;
    let last = pieces.next();
    for (; !last.done; last = pieces.next()) left++;
    expect(fullPieces(large)).toBeGreaterThan(3);
    // Once for reading the sections, and then each body twice.
    expect(left).toBe(1 + 2 * fullPieces(large));
    expect(last.value !== undefined && sameBytes(last.value.bytes, rewriteModule(large).bytes)).toBe(true);
  });

  it('takes a function longer than a piece by itself', () => {
    const left = [...rewriteInPieces(moduleOf([10, 2 * PIECE_BYTES, 10]))].length;
    expect(left).toBe(1 + 2 * 2);
  });

  it('asks the engine beside this thread, twice, and does one piece at each asking', async () => {
    const { context, askings, engine } = await ask(new Wasm32Cpu(), large.slice());
    expect(context).toMatchObject({ isa: 'wasm32' });
    expect({ askings, engine }).toEqual({ askings: 2 * fullPieces(large) + 4, engine: 2 });
  });

  it('takes as many askings when it is known already', async () => {
    const cpu = new Wasm32Cpu();
    const first = await ask(cpu, large.slice());
    expect(await ask(cpu, large.slice())).toMatchObject({ askings: first.askings, engine: 0 });
  });

  it('is refused when the engine refuses it', async () => {
    const damaged = large.slice();
    damaged[damaged.length - 2] = 0xff;
    const cpu = new Wasm32Cpu();
    expect(await ask(cpu, damaged)).toMatchObject({ context: -Errno.ENOEXEC });
    expect(cpu.lastRefusal).toMatch(/not a valid WebAssembly module/);
    expect(cpu.pending()).toBeUndefined();
  });

  it('a small one is ready at once', async () => {
    expect(await ask(new Wasm32Cpu(), moduleOf([100]))).toMatchObject({ askings: 1, engine: 0 });
  });
});
