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
  const items = new Arranger(region).arrangeAll();
  const order: number[] = [];
  const headers = new Set<number>();
  const selected = new Map(region.entries.map((pc, i) => [pc, i + 1]));
  flatten(items, order, headers);
  for (const item of allLoops(items)) {
    for (const block of region.blocks.values()) {
      if (item.members.has(block.start)) continue;
      for (const pc of successors(region, block)) {
        if (pc !== item.block && item.members.has(pc) && !selected.has(pc)) selected.set(pc, selected.size + 1);
      }
    }
  }
  return { items, selected, order, headers };
}

/** Loops with no loop in them. */
export function* innermost(items: readonly Item[]): Generator<Item> {
  for (const item of items) {
    if (item.body === undefined) continue;
    if (item.body.some(({ body }) => body !== undefined)) yield* innermost(item.body);
    else yield item;
  }
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

/** Blocks that are tried as the header of a loop. */
const CANDIDATES_MAX = 8;

/**
 * Arranges blocks, which it knows by their numbers in ascending order of address. Written with plain loops over arrays of numbers: it looks at every edge once for
 * each loop around it, and is among the first of the translator to be optimised by the host.
 */
class Arranger {
  readonly #starts: readonly number[];
  readonly #edges: readonly (readonly number[])[];
  readonly #isEntry: readonly boolean[];
  /** Of each block: the sequence that it is arranged in, by number, and its component there. */
  readonly #sequence: Int32Array;
  readonly #component: Int32Array;
  readonly #connected: ConnectedComponents;
  #sequences = 0;

  constructor(region: Region) {
    const starts = [...region.blocks.keys()];
    const numbers = new Map(starts.map((pc, i) => [pc, i]));
    const entries = new Set(region.entries);
    this.#starts = starts;
    this.#edges = [...region.blocks.values()].map((block) => successors(region, block).map((pc) => numbers.get(pc) as number));
    this.#isEntry = starts.map((pc) => entries.has(pc));
    this.#sequence = new Int32Array(starts.length);
    this.#component = new Int32Array(starts.length);
    this.#connected = new ConnectedComponents(this.#edges, this.#sequence);
  }

  arrangeAll(): Item[] {
    return this.#arrange([...this.#starts.keys()]);
  }

  /**
   * Strongly connected components of `nodes`, each a loop or a single block, in a forward order that keeps to ascending addresses where it can. `header`: of the loop
   * that they are in.
   */
  #arrange(nodes: readonly number[], header?: number): Item[] {
    const sequence = ++this.#sequences;
    for (let k = 0; k < nodes.length; k++) this.#sequence[nodes[k] as number] = sequence;
    const components = this.#connected.of(nodes, sequence);
    for (let i = 0; i < components.length; i++) {
      const members = (components[i] as number[]).sort((a, b) => a - b);
      for (let k = 0; k < members.length; k++) this.#component[members[k] as number] = i;
    }
    const { incoming, outgoing, reached } = this.#waysBetween(nodes, sequence, components.length);
    if (header !== undefined) for (const to of this.#edges[header] as readonly number[]) reached[to] = 1;
    const ready: number[] = [];
    for (let i = 0; i < components.length; i++) if (incoming[i] === 0) ready.push(i);
    const items: Item[] = [];
    while (ready.length > 0) {
      const i = takeLowest(ready, components);
      items.push(this.#itemOf(components[i] as number[], reached));
      const targets = outgoing[i] as number[];
      for (let k = 0; k < targets.length; k++) {
        const target = targets[k] as number;
        incoming[target] = (incoming[target] as number) - 1;
        if (incoming[target] === 0) ready.push(target);
      }
    }
    return items;
  }

  /** Of each component, how many ways come in from others and where its ways lead; and which blocks are `reached` from other components. */
  #waysBetween(
    nodes: readonly number[],
    sequence: number,
    count: number,
  ): { incoming: Int32Array; outgoing: number[][]; reached: Uint8Array } {
    const incoming = new Int32Array(count);
    const outgoing: number[][] = Array.from({ length: count }, () => []);
    const reached = new Uint8Array(this.#starts.length);
    for (let k = 0; k < nodes.length; k++) {
      const from = nodes[k] as number;
      const at = this.#component[from] as number;
      const targets = this.#edges[from] as readonly number[];
      for (let j = 0; j < targets.length; j++) {
        const to = targets[j] as number;
        const target = this.#component[to] as number;
        if (this.#sequence[to] !== sequence || target === at) continue;
        reached[to] = 1;
        (outgoing[at] as number[]).push(target);
        incoming[target] = (incoming[target] as number) + 1;
      }
    }
    return { incoming, outgoing, reached };
  }

  /** `members` in ascending order. */
  #itemOf(members: readonly number[], reached: Uint8Array): Item {
    const first = members[0] as number;
    const isLoop = members.length > 1 || (this.#edges[first] as readonly number[]).includes(first);
    if (!isLoop) return { block: this.#starts[first] as number, body: undefined, members: new Set([this.#starts[first] as number]) };
    const entered = members.find((i) => reached[i] === 1);
    if (entered !== undefined) return this.#loop(entered, members);
    const candidates = members.filter((i) => this.#isEntry[i]);
    const loop = this.#loop(candidates[0] ?? first, members);
    const header = this.#betterHeader(candidates, members, loop);
    return header === undefined ? loop : this.#loop(header, members);
  }

  #loop(header: number, members: readonly number[]): Item {
    // No edge leads into the header any more.
    this.#sequence[header] = 0;
    const body = this.#arrange(
      members.filter((i) => i !== header),
      header,
    );
    return { block: this.#starts[header] as number, body, members: new Set(members.map((i) => this.#starts[i] as number)) };
  }

  /**
   * A loop that is only entered from without could begin at any of its entries: one that leaves less of it in loops than the first does, where another would take turns
   * through two headers, but none that is in an innermost loop, which is to stay one. `loop`: as it is if it begins at the first.
   */
  #betterHeader(candidates: readonly number[], members: readonly number[], loop: Item): number | undefined {
    if (candidates.length < 2) return undefined;
    const kept = new Set([...innermost([loop])].flatMap((item) => [...item.members]));
    let header: number | undefined;
    let least = this.#loopingWithout(candidates[0] as number, members);
    for (const candidate of candidates.slice(1, CANDIDATES_MAX)) {
      if (kept.has(this.#starts[candidate] as number)) continue;
      const rest = this.#loopingWithout(candidate, members);
      if (rest >= least) continue;
      header = candidate;
      least = rest;
    }
    return header;
  }

  /** How many members of a loop are in loops if one of them is left out. */
  #loopingWithout(candidate: number, members: readonly number[]): number {
    const sequence = ++this.#sequences;
    const others = members.filter((i) => i !== candidate);
    for (const i of others) this.#sequence[i] = sequence;
    this.#sequence[candidate] = 0;
    let count = 0;
    for (const component of this.#connected.of(others, sequence)) {
      const first = component[0] as number;
      if (component.length > 1 || (this.#edges[first] as readonly number[]).includes(first)) count += component.length;
    }
    return count;
  }
}

/** Takes the component with the lowest block out of `ready`. */
function takeLowest(ready: number[], components: readonly (readonly number[])[]): number {
  const lowest = (k: number): number => (components[ready[k] as number] as readonly number[])[0] as number;
  let best = 0;
  for (let k = 1; k < ready.length; k++) if (lowest(k) < lowest(best)) best = k;
  return ready.splice(best, 1)[0] as number;
}

/** Tarjan's algorithm (R. Tarjan, Depth-first search and linear graph algorithms, 1972), with a stack of its own. */
class ConnectedComponents {
  readonly #edges: readonly (readonly number[])[];
  readonly #sequence: Int32Array;
  /** Order in which nodes were found, from 1; 0: not yet. */
  readonly #found: Int32Array;
  readonly #low: Int32Array;
  readonly #isOpen: Uint8Array;
  /** The edge of each node to follow next. */
  readonly #next: Int32Array;
  #open: number[] = [];
  #path: number[] = [];
  #count = 0;

  constructor(edges: readonly (readonly number[])[], sequence: Int32Array) {
    this.#edges = edges;
    this.#sequence = sequence;
    this.#found = new Int32Array(edges.length);
    this.#low = new Int32Array(edges.length);
    this.#isOpen = new Uint8Array(edges.length);
    this.#next = new Int32Array(edges.length);
  }

  /** Of `nodes`, which are those in a sequence. */
  of(nodes: readonly number[], sequence: number): number[][] {
    for (let k = 0; k < nodes.length; k++) this.#found[nodes[k] as number] = 0;
    this.#count = 0;
    const components: number[][] = [];
    for (let k = 0; k < nodes.length; k++) {
      if (this.#found[nodes[k] as number] !== 0) continue;
      this.#enter(nodes[k] as number);
      while (this.#path.length > 0) this.#step(sequence, components);
    }
    return components;
  }

  #enter(node: number): void {
    this.#found[node] = ++this.#count;
    this.#low[node] = this.#count;
    this.#next[node] = 0;
    this.#isOpen[node] = 1;
    this.#open.push(node);
    this.#path.push(node);
  }

  /** Follows one edge of the last node on the path, or leaves the node. */
  #step(sequence: number, components: number[][]): void {
    const node = this.#path.at(-1) as number;
    const edges = this.#edges[node] as readonly number[];
    const next = this.#next[node] as number;
    if (next < edges.length) {
      this.#next[node] = next + 1;
      const to = edges[next] as number;
      if (this.#sequence[to] !== sequence) return;
      if (this.#found[to] === 0) this.#enter(to);
      else if (this.#isOpen[to] === 1) this.#lower(node, this.#found[to] as number);
      return;
    }
    this.#path.pop();
    const parent = this.#path.at(-1);
    if (parent !== undefined) this.#lower(parent, this.#low[node] as number);
    if (this.#low[node] === this.#found[node]) components.push(this.#close(node));
  }

  #lower(node: number, low: number): void {
    if (low < (this.#low[node] as number)) this.#low[node] = low;
  }

  /** What was found since `node`. */
  #close(node: number): number[] {
    const members = this.#open.splice(this.#open.lastIndexOf(node));
    for (let k = 0; k < members.length; k++) this.#isOpen[members[k] as number] = 0;
    return members;
  }
}
