/**
 * Debian packages for tests: root file systems for riscv64, unpacked once and kept in a cache.
 *
 * Not every machine can have them (no Debian, no network). The convention for tests: ask, and where the answer is a reason,
 * skip and print it. With ASHLAR_REQUIRE_DEBIAN=1 in the environment, as in continuous integration, nothing may be skipped:
 * then the answer is an Error.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DEBIAN_SCRIPTS } from './folders.ts';

/** A root file system, or why there is none. */
export type DebianRoot = { readonly path: string; readonly reason?: undefined } | { readonly path?: undefined; readonly reason: string };

/** Where downloaded packages and unpacked roots are kept: `$ASHLAR_CACHE/debian`, by default `~/.cache/ashlar/debian`. */
export function debianCache(): string {
  return join(process.env.ASHLAR_CACHE || join(homedir(), '.cache', 'ashlar'), 'debian');
}

const PACKAGE_NAME = /^[a-z0-9][a-z0-9+.-]+$/;

/**
 * The root file system that holds these packages of Debian trixie for riscv64 and all that they depend on. The first call for
 * a set of packages may take a minute; later ones take milliseconds. Treat the folder as read-only.
 *
 * @throws Error when it cannot be had and ASHLAR_REQUIRE_DEBIAN is set; TypeError for a string that is not a package name.
 */
export function debianRoot(packages: readonly string[]): DebianRoot {
  for (const name of packages) {
    if (!PACKAGE_NAME.test(name)) throw new TypeError(`"${name}" is not the name of a Debian package`);
  }
  const path = join(debianCache(), 'roots', packages.join('_'));
  if (existsSync(join(path, '.packages'))) return { path };
  const script = join(DEBIAN_SCRIPTS, 'root.sh');
  if (!existsSync(script)) return missing(packages, 'scripts/debian exists only in a clone of the repository');
  const run = spawnSync(script, [path, ...packages], { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'], timeout: 300_000 });
  if (run.error !== undefined) return missing(packages, run.error.message);
  if (run.status !== 0) return missing(packages, run.stderr.trim().split('\n').at(-1) ?? `status ${run.status}`);
  return { path };
}

function missing(packages: readonly string[], why: string): DebianRoot {
  const reason = `no Debian packages (${packages.join(', ')}): ${why}`;
  if (process.env.ASHLAR_REQUIRE_DEBIAN === '1') throw new Error(reason);
  return { reason };
}
