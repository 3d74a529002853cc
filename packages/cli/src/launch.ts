import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { defaultCacheFolder } from '@ashlar/image';
import { type CachedModule, exportsOf, loadCached, type ModuleBody, type Require } from './code-cache.ts';
import { ExitStatus } from './exit-status.ts';
import type { run } from './main.ts';

/** The bundled command's file; the bundler puts its name here. */
declare const COMMAND_FILE: string;
/** As this is bundled to CommonJS. */
declare const require: NodeJS.Require;
declare const __dirname: string;

/** Imports a module for the bundled command. */
export const load = (specifier: string): Promise<unknown> => import(specifier);

/**
 * When V8 11 compiles JavaScript, other than it does by itself. Its optimiser takes a function when the bytecode that it ran exceeds a budget, this one four times
 * as late: a command is over before most of that pays, and it takes CPU time beside what the guest needs. Its quick compiler takes functions eight times as
 * many together: a small program is over before it is worth while.
 */
const COMPILE_LATER = ['--interrupt-budget=270336', '--baseline-batch-compilation-threshold=32768'];
/**
 * V8 drops bytecode that has not run for some collections, as what starts a program soon has not. What a longer command keeps would lack it, and each command
 * that comes after it would compile it anew.
 */
const KEEP_BYTECODE = '--no-flush-bytecode';
/** The major version of V8 whose own budget is known. */
const KNOWN_V8 = '11.';

/** Commands that each have compiled code of their own. */
const COMMANDS = ['run', 'up', 'check', 'plugins', 'matrix'];

/** Statuses of a command that may have failed early; any other one is the program's, or 0. */
const OWN: ReadonlySet<number> = new Set(Object.values(ExitStatus));

/** How the command asks for a library beside it: by a name with a digest. */
const IS_BESIDE = /^\.\/[a-z0-9-]+-[0-9a-f]{16}\.cjs$/;

/** Runs the bundled command and ends the process with its status. */
export function launch(): Promise<never> {
  setFlagsFromString(KEEP_BYTECODE);
  if (process.versions.v8.startsWith(KNOWN_V8)) for (const flag of COMPILE_LATER) setFlagsFromString(flag);
  const argv = process.argv.slice(2);
  const files = argv.includes('--debug') ? debugged() : cached(argv[0]);
  return (files.load(COMMAND_FILE) as { run: typeof run }).run(argv);
}

/** The engine reads source maps only of what it loads itself. */
function debugged(): BundledFiles {
  process.setSourceMapsEnabled(true);
  return new BundledFiles((file, find) => exportsOf(require(file) as ModuleBody, file, find));
}

/** With the code that earlier processes compiled for the same command. */
function cached(command: string | undefined): BundledFiles {
  const use = COMMANDS.find((known) => known === command) ?? 'other';
  const modules: CachedModule[] = [];
  process.once('exit', (status) => {
    for (const module of modules) module.keep(!OWN.has(status));
  });
  return new BundledFiles((file, find) => {
    const module = loadCached(file, join(defaultCacheFolder(), 'code'), use, find);
    modules.push(module);
    return module.exports;
  });
}

/** The bundled command's file and those of libraries that lie beside it, each loaded once. */
class BundledFiles {
  readonly #exportsOf: (file: string, find: Require) => unknown;
  readonly #loaded = new Map<string, unknown>();

  constructor(exportsOf: (file: string, find: Require) => unknown) {
    this.#exportsOf = exportsOf;
  }

  load(name: string): unknown {
    let exports = this.#loaded.get(name);
    if (exports === undefined) {
      exports = this.#exportsOf(join(__dirname, name), (specifier) =>
        IS_BESIDE.test(specifier) ? this.load(specifier) : require(specifier),
      );
      this.#loaded.set(name, exports);
    }
    return exports;
  }
}
