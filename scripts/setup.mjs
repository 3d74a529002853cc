// Everything that `npm start`, `npm test` and `npm run build` need, on a machine that has Node.js and npm and nothing else.
// Plain JavaScript with no dependency, because it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamps = join(root, 'node_modules', '.ashlar');
const OLDEST_NODE = [20, 19];

/** Runs a command with our stdio and ends with its status if it fails. */
function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (error !== undefined) fail(`${command} could not be run: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

function fail(message) {
  process.stderr.write(`setup: ${message}\n`);
  process.exit(1);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    fail(`Node.js ${process.versions.node} is too old; ${OLDEST_NODE.join('.')} or newer is needed`);
  }
}

/** The folders of the workspace's packages: those that have a package.json, two levels deep at most. */
function packageFolders() {
  const below = (folder) =>
    existsSync(folder)
      ? readdirSync(folder, { withFileTypes: true })
          .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules' && entry.name !== 'bin')
          .map((entry) => join(folder, entry.name))
      : [];
  const tiers = below(join(root, 'packages'));
  const folders = [
    ...tiers,
    ...tiers.flatMap(below),
    ...below(join(root, 'examples')),
    join(root, 'bench'),
    join(root, 'tools'),
    join(root, 'acceptance'),
  ];
  return folders.filter((folder) => existsSync(join(folder, 'package.json')));
}

/** Does `work` unless it was done for the same `state` before. */
function once(name, state, work) {
  const stamp = join(stamps, name);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return;
  work();
  mkdirSync(stamps, { recursive: true });
  writeFileSync(stamp, state);
}

function install() {
  const files = [
    'package.json',
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    ...packageFolders().map((folder) => join(folder, 'package.json')),
  ];
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file.startsWith(root) ? file : join(root, file)));
  once('installed', hash.digest('hex'), () => {
    const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    run('npx', ['--yes', packageManager, 'install', '--frozen-lockfile', '--config.confirmModulesPurge=false']);
  });
}

/** Names, sizes and times of all that the build reads: cheaper than asking the compiler, so that a start is quick. */
function sourceState() {
  const hash = createHash('sha256');
  const visit = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (entry.name !== 'node_modules' && entry.name !== 'dist' && entry.name !== 'bundle' && entry.name !== 'bin') visit(path);
      } else if (/\.(ts|mts|mjs)$|^(package|tsconfig)\.json$/.test(entry.name)) {
        const { mtimeMs, size } = statSync(path);
        hash.update(`${path} ${mtimeMs} ${size}\n`);
      }
    }
  };
  for (const folder of packageFolders()) visit(folder);
  for (const file of ['tsconfig.json', 'tsconfig.base.json']) hash.update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

function build() {
  once('built', sourceState(), () => {
    run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b']);
    run(process.execPath, [join(root, 'packages', 'cli', 'bundle.mjs')]);
    run(process.execPath, [join(root, 'examples', 'tour', 'bundle.mjs')]);
  });
}

const cli = join(root, 'packages', 'cli', 'bin', 'ashlar.js');
const tool = (name, ...args) => run(process.execPath, [join(root, 'node_modules', ...name.split('/')), ...args]);

const commands = {
  build: () => {},
  start: (args) => run(process.execPath, [join(root, 'examples', 'tour', 'bundle', 'main.js'), ...args]),
  ashlar: (args) => run(process.execPath, [cli, ...args], { cwd: process.env.INIT_CWD ?? root }),
  check: () => {
    tool('@biomejs/biome/bin/biome', 'check', '--error-on-warnings');
    run(process.execPath, [join(root, 'tools', 'dist', 'check-layers.js')]);
    run(process.execPath, [join(root, 'tools', 'dist', 'check-clauses.js')]);
  },
  test: (args) => {
    commands.check();
    tool('vitest/vitest.mjs', 'run', ...args);
  },
};

const [name = '', ...args] = process.argv.slice(2);
const command = commands[name];
if (command === undefined) fail(`unknown command '${name}'; use one of: ${Object.keys(commands).join(', ')}`);
checkNode();
install();
build();
command(args);
