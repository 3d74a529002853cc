// Bundles the command and, for those who install the package, the embedding API.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle, bundleLauncher, bundleProgram, removeOthers } from './bundling.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const outdir = join(here, 'bundle');
const compiled = (name) => join(here, 'dist', `${name}.js`);

const program = await bundleProgram(outdir, 'command', compiled('main'));
const modules = await bundle(outdir, { index: compiled('index') });
const launcher = await bundleLauncher(outdir, compiled('launch'), { COMMAND_FILE: JSON.stringify(program[0]) });
removeOthers(outdir, [...program, ...modules, ...launcher]);
