// Bundles the tour, so that its first picture is there at once.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle, removeOthers } from '../../packages/cli/bundling.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const outdir = join(here, 'bundle');
removeOthers(outdir, await bundle(outdir, { main: join(here, 'dist', 'main.js') }, ['esbuild']));
