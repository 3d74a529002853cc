import { writeFileSync } from 'node:fs';
import { stackJsonSchema } from './config/schema.ts';

// Writes the JSON Schema that stack files refer to; run by `npm run schema` in this package. A test compares.
writeFileSync(new URL('../schema/stack.schema.json', import.meta.url), `${JSON.stringify(stackJsonSchema(), undefined, 2)}\n`);
