import { addBeginning, type Beginning, beginningOf } from './beginning.ts';
import { type Counting, countingOf } from './counting.ts';
import { type Flow, type Item, innermost, structure } from './flow.ts';
import type { Registers } from './operands.ts';
import { type Admitted, type AdmittedTurn, admittedTurn, basesOf, firstTurns, registersIn } from './reaches.ts';
import { type Block, instructionsOf, type Region, redirected, successors, withBlocks } from './region.ts';
import { beginsLarger } from './separation.ts';
import { followTurn } from './turn.ts';

/**
 * Innermost loops in two versions. The exact one is what the region has: it looks at the fuel in each turn and at the permissions of each access, may be
 * left anywhere, and keeps memory up to date for that. The steady one looks at nothing but a number: before it begins, an *admission* finds out how
 * many turns all of its accesses stay in pages that allow them, and how many the fuel is enough for; a *gate* at its beginning compares the fuel, which
 * tells how many turns there were, with the bound that was admitted.
 *
 *     header … last   the exact version; its ways back lead to the admission
 *     admission       leads to the gate if it admits at least two turns, else to the header, and then to that for some turns without looking
 *     gate            enough fuel for this turn and the one after: the steady version's header; else back to the admission
 *     steady blocks   copies of the loop's blocks; their ways back lead to the gate
 *
 * The gate may be for several turns at once, of which there are as many copies behind each other, and it may be by another number than the fuel: see {@link Counting}.
 *
 * Many loops are over after a few turns, and an admission takes as long as some: see {@link Beginning} for another way to begin, and {@link planRegion} for the
 * loops that do. The others make their first turn in the exact version.
 *
 * At the gate all turns that are let in have another one admitted after them. So the exact version can be gone on with even if what the last steady turn
 * wrote was not written to memory, as far as one more turn surely writes it again: that one neither faults nor runs out of fuel, and nobody looks before
 * it is over, even if the interpreter has to make it, as for misaligned accesses.
 */
export interface Version extends Admitted {
  /** Of the exact loop. */
  readonly header: number;
  readonly admission: number;
  readonly gate: number;
  /** How it begins steadily; undefined: the exact version makes its first turn. */
  readonly beginning: Beginning | undefined;
  /** How it could; undefined: accesses of a few turns are too far from each other. */
  readonly couldBegin: Beginning | undefined;
  /** The loop's blocks; the steady version has a copy of each. */
  readonly members: ReadonlySet<number>;
  /** Fewest instructions of a turn. */
  readonly shortest: number;
  /** Registers that a turn writes before anyone may look at them. */
  readonly transient: Registers;
  /** Turns between one look of the gate and the next: the steady version has as many copies of each block. */
  readonly turns: number;
  /** How its steady turns are counted; undefined: by the fuel. */
  readonly counting: Counting | undefined;
}

/** A region with versions of its loops. */
export interface Versioned {
  readonly region: Region;
  readonly versions: readonly Version[];
}

/**
 * Blocks that are at no address: their keys are above all addresses, and in the order in which loops begin, since of several blocks that a loop is entered at
 * the lowest is its header (flow.ts).
 */
const ADMISSION = 2 ** 32;
const GATE = 2 ** 33;
const STEADY = 2 ** 34;
const TURN = 2 ** 36;
/** Larger loops are not copied. */
const INSTRUCTIONS_MAX = 300;
const BLOCKS_MAX = 24;

/** Least instructions of a turn that others are copied behind: of shorter ones that is more to compile than it spares. */
const REPEATED_LEAST = 24;
/** The same in code that lasts. */
const LASTING_REPEATED_LEAST = 6;
/** Of the turns of a steady version that are behind each other, so many at most, and so many instructions and blocks. */
const REPEATED_TURNS_MAX = 8;
const REPEATED_INSTRUCTIONS_MAX = 256;
const REPEATED_BLOCKS_MAX = 24;

/**
 * The region with two versions of the innermost loops that are hot and allow it. `lasts`: whether it is translated for long, so that what it takes to compile
 * counts less; `steadily`: headers of the loops that begin steadily, undefined while that is to be found out: then none does yet.
 */
