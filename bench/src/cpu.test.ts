import { start } from 'ashlar';
import { afterEach, describe, expect, it } from 'vitest';
import { missingCompiler } from './build.ts';
import { differences, type Outcome } from './equality.ts';
import { type Program, runWith, targetOf } from './tools.ts';
import { hello, programOf, workloads } from './workloads.ts';

const missing = missingCompiler();
if (missing !== undefined && process.env.ASHLAR_REQUIRE_DEBIAN === '1') throw new Error(missing);

const before = process.env.ASHLAR_TRANSLATE;
afterEach(() => {
  if (before === undefined) delete process.env.ASHLAR_TRANSLATE;
  else process.env.ASHLAR_TRANSLATE = before;
});

/** In this process, which spares two hundred milliseconds a run. */
async function inProcess(translate: string, { path, args, folders }: Program): Promise<Outcome> {
  process.env.ASHLAR_TRANSLATE = translate;
  const stack = await start({
    ashlar: 1,
    hypervisors: ['direct'],
    userspace: { use: ['linux'], volumes: folders.map((folder) => ({ host: folder, guest: folder, readOnly: true })) },
  });
  try {
    const { status, stdout, stderr } = await stack.run([path, ...args]);
    const instructions = Object.values(stack.statistics())[0]?.retired;
    return { status, stdout, stderr: new TextDecoder().decode(stderr), instructions };
  } finally {
    await stack.stop();
  }
}

describe.skipIf(missing !== undefined)('the programs of bench/cpu', () => {
  it.each(workloads.map((workload) => [workload.name, workload] as const))('%s does the same everywhere', async (_name, workload) => {
    const [native, riscv64] = (['native', 'riscv64'] as const).map((target) => programOf(workload, target, workload.rounds.tiny, '7')) as [
      Program,
      Program,
    ];
    const runs = new Map<string, Outcome>([
      ['native', runWith('native', native)],
      ['qemu', runWith('qemu', riscv64)],
      ['interpreter', await inProcess('off', riscv64)],
      ['translator', await inProcess('hot', riscv64)],
      ['eager translator', await inProcess('eager', riscv64)],
    ]);
    expect(differences(runs, { sameStderrNatively: !workload.rounded, sameInstructions: true })).toEqual([]);
    const { status, instructions = 0 } = runs.get('translator') as Outcome;
    expect(status).toBe(0);
    expect(instructions).toBeGreaterThan(100_000);
  });

  it('are run and counted by the command as well', () => {
    const counts = (['interpreter', 'translator'] as const).map((tool) => {
      const { status, stderr, instructions } = runWith(tool, programOf(hello, targetOf(tool), 0, '1'));
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      return instructions;
    });
    expect(counts[0]).toBeGreaterThan(1000);
    expect(counts[1]).toBe(counts[0]);
  });
});
