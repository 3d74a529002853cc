import { firstBlocks } from './beginning.ts';
import { type Flow, innermost } from './flow.ts';
import type { Plan, Plans } from './guards.ts';
import type { Op } from './op.ts';
import { addExposed, addWritten, type Registers } from './operands.ts';
import { type Block, calls, decides, looksAtFuel, type Region, successors } from './region.ts';
import { countedBy, registersOf, type Version } from './versions.ts';

/** Most sets of registers that side exits of a region write back: more are merged, at the price of loading what is not dirty. */
const EXIT_KINDS_MAX = 16;
/** A loop with at most so many ways out, and so many registers that it takes from one round to the next, writes those back only where it is left. */
const DEFERRING_EXITS_MAX = 8;
const DEFERRED_MAX = 16;

/**
 * When guest registers are in locals, and when they go to memory. A register is valid in its local wherever it may be read or written back. What is
 * written goes to memory at once if anyone may look at it there before it is written again: whoever goes on where the region is left, or a callee.
 * A store is cheaper than a value that is kept for a way out that is hardly ever taken, but for small loops: those keep what they write in
 * locals, and their ways out write it back.
 */
export interface Lifetimes {
  /** Registers that are needed in their locals in a block or behind it, and not written before: they are loaded there at the latest. */
  readonly needed: ReadonlyMap<number, Registers>;
  /** Of these, the ones that instructions read; the others are merely written back. */
  readonly read: ReadonlyMap<number, Registers>;
  /** Of all, what a block itself needs. */
  readonly used: ReadonlyMap<number, Registers>;
  readonly written: ReadonlyMap<number, Registers>;
  /** Of each block the instructions, by their places in it, whose result goes to memory at once. */
  readonly stored: ReadonlyMap<number, ReadonlySet<number>>;
  /** Registers that may differ from memory when a block ends, and have yet to be written back. */
  readonly dirty: ReadonlyMap<number, Registers>;
  /** Registers that may be dirty in a block. */
  readonly deferred: ReadonlyMap<number, Registers>;
  /** What must be written back when one block is followed by another. */
  writtenBack(from: number, to: number): Registers;
  /** Of blocks that may be left on the way: which of `exitKinds` is written back. */
  readonly exitKind: ReadonlyMap<number, number>;
  /** The first is nothing. */
  readonly exitKinds: readonly Registers[];
}

/** What a region's function loads when it is called, whichever entry it is called for. */
export function loadedFirst(region: Region, needed: Lifetimes['needed']): Registers {
  const first = none();
  for (const entry of region.entries) include(first, needed.get(entry) as Registers);
  return first;
}

interface Facts {
  readonly block: Block;
  readonly exposed: Registers;
  readonly written: Registers;
  /** Whether it looks at the fuel when it begins. */
  readonly checkpoint: boolean;
  /** Instructions that may be left to the interpreter. */
  readonly leaving: ReadonlySet<number>;
}

type ByBlock = Map<number, Registers>;

const ALL: Registers = { x: -2, f: -1 };
export const none = (): Registers => ({ x: 0, f: 0 });
const union = (a: Registers, b: Registers): Registers => ({ x: a.x | b.x, f: a.f | b.f });
const common = (a: Registers, b: Registers): Registers => ({ x: a.x & b.x, f: a.f & b.f });
export const without = (a: Registers, b: Registers): Registers => ({ x: a.x & ~b.x, f: a.f & ~b.f });

/** Adds to `into`; whether that changed it. */
export const include = (into: Registers, more: Registers): boolean => add(into, more.x, more.f);

function add(into: Registers, x: number, f: number): boolean {
  if ((x & ~into.x) === 0 && (f & ~into.f) === 0) return false;
  into.x |= x;
  into.f |= f;
  return true;
}