export function versionLoops(region: Region, flow: Flow, lasts: boolean, steadily?: ReadonlySet<number>): Versioned {
  const versions = [...innermost(flow.items)].flatMap(
    (item) => versionOf(region, flow, item, { lasts, isBegunSteadily: steadily?.has(item.block) }) ?? [],
  );
  if (versions.length === 0) return { region, versions };
  const added = new Map(region.blocks);
  for (const version of versions) addCopies(added, version);
  return { region: withBlocks(region, added), versions };
}

/** Of a block of a loop, the one of the steady version; `turn`: of those that are copied behind each other, from 0. */
export const steadyOf = (pc: number, turn: number): number => pc + STEADY + turn * TURN;

/** The blocks of a version's steady version. */
export const steadyBlocks = ({ members, turns }: Version): readonly number[] =>
  Array.from({ length: turns }, (_, turn) => [...members].map((pc) => steadyOf(pc, turn))).flat();

/** How a region with versions is arranged. A loop begins at its admission then, but its exact version also where it did, for what looks after that: fuel, and what is known. */
export function structureVersions({ region, versions }: Versioned): Flow {
  const flow = structure(region);
  return { ...flow, headers: new Set([...flow.headers, ...versions.map(({ header }) => header)]) };
}

/** The integer registers that an admission reads. */
export function registersOf({ reaches, naturals, zeros, counting }: Version): number {
  const moving = [...reaches, ...naturals];
  return (
    registersIn([...moving, ...zeros].flatMap(({ terms }) => terms)) |
    registersIn(moving.flatMap(({ added }) => added)) |
    countedBy(counting)
  );
}

/** The register that steady turns are counted by, which the gate reads: bit n for xn; 0 if there is none. */
export const countedBy = (counting: Counting | undefined): number => (counting === undefined ? 0 : 1 << counting.register);

function addCopies(blocks: Map<number, Block>, version: Version): void {
  const { header, members, admission, gate, beginning, turns } = version;
  if (beginning !== undefined) addBeginning(blocks, version, beginning);
  for (const pc of members) {
    const block = blocks.get(pc) as Block;
    for (let turn = 0; turn < turns; turn++) {
      const again = turn + 1 < turns ? steadyOf(header, turn + 1) : gate;
      const steady = (to: number): number => (to === header ? again : members.has(to) ? steadyOf(to, turn) : to);
      const start = steadyOf(pc, turn);
      blocks.set(start, { ...block, start, end: redirected(block.end, steady) });
    }
    blocks.set(pc, { ...block, end: redirected(block.end, (to) => (to === header ? admission : to)) });
  }
  const { address } = blocks.get(header) as Block;
  blocks.set(admission, { start: admission, address, ops: [], end: { kind: 'admit', gate, header } });
  blocks.set(gate, { start: gate, address, ops: [], end: { kind: 'gate', steady: steadyOf(header, 0), admission } });
}

/** Whether it is a single block that begins a larger loop: another version does not pay then, unless its first turns are all behind each other. */
export const isOverSoon = ({ header, members }: Pick<Version, 'header' | 'members'>): boolean => beginsLarger(header) && members.size === 1;

/** How a loop's versions are to be. */
interface Making {
  readonly lasts: boolean;
  /** Undefined: not known yet. */
  readonly isBegunSteadily: boolean | undefined;
}

