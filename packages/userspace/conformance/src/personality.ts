import { clauseTests, type Mutant } from '@ashlar/conformance';
import { guest } from '@ashlar/guests';
import type { Personality } from '@ashlar/kernel-stub';
import type { SystemRig } from '@ashlar/kernel-stub-conformance';
import { expect } from 'vitest';

/** Names of Ashlar's guest programs that show a promise in this ABI. */
export interface PersonalityGuests {
  readonly arguments: string;
  readonly badPointers?: string;
  readonly unknownCalls?: string;
  readonly exits: readonly string[];
  readonly faults: readonly string[];
}

/** What the suite of personalities is run on. Supports: `bad pointers`, `unknown calls` where there is a guest for it. */
export interface PersonalityFixture {
  readonly personality: Personality;
  readonly guests: PersonalityGuests;
  /** A stub with this personality and the guest programs; what `programs` holds lies under `/damaged`. */
  rig(programs?: Readonly<Record<string, Uint8Array>>): SystemRig;
}

const WORKING_DIRECTORY = '/tmp';

function expectRecorded(rig: SystemRig, name: string): void {
  const { argv, env, stdin, files } = guest(name);
  const expected = guest(name).expected();
  const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  const ran = rig.run({
    argv,
    env,
    cwd: WORKING_DIRECTORY,
    ...(stdin === undefined ? {} : { stdin }),
    ...(files === undefined ? {} : { files }),
  });
  expect(ran).toMatchObject({ stdout: decode(expected.stdout), status: expected.status });
}

/** First bytes of other formats. */
const FOREIGN: Readonly<Record<string, readonly number[]>> = {
  nothing: [],
  text: [...new TextEncoder().encode('#!/bin/sh\necho hello\n')],
  'a Windows program': [0x4d, 0x5a, 0x90, 0x00],
  'an archive': [0x50, 0x4b, 0x03, 0x04],
  zeroes: Array.from({ length: 256 }, () => 0),
};

/** The clauses of docs/spec/session.md on personalities. */
export const personalityTests = clauseTests<PersonalityFixture>(
  {
    clause: 'PE-1',
    title: 'knows its own format, and claims no other',
    run({ personality, guests }) {
      expect(personality.recognises(guest(guests.arguments).bytes().subarray(0, 256))).toBe(true);
      for (const [what, bytes] of Object.entries(FOREIGN)) expect(personality.recognises(Uint8Array.from(bytes)), what).toBe(false);
    },
  },
  {
    clause: 'PE-2',
    title: 'a program cut short or scrambled is refused or ends, and leaves nothing behind',
    run({ guests, rig: makeRig }) {
      const whole = guest(guests.arguments).bytes();
      const cuts = [1, 4, 8, 20, 63, 64, 65, 100, 200, Math.floor(whole.length / 2), whole.length - 1];
      const programs = Object.fromEntries(cuts.map((length) => [`cut-${length}`, whole.slice(0, length)]));
      const rig = makeRig(programs);
      expectRecorded(rig, guests.arguments);
      const before = rig.machine.memory.usedPages;
      for (const name of Object.keys(programs)) {
        const pid = rig.spawn({ argv: [`/damaged/${name}`] });
        if (pid > 0) rig.follow(pid, '');
        else expect(pid).toBeGreaterThan(-200);
      }
      // The stub may keep pages of the files themselves in its cache: a page for each of them, and one more of the directory.
      expect(rig.machine.memory.usedPages - before).toBeLessThanOrEqual(
        cuts.reduce((sum, length) => sum + Math.ceil(length / 4096) + 1, 1),
      );
      expectRecorded(rig, guests.arguments);
    },
  },
  {
    clause: 'PE-3',
    title: 'arguments and environment arrive unchanged',
    run({ guests, rig }) {
      expectRecorded(rig(), guests.arguments);
    },
  },
  {
    clause: 'PE-4',
    title: 'a bad pointer is an error to the program, not to the host',
    requires: ['bad pointers'],
    run({ guests, rig }) {
      expectRecorded(rig(), guests.badPointers ?? '');
    },
  },
  {
    clause: 'PE-5',
    title: 'a call that nobody knows is answered',
    requires: ['unknown calls'],
    run({ guests, rig }) {
      expectRecorded(rig(), guests.unknownCalls ?? '');
    },
  },
  {
    clause: 'PE-6',
    title: 'codes are statuses, faults are signals',
    run({ guests, rig: makeRig }) {
      const rig = makeRig();
      for (const name of [...guests.exits, ...guests.faults]) expectRecorded(rig, name);
      for (const name of guests.faults) expect(guest(name).expected().status).toBeGreaterThan(128);
    },
  },
);

const withPersonality = (fixture: PersonalityFixture, changes: Partial<Personality>): PersonalityFixture => {
  const personality = new Proxy(fixture.personality, {
    get: (target, key) => {
      const value: unknown = key in changes ? changes[key as keyof Personality] : Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { ...fixture, personality, rig: (programs) => fixture.rig(programs).with({ personalities: () => [personality] }) };
};

/** Broken personalities, each on one clause. */
export const personalityMutants: readonly Mutant<PersonalityFixture>[] = [
  {
    name: 'claims every format',
    clause: 'PE-1',
    mutate: (fixture) => withPersonality(fixture, { recognises: () => true }),
  },
  {
    name: 'loses the last argument',
    clause: 'PE-3',
    also: ['PE-2', 'PE-6', 'PE-4', 'PE-5'],
    mutate: (fixture) =>
      withPersonality(fixture, {
        load: (request, out) =>
          fixture.personality.load(
            {
              ...request,
              argv: request.argv.slice(0, -1),
              open: (path) => request.open(path),
              random: (to) => request.random(to),
              cpu: (isa) => request.cpu(isa),
            },
            out,
          ),
      }),
  },
];
