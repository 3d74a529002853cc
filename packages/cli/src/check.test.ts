import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ConfigError, PluginRegistry, prepareFile } from '@ashlar/stack';
import { describe, expect, it } from 'vitest';
import { DISTRIBUTION } from './plugins.ts';
import { ashlar } from './testing/command.ts';

const WRONG = fileURLToPath(new URL('./testing/wrong/', import.meta.url));
const files = readdirSync(WRONG).filter((name) => name.endsWith('.yaml'));

/** What is wrong with a file, as a person in its folder is told. */
async function wrongWith(name: string): Promise<string> {
  try {
    await prepareFile(WRONG + name, new PluginRegistry(DISTRIBUTION));
  } catch (error) {
    if (error instanceof ConfigError) return `${error.message.replaceAll(WRONG, './')}\n`;
    throw error;
  }
  throw new Error(`nothing is wrong with ${name}`);
}

describe('wrong stack files', () => {
  it('are at least twenty', () => expect(files.length).toBeGreaterThanOrEqual(20));

  it.each(files)('%s', async (name) => {
    await expect(await wrongWith(name)).toMatchFileSnapshot(`./testing/wrong/${name.replace(/\.yaml$/, '.txt')}`);
  });
});

describe('ashlar check', () => {
  it('says all that is wrong at once, and ends with 125', async () => {
    const { status, stdout, stderr } = await ashlar(['check', '04-misspelt-keys.yaml'], '', WRONG);
    expect({ status, stdout: stdout.toString() }).toEqual({ status: 125, stdout: '' });
    expect(stderr.split('\n').map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'ashlar: 04-misspelt-keys.yaml:2:1:',
      'ashlar: 04-misspelt-keys.yaml:4:3:',
      'ashlar: 04-misspelt-keys.yaml:5:35:',
      '',
    ]);
  });

  it('says that nothing is wrong', async () => {
    const { status, stdout } = await ashlar(['check', 'examples/pipeline/stack.yaml']);
    expect({ status, stdout: stdout.toString() }).toEqual({
      status: 0,
      stdout: 'examples/pipeline/stack.yaml: a stack of one domain; nothing is wrong\n',
    });
  });
});
