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

/** The riscv64 interpreter, and the functions that translated code calls, are generated. */
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
  plugins: [oneLanguage, generated],
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

/**
 * Bundles a program into one CommonJS file, which Node.js loads sooner than modules and whose compiled code can be kept (src/code-cache.ts). The
 * file's name has a digest of its content. Returns the names of its files, the program's first.
 */
export async function bundleProgram(outdir, name, entryPoint, external = []) {
  const { outputFiles } = await esbuild.build({
    ...common,
    entryPoints: [entryPoint],
    outfile: join(outdir, `${name}.cjs`),
    write: false,
    format: 'cjs',
    external: [...common.external, ...external],
    define: { ...common.define, 'import.meta.url': '__url' },
    banner: { js: `const __url = require('node:url').pathToFileURL(__filename).href, ${LOAD} = require('./launch.cjs').load;` },
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
