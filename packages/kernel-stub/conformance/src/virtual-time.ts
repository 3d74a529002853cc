import type { Clock, ClockName, Instant } from '@ashlar/hardware';

/** A clock that the suite moves itself, so that nothing in it depends on the host's. */
export class SuiteClock implements Clock {
  private ns = 1e9;

  read(which: ClockName, out: Instant): void {
    const ns = which === 'steal' ? 0 : this.ns;
    out.sec = Math.floor(ns / 1e9) + (which === 'wall' ? 1_700_000_000 : 0);
    out.nsec = ns % 1e9;
  }

  /** 100 instructions are a microsecond. */
  retire(instructions: number): void {
    this.ns += instructions * 10;
  }

  skipTo(until: Instant): void {
    this.ns = Math.max(this.ns, until.sec * 1e9 + until.nsec);
  }
}
