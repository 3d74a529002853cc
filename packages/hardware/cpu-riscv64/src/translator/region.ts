import { PAGE_SHIFT } from '../layout.ts';
import { decodeAt, type Op } from './op.ts';

/**
 * What is translated together: basic blocks reached from a few addresses by branches and by falling through. Calls and returns end blocks; the
 * place a call returns to is reached too, so a region tends to be one guest function.
 */

/** Most instructions of a region: larger functions are cut, and their parts jump to each other as functions do. */
export const REGION_INSTRUCTIONS_MAX = 1500;
export const REGION_BLOCKS_MAX = 300;
/** Most entries: each costs a case of the region's dispatch. */
export const REGION_ENTRIES_MAX = 200;
/** An unconditional jump farther than this is taken for one to another function. */
const JUMP_MAX = 4096;

/** How a block ends. Addresses are of blocks of the region, or of code outside; `next`: where a call comes back to. */
export type End =
  | { readonly kind: 'go'; readonly to: number }
  | { readonly kind: 'branch'; readonly to: number; readonly next: number }
  | { readonly kind: 'call'; readonly to: number; readonly next: number }
  | { readonly kind: 'callIndirect'; readonly next: number }
  /** A system call: a call of the kernel. */
  | { readonly kind: 'system'; readonly next: number }
  | { readonly kind: 'return' }
  // Of copied functions: see inlining.ts.
  /** What is not copied of one is called, to come back behind the call of the function. */
  | { readonly kind: 'rest'; readonly to: number; readonly next: number }
  /** A return, which leads to `next` unless the guest changed the address that it kept. */
  | { readonly kind: 'back'; readonly next: number }
  /** A jump to another function, known only at run time. */
  | { readonly kind: 'tail' }
  | { readonly kind: 'jumpIndirect' }
  /** Of calls that are expected to call one function: to `likely` if a register holds its address; see callees.ts. */
  | { readonly kind: 'expect'; readonly register: number; readonly callee: number; readonly likely: number; readonly next: number }
  // Of loops in two versions: see versions.ts.
  | { readonly kind: 'begin'; readonly first: number; readonly admission: number }
  | { readonly kind: 'admit'; readonly gate: number; readonly header: number }
  | { readonly kind: 'gate'; readonly steady: number; readonly admission: number };

export interface Block {
  /** Its key: the address of its code, or of blocks that are copies or have none, a number that no address is. */
  readonly start: number;
  /** Of its code; of blocks without any, where they lead. */
  readonly address: number;
  /** The last one is the branch or jump, if the block ends with one. */
  readonly ops: readonly Op[];
  readonly end: End;
}

/** Some addresses. */
export type Addresses = Pick<ReadonlySet<number>, 'has'>;

export interface Region {
  /** By ascending key. */
  readonly blocks: ReadonlyMap<number, Block>;
  /** Of other functions, the blocks that it has copies of; see inlining.ts. */
  readonly copied: readonly Block[];
  /** Addresses where it may be entered, each a block's start. */
  readonly entries: readonly number[];
  /** Where it was seen to run often; undefined: nobody looked. Loops that begin there are worth more than others. */
  readonly hot: Addresses | undefined;
  /** Blocks of the region that may run directly after each of its blocks. */
  readonly successors: ReadonlyMap<number, readonly number[]>;
}

/** What a translator sees of the guest's code. */
export interface ReachedCode {
  /** The halfword at an address, or −1 where code may not be executed or is not present. */
  readonly half: (pc: number) => number;
  /** Whether the instruction was ever reached: code that never was is left out. */
  readonly reached: (pc: number) => boolean;
}

/** What exploring sees of it. */
export interface CodeView extends ReachedCode {
  /** Whether another region has an instruction at this address, so that this one ends there. */
  readonly taken: (pc: number) => boolean;
}

/** How `op` ends a block; `before`: the instruction in front of it in the block, which may say where an indirect jump goes. */
export function endOf(op: Op, before: Op | undefined): End | undefined {
  const { pc, length, row, imm, rd, rs1 } = op;
  const next = pc + length;
  const to = (pc + imm) >>> 0;
  if (row.format === 'B') return { kind: 'branch', to, next };
  if (row.format === 'J') return isLink(rd) ? { kind: 'call', to, next } : { kind: 'go', to };
  if (row.name === 'ecall') return { kind: 'system', next };
  if (row.name !== 'jalr') return undefined;
  const far = before?.row.name === 'auipc' && before.rd === rs1 && rs1 !== 0 ? before.pc + before.imm + imm : -1;
  if (far >= 0 && far < 2 ** 32 && far % 2 === 0) {
    return isLink(rd) ? { kind: 'call', to: far, next } : { kind: 'go', to: far };
  }
  if (isLink(rd)) return { kind: 'callIndirect', next };
  if (rd !== 0) return { kind: 'tail' };
  return isLink(rs1) ? { kind: 'return' } : { kind: 'jumpIndirect' };
}

/** Whether an unconditional jump stays within a function. */
export const isNear = (pc: number, to: number): boolean => Math.abs(to - pc) <= JUMP_MAX;

