import { readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FOLDERS, PACKAGE_FOLDER } from './folders.ts';
import { guest, guests, packagedPrograms, scripts } from './index.ts';

/** The committed programs stay small, so that a clone does. */
const PROGRAM_BYTES_MAX = 1_500_000;

const cases = [...guests, ...scripts, ...packagedPrograms];

function stored(name: string): { argv: string[]; env: Record<string, string>; stdin?: string } {
  return JSON.parse(readFileSync(`${FOLDERS.expected}${name}.json`, 'utf8')) as ReturnType<typeof stored>;
}

describe('the catalogue', () => {
  test('names each case once', () => {
    expect(new Set(cases.map((each) => each.name)).size).toBe(cases.length);
  });

  test('has a case for every program and every script, and only for those', () => {
    expect([...new Set(guests.map((each) => each.program))].sort()).toEqual(readdirSync(FOLDERS.programs).sort());
    expect(scripts.map((each) => each.path.slice(FOLDERS.scripts.length)).sort()).toEqual(readdirSync(FOLDERS.scripts).sort());
  });

  test('has a source for every program', () => {
    const sources = (folder: string, suffix: string): string[] =>
      readdirSync(folder).flatMap((file) => (file.endsWith('.c') ? [file.slice(0, -2) + suffix] : []));
    expect([...sources(FOLDERS.elf, ''), ...sources(FOLDERS.wasm, '.wasm')].sort()).toEqual(readdirSync(FOLDERS.programs).sort());
  });

  test('says of each case what it is about', () => {
    expect(cases.filter((each) => each.about.length < 6).map((each) => each.name)).toEqual([]);
  });

  test('throws for a name that it does not have, naming those it has', () => {
    expect(() => guest('no-such-guest')).toThrow(/no guest "no-such-guest"; there are hello, /);
  });
});

describe('programs', () => {
  test.each(guests.map((each) => [each.name, each] as const))('%s is of its instruction set', (_, each) => {
    const bytes = each.bytes();
    if (each.isa === 'wasm32') {
      expect([...bytes.subarray(0, 8)]).toEqual([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    } else {
      expect([...bytes.subarray(0, 6)]).toEqual([0x7f, 0x45, 0x4c, 0x46, 2, 1]); // 64 bits, little-endian
      expect(bytes[0x12]! | (bytes[0x13]! << 8)).toBe(243); // EM_RISCV
    }
  });

  test('are small together, and the compilers are recorded', () => {
    const total = readdirSync(FOLDERS.programs).reduce((sum, file) => sum + statSync(FOLDERS.programs + file).size, 0);
    expect(total).toBeLessThan(PROGRAM_BYTES_MAX);
    expect(Object.keys(JSON.parse(readFileSync(`${PACKAGE_FOLDER}compiler.json`, 'utf8')) as object)).toContain('riscv64 compiler');
  });
});

describe('recorded results', () => {
  test.each(cases.map((each) => [each.name, each] as const))('%s was recorded as the catalogue starts it', (name, each) => {
    const { argv, env, stdin } = stored(name);
    expect({ argv, env, stdin }).toEqual({ argv: each.argv, env: each.env, stdin: 'stdin' in each ? each.stdin : undefined });
    const expected = each.expected();
    expect(expected.status).toBeGreaterThanOrEqual(0);
    expect(expected.status).not.toBe(99); // a guest's must() failed
    expect(expected.recordedOn).toMatch(/^Linux \S+ riscv64|^node:wasi of Node |^by hand: /);
  });

  test('belong to a case each', () => {
    expect(readdirSync(FOLDERS.expected).sort()).toEqual(cases.map((each) => `${each.name}.json`).sort());
  });
});
