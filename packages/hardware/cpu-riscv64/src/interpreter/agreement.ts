import { type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import type { FINISH_CALL, SYSTEM_CALL } from './exports.ts';
import { Left } from './stops.ts';

/** What translated code takes, and what it calls: the types of the parameters. */
export const Params = {
  /** Of a region's function (translator/emit.ts): way, depth, fuel. */
  region: ['i32', 'i32', 'i32'],
  /** Of {@link FINISH_CALL}: answer, address that the call returns to, depth, fuel. */
  finishCall: ['i64', 'i32', 'i32', 'i32'],
  /** Of {@link SYSTEM_CALL}: address, fuel. */
  systemCall: ['i32', 'i32'],
} as const;
/** What each of them returns: the answer, and the fuel that is left. */
export const RESULTS = ['i64', 'i32'] as const;

/** In the place of a reason: nothing goes on, since the interpreter stopped while it finished a call. PC is in memory, and why in STOPPED. */
const STOPPED = 4;
export const stoppedAnswer: I64 = i64.words(STOPPED << 16, 1);

/** What the interpreter makes of an answer: a reason, or one of these. */
export const Settled = {
  ...Left,
  STOPPED,
  /** It is the address that a call returns to, and translated code waits there. */
  BACK: 5,
} as const;

/** What the high half of an odd answer holds, above the address: instructions that FUEL is to get back, and the reason above them. */
export const Answer = { REST_MASK: 0xffff, REASON_SHIFT: 16 } as const;

/** The answer that leaves the instruction at `pc` to the interpreter. `rest`: instructions that FUEL was charged and that were not executed. */
export function leaveAt(pc: number, reason: typeof Left.INTERPRET | typeof Left.FUEL, rest: number): I64 {
  return i64.words((reason << Answer.REASON_SHIFT) | rest, pc | 1);
}

/** The answer to go on at an address, where no function returns to it. One of more than 32 bits stands for itself: nobody goes on there. */
export function goOnAt(pc: I64): I64 {
  if (pc.value !== undefined) return i64.const(pc.value + 1);
  return i64.select(i64.eqz(i64.shrU(pc, i64.const(32))), i64.or(pc, i64.const(1)), pc);
}

/** Whether an answer is more than the address that a function returned to. */
export const isOdd = (answer: I64): I32 => i32.and(i32.wrap(answer), i32.const(1));
