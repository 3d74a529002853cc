import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { guestPrograms } from '@ashlar/guests';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { REPOSITORY } from './testing/command.ts';

const run = promisify(execFile);

interface Manifest {
  readonly name: string;
  readonly packageManager?: string;
}

const manifestOf = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

let scratch = '';
let app = '';
let tarballs: readonly string[] = [];

/** Packs everything that is published and installs it, with what it depends on, into an empty folder. */
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'ashlar-pack-'));
  app = join(scratch, 'app');
  mkdirSync(app);
  const packed = join(scratch, 'packed');
  const pnpm = manifestOf(REPOSITORY).packageManager ?? 'pnpm';
  const options = { cwd: REPOSITORY, maxBuffer: 1 << 26 };
  await run('npx', ['--yes', pnpm, '--recursive', '--filter', './packages/**', 'pack', '--pack-destination', packed], options);
  tarballs = readdirSync(packed).map((name) => join(packed, name));
  const dependencies = Object.fromEntries(await Promise.all(tarballs.map(async (path) => [await nameIn(path), `file:${path}`])));
  writeFileSync(join(app, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }));
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: app, maxBuffer: 1 << 26 });
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const nameIn = async (tarball: string): Promise<string> =>
  (JSON.parse((await run('tar', ['-xOf', tarball, 'package/package.json'])).stdout) as Manifest).name;

it('packs every package with licence, README and nothing of its tests', async () => {
  expect(tarballs.length).toBeGreaterThan(25);
  for (const tarball of tarballs) {
    const files = (await run('tar', ['-tf', tarball])).stdout.split('\n');
    const missing = ['package/LICENSE', 'package/README.md', 'package/package.json'].filter((path) => !files.includes(path));
    expect({ package: basename(tarball), missing }).toEqual({ package: basename(tarball), missing: [] });
    const tests = files.filter((path) => /\.test[.-]|\/testing\/|\.tsbuildinfo$/.test(path));
    expect({ package: basename(tarball), tests }).toEqual({ package: basename(tarball), tests: [] });
  }
});

it('runs a program with the installed command', async () => {
  const args = ['ashlar', 'run', '--volume', `${guestPrograms}:/guests:ro`, '--hypervisor', 'direct,worker', '--', '/guests/hello'];
  expect((await run('npx', args, { cwd: app })).stdout).toBe('Hello, world\n');
});

it('runs a program with five lines of the embedding API', async () => {
  const program = `
    import { start } from 'ashlar';
    const stack = await start({ ashlar: 1, hypervisors: ['worker'], userspace: { image: 'dir:' + process.argv[2] } });
    const { text, status } = await stack.run(['/upper.wasm'], { stdin: 'hello' });
    await stack.stop();
    console.log(JSON.stringify({ text, status }));
  `;
  writeFileSync(join(app, 'embed.js'), program);
  const { stdout } = await run(process.execPath, ['embed.js', guestPrograms], { cwd: app });
  expect(JSON.parse(stdout)).toEqual({ text: 'HELLO', status: 0 });
});

it('has types that a strict compiler takes', async () => {
  writeFileSync(
    join(app, 'typed.ts'),
    "import { defineStack, start, type Stack } from 'ashlar';\nexport const stack: Promise<Stack> = start(defineStack({ ashlar: 1, kernel: 'posix' }));\n",
  );
  const tsc = join(REPOSITORY, 'node_modules', 'typescript', 'bin', 'tsc');
  const flags = [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--lib',
    'es2023,dom,esnext.disposable',
  ];
  const failed = (error: { stdout: string }): { stdout: string } => error;
  const { stdout } = await run(process.execPath, [tsc, ...flags, 'typed.ts'], { cwd: app }).catch(failed);
  expect(stdout).toBe('');
});
