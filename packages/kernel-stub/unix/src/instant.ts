import type { Instant } from '@ashlar/hardware';

/** Nanoseconds of a second. */
export const NS_PER_SEC = 1e9;

/** A fresh instant, zero or a copy. */
export const instant = (sec = 0, nsec = 0): Instant => ({ sec, nsec });

/** < 0, 0, > 0 as `a` is before, at, after `b`. */
export const compareInstants = (a: Instant, b: Instant): number => (a.sec === b.sec ? a.nsec - b.nsec : a.sec - b.sec);

/** `out` becomes a + b (durations or a time and a duration). `out` may be either. */
export function addInstants(a: Instant, b: Instant, out: Instant): Instant {
  const nsec = a.nsec + b.nsec;
  out.sec = a.sec + b.sec + (nsec >= NS_PER_SEC ? 1 : 0);
  out.nsec = nsec >= NS_PER_SEC ? nsec - NS_PER_SEC : nsec;
  return out;
}

/** `out` becomes a − b, or zero where that is negative. */
export function subtractInstants(a: Instant, b: Instant, out: Instant): Instant {
  const borrow = a.nsec < b.nsec ? 1 : 0;
  const sec = a.sec - b.sec - borrow;
  const nsec = a.nsec - b.nsec + borrow * NS_PER_SEC;
  out.sec = Math.max(sec, 0);
  out.nsec = sec < 0 ? 0 : nsec;
  return out;
}

/** As one number of nanoseconds: exact below 2^53 (104 days); for durations and statistics. */
export const nanoseconds = (a: Instant): number => a.sec * NS_PER_SEC + a.nsec;

export const isZero = (a: Instant): boolean => a.sec === 0 && a.nsec === 0;
