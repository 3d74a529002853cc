import { ModuleError } from './binary/reader.ts';
import type { CompiledModule } from './compiled.ts';
import { rewriteInPieces } from './rewrite/module.ts';

/** What the engine makes of a module, in threads of its own. */
interface Compilation {
  readonly settled: Promise<void>;
  module?: WebAssembly.Module;
  error?: unknown;
}

/** Yields between pieces of work, and what must settle before the next. */
type Work<T> = Generator<Compilation | undefined, T, undefined>;

const why = (error: unknown): string => (error instanceof Error ? error.message : String(error));
export const invalid = (error: unknown): ModuleError => new ModuleError(`not a valid WebAssembly module: ${why(error)}`);
export const defective = (error: unknown): ModuleError =>
  new ModuleError(`the rewritten module is not valid, which is a defect of this CPU: ${why(error)}`);

/** A large module on its way to being ready: a bounded piece at each asking, and the engine's part outside of this thread's JavaScript. */
export class Preparation {
  /** Askings so far. */
  asked = 0;
  readonly #work: Work<CompiledModule>;
  #compilation: Compilation | undefined;

  /** `known`: nothing is made; it was made before. */
  private constructor(
    work: Work<CompiledModule>,
    readonly known: boolean,
  ) {
    this.#work = work;
  }

  static of(code: Uint8Array, mode: 'precise' | 'native'): Preparation {
    return new Preparation(prepare(code, mode), false);
  }

  /** One that is ready after as many askings as it took to make it: what a guest sees does not depend on what ran before. */
  static again(compiled: CompiledModule, askings: number): Preparation {
    return new Preparation(waitFor(compiled, askings), true);
  }

  /** What must settle before the next asking is of use. */
  get pending(): Promise<void> | undefined {
    return this.#compilation?.settled;
  }

  /** undefined: not ready yet. Throws {@link ModuleError}. */
  ask(): CompiledModule | undefined {
    if (this.#compilation !== undefined && this.#compilation.module === undefined && this.#compilation.error === undefined)
      return undefined;
    this.asked++;
    const { done, value } = this.#work.next();
    if (done) return value;
    this.#compilation = value;
    return undefined;
  }
}

function* prepare(code: Uint8Array, mode: 'precise' | 'native'): Work<CompiledModule> {
  const original = code.slice() as Uint8Array<ArrayBuffer>;
  const engine = yield* compile(original, invalid);
  if (mode === 'native') return { original, engine, rewritten: undefined };
  const rewritten = yield* rewriteInPieces(original);
  return { original, rewritten, engine: yield* compile(rewritten.bytes, defective) };
}

function* compile(bytes: Uint8Array<ArrayBuffer>, refusal: (error: unknown) => ModuleError): Work<WebAssembly.Module> {
  const compilation = compiling(bytes);
  yield compilation;
  if (compilation.module === undefined) throw refusal(compilation.error);
  return compilation.module;
}

function compiling(bytes: Uint8Array<ArrayBuffer>): Compilation {
  const compilation: Compilation = {
    settled: WebAssembly.compile(bytes).then(
      (module) => {
        compilation.module = module;
      },
      (error: unknown) => {
        compilation.error = error;
      },
    ),
  };
  return compilation;
}

function* waitFor(compiled: CompiledModule, askings: number): Work<CompiledModule> {
  for (let asked = 1; asked < askings; asked++) yield;
  return compiled;
}
