import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Whose machine code. */
export type Target = 'native' | 'riscv64';

const COMPILERS: Readonly<Record<Target, string>> = { native: 'gcc', riscv64: 'riscv64-linux-gnu-gcc' };

/** The folder of this package. */
export const BENCH_FOLDER = fileURLToPath(new URL('..', import.meta.url));

/** Where what benchmarks build and download is kept: `$ASHLAR_CACHE/bench`, by default `~/.cache/ashlar/bench`. */
export const BENCH_CACHE = join(process.env.ASHLAR_CACHE || join(homedir(), '.cache', 'ashlar'), 'bench');

/** Why C programs cannot be built here, if they cannot. */
export function missingCompiler(): string | undefined {
  const absent = Object.values(COMPILERS).find((compiler) => spawnSync(compiler, ['--version']).status !== 0);
  if (absent !== undefined) return `${absent} is not here: scripts/debian/install.sh installs it`;
  const { status } = spawnSync(COMPILERS.riscv64, ['-x', 'c', '-static', '-o', '/dev/null', '-'], {
    input: '#include <stdio.h>\nint main(){}',
  });
  return status === 0 ? undefined : `${COMPILERS.riscv64} has no C library: scripts/debian/install.sh installs it`;
}

const versions = new Map<Target, string>();

function version(target: Target): string {
  const known = versions.get(target) ?? run(COMPILERS[target], ['--version']);
  versions.set(target, known);
  return known;
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, [...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? stderr}`);
  return stdout;
}

/**
 * A static program from one C file, -O2. Kept by content: compiler, flags, source and the headers beside it.
 *
 * @returns Path of the program. Its folder holds nothing else.
 */
export function build(source: string, target: Target, flags: readonly string[] = [], headers: readonly string[] = []): string {
  const all = ['-O2', '-static', '-Wall', '-Wextra', ...flags];
  const hash = createHash('sha256').update(JSON.stringify([version(target), all]));
  for (const file of [source, ...headers]) hash.update(readFileSync(file));
  const name = basename(source, '.c');
  const folder = join(BENCH_CACHE, 'programs', `${name}-${target}-${hash.digest('hex').slice(0, 16)}`);
  const program = join(folder, name);
  if (existsSync(program)) return program;
  mkdirSync(join(folder, '..'), { recursive: true });
  // Made beside and renamed: several processes may build at once.
  const making = mkdtempSync(`${folder}.`);
  run(COMPILERS[target], [...all, '-o', join(making, name), source, '-lm']);
  try {
    renameSync(making, folder);
  } catch (error) {
    rmSync(making, { recursive: true });
    if (!existsSync(program)) throw error;
  }
  return program;
}
