import { MODULE_LIMITS } from '../binary/limits.ts';
import { type DataSegment, type ElementSegment, type FunctionType, type ModuleInfo, parseModule } from '../binary/module.ts';
import { Op, ValueType } from '../binary/opcodes.ts';
import { ModuleError, Reader } from '../binary/reader.ts';
import { Writer } from '../binary/writer.ts';
import { FunctionRewriter } from './function.ts';
import { bodyBytes, Pace, type Pieces, whole } from './pieces.ts';
import { type Survey, survey } from './survey.ts';
import { POP, PUSH, REWIND_FUEL, SAVED_INDEX, SUPPORT, Target } from './target.ts';
import { wordCount, writeWrapper } from './wrapper.ts';

/** An import as the host sees it. */
export interface LoweredImport {
  readonly module: string;
  readonly name: string;
  readonly type: FunctionType;
  readonly paramWords: number;
  readonly resultWords: number;
}

/** A module in the form in which it can be left and entered again, and what the host must know about it. */
export interface RewrittenModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly imports: readonly LoweredImport[];
  /** Memory limits in 64 KiB pages, as declared. */
  readonly memory: { readonly min: number; readonly max: number | undefined };
  /** Written by the host before the program starts: segments with offset. */
  readonly data: readonly DataSegment[];
  /** Tables that the program changes: exported as `t0`, `t1`, …; undefined if none does. */
  readonly tables: readonly number[] | undefined;
  /** Functions that such tables may hold, by original index: exported as `f0`, `f1`, …. */
  readonly tableFunctions: readonly number[];
  readonly hasStart: boolean;
  readonly hasEntry: boolean;
}

/** Names of the module of every import of a rewritten module. */
export const IMPORT_MODULE = 'ashlar';
export const lowerName = (index: number): string => `i${index}`;

/** Fuel, state, refill and resume, behind the module's globals. */
const OWN_GLOBALS = 4;

class ModuleRewriter {
  private readonly module: ModuleInfo;
  private readonly target: Target;
  private readonly out: Writer;
  private readonly lowered: LoweredImport[];
  /** Functions made by the rewriter behind the original ones: type and body. */
  private readonly extra: { readonly type: number; readonly body: Writer; readonly name: string }[] = [];

  constructor(module: ModuleInfo, surveyed: Survey) {
    this.module = module;
    this.target = new Target(module, surveyed);
    this.out = new Writer(Math.max(4096, module.bytes.length * 2));
    this.lowered = module.imports.map((each) => {
      const type = module.types[each.type]!;
      return {
        module: each.module,
        name: each.name,
        type,
        paramWords: wordCount(type.params, each),
        resultWords: wordCount(type.results, each),
      };
    });
  }

