import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guestPrograms } from '@ashlar/guests';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ashlar, RunningCommand } from './testing/command.ts';

let folder = '';
const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ashlar-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('ashlar up', () => {
  it('runs the program of each domain; the first failure is the status', async () => {
    const domain = (program: string): string =>
      `{ userspace: { volumes: [{ host: ${guestPrograms}, guest: /g, readOnly: true }], run: [${program}] } }`;
    const file = write('two.yaml', `ashlar: 1\ndomains:\n  one: ${domain('/g/hello')}\n  two: ${domain('/g/end, exit, "7"')}\n`);
    const { status, stdout, stderr } = await ashlar(['up', file]);
    expect(status).toBe(7);
    expect(stdout.toString().split('\n').sort()).toEqual(['', 'Hello, world', 'before']);
    expect(stderr).toContain('│ hardware    host');
  });
});

describe('ashlar run --stack', () => {
  it('starts from a file, whose paths stand for its folder; options change it', async () => {
    const file = write(
      'one.yaml',
      `ashlar: 1\nuserspace:\n  volumes: [{ host: ${guestPrograms}, guest: /g }]\n  env: { A: file, B: file }\n  run: [/g/args]\n`,
    );
    const { status, stdout } = await ashlar(['run', '--stack', file, '--env', 'B=option']);
    expect(status).toBe(0);
    expect(stdout.toString()).toContain('env "A=file"\nenv "B=option"\n');
  });

  it('says where in the file a wrong part stands', async () => {
    const file = write('wrong.yaml', 'ashlar: 1\nkernel: posx\nuserspace: { image: "dir:." }\n');
    const { status, stderr } = await ashlar(['run', '--stack', file, '--', '/x']);
    expect(status).toBe(125);
    expect(stderr).toBe(`ashlar: ${file}:2:1: kernel: 'posx': there is no kernel plugin 'posx'; did you mean 'posix'?\n`);
  });
});

describe('ashlar plugins', () => {
  it('lists what a stack can use', async () => {
    const { status, stdout } = await ashlar(['plugins', '--json']);
    expect(status).toBe(0);
    const { plugins } = JSON.parse(stdout.toString()) as { plugins: { tier: string; name: string; version: string; summary: string }[] };
    const names = plugins.map(({ tier, name }) => `${tier} ${name}`);
    for (const name of ['hardware host', 'hardware sim', 'cpu riscv64', 'hypervisor worker', 'kernel solo', 'userspace wasi']) {
      expect(names).toContain(name);
    }
    expect(plugins.filter(({ version, summary }) => version === '' || summary === '')).toEqual([]);
  });

  it('ends quietly when its reader goes away', async () => {
    const running = new RunningCommand(['plugins']);
    running.child.stdout.destroy();
    expect((await running.ended).stderr).toBe('');
  });
});

describe('--help', () => {
  it.each([[[]], [['run']], [['up']], [['check']], [['plugins']], [['matrix']]])('%j has an example', async (command) => {
    const { status, stdout } = await ashlar([...command, '--help']);
    expect(status).toBe(0);
    expect(stdout.toString()).toMatch(/\nExample:\n {2}\$ ashlar /);
  });
});
