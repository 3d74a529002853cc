/**
 * build.js [--check] — compiles every source of `elf/` and `wasm/` to `bin/`, and writes the versions used to compiler.json.
 *
 * With --check nothing is written: where the compilers here are the recorded ones, the committed programs must be what these
 * sources give, byte for byte (status 1 where not); with other compilers the sources must compile, and behaviour is left to
 * the recorded results. Build in an order that does not depend on the machine, with no path of it in the output.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { FOLDERS, PACKAGE_FOLDER } from '../folders.ts';

const ELF_COMPILER = process.env.RISCV64_CC ?? 'riscv64-linux-gnu-gcc';
const WASM_COMPILER = process.env.WASM32_CC ?? 'clang';
const VERSIONS_FILE = join(PACKAGE_FOLDER, 'compiler.json');

const WARNINGS = ['-Wall', '-Wextra', '-Werror'];
// A handler's type and SIG_IGN's differ in the kernel's headers, so casts between them are necessary.
const ELF_FLAGS = [
  ...['-std=gnu2x', '-O2', '-march=rv64gc', '-mabi=lp64d', ...WARNINGS, '-Wno-cast-function-type'],
  ...['-ffreestanding', '-fno-stack-protector', '-fno-pic', '-no-pie', '-fno-asynchronous-unwind-tables'],
  ...['-static', '-nostdlib', '-Wl,--build-id=none,-z,noseparate-code,-z,max-page-size=4096,-Tdata=0x40000,--no-relax'],
];
/** Programs that keep their symbol table, for whoever reads it. */
const WITH_SYMBOLS = new Set(['calls']);
const WASM_FLAGS = [
  ...['--target=wasm32-unknown-unknown', '-std=gnu2x', '-O2', ...WARNINGS, '-ffreestanding', '-nostdlib'],
  ...['-Wl,--no-entry', '-Wl,--export=_start', '-Wl,--stack-first,-z,stack-size=65536'],
];

function firstLine(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n', 1)[0] ?? '';
}

/** What the output depends on: the compilers, the linkers, and the kernel headers' version. */
function versions(): Record<string, string> {
  const linuxVersion = execFileSync(ELF_COMPILER, ['-E', '-P', '-include', 'linux/version.h', '-x', 'c', '-'], {
    input: 'LINUX_VERSION_CODE',
    encoding: 'utf8',
  });
  return {
    'riscv64 compiler': firstLine(ELF_COMPILER, '--version'),
    'riscv64 linker': firstLine(ELF_COMPILER, '-Wl,--version'),
    'kernel headers': `0x${Number(linuxVersion.trim()).toString(16)}`,
    'wasm compiler': firstLine(WASM_COMPILER, '--version'),
    'wasm linker': firstLine('wasm-ld', '--version'),
  };
}

/** File name of the program → its bytes. */
function compileAll(): Map<string, Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'guests-'));
  const built = new Map<string, Buffer>();
  try {
    const targets = [
      { sources: FOLDERS.elf, compiler: ELF_COMPILER, flags: ELF_FLAGS, strip: '-s', suffix: '' },
      { sources: FOLDERS.wasm, compiler: WASM_COMPILER, flags: WASM_FLAGS, strip: '-Wl,--strip-all', suffix: '.wasm' },
    ];
    for (const target of targets) {
      for (const source of readdirSync(target.sources).sort()) {
        if (!source.endsWith('.c')) continue;
        const program = basename(source, '.c') + target.suffix;
        const output = join(folder, program);
        execFileSync(target.compiler, [...target.flags, ...(WITH_SYMBOLS.has(program) ? [] : [target.strip]), '-o', output, source], {
          cwd: target.sources,
          stdio: 'inherit',
        });
        built.set(program, readFileSync(output));
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return built;
}

function write(built: ReadonlyMap<string, Buffer>): number {
  rmSync(FOLDERS.programs, { recursive: true, force: true });
  mkdirSync(FOLDERS.programs, { recursive: true });
  let total = 0;
  for (const [program, bytes] of built) {
    writeFileSync(join(FOLDERS.programs, program), bytes, { mode: 0o755 });
    total += bytes.length;
  }
  writeFileSync(VERSIONS_FILE, `${JSON.stringify(versions(), undefined, 2)}\n`);
  console.log(`${built.size} programs, ${total} bytes`);
  return 0;
}

function check(built: ReadonlyMap<string, Buffer>): number {
  const recorded = readFileSync(VERSIONS_FILE, 'utf8');
  if (recorded !== `${JSON.stringify(versions(), undefined, 2)}\n`) {
    console.log(`${built.size} programs compile; the compilers are not the recorded ones, so bytes are not compared`);
    return 0;
  }
  const committed = readdirSync(FOLDERS.programs);
  const wrong = [
    ...committed.filter((program) => !built.has(program)).map((program) => `${program}: has no source`),
    ...[...built.keys()].filter((program) => !committed.includes(program)).map((program) => `${program}: is not built`),
    ...committed
      .filter((program) => built.get(program)?.equals(readFileSync(join(FOLDERS.programs, program))) === false)
      .map((program) => `${program}: differs from what its source gives`),
  ];
  for (const line of wrong) console.error(line);
  console.log(`${built.size} programs compared, ${wrong.length} wrong`);
  return wrong.length === 0 ? 0 : 1;
}

const built = compileAll();
process.exitCode = process.argv.includes('--check') ? check(built) : write(built);
