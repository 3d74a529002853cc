import type { Instant } from '@ashlar/hardware';
import { add, copy, fromNanoseconds, isBefore, subtract, toNanoseconds, zero } from './instant.ts';

/** How long an offer lasts while the rate of the CPU is not known. */
const UNMEASURED_NS = 1_000_000;

/**
 * The time that a hypervisor with capped domains was offered: so many instructions, at the pace of the CPU. Caps are parts of it, so nothing more is
 * offered before it is over: when all of it was used, or when the time that it would have taken has passed. Steps that events bring on meanwhile
 * share what is left; without that, every event would give a capped domain its part again.
 */
export class OfferWindow {
  #open = false;
  #start = zero();
  #offered = 0;
  #used = 0;
  /** The last step, if another followed at once: what it used took until now. */
  #busy: { readonly start: Instant; readonly used: number } | undefined;
  #nsPerInstruction: number | undefined;

  /** Whether it is known how long instructions take. */
  get measured(): boolean {
    return this.#nsPerInstruction !== undefined;
  }

  /** A step of `budget` instructions begins at `now`; true if that is a new offer. */
  begin(budget: number, now: Readonly<Instant>): boolean {
    this.#measure(now);
    if (this.#open && this.#used < this.#offered && isBefore(now, this.over)) return false;
    this.#open = true;
    this.#start = copy(now);
    this.#offered = budget;
    this.#used = 0;
    return true;
  }

  /** The step that began at `now` used so much; `goesOn` if another follows at once. */
  end(used: number, now: Readonly<Instant>, goesOn: boolean): void {
    this.#used += used;
    if (goesOn && used > 0) this.#busy = { start: copy(now), used };
  }

  /** When the time that was offered is over: nobody may use what is left of it. */
  get over(): Instant {
    const pace = this.#nsPerInstruction;
    return add(this.#start, fromNanoseconds(pace === undefined ? UNMEASURED_NS : Math.ceil(this.#offered * pace)), zero());
  }

  #measure(now: Readonly<Instant>): void {
    const busy = this.#busy;
    this.#busy = undefined;
    if (busy === undefined) return;
    const elapsed = toNanoseconds(subtract(now, busy.start, zero()));
    if (elapsed > 0) this.#nsPerInstruction = elapsed / busy.used;
  }
}
