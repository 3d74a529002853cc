/**
 * Where a riscv64 function keeps its caller's return address, told from its first instructions: compilers leave out frame pointers, but begin
 * functions alike (`addi sp,sp,-N`, `sd ra,M(sp)`). After RISC-V ABIs Specification, "Integer Calling Convention".
 *
 * Offsets in code are in bytes from the function's start; slots are relative to the stack pointer at the function's entry.
 */
export interface FrameRule {
  /** Instructions that move the stack pointer: by so many bytes. */
  readonly moves: readonly { readonly at: number; readonly by: number }[];
  readonly ra: SavedRegister | undefined;
  readonly fp: SavedRegister | undefined;
  /** The instruction after which s0 is the stack pointer at entry; undefined: it never is. */
  readonly fpSetAt: number | undefined;
}

export interface SavedRegister {
  readonly at: number;
  readonly slot: number;
}

/** Most bytes of a function that are looked at. */
export const RULE_BYTES_MAX = 1024;

const SP = 2;
const RA = 1;
const FP = 8;

/** What one instruction means for a frame. */
type Effect =
  | { readonly kind: 'move'; readonly by: number }
  | { readonly kind: 'moveByRegister'; readonly register: number }
  | { readonly kind: 'save'; readonly register: number; readonly offset: number }
  | { readonly kind: 'frame'; readonly offset: number }
  | { readonly kind: 'constant'; readonly register: number; readonly value: number; readonly added: boolean }
  | { readonly kind: 'jump' }
  | { readonly kind: 'call' }
  | undefined;

export function frameRule(code: Uint8Array): FrameRule {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const moves: { at: number; by: number }[] = [];
  const constants = new Map<number, number>();
  let ra: SavedRegister | undefined;
  let fp: SavedRegister | undefined;
  let fpSetAt: number | undefined;
  let moved = 0;
  for (let at = 0; at + 2 <= code.length; ) {
    const half = view.getUint16(at, true);
    const length = (half & 3) === 3 ? 4 : 2;
    if (at + length > code.length) break;
    const effect = length === 2 ? compressedEffect(half) : fullEffect(view.getUint32(at, true));
    if (effect?.kind === 'call' || (effect?.kind === 'jump' && ra !== undefined)) break;
    if (effect?.kind === 'constant') {
      constants.set(effect.register, effect.value + (effect.added ? (constants.get(effect.register) ?? Number.NaN) : 0));
    } else if (effect?.kind === 'move' || effect?.kind === 'moveByRegister') {
      const by = effect.kind === 'move' ? effect.by : (constants.get(effect.register) ?? Number.NaN);
      // What only grows the frame is its making; giving it back is the end of another path.
      if (by < 0) {
        moves.push({ at, by });
        moved += by;
      }
    } else if (effect?.kind === 'save') {
      const slot = moved + effect.offset;
      if (effect.register === RA) ra ??= { at, slot };
      else if (effect.register === FP) fp ??= { at, slot };
    } else if (effect?.kind === 'frame' && moved + effect.offset === 0 && moved < 0) fpSetAt ??= at;
    at += length;
  }
  return { moves, ra, fp, fpSetAt };
}

/** Whether the frame is given back just before `at`: the instruction that ends there adds to the stack pointer. */
export function isPopped(code: Uint8Array, at: number): boolean {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const short = at >= 2 ? compressedEffect(view.getUint16(at - 2, true)) : undefined;
  if (short?.kind === 'move' && short.by > 0) return true;
  const word = at >= 4 ? view.getUint32(at - 4, true) : 0;
  const full = (word & 3) === 3 ? fullEffect(word) : undefined;
  return full?.kind === 'move' && full.by > 0;
}

/** Whether the four bytes before a return address end with a call. */
export function endsWithCall(before: Uint8Array): boolean {
  const view = new DataView(before.buffer, before.byteOffset, before.byteLength);
  return fullEffect(view.getUint32(0, true))?.kind === 'call' || compressedEffect(view.getUint16(2, true))?.kind === 'call';
}

const field = (word: number, from: number, bits: number): number => (word >>> from) & ((1 << bits) - 1);
const signed = (value: number, bits: number): number => (value << (32 - bits)) >> (32 - bits);

/** RISC-V unprivileged ISA, chapter "RV32/64G Instruction Set Listings". */
function fullEffect(word: number): Effect {
  const rd = field(word, 7, 5);
  const rs1 = field(word, 15, 5);
  switch (word & 0x7f) {
    case 0x13:
      return field(word, 12, 3) === 0 ? addImmediate(rd, rs1, word >> 20) : undefined;
    case 0x23:
      if (field(word, 12, 3) !== 3 || rs1 !== SP) return undefined;
      return { kind: 'save', register: field(word, 20, 5), offset: signed((field(word, 25, 7) << 5) | rd, 12) };
    case 0x33:
      return word >>> 25 === 0 && field(word, 12, 3) === 0 && rd === SP && rs1 === SP
        ? { kind: 'moveByRegister', register: field(word, 20, 5) }
        : undefined;
    case 0x37:
      return { kind: 'constant', register: rd, value: word & ~0xfff, added: false };
    case 0x63:
      return { kind: 'jump' };
    case 0x67:
    case 0x6f:
      return { kind: rd === RA ? 'call' : 'jump' };
    default:
      return undefined;
  }
}

function addImmediate(rd: number, rs1: number, value: number): Effect {
  if (rd === SP && rs1 === SP) return { kind: 'move', by: value };
  if (rd === FP && rs1 === SP) return { kind: 'frame', offset: value };
  if (rs1 === 0 || rs1 === rd) return { kind: 'constant', register: rd, value, added: rs1 !== 0 };
  return undefined;
}

/** As {@link fullEffect}, of chapter "C Extension for Compressed Instructions". */
function compressedEffect(half: number): Effect {
  const rd = field(half, 7, 5);
  const immediate = signed((field(half, 12, 1) << 5) | field(half, 2, 5), 6);
  switch ((half & 3) | ((half >>> 13) << 2)) {
    case 0b000_00: {
      if (half === 0 || field(half, 2, 3) !== 0) return undefined;
      const offset = (field(half, 11, 2) << 4) | (field(half, 7, 4) << 6) | (field(half, 6, 1) << 2) | (field(half, 5, 1) << 3);
      return { kind: 'frame', offset };
    }
    case 0b000_01:
      return addImmediate(rd, rd, immediate);
    case 0b010_01:
      return { kind: 'constant', register: rd, value: immediate, added: false };
    case 0b011_01: {
      if (rd !== SP) return { kind: 'constant', register: rd, value: immediate << 12, added: false };
      const bits =
        (field(half, 12, 1) << 9) |
        (field(half, 6, 1) << 4) |
        (field(half, 5, 1) << 6) |
        (field(half, 3, 2) << 7) |
        (field(half, 2, 1) << 5);
      return { kind: 'move', by: signed(bits, 10) };
    }
    case 0b101_01:
    case 0b110_01:
    case 0b111_01:
      return { kind: 'jump' };
    case 0b100_10: {
      const rs2 = field(half, 2, 5);
      if (rs2 === 0) return rd === 0 ? undefined : { kind: field(half, 12, 1) === 1 ? 'call' : 'jump' };
      return field(half, 12, 1) === 1 && rd === SP ? { kind: 'moveByRegister', register: rs2 } : undefined;
    }
    case 0b111_10:
      return { kind: 'save', register: field(half, 2, 5), offset: (field(half, 10, 3) << 3) | (field(half, 7, 3) << 6) };
    default:
      return undefined;
  }
}
