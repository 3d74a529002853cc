import type { Clock, ClockName, Instant } from '@ashlar/hardware';
import { add, copy, isBefore, subtract, zero } from './instant.ts';

/** How far a clock's monotonic time is from the hardware's: every domain clock says so, also through wrappers. */
export const CLOCK_OFFSET = Symbol.for('ashlar/1/clock-offset');

/** Monotonic offset of a machine's clock from the hardware's; zero for the hardware's own. */
export function clockOffset(clock: Clock): Readonly<Instant> {
  return (clock as { readonly [CLOCK_OFFSET]?: Readonly<Instant> })[CLOCK_OFFSET] ?? zero();
}

/**
 * A domain's time: the hardware's, less all pauses of the domain and of those around it. Each domain clock counts from the hardware, so reading it
 * costs the same at any depth; whoever pauses a domain freezes the clocks of all within.
 */
export class DomainClock implements Clock {
  readonly #base: Clock;
  #offset: Instant;
  /** Of wall-clock time: not zero only on virtual-time hardware, after a restore. */
  #wallOffset: Instant = zero();
  readonly #steal = zero();
  #frozen: { readonly monotonic: Instant; readonly wall: Instant } | undefined;
  readonly #scratch = zero();

  /** `offset`: where monotonic time starts, from the hardware's: the offset of the domain around. */
  constructor(base: Clock, offset: Readonly<Instant>) {
    this.#base = base;
    this.#offset = copy(offset);
  }

  get [CLOCK_OFFSET](): Readonly<Instant> {
    return this.#offset;
  }

  read(which: ClockName, out: Instant): void {
    if (which === 'monotonic') {
      if (this.#frozen !== undefined) add(this.#frozen.monotonic, zero(), out);
      else {
        this.#base.read('monotonic', out);
        add(out, this.#offset, out);
      }
    } else if (which === 'wall') {
      this.#base.read('wall', out);
      add(out, this.#wallOffset, out);
    } else {
      this.#base.read('steal', out);
      add(out, this.#steal, out);
    }
  }

  /** Monotonic time stands still from here to {@link thaw}. */
  freeze(): void {
    if (this.#frozen !== undefined) return;
    const monotonic = zero();
    const wall = zero();
    this.read('monotonic', monotonic);
    this.read('wall', wall);
    this.#frozen = { monotonic, wall };
  }

  thaw(): void {
    const frozen = this.#frozen;
    if (frozen === undefined) return;
    this.#frozen = undefined;
    this.#base.read('monotonic', this.#scratch);
    this.#offset = subtract(frozen.monotonic, this.#scratch, zero());
  }

  /** Goes on from a saved time. `wall` only where time is virtual: a real wall clock goes on by itself. */
  set(monotonic: Readonly<Instant>, wall: Readonly<Instant> | undefined): void {
    this.#base.read('monotonic', this.#scratch);
    this.#offset = subtract(monotonic, this.#scratch, zero());
    if (this.#frozen !== undefined) this.#frozen = { monotonic: copy(monotonic), wall: copy(wall ?? this.#frozen.wall) };
    if (wall === undefined) return;
    this.#base.read('wall', this.#scratch);
    this.#wallOffset = subtract(wall, this.#scratch, zero());
  }

  /** Adds time during which the domain could have run and was not let. */
  steal(from: Readonly<Instant>, to: Readonly<Instant>): void {
    if (isBefore(from, to)) add(this.#steal, subtract(to, from, this.#scratch), this.#steal);
  }

  get stolen(): Instant {
    return copy(this.#steal);
  }
}
