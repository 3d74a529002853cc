import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BENCH_CACHE } from './build.ts';

/** A package of npm that is used as it is, nothing of it installed or run here. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** `sha512-…`, as npm writes it. */
  readonly integrity: string;
}

/**
 * The folder of an unpacked package, kept by name and version. npm itself fetches it, with the user's configuration.
 *
 * @throws Error when it cannot be had or is not the one meant.
 */
export function unpacked({ name, version, integrity }: NpmPackage): string {
  const folder = join(BENCH_CACHE, 'packages', `${name.replace('/', '-').replace('@', '')}-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(join(folder, '..'), { recursive: true });
  const making = mkdtempSync(`${folder}.`);
  try {
    const [packed] = JSON.parse(output('npm', ['pack', '--json', `${name}@${version}`], making)) as { filename: string }[];
    const archive = join(making, packed?.filename ?? '');
    const hash = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (hash !== integrity) throw new Error(`${name}@${version} has integrity ${hash}, not ${integrity}`);
    output('tar', ['-xzf', archive, '--no-same-owner'], making);
    renameSync(join(making, 'package'), folder);
  } finally {
    rmSync(making, { recursive: true });
  }
  return folder;
}

function output(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, [...args], { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? stderr}`);
  return stdout;
}
