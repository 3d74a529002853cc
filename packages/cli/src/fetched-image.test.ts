import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guestPrograms } from '@ashlar/guests';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ashlar } from './testing/command.ts';

let scratch = '';
let registry: Server;
beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'ashlar-fetched-'));
  registry = registryOf('greeting', packed('hello'));
  await new Promise<void>((resolve) => {
    registry.listen(0, '127.0.0.1', resolve);
  });
});
afterEach(async () => {
  registry.closeAllConnections();
  await new Promise((resolve) => {
    registry.close(resolve);
  });
  rmSync(scratch, { recursive: true, force: true });
});

/** A guest program as the tarball of a package. */
function packed(program: string): Buffer {
  const folder = join(scratch, 'package');
  mkdirSync(folder);
  copyFileSync(join(guestPrograms, program), join(folder, program));
  const tarball = join(scratch, 'package.tgz');
  execFileSync('tar', ['-C', scratch, '-czf', tarball, 'package']);
  return readFileSync(tarball);
}

/** A registry that has one version of one package. */
function registryOf(name: string, tarball: Buffer): Server {
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  return createServer(({ url, headers }, response) => {
    if (url === '/tarball') return void response.end(tarball);
    if (url !== `/${name}`) return void response.writeHead(404).end('{}');
    const dist = { tarball: `http://${headers.host}/tarball`, integrity };
    const versions = { '1.0.0': { name, version: '1.0.0', bin: { hello: 'hello' }, dist } };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ name, 'dist-tags': { latest: '1.0.0' }, versions }));
  });
}

/** Runs the installed command, which has never fetched anything. */
function run(image: string, cache = join(scratch, 'cache')) {
  const env = {
    ASHLAR_CACHE: cache,
    npm_config_registry: `http://127.0.0.1:${(registry.address() as AddressInfo).port}/`,
    npm_config_cache: join(scratch, 'npm-cache'),
    npm_config_fetch_retries: '0',
    npm_config_noproxy: '127.0.0.1',
  };
  return ashlar(['run', '--image', image, '--', '/package/hello'], '', scratch, env);
}

it('runs a program of a package that it fetches, and the second time finds it in its cache', async () => {
  expect(await run('npm:greeting')).toMatchObject({ status: 0, stdout: Buffer.from('Hello, world\n'), stderr: '' });
  registry.closeAllConnections();
  registry.removeAllListeners('request');
  expect(await run('npm:greeting@1.0.0')).toMatchObject({ status: 0, stdout: Buffer.from('Hello, world\n'), stderr: '' });
});

it('says what is wrong with a package that is not there, and with a cache that cannot be made', async () => {
  const none = await run('npm:none');
  expect(none.stderr).toContain('npm:none: the registry has no such package');
  const unmade = await run('npm:greeting', '/proc/ashlar/cache');
  expect(unmade.stderr).toContain('the cache at /proc/ashlar/cache cannot be used (ENOENT');
  expect(unmade.stderr).toContain('set ASHLAR_CACHE to a folder that can be written');
  expect([none.status, unmade.status]).toEqual([125, 125]);
});
