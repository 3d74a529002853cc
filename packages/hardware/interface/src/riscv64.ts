import type { Context } from './cpu.ts';
import type { GuestAddress } from './value.ts';

/**
 * Registers of a riscv64-user context (RISC-V ISA manual vol. I; psABI names). No bigint: 64-bit values as numbers where they fit, or as two
 * 32-bit halves.
 */
export interface Riscv64Context extends Context {
  readonly isa: 'riscv64-user';
  /** < 2^53; an even number. */
  pc: GuestAddress;
  /** x0 … x31 as a signed 64-bit value rounded to a number: exact within ±2^53. */
  readNumber(register: number): number;
  /** As an unsigned 64-bit value: exact below 2^53. For sizes and addresses. */
  readUnsigned(register: number): number;
  /** Low or high half, as a signed 32-bit integer. */
  readLow(register: number): number;
  readHigh(register: number): number;
  /** Sign-extends an integer within ±2^53 to 64 bits. */
  writeNumber(register: number, value: number): void;
  writeHalves(register: number, low: number, high: number): void;
  /** The address of the last fault, low and high half as signed 32-bit integers: as a number, in {@link Trap}, it is exact within ±2^53 only. */
  readonly faultLow: number;
  readonly faultHigh: number;
  /** x1 … x31 and pc as in Linux `user_regs_struct`: 32 × 8 bytes, pc first. */
  copyGeneralTo(out: Uint8Array): void;
  copyGeneralFrom(from: Uint8Array): void;
  /** f0 … f31 then fcsr, as in Linux `__riscv_d_ext_state`: 32 × 8 + 4 bytes. */
  copyFloatTo(out: Uint8Array): void;
  copyFloatFrom(from: Uint8Array): void;
}
