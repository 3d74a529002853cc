import type { CodeStore } from '@ashlar/hardware';
import type { Counters } from './counters.ts';
import { hostCodeOf, type UnderFlags, withHostCode } from './host-code.ts';
import { idleInstance } from './idle-instance.ts';
import { FINISH_CALL, PREDECODE, SYSTEM_CALL } from './interpreter/exports.ts';
import { type InterpreterImports, interpreterModule } from './interpreter/module.ts';
import * as Layout from './layout.ts';
import { helpersOver } from './translator/helpers.ts';
import { withTieringBudget } from './v8-flags.ts';

/** Typed views of a memory; replaced together when it grows. One class for all, so that code that uses them sees one shape of object. */
export class Views {
  u8: Uint8Array;
  u16: Uint16Array;
  i32: Int32Array;
  u32: Uint32Array;

  constructor(buffer: ArrayBuffer) {
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
  }
}

const WASM_PAGE = 0x1_0000;
/**
 * Guest memory that there is from the start, in wasm pages: enough to reach a small program's stack, 9 MiB above its image, and a shell's heap behind it.
 * It is address space until it is used, but V8 counts all bytes of a memory: while the young ones have 32 MiB in all it collects garbage at each new
 * buffer, so with BASE this stays below, and a memory that grows counts as a new one, which may be worth a mark-compact to it.
 */
const FIRST_PAGES = 200;
/** Memory grows by at least this many wasm pages and by an eighth, so that growing stays rare. */
const GROWTH_PAGES = 256;
/** As many bytes are copied one by one before a view of them is worth making. */
const FEW_BYTES = 32;
/** Spare engines kept for the next space. A memory cannot shrink, so each holds on to what the spaces it served had resident. */
const POOL_LIMIT = 16;
/** An engine whose guest memory grew past this many bytes is dropped instead of zeroed and kept. */
const POOL_MEMORY_BYTES = 64 * 1024 * 1024;

let compiled: WebAssembly.Module | undefined;
const pool: Engine[] = [];

/**
 * The interpreter is one large loop, so some 60 instructions use the usual budget up; a small program is over long before the optimiser is, and a process
 * ends only when the optimiser has ended. With this budget it begins after some 60,000 instructions.
 */
const PATIENT_BUDGET = 1_800_000_000;
const patiently: UnderFlags = (make) => withTieringBudget(PATIENT_BUDGET, make);
/** When so many were interpreted it has surely begun; and what it takes then at most, in milliseconds: some 20 as a rule, for which the process would wait anyway. */
const BEGUN_INTERPRETED = 150_000;
const OPTIMISED_MS_MAX = 250;
/** What the interpreter's machine code is kept under. */
const INTERPRETER = 'riscv64-interpreter';

/** What a CPU has executed. */
type Executed = Pick<Counters, 'interpreted'>;
const NOTHING: Executed = { interpreted: 0 };

/** The generated interpreter is the same for every space: compiled once in a process, and with what an earlier process has optimised. */
function module(codes: CodeStore, executed: Executed): WebAssembly.Module {
  if (compiled !== undefined) return compiled;
  const bytes = interpreterModule();
  const code = codes.load(INTERPRETER) as ArrayBuffer | undefined;
  compiled = code && withHostCode(bytes, code, patiently);
  if (compiled !== undefined) return compiled;
  const fresh = patiently(() => new WebAssembly.Module(bytes));
  codes.keep(INTERPRETER, () => {
    if (executed.interpreted < BEGUN_INTERPRETED) return undefined;
    const found = hostCodeOf(fresh, patiently, () => [idleInstance(fresh).exports.run], OPTIMISED_MS_MAX);
    return found && { value: found, buffers: [found] };
  });
  compiled = fresh;
  return fresh;
}

const NO_HOST: InterpreterImports = {
  trap: () => 1,
  miss: () => 0,
  enter: () => 0,
  follow: () => 0,
  hot: () => 0x7fff_ffff,
};

/** A WebAssembly memory and the interpreter instantiated over it. Never leaves this package. */
export class Engine {
  u8!: Uint8Array;
  u16!: Uint16Array;
  i32!: Int32Array;
  u32!: Uint32Array;
  /** The same, for contexts. */
  readonly views = new Views(new ArrayBuffer(0));
  /** Who answers the module's questions: the space that this engine serves now. */
  host: InterpreterImports = NO_HOST;
  run!: () => number;
  /** Decodes at a pc into the entry there, as `run` does by itself; 0 if the instruction goes on in a page that cannot be executed. */
  predecode!: (pc: number, entry: number) => number;
  /** Functions of translated regions, by the index in their handles; 0 is never used. */
  table!: WebAssembly.Table;
  /** From this one on, slots of predecoded code were never used, so that they read as zero. */
  freshSlot = 1;
  readonly #codes: CodeStore;
  readonly #executed: Executed;
  #memory: WebAssembly.Memory | undefined;
  /** What modules of translated code import: of the interpreter, and what the instructions' own helpers are, once there is any such module. */
  #imports!: WebAssembly.ModuleImports;
  #helpers: WebAssembly.ModuleImports | undefined;
  #instances = 0;

