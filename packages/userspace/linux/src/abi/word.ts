/**
 * 64-bit fields as numbers: exact within ±2^53, which covers every address, size, offset and time that a stub hands out.
 */
const HIGH = 0x1_0000_0000;

/** Writes a whole number as a little-endian 64-bit integer, sign-extended. */
export function putWord(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setInt32(at + 4, Math.floor(value / HIGH) | 0, true);
}

/** A signed 64-bit integer; outside ±2^53 it is rounded (and then not a safe integer, which callers check). */
export function getWord(view: DataView, at: number): number {
  return view.getInt32(at + 4, true) * HIGH + view.getUint32(at, true);
}

export function getUnsignedWord(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * HIGH + view.getUint32(at, true);
}
