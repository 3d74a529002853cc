import { FileType, type Isa, ROOT_NODE, type Tree } from '@ashlar/hardware';
import { blankAttributes } from './folder-tree.ts';

/** What kind of program a file is, read from its first bytes. */
export type Architecture =
  /** An ELF executable or shared object; `isa` is set if a machine of this project can run it. */
  | { readonly kind: 'elf'; readonly name: string; readonly isa: Isa | undefined; readonly machine: number; readonly bits: 32 | 64 }
  | { readonly kind: 'wasm'; readonly name: string; readonly isa: 'wasm32' | undefined }
  | { readonly kind: 'script'; readonly name: string; readonly interpreter: string }
  /** A program of another system (Windows, macOS). */
  | { readonly kind: 'foreign'; readonly name: string }
  | { readonly kind: 'unknown'; readonly name: string };

/** Why there is no answer. */
export interface NoArchitecture {
  readonly kind: 'none';
  readonly reason: 'not found' | 'not a regular file' | 'too many symbolic links' | 'unreadable';
}

/** e_machine values (System V ABI, machine registry) of what images are usually built for. */
const MACHINES: Readonly<Record<number, string>> = {
  3: 'x86 (32-bit)',
  8: 'MIPS',
  20: 'PowerPC',
  21: 'PowerPC64',
  22: 's390x',
  40: 'Arm (32-bit)',
  62: 'x86-64',
  183: 'AArch64',
  243: 'RISC-V',
  258: 'LoongArch',
};
const EM_RISCV = 243;
const HEAD_BYTES = 256;
/** MAXSYMLINKS of Linux. */
const LINKS_MAX = 40;
const PATH_BYTES_MAX = 4096;

/**
 * What a program in a tree is made for, so that a stack can refuse an image for another computer before it starts anything.
 * Symbolic links are followed within the tree, as a kernel with the tree as its root would.
 */
export function imageArchitecture(tree: Tree, path: string): Architecture | NoArchitecture {
  const node = findProgram(tree, Buffer.from(path));
  if (typeof node !== 'number') return node;
  const head = new Uint8Array(HEAD_BYTES);
  const length = tree.read(node, 0, head);
  if (length < 0) return { kind: 'none', reason: 'unreadable' };
  return architectureOf(head.subarray(0, length));
}

/** The same from a program's first bytes (256 are enough). */
export function architectureOf(head: Uint8Array): Architecture {
  const starts = (...magic: number[]): boolean => magic.every((byte, i) => head[i] === byte);
  if (starts(0x7f, 0x45, 0x4c, 0x46)) return elf(head);
  if (starts(0x00, 0x61, 0x73, 0x6d)) {
    const isModule = starts(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
    return { kind: 'wasm', name: isModule ? 'WebAssembly' : 'a WebAssembly component', isa: isModule ? 'wasm32' : undefined };
  }
  if (starts(0x23, 0x21)) {
    const line = Buffer.from(head.subarray(2)).toString('utf8').split('\n', 1)[0] ?? '';
    return { kind: 'script', name: 'a script', interpreter: line.trim().split(/\s+/, 1)[0] ?? '' };
  }
  if (starts(0x4d, 0x5a)) return { kind: 'foreign', name: 'Windows' };
  const isMach = starts(0xcf, 0xfa, 0xed, 0xfe) || starts(0xce, 0xfa, 0xed, 0xfe) || starts(0xca, 0xfe, 0xba, 0xbe);
  return isMach ? { kind: 'foreign', name: 'macOS' } : { kind: 'unknown', name: 'no program format that is known here' };
}

function elf(head: Uint8Array): Architecture {
  if (head.length < 20) return { kind: 'unknown', name: 'a truncated ELF file' };
  const bits = head[4] === 2 ? 64 : 32;
  const littleEndian = head[5] !== 2;
  const machine = littleEndian ? head[18]! | (head[19]! << 8) : (head[18]! << 8) | head[19]!;
  const isa: Isa | undefined = machine === EM_RISCV && bits === 64 && littleEndian ? 'riscv64-user' : undefined;
  const known = MACHINES[machine] ?? `e_machine ${machine}`;
  return { kind: 'elf', name: machine === EM_RISCV ? `RISC-V (${bits}-bit)` : known, isa, machine, bits };
}

function findProgram(tree: Tree, path: Uint8Array): number | NoArchitecture {
  const attributes = blankAttributes();
  const trail = [ROOT_NODE];
  const todo = namesOf(path);
  let links = 0;
  for (let name = todo.shift(); name !== undefined; name = todo.shift()) {
    const here = trail.at(-1)!;
    if (isName(name, '..')) {
      if (trail.length > 1) trail.pop();
      continue;
    }
    const node = tree.lookup(here, name);
    if (node < 0 || tree.getattr(node, attributes) < 0) return { kind: 'none', reason: 'not found' };
    if ((attributes.mode & FileType.MASK) !== FileType.SYMLINK) {
      trail.push(node);
      continue;
    }
    const target = tree.readlink(node);
    if (typeof target === 'number') return { kind: 'none', reason: 'unreadable' };
    if (++links > LINKS_MAX || target.length > PATH_BYTES_MAX) return { kind: 'none', reason: 'too many symbolic links' };
    if (target[0] === 0x2f) trail.length = 1;
    todo.unshift(...namesOf(target));
  }
  const node = trail.at(-1)!;
  if (tree.getattr(node, attributes) < 0) return { kind: 'none', reason: 'not found' };
  return (attributes.mode & FileType.MASK) === FileType.REGULAR ? node : { kind: 'none', reason: 'not a regular file' };
}

function namesOf(path: Uint8Array): Uint8Array[] {
  const names: Uint8Array[] = [];
  for (const text of Buffer.from(path).toString('latin1').split('/')) {
    if (text !== '' && text !== '.') names.push(Buffer.from(text, 'latin1'));
  }
  return names;
}

function isName(name: Uint8Array, text: string): boolean {
  return name.length === text.length && Buffer.from(name).toString('latin1') === text;
}
