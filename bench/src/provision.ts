import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { guestPrograms } from '@ashlar/guests';
import { start } from 'ashlar';
import { median, report } from './statistics.ts';

// How long it takes from nothing to a program's end: a whole stack made for each run. Combinations take turns, so that a busy machine slows all alike.

const RUNS = Number(process.argv[2] ?? 15);
const CHAINS: readonly (readonly string[])[] = [
  [],
  ['direct'],
  ['worker'],
  ['direct', 'direct', 'direct', 'direct', 'direct', 'direct', 'direct', 'direct'],
];
const CLI = fileURLToPath(new URL('../../packages/cli/bin/ashlar.js', import.meta.url));

interface Sample {
  readonly readyMs: number[];
  readonly programMs: number[];
}

async function once(chain: readonly string[], sample: Sample): Promise<void> {
  const from = performance.now();
  const stack = await start({
    ashlar: 1,
    memory: '256MiB',
    hypervisors: [...chain],
    userspace: { use: ['linux'], volumes: [{ host: guestPrograms, guest: '/guests', readOnly: true }] },
  });
  const ready = performance.now();
  const { status } = await stack.run(['/guests/hello']);
  const ended = performance.now();
  await stack.stop();
  if (status !== 0) throw new Error(`hello ended with ${status}`);
  sample.readyMs.push(ready - from);
  sample.programMs.push(ended - ready);
}

function processMs(command: readonly string[]): number {
  const from = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [...command], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}: ${stderr}`);
  return performance.now() - from;
}

const samples = CHAINS.map((): Sample => ({ readyMs: [], programMs: [] }));
for (const chain of CHAINS) await once(chain, { readyMs: [], programMs: [] });
for (let run = 0; run < RUNS; run++) for (const [index, chain] of CHAINS.entries()) await once(chain, samples[index] as Sample);
report(
  `A static riscv64 hello in a warm process: medians of ${RUNS} runs, ms`,
  CHAINS.map((chain, index) => {
    const { readyMs, programMs } = samples[index] as Sample;
    const name = chain.length > 3 ? `direct × ${chain.length}` : chain.join(' > ') || '(none)';
    return { chain: name, 'stack ready': median(readyMs).toFixed(2), 'program ran': median(programMs).toFixed(2) };
  }),
);

const node: number[] = [];
const command: number[] = [];
for (let run = 0; run < RUNS; run++) {
  node.push(processMs(['-e', '0']));
  command.push(processMs([CLI, 'run', '--volume', `${guestPrograms}:/guests:ro`, '--', '/guests/hello']));
}
const ratio = median(command) / median(node);
report(`The same from the shell: medians of ${RUNS} runs, ms`, [
  { process: 'node -e 0', wall: median(node).toFixed(1), ratio: '1.00' },
  { process: 'ashlar run hello', wall: median(command).toFixed(1), ratio: ratio.toFixed(2) },
]);
