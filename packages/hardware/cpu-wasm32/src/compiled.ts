import { defective, invalid, Preparation, sameBytes } from './preparation.ts';
import { type RewrittenModule, rewriteModule } from './rewrite/module.ts';
import { PIECE_BYTES } from './rewrite/pieces.ts';

/** A module ready to be instantiated, as often as it is run. */
export interface CompiledModule {
  readonly original: Uint8Array;
  readonly engine: WebAssembly.Module;
  /** undefined: mode native, the engine runs the original. */
  readonly rewritten: RewrittenModule | undefined;
}

/** Most modules and most bytes of originals that are kept. */
const MAX_MODULES = 16;
const MAX_BYTES = 192 << 20;

function engineModule(bytes: Uint8Array<ArrayBuffer>, refusal: (error: unknown) => Error): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    throw refusal(error);
  }
}

/** Throws {@link ModuleError}: the engine finds the module invalid, or mode precise does not support something in it. */
export function compileModule(code: Uint8Array, mode: 'precise' | 'native'): CompiledModule {
  const original = code.slice() as Uint8Array<ArrayBuffer>;
  const engine = engineModule(original, invalid);
  if (mode === 'native') return { original, engine, rewritten: undefined };
  const rewritten = rewriteModule(original);
  return { original, rewritten, engine: engineModule(rewritten.bytes, defective) };
}

/** FNV-1a over the length and at most 4,096 words spread over the bytes: finds candidates, equality decides. */
function fingerprint(bytes: Uint8Array): number {
  let hash = Math.imul(bytes.length ^ 0x811c9dc5, 0x01000193);
  const step = Math.max(1, Math.floor(bytes.length / 4096));
  for (let at = 0; at < bytes.length; at += step) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return hash >>> 0;
}

interface Entry {
  readonly hash: number;
  readonly compiled: CompiledModule;
  /** How often {@link ModuleCache.ask} was asked until it was ready. */
  readonly askings: number;
}

/** Compiled modules by content, the least recently used dropped first: a shell runs the same tool again and again. */
export class ModuleCache {
  private readonly entries: Entry[] = [];
  private readonly mode: 'precise' | 'native';
  /** By the object that is asked with. Whoever asks no more drops it, and the work with it. */
  private readonly preparations = new WeakMap<Uint8Array, Preparation>();
  private readonly waitedFor = new Set<Promise<void>>();

  constructor(mode: 'precise' | 'native') {
    this.mode = mode;
  }

  /** In one go, however long it takes. Throws {@link ModuleError}. */
  get(code: Uint8Array): CompiledModule {
    const hash = fingerprint(code);
    const known = this.find(code, hash);
    if (known !== undefined) return known.compiled;
    return this.keep({ hash, compiled: compileModule(code, this.mode), askings: 1 });
  }

  /**
   * What fits in one piece at once, more in as many askings as there are pieces, each with the same object; undefined until it is ready. How many
   * depends on the bytes only. Throws {@link ModuleError}.
   */
  ask(code: Uint8Array): CompiledModule | undefined {
    if (code.length <= PIECE_BYTES) return this.get(code);
    const preparation = this.preparations.get(code) ?? this.begin(code);
    try {
      const compiled = preparation.ask();
      if (compiled === undefined) this.await(preparation.pending);
      else this.end(code, compiled, preparation.asked);
      return compiled;
    } catch (error) {
      this.preparations.delete(code);
      throw error;
    }
  }

  /** Settles when the engine has done what it was given. */
  pending(): Promise<void> | undefined {
    return this.waitedFor.size === 0 ? undefined : Promise.all(this.waitedFor).then(() => undefined);
  }

  private begin(code: Uint8Array): Preparation {
    const hash = fingerprint(code);
    const known = this.entries.find((entry) => entry.hash === hash && entry.compiled.original.length === code.length);
    const { mode } = this;
    const preparation = known === undefined ? Preparation.of(code, mode) : Preparation.again(code, mode, known.compiled, known.askings);
    this.preparations.set(code, preparation);
    return preparation;
  }

  private end(code: Uint8Array, compiled: CompiledModule, askings: number): void {
    this.preparations.delete(code);
    const at = this.entries.findIndex((entry) => entry.compiled === compiled);
    const [known] = at < 0 ? [] : this.entries.splice(at, 1);
    this.keep(known ?? { hash: fingerprint(code), compiled, askings });
  }

  private await(settled: Promise<void> | undefined): void {
    if (settled === undefined || this.waitedFor.has(settled)) return;
    this.waitedFor.add(settled);
    void settled.then(() => this.waitedFor.delete(settled));
  }

  /** Makes it the most recently used. */
  private find(code: Uint8Array, hash: number): Entry | undefined {
    const at = this.entries.findIndex((entry) => entry.hash === hash && sameBytes(entry.compiled.original, code));
    if (at < 0) return undefined;
    const [entry] = this.entries.splice(at, 1) as [Entry];
    this.entries.push(entry);
    return entry;
  }

  private keep(entry: Entry): CompiledModule {
    this.entries.push(entry);
    while (this.entries.length > MAX_MODULES || (this.entries.length > 1 && this.bytes() > MAX_BYTES)) this.entries.shift();
    return entry.compiled;
  }

  private bytes(): number {
    return this.entries.reduce((sum, entry) => sum + entry.compiled.original.length, 0);
  }
}
