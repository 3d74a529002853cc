import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { decompress } from './decompress.ts';
import { DEFAULT_LIMITS } from './limits.ts';

const hash = (parts: readonly Uint8Array[]): string => parts.reduce((sum, part) => sum.update(part), createHash('sha256')).digest('hex');

it('is held back many times by a slow reader, and leaves no listeners behind', async () => {
  // Bytes that hardly compress, so that many pieces go in.
  const bytes = Buffer.concat(Array.from({ length: 100_000 }, (_, i) => createHash('sha256').update(`${i}`).digest()));
  const packed = gzipSync(bytes, { level: 1 });
  async function* source(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < packed.length; at += 20_000) yield packed.subarray(at, at + 20_000);
  }
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  const parts: Uint8Array[] = [];
  for await (const part of decompress(source(), DEFAULT_LIMITS)) parts.push(Buffer.from(part));
  // Warnings come in their order: this one after all that were due.
  const last = once(process, 'warning');
  process.emitWarning('the last one');
  await last;
  process.off('warning', note);
  expect(hash(parts)).toBe(hash([bytes]));
  expect(warnings.map(({ message }) => message)).toEqual(['the last one']);
});
