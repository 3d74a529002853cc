import type { Flow } from './flow.ts';
import { addExposed, addOperands, mayLeave, type Registers } from './operands.ts';
import { type Block, type Region, successors } from './region.ts';

/** Most sets of registers that side exits of a region write back: more are merged, at the price of loading what is not dirty. */
const EXIT_KINDS_MAX = 16;

/**
 * When guest registers are in locals: what must be loaded before a block, and what must be written back where it is left. A register is valid in
 * its local wherever it may be read or written back; memory is right for all that were not written since they were loaded.
 */
export interface Lifetimes {
  /** Registers whose locals must be valid when a block begins. */
  readonly needed: ReadonlyMap<number, Registers>;
  /** Registers that may differ from memory when a block ends. */
  readonly dirty: ReadonlyMap<number, Registers>;
  /** Of a block that may be left on the way: which of `exitKinds` is written back. */
  readonly exitKind: ReadonlyMap<number, number>;
  readonly exitKinds: readonly Registers[];
}

interface Facts {
  readonly block: Block;
  readonly exposed: Registers;
  readonly written: Registers;
  readonly leaves: boolean;
}

export const none = (): Registers => ({ x: 0, f: 0 });
const union = (a: Registers, b: Registers): Registers => ({ x: a.x | b.x, f: a.f | b.f });
const without = (a: Registers, b: Registers): Registers => ({ x: a.x & ~b.x, f: a.f & ~b.f });

/** Adds to `into`; whether that changed it. */
export function include(into: Registers, more: Registers): boolean {
  const { x, f } = into;
  into.x |= more.x;
  into.f |= more.f;
  return into.x !== x || into.f !== f;
}

export function lifetimes(region: Region, flow: Flow, checkpoints: ReadonlySet<number>): Lifetimes {
  const facts = new Map<number, Facts>();
  for (const block of region.blocks.values()) facts.set(block.start, factsOf(block, checkpoints.has(block.start)));
  const { start, end } = dirtiness(region, flow.order, facts);
  const { exitKind, exitKinds } = exits(flow.order, facts, start);
  return { needed: needs(region, flow.order, facts, { end, exitKind, exitKinds }), dirty: end, exitKind, exitKinds };
}

function factsOf(block: Block, checkpoint: boolean): Facts {
  const exposed = none();
  const written = none();
  for (const op of block.ops) {
    addExposed(op, exposed, written);
    addOperands(op, none(), written);
  }
  return { block, exposed, written, leaves: checkpoint || block.ops.some(({ row }) => mayLeave(row)) };
}

const isCall = ({ end }: Block): boolean => end.kind === 'call' || end.kind === 'callIndirect';

/** Where control goes on with the locals as they are. */
const flowsTo = (region: Region, block: Block): readonly number[] =>
  isCall(block) ? [] : block.end.kind === 'jumpIndirect' ? region.entries : successors(region, block);

type ByBlock = Map<number, Registers>;

/** Registers that may differ from memory, forward: nothing does where a region is entered and where a call came back. */
function dirtiness(region: Region, order: readonly number[], facts: ReadonlyMap<number, Facts>): { start: ByBlock; end: ByBlock } {
  const start: ByBlock = new Map(order.map((pc) => [pc, none()]));
  const end: ByBlock = new Map();
  for (let changed = true; changed; ) {
    changed = false;
    for (const pc of order) {
      const { block, written } = facts.get(pc) as Facts;
      const after = union(start.get(pc) as Registers, written);
      end.set(pc, after);
      for (const to of flowsTo(region, block)) if (include(start.get(to) as Registers, after)) changed = true;
    }
  }
  return { start, end };
}

/** What each block's side exits write back: all that is dirty when it begins, and all that it writes itself. */
function exits(order: readonly number[], facts: ReadonlyMap<number, Facts>, start: ByBlock): Pick<Lifetimes, 'exitKind' | 'exitKinds'> {
  const exitKind = new Map<number, number>();
  const exitKinds: Registers[] = [];
  for (const pc of order) {
    const { leaves, written } = facts.get(pc) as Facts;
    if (!leaves) continue;
    const set = union(start.get(pc) as Registers, written);
    exitKind.set(pc, kindFor(exitKinds, set));
  }
  return { exitKind, exitKinds };
}

function kindFor(kinds: Registers[], set: Registers): number {
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (const [i, kind] of kinds.entries()) {
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

/** Registers that must be valid, backward. */
function needs(
  region: Region,
  order: readonly number[],
  facts: ReadonlyMap<number, Facts>,
  { end, exitKind, exitKinds }: { end: ByBlock } & Pick<Lifetimes, 'exitKind' | 'exitKinds'>,
): ByBlock {
  const needed: ByBlock = new Map();
  for (const pc of order) {
    const { block, exposed, written } = facts.get(pc) as Facts;
    const kind = exitKind.get(pc);
    const own = kind === undefined ? { ...exposed } : union(exposed, exitKinds[kind] as Registers);
    if (goesOut(region, block)) include(own, without(end.get(pc) as Registers, written));
    needed.set(pc, own);
  }
  const backward = order.toReversed();
  for (let changed = true; changed; ) {
    changed = false;
    for (const pc of backward) {
      const { block, written } = facts.get(pc) as Facts;
      for (const to of flowsTo(region, block)) {
        if (include(needed.get(pc) as Registers, without(needed.get(to) as Registers, written))) changed = true;
      }
    }
  }
  return needed;
}

/** Whether the block may end by leaving the region, with what is dirty written back. */
function goesOut(region: Region, { end }: Block): boolean {
  if (end.kind === 'go') return !region.blocks.has(end.to);
  if (end.kind === 'branch') return !region.blocks.has(end.to) || !region.blocks.has(end.next);
  return true;
}
