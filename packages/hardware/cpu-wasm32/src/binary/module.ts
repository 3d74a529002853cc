import { MODULE_LIMITS } from './limits.ts';
import { isReference, typeName, ValueType } from './opcodes.ts';
import { ModuleError, Reader } from './reader.ts';

export interface FunctionType {
  readonly params: Uint8Array;
  readonly results: Uint8Array;
}

export interface FunctionImport {
  readonly module: string;
  readonly name: string;
  readonly type: number;
}

export interface Table {
  readonly type: number;
  readonly min: number;
  readonly max: number | undefined;
}

export interface Global {
  readonly type: number;
  readonly mutable: boolean;
  /** Where its initial expression lies, up to and with its `end`. */
  readonly initStart: number;
  readonly initEnd: number;
}

/** A data segment; `offset` is undefined for a passive one. */
export interface DataSegment {
  readonly offset: number | undefined;
  readonly start: number;
  readonly end: number;
}

/** An element segment, left in place: only function indexes within it change. */
export interface ElementSegment {
  readonly flags: number;
  readonly start: number;
  readonly end: number;
}

/** What the rewriter must know of a module. Offsets are into `bytes`. */
export interface ModuleInfo {
  readonly bytes: Uint8Array;
  readonly types: readonly FunctionType[];
  readonly imports: readonly FunctionImport[];
  /** Type index of each function, imports first. */
  readonly functions: readonly number[];
  readonly tables: readonly Table[];
  readonly memory: { readonly min: number; readonly max: number | undefined } | undefined;
  readonly globals: readonly Global[];
  readonly exports: ReadonlyMap<string, { readonly kind: number; readonly index: number }>;
  readonly start: number | undefined;
  readonly elements: readonly ElementSegment[];
  readonly data: readonly DataSegment[];
  /** Start and end of each body (behind its size), two entries a function. */
  readonly bodies: Int32Array;
}

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** Order in which known sections must come; the data count (12) stands before code. */
const ORDER: Readonly<Record<number, number>> = { 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 7, 7: 8, 8: 9, 9: 10, 12: 11, 10: 12, 11: 13 };

class ModuleParser {
  readonly types: FunctionType[] = [];
  readonly imports: FunctionImport[] = [];
  readonly functions: number[] = [];
  readonly tables: Table[] = [];
  readonly globals: Global[] = [];
  readonly exports = new Map<string, { kind: number; index: number }>();
  readonly elements: ElementSegment[] = [];
  readonly data: DataSegment[] = [];
  memory: { min: number; max: number | undefined } | undefined;
  start: number | undefined;
  bodies = new Int32Array(0);
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  parse(): ModuleInfo {
    const { bytes } = this;
    if (bytes.length > MODULE_LIMITS.bytes)
      throw new ModuleError(`the module has ${bytes.length} bytes; at most ${MODULE_LIMITS.bytes} are allowed`);
    if (HEADER.some((byte, at) => bytes[at] !== byte))
      throw new ModuleError('not a WebAssembly module: the header is not that of version 1');
    const reader = new Reader(bytes, HEADER.length);
    let order = 0;
    while (!reader.done) {
      const id = reader.byte();
      const section = reader.sub(reader.u32());
      if (id === 0) continue;
      const place = ORDER[id];
      if (id === 13) throw new ModuleError('the module has exception tags; exception handling is not supported in mode precise');
      if (place === undefined) throw new ModuleError(`section ${id} at byte ${reader.at} is unknown`);
      if (place <= order) throw new ModuleError(`section ${id} is repeated or out of order`);
      order = place;
      this.section(id, section);
      if (!section.done) section.fail(`section ${id} is longer than its contents`);
    }
    if (this.functions.length - this.imports.length !== this.bodies.length / 2)
      throw new ModuleError('functions and bodies differ in number');
    return this;
  }

