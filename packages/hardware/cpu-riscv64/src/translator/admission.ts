import { PAGE_SHIFT, PAGE_SIZE, PERMS } from '../layout.ts';
import type { Code, Label, Local } from '../wasm/code.ts';
import { type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import type { Counting, Position } from './counting.ts';
import type { Integers } from './integers.ts';
import { flagsAt } from './permissions.ts';
import type { Reach, Version } from './versions.ts';

/** When the gate is shut: as many turns were made as were admitted, or there is not enough fuel for more. */
export type Gate =
  /** With less fuel than this. */
  | { readonly kind: 'fuel'; readonly bound: Local<'i32'> }
  /** With the register here that turns are counted by; there is so much fuel then. */
  | { readonly kind: 'counted'; readonly counting: Counting; readonly limit: Local<'i64'>; readonly left: Local<'i32'> };

/** What an admission is written with. */
export interface Admitting {
  readonly code: Code;
  readonly version: Version;
  readonly integers: Integers;
  readonly fuel: Local<'i32'>;
  readonly gate: Gate;
  /** Turns of the exact version until the next admission is tried. */
  readonly wait: Local<'i32'>;
  /** 1 if the loop begins. */
  readonly begins: Local<'i32'>;
  /** Fuel that a turn, and what follows it up to the next look at the fuel, may need, and the exact version after it. */
  readonly least: number;
  /** Goes to the gate; goes to the exact version. */
  readonly admit: () => void;
  readonly refuse: () => void;
}

/** More turns are not admitted at a time. */
const TURNS_MAX = 1 << 20;
/** Exact turns after an admission that failed. */
const WAIT_REFUSED = 64;
/** Pages in a window: their permission bytes are one load. */
const WINDOW_PAGES = 8;
const WINDOW_BYTES = WINDOW_PAGES * PAGE_SIZE;

/** Finds out how many turns all accesses of a loop stay within pages that allow them, and lets the gate open for as many. */
export function writeAdmission(parts: Admitting): void {
  const { code, version, wait, begins, admit, refuse } = parts;
  if (version.firstTurns > 0) {
    code.if(begins, () => {
      code.set(begins, i32.const(0));
      code.block((fail) => {
        writeFirst(parts, fail);
        setGate(parts, i32.const(version.firstTurns), fail);
        admit();
      });
      refuse();
    });
  }
  code.if(wait, () => {
    code.set(wait, i32.sub(wait, i32.const(1)));
    refuse();
  });
  code.block((fail) => {
    const turns = code.let(i32.const(TURNS_MAX));
    for (const reach of version.reaches) writeReach(parts, reach, turns, fail);
    code.brIf(fail, i32.ltS(turns, i32.const(2)));
    setGate(parts, turns, fail);
    admit();
  });
  code.set(wait, i32.const(WAIT_REFUSED));
  refuse();
}

/**
 * Lets the gate open for `turns`, at least two, less one, as far as they are whole groups of those that it lets in together, and as far as the fuel is enough: after all that
 * are let in, one more is admitted.
 */
function setGate({ code, version: { shortest, turns: together }, integers, fuel, gate, least }: Admitting, turns: I32, fail: Label): void {
  code.brIf(fail, i32.ltS(fuel, i32.const(least)));
  const most = code.let(i32.sub(turns, i32.const(1)));
  if (together > 1) code.brIf(fail, i32.ltS(most, i32.const(together)));
  if (gate.kind === 'fuel') {
    const needed = i32.mul(i32.sub(most, i32.const(together)), i32.const(shortest));
    code.set(gate.bound, i32.sub(fuel, needed));
    code.set(gate.bound, i32.select(i32.gtS(gate.bound, i32.const(least)), gate.bound, i32.const(least)));
    return;
  }
  const { register, stride, instructions } = gate.counting;
  const enough = code.let(i32.add(i32.divU(i32.sub(fuel, i32.const(least)), i32.const(instructions * together)), i32.const(1)));
  const count = code.let(i32.divU(most, i32.const(together)));
  code.set(count, i32.select(i32.ltS(enough, count), enough, count));
  code.set(gate.limit, i64.add(integers.value(register), i64.extendS(i32.mul(count, i32.const(stride * together)))));
  code.set(gate.left, i32.sub(fuel, i32.mul(count, i32.const(instructions * together))));
}

/** The fuel that is left where a block of a counted version ends. `now`: the register that it is counted by. */
export function fuelAt({ counting, limit, left }: Gate & { kind: 'counted' }, { moved, executed }: Position, now: I64): I32 {
  const turns = turnsIn(i32.wrap(i64.sub(i64.add(limit, i64.const(moved)), now)), counting.stride);
  return i32.sub(i32.add(left, i32.mul(turns, i32.const(counting.instructions))), i32.const(executed));
}

/** Of a distance that is a multiple of the stride, which many. A shift, where it can be one, is not corrected as a division by the host's would be. */
function turnsIn(distance: I32, stride: number): I32 {
  const power = Math.log2(Math.abs(stride));
  if (!Number.isInteger(power)) return i32.divS(distance, i32.const(stride));
  const turns = i32.shrS(distance, i32.const(power));
  return stride > 0 ? turns : i32.sub(i32.const(0), turns);
}

/** Looks whether the first turns are admitted: at all pages from the first byte that they access to the last. */
function writeFirst({ code, version, integers }: Admitting, fail: Label): void {
  let beyond: I64 | undefined;
  const flags = new Map<number, I32>();
  for (const { roots, low, high, stride, right } of version.reaches) {
    const far = stride * (version.firstTurns - 1);
    const first = code.let(sum(integers, roots, low + Math.min(0, far)));
    beyond = beyond === undefined ? first : i64.or(beyond, first);
    const last = high - low + Math.abs(far);
    for (let at = 0; ; at = Math.min(at + PAGE_SIZE, last)) {
      const page = flagsAt(i32.add(i32.wrap(first), i32.const(at)));
      const before = flags.get(right);
      flags.set(right, before === undefined ? page : i32.and(before, page));
      if (at === last) break;
    }
  }
  if (beyond === undefined) return;
  code.brIf(fail, i64.ne(i64.shrU(beyond, i64.const(32)), i64.const(0)), false);
  for (const [right, all] of flags) code.brIf(fail, i32.eqz(i32.and(all, i32.const(right))), false);
}

/** Of registers as they are, and a number. */
function sum(integers: Integers, registers: number, start: number): I64 {
  let all: I64 = i64.const(start);
  for (let r = 1; r < 32; r++) if (((registers >>> r) & 1) !== 0) all = i64.add(all, integers.value(r));
  return all;
}

function writeReach({ code, integers }: Admitting, reach: Reach, turns: Local<'i32'>, fail: Label): void {
  const { roots, low, high, stride, added } = reach;
  const first = code.let(sum(integers, roots, low));
  code.brIf(fail, i64.ne(i64.shrU(first, i64.const(32)), i64.const(0)));
  const bytes = high - low + 1;
  const room = code.let(stride < 0 ? roomBelow(i32.add(i32.wrap(first), i32.const(bytes - 1)), reach) : roomAbove(i32.wrap(first), reach));
  code.brIf(fail, i32.ltS(room, i32.const(bytes)));
  if (stride === 0 && added === 0) return;
  const distance = added === 0 ? i32.const(Math.abs(stride)) : writeDistance(code, code.let(sum(integers, added, 0)), stride, fail);
  const last = i32.divU(i32.sub(room, i32.const(bytes)), distance);
  code.set(room, i32.add(last, i32.const(1)));
  code.set(turns, i32.select(i32.ltS(room, turns), room, turns));
}

/** How far a turn moves that adds registers: that must be upward, and by less than a window. */
function writeDistance(code: Code, added: I64, stride: number, fail: Label): I32 {
  code.brIf(fail, i64.gtU(i64.sub(added, i64.const(1)), i64.const(WINDOW_BYTES)));
  return i32.add(i32.wrap(added), i32.const(stride));
}

/** Bytes from an address upward that are in pages with the right, of the window that begins with its page. */
function roomAbove(at: I32, { right }: Reach): I32 {
  const pages = i64.shrU(i64.ctz(lacking(i64.load(pageOf(at), PERMS), right)), i64.const(3));
  return i32.sub(i32.shl(i32.wrap(pages), i32.const(PAGE_SHIFT)), withinPage(at));
}

/** Bytes from an address downward, itself included, of the window that ends with its page; none or fewer if that lacks the right. */
function roomBelow(at: I32, { right }: Reach): I32 {
  const pages = i64.shrU(i64.clz(lacking(i64.load(pageOf(at), PERMS - (WINDOW_PAGES - 1)), right)), i64.const(3));
  const whole = i32.shl(i32.sub(i32.wrap(pages), i32.const(1)), i32.const(PAGE_SHIFT));
  return i32.add(i32.add(whole, withinPage(at)), i32.const(1));
}

const pageOf = (at: I32): I32 => i32.shrU(at, i32.const(PAGE_SHIFT));
const withinPage = (at: I32): I32 => i32.and(at, i32.const(PAGE_SIZE - 1));

/** Of eight permission bytes the right where it is missing. */
function lacking(flags: I64, right: number): I64 {
  const all = right * 0x0101_0101;
  const mask = i64.words(all, all);
  return i64.xor(i64.and(flags, mask), mask);
}
