import type { ClauseTest } from '@ashlar/conformance';
import { guestTests } from './guest-tests.ts';
import { operatorTests } from './operator-tests.ts';
import type { SystemRig } from './rig.ts';

export * from './guest-clauses.ts';
export { guestRoot } from './guest-tests.ts';
export * from './mutants.ts';
export * from './rig.ts';

/** Every test of docs/spec/system.md. Run on a {@link SystemRig} whose root holds the guest programs at `/guests`. */
export const systemTests: readonly ClauseTest<SystemRig>[] = [...guestTests, ...operatorTests];
