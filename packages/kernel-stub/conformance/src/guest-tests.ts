import type { ClauseTest } from '@ashlar/conformance';
import type { TreeDescription } from '@ashlar/devices';
import { GUEST_DIRECTORY, guest, guests } from '@ashlar/guests';
import { expect } from 'vitest';
import { GUEST_CLAUSES } from './guest-clauses.ts';
import type { SystemRig } from './rig.ts';

/** One test for each guest program that shows a clause: what it says and its status are those recorded on real Linux. */
export const guestTests: readonly ClauseTest<SystemRig>[] = Object.entries(GUEST_CLAUSES).flatMap(([clause, names]) =>
  names.map((name): ClauseTest<SystemRig> => {
    const { about, needs } = guest(name);
    return { clause, title: `${name} (${about})`, requires: [...needs], run: (rig) => runGuest(rig, name) };
  }),
);

function runGuest(rig: SystemRig, name: string): void {
  const { argv, env, stdin, files } = guest(name);
  const expected = guest(name).expected();
  const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  const ran = rig.run({
    argv,
    env,
    cwd: GUEST_DIRECTORY,
    ...(stdin === undefined ? {} : { stdin }),
    ...(files === undefined ? {} : { files }),
  });
  expect(ran).toEqual({ stdout: decode(expected.stdout), stderr: decode(expected.stderr), status: expected.status });
}

/** The root that the suite's programs need: every guest program under `/guests`. */
export function guestRoot(): TreeDescription {
  return { guests: Object.fromEntries(guests.map((each) => [each.program, each.bytes()])) };
}
