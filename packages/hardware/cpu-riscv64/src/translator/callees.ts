import { KEYS } from './inlining.ts';
import type { Op } from './op.ts';
import { type Block, type End, REGION_BLOCKS_MAX, type ReachedCode, type Region, redirected, withBlocks } from './region.ts';

/**
 * Calls of addresses known only at run time that were seen to call one function, or a few: a sort's comparison, a method that only one class has. Such a
 * call looks whether the address is one of those, and calls it as if the code said so: without looking for it, and with a copy of it in its
 * place if it is small (inlining.ts).
 *
 *     … block      what is in front of the call
 *     expecting    compares the register with an address; if it is another, the next one of these, or the call
 *     expected     the call, of that address
 *     call         the call, of what is in the register
 */

/** Keys, in fractions of a byte behind the call's address, are so far apart for one expected call and the next: there is room for copies of what they call. */
const APART = 128;
const RA = 1;

type Call = End & { kind: 'callIndirect' };

/** What a translator sees of the guest's code, and of what it did. */
export interface ObservedCode extends ReachedCode {
  /** What a call of addresses known only at run time was seen to call; nothing if that is not known, or too much. */
  readonly calleesOf: (pc: number) => readonly number[];
}

/** The region with calls of what is expected. */
export function expectCallees(region: Region, { calleesOf }: Pick<ObservedCode, 'calleesOf'>): Region {
  const blocks = new Map(region.blocks);
  /** By call that is a block of its own, where it begins instead. */
  const begins = new Map<number, number>();
  for (const block of region.blocks.values()) {
    const call = block.ops.at(-1);
    if (call === undefined || !isPredictable(block, call)) continue;
    const callees = calleesOf(call.pc);
    if (callees.length === 0 || blocks.size + 1 + 2 * callees.length > REGION_BLOCKS_MAX) continue;
    const first = expect(blocks, block, call, callees);
    if (block.ops.length === 1) begins.set(block.start, first);
    else blocks.set(block.start, { ...block, ops: block.ops.slice(0, -1), end: { kind: 'go', to: first } });
  }
  if (blocks.size === region.blocks.size) return region;
  for (const [pc, block] of blocks) {
    if (block.end.kind !== 'expect') blocks.set(pc, { ...block, end: redirected(block.end, (to) => begins.get(to) ?? to) });
  }
  return withBlocks(region, blocks);
}

/** By call, what a region expects to be called. */
export function expectedCallees({ blocks }: Region): ReadonlyMap<number, readonly number[]> {
  const all = new Map<number, Set<number>>();
  for (const { address, end } of blocks.values()) {
    if (end.kind === 'expect') all.set(address, (all.get(address) ?? new Set()).add(end.callee));
  }
  return new Map([...all].map(([call, callees]) => [call, [...callees]]));
}

/** Whether a register holds the address that is called, before the call and behind it. */
const isPredictable = ({ end }: Block, { rd, rs1, imm }: Op): boolean =>
  end.kind === 'callIndirect' && rd === RA && rs1 !== RA && rs1 !== 0 && imm === 0;

/** Adds what is to be instead of a block's call, and gives where that begins. */
function expect(blocks: Map<number, Block>, { end }: Block, call: Op, callees: readonly number[]): number {
  const { pc: address, rs1: register } = call;
  const keyFor = (n: number): number => address + n / KEYS;
  let next = address;
  blocks.set(address, { start: address, address, ops: [call], end });
  for (const [i, callee] of [...callees.entries()].toReversed()) {
    const [expected, expecting] = [keyFor(i * APART + 1), keyFor((i + 1) * APART - 1)];
    blocks.set(expected, { start: expected, address, ops: [call], end: { kind: 'call', to: callee, next: (end as Call).next } });
    blocks.set(expecting, { start: expecting, address, ops: [], end: { kind: 'expect', register, callee, likely: expected, next } });
    next = expecting;
  }
  return next;
}
