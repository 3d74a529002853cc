import { type AddressSpace, Errno, type GuestAddress, PAGE_BYTES, Prot, type Reply, type Riscv64Context } from '@ashlar/hardware';
import { type LoadedProgram, type LoadRequest, type ProgramFile, SYSTEM_LIMITS } from '@ashlar/kernel-stub';
import { SIGFRAME_BYTES } from '../abi/sigframe.ts';
import { IMAGE_BASE, type Layout, layOut } from './layout.ts';
import {
  ELF_HEADER_BYTES,
  type ElfImage,
  type ElfSegment,
  PROGRAM_HEADER_BYTES,
  parseElfHeader,
  parseProgramHeaders,
  SegmentFlag,
} from './parse.ts';
import { Auxiliary, buildStack, HWCAP_IMAFDC, stackBytes } from './stack.ts';

const CLOCK_TICKS_PER_SECOND = 100;
const STACK_POINTER = 2;
/** `li a7, 139 (rt_sigreturn); ecall`: what Linux's vDSO has as __vdso_rt_sigreturn. */
export const SIGRETURN_CODE = Uint8Array.of(0x93, 0x08, 0xb0, 0x08, 0x73, 0x00, 0x00, 0x00);

const address = (value: number): GuestAddress => value as GuestAddress;
const isReply = (value: object | number): value is Reply => typeof value === 'number' || 'on' in value;

/** An image and where it is put: its addresses plus `bias`. */
interface Placed {
  readonly file: ProgramFile;
  readonly image: ElfImage;
  readonly bias: number;
}

/**
 * Builds the image of an ELF program: segments mapped lazily from the file, zeroed bss, stack with arguments and auxiliary vector, the
 * interpreter where the program names one. On any failure nothing stays behind.
 */
export function loadElf(request: LoadRequest, out: LoadedProgram): Reply {
  const cpu = request.cpu('riscv64-user');
  if (cpu === undefined) return -Errno.ENOEXEC;
  const space = cpu.space(request.account);
  if (typeof space === 'number') return space;
  const built = build(request, space);
  if (isReply(built)) {
    space.destroy();
    return built;
  }
  const context = cpu.context(space);
  if (typeof context === 'number' || 'on' in context) {
    space.destroy();
    return context;
  }
  const registers = context as Riscv64Context;
  registers.pc = address(built.entry);
  registers.writeNumber(STACK_POINTER, built.stackPointer);
  out.context = context;
  out.space = space;
  out.heapStart = address(built.heapStart);
  out.mapStart = address(built.mapStart);
  return 0;
}

interface Built {
  readonly entry: number;
  readonly stackPointer: number;
  readonly heapStart: number;
  readonly mapStart: number;
}

function build(request: LoadRequest, space: AddressSpace): Built | Reply {
  const image = readImage(request.file, space.limit);
  if (isReply(image)) return image;
  const base = image.movable ? Math.ceil(Math.max(IMAGE_BASE, space.base) / image.align) * image.align : 0;
  const main: Placed = { file: request.file, image, bias: image.movable ? base - image.start : 0 };
  const start = image.start + main.bias;
  const end = image.end + main.bias;
  if (start < space.base || end > space.limit) return -Errno.ENOMEM;
  const layout = layOut(start, end, space.base, space.limit);
  if (layout === undefined) return -Errno.ENOMEM;

  const mapped = mapImage(space, main);
  if (mapped !== 0) return mapped;
  const frame = mapStack(space, layout, image.executableStack);
  if (frame !== 0) return frame;
  const interpreter = loadInterpreter(request, space, main, layout);
  if (interpreter !== undefined && isReply(interpreter)) return interpreter;
  const stackPointer = fillStack(request, space, main, interpreter, layout);
  if (typeof stackPointer !== 'number' || stackPointer < 0) return stackPointer;
  const entered = interpreter ?? main;
  // An odd entry address is possible in a broken file; the instruction set has no such pc.
  const entry = Math.floor((entered.image.entry + entered.bias) / 2) * 2;
  return { entry, stackPointer, heapStart: layout.heapStart, mapStart: layout.mapStart };
}

function readImage(file: ProgramFile, limit: number): ElfImage | Reply {
  const head = readFully(file, 0, ELF_HEADER_BYTES);
  if (isReply(head)) return head;
  const header = parseElfHeader(head, file.size);
  if (typeof header === 'number') return header;
  const table = readFully(file, header.tableOffset, header.tableCount * PROGRAM_HEADER_BYTES);
  if (isReply(table)) return table;
  return parseProgramHeaders(header, table, file.size, limit);
}

/** Exactly `bytes` bytes (at most a few pages), or -ENOEXEC if the file ends before. */
function readFully(file: ProgramFile, at: number, bytes: number): Uint8Array | Reply {
  const into = new Uint8Array(bytes);
  for (let done = 0; done < bytes; ) {
    const moved = file.read(at + done, into.subarray(done));
    if (typeof moved !== 'number' || moved < 0) return moved;
    if (moved === 0) return -Errno.ENOEXEC;
    done += moved;
  }
  return into;
}

function mapImage(space: AddressSpace, placed: Placed): Reply {
  for (const segment of placed.image.segments) {
    const reply = mapSegment(space, placed, segment);
    if (reply !== 0) return reply;
  }
  return 0;
}

