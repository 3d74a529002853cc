import { PAGE_SHIFT, PAGE_SIZE, PERMS } from '../layout.ts';
import type { Code, Label, Local } from '../wasm/code.ts';
import { type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import type { Term } from './extents.ts';
import type { Integers } from './integers.ts';
import { flagsAt } from './permissions.ts';
import type { Moving, Reach } from './reaches.ts';
import type { Version } from './versions.ts';

/**
 * How often the accesses of a loop can move, as they do from turn to turn, and still be in pages that allow them. What is looked at is a window of eight
 * pages, whose permission bytes are one load; or, where accesses move by little, just the page that they are in: that is found out sooner, and has room for
 * many turns.
 */

/** What is looked for, and what it is written with. */
export interface Looking {
  readonly code: Code;
  readonly version: Version;
  readonly integers: Pick<Integers, 'value'>;
}

/** More is not found where no access moves: so many turns take an amount of fuel that 32 bits hold. */
const MOVES_MAX = 1 << 20;
/** More is not found where something has to be natural that moves up. */
const NATURAL_MOVES_MAX = 1 << 12;
/** Pages in a window. */
const WINDOW_PAGES = 8;
const WINDOW_BYTES = WINDOW_PAGES * PAGE_SIZE;
/** Bytes of a window for each bit of its permissions. */
const BYTES_PER_BIT = PAGE_SIZE / 8;
/** Accesses that move farther in a turn than so many bytes, or have more between the first of them and the last, soon leave the page that they are in. */
const STRIDE_WITHIN_MAX = 16;
const SPAN_WITHIN_MAX = 64;

/** Whether only the pages are looked at that accesses are in. Steady versions of several turns at a time would leave too many before a page's end to the exact one. */
export const isWithinPages = ({ reaches, turns }: Version): boolean =>
  turns === 1 &&
  reaches.every(
    ({ low, high, stride, added }) => added.length === 0 && Math.abs(stride) <= STRIDE_WITHIN_MAX && high - low < SPAN_WITHIN_MAX,
  );

/** How often all accesses can move. Less than once may mean that they are not even allowed where they are; for some of that, control goes to `fail`. */
export function movesWithin(looking: Looking, fail: Label): Local<'i32'> {
  const { code, version, integers } = looking;
  const roomFor = isWithinPages(version) ? roomInPage : roomInWindow;
  const bounds = new Bounds();
  let moves: Local<'i32'> | undefined;
  const atMost = (often: I32): void => {
    const most = code.let(often);
    if (moves === undefined) moves = most;
    else code.set(moves, i32.select(i32.ltS(most, moves), most, moves));
  };
  for (const reach of version.reaches) {
    const first = code.let(sumOf(integers, reach.terms, reach.low));
    bounds.address(first);
    const room = code.let(roomFor(code, first, reach, fail));
    if (reach.stride === 0 || isAdding(reach)) code.brIf(fail, i32.ltS(room, i32.const(0)), false);
    if (reach.stride !== 0 || isAdding(reach)) atMost(timesIn(looking, room, reach, fail));
  }
  for (const { terms, low } of version.zeros) bounds.zero(sumOf(integers, terms, low));
  for (const natural of version.naturals) {
    const first = code.let(sumOf(integers, natural.terms, natural.low));
    bounds.natural(first);
    bounds.natural(i64.add(first, farthest(looking, natural, fail)));
    // What comes down from far away, where no access moves with it.
    if (natural.stride < 0 && moves === undefined) atMost(i32.const(MOVES_MAX));
    if (natural.stride < 0) atMost(timesIn(looking, i32.wrap(first), natural, fail));
    else if (natural.stride > 0 || isAdding(natural)) atMost(i32.const(NATURAL_MOVES_MAX));
  }
  bounds.check(code, fail);
  return moves ?? code.let(i32.const(MOVES_MAX));
}

/** From where something that has to be natural begins, how far up it may come at most. */
function farthest({ code, integers }: Looking, natural: Moving, fail: Label): I64 {
  const span = i64.const(natural.high - natural.low);
  if (!isAdding(natural)) return i64.add(span, i64.const(Math.max(0, natural.stride) * NATURAL_MOVES_MAX));
  return i64.add(span, i64.mul(distanceOf(code, sumOf(integers, natural.added, 0), natural.stride, fail), i64.const(NATURAL_MOVES_MAX)));
}

/** What is to be less than 2³², as addresses are, what less than 2³¹, and what 0, all at once. */
export class Bounds {
  readonly #by = new Map<number, I64>();

  address(value: I64): void {
    this.#add(value, 32);
  }

  natural(value: I64): void {
    this.#add(value, 31);
  }

  zero(value: I64): void {
    this.#add(value, 0);
  }

  /** Goes to `fail` if anything is not. */
  check(code: Code, fail: Label): void {
    const beyond = [...this.#by].map(([bits, all]) => (bits === 0 ? all : i64.shrU(all, i64.const(bits))));
    if (beyond.length > 0) code.brIf(fail, i64.ne(beyond.reduce(i64.or), i64.const(0)), false);
  }

  #add(value: I64, bits: number): void {
    const before = this.#by.get(bits);
    this.#by.set(bits, before === undefined ? value : i64.or(before, value));
  }
}

/** Of registers as they are, and a number. */
export function sumOf(integers: Looking['integers'], terms: readonly Term[], start: number): I64 {
  return terms.reduce((all: I64, { register, times }) => i64.add(all, multiple(integers.value(register), times)), i64.const(start));
}

function multiple(value: I64, times: number): I64 {
  if (times === 1) return value;
  const power = Math.log2(times);
  return Number.isInteger(power) ? i64.shl(value, i64.const(power)) : i64.mul(value, i64.const(times));
}

const isAdding = ({ added }: Moving): boolean => added.length > 0;

/** How often something can move in the room that it has; less than once if it lacks any. */
function timesIn({ code, integers }: Looking, room: I32, { stride, added }: Moving, fail: Label): I32 {
  if (added.length > 0) return i32.divU(room, i32.wrap(distanceOf(code, sumOf(integers, added, 0), stride, fail)));
  const power = Math.log2(Math.abs(stride));
  return Number.isInteger(power) ? i32.shrS(room, i32.const(power)) : i32.divS(room, i32.const(Math.abs(stride)));
}

/** How far a turn moves that adds registers: they must be upward, whatever of the stride comes with them, and by less than a window. */
function distanceOf(code: Code, sum: I64, stride: number, fail: Label): I64 {
  const added = code.let(sum);
  code.brIf(fail, i64.geU(i64.sub(added, i64.const(1)), i64.const(WINDOW_BYTES)), false);
  return i64.add(added, i64.const(stride));
}

// ───── bytes that a reach can move by; negative if it has no room to begin with ─────

/** In the page that it comes from. */
function roomInPage(code: Code, first: I64, reach: Reach, fail: Label): I32 {
  const place = rear(first, reach);
  code.brIf(fail, i32.eqz(i32.and(flagsAt(place), i32.const(reach.right))), false);
  const span = spanOf(reach);
  return reach.stride < 0 ? i32.sub(withinPage(place), i32.const(span)) : i32.sub(i32.const(PAGE_SIZE - 1 - span), withinPage(place));
}

/**
 * In the window that begins with the page of its first byte if it moves up, or ends with that of its last one if it moves down. The first bit that is missing
 * there says how many pages; if none is, they are taken to be a bit less than there are.
 */
function roomInWindow(_code: Code, first: I64, reach: Reach): I32 {
  const place = rear(first, reach);
  const bit = Math.log2(reach.right);
  if (reach.stride < 0) {
    const bits = i64.clz(lacking(i64.load(pageOf(place), PERMS - (WINDOW_PAGES - 1)), reach.right));
    return i32.add(i32.sub(bytesIn(bits), i32.const((7 - bit) * BYTES_PER_BIT + PAGE_SIZE + spanOf(reach))), withinPage(place));
  }
  const bits = i64.ctz(lacking(i64.load(pageOf(place), PERMS), reach.right));
  return i32.sub(i32.sub(bytesIn(bits), i32.const(bit * BYTES_PER_BIT + 1 + spanOf(reach))), withinPage(place));
}

/** Where a reach comes from: its first byte if it moves up, its last one if it moves down. */
const rear = (first: I64, reach: Reach): I32 => (reach.stride < 0 ? i32.add(i32.wrap(first), i32.const(spanOf(reach))) : i32.wrap(first));

/** From a reach's first byte to its last. */
const spanOf = ({ low, high }: Reach): number => high - low;

const bytesIn = (bits: I64): I32 => i32.mul(i32.wrap(bits), i32.const(BYTES_PER_BIT));
const pageOf = (at: I32): I32 => i32.shrU(at, i32.const(PAGE_SHIFT));
const withinPage = (at: I32): I32 => i32.and(at, i32.const(PAGE_SIZE - 1));

/** Of eight permission bytes the right where it is missing. */
function lacking(flags: I64, right: number): I64 {
  const all = right * 0x0101_0101;
  const mask = i64.words(all, all);
  return i64.xor(i64.and(flags, mask), mask);
}