/** `plans`: how accesses are checked; `versions`: its loops in two versions. */
export function lifetimes(
  region: Region,
  flow: Flow,
  checkpoints: ReadonlySet<number>,
  plans: Plans,
  versions: readonly Version[] = [],
): Lifetimes {
  const gates = new Map(versions.map((version) => [version.gate, version]));
  const facts = new Map<number, Facts>();
  for (const block of region.blocks.values()) {
    facts.set(block.start, factsOf(block, looksAtFuel(block, checkpoints), plans));
  }
  for (const version of versions) {
    for (const pc of [version.admission, version.beginning?.begin ?? version.admission])
      include((facts.get(pc) as Facts).exposed, { x: registersOf(version), f: 0 });
    include((facts.get(version.gate) as Facts).exposed, { x: countedBy(version.counting), f: 0 });
  }
  const read = needs(region, flow.order, facts, new Map(flow.order.map((pc) => [pc, (facts.get(pc) as Facts).exposed])));
  const deferred = deferring(flow, facts, read, versions);
  const { start, end } = dirtiness(region, flow.order, facts, deferred);
  const { exitKind, exitKinds } = exits(flow.order, facts, start, deferred);
  const { stored, observed } = stores(region, flow.order, facts, deferred);
  const writtenBack = (from: number, to: number): Registers => {
    const left = without(end.get(from) as Registers, deferred.get(to) as Registers);
    const version = gates.get(from);
    return version?.admission === to ? without(left, transientIn(version, checkpoints)) : common(left, observed.get(to) as Registers);
  };
  const writtenAfter = (block: Block): Registers => {
    const all = goesOut(region, block) ? { ...(end.get(block.start) as Registers) } : none();
    for (const to of successors(region, block)) include(all, writtenBack(block.start, to));
    return all;
  };
  const used = uses(flow.order, facts, { exitKind, exitKinds, writtenAfter });
  return {
    needed: needs(region, flow.order, facts, used),
    read,
    used,
    written: new Map(flow.order.map((pc) => [pc, (facts.get(pc) as Facts).written])),
    stored,
    dirty: end,
    deferred,
    writtenBack,
    exitKind,
    exitKinds,
  };
}

/**
 * What need not be written back for a turn of the exact version that surely comes to its end: nothing if it looks at the fuel in its middle, as where the region is
 * entered there, since only what it needs from one look to the next is known to be left.
 */
const transientIn = ({ header, members, transient }: Version, checkpoints: ReadonlySet<number>): Registers =>
  [...members].some((pc) => pc !== header && checkpoints.has(pc)) ? none() : transient;

function factsOf(block: Block, checkpoint: boolean, { blocks, kept }: Plans): Facts {
  const exposed = none();
  const written = none();
  const plan = blocks.get(block.start) as Plan;
  const leaving = new Set<number>();
  for (let i = 0; i < block.ops.length; i++) {
    const op = block.ops[i] as Op;
    addExposed(op, exposed, written);
    addWritten(op, written);
    if (op.uses.leaves && plan.get(i) !== 'guarded') leaving.add(i);
  }
  if (block.end.kind === 'expect') exposed.x |= 1 << block.end.register;
  // They are compared with what they were.
  exposed.x |= (kept.get(block.start) ?? 0) & ~written.x;
  return { block, exposed, written, checkpoint, leaving };
}

/**
 * What may be dirty where. In small innermost loops, what they write for their next round: everything else would be kept for their ways out alone. In those
 * with a gate, and in the turns that a loop begins with, which have no ways out but their ends, all that they write.
 */
