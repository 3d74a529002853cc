import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringLiterals } from './module-facts.ts';

const CLAUSE = /\*\*([A-Z]+-\d+)\*\*/g;
const NAMED = /^([A-Z]+-\d+)\b/;

/** The MUST clauses of docs/spec, with the page that each stands on. */
export function specifiedClauses(root: string): ReadonlyMap<string, string> {
  const folder = join(root, 'docs', 'spec');
  const found = new Map<string, string>();
  for (const page of readdirSync(folder).filter((name) => name.endsWith('.md'))) {
    for (const [, clause] of readFileSync(join(folder, page), 'utf8').matchAll(CLAUSE)) found.set(clause as string, page);
  }
  return found;
}

/** Clauses that conformance suites and tests name: a string that is, or begins with, a clause's number. */
export function namedClauses(paths: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const path of paths) {
    for (const text of stringLiterals(path)) {
      const clause = NAMED.exec(text)?.[1];
      if (clause !== undefined) found.add(clause);
    }
  }
  return found;
}

/** What is wrong between the two, as one line each. */
export function clauseGaps(specified: ReadonlyMap<string, string>, named: ReadonlySet<string>): readonly string[] {
  const gaps = [...specified].filter(([clause]) => !named.has(clause));
  return gaps.map(([clause, page]) => `docs/spec/${page}: ${clause} is named by no conformance test`);
}
