import { type Comparison, circumstances, compare, type Overheads, overheadsOf, ratio, type Subject } from './comparison.ts';
import { chosen, parseCount, parseTools, readOptions, runBenchmark, writeJson } from './options.ts';
import { geometricMean, median, type Row, table } from './statistics.ts';
import { OURS, runWith, TOOLS, type Tool, type ToolRun, targetOf } from './tools.ts';
import { hello, type Kind, programOf, type Size, type Workload, workloads } from './workloads.ts';

// C programs natively, under qemu-riscv64, interpreted and translated, in turns; CPU time without each tool's own start. Output, status and
// instruction counts must be equal in every round.

const USAGE = `node bench/dist/cpu.js [--runs 5] [--size small|full] [--only NAME,…] [--tools ${TOOLS.join(',')}] [--seed 1] [--json FILE]`;

interface Options {
  readonly runs: number;
  readonly size: Size;
  readonly chosen: readonly Workload[];
  readonly tools: readonly Tool[];
  readonly seed: string;
  readonly json: string | undefined;
}

function options(): Options {
  const told = readOptions({ runs: '5', size: 'small', only: undefined, tools: TOOLS.join(','), seed: '1', json: undefined });
  const [size] = chosen('size', told.size, ['small', 'full', 'tiny'] as const, (name) => name);
  return {
    runs: parseCount('runs', told.runs),
    size: size as Size,
    chosen: chosen('only', told.only, workloads, ({ name }) => name),
    tools: parseTools(told.tools ?? ''),
    seed: String(parseCount('seed', told.seed)),
    json: told.json,
  };
}

function subject(workload: Workload, { size, seed }: Options): Subject {
  const { name, rounds, rounded } = workload;
  const run = (tool: Tool): ToolRun => runWith(tool, programOf(workload, targetOf(tool), rounds[size], seed));
  return { name, sameStderrNatively: !rounded, sameInstructions: true, run };
}

/** One workload's figures. */
interface Result extends Comparison {
  readonly kind: Kind;
}

function measureAll(told: Options): { readonly results: readonly Result[]; readonly overheads: Overheads } {
  for (const workload of told.chosen) for (const target of ['native', 'riscv64'] as const) programOf(workload, target, 0, '1');
  const starts = [compare(subject(hello, told), told.tools, told.runs)];
  const results: Result[] = [];
  for (const workload of told.chosen) {
    process.stderr.write(`${workload.name} `);
    results.push({ ...compare(subject(workload, told), told.tools, told.runs), kind: workload.kind });
    starts.push(compare(subject(hello, told), told.tools, 1));
  }
  process.stderr.write('\n');
  return { results, overheads: overheadsOf(starts) };
}

const ms = (value: number): string => value.toFixed(value < 10 ? 1 : 0);

function row(result: Result, tools: readonly Tool[], overheads: Overheads): Row {
  const cells: Record<string, string | number> = { workload: result.name, kind: result.kind };
  if (result.instructions !== undefined) cells['10⁶ instr'] = (result.instructions / 1e6).toFixed(0);
  for (const tool of tools) cells[`${tool} cpu`] = ms(median(result.samples.get(tool)?.cpuMs ?? []) - (overheads.get(tool)?.cpuMs ?? 0));
  for (const tool of tools.filter((name) => name === 'qemu' || isOurs(name)))
    cells[`${tool} wall`] = ms(median(result.samples.get(tool)?.wallMs ?? []) - (overheads.get(tool)?.wallMs ?? 0));
  for (const tool of OURS) {
    const speed = ratio(result, 'qemu', tool, overheads);
    if (speed !== undefined) {
      cells[`qemu/${tool}`] = speed.ratio.toFixed(2);
      cells[`${tool} 95 %`] = speed.interval.map((end) => end.toFixed(2)).join('–');
    }
    const native = ratio(result, tool, 'native', overheads);
    if (native !== undefined) cells[`${tool}/native`] = native.ratio.toFixed(2);
  }
  return cells;
}

const isOurs = (tool: Tool): boolean => OURS.some((own) => own === tool);

const RATIO_MAX = 10;

/** What issue 3 promises of all workloads together under one of our tools: a figure beside each promise. */
function aggregates(tool: Tool, results: readonly Result[], overheads: Overheads): Row[] {
  const speeds = results.flatMap((result) => {
    const speed = ratio(result, 'qemu', tool, overheads);
    return speed === undefined ? [] : [{ ...result, ...speed }];
  });
  const mean = (kinds: readonly Kind[] | undefined): number =>
    geometricMean(speeds.filter(({ kind }) => kinds?.includes(kind) ?? true).map((speed) => Math.min(RATIO_MAX, speed.ratio)));
  const natives = results.flatMap((result) => ratio(result, tool, 'native', overheads)?.ratio ?? []);
  const slowest = [...speeds].sort((one, other) => one.ratio - other.ratio);
  const line = (what: string, promised: string, value: number, holds: boolean): Row[] =>
    Number.isNaN(value) ? [] : [{ tool, what, promised, measured: value.toFixed(2), holds: holds ? 'yes' : 'no' }];
  const all = mean(undefined);
  const integer = mean(['integer', 'calls']);
  const float = mean(['float']);
  const native = geometricMean(natives);
  const below = speeds.filter(({ interval }) => interval[1] < 1).map(({ name }) => name);
  return [
    ...line('qemu / ours, geometric mean, each at most 10', '≥ 2.0', all, all >= 2),
    ...line('of these integer and calls', '≥ 1.6', integer, integer >= 1.6),
    ...line('of these floating point', '≥ 4', float, float >= 4),
    ...line(
      `slowest: ${slowest
        .slice(0, 3)
        .map(({ name }) => name)
        .join(', ')}`,
      '',
      slowest[0]?.ratio ?? Number.NaN,
      (slowest[0]?.ratio ?? 0) >= 1,
    ),
    ...line('workloads whose 95 % interval is wholly below 1', '0', speeds.length === 0 ? Number.NaN : below.length, below.length === 0),
    ...line('ours / native, geometric mean', '≤ 2.5', native, native <= 2.5),
  ];
}

function main(): void {
  const told = options();
  const before = circumstances();
  const { results, overheads } = measureAll(told);
  const starts = [...overheads].map(([tool, { cpuMs, wallMs }]) => ({ start: tool, 'cpu ms': ms(cpuMs), 'wall ms': ms(wallMs) }));
  const summary = OURS.flatMap((tool) => aggregates(tool, results, overheads));
  const rows = results.map((result) => row(result, told.tools, overheads));
  process.stdout.write(`C programs, size ${told.size}, seed ${told.seed}: medians of ${told.runs} runs, ms, without each tool's start\n`);
  process.stdout.write(`${[table(rows), table(starts), table(summary)].join('\n\n')}\n`);
  writeJson(told.json, { circumstances: before, runs: told.runs, size: told.size, seed: told.seed, overheads, rows, summary, results });
}

await runBenchmark(USAGE, main);
