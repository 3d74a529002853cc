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
import { ModuleError } from './binary/reader.ts';
import type { CompiledModule } from './compiled.ts';
import { describeFault, type FaultKind, faultOf, newTrap } from './fault.ts';
import { describeImports, makeShim } from './imports.ts';
import { sameBytes } from './preparation.ts';
import { IMPORT_MODULE, lowerName, type RewrittenModule } from './rewrite/module.ts';
import { REWIND_FUEL, REWRITER_VERSION, State } from './rewrite/target.ts';
import type { LinearSpace } from './space.ts';
import type { FrameStack } from './support.ts';

const SCHEMA = `wasm32-context/${REWRITER_VERSION}`;

/** What the program does next: `fresh`: data is not written yet; `start`: the start function; `entry`: `_start`; `halted`: nothing. */
type Phase = 'fresh' | 'start' | 'entry' | 'halted';

const NO_FRAMES = new Uint8Array(0);

/** All of a context that is not in its module or memory: plain data. */
interface ContextState {
  readonly phase: Phase;
  /** Frames of the suspended program; empty: it begins its phase. */
  readonly frames: Uint8Array;
  readonly globals: Uint8Array;
  /** By exported table: original function index of each element, -1 for null. */
  readonly tables: readonly (readonly number[])[];
  /** Segments that the program dropped: pairs of kind (0 data, 1 elements) and index. */
  readonly dropped: readonly number[];
  readonly retired: number;
  /** Instructions that were run ahead of the budget. */
  readonly debt: number;
  readonly importIndex: number;
  readonly completed: boolean;
  readonly asked: boolean;
  readonly args: Uint8Array;
  readonly results: Uint8Array;
  readonly fault: FaultKind | null;
  readonly note: Plain;
}

interface GuestExports {
  readonly fuel: WebAssembly.Global<'i32'>;
  readonly state: WebAssembly.Global<'i32'>;
  readonly refill: WebAssembly.Global<'i32'>;
  readonly entry?: () => void;
  readonly start?: () => void;
  readonly save_globals: () => void;
  readonly load_globals: () => void;
  readonly drop: (kind: number, index: number) => void;
}

/** What all contexts of one CPU have in common. */
export interface PreciseHost {
  readonly frames: FrameStack;
  compile(code: Uint8Array): CompiledModule;
}

/**
 * A program in mode precise. Suspended, its stack is `frames`; to go on, its entry is called again and every function on the way takes its frame
 * back and goes to the point where it was left.
 */
export class PreciseContext implements Wasm32Context {
  readonly isa = 'wasm32';
  readonly args = new Int32Array(MODULE_LIMITS.importWords);
  readonly results = new Int32Array(MODULE_LIMITS.importWords);
  imports: readonly Wasm32Import[] = [];
  importIndex = -1;
  note: Plain | undefined;
  private readonly host: PreciseHost;
  private readonly space: LinearSpace;
  private readonly trapRecord = newTrap();
  private compiled: (CompiledModule & { readonly rewritten: RewrittenModule }) | undefined;
  private guest: GuestExports | undefined;
  private exports: WebAssembly.Exports = {};
  private phase: Phase = 'fresh';
  private frames: Uint8Array = NO_FRAMES;
  private dropped: number[] = [];
  private fault: FaultKind | undefined;
  private completed = false;
  // Fuel. Within a run, what is left is the global's value plus `withheld`.
  private retiredBefore = 0;
  private debt = 0;
  private budget = 0;
  private withheld = 0;
  // Within a run.
  private running = false;
  /** The program was left at a call of an import, and makes it again next. */
  private asked = false;
  private leaving: Exit | undefined;
  private handler: TrapHandler | undefined;
  private hostError: { readonly error: unknown } | undefined;
  private interruptWanted = false;

  constructor(host: PreciseHost, space: LinearSpace) {
    this.host = host;
    this.space = space;
  }

  /** Whether frames are still to be taken back; the program itself ends that where it was preempted. */
  private get rewinding(): boolean {
    return this.guest!.state.value === State.REWINDING;
  }

  get retired(): number {
    if (!this.running || this.rewinding) return this.retiredBefore;
    return this.retiredBefore + this.budget - Math.max(0, this.fuelLeft());
  }

  private fuelLeft(): number {
    return this.guest!.fuel.value + this.withheld;
  }

