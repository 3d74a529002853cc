import { writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import {
  type CpuCounters,
  type LeafPlan,
  type PluginRegistry,
  type PreparedStack,
  parseSize,
  prepareChanged,
  prepareTyped,
  readStackFile,
  type Stack,
  type StackConfig,
  StackError,
  startPrepared,
  statusOf,
} from '@ashlar/stack';
import type { GuestProcess, ProcessExit } from '@ashlar/userspace';
import { codeFolder } from './code-folder.ts';
import type { RunFlags } from './command-line.ts';
import { ExitStatus } from './exit-status.ts';
import { imageProgress } from './image-progress.ts';
import { stderr } from './output.ts';
import { LOADER_MODULE } from './plugins.ts';
import { tellRefusal } from './refusal.ts';
import { registry } from './registry.ts';
import { orFailure, STOP_MS_MAX, within } from './stack-failure.ts';
import { startFailed } from './start-failure.ts';
import { connectStdio, terminalSize } from './stdio.ts';

/** `ashlar run`: one program in a stack; its exit status. */
export async function run(argv: readonly string[], flags: RunFlags): Promise<number> {
  // To ask for it loads a part of Node.js that a small program does not need.
  const startedMs = flags.stats === true ? performance.now() : 0;
  const prepared = await prepareRun(flags, argv);
  const images = imageProgress();
  const stack = await startPrepared(prepared, {
    registry: prepared.registry,
    loaderModule: LOADER_MODULE,
    codes: codeFolder(),
    images: { offline: flags.offline === true, progress: images.progress },
    ...(flags.profile === undefined ? {} : { profileInterval: flags.profileInterval }),
  });
  images.done();
  try {
    const status = await runIn(stack, argv, flags, prepared.registry);
    if (flags.profile !== undefined) await writeProfile(stack, flags.profile, flags.domain);
    if (flags.stats === true) await printStatistics(stack, performance.now() - startedMs, flags.domain);
    return status;
  } finally {
    await within(STOP_MS_MAX, stack.stop());
  }
}

/** The stack that the flags describe: a file with changes, or nothing but flags. */
async function prepareRun(flags: RunFlags, argv: readonly string[]): Promise<PreparedStack> {
  if (flags.stack === undefined) return prepareTyped(withFlags({ ashlar: 1 }, flags, argv), registry(), process.cwd(), 'command line');
  const { config, source } = await readStackFile(flags.stack);
  if (config.domains !== undefined) refuseUserspaceFlags(flags);
  return prepareChanged(withFlags(config, flags, argv), source, registry(), resolve(flags.stack, '..'));
}

/** With several domains it would be anybody's guess which one an image or a kernel is meant for. */
function refuseUserspaceFlags(flags: RunFlags): void {
  const given = (['kernel', 'image', 'volume', 'env', 'workdir'] as const).find(
    (name) => flags[name] !== undefined && flags[name]?.length !== 0,
  );
  if (given === undefined) return;
  throw new StackError(`--${given} does not say which domain of ${flags.stack} it is for`, 'write it into the stack file');
}

function withFlags(base: StackConfig, flags: RunFlags, argv: readonly string[]): StackConfig {
  const userspace = {
    ...base.userspace,
    ...(flags.image === undefined ? {} : { image: flags.image.map((image) => absoluteImage(image)) }),
    volumes: [...(base.userspace?.volumes ?? []), ...flags.volume.map(parseVolume)],
    env: { ...base.userspace?.env, ...Object.fromEntries(flags.env.map(parseVariable)) },
    ...(flags.workdir === undefined ? {} : { workdir: flags.workdir }),
    ...(argv.length === 0 ? {} : { run: [...argv] }),
  };
  checkForm(flags);
  return {
    ...base,
    ...(flags.hardware === undefined ? {} : { hardware: flags.hardware }),
    ...(flags.hypervisor === undefined ? {} : { hypervisors: flags.hypervisor.split(',').filter((name) => name !== '') }),
    ...(flags.kernel === undefined ? {} : { kernel: flags.kernel }),
    ...(flags.memory === undefined ? {} : { memory: flags.memory }),
    ...(base.domains === undefined ? { userspace } : {}),
  };
}

/** What the schema would say of a file. */
function checkForm({ memory, workdir, hypervisor }: RunFlags): void {
  if (memory !== undefined && !(parseSize(memory) > 0)) {
    throw new StackError(`--memory '${memory}' is not a size`, 'write a size such as 512MiB');
  }
  if (workdir?.startsWith('/') === false) {
    throw new StackError(`--workdir '${workdir}' is not an absolute path of the guest`, `write, for example, /${workdir}`);
  }
  const levels = hypervisor?.split(',').length ?? 0;
  if (levels > HYPERVISORS_MAX) throw new StackError(`--hypervisor names ${levels} levels`, `${HYPERVISORS_MAX} is the most`);
}

const HYPERVISORS_MAX = 64;

/** Paths on the command line stand for the working folder, also beside a stack file elsewhere. */
function absoluteImage(spec: string): string {
  const match = /^(dir|tar|file):(.*)$/s.exec(spec);
  return match === null ? spec : `${match[1]}:${resolve(match[2] ?? '')}`;
}

function parseVolume(text: string): { host: string; guest: string; readOnly: boolean } {
  const match = /^(.+?):(\/[^:]*)(?::(ro|rw))?$/.exec(text);
  if (match === null) throw new StackError(`--volume '${text}' is not HOST:GUEST[:ro]`, 'write, for example, ./project:/project:ro');
  return { host: resolve(match[1] ?? ''), guest: match[2] ?? '', readOnly: match[3] === 'ro' };
}

function parseVariable(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  const inherited = at < 0 ? process.env[text] : undefined;
  if (inherited !== undefined) return [text, inherited];
  throw new StackError(`--env '${text}' is not KEY=VALUE`, 'write, for example, LANG=C; KEY alone passes this process’s own value');
}

async function runIn(stack: Stack, argv: readonly string[], flags: RunFlags, plugins: PluginRegistry): Promise<number> {
  const { leaves } = stack.plan;
  const leaf = flags.domain === undefined && leaves.length === 1 ? leaves[0] : leaves.find(({ name }) => name === flags.domain);
  const names = leaves.map(({ name }) => name).join(', ');
  if (leaf === undefined && flags.domain === undefined)
    throw new StackError('the stack has several domains', `choose one with --domain: ${names}`);
  if (leaf === undefined) throw new StackError(`there is no domain '${flags.domain}'`, `the stack has: ${names}`);
  const program = argv.length > 0 ? argv : leaf.run;
  if (program === undefined) throw new StackError('there is no program to run', 'name it after --, or use a file: image');
  return orFailure(execute({ stack, leaf, plugins }, program, flags), stack, leaf.name);
}

/** Where a program runs. */
interface Place {
  readonly stack: Stack;
  readonly leaf: LeafPlan;
  readonly plugins: PluginRegistry;
}

async function execute({ stack, leaf, plugins }: Place, program: readonly string[], flags: RunFlags): Promise<number> {
  const terminal = flags.tty === true ? terminalSize() : undefined;
  const spawned = stack.spawn(program, { domain: leaf.name, ...(terminal === undefined ? {} : { terminal }) });
  const ended = follow(spawned, program, flags).then(async (exit) => {
    if (typeof exit === 'number') return exit;
    await tellRefusal(exit, program, leaf, plugins);
    return statusOf(exit);
  });
  return flags.timeout === undefined ? ended : withTimeout(spawned, ended, flags.timeout * 1000);
}

/** After SIGKILL a program has this long, in host milliseconds, to be gone; then its stack is ended under it. */
const KILL_MS_MAX = 2000;

async function withTimeout(spawned: Promise<GuestProcess>, ended: Promise<number>, timeoutMs: number): Promise<number> {
  ended.catch(() => undefined);
  const status = await within(timeoutMs, ended);
  if (status !== undefined) return status;
  void spawned.then((guest) => guest.signal(constants.signals.SIGKILL)).catch(() => undefined);
  await within(KILL_MS_MAX, ended);
  return ExitStatus.TIMEOUT;
}

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** Connects the program with this process until it ends. A number: the status, after it was said why it could not be started. */
async function follow(spawned: Promise<GuestProcess>, program: readonly string[], flags: RunFlags): Promise<ProcessExit | number> {
  let guest: GuestProcess;
  try {
    guest = await spawned;
  } catch (error) {
    return startFailed(error, program);
  }
  const listeners = FORWARDED.map((name) => {
    const forward = (): void => void guest.signal(constants.signals[name]).catch(() => undefined);
    process.on(name, forward);
    return () => process.off(name, forward);
  });
  const { interactive = false, tty = false, timeout } = flags;
  const stdio = connectStdio(guest, { interactive, tty, prompt: timeout !== undefined });
  try {
    const [exit] = await Promise.all([guest.exit, stdio.drained]);
    return exit;
  } finally {
    for (const remove of listeners) remove();
    stdio.close();
  }
}

async function writeProfile(stack: Stack, file: string, domain: string | undefined): Promise<void> {
  const profile = JSON.stringify(await stack.profile(domain));
  try {
    await writeFile(file, profile);
  } catch (error) {
    throw new StackError(`--profile ${file}: ${(error as Error).message}`, 'name a file in a folder that may be written', { cause: error });
  }
}

/** What each domain used, the outermost first. */
async function printStatistics(stack: Stack, elapsedMs: number, domain: string | undefined): Promise<void> {
  // First: the domain's thread answers when the step is over in which the program ended, and what it used is known then.
  const counted = counterLines(await stack.counters(domain));
  const rows = (await stack.usage()).map(({ route, hypervisor, retired, pages, exits, frames }) => [
    `${'  '.repeat(route.length - 1)}${hypervisor} / ${route.at(-1)}`,
    retired.toLocaleString('en'),
    `${((pages * PAGE_BYTES) / 2 ** 20).toFixed(1)} MiB`,
    exits.toLocaleString('en'),
    frames.toLocaleString('en'),
  ]);
  const table = [['hypervisor / domain', 'instructions', 'memory', 'exits', 'frames'], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const lines = rows.length === 0 ? [] : table.map((row) => row.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join('  '));
  stderr.say(`${[`wall time ${elapsedMs.toFixed(1)} ms`, ...lines, ...counted].join('\n')}\n`);
}

/** What each CPU did, a line each; those that did nothing are left out. */
function counterLines(cpus: CpuCounters): string[] {
  const used = Object.entries(cpus).filter(([, counters]) => Object.values(counters).some((value) => value !== 0));
  return used.flatMap(([isa, counters]) => {
    const rows = Object.entries(counters).map(([name, value]) => [inWords(name), value.toLocaleString('en', { maximumFractionDigits: 1 })]);
    const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
    return [isa, ...rows.map(([name = '', value = '']) => `  ${name.padEnd(widths[0] ?? 0)}  ${value.padStart(widths[1] ?? 0)}`)];
  });
}

const inWords = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

const PAGE_BYTES = 4096;

const pad = (cell: string, width: number, column: number): string => (column === 0 ? cell.padEnd(width) : cell.padStart(width));
