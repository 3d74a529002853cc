import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { clauseGaps, namedClauses, specifiedClauses } from './clauses.ts';

it('finds the clause that no test names', () => {
  const root = mkdtempSync(join(tmpdir(), 'ashlar-clauses-'));
  try {
    mkdirSync(join(root, 'docs', 'spec'), { recursive: true });
    writeFileSync(join(root, 'docs', 'spec', 'x.md'), '- **X-1** one MUST\n- **X-2** two MUST\n- **X-12** twelve MUST\n');
    const test = join(root, 'x.test.ts');
    writeFileSync(test, "it('X-1: one', () => {}); const map = { 'X-12': ['guest'] };");
    expect(clauseGaps(specifiedClauses(root), namedClauses([test]))).toEqual(['docs/spec/x.md: X-2 is named by no conformance test']);
  } finally {
    rmSync(root, { recursive: true });
  }
});
