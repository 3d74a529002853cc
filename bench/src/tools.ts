import { fileURLToPath } from 'node:url';
import type { Target } from './build.ts';
import type { Outcome } from './equality.ts';
import { type Measured, measure } from './measured-process.ts';

/**
 * What runs a program: the machine itself, Debian's qemu-riscv64, or Ashlar: interpreting, translating what it has never seen (`translator`), or with the
 * code that earlier runs of the program have kept (`kept`).
 */
export const TOOLS = ['native', 'qemu', 'interpreter', 'translator', 'kept'] as const;
export type Tool = (typeof TOOLS)[number];
/** Those whose speed is what is promised. */
export const OURS = ['translator', 'kept'] as const satisfies readonly Tool[];

/** Runs of a program before the first that counts. */
export const runsBefore = (tool: Tool): number => (tool === 'kept' ? 3 : 0);

/** Whose programs a tool runs. */
export const targetOf = (tool: Tool): Target => (tool === 'native' ? 'native' : 'riscv64');

const CLI = fileURLToPath(new URL('../../packages/cli/bin/ashlar.js', import.meta.url));

/** How `ashlar run` is told which tier to use. */
const TIERS: Readonly<Record<Exclude<Tool, 'native' | 'qemu'>, Readonly<Record<string, string>>>> = {
  interpreter: { ASHLAR_TRANSLATE: 'off', ASHLAR_KEEP_CODE: 'off' },
  translator: { ASHLAR_KEEP_CODE: 'off' },
  kept: {},
};

/** What a program did under a tool. */
export interface ToolRun extends Measured, Outcome {
  readonly stdout: Buffer;
}

/** A program and what it may see. All paths mean the same inside and outside of a stack. */
export interface Program {
  /** Of the host. */
  readonly path: string;
  readonly args: readonly string[];
  /** Host folders that it reads. */
  readonly folders: readonly string[];
  readonly workdir?: string;
  /** Of its stack, such as `2GiB`. */
  readonly memory?: string;
}

/** Runs a program; `native` and `qemu` see the whole host. `cache`: another folder than the user's for what is kept. */
export function runWith(tool: Tool, program: Program, cache?: string): ToolRun {
  const { path, args, workdir } = program;
  if (tool !== 'native' && tool !== 'qemu') {
    return counted(measure({ argv: ashlarRun(program), env: { ...TIERS[tool], ...(cache === undefined ? {} : { ASHLAR_CACHE: cache }) } }));
  }
  const argv = [...(tool === 'qemu' ? ['qemu-riscv64'] : []), path, ...args];
  return { ...measure({ argv, ...(workdir === undefined ? {} : { cwd: workdir }) }), instructions: undefined };
}

/** The instructions of a whole domain are counted, so it has one. */
function ashlarRun({ path, args, folders, workdir, memory }: Program): readonly string[] {
  const volumes = folders.flatMap((folder) => ['--volume', `${folder}:${folder}:ro`]);
  const more = [...(workdir === undefined ? [] : ['--workdir', workdir]), ...(memory === undefined ? [] : ['--memory', memory])];
  return [process.execPath, CLI, 'run', '--stats', '--hypervisor', 'direct', ...volumes, ...more, '--', path, ...args];
}

const STATISTICS = /^wall time [\d.]+ ms\n(?:.*\n)*?direct \/ main +([\d,]+) (?:.*\n)*/m;

/** Takes what `--stats` wrote out of stderr. */
function counted(measured: Measured): ToolRun {
  const found = STATISTICS.exec(measured.stderr);
  if (found === null) throw new Error(`ashlar run ended with ${measured.status} and no statistics: ${measured.stderr}`);
  return { ...measured, stderr: measured.stderr.slice(0, found.index), instructions: Number((found[1] ?? '').replaceAll(',', '')) };
}
