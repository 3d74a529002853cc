import type { Flow } from './flow.ts';
import { STACK_POINTER } from './guards.ts';
import { common, include, type Lifetimes, none, union, without } from './lifetimes.ts';
import type { Registers } from './operands.ts';
import { type Block, calls, type Region, successors, switches } from './region.ts';

/**
 * Where guest registers are loaded: in the block that first needs them. Where ways meet, and some have a register in its local that is needed later on, the
 * others load it on their way there: so a loop has what it needs from before it, and a way that is hardly taken and calls something pays for that itself.
 */
export interface Loads {
  /** Registers whose locals are valid when a block begins, on whatever way. */
  readonly valid: ReadonlyMap<number, Registers>;
  /** Registers that a block loads when it begins. */
  readonly own: ReadonlyMap<number, Registers>;
  /** Registers whose locals are still valid when a block ends; after its call, if it ends with one. */
  readonly left: ReadonlyMap<number, Registers>;
  /** Registers that are valid where a jump to an address known only at run time finds its way within the region. */
  readonly dispatched: Registers;
}

/** `keepStack`: blocks after whose calls the stack pointer is known to be what it was. */
export function placeLoads(region: Region, { order }: Flow, lives: Lifetimes, keepStack: ReadonlySet<number>): Loads {
  const { needed, used, written } = lives;
  const valid = new Map<number, Registers>(order.map((pc) => [pc, none()]));
  const left = new Map<number, Registers>();
  const dispatched = none();
  const indirect = switches(region);
  const settle = (pc: number): boolean => {
    const block = region.blocks.get(pc) as Block;
    const after = calls(block) ? kept(keepStack.has(pc)) : leftBy(valid.get(pc), used.get(pc), written.get(pc));
    left.set(pc, after);
    if (block.end.kind === 'jumpIndirect') return region.entries.reduce((changed, to) => arrive(to, after) || changed, false);
    return successors(region, block).reduce((changed, to) => arrive(to, after) || changed, false);
  };
  const arrive = (to: number, registers: Registers): boolean =>
    include(valid.get(to) as Registers, common(registers, needed.get(to) as Registers));
  // All entries are found by the same dispatch.
  const gather = (): boolean =>
    indirect && region.entries.reduce((changed, pc) => include(dispatched, valid.get(pc) as Registers) || changed, false);
  const spread = (): boolean => indirect && region.entries.reduce((changed, to) => arrive(to, dispatched) || changed, false);
  for (let changed = true; changed; ) {
    changed = false;
    for (const pc of order) if (settle(pc)) changed = true;
    if (gather()) changed = true;
    if (spread()) changed = true;
  }
  const own = new Map(order.map((pc) => [pc, without(used.get(pc) as Registers, valid.get(pc) as Registers)]));
  return { valid, own, left, dispatched };
}

const kept = (stack: boolean): Registers => ({ x: stack ? 1 << STACK_POINTER : 0, f: 0 });
const leftBy = (...sets: (Registers | undefined)[]): Registers =>
  sets.reduce<Registers>((all, set) => union(all, set as Registers), none());
