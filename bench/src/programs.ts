import { type Comparison, circumstances, compare, ratio } from './comparison.ts';
import { chosen, parseCount, parseTools, readOptions, runBenchmark, writeJson } from './options.ts';
import { type RealProgram, realPrograms } from './real-programs.ts';
import { geometricMean, median, type Row, table } from './statistics.ts';
import { runWith, type Tool } from './tools.ts';

// Real programs on real input under qemu-riscv64 and Ashlar, in turns; start and translation included. Status and output must be equal in every round.

const USAGE = 'node bench/dist/programs.js [--runs 5] [--only NAME,…] [--tools qemu,translator] [--json FILE]';

function compareProgram(program: RealProgram, tools: readonly Tool[], runs: number): Comparison {
  process.stderr.write(`${program.name} `);
  const subject = { name: program.name, sameStderrNatively: true, sameInstructions: false, run: (tool: Tool) => runWith(tool, program) };
  return compare(subject, tools, runs);
}

/** Nothing is taken off. */
const NO_OVERHEADS = new Map();

function row({ name, instructions, samples }: Comparison, speed: ReturnType<typeof ratio>): Row {
  const cells: Record<string, string | number> = { program: name };
  if (instructions !== undefined) cells['10⁶ instr'] = (instructions / 1e6).toFixed(0);
  for (const [tool, { cpuMs }] of samples) cells[`${tool} cpu`] = median(cpuMs).toFixed(0);
  for (const [tool, { wallMs }] of samples) cells[`${tool} wall`] = median(wallMs).toFixed(0);
  if (speed === undefined) return cells;
  return { ...cells, 'qemu/ours': speed.ratio.toFixed(2), '95 %': speed.interval.map((end) => end.toFixed(2)).join('–') };
}

function main(): void {
  const told = readOptions({ runs: '5', only: undefined, tools: 'qemu,translator', json: undefined });
  const [runs, tools] = [parseCount('runs', told.runs), parseTools(told.tools ?? '')];
  const before = circumstances();
  const results = chosen('only', told.only, realPrograms(), ({ name }) => name).map((program) => compareProgram(program, tools, runs));
  const speeds = results.map((result) => ratio(result, 'qemu', 'translator', NO_OVERHEADS));
  const rows = results.map((result, index) => row(result, speeds[index]));
  process.stderr.write('\n');
  process.stdout.write(`Real programs: medians of ${runs} runs, ms, start and translation included\n${table(rows)}\n`);
  const ratios = speeds.flatMap((speed) => speed?.ratio ?? []);
  const mean = geometricMean(ratios);
  const least = Math.min(...ratios);
  const summary: Row[] = [
    { what: 'qemu / ours, geometric mean', promised: '≥ 1.3', measured: mean.toFixed(2), holds: mean >= 1.3 ? 'yes' : 'no' },
    { what: 'slowest', promised: '≥ 0.9', measured: least.toFixed(2), holds: least >= 0.9 ? 'yes' : 'no' },
  ];
  if (ratios.length > 0) process.stdout.write(`\n${table(summary)}\n`);
  writeJson(told.json, { circumstances: before, runs, rows, summary, results });
}

await runBenchmark(USAGE, main);
