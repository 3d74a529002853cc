import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Translation, TranslatorOptions } from '../translator/options.ts';
import { TestMachine } from './machine.ts';
import { lacks, outputOf } from './peer.ts';
import { Random } from './random.ts';
import { BLOCK_BYTES, differences, program } from './sequences.ts';
import { TangledMachine } from './tangled-machine.ts';
import { firstDifference, OUTPUT_BYTES, tangledProgram } from './tangled-program.ts';

/**
 * Environment: ASHLAR_SEQUENCES and ASHLAR_SEED for other runs than the usual one; continuous integration runs 20,000. A million:
 * `ASHLAR_SEQUENCES=1000000 ASHLAR_SEED=2 npx vitest run packages/hardware/cpu-riscv64/src/differential/qemu.test.ts`.
 */
const SEQUENCES = Number(process.env.ASHLAR_SEQUENCES ?? 5000);
const SEED = Number(process.env.ASHLAR_SEED ?? 1);
/** Sequences of a program without control flow but branches ahead and one loop, and of one with tangled control flow and faults. */
const STRAIGHT = 800;
const TANGLED = 200;
const BUDGET = 1_000_000_000;
const TIMEOUT_MS = 600_000 + SEQUENCES * 60;

/** Reports a few failures in full rather than all of them. */
const REPORTS_MAX = 10;

/** Anything from translating every target of a jump at once, one time in `oneIn`, to translating a few late; and what was translated is made anew soon or never. */
function randomThresholds(random: Random, oneIn: number): TranslatorOptions {
  const atOnce = random.chance(oneIn);
  return {
    period: atOnce ? 0 : random.below(6),
    samples: atOnce ? 1 : random.between(1, 4),
    batch: atOnce ? 1 : random.between(1, 48),
    eager: random.chance(2),
    patience: atOnce ? 0 : random.below(3000),
    joinLeast: random.between(1000, 50_000),
    joinPatience: random.chance(2) ? 0 : 1000,
  };
}

/** Runs to the end in slices: some of a few instructions, most of many. */
function runHere(machine: TestMachine, elf: Uint8Array, random: Random): Uint8Array {
  machine.load(elf);
  for (let left = BUDGET; machine.status === undefined && machine.traps.length === 0; ) {
    const slice = random.chance(3) ? random.between(1, 40) : random.between(1000, 200_000);
    machine.run(slice);
    left -= slice;
    if (left < 0) throw new Error('the program does not come to its end');
  }
  expect({ status: machine.status, traps: machine.traps }).toEqual({ status: 0, traps: [] });
  const bytes = Buffer.concat(machine.output);
  machine.destroy();
  return bytes;
}

describe.skipIf(lacks('qemu-riscv64', 'qemu-user'))('random sequences give the same state as under qemu-riscv64', () => {
  const reports: string[] = [];
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ashlar-riscv64-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function runThere(elf: Uint8Array, bytes: number): Uint8Array {
    const path = join(folder, 'sequences');
    writeFileSync(path, elf, { mode: 0o755 });
    return outputOf('qemu-riscv64', [path], bytes * 2);
  }

  /** In both tiers: interpreted, and translated as soon as the thresholds say. */
  const translations = (random: Random, oneIn: number): readonly (Translation | TranslatorOptions)[] => [
    'off',
    randomThresholds(random, oneIn),
  ];

  function straight(random: Random, count: number, before: number): void {
    const made = program(random, count);
    const theirs = runThere(made.elf, count * BLOCK_BYTES);
    for (const translation of translations(random, 8)) {
      const ours = runHere(new TestMachine(undefined, translation), made.elf, random);
      expect(ours.length).toBe(theirs.length);
      for (const [i, { names, words }] of made.sequences.entries()) {
        const part = (bytes: Uint8Array): Uint8Array => bytes.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES);
        const found = differences(part(made.blocks), part(ours), part(theirs));
        if (found.length === 0 || reports.length >= REPORTS_MAX) continue;
        const code = names.map((name, k) => `${name} ${(words[k] as number).toString(16)}`).join('; ');
        reports.push(`sequence ${before + i}, translation ${JSON.stringify(translation)}: ${code}\n  ${found.join('\n  ')}`);
      }
    }
  }

  function tangled(random: Random, count: number, before: number): void {
    const { elf } = tangledProgram(random, count);
    const theirs = runThere(elf, count * OUTPUT_BYTES);
    for (const translation of translations(random, 2)) {
      const machine = new TangledMachine(undefined, translation);
      const found = firstDifference(runHere(machine, elf, random), theirs);
      if (found !== undefined) reports.push(`tangled from ${before} on, translation ${JSON.stringify(translation)}: ${found}`);
      // Programs without faults would show nothing of them.
      expect(machine.faults).toBeGreaterThan(count);
    }
  }

  it(`${SEQUENCES} sequences, seed ${SEED}`, { timeout: TIMEOUT_MS }, () => {
    const random = new Random(SEED);
    for (let done = 0; done < SEQUENCES && reports.length < REPORTS_MAX; done += STRAIGHT + TANGLED) {
      straight(random, STRAIGHT, done);
      tangled(random, TANGLED, done + STRAIGHT);
    }
    expect(reports.join('\n')).toBe('');
  });
});
