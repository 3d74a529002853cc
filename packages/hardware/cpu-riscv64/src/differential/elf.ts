/** One loadable piece of a program. `flags` as in ELF: 1 execute, 2 write, 4 read. */
export interface Segment {
  readonly address: number;
  readonly flags: number;
  readonly bytes: Uint8Array;
}

const HEADER = 64;
const PROGRAM_HEADER = 56;
const PAGE = 4096;

/** A static riscv64 executable (System V ABI, chapters 4 and 5; psABI: e_machine 243, flags 5 for RVC and double-float). */
export function staticElf(entry: number, segments: readonly Segment[]): Uint8Array {
  let offset = Math.ceil((HEADER + segments.length * PROGRAM_HEADER) / PAGE) * PAGE;
  const places = segments.map((segment) => {
    const at = offset;
    offset += Math.ceil(segment.bytes.length / PAGE) * PAGE;
    return at;
  });
  const out = new Uint8Array(offset);
  const view = new DataView(out.buffer);
  const put64 = (at: number, value: number): void => {
    view.setUint32(at, value >>> 0, true);
    view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
  };
  out.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, 243, true);
  view.setUint32(20, 1, true);
  put64(24, entry);
  put64(32, HEADER);
  view.setUint32(48, 5, true);
  view.setUint16(52, HEADER, true);
  view.setUint16(54, PROGRAM_HEADER, true);
  view.setUint16(56, segments.length, true);
  view.setUint16(58, 64, true);
  for (const [i, { address, flags, bytes }] of segments.entries()) {
    const at = HEADER + i * PROGRAM_HEADER;
    view.setUint32(at, 1, true);
    view.setUint32(at + 4, flags, true);
    put64(at + 8, places[i] as number);
    put64(at + 16, address);
    put64(at + 24, address);
    put64(at + 32, bytes.length);
    put64(at + 40, bytes.length);
    put64(at + 48, PAGE);
    out.set(bytes, places[i] as number);
  }
  return out;
}

/** The loadable segments of a static executable, with their size in memory. */
export function readElf(elf: Uint8Array): {
  readonly entry: number;
  readonly segments: readonly (Segment & { readonly memory: number })[];
} {
  const view = new DataView(elf.buffer, elf.byteOffset, elf.byteLength);
  const get64 = (at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000;
  const segments: (Segment & { memory: number })[] = [];
  for (let i = 0; i < view.getUint16(56, true); i++) {
    const at = get64(32) + i * PROGRAM_HEADER;
    if (view.getUint32(at, true) !== 1) continue;
    const start = get64(at + 8);
    segments.push({
      address: get64(at + 16),
      flags: view.getUint32(at + 4, true),
      bytes: elf.subarray(start, start + get64(at + 32)),
      memory: get64(at + 40),
    });
  }
  return { entry: get64(24), segments };
}
