import type { Code, Local } from '../wasm/code.ts';
import type { Wide } from './merges.ts';

/** Locals for what is held from one instruction of a block to another, and is no guest register. Nothing in them outlives a block, so that all blocks share them. */
export class BlockLocals {
  readonly #code: Code;
  readonly #narrow: Local<'i32'>[] = [];
  readonly #wide: Local<'i64'>[] = [];
  readonly #rotated: Local<'i64'>[] = [];

  constructor(code: Code) {
    this.#code = code;
  }

  /** For bytes that are loaded at once; see merges.ts. */
  wide({ number, bytes }: Wide): Local<'i32'> | Local<'i64'> {
    if (bytes !== 8) {
      this.#narrow[number] ??= this.#code.lasting('i32');
      return this.#narrow[number];
    }
    this.#wide[number] ??= this.#code.lasting('i64');
    return this.#wide[number];
  }

  /** For a value that is rotated, by its number in the block; see rotations.ts. */
  rotated(number: number): Local<'i64'> {
    this.#rotated[number] ??= this.#code.lasting('i64');
    return this.#rotated[number];
  }
}
