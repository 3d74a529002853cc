import { describe, expect, it } from 'vitest';
import type { ClauseTest, Mutant, SuiteOptions } from './clause.ts';
import { notSupported, runSuite, runTest } from './run.ts';

/** Registers a suite with vitest: a test per clause test, named by its clause. What is not supported is listed, and not run. */
export function registerSuite<Fixture>(tests: readonly ClauseTest<Fixture>[], options: SuiteOptions<Fixture>): void {
  describe(options.name, () => {
    for (const test of tests) {
      const name = `${test.clause}: ${test.title}`;
      const unsupported = notSupported(test, options);
      const waiver = options.waivers?.[test.clause];
      if (unsupported !== undefined) it(`${name} — ${unsupported}`, () => expect(options.supports).not.toContain(test.requires));
      else if (waiver !== undefined) it(`${name} — waived: ${waiver}`, () => expect(runTest(test, options)).rejects.toThrow());
      else it(name, () => runTest(test, options));
    }
  });
}

/** Registers, for each mutant, the test that the suite catches it: its clause fails, and no clause fails that it does not name. */
export function registerMutants<Fixture>(
  tests: readonly ClauseTest<Fixture>[],
  options: SuiteOptions<Fixture>,
  mutants: readonly Mutant<Fixture>[],
): void {
  describe(`mutants of ${options.name}`, () => {
    it.each(mutants)('$clause is caught: $name', async (mutant) => {
      const reports = await runSuite(tests, { ...options, factory: async () => mutant.mutate(await options.factory()) });
      const failed = new Set(reports.filter(({ outcome }) => outcome === 'failed').map(({ clause }) => clause));
      expect([...failed], 'the mutant passes the clause it breaks').toContain(mutant.clause);
      const related = new Set([mutant.clause, ...(mutant.also ?? [])]);
      expect(
        reports.filter(({ clause, outcome }) => outcome === 'failed' && !related.has(clause)),
        'the mutant fails unrelated clauses',
      ).toEqual([]);
    });
  });
}
