import type { Machine, PluginRef } from '@ashlar/hardware';
import type { Interposer } from '@ashlar/hypervisor';

/** A layer that sees what a domain asks for, and how another thread loads the same. */
export interface Tap {
  readonly interposer: Interposer;
  /** undefined: it cannot go behind a thread edge. */
  readonly ref: PluginRef | undefined;
}

/**
 * Machines that hypervisors of this library give to their domains say which layers look at them, outermost (closest to the hardware) first.
 * Levels above link the same layers into their own domains, so that flattening does not link past somebody who asked to look.
 */
export const TAPS = Symbol.for('ashlar/1/taps');

export function tapsOf(machine: Machine): readonly Tap[] {
  return (machine as { readonly [TAPS]?: readonly Tap[] })[TAPS] ?? [];
}
