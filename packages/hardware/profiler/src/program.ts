import { type AddressSpace, type Backing, type GuestAddress, PAGE_BYTES, Prot } from '@ashlar/hardware';
import { ElfSymbols } from './elf-symbols.ts';
import { type FrameRule, frameRule, RULE_BYTES_MAX } from './frame-rule.ts';

/** Times a file is tried again whose pages were not at hand. */
const TRIES_MAX = 32;
/** Rules of frames that a file keeps. */
const RULES_MAX = 1 << 16;
/** Addresses without a symbol are named by ranges of so many bytes. */
const RANGE_BYTES = 64;

/** A file that code comes from. */
class CodeFile {
  readonly name: string;
  readonly rules = new Map<number, FrameRule>();
  readonly #backing: Backing;
  #symbols: ElfSymbols | undefined;
  #tries = 0;

  constructor(backing: Backing) {
    this.#backing = backing;
    this.name = backing.name ?? backing.id;
  }

  /** Read when first asked for. undefined: it is no ELF file, or not at hand yet. */
  get symbols(): ElfSymbols | undefined {
    if (this.#symbols === undefined && this.#tries < TRIES_MAX) {
      this.#tries++;
      this.#symbols = ElfSymbols.read((offset, bytes) => this.#read(offset, bytes));
    }
    return this.#symbols;
  }

  #read(offset: number, bytes: number): Uint8Array | undefined {
    const first = Math.floor(offset / PAGE_BYTES);
    const pages = Math.ceil((offset + bytes) / PAGE_BYTES) - first;
    const all = new Uint8Array(pages * PAGE_BYTES);
    for (let i = 0; i < pages; i++) {
      const reply = this.#backing.fetch(first + i, all.subarray(i * PAGE_BYTES, (i + 1) * PAGE_BYTES));
      if (typeof reply !== 'number' || reply < 0) return undefined;
    }
    return all.subarray(offset - first * PAGE_BYTES, offset - first * PAGE_BYTES + bytes);
  }
}

/** Files by the identity of their pages. */
export class CodeFiles {
  readonly #byId = new Map<string, CodeFile>();

  of(backing: Backing): CodeFile {
    let file = this.#byId.get(backing.id);
    if (file === undefined) {
      file = new CodeFile(backing);
      this.#byId.set(backing.id, file);
    }
    return file;
  }
}

interface CodeRange {
  readonly start: number;
  readonly end: number;
  readonly offset: number;
  readonly file: CodeFile | undefined;
}

/** A place in the code of a space. */
export interface CodePlace {
  readonly name: string;
  /** The program file, or nothing for code that no file holds. */
  readonly url: string;
  /** Where the function begins in the space; undefined if there is no symbol. */
  readonly start: number | undefined;
  /** Undefined where nothing is known of the function. */
  readonly rules: Map<number, FrameRule> | undefined;
}

/** What is known of the code that one space holds. */
export class Program {
  readonly #space: AddressSpace;
  readonly #files: CodeFiles;
  #epoch = -1;
  #ranges: readonly CodeRange[] = [];

  constructor(space: AddressSpace, files: CodeFiles) {
    this.#space = space;
    this.#files = files;
  }

  /** What it is called: the file of its lowest code. */
  get name(): string {
    return this.#code().find(({ file }) => file !== undefined)?.file?.name ?? '(program)';
  }

  /** undefined if the address is in no code. */
  place(pc: number): CodePlace | undefined {
    const range = this.#code().find(({ start, end }) => pc >= start && pc < end);
    if (range === undefined) return undefined;
    const { file } = range;
    const address = file?.symbols?.addressAt(pc - range.start + range.offset);
    const symbol = address === undefined ? undefined : file?.symbols?.functionAt(address);
    if (symbol === undefined || address === undefined) {
      return { name: `0x${(pc - (pc % RANGE_BYTES)).toString(16)}`, url: file?.name ?? '', start: undefined, rules: undefined };
    }
    return { name: symbol.name, url: file?.name ?? '', start: pc - (address - symbol.start), rules: file?.rules };
  }

  /** undefined if its code is not at hand. */
  rule({ start, rules }: CodePlace): FrameRule | undefined {
    if (start === undefined || rules === undefined) return undefined;
    const range = this.#code().find((each) => start >= each.start && start < each.end);
    if (range === undefined) return undefined;
    const key = start - range.start + range.offset;
    const known = rules.get(key);
    if (known !== undefined) return known;
    const bytes = Math.min(RULE_BYTES_MAX, range.end - start);
    const page = PAGE_BYTES - (start % PAGE_BYTES);
    const code = this.bytes(start, bytes) ?? this.bytes(start, Math.min(bytes, page));
    if (code === undefined) return undefined;
    const rule = frameRule(code);
    if (rules.size < RULES_MAX) rules.set(key, rule);
    return rule;
  }

  /** Bytes that are there now: looking at them changes nothing. */
  bytes(at: number, bytes: number): Uint8Array | undefined {
    return this.#space.window(at as GuestAddress, bytes, false);
  }

  #code(): readonly CodeRange[] {
    if (this.#epoch === this.#space.epoch) return this.#ranges;
    this.#epoch = this.#space.epoch;
    this.#ranges = this.#space
      .mappings()
      .filter(({ prot }) => (prot & Prot.EXEC) !== 0)
      .map(({ start, bytes, offset, backing }) => ({
        start,
        end: start + bytes,
        offset,
        file: backing === undefined || backing.id === '' ? undefined : this.#files.of(backing),
      }));
    return this.#ranges;
  }
}
