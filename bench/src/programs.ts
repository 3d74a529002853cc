import { type Comparison, circumstances, compare, ratio } from './comparison.ts';
import { chosen, parseCount, parseTools, readOptions, runBenchmark, writeJson } from './options.ts';
import { type RealProgram, realPrograms } from './real-programs.ts';
import { geometricMean, median, type Row, table } from './statistics.ts';
import { OURS, runWith, type Tool } from './tools.ts';

// Real programs on real input under qemu-riscv64 and Ashlar, in turns; start and translation included. Status and output must be equal in every round.

const USAGE = 'node bench/dist/programs.js [--runs 5] [--only NAME,…] [--tools qemu,translator,kept] [--json FILE]';

function compareProgram(program: RealProgram, tools: readonly Tool[], runs: number): Comparison {
  process.stderr.write(`${program.name} `);
  const subject = { name: program.name, sameStderrNatively: true, sameInstructions: false, run: (tool: Tool) => runWith(tool, program) };
  return compare(subject, tools, runs);
}

/** Nothing is taken off. */
const NO_OVERHEADS = new Map();

/** One of our tools' speed beside qemu's, of each program. */
type Speeds = readonly { readonly tool: Tool; readonly speeds: readonly ReturnType<typeof ratio>[] }[];

function row({ name, instructions, samples }: Comparison, index: number, ours: Speeds): Row {
  const cells: Record<string, string | number> = { program: name };
  if (instructions !== undefined) cells['10⁶ instr'] = (instructions / 1e6).toFixed(0);
  for (const [tool, { cpuMs }] of samples) cells[`${tool} cpu`] = median(cpuMs).toFixed(0);
  for (const [tool, { wallMs }] of samples) cells[`${tool} wall`] = median(wallMs).toFixed(0);
  for (const { tool, speeds } of ours) {
    const speed = speeds[index];
    if (speed === undefined) continue;
    cells[`qemu/${tool}`] = speed.ratio.toFixed(2);
    cells[`${tool} 95 %`] = speed.interval.map((end) => end.toFixed(2)).join('–');
  }
  return cells;
}

function summaryOf({ tool, speeds }: Speeds[number]): Row[] {
  const ratios = speeds.flatMap((speed) => speed?.ratio ?? []);
  if (ratios.length === 0) return [];
  const mean = geometricMean(ratios);
  const least = Math.min(...ratios);
  return [
    { what: `qemu / ${tool}, geometric mean`, promised: '≥ 1.3', measured: mean.toFixed(2), holds: mean >= 1.3 ? 'yes' : 'no' },
    { what: `slowest, ${tool}`, promised: '≥ 0.9', measured: least.toFixed(2), holds: least >= 0.9 ? 'yes' : 'no' },
  ];
}

function main(): void {
  const told = readOptions({ runs: '5', only: undefined, tools: 'qemu,translator,kept', json: undefined });
  const [runs, tools] = [parseCount('runs', told.runs), parseTools(told.tools ?? '')];
  const before = circumstances();
  const results = chosen('only', told.only, realPrograms(), ({ name }) => name).map((program) => compareProgram(program, tools, runs));
  const ours = OURS.map((tool) => ({ tool, speeds: results.map((result) => ratio(result, 'qemu', tool, NO_OVERHEADS)) }));
  const rows = results.map((result, index) => row(result, index, ours));
  process.stderr.write('\n');
  process.stdout.write(`Real programs: medians of ${runs} runs, ms, start and translation included\n${table(rows)}\n`);
  const summary = ours.flatMap(summaryOf);
  if (summary.length > 0) process.stdout.write(`\n${table(summary)}\n`);
  writeJson(told.json, { circumstances: before, runs, rows, summary, results });
}

await runBenchmark(USAGE, main);
