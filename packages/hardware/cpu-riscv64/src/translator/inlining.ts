import { decodeAt, type Op } from './op.ts';
import {
  type Block,
  blockFrom,
  calls,
  type End,
  endOf,
  instructionsOf,
  isNear,
  REGION_BLOCKS_MAX,
  type ReachedCode,
  type Region,
  withBlocks,
} from './region.ts';

/**
 * Small functions translated within their callers: a call of one is followed by a copy of its blocks, whose returns go on behind the call. The instructions
 * are the same, so nobody can tell; but registers stay in locals, and what is known of them and of memory stays known. What was never reached of a function is
 * not copied: where a copy leads there, the rest of the function is called, and comes back behind the call of the whole.
 */

/** Most blocks of a function that is copied. */
const BODY_BLOCKS_MAX = 24;
/** A copy's blocks have keys behind that of the call, in fractions of a byte. */
export const KEYS = 256;

const RA = 1;

/** Which calls are followed by copies. */
export interface Inlining {
  /** Most instructions of a function that is copied, and of a region with its copies. */
  readonly most: number;
  readonly regionMost: number;
  /** Whether a function is called often. Those that a loop calls are taken to be. */
  isOften(pc: number): boolean;
}

/** A function that is copied. */
interface Body {
  /** The first is where it begins. */
  readonly blocks: readonly Block[];
  readonly instructions: number;
  /** Whether ra is the same from its beginning on, so that its returns surely lead behind its call. */
  readonly keepsReturnAddress: boolean;
}

/** The region with copies of the small functions that it calls. */
export function inlineCalls(region: Region, view: ReachedCode, { most, regionMost, isOften }: Inlining): Region {
  const bodies = new Map<number, Body | undefined>();
  const loops = [...loopsOf(region)];
  const blocks = new Map(region.blocks);
  const copied = new Set<Block>();
  let instructions = instructionsOf(region.blocks.values());
  for (const block of region.blocks.values()) {
    const { end } = block;
    const op = block.ops.at(-1) as Op;
    if (end.kind !== 'call' || op.rd !== RA || !region.blocks.has(end.next)) continue;
    if (!isOften(end.to) && !loops.some(({ first, last }) => first <= op.pc && op.pc <= last)) continue;
    if (!bodies.has(end.to)) bodies.set(end.to, bodyAt(view, end.to, most));
    const body = bodies.get(end.to);
    if (body === undefined || instructions + body.instructions > regionMost) continue;
    const copies = copiesOf(body, Math.max(block.start, op.pc), end.next);
    if (blocks.size + copies.length > REGION_BLOCKS_MAX) continue;
    blocks.set(block.start, { ...block, end: { kind: 'go', to: (copies[0] as Block).start } });
    for (const copy of copies) blocks.set(copy.start, copy);
    for (const original of body.blocks) copied.add(original);
    instructions += body.instructions;
  }
  if (copied.size === 0) return region;
  return { ...withBlocks(region, blocks), copied: [...copied].sort((a, b) => a.start - b.start) };
}

/** Where loops are, as far as addresses tell: from where a jump backwards leads to where it is. */
function* loopsOf({ blocks }: Region): Generator<{ first: number; last: number }> {
  for (const { start, ops, end } of blocks.values()) {
    if ((end.kind === 'go' || end.kind === 'branch') && end.to <= start) yield { first: end.to, last: ops.at(-1)?.pc ?? start };
  }
}

// ───── reading functions ─────

/** The function at an address as far as it was reached; undefined if that is more than `most` instructions, or no way returns. */
function bodyAt(view: ReachedCode, start: number, most: number): Body | undefined {
  const ops = new Map<number, Op>();
  const leaders = new Set([start]);
  for (const leader of leaders) {
    for (const to of walk(view, leader, ops, most)) leaders.add(to);
    if (leaders.size > BODY_BLOCKS_MAX || ops.size > most) return undefined;
  }
  const blocks = [...leaders].filter((pc) => ops.has(pc)).map((pc) => blockFrom(ops, leaders, pc));
  if (blocks[0]?.start !== start || !blocks.some(({ end }) => end.kind === 'return')) return undefined;
  // A jump that was read behind what makes its address may begin a block of its own, and lead anywhere.
  if (blocks.some((block) => leadsOf(view, block.end, block.ops.at(-1) as Op) === undefined)) return undefined;
  return { blocks, instructions: ops.size, keepsReturnAddress: !blocks.some(changesReturnAddress) };
}

/** What is called, by whichever register, may write all of them, as a kernel may. */
const changesReturnAddress = (block: Block): boolean => calls(block) || block.ops.some(({ uses }) => ((uses.writes.x >>> RA) & 1) !== 0);

/**
 * Reads from `start` to the next branch or jump, or to what is in `known`, and adds that. Gives where it leads within the function; adds nothing
 * if there is too much, or what no copy may have.
 */
function walk(view: ReachedCode, start: number, known: Map<number, Op>, most: number): readonly number[] {
  const ops: Op[] = [];
  for (let pc = start; ops.length <= most; ) {
    if (known.has(pc)) return add(ops, known, [pc]);
    const op = decodeAt(view.half, pc);
    if (op === undefined) return [];
    const end = endOf(op, ops.at(-1));
    ops.push(op);
    if (end !== undefined) return add(ops, known, leadsOf(view, end, op));
    pc += op.length;
  }
  return [];
}

function add(ops: readonly Op[], known: Map<number, Op>, leads: readonly number[] | undefined): readonly number[] {
  if (leads === undefined) return [];
  for (const op of ops) known.set(op.pc, op);
  return leads;
}

/** Where a block leads within its function, as far as was reached; undefined if it ends with what no copy may have. */
function leadsOf({ reached }: ReachedCode, end: End, op: Op): readonly number[] | undefined {
  switch (end.kind) {
    case 'return':
      return op.rs1 === RA && op.imm === 0 ? [] : undefined;
    case 'branch':
      return [end.next, end.to].filter(reached);
    case 'go':
      return isNear(op.pc, end.to) ? [end.to] : undefined;
    case 'call':
    case 'callIndirect':
    case 'system':
      return [end.next].filter(reached);
    default:
      return undefined;
  }
}

// ───── copying them ─────

/** A copy of a function for a call that comes back to `next`. `call`: its address, or of what is expected to be called (callees.ts), its key. */
function copiesOf({ blocks, keepsReturnAddress }: Body, call: number, next: number): readonly Block[] {
  const keys = new Map<number, number>();
  const keyFor = (pc: number): number => {
    const key = call + (keys.size + 1) / KEYS;
    keys.set(pc, key);
    return key;
  };
  for (const { start } of blocks) keyFor(start);
  const rests: Block[] = [];
  const keyOf = (to: number): number => {
    const known = keys.get(to);
    if (known !== undefined) return known;
    const start = keyFor(to);
    rests.push({ start, address: to, ops: [], end: { kind: 'rest', to, next } });
    return start;
  };
  const endFor = (end: End): End => {
    if (end.kind === 'go') return { kind: 'go', to: keyOf(end.to) };
    if (end.kind === 'branch') return { kind: 'branch', to: keyOf(end.to), next: keyOf(end.next) };
    if (end.kind === 'call' || end.kind === 'callIndirect' || end.kind === 'system') return { ...end, next: keyOf(end.next) };
    return keepsReturnAddress ? { kind: 'go', to: next } : { kind: 'back', next };
  };
  const copies = blocks.map((block): Block => ({ ...block, start: keyOf(block.start), end: endFor(block.end) }));
  return [...copies, ...rests];
}