function versionOf(region: Region, flow: Flow, { block: header, members }: Item, { lasts, isBegunSteadily }: Making): Version | undefined {
  const steady = steadyTurn(region, flow, header, members);
  if (steady === undefined) return undefined;
  const { blocks, turn, reaches, naturals, zeros } = steady;
  const isRepeated = instructionsOf(blocks) >= (lasts ? LASTING_REPEATED_LEAST : REPEATED_LEAST);
  const turns = isRepeated ? turnsBehindEachOther(blocks) : 1;
  const couldBegin = beginningOf(header, { blocks, admitted: firstTurns(steady), together: turns, lasts });
  if (isOverSoon({ header, members }) && (couldBegin === undefined || couldBegin.gate !== undefined || isBegunSteadily === false))
    return undefined;
  return {
    header,
    admission: header + ADMISSION,
    gate: header + GATE,
    couldBegin,
    beginning: isBegunSteadily === true ? couldBegin : undefined,
    members,
    reaches,
    naturals,
    zeros,
    shortest: shortestTurn(region, blocks, header, members),
    transient: transient(region, blocks, header, members),
    turns,
    counting: isRepeated ? countingOf(region, blocks, members, turn, basesOf(reaches)) : undefined,
  };
}

/** Whether a loop is hot and may have a steady version. `members`: its blocks; `flow`: how they, and perhaps more of the region, are arranged. */
export const isSteady = (region: Region, flow: Flow, header: number, members: ReadonlySet<number>): boolean =>
  steadyTurn(region, flow, header, members) !== undefined;

/** The blocks of a loop in their order, and a turn of it. */
interface Steady extends AdmittedTurn {
  readonly blocks: readonly Block[];
}

/** Of a loop, if it may have a steady version. */
function steadyTurn(region: Region, { order }: Flow, header: number, members: ReadonlySet<number>): Steady | undefined {
  const { hot } = region;
  if (members.size > BLOCKS_MAX || (hot !== undefined && ![...members].some((pc) => hot.has((region.blocks.get(pc) as Block).address))))
    return undefined;
  const blocks = order.filter((pc) => members.has(pc)).map((pc) => region.blocks.get(pc) as Block);
  if (blocks.some(({ end }) => end.kind !== 'go' && end.kind !== 'branch')) return undefined;
  if (instructionsOf(blocks) > INSTRUCTIONS_MAX) return undefined;
  const admitted = admittedTurn((start) => followTurn(region, blocks, header, members, start));
  return admitted && { blocks, ...admitted };
}

/** How many turns a loop has room for copies of. */
function turnsBehindEachOther(blocks: readonly Block[]): number {
  const room = Math.min(REPEATED_INSTRUCTIONS_MAX / instructionsOf(blocks), REPEATED_BLOCKS_MAX / blocks.length);
  return Math.max(1, Math.min(REPEATED_TURNS_MAX, Math.floor(room)));
}

// ───── what a turn takes and writes ─────

/** Fewest instructions of a turn. */
function shortestTurn(region: Region, blocks: readonly Block[], header: number, members: ReadonlySet<number>): number {
  const after = new Map<number, number>();
  for (const block of blocks.toReversed()) {
    let least = Number.POSITIVE_INFINITY;
    for (const to of successors(region, block)) {
      if (to === header) least = 0;
      else if (members.has(to)) least = Math.min(least, after.get(to) as number);
    }
    after.set(block.start, block.ops.length + least);
  }
  return after.get(header) as number;
}

/** Registers that are surely written in a turn before they are read and before the loop is left. */
function transient(region: Region, blocks: readonly Block[], header: number, members: ReadonlySet<number>): Registers {
  const seen = new Map<number, Registers>();
  for (const block of blocks.toReversed()) {
    const now: Registers = { x: 0, f: 0 };
    const inside = successors(region, block).filter((to) => to !== header && members.has(to));
    if (inside.length < ways(block)) Object.assign(now, { x: -1, f: -1 });
    for (const to of inside) {
      now.x |= seen.get(to)?.x ?? -1;
      now.f |= seen.get(to)?.f ?? -1;
    }
    for (const { uses } of block.ops.toReversed()) {
      now.x = (now.x & ~uses.writes.x) | uses.reads.x;
      now.f = (now.f & ~uses.writes.f) | uses.reads.f;
    }
    seen.set(block.start, now);
  }
  const { x, f } = seen.get(header) as Registers;
  return { x: ~x & ~1, f: ~f };
}

const ways = ({ end }: Block): number => (end.kind === 'branch' && end.to !== end.next ? 2 : 1);
