import * as Layout from '../layout.ts';
import type { Code } from '../wasm/code.ts';
import { type I32, i32 } from '../wasm/expression.ts';
import { writeHostLimit } from './host-limit.ts';

/** Raises exception flags, which stay until they are written: most are raised already. The limit for the host's results is right after it. */
export function raise(code: Code, flags: I32): void {
  const before = code.let(i32.load(i32.const(0), Layout.FCSR));
  const after = code.let(i32.or(before, flags));
  code.ifRarely(i32.ne(before, after), () => {
    code.store('i32', i32.const(0), after, Layout.FCSR);
    writeHostLimit(code);
  });
}

/** Raises a flag if a condition holds, 1 or 0, which need not be one that the host foresees. */
export const raiseIf = (code: Code, condition: I32, flag: number): void => raise(code, i32.mul(condition, i32.const(flag)));
