import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { layerBreaches } from './layers.ts';
import { readWorkspace } from './workspace.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** A workspace of two packages: a hypervisor plugin with this source, and a kernel stub's interface. */
function breachesOf(source: string, dependencies: readonly string[] = [], file = 'index.ts'): readonly string[] {
  const root = mkdtempSync(join(tmpdir(), 'ashlar-layers-'));
  folders.push(root);
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const manifest = (name: string, names: readonly string[]): string =>
    JSON.stringify({ name, dependencies: Object.fromEntries(names.map((each) => [each, 'workspace:*'])) });
  for (const [folder, name] of [
    ['hypervisor/mine', '@ashlar/hypervisor-mine'],
    ['hypervisor/other', '@ashlar/hypervisor-other'],
    ['kernel-stub/interface', '@ashlar/kernel-stub'],
    ['hardware/interface', '@ashlar/hardware'],
  ] as const) {
    write(`packages/${folder}/package.json`, manifest(name, folder.endsWith('mine') ? dependencies : []));
    write(`packages/${folder}/tsconfig.json`, '{"compilerOptions":{"types":[]}}');
  }
  write(`packages/hypervisor/other/src/index.ts`, 'export class OtherHypervisor implements Hypervisor {}');
  write(`packages/hypervisor/mine/src/${file}`, source);
  return layerBreaches(root, readWorkspace(root));
}

it('lets a plugin import the interface below', () => {
  expect(breachesOf("import type { Machine } from '@ashlar/hardware';", ['@ashlar/hardware'])).toEqual([]);
});

it.each([
  ['a tier above', "import type { System } from '@ashlar/kernel-stub';", 'kernel-stub tier, above'],
  ['a plugin', "export * from '@ashlar/hypervisor-other';", 'no package imports a plugin'],
  ['a plugin, dynamically', "export const load = () => import('@ashlar/hypervisor-other');", 'no package imports a plugin'],
  ['the host, in a package for browsers', "import { readFileSync } from 'node:fs';", 'runs in browsers'],
  ['a library that is not declared', "import { z } from 'zod';", 'not a dependency'],
  ['the constructor of a plugin', 'export const made = new OtherHypervisor();', 'only a container does'],
])('finds %s', (_what, source, why) => {
  const found = breachesOf(source, ['@ashlar/hardware', '@ashlar/kernel-stub', '@ashlar/hypervisor-other']);
  expect(found).toHaveLength(1);
  expect(found[0]).toContain(why);
});

it('lets tests use what they test against', () => {
  expect(breachesOf("import { readFileSync } from 'node:fs'; import '@ashlar/hypervisor-other';", [], 'mine.test.ts')).toEqual([]);
});