function deferring(flow: Flow, facts: ReadonlyMap<number, Facts>, read: ByBlock, versions: readonly Version[]): ByBlock {
  const deferred: ByBlock = new Map(flow.order.map((pc) => [pc, none()]));
  const gated = new Set(versions.flatMap(({ gate, beginning }) => [gate, beginning?.gate ?? gate]));
  for (const { block: header, members } of innermost(flow.items)) {
    const written = none();
    let ways = 0;
    let isCalling = false;
    for (const pc of members) {
      const { block, written: own, checkpoint, leaving } = facts.get(pc) as Facts;
      include(written, own);
      ways += leaving.size + (checkpoint ? 1 : 0);
      isCalling ||= calls(block);
    }
    const isGated = gated.has(header);
    const kept = isGated ? written : common(written, read.get(header) as Registers);
    if (!isGated && (isCalling || ways > DEFERRING_EXITS_MAX || size(kept) > DEFERRED_MAX)) continue;
    for (const pc of members) deferred.set(pc, kept);
  }
  for (const version of versions) {
    const first = firstBlocks(version);
    const written = none();
    for (const pc of first) include(written, (facts.get(pc) as Facts).written);
    for (const pc of first) deferred.set(pc, written);
  }
  return deferred;
}

/** Where control goes on with the locals as they are. */
export const flowsTo = (region: Region, block: Block): readonly number[] =>
  calls(block) ? [] : block.end.kind === 'jumpIndirect' ? region.entries : successors(region, block);

/** Registers that may differ from memory, forward: nothing does where a region is entered and where a call came back. */
function dirtiness(
  region: Region,
  order: readonly number[],
  facts: ReadonlyMap<number, Facts>,
  deferred: ByBlock,
): { start: ByBlock; end: ByBlock } {
  const start: ByBlock = new Map(order.map((pc) => [pc, none()]));
  if (order.every((pc) => size(deferred.get(pc) as Registers) === 0)) return { start, end: start };
  const end: ByBlock = new Map();
  for (let changed = true; changed; ) {
    changed = false;
    for (const pc of order) {
      const { block, written } = facts.get(pc) as Facts;
      const after = common(union(start.get(pc) as Registers, written), deferred.get(pc) as Registers);
      end.set(pc, after);
      if (calls(block) || block.end.kind === 'jumpIndirect') continue;
      for (const to of successors(region, block)) {
        const { x, f } = deferred.get(to) as Registers;
        if (add(start.get(to) as Registers, after.x & x, after.f & f)) changed = true;
      }
    }
  }
  return { start, end };
}

/** What each block's side exits write back: all that is dirty when it begins, and all that it writes itself and does not store. */
function exits(
  order: readonly number[],
  facts: ReadonlyMap<number, Facts>,
  start: ByBlock,
  deferred: ByBlock,
): Pick<Lifetimes, 'exitKind' | 'exitKinds'> {
  const exitKind = new Map<number, number>();
  const exitKinds: Registers[] = [none()];
  for (const pc of order) {
    const { leaving, checkpoint, written } = facts.get(pc) as Facts;
    if (!checkpoint && leaving.size === 0) continue;
    const set = union(start.get(pc) as Registers, common(written, deferred.get(pc) as Registers));
    exitKind.set(pc, size(set) === 0 ? 0 : kindFor(exitKinds, set));
  }
  return { exitKind, exitKinds };
}

/**
 * Which results go to memory at once: those that are not deferred and that someone may look at before they are written again. `observed`: what someone
 * may look at from when a block begins.
 */
function stores(
  region: Region,
  order: readonly number[],
  facts: ReadonlyMap<number, Facts>,
  deferred: ByBlock,
): { stored: ReadonlyMap<number, ReadonlySet<number>>; observed: ByBlock } {
  // What is observed before a block: what is within it whatever comes behind, and what is behind it and not written in it.
  const observed: ByBlock = new Map();
  const hidden: ByBlock = new Map();
  for (const pc of order) {
    const own = facts.get(pc) as Facts;
    observed.set(pc, before(own, none()));
    hidden.set(pc, without(ALL, before(own, { ...ALL })));
  }
  const after = (block: Block): Registers => {
    const seen = none();
    if (goesOut(region, block)) include(seen, ALL);
    else for (const to of successors(region, block)) include(seen, observed.get(to) as Registers);
    return seen;
  };
  const backward = order.toReversed();
  for (let changed = true; changed; ) {
    changed = false;
    for (const pc of backward) {
      const { x, f } = after((facts.get(pc) as Facts).block);
      const not = hidden.get(pc) as Registers;
      if (add(observed.get(pc) as Registers, x & ~not.x, f & ~not.f)) changed = true;
    }
  }
  const stored = new Map<number, ReadonlySet<number>>();
  for (const pc of order) {
    const own = facts.get(pc) as Facts;
    const at = new Set<number>();
    const now = without(ALL, deferred.get(pc) as Registers);
    walkBack(own, after(own.block), (i, written, seen) => {
      if ((written.x & seen.x & now.x) !== 0 || (written.f & seen.f & now.f) !== 0) at.add(i);
    });
    stored.set(pc, at);
  }
  return { stored, observed };
}

