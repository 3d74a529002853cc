import { spawnSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { differences, type Equality } from './equality.ts';
import { type Interval, median, ratioOfMedians } from './statistics.ts';
import { runsBefore, type Tool, type ToolRun } from './tools.ts';

/** Something that several tools can run. */
export interface Subject extends Equality {
  readonly name: string;
  readonly run: (tool: Tool) => ToolRun;
}

/** What the runs under one tool took, a value for each round. */
export interface Sample {
  readonly cpuMs: number[];
  readonly wallMs: number[];
}

/** One subject under all tools. */
export interface Comparison {
  readonly name: string;
  readonly instructions: number | undefined;
  readonly samples: ReadonlyMap<Tool, Sample>;
}

/**
 * Runs a subject under each tool in turn, for a number of rounds, so that a busy machine slows all alike.
 *
 * @throws Error when in some round the tools did not do the same.
 */
export function compare(subject: Subject, tools: readonly Tool[], rounds: number): Comparison {
  const samples = new Map<Tool, Sample>(tools.map((tool) => [tool, { cpuMs: [], wallMs: [] }]));
  let instructions: number | undefined;
  for (const tool of tools) for (let run = 0; run < runsBefore(tool); run++) subject.run(tool);
  for (let round = 0; round < rounds; round++) {
    const runs = new Map<Tool, ToolRun>();
    for (const tool of tools) {
      const run = subject.run(tool);
      runs.set(tool, run);
      samples.get(tool)?.cpuMs.push(run.cpuMs);
      samples.get(tool)?.wallMs.push(run.wallMs);
      instructions = run.instructions ?? instructions;
    }
    const found = differences(runs, subject);
    if (found.length > 0) throw new Error(`${subject.name} is not the same everywhere:\n  ${found.join('\n  ')}`);
  }
  return { name: subject.name, instructions, samples };
}

/** What a tool costs before a program does anything, in CPU and wall milliseconds. */
export type Overheads = ReadonlyMap<Tool, { readonly cpuMs: number; readonly wallMs: number }>;

/** The medians of many starts. */
export function overheadsOf(comparisons: readonly Comparison[]): Overheads {
  const all = (tool: Tool, of: (sample: Sample) => readonly number[]): number =>
    median(comparisons.flatMap(({ samples }) => of(samples.get(tool) as Sample)));
  const tools = [...(comparisons[0]?.samples.keys() ?? [])];
  return new Map(tools.map((tool) => [tool, { cpuMs: all(tool, ({ cpuMs }) => cpuMs), wallMs: all(tool, ({ wallMs }) => wallMs) }]));
}

/** Less than this cannot be told from noise; it also keeps ratios finite. */
const NET_MS_MIN = 0.1;

/** CPU milliseconds of each round without the start. */
export function netCpuMs(comparison: Comparison, tool: Tool, overheads: Overheads): readonly number[] {
  const start = overheads.get(tool)?.cpuMs ?? 0;
  return comparison.samples.get(tool)?.cpuMs.map((cpuMs) => Math.max(NET_MS_MIN, cpuMs - start)) ?? [];
}

/** How many times one tool's time is of another's, or nothing when one of them was not run. */
export function ratio(
  comparison: Comparison,
  above: Tool,
  below: Tool,
  overheads: Overheads,
): { readonly ratio: number; readonly interval: Interval } | undefined {
  const [one, other] = [netCpuMs(comparison, above, overheads), netCpuMs(comparison, below, overheads)];
  return one.length === 0 || other.length === 0 ? undefined : ratioOfMedians(one, other);
}

/** Where and with what it was measured. */
export function circumstances(): Readonly<Record<string, string | number>> {
  const firstLine = (command: string): string => spawnSync(command, ['--version'], { encoding: 'utf8' }).stdout?.split('\n', 1)[0] ?? '';
  return {
    processor: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    load: loadavg()
      .map((load) => load.toFixed(1))
      .join(' '),
    node: process.version,
    qemu: firstLine('qemu-riscv64'),
    gcc: firstLine('gcc'),
    'gcc for riscv64': firstLine('riscv64-linux-gnu-gcc'),
  };
}
