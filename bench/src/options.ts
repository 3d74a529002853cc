import { writeFileSync } from 'node:fs';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { TOOLS, type Tool } from './tools.ts';

/** The options of a benchmark's command line, each `--name value`, with their defaults. */
export function readOptions<Name extends string>(
  defaults: Readonly<Record<Name, string | undefined>>,
): Readonly<Record<Name, string | undefined>> {
  const options: ParseArgsConfig['options'] = Object.fromEntries(Object.keys(defaults).map((name) => [name, { type: 'string' as const }]));
  const { values } = parseArgs({ options });
  return { ...defaults, ...values } as Record<Name, string | undefined>;
}

/** The tools of a list such as `qemu,translator`. */
export function parseTools(text: string): readonly Tool[] {
  const wanted = chosen('tools', text, TOOLS, (name) => name);
  return TOOLS.filter((tool) => wanted.includes(tool));
}

/** Those that a list of names chooses; all without a list. */
export function chosen<T>(option: string, text: string | undefined, all: readonly T[], nameOf: (one: T) => string): readonly T[] {
  if (text === undefined) return all;
  return text.split(',').map((name) => {
    const found = all.find((one) => nameOf(one) === name);
    if (found === undefined) throw new RangeError(`--${option}: '${name}' is none of ${all.map(nameOf).join(', ')}`);
    return found;
  });
}

/** A whole number from 1. */
export function parseCount(option: string, text: string | undefined): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new RangeError(`--${option}: '${text}' is not a whole number from 1`);
  return count;
}

/** Runs a benchmark; options that are wrong end it with its usage and status 2. */
export async function runBenchmark(usage: string, main: () => void | Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof RangeError) && !(error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')) throw error;
    process.stderr.write(`${(error as Error).message}\nusage: ${usage}\n`);
    process.exitCode = 2;
  }
}

/** Writes what was measured where `--json` says. */
export function writeJson(file: string | undefined, measured: unknown): void {
  if (file !== undefined)
    writeFileSync(file, `${JSON.stringify(measured, (_key, value) => (value instanceof Map ? Object.fromEntries(value) : value), 1)}\n`);
}
