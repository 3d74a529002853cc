import { ANY_CALLEE, CALLEE_MASK, CALLEES, CALLEES_BYTES, CALLEES_MAX } from '../layout.ts';

/** What the interpreter saw a call to call. `words`: memory of a space. */
export function seenCallees(words: Uint32Array, pc: number): readonly number[] {
  const at = (CALLEES + ((pc << 3) & CALLEE_MASK)) >>> 2;
  const [call, ...callees] = words.subarray(at, at + 1 + CALLEES_MAX);
  return call !== pc || callees[0] === ANY_CALLEE ? [] : callees.filter((callee) => callee !== 0);
}

/** The space ends: the next one's calls are its own. */
export const forgetCallees = (words: Uint32Array): void => void words.fill(0, CALLEES >>> 2, (CALLEES + CALLEES_BYTES) >>> 2);
