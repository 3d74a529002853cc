import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { layerBreaches } from './layers.ts';
import { readWorkspace } from './workspace.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const packages = readWorkspace(root);
const breaches = layerBreaches(root, packages);
for (const breach of breaches) process.stderr.write(`${breach}\n`);
const files = packages.reduce((sum, { sources, scripts }) => sum + sources.length + scripts.length, 0);
process.stdout.write(`layers: ${packages.length} packages, ${files} files, ${breaches.length} breaches\n`);
process.exitCode = breaches.length > 0 ? 1 : 0;
