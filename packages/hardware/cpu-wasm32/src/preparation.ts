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

  private constructor(work: Work<CompiledModule>) {
    this.#work = work;
  }

  static of(code: Uint8Array, mode: 'precise' | 'native'): Preparation {
    return new Preparation(prepare(code, mode));
  }

  /**
   * Of a module that seems to be known: compared piece by piece, and ready after as many askings as it took to make it, since what a guest sees must
   * not depend on what ran before.
   */
  static again(code: Uint8Array, mode: 'precise' | 'native', candidate: CompiledModule, askings: number): Preparation {
    return new Preparation(recognise(code, mode, candidate, askings));
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

function* recognise(code: Uint8Array, mode: 'precise' | 'native', candidate: CompiledModule, askings: number): Work<CompiledModule> {
  const piece = Math.ceil(code.length / askings / 4) * 4;
  for (let asked = 0; asked < askings; asked++) {
    if (asked > 0) yield;
    const [start, end] = [asked * piece, (asked + 1) * piece];
    if (!sameBytes(candidate.original.subarray(start, end), code.subarray(start, end))) return yield* prepare(code, mode);
  }
  return candidate;
}

/** Whether two pieces of code are the same. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  const words = (one.byteOffset | other.byteOffset) % 4 === 0 ? one.length >>> 2 : 0;
  const [these, those] = [new Uint32Array(one.buffer, one.byteOffset, words), new Uint32Array(other.buffer, other.byteOffset, words)];
  for (let at = 0; at < words; at++) if (these[at] !== those[at]) return false;
  for (let at = words * 4; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}
