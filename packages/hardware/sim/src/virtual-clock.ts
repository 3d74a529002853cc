import type { VirtualTime } from '@ashlar/executor';
import {
  type Clock,
  type ClockName,
  Errno,
  type Instant,
  type PartReader,
  type PartWriter,
  type Result,
  type Saveable,
} from '@ashlar/hardware';

const NSEC_PER_SEC = 1_000_000_000;
/** Monotonic time at the start. Not zero, which no machine shows that has come up: Go's runtime takes it for a broken clock. */
const START_SEC = 1;

/**
 * Time that moves only with retired instructions and by jumps over idleness: the same run sees the same times, on any host.
 * Its state is two integers, so it is exact and saveable.
 */
export class VirtualClock implements Clock, VirtualTime, Saveable {
  readonly schema = 'virtual-clock/1';
  private sec = START_SEC;
  private nsec = 0;
  /** Instructions that do not yet make a whole microsecond. */
  private remainder = 0;

  /**
   * @param instructionsPerMicrosecond how fast the simulated CPU is; an integer, so that no rounding builds up
   * @param epochSec wall-clock seconds since 1970 at the start
   */
  constructor(
    private readonly instructionsPerMicrosecond: number,
    private readonly epochSec: number,
  ) {}

  read(which: ClockName, out: Instant): void {
    const steal = which === 'steal';
    out.sec = steal ? 0 : this.sec + (which === 'wall' ? this.epochSec - START_SEC : 0);
    out.nsec = steal ? 0 : this.nsec;
  }

  retire(instructions: number): void {
    const total = instructions + this.remainder;
    const usec = Math.floor(total / this.instructionsPerMicrosecond);
    this.remainder = total - usec * this.instructionsPerMicrosecond;
    const sec = Math.floor(usec / 1_000_000);
    this.add(sec, (usec - sec * 1_000_000) * 1000);
  }

  skipTo(until: Instant): void {
    if (until.sec < this.sec || (until.sec === this.sec && until.nsec <= this.nsec)) return;
    this.sec = until.sec;
    this.nsec = until.nsec;
    this.remainder = 0;
  }

  save(out: PartWriter): Result {
    out.put('time', [this.sec, this.nsec, this.remainder]);
    return 0;
  }

  restore(part: PartReader): Result {
    const time = part.get('time');
    if (!Array.isArray(time) || !time.every((value) => Number.isSafeInteger(value) && (value as number) >= 0)) return -Errno.EINVAL;
    [this.sec, this.nsec, this.remainder] = time as [number, number, number];
    return 0;
  }

  private add(sec: number, nsec: number): void {
    const sum = this.nsec + nsec;
    this.sec += sec + (sum >= NSEC_PER_SEC ? 1 : 0);
    this.nsec = sum >= NSEC_PER_SEC ? sum - NSEC_PER_SEC : sum;
  }
}
