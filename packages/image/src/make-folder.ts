import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoName } from './error.ts';

/**
 * Makes a folder that only its owner may use, and those that it is in, unless they are there. Each is tried twice at most: Node.js 20 itself tries for ever
 * where a folder is there and nothing can be made in it, as in /proc.
 *
 * @throws Error of node:fs, of the folder that cannot be made. That something else is there is seen when it is used.
 */
export function makeFolder(path: string): void {
  try {
    makeOne(path);
  } catch (error) {
    if (errnoName(error) !== 'ENOENT' || dirname(path) === path) throw error;
    makeFolder(dirname(path));
    makeOne(path);
  }
}

/** @throws Error of node:fs, `ENOENT` if what the folder is to be in is not there */
function makeOne(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errnoName(error) !== 'EEXIST') throw error;
  }
}
