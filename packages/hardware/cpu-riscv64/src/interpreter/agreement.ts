/** What translated code returns, its registers, PC and FUEL in memory again. */
export const Left = {
  /** Go on at PC. */
  GO_ON: 0,
  /** The instruction at PC is for the interpreter. */
  INTERPRET: 1,
  /** PC is not a 32-bit address. */
  WILD: 2,
  /** As INTERPRET, because less fuel is left than the way to the next look at it may need. */
  FUEL: 3,
} as const;

/** Prefix of the names under which the interpreter exports its helpers, for translated code. */
export const HELPER_EXPORT = 'helper.';
