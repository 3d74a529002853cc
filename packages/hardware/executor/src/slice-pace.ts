/** Instructions of a step at first, and at least: some 10 ms interpreted, so that input is answered at once. */
export const SLICE_INSTRUCTIONS = 1_000_000;
/** And at most: should code become slow all at once, a step is not too long either. */
export const SLICE_INSTRUCTIONS_MAX = 8 * SLICE_INSTRUCTIONS;
/** Steps shorter than the first are lengthened, longer than the second shortened: what is around a step costs as much as thousands of instructions. */
const [SHORT_MS, LONG_MS] = [1, 4];

/** How many instructions a step is given, by how long those before took. */
export class SlicePace {
  #instructions = SLICE_INSTRUCTIONS;

  get instructions(): number {
    return this.#instructions;
  }

  /** A step used so many instructions and took so long. One that waited before it used all that it was given says little. */
  took(used: number, ms: number): void {
    if (ms > LONG_MS) this.#instructions = Math.max(SLICE_INSTRUCTIONS, this.#instructions / 2);
    else if (ms < SHORT_MS && used >= this.#instructions) this.#instructions = Math.min(SLICE_INSTRUCTIONS_MAX, this.#instructions * 2);
  }
}
