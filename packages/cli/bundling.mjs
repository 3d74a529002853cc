// How a program that starts stacks is bundled: importing the libraries one by one takes longer than starting a stack, and what is parsed is paid for at
// every start.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as esbuild from 'esbuild';
import { parseSync, Visitor } from 'oxc-parser';

const here = dirname(fileURLToPath(import.meta.url));

/** zod brings its messages in fifty languages along; here they are in one. */
const oneLanguage = {
  name: 'one-language',
  setup(plugins) {
    plugins.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({ contents: "export { default as en } from './en.js';" }));
  },
};

/** What a module that is bundled exports is the same each time: here once and for all, instead of at every start. Its only export is a function `name`. */
async function onlyExport(path, name) {
  const generator = await import(pathToFileURL(path).href);
  const others = Object.keys(generator).filter((other) => other !== name);
  if (others.length > 0) throw new Error(`${path} exports ${others.join(', ')} as well; the bundle knows only ${name}`);
  return generator[name]();
}

const bytesFrom = (bytes) => `new Uint8Array(Buffer.from('${Buffer.from(bytes).toString('base64')}', 'base64'))`;

/** The riscv64 interpreter, the functions that translated code calls and a probe of the host are generated. */
const generated = {
  name: 'generated',
  setup(plugins) {
    plugins.onLoad({ filter: /cpu-riscv64[\\/]dist[\\/]interpreter[\\/]module\.js$/ }, async ({ path }) => {
      const bytes = await onlyExport(path, 'interpreterModule');
      return { contents: `export const interpreterModule = () => ${bytesFrom(bytes)};` };
    });
    plugins.onLoad({ filter: /cpu-riscv64[\\/]dist[\\/]translator[\\/]helper-module\.js$/ }, async ({ path }) => {
      const { bytes, signatures } = await onlyExport(path, 'helperModule');
      const types = `new Map(${JSON.stringify([...signatures])})`;
      return { contents: `let made; export const helperModule = () => (made ??= { signatures: ${types}, bytes: ${bytesFrom(bytes)} });` };
    });
    plugins.onLoad({ filter: /cpu-riscv64[\\/]dist[\\/]translator[\\/]fusing-probe\.js$/ }, async ({ path }) => {
      return { contents: `export const fusingProbe = () => ${bytesFrom(await onlyExport(path, 'fusingProbe'))};` };
    });
  },
};

/** Parts of Node.js that take a millisecond and more to load, and that most commands never use. */
const SELDOM_USED = ['child_process', 'crypto', 'fs/promises', 'module', 'net', 'stream', 'stream/promises', 'worker_threads'];

/**
 * Loads such a part when something of it is used for the first time, instead of when the module that imports it is loaded. It is used by the names of its
 * exports alone: that some, like node:stream, are functions themselves is lost.
 */
const loadedWhenUsed = {
  name: 'loaded-when-used',
  setup(plugins) {
    plugins.onResolve({ filter: /^(node:)?[a-z_/]+$/ }, ({ path, namespace }) => {
      const name = path.replace(/^node:/, '');
      if (namespace === 'loaded-when-used' || !SELDOM_USED.includes(name)) return undefined;
      return { path: name, namespace: 'loaded-when-used', sideEffects: false };
    });
    plugins.onLoad({ filter: /.*/, namespace: 'loaded-when-used' }, async ({ path }) => {
      const names = Object.keys(await import(`node:${path}`)).filter((name) => name !== 'default');
      const contents = `let loaded;
        const load = () => (loaded ??= require('node:${path}'));
        for (const name of ${JSON.stringify(names)}) Object.defineProperty(exports, name, { enumerable: true, get: () => load()[name] });`;
      return { contents };
    });
  },
};

/** Stands for the CPUs' compiled modules: what they translate is kept from one process to the next, but for no other build of them. */
function buildOf(...packages) {
  const hash = createHash('sha256');
  for (const name of packages) {
    const folder = join(here, '..', 'hardware', name, 'dist');
    const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith('.js') && !file.includes('.test.'));
    for (const file of files.toSorted()) hash.update(`${file}\n`).update(readFileSync(join(folder, file)));
  }
  return hash.digest('hex').slice(0, 16);
}

/** What all bundles have in common. */
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  minify: true,
  // For readable stack traces: `node --enable-source-maps`, or --debug of the command.
  sourcemap: 'linked',
  sourcesContent: false,
  define: { CPU_BUILD: JSON.stringify(buildOf('cpu-riscv64')) },
  plugins: [oneLanguage, generated, loadedWhenUsed],
  // Guest programs are found beside their package. npm's own client is large, used only for npm: images that are not cached, and loads files by path.
  external: ['@ashlar/guests', 'pacote', '@npmcli/config', '@npmcli/config/*'],
  logLevel: 'warning',
};

/** Bundles `entryPoints` (name → compiled module) into `outdir`, with what a thread is started from: that is found by file name, beside. */
export async function bundle(outdir, entryPoints, external = []) {
  const { metafile } = await esbuild.build({
    ...common,
    entryPoints: {
      ...entryPoints,
      loader: join(here, 'dist', 'loader.js'),
      thread: join(here, '..', 'hypervisor', 'worker', 'dist', 'thread.js'),
    },
    outdir,
    metafile: true,
    splitting: true,
    format: 'esm',
    external: [...common.external, ...external],
    // CommonJS libraries in the bundle ask for `require`.
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  });
  return Object.keys(metafile.outputs).map((path) => basename(path));
}

