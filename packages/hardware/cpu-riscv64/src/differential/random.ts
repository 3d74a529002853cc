/** Reproducible random numbers for tests: the xorshift128 generator (G. Marsaglia, Xorshift RNGs, 2003). */
export class Random {
  #x: number;
  #y: number;
  #z = 0x2545_f491;
  #w = 0x9e37_79b9;

  constructor(seed: number) {
    this.#x = seed | 1;
    this.#y = (seed ^ 0x6c07_8965) | 0;
    for (let i = 0; i < 16; i++) this.bits();
  }

  /** 32 random bits, as an unsigned number. */
  bits(): number {
    const t = this.#x ^ (this.#x << 11);
    this.#x = this.#y;
    this.#y = this.#z;
    this.#z = this.#w;
    this.#w = this.#w ^ (this.#w >>> 19) ^ t ^ (t >>> 8);
    return this.#w >>> 0;
  }

  /** An integer in [0, n). */
  below(n: number): number {
    return this.bits() % n;
  }

  /** An integer in [low, high]. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }
}
