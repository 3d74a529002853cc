import { chmodSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { FileType } from '@ashlar/hardware';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gnuLongName, pax, type RawEntry, tar } from './archive.test.support.ts';
import { ImageError } from './error.ts';
import type { ImageLimits } from './limits.ts';
import { attributesAt, describeTree, nodeAt, outcome, readAt } from './look.test.support.ts';
import { resolveImage } from './resolve.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ashlar-archive-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function open(archive: Buffer, limits: Partial<ImageLimits> = {}) {
  writeFileSync(join(folder, 'a.tar'), archive);
  return resolveImage('tar:a.tar', { cwd: folder, cache: join(folder, 'cache'), limits });
}

async function linesOf(archive: Buffer, limits: Partial<ImageLimits> = {}): Promise<string[]> {
  const { tree } = await open(archive, limits);
  const lines = describeTree(tree);
  tree.close();
  return lines;
}

/** The one-line message with which an archive is refused. */
async function refusal(archive: Buffer, limits: Partial<ImageLimits> = {}): Promise<string> {
  const error: unknown = await open(archive, limits).then(
    ({ tree }) => describeTree(tree),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ImageError)) throw new Error(`not refused: ${String(error)}`);
  // What is refused leaves nothing behind.
  expect(readdirSync(join(folder, 'cache', 'tmp'))).toEqual([]);
  expect(error.message).not.toContain('\n');
  return error.message;
}

describe('archives', () => {
  it('become a tree with the attributes they say', async () => {
    const { tree } = await open(
      tar([
        { name: './', type: '5', mode: 0o700 },
        { name: './bin/prog', content: 'program', mode: 0o4755, mtime: 1_000_000_000, uid: 7 },
        { name: 'bin/link', type: '2', link: '/etc/../bin/prog' },
        { name: 'bin/same', type: '1', link: './bin/prog' },
        { name: 'dev/null', type: '3', major: 1, minor: 3, mode: 0o666 },
        { name: 'pipe', type: '6' },
      ]),
    );
    expect(describeTree(tree)).toEqual([
      '/bin/',
      '/bin/link -> /etc/../bin/prog',
      '/bin/prog = program',
      '/bin/same = program',
      '/dev/',
      '/dev/null type 20000',
      '/pipe type 10000',
    ]);
    expect(attributesAt(tree, '/').mode).toBe(FileType.DIRECTORY | 0o700);
    expect(attributesAt(tree, '/').links).toBe(4);
    expect(attributesAt(tree, '/bin/prog')).toMatchObject({
      mode: FileType.REGULAR | 0o4755,
      links: 2,
      uid: 7,
      mtime: { sec: 1_000_000_000 },
    });
    expect(nodeAt(tree, '/bin/same')).toBe(nodeAt(tree, '/bin/prog'));
    expect(attributesAt(tree, '/dev/null').rdev).toBe(0x103);
    expect(outcome(nodeAt(tree, '/bin/none'))).toBe('ENOENT');
    expect(outcome(nodeAt(tree, '/bin/prog/x'))).toBe('ENOTDIR');
    tree.close();
  });

  it('may be gzipped, whatever they are called, and have long names of either kind', async () => {
    const long = `${'d'.repeat(120)}/${'f'.repeat(200)}`;
    const archive = tar([
      gnuLongName(long),
      { name: 'cut', content: 'gnu' },
      pax({ path: 'pax/ü', mtime: '5.25' }),
      { name: 'cut', content: 'pax' },
    ]);
    const { tree } = await open(gzipSync(archive));
    expect(readAt(tree, long)).toBe('gnu');
    expect(readAt(tree, 'pax/ü')).toBe('pax');
    expect(attributesAt(tree, 'pax/ü').mtime).toEqual({ sec: 5, nsec: 250_000_000 });
    tree.close();
  });

  it('keep names as bytes, also those that are not UTF-8', async () => {
    expect(await linesOf(tar([{ name: 'caf\xe9\xff', content: 'x' }]))).toEqual(['/caf\xe9\xff = x']);
  });

  it('are read from the cache by offset: large files, at any place', async () => {
    const content = Buffer.from(Array.from({ length: 700_000 }, (_, i) => i % 251));
    const { tree } = await open(
      tar([
        { name: 'small', content: 's' },
        { name: 'large', content },
      ]),
    );
    const node = nodeAt(tree, 'large');
    for (const [at, length] of [
      [0, 10],
      [131_000, 2000],
      [699_990, 100],
      [262_143, 3],
      [700_000, 5],
    ] as const) {
      const to = Buffer.alloc(length);
      const moved = tree.read(node, at, to);
      expect(to.subarray(0, moved).equals(content.subarray(at, at + length))).toBe(true);
    }
    tree.close();
  });
});

