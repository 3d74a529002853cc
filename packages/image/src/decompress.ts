import type { Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ArchiveFault, messageOf } from './error.ts';
import type { ImageLimits } from './limits.ts';

/** Formats that archives are seen in and that are not read here, by their first bytes. */
const REFUSED: readonly { readonly magic: readonly number[]; readonly name: string; readonly tool: string }[] = [
  { magic: [0x28, 0xb5, 0x2f, 0xfd], name: 'zstd', tool: 'zstd -d' },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], name: 'xz', tool: 'xz -d' },
  { magic: [0x42, 0x5a, 0x68], name: 'bzip2', tool: 'bzip2 -d' },
  { magic: [0x50, 0x4b, 0x03, 0x04], name: 'zip', tool: 'unzip' },
];
const GZIP = [0x1f, 0x8b];
const HEAD_BYTES = 6;

/**
 * The bytes of an archive as they are after decompression: gunzipped if they begin as gzip does, else unchanged. The source is always read to its
 * end, also when gzip ends before it, because whoever made the source may check a hash there.
 * @throws ArchiveFault for a format that is not read, damaged or truncated gzip, and growth past the limits
 */
export async function* decompress(source: AsyncIterable<Uint8Array>, limits: ImageLimits): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  const head = await readHead(iterator);
  const counter = { in: 0, out: 0 };
  try {
    const from = rest(head, iterator, counter);
    const chunks = startsWith(head, GZIP) ? gunzip(from) : from;
    for await (const chunk of chunks) {
      counter.out += chunk.length;
      checkGrowth(counter, limits);
      yield chunk;
    }
  } finally {
    await iterator.return?.();
  }
}

function checkGrowth(counter: { in: number; out: number }, limits: ImageLimits): void {
  if (counter.out > limits.totalBytes) throw new ArchiveFault('LIMIT', `more than ${limits.totalBytes} bytes after decompression`);
  if (counter.out > limits.expansionFreeBytes && counter.out > counter.in * limits.expansion) {
    throw new ArchiveFault(
      'LIMIT',
      `it grows more than ${limits.expansion}-fold by decompression`,
      'if you trust it, decompress it yourself',
    );
  }
}

async function readHead(iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < HEAD_BYTES) {
    const next = await iterator.next();
    if (next.done === true) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  if (head.length === 0) throw new ArchiveFault('ARCHIVE', 'the archive is empty');
  for (const { magic, name, tool } of REFUSED) {
    if (startsWith(head, magic)) {
      throw new ArchiveFault(
        'ARCHIVE',
        `it is compressed with ${name}, which is not read here`,
        `unpack it first with ${tool}, or use gzip`,
      );
    }
  }
  return head;
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

async function* rest(head: Uint8Array, iterator: AsyncIterator<Uint8Array>, counter: { in: number }): AsyncGenerator<Uint8Array> {
  counter.in += head.length;
  yield head;
  for (;;) {
    const next = await iterator.next();
    if (next.done === true) return;
    counter.in += next.value.length;
    yield next.value;
  }
}

async function* gunzip(source: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const unzip = createGunzip({ chunkSize: 256 * 1024 });
  const fed = feed(source, unzip).then(
    () => undefined,
    (error: unknown) => {
      unzip.destroy();
      return { error };
    },
  );
  try {
    for await (const chunk of unzip as AsyncIterable<Uint8Array>) yield chunk;
  } catch (error) {
    const broken = unzip.destroyed && codeOf(error).startsWith('Z_') ? undefined : await fed;
    if (broken !== undefined) throw broken.error;
    const truncated = codeOf(error) === 'Z_BUF_ERROR';
    throw new ArchiveFault('ARCHIVE', truncated ? 'the gzip data is truncated' : `the gzip data is damaged (${messageOf(error)})`);
  } finally {
    unzip.destroy();
  }
  const broken = await fed;
  if (broken !== undefined) throw broken.error;
}

async function feed(source: AsyncGenerator<Uint8Array>, to: Transform): Promise<void> {
  let over = false;
  for (const event of ['close', 'end', 'error']) {
    to.once(event, () => {
      over = true;
    });
  }
  for await (const chunk of source) {
    // Past the end of the gzip data the source is still read, and its bytes dropped.
    if (over || to.write(chunk)) continue;
    await drained(to);
  }
  if (!over) to.end();
}

/** Settles when the stream takes more, or never will. */
function drained(to: Transform): Promise<void> {
  const events = ['drain', 'close', 'end', 'error'];
  return new Promise((resolve) => {
    const settle = (): void => {
      for (const event of events) to.off(event, settle);
      resolve();
    };
    for (const event of events) to.on(event, settle);
  });
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
