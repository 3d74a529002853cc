import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** Packages whose smallness is a promise: at most so many lines of source, blank ones and comments included, tests apart. */
const LIMITS: Readonly<Record<string, number>> = {
  'kernel-stub/solo': 300,
  'kernel-stub/passthrough': 600,
};

const packages = new URL('../../packages/', import.meta.url);

function lines(folder: string): number {
  const source = new URL(`${folder}/src/`, packages);
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
  );
  return files.reduce((sum, name) => sum + readFileSync(new URL(name, source), 'utf8').trimEnd().split('\n').length, 0);
}

describe('lines of source', () => {
  it.each(Object.entries(LIMITS))('%s: at most %i', (folder, limit) => {
    const counted = lines(folder);
    expect(counted).toBeGreaterThan(0);
    expect(counted).toBeLessThanOrEqual(limit);
  });
});
