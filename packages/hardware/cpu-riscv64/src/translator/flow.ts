import { type Region, successors } from './region.ts';

/**
 * The blocks of a region as nested loops, in an order in which every edge goes forward except those to the header of a loop it is in. Edges
 * into a loop past its header, and entries there, go through the header's dispatch, so irreducible code needs nothing special.
 */
export interface Item {
  /** The block; of a loop, its header. */
  readonly block: number;
  /** What else is in the loop; undefined: no loop. */
  readonly body: readonly Item[] | undefined;
  /** All blocks in it. */
  readonly members: ReadonlySet<number>;
}

export interface Flow {
  readonly items: readonly Item[];
  /** Blocks that a dispatch leads to, with their numbers from 1: first the region's entries in their order. */
  readonly selected: ReadonlyMap<number, number>;
  /** All blocks in the order of the code. */
  readonly order: readonly number[];
  readonly headers: ReadonlySet<number>;
}

export function structure(region: Region): Flow {
  const edges = new Map<number, readonly number[]>();
  for (const block of region.blocks.values()) edges.set(block.start, successors(region, block));
  const items = arrange(new Set(region.blocks.keys()), edges, new Set(region.entries));
  const order: number[] = [];
  const headers = new Set<number>();
  const selected = new Map(region.entries.map((pc, i) => [pc, i + 1]));
  flatten(items, order, headers);
  for (const item of allLoops(items)) {
    for (const [from, to] of edges) {
      if (item.members.has(from)) continue;
      for (const pc of to) if (pc !== item.block && item.members.has(pc) && !selected.has(pc)) selected.set(pc, selected.size + 1);
    }
  }
  return { items, selected, order, headers };
}

function flatten(items: readonly Item[], order: number[], headers: Set<number>): void {
  for (const { block, body } of items) {
    order.push(block);
    if (body === undefined) continue;
    headers.add(block);
    flatten(body, order, headers);
  }
}

function* allLoops(items: readonly Item[]): Generator<Item> {
  for (const item of items) {
    if (item.body === undefined) continue;
    yield item;
    yield* allLoops(item.body);
  }
}

type Edges = ReadonlyMap<number, readonly number[]>;

/** Strongly connected components of `nodes`, each a loop or a single block, in a forward order that keeps to ascending addresses where it can. */
function arrange(nodes: ReadonlySet<number>, edges: Edges, entries: ReadonlySet<number>): Item[] {
  const components = connected(nodes, edges);
  const indexOf = new Map<number, number>();
  for (const [i, members] of components.entries()) for (const pc of members) indexOf.set(pc, i);
  const incoming = components.map(() => 0);
  const outgoing = components.map(() => new Set<number>());
  const reached = new Set<number>();
  for (const from of nodes) {
    const at = indexOf.get(from) as number;
    for (const to of edges.get(from) ?? []) {
      const target = indexOf.get(to);
      if (target === undefined || target === at) continue;
      reached.add(to);
      if (outgoing[at]?.has(target)) continue;
      outgoing[at]?.add(target);
      incoming[target] = (incoming[target] as number) + 1;
    }
  }
  const lowest = components.map((members) => Math.min(...members));
  const ready = components.flatMap((_, i) => (incoming[i] === 0 ? [i] : []));
  const items: Item[] = [];
  while (ready.length > 0) {
    let best = 0;
    for (let k = 1; k < ready.length; k++) if ((lowest[ready[k] as number] as number) < (lowest[ready[best] as number] as number)) best = k;
    const i = ready.splice(best, 1)[0] as number;
    items.push(itemOf(components[i] as number[], edges, entries, reached));
    for (const target of outgoing[i] ?? []) {
      incoming[target] = (incoming[target] as number) - 1;
      if (incoming[target] === 0) ready.push(target);
    }
  }
  return items;
}

function itemOf(members: readonly number[], edges: Edges, entries: ReadonlySet<number>, reached: ReadonlySet<number>): Item {
  const set = new Set(members);
  const first = members[0] as number;
  if (members.length === 1 && !(edges.get(first) ?? []).includes(first)) return { block: first, body: undefined, members: set };
  const ascending = [...members].sort((a, b) => a - b);
  const header = ascending.find((pc) => reached.has(pc)) ?? ascending.find((pc) => entries.has(pc)) ?? (ascending[0] as number);
  const inner = new Set(set);
  inner.delete(header);
  return { block: header, body: arrange(inner, edges, entries), members: set };
}

/** Tarjan's algorithm (R. Tarjan, Depth-first search and linear graph algorithms, 1972), with a stack of its own. */
function connected(nodes: ReadonlySet<number>, edges: Edges): number[][] {
  const index = new Map<number, number>();
  const low = new Map<number, number>();
  const open: number[] = [];
  const isOpen = new Set<number>();
  const found: number[][] = [];
  const enter = (pc: number): { pc: number; next: number } => {
    index.set(pc, index.size);
    low.set(pc, index.size - 1);
    open.push(pc);
    isOpen.add(pc);
    return { pc, next: 0 };
  };
  for (const root of nodes) {
    if (index.has(root)) continue;
    const path = [enter(root)];
    while (path.length > 0) {
      const top = path.at(-1) as { pc: number; next: number };
      const to = edges.get(top.pc)?.[top.next++];
      if (to !== undefined) {
        if (!nodes.has(to)) continue;
        if (!index.has(to)) path.push(enter(to));
        else if (isOpen.has(to)) low.set(top.pc, Math.min(low.get(top.pc) as number, index.get(to) as number));
        continue;
      }
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) low.set(parent.pc, Math.min(low.get(parent.pc) as number, low.get(top.pc) as number));
      if (low.get(top.pc) !== index.get(top.pc)) continue;
      const members: number[] = [];
      for (;;) {
        const pc = open.pop() as number;
        isOpen.delete(pc);
        members.push(pc);
        if (pc === top.pc) break;
      }
      found.push(members);
    }
  }
  return found;
}
