import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { runCell } from './matrix.ts';
import { matrixPrograms } from './matrix-programs.ts';

let cache = '';
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'ashlar-matrix-'));
  vi.stubEnv('ASHLAR_CACHE', cache);
  vi.stubEnv('ASHLAR_REQUIRE_NPM', '');
  // A registry that nobody can be: fetching fails at once.
  vi.stubEnv('npm_config_registry', 'http://127.0.0.1:9/');
  vi.stubEnv('npm_config_noproxy', '127.0.0.1');
  vi.stubEnv('npm_config_fetch_retries', '0');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true });
});

it('leaves out a program that npm cannot give, with the reason', async () => {
  const { programs, leftOut } = await matrixPrograms(['hello', 'esbuild'], () => undefined);
  expect(programs.map(({ name }) => name)).toEqual(['hello']);
  expect(leftOut).toEqual([{ program: 'esbuild', reason: expect.stringContaining('npm:@esbuild/linux-riscv64@0.28.2') }]);
});

it('fails where nothing from npm may be left out', async () => {
  vi.stubEnv('ASHLAR_REQUIRE_NPM', '1');
  await expect(matrixPrograms(['esbuild'], () => undefined)).rejects.toThrow('npm:@esbuild/linux-riscv64@0.28.2');
});

it('compares stdout and status with what was recorded, and tells a refusal from a difference', async () => {
  const { programs } = await matrixPrograms(['hello', 'fork-wait'], () => undefined);
  const [hello, forks] = programs as [(typeof programs)[number], (typeof programs)[number]];
  const combination = { hardware: 'sim', hypervisors: ['direct'], kernel: 'solo' };
  expect(await runCell(combination, hello)).toMatchObject({ program: 'hello', outcome: 'equal', reason: '' });
  expect(await runCell(combination, forks)).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('process') });
  const changed = (expected: object) => ({ ...hello, expected: () => ({ ...hello.expected(), ...expected }) });
  const other = await runCell(combination, changed({ stdout: new Uint8Array(1) }));
  expect(other).toMatchObject({ outcome: 'different', reason: 'stdout differs' });
  expect(await runCell(combination, changed({ status: 7 }))).toMatchObject({ outcome: 'different', reason: 'status 0 instead of 7' });
});
