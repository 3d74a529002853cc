import * as Layout from '../layout.ts';
import type { Code, Local } from '../wasm/code.ts';
import { i32 } from '../wasm/expression.ts';
import { flowsTo, type Lifetimes, loadedFirst, none } from './lifetimes.ts';
import { addWritten, singlesRead, writesSingle } from './operands.ts';
import { type Block, comesBackTo, type Region } from './region.ts';

/**
 * Registers that are held as singles. A register that is read as a single anywhere in a region has a second local with its value as that, so that it
 * need not be unboxed each time. The first local, with all 64 bits, is kept as it is for other registers: nothing else needs to know.
 */

/** Sets of registers, a bit each. */
export interface Singles {
  /** The second local is the value that single-precision instructions see: the canonical NaN if the register does not hold a boxed single. */
  readonly known: number;
  /** And the register does hold it, boxed. */
  readonly boxed: number;
}

export interface SinglesFlow {
  /** Registers that have a second local. */
  readonly read: number;
  /** What is known when a block begins. */
  readonly start: ReadonlyMap<number, Singles>;
}

export const NO_SINGLES: Singles = { known: 0, boxed: 0 };

export const afterSingle = ({ known, boxed }: Singles, rd: number): Singles => ({ known: known | (1 << rd), boxed: boxed | (1 << rd) });
export const afterDouble = ({ known, boxed }: Singles, rd: number): Singles => ({ known: known & ~(1 << rd), boxed: boxed & ~(1 << rd) });
/** Writes a single to a register in memory, boxed. In two halves, which takes the host less than to put them together. */
export function storeBoxed(code: Code, r: number, single: Local<'f32'>): void {
  const [zero, at] = [i32.const(0), Layout.F + r * 8];
  code.store('f32', zero, single, at);
  code.store('i32', zero, i32.const(-1), at + 4);
}

const common = (a: Singles, b: Singles): Singles => ({ known: a.known & b.known, boxed: a.boxed & b.boxed });
const loaded = (f: number): Singles => ({ known: f, boxed: 0 });

/** `needed`: what is loaded, and unboxed with that, where the region is entered and where a call comes back. */
export function flowOfSingles(region: Region, order: readonly number[], needed: Lifetimes['needed']): SinglesFlow {
  let read = 0;
  for (const { ops } of region.blocks.values()) for (const op of ops) read |= singlesRead(op);
  const start = new Map<number, Singles>();
  for (const pc of order) start.set(pc, { known: read, boxed: read });
  if (read === 0) return { read, start };
  const narrow = (pc: number, more: Singles): boolean => {
    const before = start.get(pc) as Singles;
    const both = common(before, more);
    start.set(pc, both);
    return both.known !== before.known || both.boxed !== before.boxed;
  };
  for (const pc of region.entries) narrow(pc, loaded(read & loadedFirst(region, needed).f));
  for (let changed = true; changed; ) {
    changed = false;
    for (const pc of order) {
      const block = region.blocks.get(pc) as Block;
      const after = follow(block, start.get(pc) as Singles, read);
      for (const to of flowsTo(region, block)) if (narrow(to, after)) changed = true;
      const back = comesBackTo(region, block);
      if (back !== undefined && narrow(back, loaded(read & (needed.get(back)?.f ?? 0)))) changed = true;
    }
  }
  return { read, start };
}

function follow({ ops }: Block, before: Singles, read: number): Singles {
  let now = before;
  for (const op of ops) {
    const written = none();
    addWritten(op, written);
    if ((written.f & read) === 0) continue;
    now = writesSingle(op.row) ? afterSingle(now, op.rd) : afterDouble(now, op.rd);
  }
  return now;
}
