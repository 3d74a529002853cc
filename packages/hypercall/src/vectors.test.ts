import { readFileSync } from 'node:fs';
import { Errno, type ErrnoName } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { composeFrame, describeFrame, type FrameDescription, OPERATIONS } from './index.ts';

const read = (file: string): unknown => JSON.parse(readFileSync(new URL(`../vectors/${file}`, import.meta.url), 'utf8'), bytesFrom);
const fromHex = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));

/** `{ "hex": … }` stands for bytes. */
function bytesFrom(_key: string, value: unknown): unknown {
  const isBytes = typeof value === 'object' && value !== null && Object.keys(value).join() === 'hex';
  return isBytes ? fromHex((value as { hex: string }).hex) : value;
}

const frames = read('frames.json') as readonly { readonly name: string; readonly frame: FrameDescription; readonly hex: string }[];
const refused = read('refused.json') as readonly { readonly name: string; readonly hex: string; readonly errno: ErrnoName }[];

describe('test vectors', () => {
  it.each(frames.map((vector) => [vector.name, vector] as const))('HC-1 %s', (_name, { frame, hex }) => {
    expect(describeFrame(fromHex(hex))).toEqual(frame);
    expect(Buffer.from(composeFrame(frame)).toString('hex')).toBe(hex);
  });

  it.each(refused.map((vector) => [vector.name, vector] as const))('HC-3 refuses: %s', (_name, { hex, errno }) => {
    expect(describeFrame(fromHex(hex))).toBe(-Errno[errno]);
  });

  it('HC-20 has a request, and a reply, for every operation', () => {
    const names = new Set(frames.map(({ name }) => name));
    const missing = OPERATIONS.flatMap(({ name, event }) =>
      event === true ? [`event ${name}`] : [`request ${name}`, `reply ${name}`],
    ).filter((name) => !names.has(name));
    expect(missing).toEqual([]);
  });
});
