import type { Access } from './accesses.ts';
import { allOf, areSame, atStart, type Extent, type Extents, isNear, type Sum, scaled, sum, type Term, ZERO } from './extents.ts';
import type { Op } from './op.ts';
import { eachRegister } from './operands.ts';
import type { Turn } from './turn.ts';

/** A sum of registers as they are when a turn begins, and how that moves from turn to turn. */
export interface Moving extends Sum {
  /** How far in a turn, at most: up if positive. */
  readonly stride: number;
  /** Registers that do not change and are added in each turn as well. Then it does not move down. */
  readonly added: readonly Term[];
}

/** Accesses of a loop that are relative to the same registers: where they are in a turn, from the first byte to the last. */
export interface Reach extends Moving {
  /** Perm.READ; or Perm.WRITE, which never comes without it. */
  readonly right: number;
}

/** What an admission finds out about a loop. */
export interface Admitted {
  readonly reaches: readonly Reach[];
  /** What has to be from 0 to 2³¹ − 1 in all turns that are admitted: see {@link Extent}. */
  readonly naturals: readonly Moving[];
  /** What has to be 0 when a turn begins, and then is when the next one does: distances between registers that move together. */
  readonly zeros: readonly Sum[];
}

export interface AdmittedTurn extends Admitted {
  readonly turn: Turn;
}

/** Farthest that the bytes of a reach may be from each other: a window of memory has eight pages, and is to last for some turns. */
const REACH_BYTES_MAX = 8192;
const REACHES_MAX = 8;
/** A loop is begun with so many turns admitted, or fewer if their bytes would be farther from each other; not with less than the least. */
const FIRST_TURNS_MAX = 16;
const FIRST_TURNS_LEAST = 4;

/** A turn of a loop, if all of its accesses are known. `follow`: one, from what is known when it begins. */
export function admittedTurn(follow: (start: Extents) => Turn | undefined): AdmittedTurn | undefined {
  const turn = follow(atStart());
  if (turn === undefined) return undefined;
  const admitted = admittedOf(turn);
  if (admitted !== undefined) return { turn, ...admitted, zeros: [] };
  const companions = companionsOf(turn);
  if (companions.size === 0) return undefined;
  const again = follow(atStart().map((extent, r) => companions.get(r) ?? extent)) as Turn;
  const readmitted = [...companions].every(([r, companion]) => isSameAfter(again.after, r, companion)) ? admittedOf(again) : undefined;
  return readmitted && { turn: again, ...readmitted, zeros: [...companions].map(([r, companion]) => difference(r, companion)) };
}

/** Registers that accesses are relative to, and that a turn makes sums of others: which sums they are when the next one begins. */
function companionsOf({ accesses, after }: Turn): ReadonlyMap<number, Extent> {
  const bases = registersIn(accesses.flatMap(({ base }) => base?.terms ?? []));
  const companions = new Map<number, Extent>();
  eachRegister(bases, (r) => {
    const companion = after[r]?.terms.every(({ register }) => register !== r) ? companionAfter(after, r) : undefined;
    if (companion !== undefined) companions.set(r, companion);
  });
  return companions;
}

/** What a register is after a turn, relative to what the others are then. */
function companionAfter(after: Extents, r: number): Extent | undefined {
  const one = after[r];
  const moves = one && movesOf(one.terms, after);
  const companion = moves && sum(one, scaled(moves, -1));
  return companion && isNear(companion) && companion.low === companion.high && companion.naturals.length === 0 ? companion : undefined;
}

const isSameAfter = (after: Extents, r: number, { terms, low }: Extent): boolean => {
  const companion = companionAfter(after, r);
  return companion !== undefined && areSame(companion.terms, terms) && companion.low === low;
};

/** What is 0 if a register is a sum. */
const difference = (register: number, companion: Extent): Sum =>
  sum({ ...ZERO, terms: [{ register, times: 1 }] }, scaled(companion, -1)) as Sum;