describe('hostile archives', () => {
  it.each<[string, RawEntry[], string[]]>([
    ['an absolute name lands inside', [{ name: '/etc/passwd', content: 'x' }], ['/etc/', '/etc/passwd = x']],
    ['a link that points out is only a link', [{ name: 'l', type: '2', link: '../../../etc/passwd' }], ['/l -> ../../../etc/passwd']],
    [
      'a file given twice is the later one',
      [
        { name: 'f', content: 'first' },
        { name: 'f', content: 'second' },
      ],
      ['/f = second'],
    ],
    [
      'a link may replace a file',
      [
        { name: 'f', content: 'x' },
        { name: 'f', type: '2', link: 't' },
      ],
      ['/f -> t'],
    ],
    [
      'a directory may come after what is in it',
      [
        { name: 'd/f', content: 'x' },
        { name: 'd/', type: '5' },
      ],
      ['/d/', '/d/f = x'],
    ],
    ['dots and doubled slashes mean nothing', [{ name: './/a/./b//c', content: 'x' }], ['/a/', '/a/b/', '/a/b/c = x']],
    [
      'a replaced file stays under its other name',
      [
        { name: 'a', content: '1' },
        { name: 'b', type: '1', link: 'a' },
        { name: 'a', content: '2' },
      ],
      ['/a = 2', '/b = 1'],
    ],
  ])('%s', async (_what, entries, lines) => {
    expect(await linesOf(tar(entries))).toEqual(lines);
  });

  it.each<[string, RawEntry[], string]>([
    ['“..” in a path', [{ name: 'a/../../x', content: 'x' }], 'has “..” in it'],
    ['“..” in the name of a hard link', [{ name: 'h', type: '1', link: '../../etc/passwd' }], 'has “..” in it'],
    ['a hard link to what is not there', [{ name: 'h', type: '1', link: '/etc/passwd' }], 'not in the archive before it'],
    [
      'a hard link to a directory',
      [
        { name: 'd/', type: '5' },
        { name: 'h', type: '1', link: 'd' },
      ],
      'names a directory',
    ],
    [
      'a hard link through a link',
      [
        { name: 'l', type: '2', link: '/' },
        { name: 'h', type: '1', link: 'l/x' },
      ],
      'not in the archive before it',
    ],
    ['a hard link without a name', [{ name: 'h', type: '1' }], 'names nothing'],
    [
      'a path through a symbolic link',
      [
        { name: 'l', type: '2', link: '/tmp' },
        { name: 'l/x', content: 'x' },
      ],
      'leads through a symbolic link',
    ],
    [
      'a path through a file',
      [
        { name: 'f', content: 'x' },
        { name: 'f/x', content: 'x' },
      ],
      'leads through something that is not a directory',
    ],
    [
      'a directory over a file',
      [
        { name: 'f', content: 'x' },
        { name: 'f/', type: '5' },
      ],
      'leads through something that is not a directory',
    ],
    [
      'a file over a directory',
      [
        { name: 'd/x', content: 'x' },
        { name: 'd', content: 'x' },
      ],
      'once as a directory and once as something else',
    ],
    ['a file in place of the root', [{ name: './.', content: 'x' }], 'the path of the root'],
    ['a symbolic link without a target', [{ name: 'l', type: '2' }], 'has no target'],
    ['a pax name that is not UTF-8', [pax({ path: Buffer.from([0x66, 0xff]) }), { name: 'f', content: 'x' }], 'not UTF-8'],
    ['a pax name with a NUL', [pax({ path: 'a\0b' }), { name: 'f', content: 'x' }], 'NUL byte'],
    ['a sparse file', [{ name: 's', type: 'S', content: 'x' }], 'not read here'],
    ['a name that is too long', [gnuLongName('n'.repeat(256)), { name: 'f' }], 'has 256 bytes, more than 255'],
    ['a path that is too long', [gnuLongName(`${'n'.repeat(100)}/`.repeat(41)), { name: 'f' }], 'more than 4095'],
    ['a path that is too deep', [gnuLongName(`${'d/'.repeat(300)}f`), { name: 'f' }], '301 names deep, more than 256'],
    [
      'a pax header without end',
      [
        { name: 'x', type: 'x', claimedSize: 100_000_000 },
        { name: 'f', content: 'x' },
      ],
      'more than 4 MiB',
    ],
  ])('%s is refused', async (_what, entries, message) => {
    expect(await refusal(tar(entries))).toContain(message);
  });

  it.each<[string, RawEntry[], Partial<ImageLimits>, string]>([
    ['entries', Array.from({ length: 30 }, (_, i) => ({ name: `f${i}` })), { entries: 20 }, 'more than 20 files and directories'],
    ['implied directories', [{ name: 'a/b/c/d/e/f' }], { entries: 4 }, 'more than 4 files and directories'],
    ['bytes of a file', [{ name: 'f', claimedSize: 8_000_000_000 }], {}, 'has 8000000000 bytes, more than 4294967296'],
    [
      'bytes altogether',
      [
        { name: 'a', content: 'x'.repeat(900) },
        { name: 'b', content: 'x'.repeat(900) },
      ],
      { totalBytes: 1500 },
      'more than 1500 bytes',
    ],
  ])('too many %s are refused', async (_what, entries, limits, message) => {
    expect(await refusal(tar(entries), limits)).toContain(message);
  });

  it('a gzip bomb is stopped while it grows', async () => {
    const bomb = gzipSync(tar([{ name: 'zeroes', content: Buffer.alloc(8_000_000) }]));
    expect(bomb.length).toBeLessThan(20_000);
    expect(await refusal(bomb, { expansionFreeBytes: 1_000_000 })).toContain('grows more than 200-fold');
    expect(await refusal(bomb, { totalBytes: 2_000_000 })).toContain('more than 2000000 bytes');
  });

  it('a truncated archive is refused wherever it was cut', async () => {
    const whole = tar([
      { name: 'a', content: 'x'.repeat(700) },
      { name: 'b', content: 'y'.repeat(10) },
    ]);
    for (const length of [1, 300, 512, 700, 1536, 1540, 2048, 2058]) {
      expect(await refusal(whole.subarray(0, length))).toMatch(/truncated|not a tar archive/);
    }
    const zipped = gzipSync(whole);
    for (const length of [3, 20, zipped.length - 4]) {
      expect(await refusal(zipped.subarray(0, length))).toMatch(/truncated|not a tar archive/);
    }
  });

  it('what is no tar archive is refused in words, with the way out', async () => {
    expect(await refusal(Buffer.alloc(0))).toContain('the archive is empty');
    expect(await refusal(Buffer.from('hello, world'.repeat(100)))).toContain('not a tar archive');
    expect(await refusal(Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0]))).toContain(
      'compressed with zstd, which is not read here; unpack it first with zstd -d',
    );
    const damaged = gzipSync(tar([{ name: 'a', content: 'x'.repeat(9000) }]));
    damaged.fill(0x55, 30, 60);
    expect(await refusal(damaged)).toMatch(/damaged|not a tar/);
  });

  it('any damage gives a tree or a refusal, and nothing else', async () => {
    const whole = tar([
      { name: 'dir/', type: '5' },
      { name: 'dir/file', content: 'content' },
      { name: 'dir/link', type: '2', link: 'file' },
      pax({ path: 'dir/pax' }),
      { name: 'p', content: 'pax' },
      { name: 'dir/hard', type: '1', link: 'dir/file' },
    ]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }), async (damage) => {
        const archive = Buffer.from(whole);
        for (const [at, byte] of damage) archive[at] = byte;
        await open(archive).then(
          ({ tree }) => {
            for (const line of describeTree(tree)) expect(line).not.toContain('/../');
            tree.close();
          },
          (error: unknown) => expect(error).toBeInstanceOf(ImageError),
        );
      }),
      { numRuns: 60, seed: 7 },
    );
  });
});

