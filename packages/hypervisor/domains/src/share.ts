/** Guest instructions that one domain gets at a time while others could run. */
export const QUANTUM_INSTRUCTIONS = 10_000;

/** Room for instructions that a capped domain did not use when it could: at most what so many offered instructions give. */
const CAP_WINDOW_INSTRUCTIONS = 1_000_000;

const WHOLE = 1000;

/**
 * One domain's share of its hypervisor's time, in guest instructions: stride scheduling (Waldspurger and Weihl, 1995) among those that can run, and a
 * cap as thousandths of what the hypervisor was offered, whether its siblings use theirs or not.
 */
export class Share {
  weight: number;
  capPerMille: number;
  /** Instructions used, by weight: the smallest runs next. */
  pass = 0;
  /** Thousandths of instructions that the cap leaves now. */
  #credit = 0;

  constructor(weight: number, capPerMille: number) {
    this.weight = weight;
    this.capPerMille = capPerMille;
  }

  /** The hypervisor was offered `instructions`. */
  offer(instructions: number): void {
    if (this.capPerMille >= WHOLE) return;
    const most = Math.max(instructions, CAP_WINDOW_INSTRUCTIONS) * this.capPerMille;
    this.#credit = Math.min(this.#credit + instructions * this.capPerMille, most);
  }

  /** Instructions that the cap allows now. */
  get allowed(): number {
    return this.capPerMille >= WHOLE ? Number.POSITIVE_INFINITY : Math.floor(this.#credit / WHOLE);
  }

  /** The domain used `instructions`. */
  charge(instructions: number): void {
    this.pass += instructions / this.weight;
    if (this.capPerMille < WHOLE) this.#credit -= instructions * WHOLE;
  }

  /** It can run again: it does not get back what it slept through. */
  join(leastPass: number): void {
    if (this.pass < leastPass) this.pass = leastPass;
  }
}
