import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Target } from './build.ts';
import type { Outcome } from './equality.ts';
import { type Command, type Measured, measure } from './measured-process.ts';

/** What runs a program: the machine itself, Debian's qemu-riscv64, or Ashlar, interpreting or translating. */
export const TOOLS = ['native', 'qemu', 'interpreter', 'translator'] as const;
export type Tool = (typeof TOOLS)[number];

/** Whose programs a tool runs. */
export const targetOf = (tool: Tool): Target => (tool === 'native' ? 'native' : 'riscv64');

const CLI = fileURLToPath(new URL('../../packages/cli/bin/ashlar.js', import.meta.url));

/** How `ashlar run` is told which tier to use. */
const TIERS: Readonly<Record<'interpreter' | 'translator', Readonly<Record<string, string>>>> = {
  interpreter: { ASHLAR_TRANSLATE: 'off' },
  translator: {},
};

/** What a program did under a tool. */
export interface ToolRun extends Measured, Outcome {
  readonly stdout: Buffer;
}

/** Runs a program, given by its host path, with arguments that mean the same everywhere. */
export function runWith(tool: Tool, program: string, args: readonly string[]): ToolRun {
  if (tool === 'native') return { ...measure({ argv: [program, ...args] }), instructions: undefined };
  if (tool === 'qemu') return { ...measure({ argv: ['qemu-riscv64', program, ...args] }), instructions: undefined };
  const guest = ['--volume', `${dirname(program)}:/bench:ro`, '--', `/bench/${basename(program)}`, ...args];
  return counted(measure(ashlarCommand(tool, guest)));
}

/** `ashlar run --stats` with more arguments, in one tier. The instructions of a whole domain are counted, so it has one. */
export function ashlarCommand(tier: 'interpreter' | 'translator', args: readonly string[]): Command {
  return { argv: [process.execPath, CLI, 'run', '--stats', '--hypervisor', 'direct', ...args], env: TIERS[tier] };
}

const STATISTICS = /^wall time [\d.]+ ms\n(?:.*\n)*?direct \/ main +([\d,]+) (?:.*\n)*/m;

/** Takes what `--stats` wrote out of stderr. */
export function counted(measured: Measured): ToolRun {
  const found = STATISTICS.exec(measured.stderr);
  if (found === null) throw new Error(`ashlar run ended with ${measured.status} and no statistics: ${measured.stderr}`);
  return { ...measured, stderr: measured.stderr.slice(0, found.index), instructions: Number((found[1] ?? '').replaceAll(',', '')) };
}
