import { ModuleError } from './binary/reader.ts';
import { type RewrittenModule, rewriteModule } from './rewrite/module.ts';

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

function validate(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    throw new ModuleError(`not a valid WebAssembly module: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Throws {@link ModuleError}: the engine finds the module invalid, or mode precise does not support something in it. */
export function compileModule(code: Uint8Array, mode: 'precise' | 'native'): CompiledModule {
  const original = code.slice() as Uint8Array<ArrayBuffer>;
  const engine = validate(original);
  if (mode === 'native') return { original, engine, rewritten: undefined };
  const rewritten = rewriteModule(original);
  try {
    return { original, rewritten, engine: new WebAssembly.Module(rewritten.bytes) };
  } catch (error) {
    throw new ModuleError(
      `the rewritten module is not valid, which is a defect of this CPU: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** FNV-1a over the length and at most 4,096 words spread over the bytes: finds candidates, equality decides. */
function fingerprint(bytes: Uint8Array): number {
  let hash = Math.imul(bytes.length ^ 0x811c9dc5, 0x01000193);
  const step = Math.max(1, Math.floor(bytes.length / 4096));
  for (let at = 0; at < bytes.length; at += step) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return hash >>> 0;
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}

/** Compiled modules by content, the least recently used dropped first: a shell runs the same tool again and again. */
export class ModuleCache {
  private readonly entries: { readonly hash: number; readonly compiled: CompiledModule }[] = [];
  private readonly mode: 'precise' | 'native';

  constructor(mode: 'precise' | 'native') {
    this.mode = mode;
  }

  get(code: Uint8Array): CompiledModule {
    const hash = fingerprint(code);
    const at = this.entries.findIndex((entry) => entry.hash === hash && sameBytes(entry.compiled.original, code));
    const entry = at >= 0 ? this.entries.splice(at, 1)[0]! : { hash, compiled: compileModule(code, this.mode) };
    this.entries.push(entry);
    while (this.entries.length > MAX_MODULES || (this.entries.length > 1 && this.bytes() > MAX_BYTES)) this.entries.shift();
    return entry.compiled;
  }

  private bytes(): number {
    return this.entries.reduce((sum, entry) => sum + entry.compiled.original.length, 0);
  }
}
