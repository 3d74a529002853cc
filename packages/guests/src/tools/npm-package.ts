import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Unpacks an npm package into a new folder, by npm itself: its configuration, its cache, its check of the hash.
 *
 * @param spec `NAME@VERSION`
 */
export function unpackNpmPackage(spec: string, folder: string): void {
  const work = mkdtempSync(join(tmpdir(), 'npm-package-'));
  try {
    const packed = execFileSync('npm', ['pack', '--json', '--pack-destination', work, spec], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [{ filename } = { filename: '' }] = JSON.parse(packed) as { filename: string }[];
    mkdirSync(folder, { recursive: true });
    execFileSync('tar', ['-xzf', join(work, filename), '--strip-components=1', '--no-same-owner', '-C', folder]);
  } finally {
    rmSync(work, { recursive: true });
  }
}