/** Whether a register holds return addresses, by the ISA manual's hints for return-address stacks; a PLT's `jalr t1, t3` is no call. */
const isLink = (register: number): boolean => register === 1 || register === 5;

/** Reads instructions from the seeds on, breadth first, until the caps. */
class Explorer {
  readonly ops = new Map<number, Op>();
  readonly leaders = new Set<number>();
  readonly resumes = new Set<number>();
  readonly #view: CodeView;
  readonly #most: number;
  readonly #queue: number[] = [];

  /** `most`: instructions. */
  constructor(view: CodeView, most: number) {
    this.#view = view;
    this.#most = most;
  }

  explore(seeds: readonly number[]): void {
    for (const pc of seeds) this.#reach(pc);
    for (let i = 0; i < this.#queue.length; i++) this.#walk(this.#queue[i] as number);
  }

  #reach(pc: number): void {
    if (this.leaders.has(pc)) return;
    if (!this.ops.has(pc) && (this.leaders.size >= REGION_BLOCKS_MAX || this.#view.taken(pc))) return;
    this.leaders.add(pc);
    this.#queue.push(pc);
  }

  #walk(start: number): void {
    let before: Op | undefined;
    for (let pc = start; ; ) {
      if (this.ops.has(pc)) {
        this.leaders.add(pc);
        return;
      }
      if (this.ops.size >= this.#most || this.#view.taken(pc)) return;
      const op = decodeAt(this.#view.half, pc);
      if (op === undefined) return;
      this.ops.set(pc, op);
      const end = endOf(op, before);
      before = op;
      pc += op.length;
      if (end === undefined) continue;
      if (end.kind === 'go' && isNear(op.pc, end.to)) this.#reach(end.to);
      if (end.kind === 'branch') {
        if (this.#view.reached(end.next)) this.#reach(end.next);
        if (this.#view.reached(end.to)) this.#reach(end.to);
      }
      if (end.kind === 'call' || end.kind === 'callIndirect') this.#reach(end.next);
      if (end.kind === 'system') this.#resume(end.next);
      return;
    }
  }

  /** The region is entered anew where a system call that had to wait comes back; where a call does, only if that turns out to be hot. */
  #resume(pc: number): void {
    this.#reach(pc);
    this.resumes.add(pc);
  }
}

/** The region that is reached from `seeds`, of at most so many instructions; undefined if nothing can be translated there. */
export function exploreRegion(
  view: CodeView,
  seeds: readonly number[],
  hot?: Addresses,
  most: number = REGION_INSTRUCTIONS_MAX,
): Region | undefined {
  const explorer = new Explorer(view, most);
  explorer.explore(seeds);
  const { ops, leaders } = explorer;
  const blocks = new Map<number, Block>();
  for (const start of [...leaders].sort((a, b) => a - b)) {
    if (!ops.has(start)) continue;
    blocks.set(start, blockFrom(ops, leaders, start));
  }
  const wanted = new Set([...seeds, ...explorer.resumes, ...loopTargets(blocks)]);
  const entries = [...wanted].filter((pc) => blocks.has(pc)).slice(0, REGION_ENTRIES_MAX);
  if (entries.length === 0) return undefined;
  return {
    blocks,
    copied: [],
    entries: entries.sort((a, b) => a - b),
    hot,
    successors: allSuccessors(blocks),
  };
}

/** The block that begins at `start`, of instructions that were read: it ends with a branch or jump, where another one begins, or where nothing more was read. */
export function blockFrom(ops: ReadonlyMap<number, Op>, leaders: ReadonlySet<number>, start: number): Block {
  const list: Op[] = [];
  for (let pc = start; ; ) {
    const op = ops.get(pc);
    if (op === undefined) return { start, address: start, ops: list.slice(), end: { kind: 'go', to: pc } };
    const end = endOf(op, list.at(-1));
    list.push(op);
    pc += op.length;
    // A copy has no room to grow: a batch has tens of thousands of them.
    if (end !== undefined) return { start, address: start, ops: list.slice(), end };
    if (leaders.has(pc)) return { start, address: start, ops: list.slice(), end: { kind: 'go', to: pc } };
  }
}

/** Instructions of blocks. */
export function instructionsOf(blocks: Iterable<Block>): number {
  let count = 0;
  for (const { ops } of blocks) count += ops.length;
  return count;
}

/** Blocks that are copies of others. */
export const copiesIn = (blocks: Iterable<Block>): readonly Block[] => [...blocks].filter(({ start, address }) => start !== address);

/** Pages that hold any byte of blocks, ascending. */
export function pagesOf(blocks: Iterable<Block>): readonly number[] {
  const pages = new Set<number>();
  for (const { ops } of blocks) for (const { pc, length } of ops) pages.add(pc >>> PAGE_SHIFT).add((pc + length - 1) >>> PAGE_SHIFT);
  return [...pages].sort((a, b) => a - b);
}

/** Targets of backward branches: where a loop that ran out of fuel is entered again. */
function* loopTargets(blocks: ReadonlyMap<number, Block>): Generator<number> {
  for (const { start, end } of blocks.values()) {
    if ((end.kind === 'go' || end.kind === 'branch') && end.to <= start) yield end.to;
  }
}

/** Where a function of a module is entered: at which of a region's entries, counted from 1. */
export interface Way {
  /** Of the region in its module. */
  readonly region: number;
  readonly way: number;
}

/** Entries of regions that are translated together, by address. */
export function waysInto(regions: readonly Region[]): ReadonlyMap<number, Way> {
  const ways = new Map<number, Way>();
  for (const [region, { entries }] of regions.entries()) {
    for (const [k, pc] of entries.entries()) if (!ways.has(pc)) ways.set(pc, { region, way: k + 1 });
  }
  return ways;
}

/** An end whose ways within the function lead elsewhere. */
export function redirected(end: End, to: (pc: number) => number): End {
  switch (end.kind) {
    case 'go':
      return { ...end, to: to(end.to) };
    case 'branch':
      return { ...end, to: to(end.to), next: to(end.next) };
    case 'expect':
      return { ...end, likely: to(end.likely), next: to(end.next) };
    case 'call':
    case 'callIndirect':
    case 'system':
    case 'rest':
    case 'back':
      return { ...end, next: to(end.next) };
    default:
      return end;
  }
}

/** Addresses outside of its blocks that a region calls or goes to, as far as its instructions say. */
export function* leadsTo({ blocks }: Region): Generator<number> {
  for (const { end } of blocks.values()) {
    if (end.kind === 'go' || end.kind === 'branch' || end.kind === 'call' || end.kind === 'rest') yield end.to;
    if (end.kind === 'branch') yield end.next;
  }
}

/** Whether the region jumps, not as a call or return, to addresses known only at run time. */
export const switches = ({ blocks }: Region): boolean => [...blocks.values()].some(({ end }) => end.kind === 'jumpIndirect');

/** Whether a block ends with a call. */
export const calls = ({ end }: Block): boolean => isCall(end);

/** Whether a block has no code of the guest, and only decides where it goes on: see versions.ts and callees.ts. */
export const decides = ({ end }: Block): boolean =>
  end.kind === 'begin' || end.kind === 'admit' || end.kind === 'gate' || end.kind === 'expect';

/**
 * Whether a block looks at the fuel when it begins, as all `checkpoints` do, or what they lead to: headers of larger loops (separation.ts) have no code and lead to a block
 * that looks, as a rule, and where versions of loops begin it is looked in other ways (gates.ts).
 */
export function looksAtFuel({ start, ops, end }: Block, checkpoints: Addresses): boolean {
  if (!checkpoints.has(start)) return false;
  return ops.length > 0 || end.kind === 'expect' || (end.kind === 'go' && !checkpoints.has(end.to));
}

/** Where the call that a block ends with comes back to in the region. */
export function comesBackTo({ blocks }: Region, { end }: Block): number | undefined {
  return isCall(end) && blocks.has(end.next) ? end.next : undefined;
}

type Call = End & { kind: 'call' | 'callIndirect' | 'system' | 'rest' };

const isCall = (end: End): end is Call =>
  end.kind === 'call' || end.kind === 'callIndirect' || end.kind === 'system' || end.kind === 'rest';

/** Where calls of the region come back to. */
export function* returns(region: Region): Generator<number> {
  for (const block of region.blocks.values()) {
    const next = comesBackTo(region, block);
    if (next !== undefined) yield next;
  }
}

/** Blocks of the region that may run directly after this one. */
export const successors = (region: Region, { start }: Block): readonly number[] => region.successors.get(start) as readonly number[];

/** The region with other blocks, in any order. */
export function withBlocks(region: Region, blocks: ReadonlyMap<number, Block>): Region {
  const sorted = new Map([...blocks].sort(([a], [b]) => a - b));
  return { ...region, blocks: sorted, successors: allSuccessors(sorted) };
}

/** Of each block those of `blocks` that may run directly after it. */
const allSuccessors = (blocks: ReadonlyMap<number, Block>): ReadonlyMap<number, readonly number[]> =>
  new Map([...blocks.values()].map((block) => [block.start, successorsOf(blocks, block)]));

function successorsOf(blocks: ReadonlyMap<number, Block>, { end }: Block): readonly number[] {
  const { to, next } = ends(end);
  const first = to !== undefined && blocks.has(to) ? [to] : [];
  return next !== undefined && next !== to && blocks.has(next) ? [...first, next] : first;
}

/** Where control goes on behind a block without leaving the function. */
function ends(end: End): { to?: number; next?: number } {
  switch (end.kind) {
    case 'go':
      return { to: end.to };
    case 'branch':
      return { to: end.to, next: end.next };
    case 'call':
    case 'callIndirect':
    case 'system':
    case 'rest':
    case 'back':
      return { next: end.next };
    case 'expect':
      return { to: end.likely, next: end.next };
    case 'begin':
      return { to: end.first, next: end.admission };
    case 'admit':
      return { to: end.gate, next: end.header };
    case 'gate':
      return { to: end.steady, next: end.admission };
    default:
      return {};
  }
}
