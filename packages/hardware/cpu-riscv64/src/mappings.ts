import type { Backing, GuestAddress, Mapping } from '@ashlar/hardware';
import { PAGE_SIZE } from './layout.ts';
import type { SharedObject } from './shared.ts';

/** Most mappings of one space: Linux's vm.max_map_count. */
export const MAPPINGS_MAX = 65_530;

/** A run of pages mapped alike. Page numbers; `end` is one past the last. */
export interface Region {
  start: number;
  end: number;
  prot: number;
  readonly backing: Backing | undefined;
  /** Page of the backing at `start`. */
  first: number;
  /** Set for shared mappings. */
  readonly shared: SharedObject | undefined;
}

/** The regions of a space, ascending and disjoint. */
export class Mappings {
  #regions: Region[] = [];
  /** The region found last: most look-ups are near the one before. */
  #last: Region | undefined;

  get count(): number {
    return this.#regions.length;
  }

  find(page: number): Region | undefined {
    const last = this.#last;
    if (last !== undefined && page >= last.start && page < last.end) return last;
    const region = this.#regions[this.#firstEndingAfter(page)];
    if (region === undefined || page < region.start) return undefined;
    this.#last = region;
    return region;
  }

  /** Regions that meet [start, end), in order. */
  *within(start: number, end: number): Generator<Region> {
    for (let i = this.#firstEndingAfter(start); i < this.#regions.length; i++) {
      const region = this.#regions[i] as Region;
      if (region.start >= end) return;
      yield region;
    }
  }

  /** Cuts regions at the borders of [start, end), and returns those inside. */
  isolate(start: number, end: number): Region[] {
    this.#split(start);
    this.#split(end);
    return [...this.within(start, end)];
  }

  /** Takes everything in [start, end) out, and returns it. */
  remove(start: number, end: number): Region[] {
    this.#split(start);
    this.#split(end);
    const from = this.#firstEndingAfter(start);
    let to = from;
    while (to < this.#regions.length && (this.#regions[to] as Region).start < end) to++;
    this.#last = undefined;
    return this.#regions.splice(from, to - from);
  }

  /** Adds a region where there is none, joining it to equal neighbours. */
  add(region: Region): void {
    const at = this.#firstEndingAfter(region.start);
    this.#regions.splice(at, 0, region);
    this.join(region.start, region.end);
  }

  /** Joins regions in and around [start, end) that continue each other. */
  join(start: number, end: number): void {
    let i = Math.max(0, this.#firstEndingAfter(start) - 1);
    this.#last = undefined;
    while (i + 1 < this.#regions.length) {
      const a = this.#regions[i] as Region;
      const b = this.#regions[i + 1] as Region;
      if (a.start > end) return;
      if (continues(a, b)) {
        a.end = b.end;
        this.#regions.splice(i + 1, 1);
      } else i++;
    }
  }

  /** Lowest gap of `pages` in [from, to), at a multiple of `align` pages; −1 if there is none. */
  gap(pages: number, from: number, to: number, align: number): number {
    let at = Math.ceil(from / align) * align;
    for (let i = this.#firstEndingAfter(at); i < this.#regions.length; i++) {
      const region = this.#regions[i] as Region;
      if (at + pages <= region.start) break;
      at = Math.ceil(region.end / align) * align;
    }
    return at + pages <= to ? at : -1;
  }

  *all(): Generator<Region> {
    yield* this.#regions;
  }

  list(): Mapping[] {
    return this.#regions.map((r) => ({
      start: (r.start * PAGE_SIZE) as GuestAddress,
      bytes: (r.end - r.start) * PAGE_SIZE,
      prot: r.prot,
      sharing: r.shared === undefined ? 'private' : 'shared',
      backing: r.backing,
      offset: r.first * PAGE_SIZE,
    }));
  }

  #split(page: number): void {
    const i = this.#firstEndingAfter(page);
    const region = this.#regions[i];
    if (region === undefined || region.start >= page) return;
    const upper: Region = { ...region, start: page, first: region.first + (page - region.start) };
    region.end = page;
    this.#regions.splice(i + 1, 0, upper);
    this.#last = undefined;
  }

  /** Index of the first region that ends after `page`. */
  #firstEndingAfter(page: number): number {
    let low = 0;
    let high = this.#regions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#regions[middle] as Region).end <= page) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function continues(a: Region, b: Region): boolean {
  return (
    a.end === b.start &&
    a.prot === b.prot &&
    a.backing === b.backing &&
    a.shared === b.shared &&
    (a.backing === undefined && a.shared === undefined ? true : a.first + (a.end - a.start) === b.first)
  );
}