  *rewrite(): Pieces<RewrittenModule> {
    const { module, out, target } = this;
    if (!module.memory) throw new ModuleError('the module has no memory; mode precise needs one');
    out.copy(Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00));
    this.extra.push(this.saveGlobals(), this.loadGlobals(), this.drop());
    const code = yield* this.code();
    const imports = this.imports(module.memory);
    const functions = this.functions();
    this.types();
    out.section(2, imports);
    out.section(3, functions);
    this.tables();
    this.globals();
    const tableFunctions = target.survey.changesTables ? this.tableFunctions() : [];
    this.exports(tableFunctions);
    this.elements();
    const data = this.data();
    if (data) out.section(12, countOf(module.data.length));
    out.section(10, code);
    if (data) out.section(11, data);
    return {
      bytes: out.result(),
      imports: this.lowered,
      memory: module.memory,
      data: module.data.filter((segment) => segment.offset !== undefined),
      tables: target.survey.changesTables ? module.tables.map((_, index) => index) : undefined,
      tableFunctions,
      hasStart: module.start !== undefined,
      hasEntry: this.entry() !== undefined,
    };
  }

  private types(): void {
    const section = countOf(this.target.types.length);
    for (const type of this.target.types) {
      section.byte(0x60);
      for (const list of [type.params, type.results]) {
        section.u32(list.length);
        section.copy(list);
      }
    }
    this.out.section(1, section);
  }

  private imports(memory: { readonly min: number }): Writer {
    const section = countOf(SUPPORT.length + this.lowered.length + 1);
    const add = (name: string, type: number): void => {
      section.name(IMPORT_MODULE);
      section.name(name);
      section.byte(0);
      section.u32(type);
    };
    for (const each of SUPPORT) add(each.name, this.target.type(each.params, each.results));
    this.lowered.forEach((each, index) => {
      const params = new Uint8Array(each.paramWords).fill(ValueType.i32);
      add(lowerName(index), this.target.type(params, each.resultWords > 0 ? [ValueType.i32] : []));
    });
    section.name(IMPORT_MODULE);
    section.name('memory');
    section.byte(2);
    section.byte(0);
    section.u32(memory.min);
    return section;
  }

  private functions(): Writer {
    const section = countOf(this.module.functions.length + this.extra.length);
    for (const type of this.module.functions) section.u32(type);
    for (const each of this.extra) section.u32(each.type);
    return section;
  }

  private tables(): void {
    const section = countOf(this.module.tables.length);
    for (const table of this.module.tables) {
      section.byte(table.type);
      section.byte(1);
      section.u32(table.min);
      section.u32(Math.min(table.max ?? MODULE_LIMITS.tableElements, MODULE_LIMITS.tableElements));
    }
    this.out.section(4, section);
  }

  private globals(): void {
    const section = countOf(this.module.globals.length + OWN_GLOBALS);
    for (const global of this.module.globals) {
      section.byte(global.type);
      section.byte(global.mutable ? 1 : 0);
      this.constant(new Reader(this.module.bytes, global.initStart, global.initEnd), section);
    }
    for (let own = 0; own < OWN_GLOBALS; own++) {
      section.byte(ValueType.i32);
      section.byte(1);
      section.i32const(0);
      section.byte(Op.END);
    }
    this.out.section(6, section);
  }

  /** Copies a constant expression; function indexes in it change. */
  private constant(reader: Reader, to: Writer): void {
    for (;;) {
      const start = reader.at;
      const op = reader.byte();
      if (op === Op.REF_FUNC) {
        to.op(op, reader.u32() + this.target.shift);
        continue;
      }
      if (op === Op.I32_CONST || op === Op.I64_CONST || op === Op.GLOBAL_GET || op === Op.REF_NULL) reader.skipLeb();
      else if (op === Op.F32_CONST) reader.skip(4);
      else if (op === Op.F64_CONST) reader.skip(8);
      else if (op === Op.PREFIX_SIMD) {
        reader.u32();
        reader.skip(16);
      }
      to.copy(this.module.bytes, start, reader.at);
      if (op === Op.END) return;
    }
  }

  /** The function where a command begins: `_start`, or a reactor's `_initialize`. */
  private entry(): number | undefined {
    for (const name of ['_start', '_initialize']) {
      const found = this.module.exports.get(name);
      if (found?.kind !== 0) continue;
      const type = this.module.types[this.module.functions[found.index]!]!;
      if (type.params.length > 0 || type.results.length > 0)
        throw new ModuleError(`the exported function ${name} takes or returns values; a command's must not`);
      return found.index;
    }
    return undefined;
  }

  private exports(tableFunctions: readonly number[]): void {
    const { shift, fuel, state, refill, survey } = this.target;
    const list: [name: string, kind: number, index: number][] = [
      ['fuel', 3, fuel],
      ['state', 3, state],
      ['refill', 3, refill],
    ];
    const entry = this.entry();
    if (entry !== undefined) list.push(['entry', 0, entry + shift]);
    if (this.module.start !== undefined) list.push(['start', 0, this.module.start + shift]);
    this.extra.forEach((each, index) => {
      list.push([each.name, 0, shift + this.module.functions.length + index]);
    });
    for (const index of tableFunctions) list.push([`f${index}`, 0, index + shift]);
    if (survey.changesTables) list.push(...this.module.tables.map((_, index): [string, number, number] => [`t${index}`, 1, index]));
    const section = countOf(list.length);
    for (const [name, kind, index] of list) {
      section.name(name);
      section.byte(kind);
      section.u32(index);
    }
    this.out.section(7, section);
  }

  // Elements and data.

  private elements(): void {
    const referenced = [...this.target.survey.referenced];
    const section = countOf(this.module.elements.length + 1);
    for (const element of this.module.elements) this.element(element, section, () => {});
    // Keeps every function declared that ref.func names, whatever else named it.
    section.u32(3);
    section.byte(0);
    section.u32(referenced.length);
    for (const index of referenced) section.u32(index + this.target.shift);
    this.out.section(9, section);
  }

  private element(element: ElementSegment, to: Writer, visit: (index: number) => void): void {
    const reader = new Reader(this.module.bytes, element.start, element.end);
    const { flags } = element;
    to.u32(reader.u32());
    if ((flags & 3) === 2) to.u32(reader.u32());
    if (!(flags & 1)) this.constant(reader, to);
    if (flags & 3) to.byte(reader.byte());
    const count = reader.u32();
    to.u32(count);
    for (let i = 0; i < count; i++) {
      if (flags & 4) {
        if (this.module.bytes[reader.at] === Op.REF_FUNC) visit(new Reader(this.module.bytes, reader.at + 1).u32());
        this.constant(reader, to);
      } else {
        const index = reader.u32();
        visit(index);
        to.u32(index + this.target.shift);
      }
    }
  }

  private tableFunctions(): number[] {
    const found = new Set(this.target.survey.referenced);
    const nowhere = new Writer();
    for (const element of this.module.elements) this.element(element, nowhere, (index) => found.add(index));
    return [...found].sort((a, b) => a - b);
  }

  /**
   * Segments with an offset are written by the host, not at instantiation, so that a restored memory is not overwritten; where instructions name
   * segments, those stay as empty ones, which is what a program sees of a segment once it was applied.
   */
  private data(): Writer | undefined {
    if (!this.target.survey.usesData) return undefined;
    const section = countOf(this.module.data.length);
    for (const segment of this.module.data) {
      section.u32(1);
      section.u32(segment.offset === undefined ? segment.end - segment.start : 0);
      if (segment.offset === undefined) section.copy(this.module.bytes, segment.start, segment.end);
    }
    return section;
  }

  // Code.

  private *code(): Pieces<Writer> {
    const { module, target } = this;
    const code = new Writer(Math.max(4096, module.bytes.length * 2));
    code.u32(module.functions.length + this.extra.length);
    this.lowered.forEach((each, index) => {
      writeWrapper(code, target, each.type, SUPPORT.length + index);
    });
    const functions = new FunctionRewriter(target);
    const pace = new Pace();
    for (let index = module.imports.length; index < module.functions.length; index++) {
      if (pace.before(bodyBytes(module, index))) yield;
      functions.rewrite(index, code);
    }
    for (const each of this.extra) code.sized(each.body);
    return code;
  }

  private mutableGlobals(): { readonly type: number; readonly index: number }[] {
    return this.module.globals.flatMap(({ type, mutable }, index) => (mutable ? [{ type, index }] : []));
  }

  private saveGlobals(): { type: number; body: Writer; name: string } {
    const body = countOf(0);
    for (const { type, index } of this.mutableGlobals()) {
      body.op(Op.GLOBAL_GET, index);
      body.op(Op.CALL, PUSH + SAVED_INDEX[type]!);
    }
    body.byte(Op.END);
    return { type: this.target.type([], []), body, name: 'save_globals' };
  }

  private loadGlobals(): { type: number; body: Writer; name: string } {
    const body = countOf(0);
    for (const { type, index } of this.mutableGlobals().reverse()) {
      body.op(Op.CALL, POP + SAVED_INDEX[type]!);
      body.op(Op.GLOBAL_SET, index);
    }
    body.byte(Op.END);
    return { type: this.target.type([], []), body, name: 'load_globals' };
  }

  /** Drops a segment again in a restored instance: `(kind 0 data, 1 elements; index)`. */
  private drop(): { type: number; body: Writer; name: string } {
    const body = countOf(0);
    const { dropsData, dropsElements } = this.target.survey;
    [dropsData, dropsElements].forEach((indexes, kind) => {
      for (const index of indexes) {
        body.op(Op.LOCAL_GET, 0);
        body.i32const(kind);
        body.byte(Op.I32_EQ);
        body.op(Op.LOCAL_GET, 1);
        body.i32const(index);
        body.byte(Op.I32_EQ);
        body.byte(0x71);
        body.op(Op.IF, 0x40);
        body.op(Op.PREFIX_FC, kind === 0 ? 9 : 13);
        body.u32(index);
        body.byte(Op.END);
      }
    });
    body.byte(Op.END);
    return { type: this.target.type([ValueType.i32, ValueType.i32], []), body, name: 'drop' };
  }
}

function countOf(count: number): Writer {
  const writer = new Writer();
  writer.u32(count);
  return writer;
}

/**
 * Rewrites a valid module so that it takes its memory from outside, counts instructions, and can be left and entered again at every call, loop
 * and checkpoint. Throws {@link ModuleError} for what is not supported; the caller has checked that the engine finds the module valid.
 */
export const rewriteModule = (bytes: Uint8Array): RewrittenModule => whole(rewriteInPieces(bytes));

/** The same, a bounded piece at a time. */
export function* rewriteInPieces(bytes: Uint8Array): Pieces<RewrittenModule> {
  const module = parseModule(bytes);
  yield;
  return yield* new ModuleRewriter(module, yield* survey(module)).rewrite();
}

export { REWIND_FUEL };
