import fc from 'fast-check';

// Properties are tried on the same cases each time, so that a test fails for a change and never by chance. Other cases: ASHLAR_SEED=2 npx vitest run PATH.
fc.configureGlobal({ seed: Number(process.env.ASHLAR_SEED ?? 1) });
