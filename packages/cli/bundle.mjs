// Bundles the command and, for those who install the package, the embedding API.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundling.mjs';

const here = dirname(fileURLToPath(import.meta.url));
await bundle(join(here, 'bundle'), { main: join(here, 'dist', 'main.js'), index: join(here, 'dist', 'index.js') });
