import { Errno, PAGE_BYTES } from '@ashlar/hardware';

/** Most program headers an image may have; real programs have about ten. */
export const PROGRAM_HEADERS_MAX = 128;
export const ELF_HEADER_BYTES = 64;
export const PROGRAM_HEADER_BYTES = 56;
/** PATH_MAX: longest name of an interpreter, with its NUL. */
export const INTERPRETER_BYTES_MAX = 4096;

const EM_RISCV = 243;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const ET_EXEC = 2;
const ET_DYN = 3;
const SegmentType = { LOAD: 1, INTERP: 3, GNU_STACK: 0x6474e551 } as const;
/** Bits of `p_flags`. */
export const SegmentFlag = { EXEC: 1, WRITE: 2, READ: 4 } as const;

/** What the file header says (System V ABI, ELF-64 object file format). */
export interface ElfHeader {
  /** Address is fixed (ET_EXEC), or the loader chooses a base (ET_DYN). */
  readonly movable: boolean;
  readonly entry: number;
  readonly tableOffset: number;
  readonly tableCount: number;
}

/** One PT_LOAD segment. */
export interface ElfSegment {
  /** {@link SegmentFlag} bits. */
  readonly flags: number;
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
}

/** A checked ELF image: every number is a safe integer and every range lies in the file and in the address range. */
export interface ElfImage extends ElfHeader {
  /** In the order of the file; at least one. */
  readonly segments: readonly ElfSegment[];
  /** Lowest page address, one past the highest page, of all segments. */
  readonly start: number;
  readonly end: number;
  /** Largest alignment that a segment asks for; a power of two ≥ a page. */
  readonly align: number;
  /** Address of the program headers in memory (AT_PHDR), relative to base for a movable image; 0 if no segment holds them. */
  readonly tableAddress: number;
  readonly interpreter: { readonly offset: number; readonly bytes: number } | undefined;
  readonly executableStack: boolean;
}

const word = (view: DataView, at: number): number => view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
const pageDown = (address: number): number => address - (address % PAGE_BYTES);
const pageUp = (address: number): number => pageDown(address + PAGE_BYTES - 1);

/** Whether the first bytes of a file are those of a 64-bit little-endian RISC-V ELF program. */
export function isRiscvElf(head: Uint8Array): boolean {
  if (head.length < 20 || head[0] !== 0x7f || head[1] !== 0x45 || head[2] !== 0x4c || head[3] !== 0x46) return false;
  return head[4] === ELFCLASS64 && head[5] === ELFDATA2LSB && head[18] === EM_RISCV && head[19] === 0;
}

/** Reads the file header from the first {@link ELF_HEADER_BYTES} bytes; -ENOEXEC if it is not one that can be run. */
export function parseElfHeader(bytes: Uint8Array, fileBytes: number): ElfHeader | number {
  if (bytes.length < ELF_HEADER_BYTES || !isRiscvElf(bytes)) return -Errno.ENOEXEC;
  const view = new DataView(bytes.buffer, bytes.byteOffset, ELF_HEADER_BYTES);
  const type = view.getUint16(16, true);
  const entry = word(view, 24);
  const tableOffset = word(view, 32);
  const entryBytes = view.getUint16(54, true);
  const tableCount = view.getUint16(56, true);
  if (type !== ET_EXEC && type !== ET_DYN) return -Errno.ENOEXEC;
  if (entryBytes !== PROGRAM_HEADER_BYTES || tableCount < 1 || tableCount > PROGRAM_HEADERS_MAX) return -Errno.ENOEXEC;
  if (!Number.isSafeInteger(entry) || tableOffset + tableCount * PROGRAM_HEADER_BYTES > fileBytes) return -Errno.ENOEXEC;
  return { movable: type === ET_DYN, entry, tableOffset, tableCount };
}

/**
 * Reads the program headers. `limit`: one past the highest address of the space.
 * -ENOEXEC: nonsense in the file; -EINVAL: a segment that cannot be mapped (as Linux's mmap says); -ENOMEM: outside the address range.
 */
export function parseProgramHeaders(header: ElfHeader, table: Uint8Array, fileBytes: number, limit: number): ElfImage | number {
  if (table.length < header.tableCount * PROGRAM_HEADER_BYTES) return -Errno.ENOEXEC;
  const view = new DataView(table.buffer, table.byteOffset, table.length);
  const segments: ElfSegment[] = [];
  let interpreter: ElfImage['interpreter'];
  let executableStack = false;
  let align = PAGE_BYTES;
  for (let index = 0; index < header.tableCount; index++) {
    const at = index * PROGRAM_HEADER_BYTES;
    const type = view.getUint32(at, true);
    const flags = view.getUint32(at + 4, true);
    const offset = word(view, at + 8);
    const bytesInFile = word(view, at + 32);
    if (type === SegmentType.GNU_STACK) executableStack = (flags & SegmentFlag.EXEC) !== 0;
    if (type === SegmentType.INTERP && interpreter === undefined) {
      if (bytesInFile < 2 || bytesInFile > INTERPRETER_BYTES_MAX || offset + bytesInFile > fileBytes) return -Errno.ENOEXEC;
      interpreter = { offset, bytes: bytesInFile };
    }
    if (type !== SegmentType.LOAD) continue;
    const segment = { flags, offset, address: word(view, at + 16), fileBytes: bytesInFile, memoryBytes: word(view, at + 40) };
    const wrong = segmentError(segment, fileBytes, limit);
    if (wrong !== 0) return wrong;
    if (segment.memoryBytes > 0) segments.push(segment);
    const wanted = word(view, at + 48);
    // Linux ignores alignments that are not powers of two; one larger than 1 GiB could not be honoured in this address range anyway.
    if (wanted > align && wanted <= 1 << 30 && Number.isInteger(Math.log2(wanted))) align = wanted;
  }
  if (segments.length === 0) return -Errno.ENOEXEC;
  const start = pageDown(Math.min(...segments.map((segment) => segment.address)));
  const end = pageUp(Math.max(...segments.map((segment) => segment.address + segment.memoryBytes)));
  return { ...header, segments, start, end, align, tableAddress: tableAddress(header, segments), interpreter, executableStack };
}

function segmentError(segment: ElfSegment, fileBytes: number, limit: number): number {
  if (segment.fileBytes > segment.memoryBytes) return -Errno.EINVAL;
  if (segment.address + segment.memoryBytes > limit) return -Errno.ENOMEM;
  // A file cut short would raise SIGBUS somewhere in its middle; saying so at once is kinder.
  if (segment.offset + segment.fileBytes > fileBytes) return -Errno.ENOEXEC;
  if (segment.fileBytes > 0 && segment.offset % PAGE_BYTES !== segment.address % PAGE_BYTES) return -Errno.EINVAL;
  return 0;
}

/** Where the segment that holds the program headers puts them. */
function tableAddress(header: ElfHeader, segments: readonly ElfSegment[]): number {
  const holder = segments.find(
    (segment) => header.tableOffset >= segment.offset && header.tableOffset < segment.offset + segment.fileBytes,
  );
  return holder === undefined ? 0 : header.tableOffset - holder.offset + holder.address;
}
