import type { GuestAddress, Trap } from '@ashlar/hardware';

/** The one record of a context, overwritten by each trap. */
export interface TrapRecord {
  cause: Trap['cause'];
  address: GuestAddress;
  access: Trap['access'];
  reason: Trap['reason'];
}

export const newTrap = (): TrapRecord => ({ cause: 'syscall', address: 0 as GuestAddress, access: 'execute', reason: 'none' });

/** What a fault of the program itself is, as saved. */
export type FaultKind = 'memory' | 'stack' | 'illegal' | 'nomemory';

/**
 * Tells a fault of the program (a wasm trap, the host's stack used up) from an error of the host, by what the engine threw.
 * Engines word messages differently; what is not recognised as a memory access is `illegal`.
 */
export function faultOf(error: unknown): FaultKind | undefined {
  if (error instanceof RangeError || (error instanceof Error && error.message === 'too much recursion')) return 'stack';
  if (!(error instanceof WebAssembly.RuntimeError)) return undefined;
  if (/stack/i.test(error.message)) return 'stack';
  return /memory|index out of bounds/i.test(error.message) ? 'memory' : 'illegal';
}

/** Fills the record; the engine does not tell where the access was, so the address is 0. */
export function describeFault(trap: TrapRecord, kind: FaultKind): void {
  trap.address = 0 as GuestAddress;
  trap.cause = kind === 'illegal' ? 'illegal' : kind === 'nomemory' ? 'nomemory' : 'fault';
  trap.access = kind === 'illegal' ? 'execute' : 'write';
  trap.reason = kind === 'memory' || kind === 'stack' ? 'unmapped' : 'none';
}
