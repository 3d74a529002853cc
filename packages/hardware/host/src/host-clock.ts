import type { Clock, ClockName, Instant } from '@ashlar/hardware';

/** Milliseconds since some moment. `performance.now` would do the same, but takes 2 ms to load, a fiftieth of what starting a small program takes. */
export function hostMs(): number {
  const [sec, nsec] = process.hrtime();
  return sec * 1000 + nsec / 1e6;
}

/**
 * The host's clocks. Monotonic time counts from when the machine was made, so that it says nothing about the host; wall time is the host's, up to a
 * millisecond ahead and never behind: a file that the host has just written is not from the future. A host machine is never paused by anybody below it, so
 * it sees no steal.
 */
export class HostClock implements Clock {
  private readonly origin = process.hrtime();
  /** Whole seconds of the wall clock at the origin, and the nanoseconds within: kept apart, because their sum passes 2^53. */
  private readonly wallSec: number;
  private readonly wallNsec: number;

  constructor() {
    // Whole milliseconds, rounded down.
    const nowMs = Date.now() + 1;
    this.wallSec = Math.floor(nowMs / 1000);
    this.wallNsec = (nowMs % 1000) * 1e6;
  }

  read(which: ClockName, out: Instant): void {
    if (which === 'steal') {
      out.sec = 0;
      out.nsec = 0;
      return;
    }
    // The older form of hrtime: a kernel stub reads the clock twice for each turn of a task, and a BigInt takes twice as long.
    const [sec, nsec] = process.hrtime();
    const borrow = nsec < this.origin[1];
    out.sec = sec - this.origin[0] - (borrow ? 1 : 0);
    out.nsec = nsec - this.origin[1] + (borrow ? 1e9 : 0);
    if (which === 'wall') this.addOrigin(out);
  }

  private addOrigin(out: Instant): void {
    const nsec = out.nsec + this.wallNsec;
    out.sec += this.wallSec + (nsec >= 1e9 ? 1 : 0);
    out.nsec = nsec >= 1e9 ? nsec - 1e9 : nsec;
  }
}
