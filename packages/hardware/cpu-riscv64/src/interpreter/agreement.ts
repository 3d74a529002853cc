/** Why translated code came back, in LEFT; its answer is where to go on, and all registers and FUEL are in memory. */
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

/** Prefix of the names under which the interpreter exports its helpers, for translated code. */
export const HELPER_EXPORT = 'helper.';
