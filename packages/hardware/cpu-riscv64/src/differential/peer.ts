import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Path of a program on PATH. */
export function findTool(name: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/**
 * Whether tests against a Debian program are left out because it is not installed. Says so; where ASHLAR_REQUIRE_DEBIAN is 1 nothing is left out, and
 * the tests fail.
 */
export function lacks(tool: string, debianPackage: string): boolean {
  if (findTool(tool) !== undefined || process.env.ASHLAR_REQUIRE_DEBIAN === '1') return false;
  console.warn(`Skipped: tests against ${tool}, which is not installed (Debian: apt install ${debianPackage}).`);
  return true;
}

/** Standard output of a program that must succeed. */
export function outputOf(tool: string, args: readonly string[], maxBytes: number): Uint8Array {
  const path = findTool(tool);
  if (path === undefined) throw new Error(`${tool} is not installed, and ASHLAR_REQUIRE_DEBIAN=1 asks for it`);
  const { stdout, stderr, status, signal, error } = spawnSync(path, args, { maxBuffer: maxBytes });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${tool} ended with ${signal ?? status}: ${stderr.toString()}`);
  return stdout;
}
