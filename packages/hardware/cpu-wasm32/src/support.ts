import { Op, ValueType } from './binary/opcodes.ts';
import { Writer } from './binary/writer.ts';
import { SAVED_TYPES } from './rewrite/target.ts';

/** Most bytes that the frames of a suspended program may take: 16 MiB, in pages of 64 KiB. */
const MAX_STACK_PAGES = 256;
/** Operands that one frame of `reserve` has room for: 4 KiB. */
const RESERVE_OPERANDS = 512;

const { i32, v128 } = ValueType;
const SIZE: Readonly<Record<number, number>> = {
  [ValueType.i32]: 4,
  [ValueType.i64]: 8,
  [ValueType.f32]: 4,
  [ValueType.f64]: 8,
  [v128]: 16,
};
const STORE: Readonly<Record<number, number>> = {
  [ValueType.i32]: 0x36,
  [ValueType.i64]: 0x37,
  [ValueType.f32]: 0x38,
  [ValueType.f64]: 0x39,
};
const LOAD: Readonly<Record<number, number>> = {
  [ValueType.i32]: 0x28,
  [ValueType.i64]: 0x29,
  [ValueType.f32]: 0x2a,
  [ValueType.f64]: 0x2b,
};

function access(out: Writer, type: number, store: boolean): void {
  if (type === v128) out.op(Op.PREFIX_SIMD, store ? 11 : 0);
  else out.byte((store ? STORE : LOAD)[type]!);
  out.byte(0);
  out.byte(0);
}

/** Stores a value at the stack pointer, which is global 0, and moves it up. Grows the memory first where needed; past the limit the store traps. */
function pushBody(type: number): Writer {
  const out = new Writer();
  out.u32(0);
  out.op(Op.GLOBAL_GET, 0);
  out.i32const(SIZE[type]!);
  out.byte(Op.I32_ADD);
  out.op(Op.MEMORY_SIZE, 0);
  out.i32const(16);
  out.byte(0x74);
  out.byte(0x4b);
  out.op(Op.IF, 0x40);
  out.i32const(16);
  out.op(Op.MEMORY_GROW, 0);
  out.byte(Op.DROP);
  out.byte(Op.END);
  out.op(Op.GLOBAL_GET, 0);
  out.op(Op.LOCAL_GET, 0);
  access(out, type, true);
  out.op(Op.GLOBAL_GET, 0);
  out.i32const(SIZE[type]!);
  out.byte(Op.I32_ADD);
  out.op(Op.GLOBAL_SET, 0);
  out.byte(Op.END);
  return out;
}

/** Takes the value back; below the bottom the address wraps and the load traps. */
function popBody(type: number): Writer {
  const out = new Writer();
  out.u32(0);
  out.op(Op.GLOBAL_GET, 0);
  out.i32const(SIZE[type]!);
  out.byte(Op.I32_SUB);
  out.op(Op.GLOBAL_SET, 0);
  out.op(Op.GLOBAL_GET, 0);
  access(out, type, false);
  out.byte(Op.END);
  return out;
}

/**
 * `reserve(units)` calls itself `units` deep, each with a frame of some 4 KiB that it never fills: cheap, and it fails with the host's stack
 * overflow error while the guest's own frames are on top, so that the host's code behind it never does.
 */
function reserveBody(self: number): Writer {
  const out = new Writer(RESERVE_OPERANDS * 8);
  out.u32(0);
  out.op(Op.LOCAL_GET, 0);
  out.byte(Op.I32_EQZ);
  out.op(Op.IF, 0x40);
  out.byte(Op.RETURN);
  out.byte(Op.END);
  // Never true, which the engine cannot know: the units are few.
  out.op(Op.LOCAL_GET, 0);
  out.i32const(1 << 30);
  out.byte(0x4b);
  out.op(Op.IF, 0x40);
  for (let at = 0; at < RESERVE_OPERANDS; at++) {
    out.op(Op.LOCAL_GET, 0);
    out.byte(0x29);
    out.byte(0);
    out.u32(at * 8);
  }
  out.i32const(0);
  out.op(Op.CALL, self);
  for (let at = 1; at < RESERVE_OPERANDS; at++) out.byte(0x7c);
  out.byte(Op.I32_WRAP_I64);
  out.op(Op.GLOBAL_SET, 0);
  out.byte(Op.END);
  out.op(Op.LOCAL_GET, 0);
  out.i32const(1);
  out.byte(Op.I32_SUB);
  out.op(Op.CALL, self);
  out.byte(Op.END);
  return out;
}

