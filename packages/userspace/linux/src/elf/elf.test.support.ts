/** ELF files made by hand, after the System V ABI's ELF-64 object file format. */
export interface TestSegment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  readonly align?: number;
}

export interface TestElf {
  readonly type?: number;
  readonly machine?: number;
  readonly entry?: number;
  readonly segments: readonly TestSegment[];
  readonly bytes?: number;
  readonly write?: (bytes: Uint8Array) => void;
}

export const PT_LOAD = 1;
export const PT_INTERP = 3;
export const PT_GNU_STACK = 0x6474e551;
export const ET_EXEC = 2;
export const ET_DYN = 3;

export function makeElf(elf: TestElf): Uint8Array {
  const end = Math.max(64 + elf.segments.length * 56, ...elf.segments.map((segment) => segment.offset + segment.fileBytes));
  const bytes = new Uint8Array(elf.bytes ?? end);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, elf.type ?? ET_EXEC, true);
  view.setUint16(18, elf.machine ?? 243, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(elf.entry ?? 0x1_0078), true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, elf.segments.length, true);
  elf.segments.forEach((segment, index) => {
    const at = 64 + index * 56;
    view.setUint32(at, segment.type, true);
    view.setUint32(at + 4, segment.flags, true);
    view.setBigUint64(at + 8, BigInt(segment.offset), true);
    view.setBigUint64(at + 16, BigInt(segment.address), true);
    view.setBigUint64(at + 24, BigInt(segment.address), true);
    view.setBigUint64(at + 32, BigInt(segment.fileBytes), true);
    view.setBigUint64(at + 40, BigInt(segment.memoryBytes), true);
    view.setBigUint64(at + 48, BigInt(segment.align ?? 4096), true);
  });
  elf.write?.(bytes);
  return bytes;
}

/** Text at 0x10000, data and bss at 0x12f00 … 0x17000. */
export const USUAL: TestElf = {
  segments: [
    { type: PT_LOAD, flags: 5, offset: 0, address: 0x1_0000, fileBytes: 0x1100, memoryBytes: 0x1100 },
    { type: PT_LOAD, flags: 6, offset: 0x1f00, address: 0x1_2f00, fileBytes: 0x180, memoryBytes: 0x4100 },
    { type: PT_GNU_STACK, flags: 6, offset: 0, address: 0, fileBytes: 0, memoryBytes: 0, align: 16 },
  ],
  bytes: 0x3000,
  write: (bytes) => {
    bytes.fill(0xaa, 0x1f00, 0x3000);
  },
};
