import fc from 'fast-check';
import { afterAll, vi } from 'vitest';

// Properties are tried on the same cases each time, so that a test fails for a change and never by chance. Other cases: ASHLAR_SEED=2 npx vitest run PATH.
fc.configureGlobal({ seed: Number(process.env.ASHLAR_SEED ?? 1) });

// The CPU loads its translator when a guest is hot for the first time, and nobody waits for that: a test file may be over before it is there.
afterAll(() => vi.dynamicImportSettled());
