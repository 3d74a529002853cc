import { Bytes } from './bytes.ts';
import { type Callee, Code, type FunctionBody, type Local } from './code.ts';
import { typeCode, type ValueType } from './expression.ts';

/** What a function returns. */
type Results = ValueType | readonly ValueType[] | undefined;

const listed = (results: Results): readonly ValueType[] => (results === undefined ? [] : typeof results === 'string' ? [results] : results);

/** Types of parameters, as locals of the body being written. */
type Params<P extends readonly ValueType[]> = { readonly [K in keyof P]: Local<P[K]> };

/** Builds a module that imports its memory as `env.memory` and functions from `env`, and exports functions by name. */
export class ModuleBuilder {
  readonly #signatures: string[] = [];
  readonly #types: Bytes[] = [];
  readonly #imports: { name: string; type: number }[] = [];
  readonly #functions: { type: number; code: FunctionBody | undefined }[] = [];
  readonly #exports: { name: string; index: number }[] = [];
  readonly #pages: number;
  #table = false;
  #elements: Callee[] | undefined;
  readonly #data: { at: number; bytes: Uint8Array }[] = [];

  /** `pages`: the least size of the imported memory, in wasm pages of 64 KiB. */
  constructor(pages: number) {
    this.#pages = pages;
  }

  /** All imports come before the first function. */
  import(name: string, params: readonly ValueType[], results?: Results): Callee {
    if (this.#functions.length > 0) throw new Error(`import ${name} after a function`);
    this.#imports.push({ name, type: this.#type(params, listed(results)) });
    return { index: this.#imports.length - 1, params, results: listed(results) };
  }

  /** Imports `env.table`, of functions, as table 0. */
  importTable(): void {
    this.#table = true;
  }

  /** Has instantiation put functions into the table, from the index that is the imported global `env.base`. */
  placeInTable(functions: readonly Callee[]): void {
    this.#elements = [...functions];
  }

  /** Has instantiation put bytes into the memory. */
  data(at: number, bytes: Uint8Array): void {
    this.#data.push({ at, bytes });
  }

  /** Index of a function type, for calls through the table. */
  signature(params: readonly ValueType[], results: Results): number {
    return this.#type(params, listed(results));
  }

  /** Exports a function by name. */
  export(name: string, { index }: Callee): void {
    this.#exports.push({ name, index });
  }

  /** A function; `write` returns the value when the body ends with one. */
  function<const P extends readonly ValueType[]>(
    params: P,
    results: Results,
    write: (code: Code, params: Params<P>) => void,
    exported?: string,
  ): Callee {
    const index = this.#imports.length + this.#functions.length;
    const slot: { type: number; code: FunctionBody | undefined } = { type: this.#type(params, listed(results)), code: undefined };
    this.#functions.push(slot);
    const code = new Code(params);
    write(code, params.map((type, i) => code.param(i, type)) as unknown as Params<P>);
    slot.code = code.finish();
    if (exported !== undefined) this.#exports.push({ name: exported, index });
    return { index, params, results: listed(results) };
  }

  finish(): Uint8Array<ArrayBuffer> {
    const out = new Bytes();
    for (const byte of [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]) out.u8(byte);
    section(out, 1, this.#types.length, (s) => {
      for (const type of this.#types) s.append(type.view());
    });
    section(out, 2, this.#imports.length + 1 + (this.#table ? 1 : 0) + (this.#elements === undefined ? 0 : 1), (s) => {
      for (const { name, type } of this.#imports) {
        s.name('env');
        s.name(name);
        s.u8(0x00);
        s.u32(type);
      }
      s.name('env');
      s.name('memory');
      s.u8(0x02);
      s.u8(0x00);
      s.u32(this.#pages);
      if (this.#table) {
        s.name('env');
        s.name('table');
        for (const byte of [0x01, 0x70, 0x00, 0x00]) s.u8(byte);
      }
      if (this.#elements !== undefined) {
        s.name('env');
        s.name('base');
        for (const byte of [0x03, 0x7f, 0x00]) s.u8(byte);
      }
    });
    section(out, 3, this.#functions.length, (s) => {
      for (const { type } of this.#functions) s.u32(type);
    });
    section(out, 7, this.#exports.length, (s) => {
      for (const { name, index } of this.#exports) {
        s.name(name);
        s.u8(0x00);
        s.u32(index);
      }
    });
    const elements = this.#elements;
    if (elements !== undefined) {
      section(out, 9, 1, (s) => {
        // Active, table 0; offset: global 0.
        for (const byte of [0x00, 0x23, 0x00, 0x0b]) s.u8(byte);
        s.u32(elements.length);
        for (const { index } of elements) s.u32(index);
      });
    }
    this.#writeHints(out);
    section(out, 10, this.#functions.length, (s) => {
      for (const { code } of this.#functions) if (code !== undefined) s.sized(code.bytes);
    });
    if (this.#data.length > 0) section(out, 11, this.#data.length, (s) => this.#writeData(s));
    return out.view().slice();
  }

  /** Active segments of memory 0. */
  #writeData(out: Bytes): void {
    for (const { at, bytes } of this.#data) {
      out.u8(0x00);
      out.u8(0x41);
      out.s32(at);
      out.u8(0x0b);
      out.u32(bytes.length);
      out.append(bytes);
    }
  }

  /** Custom section of the branch hinting proposal, which comes before the code section. */
  #writeHints(out: Bytes): void {
    const hinted = [...this.#functions.entries()].filter(([, { code }]) => code !== undefined && code.hints.length > 0);
    if (hinted.length === 0) return;
    const content = new Bytes();
    content.name('metadata.code.branch_hint');
    content.u32(hinted.length);
    for (const [i, { code }] of hinted) {
      const { hints } = code as FunctionBody;
      content.u32(this.#imports.length + i);
      content.u32(hints.length);
      for (const { at, likely } of hints) {
        content.u32(at);
        content.u32(1);
        content.u8(likely ? 1 : 0);
      }
    }
    out.u8(0);
    out.sized(content);
  }

  #type(params: readonly ValueType[], results: readonly ValueType[]): number {
    const signature = `${params.join()}:${results.join()}`;
    const known = this.#signatures.indexOf(signature);
    if (known >= 0) return known;
    const type = new Bytes();
    type.u8(0x60);
    type.u32(params.length);
    for (const p of params) type.u8(typeCode(p));
    type.u32(results.length);
    for (const r of results) type.u8(typeCode(r));
    this.#signatures.push(signature);
    this.#types.push(type);
    return this.#types.length - 1;
  }
}

function section(out: Bytes, id: number, count: number, write: (content: Bytes) => void): void {
  const content = new Bytes();
  content.u32(count);
  write(content);
  out.u8(id);
  out.sized(content);
}