/** Libraries that few runs of a command use, by the package that does: files of their own, since what is loaded takes time whether it is used or not. */
const APART = { 'cli-progress': 'cli', 'npm-package-arg': 'image', 'tar-stream': 'image', yaml: 'stack', zod: 'stack' };

/**
 * Modules of ours that are imported when they are needed for the first time, by the names of their files. Such a file has copies of what it shares with the
 * program, so nothing may go in or out that is known by a class or a constant object of theirs.
 */
const PARTS = { 'riscv64-compiler': join(here, '..', 'hardware', 'cpu-riscv64', 'dist', 'translator', 'compilation.js') };

/**
 * Has a program find such libraries and modules beside it, by its own `require` even where it imports them: what is there is no module that the host knows.
 * `files`: by the names of libraries and the paths of modules.
 */
const apart = (files) => ({
  name: 'apart',
  setup(plugins) {
    const beside = (path) => (files.has(path) ? { path, namespace: 'apart' } : undefined);
    plugins.onResolve({ filter: /^[a-z-]+$/ }, ({ path }) => beside(path));
    plugins.onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir, namespace }) =>
      namespace === 'apart' ? { path, external: true } : beside(join(resolveDir, path)),
    );
    plugins.onLoad({ filter: /.*/, namespace: 'apart' }, ({ path }) => ({ contents: `module.exports = require('./${files.get(path)}');` }));
  },
});

/**
 * Bundles a program into CommonJS files, which Node.js loads sooner than modules and whose compiled code can be kept (src/code-cache.ts): one for all that
 * it usually needs, and one for each of {@link APART} and {@link PARTS}. Their names have a digest of their content. Returns all names, the program's first.
 */
export async function bundleProgram(outdir, name, entryPoint, external = []) {
  const files = new Map();
  const made = [];
  for (const [library, user] of Object.entries(APART)) {
    const stdin = { contents: `module.exports = require('${library}');`, resolveDir: join(here, '..', user) };
    const names = await bundleScript(outdir, library, { stdin, conditions: ['import'] });
    files.set(library, names[0]);
    made.push(...names);
  }
  for (const [part, path] of Object.entries(PARTS)) {
    const names = await bundleScript(outdir, part, { entryPoints: [path] });
    files.set(path, names[0]);
    made.push(...names);
  }
  const program = await bundleScript(outdir, name, {
    entryPoints: [entryPoint],
    external: [...common.external, ...external],
    plugins: [...common.plugins, apart(files)],
    define: { ...common.define, 'import.meta.url': '__url' },
    opening: `const __url = require('node:url').pathToFileURL(__filename).href, ${LOAD} = require('./launch.cjs').load;`,
  });
  return [...program, ...made];
}

/**
 * What makes a CommonJS file a single expression, the function that Node.js makes of every such file: src/code-cache.ts compiles it as it is, since a text
 * of a megabyte that is put together costs as much as one that is read. What loads it by `require` gets the function.
 */
const FUNCTION = {
  opening:
    "(body => typeof module === 'object' ? (module.exports = body) : body)(function (exports, require, module, __filename, __dirname) {",
  closing: '})',
};

/** Bundles one file of CommonJS, which begins with `opening`; returns its name and its map's. */
async function bundleScript(outdir, name, { opening = '', ...options }) {
  const { outputFiles } = await esbuild.build({
    ...common,
    outfile: join(outdir, `${name}.cjs`),
    write: false,
    format: 'cjs',
    banner: { js: FUNCTION.opening + opening },
    footer: { js: FUNCTION.closing },
    ...options,
  });
  const [map, code] = outputFiles.toSorted((one, other) => other.path.endsWith('.map') - one.path.endsWith('.map'));
  const text = importsThroughLauncher(code.text);
  const file = `${name}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}.cjs`;
  mkdirSync(outdir, { recursive: true });
  writeFileSync(join(outdir, `${file}.map`), map.contents);
  writeFileSync(join(outdir, file), text.replace(`sourceMappingURL=${name}.cjs.map`, `sourceMappingURL=${file}.map`));
  return [file, `${file}.map`];
}

/** Stands for `import`, and is as long, so that source maps stay right. */
const LOAD = '__load';

/** Has the launcher do all imports: a script whose code comes from a cache cannot, since V8 then forgets who asks. */
function importsThroughLauncher(text) {
  const { program, errors } = parseSync('program.cjs', text, { sourceType: 'commonjs' });
  if (errors.length > 0) throw new Error(`the bundle cannot be parsed: ${errors[0].message}`);
  const starts = [];
  new Visitor({ ImportExpression: ({ start }) => starts.push(start) }).visit(program);
  return starts.reduce((changed, at) => `${changed.slice(0, at)}${LOAD}${changed.slice(at + LOAD.length)}`, text);
}

/** Bundles what loads a program that {@link bundleProgram} made: launch.cjs. */
export async function bundleLauncher(outdir, entryPoint, define) {
  const outfile = join(outdir, 'launch.cjs');
  await esbuild.build({
    ...common,
    entryPoints: [entryPoint],
    outfile,
    format: 'cjs',
    define: { ...common.define, ...define },
    sourcemap: false,
  });
  return [basename(outfile)];
}

/** Parts of earlier bundles go last: a program that is running may still load its own. */
export function removeOthers(outdir, made) {
  for (const name of readdirSync(outdir)) if (!made.includes(name)) rmSync(join(outdir, name));
}
