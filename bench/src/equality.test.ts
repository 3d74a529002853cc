import { describe, expect, it } from 'vitest';
import { differences, type Outcome } from './equality.ts';

const outcome = (more: Partial<Outcome> = {}): Outcome => ({
  status: 0,
  stdout: Buffer.from('1\n'),
  stderr: 'bits\n',
  instructions: undefined,
  ...more,
});
const strict = { sameStderrNatively: true, sameInstructions: true };

describe('differences', () => {
  it('are none between equal runs, counted or not', () => {
    expect(
      differences(
        new Map([
          ['native', outcome()],
          ['interpreter', outcome({ instructions: 5 })],
        ]),
        strict,
      ),
    ).toEqual([]);
  });

  it('name the property and each value', () => {
    const runs = new Map([
      ['qemu', outcome({ status: 1 })],
      ['interpreter', outcome({ stdout: Buffer.from('2\n'), instructions: 5 })],
      ['translator', outcome({ stderr: '', instructions: 6 })],
    ]);
    expect(differences(runs, strict)).toEqual([
      'status: qemu 1, interpreter 0, translator 0',
      'stdout: qemu "1\\n", interpreter "2\\n", translator "1\\n"',
      'stderr: qemu "bits\\n", interpreter "bits\\n", translator ""',
      'instructions: interpreter 5, translator 6',
    ]);
  });

  it('tell long outputs apart by digest', () => {
    const [line = ''] = differences(
      new Map([
        ['qemu', outcome({ stdout: Buffer.alloc(300, 'a') })],
        ['translator', outcome({ stdout: Buffer.alloc(300, 'b') })],
      ]),
      strict,
    );
    expect(line).toMatch(/^stdout: qemu 300 bytes, SHA-256 (\w{16}), translator 300 bytes, SHA-256 (?!\1)\w{16}$/);
  });

  it('excuse only native code from the same stderr', () => {
    const lenient = { ...strict, sameStderrNatively: false };
    expect(
      differences(
        new Map([
          ['native', outcome({ stderr: 'x' })],
          ['qemu', outcome()],
        ]),
        lenient,
      ),
    ).toEqual([]);
    expect(
      differences(
        new Map([
          ['native', outcome()],
          ['qemu', outcome()],
          ['translator', outcome({ stderr: 'x' })],
        ]),
        lenient,
      ),
    ).toHaveLength(1);
  });

  it('let programs with threads take other ways', () => {
    const runs = new Map([
      ['interpreter', outcome({ instructions: 5 })],
      ['translator', outcome({ instructions: 6 })],
    ]);
    expect(differences(runs, { ...strict, sameInstructions: false })).toEqual([]);
  });
});
