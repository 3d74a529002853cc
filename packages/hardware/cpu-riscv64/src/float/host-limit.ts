import { FAST_FCSR } from '../isa/rounding.ts';
import * as Layout from '../layout.ts';
import type { Code } from '../wasm/code.ts';
import { type I32, i32, i64 } from '../wasm/expression.ts';
import { Rounding } from './format.ts';
import { HOST_LIMIT64 } from './plain.ts';

const zero = i32.const(0);

/**
 * Sets the limit for the host's results from fcsr: whether dynamic rounding is to nearest, and inexact is raised. It is in memory, as a local that may
 * change in each operation would be one more value to keep for all that follow.
 */
export function writeHostLimit(code: Code): void {
  const fast = i32.eq(i32.and(i32.load(zero, Layout.FCSR), i32.const(0xe1)), i32.const(FAST_FCSR));
  code.store('i64', zero, i64.select(fast, HOST_LIMIT64, i64.const(0)), Layout.HOST_LIMIT);
}

/** Whether the dynamic rounding mode of fcsr is one that instructions trap on: regions that would look are left to the interpreter. */
export const isIllegalMode = (fcsr: I32): I32 => i32.geU(fcsr, i32.const((Rounding.NEAREST_MAX_MAGNITUDE + 1) << 5));
