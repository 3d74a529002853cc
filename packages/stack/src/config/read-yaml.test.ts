import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ConfigError } from './diagnostic.ts';
import { readYaml } from './read-yaml.ts';
import { stackJsonSchema } from './schema.ts';
import { parseSize } from './size.ts';

const errorsOf = (text: string): string => {
  try {
    readYaml(text, 'stack.yaml');
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'nothing is wrong';
};

describe('readYaml', () => {
  it('takes the config of the README', () => {
    const text = [
      'ashlar: 1',
      'hardware: { use: sim, seed: 42 }',
      'hypervisors: [direct, { use: worker, memory: 512MiB }]',
      'kernel: posix',
      'userspace:',
      '  use: [linux, wasi]',
      '  image: npm:@esbuild/linux-riscv64@0.28.2',
      '  volumes: [{ host: ./project, guest: /project, readOnly: true }]',
      '  run: [/package/bin/esbuild, /project/in.ts, --bundle]',
    ].join('\n');
    expect(readYaml(text, 'stack.yaml').config.userspace?.image).toBe('npm:@esbuild/linux-riscv64@0.28.2');
  });

  it('says every error of a file at once, with its line', () => {
    const text = ['ashlar: 2', 'kernal: posix', 'userspace:', '  imgae: dir:.', 'memory: lots'].join('\n');
    expect(errorsOf(text)).toMatchInlineSnapshot(`
      "stack.yaml:1:1: ashlar: 2: expected 1; write \`ashlar: 1\` as the first line
      stack.yaml:2:1: kernal: unknown key; did you mean 'kernel'?
      stack.yaml:4:3: userspace.imgae: unknown key; did you mean 'image'?
      stack.yaml:5:1: memory: 'lots': expected a size such as 512MiB or 2GiB"
    `);
  });

  it('says where the YAML itself is wrong', () => {
    expect(errorsOf('ashlar: 1\nuserspace: [\n')).toMatchInlineSnapshot(
      `"stack.yaml:3:1: Flow sequence in block collection must be sufficiently indented and end with a ]; mend the YAML"`,
    );
  });

  it('knows the nearest key deep in a list', () => {
    expect(errorsOf('ashlar: 1\nuserspace:\n  volumes:\n    - { host: a, guest: b, readonly: true }\n')).toMatchInlineSnapshot(`
      "stack.yaml:4:18: userspace.volumes[0].guest: 'b': expected an absolute path
      stack.yaml:4:28: userspace.volumes[0].readonly: unknown key; did you mean 'readOnly'?"
    `);
  });

  it('says what a plugin entry and a domain name look like', () => {
    expect(errorsOf('ashlar: 1\nhypervisors: direct\nkernel: 3\ndomains: { Web!: {} }\n')).toMatchInlineSnapshot(`
      "stack.yaml:2:1: hypervisors: 'direct': expected a list; write a list, such as [direct, worker]
      stack.yaml:3:1: kernel: 3: expected a string or a map
      stack.yaml:4:12: domains.Web!: 'Web!': expected 1 to 64 characters of a-z, 0-9 and -, not - at either end"
    `);
  });

  it('refuses a file that is too long without reading it', () => {
    expect(errorsOf(`# ${'x'.repeat(2 ** 20)}`)).toContain('keep it under');
  });
});

describe('sizes', () => {
  it.each([
    ['512MiB', 512 * 2 ** 20],
    ['2GiB', 2 ** 31],
    ['1.5 G', 1.5 * 2 ** 30],
    ['4096', 4096],
    [7, 7],
    ['lots', Number.NaN],
    ['-1MiB', Number.NaN],
  ])('%s', (text, bytes) => expect(parseSize(text)).toBe(bytes));
});

it('has the JSON Schema that editors are given', () => {
  const file = new URL('../../schema/stack.schema.json', import.meta.url);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(JSON.stringify(stackJsonSchema())));
});