  private section(id: number, reader: Reader): void {
    if (id === 1) this.list(reader, 'types', () => this.types.push(this.functionType(reader)));
    else if (id === 2) this.list(reader, 'imports', () => this.import(reader));
    else if (id === 3) this.list(reader, 'functions', () => this.functions.push(this.typeIndex(reader)));
    else if (id === 4) this.list(reader, 'tables', () => this.tables.push(this.table(reader)));
    else if (id === 5) this.memories(reader);
    else if (id === 6) this.list(reader, 'globals', () => this.globals.push(this.global(reader)));
    else if (id === 7) this.list(reader, 'exports', () => this.export(reader));
    else if (id === 8) this.start = reader.u32();
    else if (id === 9) this.list(reader, 'segments', () => this.elements.push(this.element(reader)));
    else if (id === 10) this.code(reader);
    else if (id === 11) this.list(reader, 'segments', () => this.data.push(this.dataSegment(reader)));
    else reader.u32();
  }

  private list(
    reader: Reader,
    what: 'types' | 'imports' | 'functions' | 'tables' | 'globals' | 'exports' | 'segments',
    item: () => void,
  ): void {
    const count = reader.u32();
    if (count > MODULE_LIMITS[what]) throw new ModuleError(`the module has ${count} ${what}; at most ${MODULE_LIMITS[what]} are allowed`);
    for (let i = 0; i < count; i++) item();
  }

  private valueType(reader: Reader): number {
    const type = reader.byte();
    if ((type < ValueType.v128 || type > ValueType.i32) && !isReference(type)) {
      throw new ModuleError(
        `value type 0x${type.toString(16)} at byte ${reader.at - 1} is not supported (garbage-collected and typed references are not)`,
      );
    }
    return type;
  }

  private valueTypes(reader: Reader, limit: number): Uint8Array {
    const count = reader.u32();
    if (count > limit) throw new ModuleError(`a function type has ${count} parameters or results; at most ${limit} are allowed`);
    return Uint8Array.from({ length: count }, () => this.valueType(reader));
  }

  private functionType(reader: Reader): FunctionType {
    const form = reader.byte();
    if (form !== 0x60)
      throw new ModuleError(`type form 0x${form.toString(16)} at byte ${reader.at - 1} is not supported: only function types are`);
    return { params: this.valueTypes(reader, MODULE_LIMITS.params), results: this.valueTypes(reader, MODULE_LIMITS.results) };
  }

  private typeIndex(reader: Reader): number {
    const index = reader.u32();
    if (index >= this.types.length) reader.fail(`type ${index} does not exist`);
    return index;
  }

  private import(reader: Reader): void {
    const module = reader.name();
    const name = reader.name();
    const kind = reader.byte();
    if (kind === 0) {
      const type = this.typeIndex(reader);
      this.imports.push({ module, name, type });
      this.functions.push(type);
    } else if (kind === 2) this.memory = this.limits(reader, `imported memory ${module}.${name}`);
    else
      throw new ModuleError(
        `the module imports ${['', 'a table', '', 'a global', 'a tag'][kind] ?? 'something'} (${module}.${name}); only functions and a memory can be imported`,
      );
  }

  private limits(reader: Reader, what: string): { min: number; max: number | undefined } {
    const flags = reader.byte();
    if (flags & 2) throw new ModuleError(`${what} is shared; threads are not supported`);
    if (flags > 1) throw new ModuleError(`${what} has 64-bit addresses; only wasm32 is supported`);
    const min = reader.u32();
    return { min, max: flags & 1 ? reader.u32() : undefined };
  }

  private table(reader: Reader): Table {
    const type = this.valueType(reader);
    const limits = this.limits(reader, `table ${this.tables.length}`);
    if (limits.min > MODULE_LIMITS.tableElements) {
      throw new ModuleError(`table ${this.tables.length} has ${limits.min} elements; at most ${MODULE_LIMITS.tableElements} are allowed`);
    }
    return { type, ...limits };
  }

  private memories(reader: Reader): void {
    const count = reader.u32();
    if (count + (this.memory ? 1 : 0) > 1) throw new ModuleError('the module has more than one memory');
    if (count === 1) this.memory = this.limits(reader, 'the memory');
  }

  private global(reader: Reader): Global {
    const type = this.valueType(reader);
    const mutable = reader.byte() === 1;
    const initStart = reader.at;
    skipConstant(reader);
    if (mutable && isReference(type)) {
      throw new ModuleError(`global ${this.globals.length} is a mutable ${typeName(type)}, which mode precise cannot save`);
    }
    return { type, mutable, initStart, initEnd: reader.at };
  }

