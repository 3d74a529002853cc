import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guestPrograms } from '@ashlar/guests';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadCached } from './code-cache.ts';
import { ashlar } from './testing/command.ts';

let scratch = '';
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'ashlar-code-'));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const require = createRequire(import.meta.url);
const source = `(function (exports, require, module, __filename, __dirname) {
  exports.sum = (...values) => values.reduce((sum, value) => sum + value, 0);
  exports.folder = __dirname;
  require('node:path');
})`;

function load(folder = join(scratch, 'code'), use = 'run', cpuMs = 0) {
  const file = join(scratch, 'program-1234.cjs');
  writeFileSync(file, source);
  const loaded = loadCached(file, folder, use, require, () => cpuMs);
  const { sum, folder: own } = loaded.exports as { sum: (...values: number[]) => number; folder: string };
  expect([sum(1, 2, 3), own]).toEqual([6, scratch]);
  return loaded;
}

const onlyFile = (folder: string): string => join(folder, readdirSync(folder)[0] as string);

describe('compiled code', () => {
  it('is kept by the first process and used by the next', () => {
    const first = load();
    expect(first.from).toBe('source');
    first.keep();
    expect(load().from).toBe('brief');
  });

  it('of a longer run comes before that of a brief one, and is kept once', () => {
    const folder = join(scratch, 'code');
    load().keep();
    const longer = load(folder, 'run', 400);
    expect(longer.from).toBe('brief');
    longer.keep();
    expect(readdirSync(folder)).toHaveLength(2);
    const next = load();
    expect(next.from).toBe('long');
    rmSync(folder, { recursive: true });
    next.keep();
    longer.keep();
    load(folder, 'run', 400).keep();
    expect(load().from).toBe('long');
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('of a process that failed is kept only if that ran for long', () => {
    const folder = join(scratch, 'code');
    load().keep(false);
    expect(load().from).toBe('source');
    load(folder, 'run', 400).keep(false);
    expect(load().from).toBe('long');
  });

  it('is of one use only', () => {
    load().keep();
    expect(load(undefined, 'check').from).toBe('source');
  });

  it('is made again when it is damaged, wherever the damage is', () => {
    const folder = join(scratch, 'code');
    load().keep();
    const whole = readFileSync(onlyFile(folder));
    for (let at = 0; at < whole.length; at += 97) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] as number) ^ 1;
      writeFileSync(onlyFile(folder), damaged);
      expect(load().from, `byte ${at}`).toBe('source');
    }
    writeFileSync(onlyFile(folder), whole.subarray(0, 10));
    load().keep();
    expect(load().from).toBe('brief');
  });

  it('is done without where nothing can be written', () => {
    const folder = join(scratch, 'a-file');
    writeFileSync(folder, '');
    load(folder).keep();
    expect(load(folder).from).toBe('source');
  });

  it('does not pile up', () => {
    const folder = join(scratch, 'code');
    for (let use = 0; use < 60; use++) load(folder, `use-${use}`).keep();
    expect(readdirSync(folder)).toHaveLength(48);
  });

  it('of the command fits the command that kept it', async () => {
    const args = ['run', '--volume', `${guestPrograms}:/guests:ro`, '--', '/guests/hello'];
    const run = () => ashlar(args, '', undefined, { ASHLAR_CACHE: scratch });
    expect((await run()).status).toBe(0);
    const kept = statSync(onlyFile(join(scratch, 'code')));
    expect((await run()).status).toBe(0);
    // What does not fit is made again.
    expect(statSync(onlyFile(join(scratch, 'code'))).ino).toBe(kept.ino);
  });
});
