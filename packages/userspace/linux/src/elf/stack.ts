/** Keys of the auxiliary vector (getauxval(3); Linux include/uapi/linux/auxvec.h). */
export const Auxiliary = {
  NULL: 0,
  PHDR: 3,
  PHENT: 4,
  PHNUM: 5,
  PAGESZ: 6,
  BASE: 7,
  FLAGS: 8,
  ENTRY: 9,
  UID: 11,
  EUID: 12,
  GID: 13,
  EGID: 14,
  HWCAP: 16,
  CLKTCK: 17,
  SECURE: 23,
  RANDOM: 25,
  EXECFN: 31,
  MINSIGSTKSZ: 51,
} as const;

/** ELF_HWCAP of riscv: one bit per single-letter extension that Linux reports, here I M A F D C. B is told by riscv_hwprobe only. */
export const HWCAP_IMAFDC = [...'IMAFDC'].reduce((bits, letter) => bits | (1 << (letter.charCodeAt(0) - 65)), 0);

export interface StackContents {
  readonly argv: readonly Uint8Array[];
  readonly env: readonly Uint8Array[];
  readonly execPath: Uint8Array;
  /** 16 bytes. */
  readonly random: Uint8Array;
  /** Pairs, without EXECFN, RANDOM and the end, which are added. */
  readonly auxiliary: readonly (readonly [key: number, value: number])[];
}

/** Bytes that the strings and vectors take at most, alignment included. */
export function stackBytes(contents: StackContents): number {
  let strings = contents.execPath.length + 1;
  for (const string of contents.argv) strings += string.length + 1;
  for (const string of contents.env) strings += string.length + 1;
  const words = 1 + contents.argv.length + 1 + contents.env.length + 1 + 2 * (contents.auxiliary.length + 3);
  return 8 + strings + 16 + 16 + words * 8 + 16;
}

/**
 * The bytes with which a program's stack begins, as Linux's create_elf_tables lays them out: argc, argv, envp, auxiliary vector; random bytes;
 * the strings; and eight zero bytes at the very end. The result ends at `stackEnd` and begins at the new, 16-byte aligned stack pointer.
 */
export function buildStack(contents: StackContents, stackEnd: number): { readonly pointer: number; readonly bytes: Uint8Array } {
  const strings = [...contents.argv, ...contents.env, contents.execPath];
  const stringsAt = strings.reduce((at, string) => at - string.length - 1, stackEnd - 8);
  const randomAt = Math.floor((stringsAt - contents.random.length) / 16) * 16;
  const auxiliary = [...contents.auxiliary, [Auxiliary.RANDOM, randomAt] as const];
  const words = 3 + contents.argv.length + contents.env.length + 2 * (auxiliary.length + 2);
  const pointer = Math.floor((randomAt - words * 8) / 16) * 16;

  const bytes = new Uint8Array(stackEnd - pointer);
  const view = new DataView(bytes.buffer);
  let at = 0;
  const push = (value: number): void => {
    view.setUint32(at, value >>> 0, true);
    view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
    at += 8;
  };
  let stringAt = stringsAt;
  const pushString = (string: Uint8Array): void => {
    bytes.set(string, stringAt - pointer);
    push(stringAt);
    stringAt += string.length + 1;
  };
  push(contents.argv.length);
  for (const string of contents.argv) pushString(string);
  push(0);
  for (const string of contents.env) pushString(string);
  push(0);
  for (const [key, value] of auxiliary) {
    push(key);
    push(value);
  }
  push(Auxiliary.EXECFN);
  pushString(contents.execPath);
  push(Auxiliary.NULL);
  push(0);
  bytes.set(contents.random, randomAt - pointer);
  return { pointer, bytes };
}
