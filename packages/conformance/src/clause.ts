/**
 * One test of one MUST clause of `docs/spec`. Several may test the same clause.
 *
 * @typeParam Fixture what the tests are run on: made afresh for each
 */
export interface ClauseTest<Fixture> {
  /** Number of the clause, such as `SH-4`. */
  readonly clause: string;
  /** What is shown, in one line. */
  readonly title: string;
  /** What the implementation must support for the clause to apply: names of its traits, features or feature groups. */
  readonly requires?: readonly string[];
  /** Throws if the promise is not kept. */
  run(fixture: Fixture): void | Promise<void>;
}

/** What a suite is run on. */
export interface SuiteOptions<Fixture> {
  /** Names the implementation, and how it is set up. */
  readonly name: string;
  readonly factory: () => Fixture | Promise<Fixture>;
  readonly dispose?: (fixture: Fixture) => void | Promise<void>;
  /** What users see too: skips come only from here. */
  readonly supports: ReadonlySet<string>;
  /** Clauses known not to be kept, with the reason. A waived test that passes is an error: the waiver is to be removed. */
  readonly waivers?: Readonly<Record<string, string>>;
}

/** A deliberately broken implementation: it must fail the clause it breaks, and no unrelated one. */
export interface Mutant<Fixture> {
  /** What is broken, in words. */
  readonly name: string;
  readonly clause: string;
  /** Clauses that cannot but fail too. */
  readonly also?: readonly string[];
  /** Breaks a fixture, in place or by wrapping. */
  mutate(fixture: Fixture): Fixture | Promise<Fixture>;
}

/** Types a list of clause tests. */
export const clauseTests = <Fixture>(...tests: ClauseTest<Fixture>[]): readonly ClauseTest<Fixture>[] => tests;
