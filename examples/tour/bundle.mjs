// Bundles the tour, so that its first picture is there at once.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../packages/cli/bundling.mjs';

const here = dirname(fileURLToPath(import.meta.url));
await bundle(join(here, 'bundle'), { main: join(here, 'dist', 'main.js') }, ['esbuild']);