/** File pages from the backing, then zero pages; the part of the last file page that is beyond the file's bytes is zeroed by hand. */
function mapSegment(space: AddressSpace, { file, bias }: Placed, segment: ElfSegment): Reply {
  const prot = protection(segment.flags);
  const start = segment.address + bias;
  const lead = start % PAGE_BYTES;
  const fileEnd = start + segment.fileBytes;
  const filePagesEnd = segment.fileBytes === 0 ? start - lead : Math.ceil(fileEnd / PAGE_BYTES) * PAGE_BYTES;
  const end = Math.ceil((start + segment.memoryBytes) / PAGE_BYTES) * PAGE_BYTES;
  if (filePagesEnd > start - lead) {
    const bytes = filePagesEnd - (start - lead);
    const reply = space.map(address(start - lead), bytes, prot, file.backing, segment.offset - lead, 'private');
    if (reply < 0) return reply;
  }
  if (end > filePagesEnd) {
    const reply = space.map(address(filePagesEnd), end - filePagesEnd, prot, undefined, 0, 'private');
    if (reply < 0) return reply;
  }
  const tail = Math.min(filePagesEnd, start + segment.memoryBytes) - fileEnd;
  return tail > 0 && segment.fileBytes > 0 ? put(space, fileEnd, new Uint8Array(tail)) : 0;
}

function protection(flags: number): number {
  let prot: number = Prot.NONE;
  if ((flags & SegmentFlag.READ) !== 0) prot |= Prot.READ;
  if ((flags & SegmentFlag.WRITE) !== 0) prot |= Prot.WRITE;
  if ((flags & SegmentFlag.EXEC) !== 0) prot |= Prot.EXEC;
  return prot;
}

function mapStack(space: AddressSpace, layout: Layout, executable: boolean): Reply {
  const prot = Prot.READ | Prot.WRITE | (executable ? Prot.EXEC : 0);
  const stack = space.map(address(layout.stackStart), layout.stackEnd - layout.stackStart, prot, undefined, 0, 'private');
  if (stack < 0) return stack;
  const page = space.map(address(layout.sigreturn), PAGE_BYTES, Prot.READ | Prot.EXEC, undefined, 0, 'private');
  return page < 0 ? page : put(space, layout.sigreturn, SIGRETURN_CODE);
}

/** The program's dynamic linker, mapped at the first place that mappings take. */
function loadInterpreter(request: LoadRequest, space: AddressSpace, main: Placed, layout: Layout): Placed | Reply | undefined {
  const named = main.image.interpreter;
  if (named === undefined) return undefined;
  const name = readFully(main.file, named.offset, named.bytes);
  if (isReply(name)) return name;
  if (name[name.length - 1] !== 0) return -Errno.ENOEXEC;
  const file = request.open(name.subarray(0, name.indexOf(0)));
  if (isReply(file)) return file;
  const image = readImage(file, space.limit);
  if (isReply(image)) return image;
  const bias = image.movable ? interpreterBias(space, image, layout) : 0;
  if (bias < 0) return bias;
  if (!image.movable && image.start < space.base) return -Errno.ENOMEM;
  const placed = { file, image, bias };
  const mapped = mapImage(space, placed);
  return mapped === 0 ? placed : mapped;
}

function interpreterBias(space: AddressSpace, image: ElfImage, layout: Layout): number {
  const at = space.gap(image.end - image.start, address(layout.mapStart), space.limit, image.align);
  return at < 0 ? at : at - image.start;
}

/** Writes arguments, environment and auxiliary vector; answers the stack pointer. */
function fillStack(request: LoadRequest, space: AddressSpace, main: Placed, interpreter: Placed | undefined, layout: Layout): Reply {
  const { image, bias } = main;
  const random = new Uint8Array(16);
  request.random(random);
  const contents = {
    argv: request.argv,
    env: request.env,
    execPath: request.execPath,
    random,
    auxiliary: [
      [Auxiliary.HWCAP, HWCAP_IMAFDC],
      [Auxiliary.PAGESZ, PAGE_BYTES],
      [Auxiliary.CLKTCK, CLOCK_TICKS_PER_SECOND],
      [Auxiliary.PHDR, image.tableAddress === 0 ? 0 : image.tableAddress + bias],
      [Auxiliary.PHENT, PROGRAM_HEADER_BYTES],
      [Auxiliary.PHNUM, image.tableCount],
      [Auxiliary.BASE, interpreter === undefined ? 0 : interpreter.image.start + interpreter.bias],
      [Auxiliary.FLAGS, 0],
      [Auxiliary.ENTRY, image.entry + bias],
      [Auxiliary.UID, 0],
      [Auxiliary.EUID, 0],
      [Auxiliary.GID, 0],
      [Auxiliary.EGID, 0],
      [Auxiliary.SECURE, 0],
      [Auxiliary.MINSIGSTKSZ, SIGFRAME_BYTES],
    ] as const,
  };
  if (stackBytes(contents) > SYSTEM_LIMITS.execBytes) return -Errno.E2BIG;
  const { pointer, bytes } = buildStack(contents, layout.stackEnd);
  const reply = put(space, pointer, bytes);
  return reply === 0 ? pointer : reply;
}

/** Writes all of `bytes` whatever the protection: 0, an errno or a wait. */
function put(space: AddressSpace, at: number, bytes: Uint8Array): Reply {
  const moved = space.copyOut(address(at), bytes, true);
  if (moved === bytes.length) return 0;
  return typeof moved === 'number' && moved >= 0 ? -Errno.ENOMEM : moved;
}
