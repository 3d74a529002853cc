import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { guestStack } from './guest-stack.ts';

const SIM = { use: 'sim', seed: 7 } as const;
const CHAINS = [['direct'], ['worker'], ['direct', 'worker', 'direct']] as const;
const PROGRAM = ['/guests/pipeline', '/guests/lines', '50', '--', '/guests/upper', '--', '/guests/upper.wasm'];

async function observe(hypervisors: readonly string[]): Promise<{ readonly text: string; readonly retired: number }> {
  const stack = await guestStack({ hardware: SIM, hypervisors });
  try {
    const { text } = await stack.run(PROGRAM);
    return { text, retired: (await stack.usage()).at(-1)?.retired ?? 0 };
  } finally {
    await stack.stop();
  }
}

describe('the simulator repeats itself', () => {
  it.each(CHAINS.map((chain) => ({ chain })))('under $chain: the same bytes and the same instruction count, twice', async ({ chain }) => {
    const first = await observe(chain);
    expect(first.text.split('\n')).toHaveLength(51);
    expect(first.retired).toBeGreaterThan(10_000);
    expect(await observe(chain)).toEqual(first);
  });

  it('in two processes', () => {
    const cli = fileURLToPath(new URL('../../packages/cli/bin/ashlar.js', import.meta.url));
    const guests = fileURLToPath(new URL('../../packages/guests/bin', import.meta.url));
    const run = (): { stdout: string; instructions: string | undefined } => {
      const args = ['run', '--hardware', 'sim', '--volume', `${guests}:/guests:ro`, '--stats', '--', ...PROGRAM];
      const { stdout, stderr, status } = spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8' });
      expect(status).toBe(0);
      return { stdout, instructions: /direct \/ main\s+([\d,]+)/.exec(stderr)?.[1] };
    };
    const first = run();
    expect(first.instructions).toBeDefined();
    expect(run()).toEqual(first);
  });
});