  /** Instantiates the module in the space. -ENOMEM; throws {@link ModuleError}. */
  load(compiled: CompiledModule): number {
    const rewritten = compiled.rewritten!;
    const { min } = rewritten.memory;
    if (!this.space.memory) {
      const result = this.space.create(min);
      if (result < 0) return result;
    } else if (this.space.memory.buffer.byteLength < min * 65536) return -Errno.EINVAL;
    this.compiled = { ...compiled, rewritten };
    this.imports = describeImports(rewritten.imports);
    this.instantiate(compiled.engine, rewritten);
    return 0;
  }

  private instantiate(engine: WebAssembly.Module, rewritten: RewrittenModule): void {
    const { max } = rewritten.memory;
    const trap = (index: number): number => this.call(index);
    const host: Record<string, WebAssembly.ImportValue> = {
      ...(this.host.frames.functions as Record<string, WebAssembly.ImportValue>),
      memory: this.space.memory!,
      out_of_fuel: () => this.outOfFuel(),
      grow: (pages: number) => this.space.grow(pages, max),
      result: (word: number) => this.results[word] ?? 0,
      dropped: (kind: number, index: number) => {
        this.dropped.push(kind, index);
      },
    };
    rewritten.imports.forEach((each, index) => {
      host[lowerName(index)] = makeShim(each.paramWords, index, this.args, trap);
    });
    try {
      this.exports = new WebAssembly.Instance(engine, { [IMPORT_MODULE]: host }).exports;
    } catch (error) {
      throw new ModuleError(`the module cannot be instantiated: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.guest = this.exports as unknown as GuestExports;
  }

  // Running.

  run(onTrap: TrapHandler, budget: number): Exit {
    if (this.running) throw new Error('a trap handler called run: it must not');
    if (!this.guest) throw new Error('a wasm32 context without a module was run: restore it first');
    if (this.interruptWanted) {
      this.interruptWanted = false;
      return 'interrupted';
    }
    if (!this.pay(budget)) return 'budget';
    if (this.phase === 'halted') return 'halted';
    if (this.fault) return this.raise(onTrap);
    this.handler = onTrap;
    this.begin(budget);
    try {
      return this.phases();
    } finally {
      this.running = false;
      this.handler = undefined;
      this.host.frames.clear();
    }
  }

  /** Counts instructions that were run ahead; false if the budget does not suffice to go on. */
  private pay(budget: number): boolean {
    if (this.phase !== 'halted' && !this.fault && this.debt <= budget) return true;
    const paid = Math.min(this.debt, budget);
    this.debt -= paid;
    this.retiredBefore += paid;
    return this.debt === 0;
  }

  private begin(budget: number): void {
    this.running = true;
    this.leaving = undefined;
    this.hostError = undefined;
    this.budget = budget;
    this.withheld = 0;
    const again = this.frames.length > 0 && this.host.frames.put(this.frames);
    const { fuel, refill, state } = this.guest!;
    state.value = again ? State.REWINDING : State.NORMAL;
    refill.value = budget - this.debt;
    fuel.value = again ? REWIND_FUEL : refill.value;
  }

  private phases(): Exit {
    for (;;) {
      if (this.phase === 'fresh' && !this.writeData()) return this.stop('memory');
      if (this.phase === 'fresh') this.phase = this.compiled!.rewritten.hasStart ? 'start' : 'entry';
      const { entry, start } = this.guest!;
      try {
        if (this.phase === 'start') start?.();
        else entry?.();
      } catch (error) {
        if (this.hostError) {
          this.stopSilently('illegal');
          throw this.hostError.error;
        }
        const kind = faultOf(error);
        if (!kind) throw error;
        return this.stop(kind);
      }
      if (this.leaving) return this.left(this.leaving);
      // Frames that nobody took: the saved stack was not this module's.
      if (this.rewinding) return this.stop('illegal');
      this.frames = NO_FRAMES;
      if (this.phase === 'entry') {
        this.settle();
        this.phase = 'halted';
        this.importIndex = -1;
        return this.debt > 0 ? 'budget' : 'halted';
      }
      this.phase = 'entry';
    }
  }

  private writeData(): boolean {
    const { rewritten, original } = this.compiled!;
    for (const { offset, start, end } of rewritten.data) {
      if (end === start && offset! <= this.space.limit) continue;
      const part = this.space.window(offset as never, end - start, true);
      if (!part) return false;
      part.set(original.subarray(start, end));
    }
    return true;
  }

  /** The program was left: its frames are on the stack. */
  private left(exit: Exit): Exit {
    this.frames = this.host.frames.take();
    this.guest!.state.value = State.NORMAL;
    this.settle();
    return exit;
  }

  /** Accounts for the run. */
  private settle(): void {
    const left = this.fuelLeft();
    this.debt = Math.max(0, -left);
    this.retiredBefore += this.budget - Math.max(0, left);
    this.running = false;
  }

  private stopSilently(kind: FaultKind): void {
    if (this.rewinding) this.endRewind();
    this.guest!.state.value = State.NORMAL;
    this.settle();
    this.frames = NO_FRAMES;
    this.fault = kind;
    this.importIndex = -1;
  }

  /** The program faulted: its stack is gone, and it stays at the fault. */
  private stop(kind: FaultKind): Exit {
    const handler = this.handler!;
    this.stopSilently(kind);
    return this.debt > 0 ? 'budget' : this.raise(handler);
  }

  private raise(handler: TrapHandler): Exit {
    describeFault(this.trapRecord, this.fault!);
    handler(this, this.trapRecord);
    return 'left';
  }

  // What the program calls.

  private endRewind(): void {
    const { fuel, refill, state } = this.guest!;
    state.value = State.NORMAL;
    fuel.value = refill.value;
  }

  private leave(exit: Exit): void {
    this.leaving = exit;
    this.host.frames.clear();
    this.guest!.state.value = State.UNWINDING;
  }

  private outOfFuel(): void {
    if (this.rewinding) {
      this.endRewind();
      return;
    }
    const interrupted = this.interruptWanted;
    this.interruptWanted = false;
    this.leave(interrupted ? 'interrupted' : 'budget');
  }

  /** A call of an import; returns the first word of its results. */
  private call(index: number): number {
    const { results } = this;
    this.importIndex = index;
    const again = this.asked;
    this.asked = false;
    if (again && this.completed) {
      this.completed = false;
      return results[0]!;
    }
    this.completed = false;
    results.fill(0);
    const trap = this.trapRecord;
    trap.cause = 'syscall';
    trap.reason = 'none';
    trap.access = 'execute';
    let answer: TrapAnswer;
    try {
      answer = this.handler!(this, trap);
    } catch (error) {
      this.hostError = { error };
      throw error;
    }
    if (answer === TrapAnswer.LEAVE) {
      this.asked = true;
      this.leave('left');
      return 0;
    }
    this.completed = false;
    if (this.interruptWanted) this.withhold();
    return results[0]!;
  }

  /** Hides all fuel, so that the next checkpoint asks. */
  private withhold(): void {
    const fuel = this.guest!.fuel;
    this.withheld += fuel.value + 1;
    fuel.value = -1;
  }

  complete(): void {
    this.completed = true;
  }

  interrupt(): void {
    this.interruptWanted = true;
  }

  // State.

  private globals(): Uint8Array {
    const { frames } = this.host;
    frames.clear();
    this.guest!.save_globals();
    return frames.take();
  }

  private tables(): number[][] {
    const { tables, tableFunctions } = this.compiled!.rewritten;
    if (!tables) return [];
    const indexes = new Map<unknown, number>(tableFunctions.map((index) => [this.exports[`f${index}`], index]));
    return tables.map((index) => {
      const table = this.exports[`t${index}`] as WebAssembly.Table;
      return Array.from({ length: table.length }, (_, at) => indexes.get(table.get(at)) ?? -1);
    });
  }

  private state(): ContextState {
    return {
      phase: this.phase,
      frames: this.frames,
      globals: this.globals(),
      tables: this.tables(),
      dropped: this.dropped,
      retired: this.retiredBefore,
      debt: this.debt,
      importIndex: this.importIndex,
      completed: this.completed,
      asked: this.asked,
      args: new Uint8Array(this.args.buffer).slice(),
      results: new Uint8Array(this.results.buffer).slice(),
      fault: this.fault ?? null,
      note: this.note ?? null,
    };
  }

  /** Returns false if the state is not one of this module. */
  private adopt(state: ContextState): boolean {
    this.phase = state.phase;
    this.frames = state.frames;
    this.dropped = [...state.dropped];
    this.retiredBefore = state.retired;
    this.debt = state.debt;
    this.importIndex = state.importIndex;
    this.completed = state.completed;
    this.asked = state.asked;
    this.fault = state.fault ?? undefined;
    this.note = state.note ?? undefined;
    new Uint8Array(this.args.buffer).set(state.args.subarray(0, this.args.byteLength));
    new Uint8Array(this.results.buffer).set(state.results.subarray(0, this.results.byteLength));
    return this.adoptGlobals(state.globals) && this.adoptTables(state.tables) && this.adoptDropped(state.dropped);
  }

  private adoptGlobals(globals: Uint8Array): boolean {
    const { frames } = this.host;
    if (!frames.put(globals)) return false;
    try {
      this.guest!.load_globals();
    } catch {
      return false;
    } finally {
      // Globals of another number left something over.
      if (frames.bytesUsed !== 0) frames.clear();
    }
    return true;
  }

  private adoptTables(saved: readonly (readonly number[])[]): boolean {
    const { tables, tableFunctions } = this.compiled!.rewritten;
    if (saved.length !== (tables?.length ?? 0)) return false;
    const known = new Set(tableFunctions);
    return saved.every((elements, index) => {
      const table = this.exports[`t${index}`] as WebAssembly.Table;
      if (elements.length < table.length || elements.length > MODULE_LIMITS.tableElements) return false;
      table.grow(elements.length - table.length);
      return elements.every((element, at) => {
        if (element >= 0 && !known.has(element)) return false;
        table.set(at, element < 0 ? null : this.exports[`f${element}`]);
        return true;
      });
    });
  }

  private adoptDropped(dropped: readonly number[]): boolean {
    for (let at = 0; at + 1 < dropped.length; at += 2) this.guest!.drop(dropped[at]!, dropped[at + 1]!);
    return true;
  }

  save(out: PartWriter): Reply {
    if (this.running || !this.guest) return -Errno.EBUSY;
    out.put('schema', SCHEMA);
    out.put('code', this.compiled!.original);
    for (const [key, value] of Object.entries(this.state())) out.put(key, value as Plain);
    return 0;
  }

  restore(part: PartReader): Reply {
    const code = part.get('code');
    if (this.running || part.get('schema') !== SCHEMA || !(code instanceof Uint8Array)) return -Errno.EINVAL;
    if (this.compiled && !sameBytes(this.compiled.original, code)) return -Errno.EINVAL;
    if (!this.guest) {
      try {
        const result = this.load(this.host.compile(code));
        if (result < 0) return result;
      } catch (error) {
        if (error instanceof ModuleError) return -Errno.ENOEXEC;
        throw error;
      }
    }
    const state = readState(part);
    return state && this.adopt(state) ? 0 : -Errno.EINVAL;
  }

  /** -EBUSY within a run. */
  clone(space: LinearSpace): PreciseContext | number {
    if (this.running || !this.compiled) return -Errno.EBUSY;
    const copy = new PreciseContext(this.host, space);
    const result = copy.load(this.compiled);
    if (result < 0) return result;
    return copy.adopt(this.state()) ? copy : -Errno.EINVAL;
  }

  destroy(): void {
    this.guest = undefined;
    this.exports = {};
    this.frames = NO_FRAMES;
    this.phase = 'halted';
  }
}

const PHASES: readonly Plain[] = ['fresh', 'start', 'entry', 'halted'];
const FAULTS: readonly Plain[] = ['memory', 'stack', 'illegal', 'nomemory', null];

const isCount = (value: Plain): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isIntegers = (value: Plain): value is readonly number[] => Array.isArray(value) && value.every((each) => Number.isSafeInteger(each));

/** undefined: a field has the wrong type. */
function readState(part: PartReader): ContextState | undefined {
  const phase = part.get('phase');
  const fault = part.get('fault');
  const [frames, globals, args, results] = ['frames', 'globals', 'args', 'results'].map((key) => part.get(key));
  const tables = part.get('tables');
  const dropped = part.get('dropped');
  const retired = part.get('retired');
  const debt = part.get('debt');
  const importIndex = part.get('importIndex');
  const completed = part.get('completed');
  const asked = part.get('asked');
  if (!PHASES.includes(phase!) || !FAULTS.includes(fault!)) return undefined;
  if (!(frames instanceof Uint8Array && globals instanceof Uint8Array && args instanceof Uint8Array && results instanceof Uint8Array))
    return undefined;
  if (
    !Array.isArray(tables) ||
    !tables.every(isIntegers) ||
    !isIntegers(dropped) ||
    typeof completed !== 'boolean' ||
    typeof asked !== 'boolean'
  )
    return undefined;
  if (!isCount(retired) || !isCount(debt) || typeof importIndex !== 'number') return undefined;
  return {
    phase: phase as Phase,
    fault: fault as FaultKind | null,
    frames,
    globals,
    args,
    results,
    tables,
    dropped,
    retired,
    debt,
    importIndex,
    completed,
    asked,
    note: part.get('note'),
  };
}
