import type { Instant } from '@ashlar/hardware';

const NSEC_PER_SEC = 1_000_000_000;

export const zero = (): Instant => ({ sec: 0, nsec: 0 });

/** out = a + b; durations may have a negative `sec`, `nsec` is in [0, 1e9) always. */
export function add(a: Readonly<Instant>, b: Readonly<Instant>, out: Instant): Instant {
  const nsec = a.nsec + b.nsec;
  const carry = nsec >= NSEC_PER_SEC ? 1 : 0;
  out.sec = a.sec + b.sec + carry;
  out.nsec = nsec - carry * NSEC_PER_SEC;
  return out;
}

/** out = a − b. */
export function subtract(a: Readonly<Instant>, b: Readonly<Instant>, out: Instant): Instant {
  const nsec = a.nsec - b.nsec;
  const borrow = nsec < 0 ? 1 : 0;
  out.sec = a.sec - b.sec - borrow;
  out.nsec = nsec + borrow * NSEC_PER_SEC;
  return out;
}

export function isBefore(a: Readonly<Instant>, b: Readonly<Instant>): boolean {
  return a.sec < b.sec || (a.sec === b.sec && a.nsec < b.nsec);
}

export const isZero = (a: Readonly<Instant>): boolean => a.sec === 0 && a.nsec === 0;

export function copy(from: Readonly<Instant>): Instant {
  return { sec: from.sec, nsec: from.nsec };
}

/** As a number of nanoseconds: exact below 104 days, which is enough for rates. */
export const toNanoseconds = (a: Readonly<Instant>): number => a.sec * NSEC_PER_SEC + a.nsec;

export function fromNanoseconds(ns: number): Instant {
  const sec = Math.floor(ns / NSEC_PER_SEC);
  return { sec, nsec: Math.floor(ns - sec * NSEC_PER_SEC) };
}
