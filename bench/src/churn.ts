import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { guestPrograms } from '@ashlar/guests';
import { circumstances } from './comparison.ts';
import { parseCount, readOptions, runBenchmark, writeJson } from './options.ts';
import { type Row, table } from './statistics.ts';

// Whether memory stays flat when domains are made and destroyed in one process, each running a program whose hot code is translated.

const USAGE = 'node bench/dist/churn.js [--domains 10000] [--program compute-integer] [--chain direct] [--json FILE]';
const { start } = (await import(new URL('../../packages/cli/bundle/index.js', import.meta.url).href)) as typeof import('ashlar');
const ROWS = 10;
const MIB = 2 ** 20;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

async function once(program: string, chain: readonly string[]): Promise<void> {
  const stack = await start({
    ashlar: 1,
    memory: '256MiB',
    hypervisors: [...chain],
    userspace: { use: ['linux'], volumes: [{ host: guestPrograms, guest: '/guests', readOnly: true }] },
  });
  try {
    const { status } = await stack.run([`/guests/${program}`]);
    if (status !== 0) throw new Error(`${program} ended with ${status}`);
  } finally {
    await stack.stop();
  }
}

async function look(domains: number, from: number): Promise<Row> {
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  const { rss, heapUsed, external } = process.memoryUsage();
  return {
    domains: String(domains),
    'rss MiB': (rss / MIB).toFixed(1),
    'heap MiB': (heapUsed / MIB).toFixed(2),
    'external MiB': (external / MIB).toFixed(1),
    seconds: ((performance.now() - from) / 1000).toFixed(1),
  };
}

async function main(): Promise<void> {
  const told = readOptions({ domains: '10000', program: 'compute-integer', chain: 'direct', json: undefined });
  const domains = parseCount('domains', told.domains);
  const chain = (told.chain ?? '').split(',').filter((name) => name !== '');
  const before = circumstances();
  const from = performance.now();
  const rows: Row[] = [];
  const every = Math.max(1, Math.floor(domains / ROWS));
  for (let made = 0; made <= domains; made++) {
    if (made % every === 0) rows.push(await look(made, from));
    if (made < domains) await once(told.program ?? '', chain);
  }
  process.stdout.write(`${domains} domains in [${chain.join(', ')}], one after another, each running ${told.program}\n${table(rows)}\n`);
  writeJson(told.json, { circumstances: before, domains, rows });
}

await runBenchmark(USAGE, main);
