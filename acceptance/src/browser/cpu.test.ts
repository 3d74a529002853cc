import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { guest } from '@ashlar/guests';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { findChromium, resultOfPage } from './chromium.ts';

const here = dirname(fileURLToPath(import.meta.url));
const cpu = join(here, '../../../packages/hardware/cpu-riscv64/src');
/** The directed tests of the CPU, as they run elsewhere. */
const TESTS = [
  ...['isa/integer', 'isa/float', 'isa/table', 'hart', 'space', 'counters', 'translator/translator', 'conformance'],
  ...['differential/tangles', 'differential/preemption'],
];
const PROGRAMS = ['compute-integer', 'compute-float'] as const;
/** Times that each is run: what is translated in one round is at hand in the next. */
const ROUNDS = 10;
const TIMEOUT_MS = 300_000;

interface Measured {
  readonly program: string;
  readonly translation: 'off' | 'hot';
  readonly text: string;
  readonly status: number;
  readonly retired: number;
  /** Instructions and host time of all rounds. */
  readonly all: number;
  readonly ms: number;
}

interface PageResult {
  readonly isolated: boolean;
  readonly passed: number;
  readonly failed: readonly string[];
  readonly measured: readonly Measured[];
}

/** What the page does: the tests, then each program in both tiers. */
const PAGE = `
${TESTS.map((name) => `import './${name}.test.ts';`).join('\n')}
import { runAll } from 'vitest';
import { TestMachine } from './differential/machine.ts';

async function measure(program, translation) {
  const elf = new Uint8Array(await (await fetch('/' + program)).arrayBuffer());
  let [all, ms] = [0, 0];
  for (let round = 1; ; round++) {
    const found = run(elf, translation);
    all += found.retired;
    ms += found.ms;
    if (round === ${ROUNDS}) return { program, translation, ...found, all, ms };
  }
}

function run(elf, translation) {
  const machine = new TestMachine(undefined, translation);
  machine.load(elf);
  const from = performance.now();
  for (let slices = 0; machine.status === undefined && machine.traps.length === 0 && slices < 1000; slices++) machine.run(10_000_000);
  const ms = performance.now() - from;
  const { status, context: { retired } } = machine;
  const text = machine.text();
  machine.destroy();
  return { text, status, retired, ms };
}

async function main() {
  const { passed, failed } = await runAll();
  const measured = [];
  for (const program of ${JSON.stringify(PROGRAMS)})
    for (const translation of ['off', 'hot']) measured.push(await measure(program, translation));
  return { isolated: crossOriginIsolated && typeof SharedArrayBuffer === 'function', passed, failed, measured };
}

main()
  .catch((error) => ({ isolated: false, passed: 0, failed: [String(error?.stack ?? error)], measured: [] }))
  .then((result) => fetch('/result', { method: 'POST', body: JSON.stringify(result) }));
`;

async function bundled(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents: PAGE, resolveDir: cpu, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    alias: { vitest: join(here, 'page-runner.ts') },
    // Fewer than elsewhere: what may differ in a browser shows in a few.
    define: { 'process.env.ASHLAR_TANGLES': '"40"', 'process.env.ASHLAR_SEED': '"1"' },
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
    logLevel: 'silent',
  });
  return (outputFiles[0] as { contents: Uint8Array }).contents;
}

const chromium = findChromium();
const isSkipped = chromium === undefined && process.env.ASHLAR_REQUIRE_DEBIAN !== '1';
if (isSkipped) console.warn('Skipped: the CPU in a browser; Chromium is not installed (Debian: apt install chromium).');

describe.skipIf(isSkipped)('the CPU in headless Chromium', () => {
  it('passes its directed tests there, and runs programs as elsewhere', { timeout: TIMEOUT_MS }, async () => {
    const page = '<!doctype html><meta charset="utf-8"><title>CPU</title><script type="module" src="/page.js"></script>';
    const files = new Map([
      ['/', { type: 'text/html', bytes: new TextEncoder().encode(page) }],
      ['/page.js', { type: 'text/javascript', bytes: await bundled() }],
      ...PROGRAMS.map((name) => [`/${name}`, { type: 'application/octet-stream', bytes: guest(name).bytes() }] as const),
    ]);
    if (chromium === undefined) throw new Error('Chromium is not installed');
    const result = (await resultOfPage(chromium, files)) as PageResult;
    expect(result.failed).toEqual([]);
    expect(result.isolated).toBe(true);
    expect(result.passed).toBeGreaterThan(100);
    for (const { program, text, status, retired } of result.measured) {
      const expected = guest(program).expected();
      expect({ program, text, status }).toEqual({ program, text: new TextDecoder().decode(expected.stdout), status: expected.status });
      expect(retired).toBe(result.measured.find((other) => other.program === program)?.retired);
    }
    const speeds = result.measured.map(
      ({ program, translation, all, ms }) => `${program} ${translation}: ${(all / 1000 / ms).toFixed(0)} million instructions a second`,
    );
    console.log(`${result.passed} tests passed in Chromium; ${speeds.join(', ')}`);
  });
});
