import { ADDRESS_MASKS, PAGE_SHIFT, PERMS } from '../layout.ts';
import type { Code, Label } from '../wasm/code.ts';
import { type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import type { Access } from './accesses.ts';

/** The permission byte of the page of an address. The index is taken from its low half, so that it is always within the table. */
export const flagsAt = (place: I32): I32 => i32.load8u(i32.shrU(place, i32.const(PAGE_SHIFT)), PERMS);

/** What the pages of the first and the last byte both allow. If the first is below 4 GiB and the last is not, that one wraps to the lowest page, which is never mapped. */
export function flagsOfBoth(base: I64, { low, high }: Access): I32 {
  const place = i32.wrap(base);
  return i32.and(flagsAt(i32.add(place, i32.const(low))), flagsAt(i32.add(place, i32.const(high))));
}

/** Whether an address is 4 GiB or more, or not a multiple of `bytes`, a power of two up to 8. */
export const isMisplaced = (address: I64, bytes: number): I32 =>
  i64.ne(i64.and(address, i64.load(i32.const(0), ADDRESS_MASKS + 8 * Math.log2(bytes))), i64.const(0));

/** Goes to `bad` unless all of an access is allowed. `base`: written several times. */
export function requireAccess(code: Code, base: I64, access: Access, bad: Label): void {
  code.brIf(bad, isMisplaced(i64.add(base, i64.const(access.low)), 1), false);
  code.brIf(bad, i32.eqz(i32.and(flagsOfBoth(base, access), i32.const(access.right))), false);
}