  private export(reader: Reader): void {
    const name = reader.name();
    this.exports.set(name, { kind: reader.byte(), index: reader.u32() });
  }

  private element(reader: Reader): ElementSegment {
    const start = reader.at;
    const flags = reader.u32();
    if (flags > 7) reader.fail(`element segment with flags ${flags}`);
    if ((flags & 3) === 2) reader.u32();
    if (!(flags & 1)) skipConstant(reader);
    if (flags & 3) reader.byte();
    const count = reader.u32();
    if (count > MODULE_LIMITS.tableElements) reader.fail(`element segment of ${count} elements`);
    for (let i = 0; i < count; i++) {
      if (flags & 4) skipConstant(reader);
      else reader.u32();
    }
    return { flags, start, end: reader.at };
  }

  private dataSegment(reader: Reader): DataSegment {
    const flags = reader.u32();
    if (flags > 2) reader.fail(`data segment with flags ${flags}`);
    if (flags === 2 && reader.u32() !== 0) reader.fail('data for a second memory');
    const offset = flags === 1 ? undefined : this.constantI32(reader);
    const size = reader.u32();
    const start = reader.at;
    reader.skip(size);
    return { offset, start, end: reader.at };
  }

  /** Evaluates a constant expression of type i32 (core specification 3.3.13, with the arithmetic of the extended-const proposal). */
  private constantI32(reader: Reader, depth = 0): number {
    const stack: number[] = [];
    for (;;) {
      const op = reader.byte();
      if (op === 0x0b) break;
      if (op === 0x41) stack.push(reader.s32());
      else if (op === 0x23) stack.push(this.globalI32(reader.u32(), depth));
      else if (op === 0x6a || op === 0x6b || op === 0x6c) {
        const right = stack.pop() ?? 0;
        const left = stack.pop() ?? 0;
        stack.push(op === 0x6a ? (left + right) | 0 : op === 0x6b ? (left - right) | 0 : Math.imul(left, right));
      } else throw new ModuleError(`opcode 0x${op.toString(16)} in the constant expression at byte ${reader.at - 1} is not supported`);
    }
    return (stack.pop() ?? 0) >>> 0;
  }

  private globalI32(index: number, depth: number): number {
    const global = this.globals[index];
    if (!global || global.mutable || global.type !== ValueType.i32 || depth > 8)
      throw new ModuleError(`global ${index} is no constant of type i32`);
    return this.constantI32(new Reader(this.bytes, global.initStart, global.initEnd), depth + 1);
  }

  private code(reader: Reader): void {
    const count = reader.u32();
    if (count > MODULE_LIMITS.functions)
      throw new ModuleError(`the module has ${count} functions; at most ${MODULE_LIMITS.functions} are allowed`);
    this.bodies = new Int32Array(count * 2);
    for (let i = 0; i < count; i++) {
      const body = reader.sub(reader.u32());
      this.bodies[2 * i] = body.at;
      this.bodies[2 * i + 1] = body.end;
    }
  }
}

/** Passes over a constant expression, its `end` included. */
export function skipConstant(reader: Reader): void {
  for (;;) {
    const op = reader.byte();
    if (op === 0x0b) return;
    if (op === 0x41 || op === 0x42 || op === 0x23 || op === 0xd0 || op === 0xd2) reader.skipLeb();
    else if (op === 0x43) reader.skip(4);
    else if (op === 0x44) reader.skip(8);
    else if (op === 0xfd) {
      if (reader.u32() !== 12) reader.fail('a vector instruction in a constant expression');
      reader.skip(16);
    } else if (![0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e].includes(op)) {
      throw new ModuleError(`opcode 0x${op.toString(16)} in the constant expression at byte ${reader.at - 1} is not supported`);
    }
  }
}

/** Parses all sections of a module that the host engine has already found valid; refuses what mode precise cannot run. */
export const parseModule = (bytes: Uint8Array): ModuleInfo => new ModuleParser(bytes).parse();
