// How a program that starts stacks is bundled: importing the libraries one by one takes longer than starting a stack, and what is parsed is paid for at
// every start.
import { readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));

/** zod brings its messages in fifty languages along; here they are in one. */
const oneLanguage = {
  name: 'one-language',
  setup(plugins) {
    plugins.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({ contents: "export { default as en } from './en.js';" }));
  },
};

/** The riscv64 interpreter is generated, the same each time: here once and for all, instead of at every start. */
const interpreter = {
  name: 'interpreter',
  setup(plugins) {
    plugins.onLoad({ filter: /cpu-riscv64[\\/]dist[\\/]interpreter[\\/]module\.js$/ }, async ({ path }) => {
      const generator = await import(pathToFileURL(path).href);
      const others = Object.keys(generator).filter((name) => name !== 'interpreterModule');
      if (others.length > 0) throw new Error(`${path} exports ${others.join(', ')} as well; the bundle knows only interpreterModule`);
      const text = Buffer.from(generator.interpreterModule()).toString('base64');
      return { contents: `export const interpreterModule = () => new Uint8Array(Buffer.from('${text}', 'base64'));` };
    });
  },
};

/** Bundles `entryPoints` (name → compiled module) into `outdir`, with what a thread is started from: that is found by file name, beside. */
export async function bundle(outdir, entryPoints, external = []) {
  const { metafile } = await build({
    entryPoints: {
      ...entryPoints,
      loader: join(here, 'dist', 'loader.js'),
      thread: join(here, '..', 'hypervisor', 'worker', 'dist', 'thread.js'),
    },
    outdir,
    metafile: true,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    minify: true,
    // For readable stack traces: `node --enable-source-maps`, or --debug of the command.
    sourcemap: 'linked',
    sourcesContent: false,
    plugins: [oneLanguage, interpreter],
    // Guest programs are found beside their package. npm's own client is large, used only for npm: images that are not cached, and loads files by path.
    external: ['@ashlar/guests', 'pacote', '@npmcli/config', '@npmcli/config/*', ...external],
    // CommonJS libraries in the bundle ask for `require`.
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
  // Parts of earlier bundles go last: a program that is running may still load its own.
  const made = new Set(Object.keys(metafile.outputs).map((path) => basename(path)));
  for (const name of readdirSync(outdir)) if (!made.has(name)) rmSync(join(outdir, name));
}
