import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clauseGaps, namedClauses, specifiedClauses } from './clauses.ts';
import { readWorkspace } from './workspace.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const specified = specifiedClauses(root);
const suites = readWorkspace(root)
  .filter(({ kind }) => kind !== 'application')
  .flatMap(({ kind, sources }) => sources.filter((path) => kind === 'conformance' || path.endsWith('.test.ts')));
const gaps = clauseGaps(specified, namedClauses(suites));
for (const gap of gaps) process.stderr.write(`${gap}\n`);
process.stdout.write(`clauses: ${specified.size} specified, ${gaps.length} without a test\n`);
process.exitCode = gaps.length > 0 ? 1 : 0;