/** All accesses, by what they are relative to, and what has to be natural for them to be there; undefined if some are anywhere. */
function admittedOf({ accesses, after }: Turn): Omit<Admitted, 'zeros'> | undefined {
  const reaches: Reach[] = [];
  let naturals: readonly Sum[] | undefined = [];
  for (const { op, base } of accesses) {
    if (base === undefined || !isNear(base)) return undefined;
    const moves = movesOf(base.terms, after);
    naturals = moves && allOf(naturals, [...base.naturals, ...moves.naturals]);
    if (moves === undefined || naturals === undefined) return undefined;
    const one = reachOf(op, base, moves);
    const index = reaches.findIndex(({ terms }) => areSame(terms, one.terms));
    const all = index < 0 ? one : together(reaches[index] as Reach, one);
    if (all.high - all.low >= REACH_BYTES_MAX) return undefined;
    if (index < 0) reaches.push(all);
    else reaches[index] = all;
  }
  if (reaches.length > REACHES_MAX) return undefined;
  const moving = naturalsOf(naturals, after);
  return moving && { reaches, naturals: moving };
}

/** Of sums that have to be natural, and those that have to be for these to move evenly, how all of them move. */
function naturalsOf(sums: readonly Sum[], after: Extents): readonly Moving[] | undefined {
  let all: readonly Sum[] | undefined = sums;
  const moving: Moving[] = [];
  for (const one of sums) {
    const moves = movesOf(one.terms, after);
    all = moves && all && allOf(all, moves.naturals);
    if (moves === undefined || all === undefined) return undefined;
    moving.push({ terms: one.terms, low: one.low, high: one.high, ...directionOf(moves) });
  }
  return all === sums ? moving : naturalsOf(all as readonly Sum[], after);
}

/** Where an access goes whose base register is `base`. */
function reachOf(op: Op, { terms, low, high }: Extent, moves: Extent): Reach {
  const access = op.access as Access;
  return { terms, low: low + access.low, high: high + access.high, right: access.right, ...directionOf(moves) };
}

const directionOf = ({ terms, low, high }: Extent): Pick<Moving, 'stride' | 'added'> => ({ stride: low < 0 ? low : high, added: terms });

/** What a turn adds to a sum of registers: a number, and perhaps registers that do not change; undefined if it may move both up and down. */
function movesOf(terms: readonly Term[], after: Extents): Extent | undefined {
  let all: Extent | undefined = ZERO;
  for (const { register, times } of terms) {
    const one = after[register];
    const rest = one?.terms.filter((term) => term.register !== register || term.times !== 1);
    if (one === undefined || rest === undefined || rest.length !== one.terms.length - 1 || !areSteady(rest, after)) return undefined;
    all = sum(all, scaled({ ...one, terms: rest }, times));
  }
  if (all === undefined || !isNear(all)) return undefined;
  return all.low < 0 && (all.high > 0 || all.terms.length > 0) ? undefined : all;
}

/** Whether a turn leaves registers as they are. */
const areSteady = (terms: readonly Term[], after: Extents): boolean =>
  terms.every(({ register }) => {
    const one = after[register];
    return (
      one !== undefined && areSame(one.terms, [{ register, times: 1 }]) && one.low === 0 && one.high === 0 && one.naturals.length === 0
    );
  });

/** The registers that accesses are relative to. */
export const basesOf = (reaches: readonly Reach[]): number => reaches.reduce((all, { terms }) => all | registersIn(terms), 0);

/** Two reaches with the same terms as one. */
function together(a: Reach, b: Reach): Reach {
  return { ...a, low: Math.min(a.low, b.low), high: Math.max(a.high, b.high), right: Math.max(a.right, b.right) };
}

/** How many turns may be admitted when the loop begins; 0: the accesses of a few are too far from each other. */
export function firstTurns({ reaches, naturals }: Pick<Admitted, 'reaches' | 'naturals'>): number {
  if ([...reaches, ...naturals].some(({ added }) => added.length > 0)) return 0;
  let turns = FIRST_TURNS_MAX;
  for (const { low, high, stride } of reaches) {
    if (stride !== 0) turns = Math.min(turns, 1 + Math.floor((REACH_BYTES_MAX - 1 - (high - low)) / Math.abs(stride)));
  }
  return turns < FIRST_TURNS_LEAST ? 0 : turns;
}

/** Bit n for xn. */
export const registersIn = (terms: readonly Term[]): number => terms.reduce((all, { register }) => all | (1 << register), 0);
