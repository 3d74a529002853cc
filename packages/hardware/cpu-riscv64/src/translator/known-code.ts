import { PAGE_SHIFT, PAGE_SIZE } from '../layout.ts';
import type { ObservedCode } from './callees.ts';
import type { Shape, Span } from './shape.ts';

const HALVES = PAGE_SIZE / 2;
/** No code is known here. */
const UNKNOWN = -1;

/** The code that regions were made of, without a space that has it: what none of them has was not reached. */
export class KnownCode implements ObservedCode {
  /** Halfwords of a page. */
  readonly #pages = new Map<number, Int32Array>();
  readonly #callees = new Map<number, readonly number[]>();

  /** Adds the code of a region. False, and nothing is added, if other code is known at one of its addresses. */
  add({ spans, copied, callees }: Shape): boolean {
    const all = [...spans, ...copied];
    if (!all.every((span) => this.#agrees(span))) return false;
    for (const span of all) this.#learn(span);
    for (const [pc, seen] of callees) if (!this.#callees.has(pc)) this.#callees.set(pc, seen);
    return true;
  }

  readonly half = (pc: number): number => this.#pages.get(pc >>> PAGE_SHIFT)?.[(pc >>> 1) % HALVES] ?? UNKNOWN;

  readonly reached = (pc: number): boolean => this.half(pc) !== UNKNOWN;

  readonly calleesOf = (pc: number): readonly number[] => this.#callees.get(pc) ?? [];

  #agrees({ start, halves }: Span): boolean {
    return halves.every((half, i) => {
      const known = this.half(start + i * 2);
      return known === UNKNOWN || known === half;
    });
  }

  #learn({ start, halves }: Span): void {
    for (const [i, half] of halves.entries()) {
      const at = start + i * 2;
      const page = this.#pages.get(at >>> PAGE_SHIFT) ?? new Int32Array(HALVES).fill(UNKNOWN);
      this.#pages.set(at >>> PAGE_SHIFT, page);
      page[(at >>> 1) % HALVES] = half;
    }
  }
}
