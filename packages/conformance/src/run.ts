import type { ClauseTest, SuiteOptions } from './clause.ts';

export type Outcome = 'passed' | 'failed' | 'not supported' | 'waived';

export interface TestReport {
  readonly clause: string;
  readonly title: string;
  readonly outcome: Outcome;
  /** Of `failed`: what went wrong. Of `not supported` and `waived`: why. */
  readonly reason: string;
}

/** Why a test does not apply to what the options describe; undefined if it does. */
export function notSupported<Fixture>(test: ClauseTest<Fixture>, options: SuiteOptions<Fixture>): string | undefined {
  const missing = (test.requires ?? []).filter((name) => !options.supports.has(name));
  return missing.length === 0 ? undefined : `does not support ${missing.join(', ')}`;
}

/** Runs one test on a fresh fixture. Rejects with what the test threw. */
export async function runTest<Fixture>(test: ClauseTest<Fixture>, options: SuiteOptions<Fixture>): Promise<void> {
  const fixture = await options.factory();
  try {
    await test.run(fixture);
  } finally {
    await options.dispose?.(fixture);
  }
}

/** Runs a whole suite without a test runner, and reports by clause. */
export async function runSuite<Fixture>(
  tests: readonly ClauseTest<Fixture>[],
  options: SuiteOptions<Fixture>,
): Promise<readonly TestReport[]> {
  const reports: TestReport[] = [];
  for (const test of tests) {
    const { clause, title } = test;
    const unsupported = notSupported(test, options);
    const waiver = options.waivers?.[clause];
    if (unsupported !== undefined) reports.push({ clause, title, outcome: 'not supported', reason: unsupported });
    else if (waiver !== undefined) reports.push({ clause, title, outcome: 'waived', reason: waiver });
    else reports.push(await report(test, options));
  }
  return reports;
}

async function report<Fixture>(test: ClauseTest<Fixture>, options: SuiteOptions<Fixture>): Promise<TestReport> {
  const { clause, title } = test;
  try {
    await runTest(test, options);
    return { clause, title, outcome: 'passed', reason: '' };
  } catch (error) {
    return { clause, title, outcome: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
}
