import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OPERATIONS } from '@ashlar/kernel-stub';
import { DISTRIBUTION, PluginRegistry, prepareFile, readStackFile } from 'ashlar';
import { describe, expect, it } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const blocks = (text: string, language: string): readonly string[] =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, block]) => block ?? '');

describe('the pages tell the truth', () => {
  it('README: its config is one', async () => {
    const [config = '', ...more] = blocks(read('README.md'), 'yaml');
    expect(more).toEqual([]);
    const folder = mkdtempSync(join(tmpdir(), 'ashlar-readme-'));
    try {
      writeFileSync(join(folder, 'stack.yaml'), config);
      expect((await readStackFile(join(folder, 'stack.yaml'))).config.hypervisors).toHaveLength(2);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('README: its plugin is the one that is tested', () => {
    const plugin = blocks(read('README.md'), 'ts').find((block) => block.includes('@hypervisor'));
    const source = read('examples/meter/src/meter.ts').replace(/\/\*\*[\s\S]*?\*\/\n/g, '');
    expect(source).toContain(plugin?.trim());
  });

  it('ARCHITECTURE: as many operations as there are', () => {
    expect(read('ARCHITECTURE.md')).toContain(`${Object.keys(OPERATIONS).length} typed operations`);
  });

  it('every link to a file leads somewhere', () => {
    const pages = [
      'README.md',
      'ARCHITECTURE.md',
      'docs/spec/README.md',
      'docs/guides/compose.md',
      'docs/guides/plugin.md',
      'docs/guides/conformance.md',
    ];
    for (const page of pages) {
      for (const [, target = ''] of read(page).matchAll(/\]\(([^)#]+)\)/g)) {
        if (target.startsWith('http')) continue;
        const path = new URL(target, new URL(`../../${page}`, import.meta.url));
        expect(() => readFileSync(path), `${page}: ${target}`).not.toThrow(/ENOENT/);
      }
    }
  });

  it.each([
    ['bundle', 1],
    ['wasi', 1],
    ['pipeline', 1],
    ['shared', 2],
  ])('examples/%s: nothing is wrong with its stack', async (name, domains) => {
    const path = fileURLToPath(new URL(`../../examples/${name}/stack.yaml`, import.meta.url));
    expect((await prepareFile(path, new PluginRegistry(DISTRIBUTION))).plan.leaves).toHaveLength(domains);
  });
});
