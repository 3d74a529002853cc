import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guestPrograms } from '@ashlar/guests';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ashlar } from './testing/command.ts';

let scratch = '';
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'ashlar-translated-'));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

/** Runs a program that is translated, in a process whose cache is the scratch folder, and gives what its CPU counted. */
async function compute(env: Readonly<Record<string, string>> = {}, hypervisor = 'direct') {
  const args = ['run', '--stats', '--hypervisor', hypervisor, '--volume', `${guestPrograms}:/guests:ro`, '--', '/guests/compute-integer'];
  const { status, stdout, stderr } = await ashlar(args, '', undefined, { ASHLAR_CACHE: scratch, ...env });
  const count = (name: string): number => Number(new RegExp(`${name} +([\\d,]+)`).exec(stderr)?.[1]?.replaceAll(',', ''));
  return { status, stdout: stdout.toString(), stderr, made: count('modules made'), shared: count('modules shared') };
}

const folder = (): string => join(scratch, 'translated');

describe('translated code', () => {
  it('is kept by the first command and used by the next, also in a thread', async () => {
    const first = await compute();
    expect(first).toMatchObject({ status: 0, shared: 0 });
    expect(first.made).toBeGreaterThan(0);
    // It has made one module of it all.
    const next = { status: 0, stdout: first.stdout, made: 0, shared: 1 };
    expect(await compute()).toMatchObject(next);
    expect(await compute({}, 'worker')).toMatchObject(next);
  });

  it('is made again when what was kept is damaged', async () => {
    const first = await compute();
    for (const name of readdirSync(folder())) {
      const bytes = readFileSync(join(folder(), name));
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
      writeFileSync(join(folder(), name), bytes);
    }
    const { status, stdout, made, shared } = first;
    expect(await compute()).toMatchObject({ status, stdout, made, shared });
    expect(await compute()).toMatchObject({ status, stdout, made: 0, shared: 1 });
  });

  it('is not kept with ASHLAR_KEEP_CODE=off, and other values are refused', async () => {
    expect((await compute({ ASHLAR_KEEP_CODE: 'off' })).made).toBeGreaterThan(0);
    expect(readdirSync(scratch)).not.toContain('translated');
    const { status, stderr } = await compute({ ASHLAR_KEEP_CODE: 'no' });
    expect(status).toBe(125);
    expect(stderr).toBe("ashlar: ASHLAR_KEEP_CODE is 'no'\n  hint: use on or off\n");
  });
});
