import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestMachine } from './machine.ts';
import { lacks, outputOf } from './peer.ts';
import { Random } from './random.ts';
import { BLOCK_BYTES, differences, type Program, program } from './sequences.ts';

/** Environment: ASHLAR_SEQUENCES and ASHLAR_SEED for other runs than the usual one. */
const SEQUENCES = Number(process.env.ASHLAR_SEQUENCES ?? 20_000);
const SEED = Number(process.env.ASHLAR_SEED ?? 1);
const BATCH = 1000;
const BUDGET = 10_000_000;

/** Reports a few failures in full rather than all of them. */
const REPORTS_MAX = 10;

function runHere({ elf }: Program): Uint8Array {
  const machine = new TestMachine();
  machine.load(elf);
  const exit = machine.run(BUDGET);
  expect({ exit, status: machine.status, traps: machine.traps }).toEqual({ exit: 'left', status: 0, traps: [] });
  const bytes = machine.output[0] as Uint8Array;
  machine.destroy();
  return bytes;
}

describe.skipIf(lacks('qemu-riscv64', 'qemu-user'))('random sequences give the same state as under qemu-riscv64', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ashlar-riscv64-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it(`${SEQUENCES} sequences, seed ${SEED}`, { timeout: 600_000 }, () => {
    const reports: string[] = [];
    const random = new Random(SEED);
    for (let done = 0; done < SEQUENCES && reports.length < REPORTS_MAX; done += BATCH) {
      const made = program(random, Math.min(BATCH, SEQUENCES - done));
      const path = join(folder, 'sequences');
      writeFileSync(path, made.elf, { mode: 0o755 });
      const theirs = outputOf('qemu-riscv64', [path], BATCH * BLOCK_BYTES * 2);
      const ours = runHere(made);
      expect(theirs.length).toBe(ours.length);
      for (const [i, { names, words }] of made.sequences.entries()) {
        const part = (bytes: Uint8Array): Uint8Array => bytes.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES);
        const found = differences(part(made.blocks), part(ours), part(theirs));
        if (found.length === 0 || reports.length >= REPORTS_MAX) continue;
        const code = names.map((name, k) => `${name} ${(words[k] as number).toString(16)}`).join('; ');
        reports.push(`sequence ${done + i}: ${code}\n  ${found.join('\n  ')}`);
      }
    }
    expect(reports.join('\n')).toBe('');
  });
});
