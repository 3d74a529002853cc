import { FileType } from '@ashlar/hardware';

/**
 * The index of an unpacked archive: every node and name, and where each file's bytes lie in the data file beside it. It is written once and read
 * as it lies in memory, so opening a cached image of 50,000 files costs one read and one hash.
 *
 * Layout, little-endian, each section on a multiple of 8 bytes:
 *
 *     magic `ASHTREE1`
 *     u32 nodes, u32 entries, u32 name bytes, u32 chunks, u32 chunk bytes, u32 0, f64 data bytes
 *     per node   f64 size, offset, mtime sec; u32 mtime nsec, mode, links, uid, gid, rdev, first entry, entry count   (one array each)
 *     per entry  u32 name offset, name length, node                                                                  (one array each)
 *     name bytes (names, and targets of symbolic links: their node's offset points here)
 *     per chunk  32 bytes SHA-256 of that chunk of the data file
 *
 * Nodes are numbered from 1 in the order of a walk that visits names in byte order, and entries of a directory are sorted by bytes; so node
 * numbers do not depend on the order in the archive. The chunk digests make the index's own hash one of the whole contents.
 */
export interface TreeIndex {
  readonly nodes: number;
  readonly chunkBytes: number;
  readonly dataBytes: number;
  readonly size: Float64Array;
  readonly offset: Float64Array;
  readonly mtimeSec: Float64Array;
  readonly mtimeNsec: Uint32Array;
  readonly mode: Uint32Array;
  readonly links: Uint32Array;
  readonly uid: Uint32Array;
  readonly gid: Uint32Array;
  readonly rdev: Uint32Array;
  readonly firstEntry: Uint32Array;
  readonly entryCount: Uint32Array;
  readonly entryNameOffset: Uint32Array;
  readonly entryNameLength: Uint32Array;
  readonly entryNode: Uint32Array;
  readonly names: Uint8Array;
  readonly chunkDigests: Uint8Array;
}

const MAGIC = new TextEncoder().encode('ASHTREE1');
const HEADER_BYTES = 40;
export const DIGEST_BYTES = 32;
const F64_PER_NODE = 3;
const U32_PER_NODE = 8;
const U32_PER_ENTRY = 3;

export interface IndexCounts {
  readonly nodes: number;
  readonly entries: number;
  readonly nameBytes: number;
  readonly chunks: number;
  readonly chunkBytes: number;
  readonly dataBytes: number;
}

/** An index of the given dimensions with all else zero, and the buffer that it lies in. */
export function allocateIndex(counts: IndexCounts): { readonly bytes: Uint8Array; readonly index: TreeIndex } {
  const buffer = new ArrayBuffer(layoutOf(counts).end);
  const bytes = new Uint8Array(buffer);
  bytes.set(MAGIC);
  const header = new DataView(buffer);
  header.setUint32(8, counts.nodes, true);
  header.setUint32(12, counts.entries, true);
  header.setUint32(16, counts.nameBytes, true);
  header.setUint32(20, counts.chunks, true);
  header.setUint32(24, counts.chunkBytes, true);
  header.setFloat64(32, counts.dataBytes, true);
  return { bytes, index: view(buffer, counts) };
}

/**
 * Reads an index in place, checking all that a reader relies on; undefined if it is not one. The caller has compared the hash, so this guards
 * against a wrong version or a bug, not against an attacker.
 */
export function parseIndex(bytes: Uint8Array): TreeIndex | undefined {
  if (bytes.byteLength < HEADER_BYTES || MAGIC.some((byte, i) => bytes[i] !== byte)) return undefined;
  const buffer = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  const header = new DataView(buffer.buffer, buffer.byteOffset, HEADER_BYTES);
  const counts: IndexCounts = {
    nodes: header.getUint32(8, true),
    entries: header.getUint32(12, true),
    nameBytes: header.getUint32(16, true),
    chunks: header.getUint32(20, true),
    chunkBytes: header.getUint32(24, true),
    dataBytes: header.getFloat64(32, true),
  };
  if (counts.nodes === 0 || counts.chunkBytes === 0 || layoutOf(counts).end !== buffer.byteLength) return undefined;
  const index = view(buffer.buffer, counts, buffer.byteOffset);
  return isConsistent(index) ? index : undefined;
}

function isConsistent(index: TreeIndex): boolean {
  for (let i = 0; i < index.entryNode.length; i++) {
    const node = index.entryNode[i]!;
    if (node < 1 || node > index.nodes) return false;
    if (index.entryNameOffset[i]! + index.entryNameLength[i]! > index.names.length) return false;
  }
  for (let i = 0; i < index.nodes; i++) {
    if (index.firstEntry[i]! + index.entryCount[i]! > index.entryNode.length) return false;
    const end = index.offset[i]! + index.size[i]!;
    const type = index.mode[i]! & FileType.MASK;
    if (type === FileType.REGULAR && end > index.dataBytes) return false;
    if (type === FileType.SYMLINK && end > index.names.length) return false;
  }
  return (index.mode[0]! & FileType.MASK) === FileType.DIRECTORY;
}

function layoutOf(counts: IndexCounts): { readonly u32: number; readonly names: number; readonly digests: number; readonly end: number } {
  const u32 = HEADER_BYTES + counts.nodes * F64_PER_NODE * 8;
  const names = align8(u32 + (counts.nodes * U32_PER_NODE + counts.entries * U32_PER_ENTRY) * 4);
  const digests = align8(names + counts.nameBytes);
  return { u32, names, digests, end: digests + counts.chunks * DIGEST_BYTES };
}

function view(buffer: ArrayBufferLike, counts: IndexCounts, base = 0): TreeIndex {
  const layout = layoutOf(counts);
  let f64 = base + HEADER_BYTES;
  const floats = (): Float64Array => {
    const array = new Float64Array(buffer, f64, counts.nodes);
    f64 += counts.nodes * 8;
    return array;
  };
  let u32 = base + layout.u32;
  const words = (length: number): Uint32Array => {
    const array = new Uint32Array(buffer, u32, length);
    u32 += length * 4;
    return array;
  };
  return {
    nodes: counts.nodes,
    chunkBytes: counts.chunkBytes,
    dataBytes: counts.dataBytes,
    size: floats(),
    offset: floats(),
    mtimeSec: floats(),
    mtimeNsec: words(counts.nodes),
    mode: words(counts.nodes),
    links: words(counts.nodes),
    uid: words(counts.nodes),
    gid: words(counts.nodes),
    rdev: words(counts.nodes),
    firstEntry: words(counts.nodes),
    entryCount: words(counts.nodes),
    entryNameOffset: words(counts.entries),
    entryNameLength: words(counts.entries),
    entryNode: words(counts.entries),
    names: new Uint8Array(buffer, base + layout.names, counts.nameBytes),
    chunkDigests: new Uint8Array(buffer, base + layout.digests, counts.chunks * DIGEST_BYTES),
  };
}

function align8(value: number): number {
  return Math.ceil(value / 8) * 8;
}

/** Order of two byte strings, as memcmp and then length. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
