import {
  Errno,
  type Exit,
  type PartReader,
  type PartWriter,
  type Plain,
  type Reply,
  TrapAnswer,
  type TrapHandler,
  type Wasm32Context,
  type Wasm32Import,
} from '@ashlar/hardware';
import { MODULE_LIMITS } from './binary/limits.ts';
import { parseModule } from './binary/module.ts';
import { typeName } from './binary/opcodes.ts';
import { ModuleError } from './binary/reader.ts';
import type { CompiledModule } from './compiled.ts';
import { describeFault, type FaultKind, faultOf, newTrap } from './fault.ts';
import type { LinearSpace } from './space.ts';

/** Thrown through the program to end it. */
const LEFT = Symbol('left');

const scratch = new DataView(new ArrayBuffer(8));

/** Puts a value into words; returns the next free one. */
function putWords(type: string, value: unknown, words: Int32Array, at: number): number {
  if (type === 'i32') words[at] = value as number;
  else if (type === 'f32') {
    scratch.setFloat32(0, value as number, true);
    words[at] = scratch.getInt32(0, true);
  } else {
    if (type === 'f64') scratch.setFloat64(0, value as number, true);
    else scratch.setBigInt64(0, value as bigint, true);
    words[at] = scratch.getInt32(0, true);
    words[at + 1] = scratch.getInt32(4, true);
    return at + 2;
  }
  return at + 1;
}

function getWords(type: string, words: Int32Array, at: number): number | bigint {
  if (type === 'i32') return words[at]!;
  scratch.setInt32(0, words[at]!, true);
  if (type === 'f32') return scratch.getFloat32(0, true);
  scratch.setInt32(4, words[at + 1]!, true);
  return type === 'f64' ? scratch.getFloat64(0, true) : scratch.getBigInt64(0, true);
}

const width = (type: string): number => (type.endsWith('64') ? 2 : 1);

/** A program in mode native: it has the host's stack until it ends. */
export class NativeContext implements Wasm32Context {
  readonly isa = 'wasm32';
  readonly retired = 0;
  readonly args = new Int32Array(MODULE_LIMITS.importWords);
  readonly results = new Int32Array(MODULE_LIMITS.importWords);
  imports: readonly Wasm32Import[] = [];
  importIndex = -1;
  note: Plain | undefined;
  private readonly space: LinearSpace;
  private readonly trapRecord = newTrap();
  private instance: WebAssembly.Instance | undefined;
  private handler: TrapHandler | undefined;
  private fault: FaultKind | undefined;
  private ended = false;
  private compiled: CompiledModule | undefined;

  constructor(space: LinearSpace) {
    this.space = space;
  }

  /** -ENOMEM; throws {@link ModuleError}. Instantiated by the first run, since a start function may call imports. */
  load(compiled: CompiledModule): number {
    const info = parseModule(compiled.original);
    this.compiled = compiled;
    this.imports = info.imports.map(({ module, name, type }) => {
      const { params, results } = info.types[type]!;
      const names = (types: Uint8Array): Wasm32Import['params'] => Array.from(types, (each) => typeName(each) as 'i32');
      return { module, name, params: names(params), results: names(results) };
    });
    return 0;
  }

  private instantiate(): void {
    const { engine } = this.compiled!;
    const host: Record<string, Record<string, WebAssembly.ImportValue>> = {};
    this.imports.forEach((each, index) => {
      host[each.module] ??= {};
      host[each.module]![each.name] = this.importFunction(each, index);
    });
    if (WebAssembly.Module.imports(engine).some((each) => each.kind !== 'function')) {
      throw new ModuleError('the module imports its memory; mode native runs modules that bring their own');
    }
    const declared = parseModule(this.compiled!.original).memory;
    const room = this.space.afford(declared?.min ?? 0);
    if (room < 0) throw new ModuleError('the module needs more memory than the domain has');
    this.instance = new WebAssembly.Instance(engine, host);
    const memory = this.instance.exports.memory;
    if (memory instanceof WebAssembly.Memory && this.space.adopt(memory) < 0) this.fault = 'nomemory';
  }

  private importFunction(each: Wasm32Import, index: number): (...values: unknown[]) => unknown {
    const { args, results } = this;
    return (...values) => {
      let at = 0;
      each.params.forEach((type, param) => {
        at = putWords(type, values[param], args, at);
      });
      this.trap(index);
      let word = 0;
      const answers = each.results.map((type) => {
        const value = getWords(type, results, word);
        word += width(type);
        return value;
      });
      return answers.length > 1 ? answers : answers[0];
    };
  }

  private trap(index: number): void {
    this.importIndex = index;
    this.results.fill(0);
    if (this.space.settle() < 0) {
      this.fault = 'nomemory';
      throw LEFT;
    }
    this.trapRecord.cause = 'syscall';
    this.trapRecord.reason = 'none';
    if (this.handler!(this, this.trapRecord) !== TrapAnswer.RESUME) throw LEFT;
  }

  run(onTrap: TrapHandler): Exit {
    if (this.ended && !this.fault) return 'halted';
    if (!this.fault) {
      this.handler = onTrap;
      const exit = this.toTheEnd();
      if (exit) return exit;
    }
    describeFault(this.trapRecord, this.fault!);
    onTrap(this, this.trapRecord);
    return 'left';
  }

  /** undefined: the program faulted. */
  private toTheEnd(): Exit | undefined {
    try {
      this.ended = true;
      this.instantiate();
      if (this.fault) return undefined;
      const { _start, _initialize } = this.instance!.exports;
      ((_start ?? _initialize) as (() => void) | undefined)?.();
    } catch (error) {
      if (error === LEFT) return this.fault ? undefined : 'left';
      this.fault = error instanceof ModuleError || error instanceof WebAssembly.LinkError ? 'illegal' : faultOf(error);
      if (!this.fault) throw error;
      return undefined;
    } finally {
      this.handler = undefined;
    }
    return 'halted';
  }

  complete(): void {}

  save(_out: PartWriter): Reply {
    return -Errno.ENOSYS;
  }

  restore(_part: PartReader): Reply {
    return -Errno.ENOSYS;
  }

  destroy(): void {
    this.instance = undefined;
    this.ended = true;
  }
}