/** What is observed before a block if `seen` is observed behind it, which becomes the same. */
function before(block: Facts, seen: Registers): Registers {
  walkBack(block, seen, () => undefined);
  return seen;
}

/** Makes of what is observed after a block what is observed before it. `visit` sees each instruction that writes, and what is observed behind it. */
function walkBack(
  { block, checkpoint, leaving }: Facts,
  seen: Registers,
  visit: (i: number, written: Registers, seen: Registers) => void,
): void {
  for (let i = block.ops.length - 1; i >= 0; i--) {
    const written = (block.ops[i] as Op).uses.writes;
    visit(i, written, seen);
    seen.x &= ~written.x;
    seen.f &= ~written.f;
    if (leaving.has(i)) include(seen, ALL);
  }
  if (checkpoint) include(seen, ALL);
}

/** The kind that writes back `set`, or more where there are many kinds already; never the first, which is to stay nothing. */
function kindFor(kinds: Registers[], set: Registers): number {
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 1; i < kinds.length; i++) {
    const kind = kinds[i] as Registers;
    const cost = size(without(set, kind)) * 2 + size(without(kind, set));
    if (cost < least) {
      best = i;
      least = cost;
    }
  }
  if (least > 0 && kinds.length < EXIT_KINDS_MAX) {
    kinds.push({ ...set });
    return kinds.length - 1;
  }
  include(kinds[best] as Registers, set);
  return best;
}

const size = ({ x, f }: Registers): number => ones(x) + ones(f);

function ones(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** Registers that each block reads before it writes them, or that it or its exits write back. `writtenAfter`: those that are where it ends. */
function uses(
  order: readonly number[],
  facts: ReadonlyMap<number, Facts>,
  { exitKind, exitKinds, writtenAfter }: Pick<Lifetimes, 'exitKind' | 'exitKinds'> & { writtenAfter(block: Block): Registers },
): ByBlock {
  const used: ByBlock = new Map();
  for (const pc of order) {
    const { block, exposed, written } = facts.get(pc) as Facts;
    const kind = exitKind.get(pc);
    const own = kind === undefined ? { ...exposed } : union(exposed, exitKinds[kind] as Registers);
    include(own, without(writtenAfter(block), written));
    used.set(pc, own);
  }
  return used;
}

/** Registers that are needed from each block on, backward. */
function needs(region: Region, order: readonly number[], facts: ReadonlyMap<number, Facts>, used: ByBlock): ByBlock {
  const needed: ByBlock = new Map();
  for (const [pc, own] of used) needed.set(pc, { ...own });
  const backward = order.toReversed();
  for (let changed = true; changed; ) {
    changed = false;
    for (const pc of backward) {
      const { block, written } = facts.get(pc) as Facts;
      for (const to of flowsTo(region, block)) {
        const { x, f } = needed.get(to) as Registers;
        if (add(needed.get(pc) as Registers, x & ~written.x, f & ~written.f)) changed = true;
      }
    }
  }
  return needed;
}

/** Whether the block may end by leaving the region, with what is dirty written back. */
function goesOut(region: Region, block: Block): boolean {
  const { end } = block;
  if (end.kind === 'go') return !region.blocks.has(end.to);
  if (end.kind === 'branch') return !region.blocks.has(end.to) || !region.blocks.has(end.next);
  return !decides(block);
}
