import { Command, InvalidArgumentError, Option } from 'commander';
import { stderr, stdout } from './output.ts';

/** The status the process will end with. */
export interface CommandResult {
  status: number;
}

/** What `ashlar run` was told. */
export interface RunFlags {
  readonly stack?: string;
  readonly hardware?: string;
  readonly hypervisor?: string;
  readonly kernel?: string;
  readonly image?: readonly string[];
  readonly volume: readonly string[];
  readonly env: readonly string[];
  readonly workdir?: string;
  readonly memory?: string;
  readonly timeout?: number;
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly stats?: boolean;
  /** File for the profile. */
  readonly profile?: string;
  /** Guest instructions between samples. */
  readonly profileInterval: number;
  readonly offline?: boolean;
  readonly domain?: string;
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 2 ** 31)) throw new InvalidArgumentError('Write a number of seconds greater than 0.');
  return value;
}

function interval(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 100 || value > 1e9)
    throw new InvalidArgumentError('Write a number of instructions from 100 to 1000000000.');
  return value;
}

const example = (text: string): string => `\nExample:\n  $ ${text}\n`;

/** The library's message as every other error of ours looks: one clear line, and a hint. */
function inOurWords(text: string): string {
  const [, message = '', suggestion] = /^(?:error: )?(.*?)\n?(?:\(Did you mean (.*)\?\)\n?)?$/s.exec(text) ?? [];
  const hint = suggestion === undefined ? '`ashlar --help` and `ashlar COMMAND --help` say what there is' : `did you mean ${suggestion}?`;
  return `ashlar: ${message}\n  hint: ${hint}\n`;
}

/** The `ashlar` command line. Each subcommand's code is loaded when it is used. */
export function commandLine(result: CommandResult): Command {
  const program = new Command('ashlar')
    .description('Compose a computer from hardware, hypervisors, a kernel stub and a userspace, and run real programs in it.')
    .version('0.1.0')
    .option('--debug', 'show stack traces of errors')
    .showSuggestionAfterError()
    .enablePositionalOptions()
    .configureOutput({
      writeOut: (text) => stdout.say(text),
      writeErr: (text) => stderr.say(text),
      outputError: (text, write) => write(inOurWords(text)),
    })
    .addHelpText('after', example('ashlar run --volume ./bin:/tools:ro -- /tools/hello'))
    .exitOverride();
  program.addCommand(runCommand(result));
  program.addCommand(upCommand(result));
  program.addCommand(checkCommand());
  program.addCommand(pluginsCommand());
  program.addCommand(matrixCommand(result));
  for (const command of program.commands) command.exitOverride().configureOutput(program.configureOutput());
  return program;
}

function runCommand(result: CommandResult): Command {
  return new Command('run')
    .description('Run one program in a stack; its output, exit status and signals are passed through.')
    .option('--stack <file>', 'start from this stack file; other options change it')
    .option('--hardware <name>', 'hardware plugin (default: host)')
    .option('--hypervisor <names>', 'hypervisors, outermost first, separated by commas; "" for none (default: direct)')
    .option('--kernel <name>', 'kernel stub plugin (default: posix)')
    .option('--image <spec>', 'dir:PATH, tar:PATH, file:PATH or npm:NAME@VERSION; repeat for layers', collect)
    .addOption(new Option('--volume <host:guest[:ro]>', 'a host folder or file in the guest').argParser(collect).default([], 'none'))
    .addOption(new Option('--env <key=value>', 'an environment variable of the program').argParser(collect).default([], 'none'))
    .option('--workdir <path>', 'where the program starts')
    .option('--memory <size>', 'memory limit, such as 512MiB (default: 2GiB)')
    .option('--timeout <seconds>', 'end the program with SIGKILL after so long; the status is then 124', seconds)
    .option('-i, --interactive', 'pass stdin to the program')
    .option('-t, --tty', 'give the program a terminal')
    .option('--domain <name>', 'which domain of a stack file with several')
    .option('--offline', 'fetch nothing; use cached images')
    .option('--stats', 'print what the run used, on stderr')
    .option('--profile <file>', 'sample what the guest executes, into a .cpuprofile for DevTools')
    .addOption(
      new Option('--profile-interval <instructions>', 'guest instructions from one sample to the next, on average')
        .argParser(interval)
        .default(100_000, '100,000'),
    )
    .option('--debug', 'show stack traces of errors')
    .argument('[argv...]', 'program and arguments; default: the image’s own program')
    .passThroughOptions()
    .addHelpText('after', example('ashlar run --image npm:@esbuild/linux-riscv64@0.28.2 -- /package/bin/esbuild --version'))
    .action(async (argv: string[], flags: RunFlags) => {
      result.status = await (await import('./run.ts')).run(argv, flags);
    });
}

function upCommand(result: CommandResult): Command {
  return new Command('up')
    .description('Start a stack file and run the program of each of its domains.')
    .argument('<file>', 'stack file')
    .option('--offline', 'fetch nothing; use cached images')
    .option('--debug', 'show stack traces of errors')
    .addHelpText('after', example('ashlar up examples/pipeline/stack.yaml'))
    .action(async (file: string, flags: { offline?: boolean }) => {
      result.status = await (await import('./up.ts')).up(file, flags);
    });
}

function checkCommand(): Command {
  return new Command('check')
    .description('Check a stack file and say all that is wrong with it; start nothing.')
    .argument('<file>', 'stack file')
    .option('--debug', 'show stack traces of errors')
    .addHelpText('after', example('ashlar check stack.yaml'))
    .action(async (file: string) => (await import('./check.ts')).check(file));
}

function pluginsCommand(): Command {
  return new Command('plugins')
    .description('List the plugins that a stack can use.')
    .option('--json', 'print JSON')
    .option('--debug', 'show stack traces of errors')
    .addHelpText('after', example('ashlar plugins'))
    .action(async (flags: { json?: boolean }) => (await import('./list-plugins.ts')).listPlugins(flags.json === true));
}

function matrixCommand(result: CommandResult): Command {
  return new Command('matrix')
    .description('Run guest programs on every combination of tiers and compare with results recorded on real Linux.')
    .option('--json', 'print JSON')
    .option('--program <name>', 'only these programs', collect)
    .option('--debug', 'show stack traces of errors')
    .addHelpText('after', example('ashlar matrix --program hello'))
    .action(async (flags: { json?: boolean; program?: readonly string[] }) => {
      result.status = await (await import('./matrix.ts')).matrix(flags);
    });
}
