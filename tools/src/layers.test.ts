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

const PACKAGES: Readonly<Record<string, string>> = {
  '.': 'ashlar-workspace',
  'packages/hypervisor/mine': '@ashlar/hypervisor-mine',
  'packages/hypervisor/other': '@ashlar/hypervisor-other',
  'packages/hypervisor/conformance': '@ashlar/hypervisor-conformance',
  'packages/kernel-stub/interface': '@ashlar/kernel-stub',
  'packages/hardware/interface': '@ashlar/hardware',
  'examples/some': '@ashlar/example-some',
  bench: '@ashlar/bench',
  acceptance: '@ashlar/acceptance',
};
const OTHER = `
  export class OtherHypervisor implements Hypervisor {}
  export class HeirHypervisor extends OtherHypervisor {}
  @hypervisor({ name: 'marked' }) export class Marked extends Somewhat {}
  export class Bystander {}`;

/** A workspace with this source in it; `dependencies` are those of `hypervisor/mine`. */
function breachesOf(
  source: string,
  dependencies: readonly string[] = [],
  file = 'packages/hypervisor/mine/src/index.ts',
): readonly string[] {
  const root = mkdtempSync(join(tmpdir(), 'ashlar-layers-'));
  folders.push(root);
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const [folder, name] of Object.entries(PACKAGES)) {
    const named = folder.endsWith('mine') ? dependencies : [];
    const manifest = { name, dependencies: Object.fromEntries(named.map((each) => [each, 'workspace:*'])) };
    write(`${folder}/package.json`, JSON.stringify(manifest));
    write(`${folder}/tsconfig.json`, '{"compilerOptions":{"types":[]}}');
  }
  write('packages/hypervisor/other/src/index.ts', OTHER);
  write(file, source);
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
  expect(
    breachesOf(
      "import { readFileSync } from 'node:fs'; import '@ashlar/hypervisor-other';",
      [],
      'packages/hypervisor/mine/src/mine.test.ts',
    ),
  ).toEqual([]);
});

const IMPORT = "import { OtherHypervisor, HeirHypervisor, Marked, Bystander } from '@ashlar/hypervisor-other';";

it.each([
  'packages/hypervisor/mine/src/mine.test.ts',
  'packages/hypervisor/mine/bench/run.mjs',
  'packages/hypervisor/conformance/src/suite.test.ts',
  'packages/hypervisor/other/src/made.ts',
  'packages/hypervisor/other/bench/run.mjs',
  'examples/some/src/some.test.ts',
  'examples/some/run.js',
  'acceptance/src/all.test.ts',
  'bench/src/speed.ts',
  'scripts/deep/run.mjs',
  'start.mts',
])('finds a plugin constructed in %s', (file) => {
  const why = '1: constructs OtherHypervisor, a plugin class of @ashlar/hypervisor-other: only a container does, or its own tests';
  expect(breachesOf(`${IMPORT} new OtherHypervisor();`, [], file)).toContain(`${file}:${why}`);
});

it.each([
  ['under another name', "import { OtherHypervisor as Mine } from '@ashlar/hypervisor-other'; new Mine();"],
  ['from the whole module', "import * as other from '@ashlar/hypervisor-other'; new other.OtherHypervisor();"],
  ['from a module imported on the way', "new (await import('@ashlar/hypervisor-other')).OtherHypervisor();"],
  ['taken out of one', "const { OtherHypervisor: Mine } = await import('@ashlar/hypervisor-other'); new Mine();"],
  ['by way of a constant', `${IMPORT} const Mine = OtherHypervisor; new Mine();`],
  ['by reflection', `${IMPORT} Reflect.construct(OtherHypervisor, []);`],
  ['that is one by inheritance', `${IMPORT} new HeirHypervisor();`],
  ['that is one by its decorator', `${IMPORT} new Marked();`],
  ['that a script extends', `${IMPORT} const Mine = class extends HeirHypervisor {}; new Mine();`],
])('finds the constructor of a plugin %s', (_how, source) => {
  expect(breachesOf(source, [], 'bench/run.mjs')).toHaveLength(1);
});

it('lets tests construct the plugins of their own package, whatever others are called, and everyone what is no plugin', () => {
  const own = 'class OtherHypervisor implements Hypervisor {} new OtherHypervisor();';
  expect(breachesOf(own, [], 'packages/hypervisor/mine/src/mine.test.ts')).toEqual([]);
  expect(breachesOf(`${IMPORT} new Bystander();`, [], 'acceptance/src/all.test.ts')).toEqual([]);
});

it('reads neither what is built nor what is installed, and knows a folder of sources that is called like one', () => {
  const source = `${IMPORT} new Marked();`;
  for (const built of ['bench/dist/speed.js', 'bench/node_modules/x/index.js', 'examples/some/bundle/main.js'])
    expect(breachesOf(source, [], built)).toEqual([]);
  expect(breachesOf(source, [], 'examples/bundle/project.ts')).toHaveLength(1);
});

it('holds applications to what they declare, and lets them import plugins', () => {
  expect(breachesOf("import '@ashlar/hypervisor-other';", [], 'bench/src/speed.ts')).toEqual([
    'bench/src/speed.ts:1: imports @ashlar/hypervisor-other: it is not a dependency of this package',
  ]);
});
