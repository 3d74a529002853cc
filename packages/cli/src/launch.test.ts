import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guestPrograms } from '@ashlar/guests';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ashlar } from './testing/command.ts';

let scratch = '';
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'ashlar-launch-'));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

/** Runs the command with a cache of its own; the parts of Node.js that it loaded, and the files of the bundle whose code it kept. */
async function loadedBy(...args: readonly string[]) {
  const [witness, list] = [join(scratch, 'witness.cjs'), join(scratch, 'loaded.json')];
  const write = `require('node:fs').writeFileSync(${JSON.stringify(list)}, JSON.stringify(process.moduleLoadList))`;
  writeFileSync(witness, `process.on('exit', () => ${write});`);
  const env = { ASHLAR_CACHE: scratch, NODE_OPTIONS: `--require ${witness}` };
  expect(await ashlar(args, '', undefined, env)).toMatchObject({ status: 0 });
  const parts = JSON.parse(readFileSync(list, 'utf8')) as readonly string[];
  return { parts: parts.map((name) => name.replace(/^NativeModule /, '')), files: keptFiles() };
}

/** Files of the bundle whose code was kept. */
function keptFiles(): readonly string[] {
  const folder = join(scratch, 'code');
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names.map((name) => name.replace(/-[0-9a-f]{16}\.cjs-.*$/, '')).toSorted();
}

describe('the command', () => {
  it('loads for a small program only what it needs', async () => {
    const { parts, files } = await loadedBy('run', '--volume', `${guestPrograms}:/guests:ro`, '--', '/guests/hello');
    expect(parts).toContain('zlib');
    for (const part of [
      'child_process',
      'crypto',
      'fs/promises',
      'net',
      'tty',
      'internal/webstreams/readablestream',
      'perf_hooks',
      'worker_threads',
    ])
      expect(parts).not.toContain(part);
    expect(files).toEqual(['command']);
  });

  it('finds libraries beside it when it needs them, and keeps their code too', async () => {
    const file = join(scratch, 'stack.yaml');
    writeFileSync(file, `ashlar: 1\nuserspace:\n  volumes: [{ host: ${guestPrograms}, guest: /guests, readOnly: true }]\n`);
    const { files } = await loadedBy('check', file);
    expect(files).toEqual(['command', 'yaml', 'zod']);
  });

  it('keeps its code whatever the status of the program, and not if it failed itself', async () => {
    const run = (...program: readonly string[]) =>
      ashlar(['run', '--volume', `${guestPrograms}:/guests:ro`, '--', ...program], '', undefined, { ASHLAR_CACHE: scratch });
    expect(await run('/guests/none')).toMatchObject({ status: 127 });
    expect(keptFiles()).toEqual([]);
    expect(await run('/guests/end', 'exit', '3')).toMatchObject({ status: 3 });
    expect(keptFiles()).toEqual(['command']);
  });

  it('has in its own file nothing that only the compiler needs', () => {
    const bundle = new URL('../bundle/', import.meta.url);
    const map = readdirSync(bundle).find((name) => /^command-.*\.map$/.test(name)) ?? '';
    const { sources } = JSON.parse(readFileSync(new URL(map, bundle), 'utf8')) as { readonly sources: readonly string[] };
    const translator = sources.flatMap((source) => source.match(/cpu-riscv64\/src\/translator\/([a-z-]+)\.ts$/)?.[1] ?? []);
    expect(translator).toContain('translator');
    for (const part of ['region', 'op', 'emit', 'compilation']) expect(translator).not.toContain(part);
  });

  it('asks for what lies beside it by its own means only: what is there is no module that could be imported', () => {
    const bundle = new URL('../bundle/', import.meta.url);
    const command = readdirSync(bundle).find((name) => /^command-.*\.cjs$/.test(name)) ?? '';
    const imported = [...readFileSync(new URL(command, bundle), 'utf8').matchAll(/__load\("([^"]*)"\)/g)].map(([, name]) => name);
    expect(imported).toContain('pacote');
    expect(imported.filter((name) => name?.startsWith('.'))).toEqual([]);
  });

  it('loads the compiler when something is hot', async () => {
    const { files } = await loadedBy('run', '--volume', `${guestPrograms}:/guests:ro`, '--', '/guests/compute-integer');
    expect(files).toEqual(['command', 'riscv64-compiler']);
    const args = ['run', '--stats', '--volume', `${guestPrograms}:/guests:ro`, '--', '/guests/compute-integer'];
    const { stderr } = await ashlar(args, '', undefined, { ASHLAR_KEEP_CODE: 'off' });
    expect(stderr).toMatch(/^ {2}modules made +[1-9]/m);
  });
});
