import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { debianCache, debianRoot } from './debian.ts';

let cache = '';

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'debian-test-'));
  vi.stubEnv('ASHLAR_CACHE', cache);
  vi.stubEnv('ASHLAR_REQUIRE_DEBIAN', '');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true });
});

test('the cache is where ASHLAR_CACHE says', () => {
  expect(debianCache()).toBe(join(cache, 'debian'));
});

test('a complete root in the cache is taken without running anything', () => {
  const path = join(cache, 'debian', 'roots', 'one_two');
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, '.packages'), 'one 1 0\n');
  vi.stubEnv('PATH', '/nonexistent');
  expect(debianRoot(['one', 'two'])).toEqual({ path });
});

test('what is no package name never reaches a command line', () => {
  expect(() => debianRoot(['busybox-static', '; echo'])).toThrow(/"; echo" is not the name of a Debian package/);
  expect(() => debianRoot(['--option'])).toThrow(TypeError);
});

test('where the tools are missing, the answer is a reason; where Debian is required, an error', () => {
  vi.stubEnv('PATH', '/nonexistent');
  expect(debianRoot(['busybox-static']).reason).toMatch(/^no Debian packages \(busybox-static\): /);
  vi.stubEnv('ASHLAR_REQUIRE_DEBIAN', '1');
  expect(() => debianRoot(['busybox-static'])).toThrow(/^no Debian packages \(busybox-static\): /);
});
