import type { Flow } from './flow.ts';
import type { Plans } from './guards.ts';
import { include, type Lifetimes, none, without } from './lifetimes.ts';
import type { Registers } from './operands.ts';
import { type Block, calls, type Region, successors, switches } from './region.ts';
import type { Held, Words } from './words.ts';

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

/** `kept`: registers that are known to be what they were after a block's call; `words`: entries look at those that they take for words. */
export function placeLoads(region: Region, { order }: Flow, lives: Lifetimes, kept: Plans['kept'], words: Words): Loads {
  const valid = new Map<number, Registers>();
  const left = new Map<number, Registers>();
  const dispatched = none();
  for (const pc of order) valid.set(pc, none());
  for (const pc of region.entries) valid.set(pc, { x: (words.start.get(pc) as Held).words, f: 0 });
  const arrive = (to: number, { x, f }: Registers): boolean => {
    const { x: needsX, f: needsF } = lives.needed.get(to) as Registers;
    return include(valid.get(to) as Registers, { x: x & needsX, f: f & needsF });
  };
  const arriveAt = (targets: readonly number[], registers: Registers): boolean => {
    let changed = false;
    for (const to of targets) if (arrive(to, registers)) changed = true;
    return changed;
  };
  const leave = (pc: number): boolean => {
    const block = region.blocks.get(pc) as Block;
    const after = calls(block) ? { x: kept.get(pc) ?? 0, f: 0 } : behind(pc, valid.get(pc) as Registers, lives);
    left.set(pc, after);
    return arriveAt(block.end.kind === 'jumpIndirect' ? region.entries : successors(region, block), after);
  };
  // All entries are found by the same dispatch.
  const dispatch = (): boolean => {
    for (const pc of region.entries) include(dispatched, valid.get(pc) as Registers);
    return arriveAt(region.entries, dispatched);
  };
  const indirect = switches(region);
  for (let changed = true; changed; ) {
    changed = false;
    for (const pc of order) if (leave(pc)) changed = true;
    if (indirect && dispatch()) changed = true;
  }
  const own = new Map<number, Registers>();
  for (const pc of order) own.set(pc, without(lives.used.get(pc) as Registers, valid.get(pc) as Registers));
  return { valid, own, left, dispatched };
}

/** What is valid when a block ends that began with `valid`. */
function behind(pc: number, { x, f }: Registers, { used, written }: Lifetimes): Registers {
  const own = used.get(pc) as Registers;
  const made = written.get(pc) as Registers;
  return { x: x | own.x | made.x, f: f | own.f | made.f };
}
