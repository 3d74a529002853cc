import { CommanderError } from 'commander';
import { commandLine } from './command-line.ts';
import { ExitStatus } from './exit-status.ts';
import { stderr, stdout } from './output.ts';

/** Runs the command and ends the process with its status, once everything it said is written: nothing that is left open keeps the process. */
export async function run(argv: readonly string[]): Promise<never> {
  const status = await main(argv);
  // A reader that is slower than the timeout does not prolong it.
  if (status !== ExitStatus.TIMEOUT) await Promise.all([stdout.flush(), stderr.flush()]);
  process.exit(status);
}

/** Runs the command and gives its exit status. One clear line and a hint for each error; a stack trace only with `--debug`. */
export async function main(argv: readonly string[]): Promise<number> {
  const result = { status: 0 };
  try {
    await commandLine(result).parseAsync([...argv], { from: 'user' });
    return result.status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : ExitStatus.ASHLAR;
    stderr.say(describe(error, argv.includes('--debug')));
    return ExitStatus.ASHLAR;
  }
}

/** By its name and not its class: the stack's code is loaded by the commands that need it. */
const isTold = (error: unknown): error is Error & { readonly hint: string } =>
  error instanceof Error && error.name === 'StackError' && 'hint' in error;

function describe(error: unknown, debug: boolean): string {
  if (debug && error instanceof Error) return `${error.stack ?? error.message}\n`;
  if (isTold(error)) {
    const lines = error.message.split('\n').map((line) => `ashlar: ${line}\n`);
    return error.hint === '' ? lines.join('') : `${lines.join('')}  hint: ${error.hint}\n`;
  }
  return `ashlar: internal error: ${error instanceof Error ? error.message : String(error)}\n  hint: run again with --debug and report it\n`;
}
