import type { FunctionSymbol } from './function-symbol.ts';
import { goFunctions } from './go-symbols.ts';

/** Reads `bytes` at an offset of a file; undefined if they are not there, or not now. */
export type FileReader = (offset: number, bytes: number) => Uint8Array | undefined;

/** A range of the file that is loaded, and the address that it is linked for. */
interface Segment {
  readonly offset: number;
  readonly bytes: number;
  readonly address: number;
}

// ELF-64 object file format, System V ABI.
const HEADER_BYTES = 64;
const PT_LOAD = 1;
const SHT_SYMTAB = 2;
const SHT_STRTAB = 3;
const SHT_DYNSYM = 11;
const SYMBOL_BYTES = 24;
const STT_NOTYPE = 0;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
const SHF_EXECINSTR = 4;
/** Larger tables are not looked at. */
const TABLE_BYTES_MAX = 64 << 20;
const HEADERS_MAX = 4096;

interface Section {
  /** Offset in the names of sections. */
  readonly name: number;
  readonly type: number;
  readonly flags: number;
  readonly address: number;
  readonly offset: number;
  readonly bytes: number;
  readonly link: number;
}

/** The functions of an ELF file and where it is loaded: what a profile needs to name an address. */
export class ElfSymbols {
  readonly #segments: readonly Segment[];
  readonly #functions: readonly FunctionSymbol[];

  constructor(segments: readonly Segment[], functions: readonly FunctionSymbol[]) {
    this.#segments = segments;
    this.#functions = functions;
  }

  /** undefined if the file is no little-endian ELF-64 or cannot be read. A file without symbols has none. */
  static read(file: FileReader): ElfSymbols | undefined {
    const head = file(0, HEADER_BYTES);
    if (head === undefined) return undefined;
    const view = viewOf(head);
    if (view.getUint32(0, false) !== 0x7f454c46 || head[4] !== 2 || head[5] !== 1) return undefined;
    const segments = readSegments(file, view);
    if (segments === undefined) return undefined;
    const sections = readSections(file, view);
    const table = sections.find(({ type }) => type === SHT_SYMTAB) ?? sections.find(({ type }) => type === SHT_DYNSYM);
    const named = table === undefined ? [] : readFunctions(file, table, sections);
    return new ElfSymbols(segments, named.length > 0 ? named : readGo(file, view, sections));
  }

  /** The address that a byte of the file is linked for. */
  addressAt(offset: number): number | undefined {
    const segment = this.#segments.find((each) => offset >= each.offset && offset < each.offset + each.bytes);
    return segment === undefined ? undefined : segment.address + offset - segment.offset;
  }

  /** The function that holds an address. */
  functionAt(address: number): FunctionSymbol | undefined {
    let low = 0;
    let high = this.#functions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#functions[middle] as FunctionSymbol).start <= address) low = middle + 1;
      else high = middle;
    }
    const found = this.#functions[low - 1];
    return found !== undefined && address < found.end ? found : undefined;
  }
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const u64 = (view: DataView, at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;

function readSegments(file: FileReader, head: DataView): Segment[] | undefined {
  const count = head.getUint16(56, true);
  const size = head.getUint16(54, true);
  if (count > HEADERS_MAX || size < 56) return undefined;
  const bytes = file(u64(head, 32), count * size);
  if (bytes === undefined) return undefined;
  const view = viewOf(bytes);
  const segments: Segment[] = [];
  for (let at = 0; at < count * size; at += size) {
    if (view.getUint32(at, true) !== PT_LOAD) continue;
    segments.push({ offset: u64(view, at + 8), address: u64(view, at + 16), bytes: u64(view, at + 32) });
  }
  return segments;
}

function readSections(file: FileReader, head: DataView): Section[] {
  const count = head.getUint16(60, true);
  const size = head.getUint16(58, true);
  if (count > HEADERS_MAX || size < 64) return [];
  const bytes = file(u64(head, 40), count * size);
  if (bytes === undefined) return [];
  const view = viewOf(bytes);
  const sections: Section[] = [];
  for (let at = 0; at < count * size; at += size) {
    sections.push({
      name: view.getUint32(at, true),
      type: view.getUint32(at + 4, true),
      flags: view.getUint32(at + 8, true),
      address: u64(view, at + 16),
      offset: u64(view, at + 24),
      bytes: u64(view, at + 32),
      link: view.getUint32(at + 40, true),
    });
  }
  return sections;
}

/** A Go program that was stripped of its symbols still has its line table. */
function readGo(file: FileReader, head: DataView, sections: readonly Section[]): FunctionSymbol[] {
  const strings = sections[head.getUint16(62, true)];
  const names = strings !== undefined && strings.bytes <= TABLE_BYTES_MAX ? file(strings.offset, strings.bytes) : undefined;
  if (names === undefined) return [];
  const named = (wanted: string): Section | undefined => sections.find(({ name }) => stringAt(names, name) === wanted);
  const lines = named('.gopclntab');
  const text = named('.text');
  if (lines === undefined || text === undefined || lines.bytes > TABLE_BYTES_MAX) return [];
  const table = file(lines.offset, lines.bytes);
  return table === undefined ? [] : goFunctions(table, text.address);
}

function readFunctions(file: FileReader, table: Section, sections: readonly Section[]): FunctionSymbol[] {
  const strings = sections[table.link];
  if (strings?.type !== SHT_STRTAB || table.bytes > TABLE_BYTES_MAX || strings.bytes > TABLE_BYTES_MAX) return [];
  const symbols = file(table.offset, table.bytes);
  const names = file(strings.offset, strings.bytes);
  if (symbols === undefined || names === undefined) return [];
  const view = viewOf(symbols);
  const found: { name: string; start: number; size: number; isFunction: boolean }[] = [];
  for (let at = 0; at + SYMBOL_BYTES <= symbols.length; at += SYMBOL_BYTES) {
    const type = (symbols[at + 4] as number) & 15;
    const section = sections[view.getUint16(at + 6, true)];
    if (section === undefined || (section.flags & SHF_EXECINSTR) === 0) continue;
    if (type !== STT_FUNC && type !== STT_GNU_IFUNC && type !== STT_NOTYPE) continue;
    const name = stringAt(names, view.getUint32(at, true));
    // Assemblers' own marks: $x, .L12.
    if (name === '' || name.startsWith('$') || name.startsWith('.L')) continue;
    found.push({ name, start: u64(view, at + 8), size: u64(view, at + 16), isFunction: type !== STT_NOTYPE });
  }
  return inOrder(found);
}

/** Sorted by address, one per address; a label ends where the next symbol begins, and inside a function it is none. */
function inOrder(found: { name: string; start: number; size: number; isFunction: boolean }[]): FunctionSymbol[] {
  found.sort((a, b) => a.start - b.start || Number(b.isFunction) - Number(a.isFunction) || b.size - a.size);
  const functions: FunctionSymbol[] = [];
  let covered = -1;
  for (const [i, { name, start, size, isFunction }] of found.entries()) {
    if (functions.at(-1)?.start === start || (!isFunction && start < covered)) continue;
    const next = found.slice(i + 1, i + 64).find((other) => other.start > start)?.start ?? start + 4096;
    const end = size > 0 ? start + size : next;
    covered = Math.max(covered, end);
    functions.push({ name, start, end });
  }
  return functions;
}

function stringAt(bytes: Uint8Array, at: number): string {
  let end = at;
  while (end < bytes.length && bytes[end] !== 0) end++;
  return new TextDecoder().decode(bytes.subarray(at, end));
}
