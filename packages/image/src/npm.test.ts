import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { FileType } from '@ashlar/hardware';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RawEntry, tar } from './archive.test.support.ts';
import { attributesAt, describeTree, readAt } from './look.test.support.ts';
import type { ImageProgress } from './progress.ts';
import { type ResolveOptions, resolveImage } from './resolve.ts';

/** A registry of two versions of one package, on this machine, and what it was asked. */
class Registry {
  readonly requests: { url: string; authorization: string | undefined }[] = [];
  readonly #server: Server = createServer((request, response) => this.#answer(request, response));
  tarballs = new Map<string, Buffer>();
  /** What a tarball's hash is said to be, if not its own. */
  claimedIntegrity: string | undefined;
  refuses = false;

  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
  }
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = decodeURIComponent(request.url ?? '');
    this.requests.push({ url, authorization: request.headers.authorization });
    if (this.refuses) return void response.writeHead(401).end('{}');
    const tarball = this.tarballs.get(url.replace(/^\/t\//, ''));
    if (tarball !== undefined) return void response.end(tarball);
    if (url !== '/@scope/tool') return void response.writeHead(404).end('{}');
    const versions = Object.fromEntries([...this.tarballs].map(([version, bytes]) => [version, this.#manifest(version, bytes)]));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ name: '@scope/tool', 'dist-tags': { latest: '1.1.0', old: '1.0.0' }, versions }));
  }

  #manifest(version: string, bytes: Buffer): object {
    const integrity = this.claimedIntegrity ?? `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
    const dist = { tarball: `${this.url}t/${version}`, integrity, unpackedSize: 1000 };
    return { name: '@scope/tool', version, cpu: ['riscv64'], os: ['plan9'], bin: { tool: './bin/tool.js' }, dist };
  }
}

let home: string;
let registry: Registry;
let events: ImageProgress[];
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'ashlar-npm-'));
  mkdirSync(join(home, 'project'));
  registry = new Registry();
  await registry.start();
  registry.tarballs.set('1.0.0', pack([{ name: 'package/index.js', content: 'one' }]));
  registry.tarballs.set(
    '1.1.0',
    pack([
      { name: 'other-name/package.json', content: '{"name":"@scope/tool"}', mode: 0o600 },
      { name: 'other-name/bin/tool.js', content: 'tool', mode: 0o644 },
      { name: 'other-name/bin/native', content: 'native', mode: 0o4711 },
      { name: 'other-name/link', type: '2', link: '/etc/passwd' },
      { name: 'other-name/hard', type: '1', link: 'other-name/package.json' },
    ]),
  );
  writeFileSync(join(home, '.npmrc'), `@scope:registry=${registry.url}\nnoproxy=127.0.0.1\nfetch-retries=0\n`);
  const host = registry.url.replace('http:', '');
  writeFileSync(join(home, 'project', '.npmrc'), `${host}:_authToken=\${TEST_TOKEN}\n`);
  writeFileSync(join(home, 'project', 'package.json'), '{}');
  events = [];
});
afterEach(async () => {
  await registry.stop();
  rmSync(home, { recursive: true, force: true });
});

const pack = (entries: readonly RawEntry[]): Buffer => gzipSync(tar(entries));

function resolve(spec: string, options: ResolveOptions = {}) {
  return resolveImage(spec, {
    cache: join(home, 'cache'),
    cwd: join(home, 'project'),
    env: { HOME: home, TEST_TOKEN: 'sesame', npm_config_cache: join(home, 'npm-cache'), PATH: process.env.PATH },
    progress: (event) => events.push(event),
    ...options,
  });
}

describe('npm:', () => {
  it('puts the files of a package under /package, as npm would install them, whatever its cpu and os', async () => {
    const { tree, resolved } = await resolve('npm:@scope/tool@1.1.0');
    expect(resolved).toBe('npm:@scope/tool@1.1.0');
    expect(describeTree(tree)).toEqual([
      '/package/',
      '/package/bin/',
      '/package/bin/native = native',
      '/package/bin/tool.js = tool',
      '/package/package.json = {"name":"@scope/tool"}',
    ]);
    const modeOf = (path: string) => attributesAt(tree, path).mode & ~FileType.MASK;
    expect(['/package', '/package/package.json', '/package/bin/tool.js', '/package/bin/native'].map(modeOf)).toEqual([
      0o755, 0o644, 0o755, 0o755,
    ]);
    tree.close();
  });

  it('honours the configuration of the user and of the project: registry of a scope, and token from the environment', async () => {
    (await resolve('npm:@scope/tool@1.1.0')).tree.close();
    expect(registry.requests.map(({ url }) => url)).toEqual(['/@scope/tool', '/t/1.1.0']);
    for (const { authorization } of registry.requests) expect(authorization).toBe('Bearer sesame');
  });

  it('resolves tags and ranges, says to what, and reports progress', async () => {
    const answers = [];
    for (const wanted of ['', '@old', '@^1.0.0', '@1.0', '@<1.1']) {
      const { tree, resolved } = await resolve(`npm:@scope/tool${wanted}`);
      answers.push(resolved);
      tree.close();
    }
    expect(answers).toEqual(['1.1.0', '1.0.0', '1.1.0', '1.0.0', '1.0.0'].map((version) => `npm:@scope/tool@${version}`));
    expect(events.map(({ phase }) => phase)).toContain('resolve');
    const unpacked = events.filter(({ phase }) => phase === 'unpack');
    expect(unpacked.at(-1)).toMatchObject({ totalBytes: 1000, doneBytes: 3 });
  });

  it('asks nobody for an exact version that is cached, nor for anything when offline', async () => {
    for (const spec of ['npm:@scope/tool@1.0.0', 'npm:@scope/tool@old']) (await resolve(spec)).tree.close();
    registry.requests.length = 0;
    for (const [spec, offline] of [
      ['npm:@scope/tool@1.0.0', false],
      ['npm:@scope/tool@1.0.0', true],
      ['npm:@scope/tool@old', true],
    ] as const) {
      const { tree, resolved } = await resolve(spec, { offline });
      expect(resolved).toBe('npm:@scope/tool@1.0.0');
      expect(readAt(tree, '/package/index.js')).toBe('one');
      tree.close();
    }
    expect(registry.requests).toEqual([]);
    await expect(resolve('npm:@scope/tool@1.1.0', { offline: true })).rejects.toThrow('npm:@scope/tool@1.1.0: it is not in the cache');
  });

  it('refuses what does not have the promised hash, and keeps nothing of it', async () => {
    registry.claimedIntegrity = `sha512-${createHash('sha512').update('something else').digest('base64')}`;
    await expect(resolve('npm:@scope/tool@1.0.0')).rejects.toMatchObject({ code: 'INTEGRITY', spec: 'npm:@scope/tool@1.0.0' });
    expect(readdirSync(join(home, 'cache', 'tmp'))).toEqual([]);
    expect(readdirSync(join(home, 'cache'))).not.toContain('refs');
  });

  it('checks the hash of all that arrives, also behind the end of the gzip data', async () => {
    const whole = registry.tarballs.get('1.0.0')!;
    registry.claimedIntegrity = `sha512-${createHash('sha512').update(whole).digest('base64')}`;
    registry.tarballs.set('1.0.0', Buffer.concat([whole, Buffer.alloc(300_000)]));
    await expect(resolve('npm:@scope/tool@1.0.0')).rejects.toMatchObject({ code: 'INTEGRITY' });
  });

  it('refuses a hostile package whose hash is right', async () => {
    registry.tarballs.set('1.0.0', pack([{ name: 'package/../../evil', content: 'x' }]));
    await expect(resolve('npm:@scope/tool@1.0.0')).rejects.toMatchObject({ code: 'ARCHIVE' });
  });

  it.each([
    ['npm:@scope/tool@9', 'NOT_FOUND', 'npm:@scope/tool@9: no such version; newest is 1.1.0'],
    ['npm:@scope/tool@nightly', 'NOT_FOUND', 'npm:@scope/tool@nightly: no such version; newest is 1.1.0'],
    ['npm:@scope/none', 'NOT_FOUND', 'npm:@scope/none: the registry has no such package; check the name “@scope/none”'],
  ])('says of %s what is wrong', async (spec, code, message) => {
    await expect(resolve(spec)).rejects.toMatchObject({ code, message });
  });

  it('says when the registry refuses, and when it cannot be reached', async () => {
    registry.refuses = true;
    await expect(resolve('npm:@scope/tool')).rejects.toThrow('the registry refuses (E401); log in with “npm login”');
    await registry.stop();
    await expect(resolve('npm:@scope/tool')).rejects.toThrow('the registry cannot be reached');
    await registry.start();
  });

  it('can be stopped', async () => {
    const stop = new AbortController();
    const result = resolve('npm:@scope/tool@1.1.0', { signal: stop.signal, progress: () => stop.abort() });
    await expect(result).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
