import type { ModuleInfo } from '../binary/module.ts';

/** Work that is left between two pieces, each time it yields, and gone on with. Nothing of it is saved: it can begin anew. */
export type Pieces<T> = Generator<undefined, T, undefined>;

/** Bytes of function bodies in one piece, some 10 ms; a longer function is a piece of its own. */
export const PIECE_BYTES = 128 << 10;

/** Says when a piece is full. */
export class Pace {
  #bytes = 0;

  /** Whether what comes next, so many bytes, begins a new piece. */
  before(bytes: number): boolean {
    const full = this.#bytes > 0 && this.#bytes + bytes > PIECE_BYTES;
    this.#bytes = full ? bytes : this.#bytes + bytes;
    return full;
  }
}

/** Bytes of a function's body. It is none of the imports. */
export function bodyBytes({ imports, bodies }: ModuleInfo, index: number): number {
  const at = 2 * (index - imports.length);
  return bodies[at + 1]! - bodies[at]!;
}

/** All pieces in one go. */
export function whole<T>(pieces: Pieces<T>): T {
  for (;;) {
    const { done, value } = pieces.next();
    if (done) return value;
  }
}
