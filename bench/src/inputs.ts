import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BENCH_CACHE } from './build.ts';
import { generator } from './statistics.ts';

const FOLDER = join(BENCH_CACHE, 'inputs');

/** A file of the cache, made when it is not there. */
function kept(name: string, make: () => string | Uint8Array): string {
  const path = join(FOLDER, name);
  if (existsSync(path)) return path;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${path}.${process.pid}`, make());
  renameSync(`${path}.${process.pid}`, path);
  return path;
}

/** Lines of a number, a word, a number with a fraction and a few more words, some words far more often than others. Always the same. */
export function textFile(bytes: number): string {
  return kept(`text-1-${bytes}`, () => {
    const next = generator(1);
    const pick = (count: number): number => Math.floor(next() * count);
    const word = (): string => Array.from({ length: 2 + pick(8) }, () => String.fromCharCode(97 + pick(26))).join('');
    const words = Array.from({ length: 5000 }, word);
    const common = (): string => words[Math.floor(next() ** 3 * words.length)] as string;
    const lines: string[] = [];
    for (let length = 0; length < bytes; length += (lines.at(-1) as string).length + 1) {
      const more = Array.from({ length: 3 + pick(6) }, common).join(' ');
      lines.push(`${pick(1_000_000)} ${common()} ${(next() * 1000).toFixed(3)} ${more}`);
    }
    return `${lines.join('\n').slice(0, bytes - 1)}\n`;
  });
}

/** A file compressed by this machine's xz. */
export function xzOf(path: string, name: string): string {
  return kept(name, () => {
    const { status, stdout, stderr } = spawnSync('xz', ['-3', '-T1', '-c'], { input: readFileSync(path), maxBuffer: 1 << 30 });
    if (status !== 0) throw new Error(`xz failed: ${stderr}`);
    return stdout;
  });
}

/** A file with this text. */
export function smallFile(folder: string, name: string, text: string): string {
  const path = join(FOLDER, folder, name);
  mkdirSync(join(FOLDER, folder), { recursive: true });
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text);
  return path;
}
