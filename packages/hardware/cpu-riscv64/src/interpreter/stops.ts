// Not with what writes WebAssembly: a command that was bundled with the modules generated loads none of that.

/** Why the interpreter returned to its host. */
export const Stop = {
  /** No fuel left. */
  BUDGET: 0,
  /** The trap handler said so, or an access or fetch failed; the host knows which. */
  HOST: 1,
  /** The pc is not a 32-bit address. */
  WILD: 2,
  /** The call is finished that translated code waits for: never seen by the host. */
  BACK: 3,
} as const;

/**
 * Why translated code came back. All registers and FUEL are in memory then. An even answer is the address that the guest's function returned to, all 64
 * bits of it; jumps clear bit 0, so an odd one says something else: that there is no translated code to go on with, or that an instruction is for the
 * interpreter. See leaveAt in agreement.ts.
 */
export const Left = {
  /** Go on there. */
  GO_ON: 0,
  /** The instruction there is for the interpreter. */
  INTERPRET: 1,
  /** There is no 32-bit address. */
  WILD: 2,
  /** As INTERPRET, because less fuel is left than the way to the next look at it may need. */
  FUEL: 3,
} as const;