describe('the cache', () => {
  const archive = tar([{ name: 'f', content: 'x'.repeat(300_000) }]);
  const contentFolder = () => join(folder, 'cache', 'content', readdirSync(join(folder, 'cache', 'content'))[0]!);

  it('is used for the same file, and not when the file changed', async () => {
    const progress: number[] = [];
    const options = {
      cwd: folder,
      cache: join(folder, 'cache'),
      progress: (event: { doneBytes: number }) => progress.push(event.doneBytes),
    };
    writeFileSync(join(folder, 'a.tar'), archive);
    const first = await resolveImage('tar:a.tar', options);
    expect(progress.at(-1)).toBe(archive.length);
    progress.length = 0;
    const second = await resolveImage('tar:a.tar', options);
    expect(progress).toEqual([]);
    expect(second.tree.id).toBe(first.tree.id);
    writeFileSync(join(folder, 'a.tar'), tar([{ name: 'f', content: 'other' }]));
    const third = await resolveImage('tar:a.tar', options);
    expect(readAt(third.tree, 'f')).toBe('other');
    for (const { tree } of [first, second, third]) tree.close();
  });

  it.each([
    ['truncated contents', () => truncateData()],
    ['changed contents', () => overwrite('data')],
    ['a changed index', () => overwrite('index')],
    ['a missing file', () => rmSync(join(contentFolder(), 'data'))],
  ])('finds %s and makes the entry again', async (_what, damage) => {
    (await open(archive)).tree.close();
    damage();
    const again = await resolveImage('tar:a.tar', { cwd: folder, cache: join(folder, 'cache') });
    expect(readAt(again.tree, 'f') === 'x'.repeat(300_000)).toBe(true);
    again.tree.close();
  });

  it('gives EIO, never wrong bytes, for damage that shows only when it is read', async () => {
    const { tree } = await open(archive);
    // After it was opened, so that nothing but the read can find it.
    overwrite('data');
    expect(readAt(tree, 'f').slice(0, 10)).toBe('EIO');
    tree.close();
    const again = await resolveImage('tar:a.tar', { cwd: folder, cache: join(folder, 'cache') });
    expect(readAt(again.tree, 'f') === 'x'.repeat(300_000)).toBe(true);
    again.tree.close();
  });

  it('is safe with many at once', async () => {
    writeFileSync(join(folder, 'a.tar'), archive);
    const all = await Promise.all(
      Array.from({ length: 8 }, () => resolveImage('tar:a.tar', { cwd: folder, cache: join(folder, 'cache') })),
    );
    expect(new Set(all.map(({ tree }) => tree.id)).size).toBe(1);
    for (const { tree } of all) {
      expect(attributesAt(tree, 'f').size).toBe(300_000);
      tree.close();
    }
    expect(readdirSync(join(folder, 'cache', 'content'))).toHaveLength(1);
    expect(readdirSync(join(folder, 'cache', 'tmp'))).toEqual([]);
  });

  it('keeps nothing of what was stopped', async () => {
    writeFileSync(join(folder, 'a.tar'), archive);
    const stop = new AbortController();
    const result = resolveImage('tar:a.tar', {
      cwd: folder,
      cache: join(folder, 'cache'),
      signal: stop.signal,
      progress: () => stop.abort(),
    });
    await expect(result).rejects.toMatchObject({ code: 'ABORTED', spec: 'tar:a.tar' });
    expect(readdirSync(join(folder, 'cache', 'tmp'))).toEqual([]);
  });

  function overwrite(name: string): void {
    const path = join(contentFolder(), name);
    const bytes = Buffer.alloc(name === 'data' ? 300_000 : 100, 0x41);
    chmodSync(path, 0o600);
    writeFileSync(path, bytes);
  }
  function truncateData(): void {
    const path = join(contentFolder(), 'data');
    chmodSync(path, 0o600);
    truncateSync(path, 1000);
  }
});
