import { join } from 'node:path';
import { defaultCacheFolder } from '@ashlar/image';
import { type CachedModule, loadCached } from './code-cache.ts';
import type { run } from './main.ts';

/** The bundled command's file; the bundler puts its name here. */
declare const COMMAND_FILE: string;
/** As this is bundled to CommonJS. */
declare const require: NodeJS.Require;
declare const __dirname: string;

/** Imports a module for the bundled command. */
export const load = (specifier: string): Promise<unknown> => import(specifier);

/** A command that takes longer keeps what it compiled while it runs: by its end V8 may have dropped what started it. */
const KEEP_AFTER_MS = 1000;

/** Commands that each have compiled code of their own. */
const COMMANDS: readonly (string | undefined)[] = ['run', 'up', 'check', 'plugins', 'matrix'];

/** How the command asks for a library beside it: by a name with a digest. */
const IS_BESIDE = /^\.\/[a-z-]+-[0-9a-f]{16}\.cjs$/;

/** Runs the bundled command and ends the process with its status. */
export function launch(): Promise<never> {
  const file = join(__dirname, COMMAND_FILE);
  const argv = process.argv.slice(2);
  if (argv.includes('--debug')) {
    // The engine reads source maps only of what it loads itself.
    process.setSourceMapsEnabled(true);
    return (require(file) as { run: typeof run }).run(argv);
  }
  const code = new CachedFiles(COMMANDS.includes(argv[0]) ? `${argv[0]}` : 'other');
  const command = code.load(COMMAND_FILE) as { run: typeof run };
  setTimeout(() => code.keep(), KEEP_AFTER_MS).unref();
  // A run that failed may have seen little of the code.
  process.once('exit', (status) => {
    if (status === 0) code.keep();
  });
  return command.run(argv);
}

/** The bundled command's file and those of libraries that lie beside it, each loaded once, with its compiled code. */
class CachedFiles {
  readonly #use: string;
  readonly #modules = new Map<string, CachedModule>();

  constructor(use: string) {
    this.#use = use;
  }

  load(name: string): unknown {
    let module = this.#modules.get(name);
    if (module === undefined) {
      const find = (specifier: string): unknown => (IS_BESIDE.test(specifier) ? this.load(specifier) : require(specifier));
      module = loadCached(join(__dirname, name), join(defaultCacheFolder(), 'code'), this.#use, find);
      this.#modules.set(name, module);
    }
    return module.exports;
  }

  keep(): void {
    for (const module of this.#modules.values()) module.keep();
  }
}
