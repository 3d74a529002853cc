import { planRegion } from '../translator/blueprint.ts';
import { type Block, calls, comesBackTo, looksAtFuel, type Region, successors } from '../translator/region.ts';

/**
 * What a region's plan lets the fuel go below 0 by, found out from the plan alone; undefined if nothing does. Wherever a region is entered, or comes back to from a
 * call, it has to look at the fuel before it executes an instruction; and a look has to be for at least what comes up to the next one.
 *
 * @param lasts see translator/versions.ts
 */
export function overdrawn(region: Region, lasts: boolean): string | undefined {
  const { checkpoints, longest, region: planned } = planRegion(region, lasts);
  const looks = (block: Block): boolean => looksAtFuel(block, checkpoints) || (checkpoints.has(block.start) && block.end.kind === 'begin');
  const known = new Map<number, number>();
  const visiting = new Set<number>();
  const behind = (block: Block): number => {
    const { end } = block;
    if (calls(block) || end.kind === 'jumpIndirect') return 0;
    // These compare the fuel themselves on the way that is steady.
    if (end.kind === 'gate') return upToLook(end.admission);
    if (end.kind === 'admit') return upToLook(end.header);
    return Math.max(0, ...successors(planned, block).map(upToLook));
  };
  /** Most instructions from a block up to the next look at the fuel. */
  const upToLook = (pc: number): number => {
    const block = planned.blocks.get(pc) as Block;
    if (looks(block)) return 0;
    const found = known.get(pc);
    if (found !== undefined) return found;
    if (visiting.has(pc)) return Number.POSITIVE_INFINITY;
    visiting.add(pc);
    const most = block.ops.length + behind(block);
    visiting.delete(pc);
    known.set(pc, most);
    return most;
  };
  for (const pc of planned.entries) if (upToLook(pc) > 0) return `entered at ${pc}: ${upToLook(pc)} instructions`;
  for (const block of planned.blocks.values()) {
    const back = comesBackTo(planned, block);
    if (back !== undefined && upToLook(back) > 0) return `back at ${back}: ${upToLook(back)} instructions`;
    if (!looks(block) || block.end.kind === 'begin') continue;
    const [needed, looked] = [block.ops.length + behind(block), longest.get(block.start) as number];
    if (needed > looked) return `at ${block.start}: ${needed} instructions after a look for ${looked}`;
  }
  return undefined;
}