  private constructor(codes: CodeStore, executed: Executed) {
    this.#codes = codes;
    this.#executed = executed;
    this.#memory = new WebAssembly.Memory({ initial: Layout.BASE_WASM_PAGES + FIRST_PAGES, maximum: 65536 });
    this.#interpreter(this.#memory);
    this.#see(this.#memory.buffer);
  }

  /** @throws if the engine was given back and not kept: nobody may be using it. */
  get #own(): WebAssembly.Memory {
    if (this.#memory === undefined) throw new Error('an engine is used that was given back');
    return this.#memory;
  }

  /** Instantiates translated code; its functions come into the table from `base` on. */
  place(module: WebAssembly.Module, base: number): void {
    this.#instances++;
    this.#helpers ??= helpersOver(this.#own, this.#codes);
    new WebAssembly.Instance(module, { env: { ...this.#imports, ...this.#helpers, base } });
  }

  /**
   * Lets go of all translated code; not while the interpreter runs. V8 keeps every instance that ever imported a table for as long as the table
   * lives, so there is a new one.
   */
  renewTable(): void {
    this.#interpreter(this.#own);
  }

  /** The interpreter, with a table of its own. */
  #interpreter(memory: WebAssembly.Memory): void {
    this.#instances = 0;
    this.table = new WebAssembly.Table({ element: 'anyfunc', initial: 64, maximum: Layout.REGIONS_MAX });
    const instance = new WebAssembly.Instance(module(this.#codes, this.#executed), {
      env: {
        memory,
        table: this.table,
        trap: (cause: number) => this.host.trap(cause),
        miss: (low: number, high: number, bytes: number, perm: number) => this.host.miss(low, high, bytes, perm),
        enter: (pc: number) => this.host.enter(pc),
        follow: (page: number) => this.host.follow(page),
        hot: (pc: number) => this.host.hot(pc),
      },
    });
    this.run = instance.exports.run as () => number;
    this.predecode = instance.exports[PREDECODE] as (pc: number, entry: number) => number;
    this.#imports = { memory, table: this.table };
    for (const name of [FINISH_CALL, SYSTEM_CALL]) this.#imports[name] = instance.exports[name] as WebAssembly.ExportValue;
  }

  /** From the pool, or new. All its memory reads as zero. `codes`: where the interpreter's machine code is kept; `executed`: by the CPU that takes it. */
  static take(codes: CodeStore, executed: Executed = NOTHING): Engine {
    return pool.pop() ?? new Engine(codes, executed);
  }

  /**
   * Gives the engine back. If it is kept, `scrub` zeroes all that was written; if not, the host can have its memory back, whoever still knows the engine.
   */
  release(scrub: () => void): void {
    this.host = NO_HOST;
    if (pool.length >= POOL_LIMIT || this.u8.length - Layout.BASE > POOL_MEMORY_BYTES) {
      this.#drop();
      return;
    }
    scrub();
    if (this.#instances > 0) this.renewTable();
    pool.push(this);
  }

  /** Whatever holds on to the memory is let go of. */
  #drop(): void {
    this.#memory = undefined;
    this.#see(new ArrayBuffer(0));
    this.table = new WebAssembly.Table({ element: 'anyfunc', initial: 0 });
    this.run = this.predecode = () => 0;
    this.#imports = {};
    this.#helpers = undefined;
  }

  /** What translated code found out before it made a call that is not over counts no more: a right was withdrawn, or translated code is wrong. */
  withdraw(): void {
    const at = Layout.WITHDRAWALS >> 2;
    this.i32[at] = (this.i32[at] as number) + 1;
  }

  /** Makes guest addresses below `end` reachable. False when the host has no more memory. */
  reach(end: number): boolean {
    const have = this.u8.length;
    const need = Layout.BASE + end;
    if (need <= have) return true;
    const missing = Math.ceil((need - have) / WASM_PAGE);
    const spare = Math.max(GROWTH_PAGES, Math.floor((have - Layout.BASE) / WASM_PAGE / 8));
    const room = 65536 - have / WASM_PAGE;
    if (missing > room) return false;
    if (!this.#grow(Math.min(room, Math.max(missing, spare))) && !this.#grow(missing)) return false;
    this.#see(this.#own.buffer);
    return true;
  }

  /** Bytes of the memory to another array. */
  copyOut(start: number, bytes: number, to: Uint8Array, at: number): void {
    const { u8 } = this;
    if (bytes > FEW_BYTES) to.set(u8.subarray(start, start + bytes), at);
    else for (let n = 0; n < bytes; n++) to[at + n] = u8[start + n] as number;
  }

  /** Bytes of another array to the memory. */
  copyIn(from: Uint8Array, start: number, bytes: number, at: number): void {
    const { u8 } = this;
    if (bytes > FEW_BYTES) u8.set(from.subarray(start, start + bytes), at);
    else for (let n = 0; n < bytes; n++) u8[at + n] = from[start + n] as number;
  }

  #grow(pages: number): boolean {
    const memory = this.#own;
    try {
      memory.grow(pages);
      return true;
    } catch {
      return false;
    }
  }

  #see(buffer: ArrayBuffer): void {
    Object.assign(this.views, new Views(buffer));
    this.u8 = this.views.u8;
    this.u16 = this.views.u16;
    this.i32 = this.views.i32;
    this.u32 = this.views.u32;
  }
}
