import { PAGE_BYTES } from '@ashlar/hardware';
import { digest } from './digest.ts';
import { PartError } from './part-error.ts';

/** Most distinct pages of one image: 4 GiB. */
export const POOL_PAGES_MAX = 1 << 20;

/** Pages by content: equal pages are stored once, an all-zero page not at all. */
export class PagePool {
  readonly #pages: Uint8Array[] = [];
  readonly #digests: number[] = [];
  readonly #byDigest = new Map<number, number[]>();

  get count(): number {
    return this.#pages.length;
  }

  page(index: number): Uint8Array {
    return this.#pages[index] as Uint8Array;
  }

  digestOf(index: number): number {
    return this.#digests[index] as number;
  }

  /** Index of the page, or -1 for zeroes. Copies. */
  add(bytes: Uint8Array): number {
    if (isZero(bytes)) return -1;
    const key = digest(bytes);
    const candidates = this.#byDigest.get(key);
    const found = candidates?.find((index) => sameBytes(this.page(index), bytes));
    if (found !== undefined) return found;
    if (this.#pages.length >= POOL_PAGES_MAX) throw new PartError(`more than ${POOL_PAGES_MAX} distinct pages in one image`);
    const index = this.#pages.push(bytes.slice()) - 1;
    this.#digests.push(key);
    if (candidates === undefined) this.#byDigest.set(key, [index]);
    else candidates.push(index);
    return index;
  }
}

function isZero(bytes: Uint8Array): boolean {
  for (let i = 0; i < PAGE_BYTES; i++) if (bytes[i] !== 0) return false;
  return true;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < PAGE_BYTES; i++) if (a[i] !== b[i]) return false;
  return true;
}
