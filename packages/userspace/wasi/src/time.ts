import type { Instant } from '@ashlar/hardware';

const NANOSECONDS = 1_000_000_000;
const TWO_32 = 4_294_967_296;

/** Writes a time as 64-bit nanoseconds without a bigint: seconds are split so that each product stays below 2^53. */
export function putNanoseconds(view: DataView, at: number, sec: number, nsec: number): void {
  const low = (sec % 65536) * NANOSECONDS + nsec;
  const high = Math.floor(sec / 65536) * NANOSECONDS;
  const sum = (high % 65536) * 65536 + (low % TWO_32);
  view.setUint32(at, sum % TWO_32, true);
  view.setUint32(at + 4, Math.floor(high / 65536) + Math.floor(low / TWO_32) + Math.floor(sum / TWO_32), true);
}

/** A 64-bit count of nanoseconds, as its two unsigned halves. */
export function instantOf(low: number, high: number): Instant {
  const value = high * TWO_32 + low;
  if (value <= Number.MAX_SAFE_INTEGER) {
    const sec = Math.floor(value / NANOSECONDS);
    return { sec, nsec: value - sec * NANOSECONDS };
  }
  const exact = (BigInt(high) << 32n) | BigInt(low);
  return { sec: Number(exact / 1_000_000_000n), nsec: Number(exact % 1_000_000_000n) };
}

export function plus(a: Instant, b: Instant): Instant {
  const nsec = a.nsec + b.nsec;
  return nsec >= NANOSECONDS ? { sec: a.sec + b.sec + 1, nsec: nsec - NANOSECONDS } : { sec: a.sec + b.sec, nsec };
}

/** a − b; 0 if that is negative. */
export function minus(a: Instant, b: Instant): Instant {
  if (isBefore(a, b)) return { sec: 0, nsec: 0 };
  const nsec = a.nsec - b.nsec;
  return nsec < 0 ? { sec: a.sec - b.sec - 1, nsec: nsec + NANOSECONDS } : { sec: a.sec - b.sec, nsec };
}

export const isBefore = (a: Instant, b: Instant): boolean => a.sec < b.sec || (a.sec === b.sec && a.nsec < b.nsec);