function supportModule(): Uint8Array<ArrayBuffer> {
  const out = new Writer(8192);
  out.copy(Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00));
  const count = SAVED_TYPES.length;
  const list = (length: number): Writer => {
    const writer = new Writer();
    writer.u32(length);
    return writer;
  };
  const types = list(2 * count);
  for (const type of SAVED_TYPES) types.copy(Uint8Array.of(0x60, 1, type, 0));
  for (const type of SAVED_TYPES) types.copy(Uint8Array.of(0x60, 0, 1, type));
  out.section(1, types);
  const functions = list(2 * count + 1);
  for (let index = 0; index < 2 * count; index++) functions.u32(index);
  functions.u32(SAVED_TYPES.indexOf(i32));
  out.section(3, functions);
  const memory = list(1);
  memory.byte(1);
  memory.u32(1);
  memory.u32(MAX_STACK_PAGES);
  out.section(5, memory);
  const globals = list(1);
  globals.copy(Uint8Array.of(i32, 1, Op.I32_CONST, 0, Op.END));
  out.section(6, globals);
  const exported = list(2 * count + 3);
  const names = ['i32', 'i64', 'f32', 'f64', 'v128'];
  names.forEach((name, index) => {
    exported.name(`push_${name}`);
    exported.copy(Uint8Array.of(0, index));
    exported.name(`pop_${name}`);
    exported.copy(Uint8Array.of(0, index + count));
  });
  exported.name('reserve');
  exported.copy(Uint8Array.of(0, 2 * count));
  exported.name('memory');
  exported.copy(Uint8Array.of(2, 0));
  exported.name('pointer');
  exported.copy(Uint8Array.of(3, 0));
  out.section(7, exported);
  const code = list(2 * count + 1);
  for (const type of SAVED_TYPES) code.sized(pushBody(type));
  for (const type of SAVED_TYPES) code.sized(popBody(type));
  code.sized(reserveBody(2 * count));
  out.section(10, code);
  return out.result();
}

/**
 * Where frames go while a program is being left or entered: one small instance of its own, with its own memory, so that a program can neither see
 * nor change them. It is empty between runs, so all contexts of a CPU share it.
 */
export class FrameStack {
  /** What rewritten modules import: push and pop by type, and reserve. */
  readonly functions: Readonly<Record<string, WebAssembly.ExportValue>>;
  private readonly memory: WebAssembly.Memory;
  private readonly pointer: WebAssembly.Global<'i32'>;

  constructor() {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(supportModule()));
    const { memory, pointer, ...functions } = exports;
    this.functions = functions;
    this.memory = memory as WebAssembly.Memory;
    this.pointer = pointer as WebAssembly.Global<'i32'>;
  }

  get bytesUsed(): number {
    return this.pointer.value;
  }

  /** Forgets what is on it. */
  clear(): void {
    this.pointer.value = 0;
  }

  /** Takes everything off it. */
  take(): Uint8Array {
    const taken = new Uint8Array(this.memory.buffer, 0, this.pointer.value).slice();
    this.pointer.value = 0;
    return taken;
  }

  /** Replaces what is on it. Returns false if it is too much. */
  put(frames: Uint8Array): boolean {
    const missing = Math.ceil(frames.length / 65536) - this.memory.buffer.byteLength / 65536;
    if (frames.length > MAX_STACK_PAGES * 65536) return false;
    if (missing > 0) this.memory.grow(missing);
    new Uint8Array(this.memory.buffer).set(frames);
    this.pointer.value = frames.length;
    return true;
  }
}
