/**
 * A deterministic stream of random bytes: xoshiro128** (Blackman and Vigna), seeded through splitmix32. Reproducible, not secret: for simulations only.
 */
export class SeededRandom {
  readonly #state = new Uint32Array(4);
  /** Bytes of the last word that were not given out yet. */
  #rest = 0;
  #restBytes = 0;

  /** `stream`: different names give unrelated streams of the same seed. */
  constructor(seed: number, stream = '') {
    let mixed = (seed ^ hash(stream)) >>> 0;
    for (let i = 0; i < 4; i++) {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      let z = mixed;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      this.#state[i] = z ^ (z >>> 16);
    }
    // The all-zero state is the one that never leaves itself.
    if (this.#state.every((word) => word === 0)) this.#state[0] = 1;
  }

  /** An integer in [0, 2^32). */
  next(): number {
    const s = this.#state;
    const result = Math.imul(rotate(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const t = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotate(s[3]!, 11);
    return result;
  }

  /** The same bytes whatever the lengths that they are asked for in. */
  fill(to: Uint8Array): void {
    for (let i = 0; i < to.length; i++) {
      if (this.#restBytes === 0) {
        this.#rest = this.next();
        this.#restBytes = 4;
      }
      to[i] = this.#rest;
      this.#rest >>>= 8;
      this.#restBytes--;
    }
  }

  save(): readonly number[] {
    return [...this.#state, this.#rest, this.#restBytes];
  }

  /** false if it is not what {@link save} gave. */
  restore(saved: unknown): boolean {
    if (!Array.isArray(saved) || saved.length !== 6 || !saved.every((word) => Number.isInteger(word))) return false;
    this.#state.set(saved.slice(0, 4));
    this.#rest = Number(saved[4]);
    this.#restBytes = Number(saved[5]);
    return true;
  }
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
