import { PAGE_SIZE } from '../layout.ts';
import type { Code, Label, Local } from '../wasm/code.ts';
import { type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import type { Beginning } from './beginning.ts';
import type { Counting, Position } from './counting.ts';
import type { Integers } from './integers.ts';
import { flagsAt } from './permissions.ts';
import type { Version } from './versions.ts';
import { Bounds, isWithinPages, movesWithin, sumOf } from './windows.ts';

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
  /** Fuel that a turn, and what follows it up to the next look at the fuel, may need, and the exact version after it. */
  readonly least: number;
  /** Goes to the gate; goes to the exact version. */
  readonly admit: () => void;
  readonly refuse: () => void;
}

/** Exact turns after an admission that failed. */
const WAIT_REFUSED = 64;
/** The same where it looked at one page: it failed because of its end, as a rule. */
const WAIT_AT_END = 8;

/** Finds out how many turns all accesses of a loop stay within pages that allow them, and lets the gate open for as many. */
export function writeAdmission(parts: Admitting): void {
  const { code, version, wait, admit, refuse } = parts;
  code.if(wait, () => {
    code.set(wait, i32.sub(wait, i32.const(1)));
    refuse();
  });
  code.block((fail) => {
    setGate(parts, movesWithin(parts, fail), fail);
    admit();
  });
  code.set(wait, i32.const(isWithinPages(version) ? WAIT_AT_END : WAIT_REFUSED));
  refuse();
}

/**
 * Lets the gate open for as many turns as are whole groups of those that it lets in together, and as the fuel is enough for: after all that are let in, one
 * more is admitted. `moves`: from one admitted turn to the next; less than a group is none at all.
 */
function setGate(parts: Admitting, moves: Local<'i32'>, fail: Label): void {
  const { code, version, integers, fuel, gate, least } = parts;
  const together = i32.const(version.turns);
  code.brIf(fail, i32.ltS(moves, together), false);
  if (gate.kind === 'fuel') {
    code.brIf(fail, i32.ltS(fuel, i32.const(least)), false);
    code.set(gate.bound, i32.sub(fuel, i32.mul(i32.sub(moves, together), i32.const(version.shortest))));
    code.set(gate.bound, i32.select(i32.gtS(gate.bound, i32.const(least)), gate.bound, i32.const(least)));
    return;
  }
  const { register, stride, instructions } = gate.counting;
  const group = instructions * version.turns;
  const groups = code.let(i32.divU(moves, together));
  const setLeft = (): void => code.set(gate.left, i32.sub(fuel, i32.mul(groups, i32.const(group))));
  setLeft();
  // The last group begins with the least that it may need.
  code.ifRarely(i32.ltS(gate.left, i32.const(least - group)), () => {
    code.brIf(fail, i32.ltS(fuel, i32.const(least)));
    code.set(groups, i32.add(i32.divU(i32.sub(fuel, i32.const(least)), i32.const(group)), i32.const(1)));
    setLeft();
  });
  code.set(gate.limit, i64.add(integers.value(register), i64.extendS(i32.mul(groups, i32.const(stride * version.turns)))));
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

/** What the beginning of a loop is written with. */
export interface Beginner extends Pick<Admitting, 'code' | 'version' | 'integers' | 'fuel'> {
  readonly beginning: Beginning;
  /** Where more turns are admitted than are behind each other: with less fuel than this, their gate is shut. */
  readonly bound: Local<'i32'> | undefined;
  /** Whether it is found out if there is enough fuel for the first turns. */
  readonly looksAtFuel: boolean;
  /** Fuel that turns behind each other, and what follows them up to the next look at the fuel, may need. */
  readonly least: number;
  /** Goes to the first turns; goes to the admission. */
  readonly admit: () => void;
  readonly refuse: () => void;
}

/** Finds out whether the first turns of a loop are admitted: by all pages from the first byte that they access to the last. */
export function writeBeginning(parts: Beginner): void {
  const { code, version, beginning, fuel, bound, looksAtFuel, least, admit, refuse } = parts;
  code.block((fail) => {
    admitFirst(parts, fail);
    const later = (beginning.turns - beginning.copies) * version.shortest;
    if (looksAtFuel) code.brIf(fail, i32.ltS(fuel, i32.const(least + later)), false);
    if (bound !== undefined) code.set(bound, i32.sub(fuel, i32.const(later)));
    admit();
  });
  refuse();
}

function admitFirst({ code, version, integers, beginning }: Beginner, fail: Label): void {
  const bounds = new Bounds();
  const flags = new Map<number, I32>();
  for (const { terms, low, high, stride, right } of version.reaches) {
    const far = stride * (beginning.turns - 1);
    const first = code.let(sumOf(integers, terms, low + Math.min(0, far)));
    bounds.address(first);
    const last = high - low + Math.abs(far);
    for (let at = 0; ; at = Math.min(at + PAGE_SIZE, last)) {
      const page = flagsAt(i32.add(i32.wrap(first), i32.const(at)));
      const before = flags.get(right);
      flags.set(right, before === undefined ? page : i32.and(before, page));
      if (at === last) break;
    }
  }
  for (const { terms, low, high, stride } of version.naturals) {
    const far = stride * (beginning.turns - 1);
    const first = code.let(sumOf(integers, terms, low + Math.min(0, far)));
    bounds.natural(first);
    bounds.natural(i64.add(first, i64.const(high - low + Math.abs(far))));
  }
  for (const { terms, low } of version.zeros) bounds.zero(sumOf(integers, terms, low));
  bounds.check(code, fail);
  for (const [right, all] of flags) code.brIf(fail, i32.eqz(i32.and(all, i32.const(right))), false);
}
