import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'packages/**/src/**/*.test.ts',
      'examples/**/*.test.ts',
      'tools/src/**/*.test.ts',
      'acceptance/src/**/*.test.ts',
      'bench/src/**/*.test.ts',
    ],
    setupFiles: ['./vitest.setup.ts'],
    // Against what never ends, not against what is slow: a loaded machine fails no test.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
