/** A function of a program file. Addresses as the file has them. */
export interface FunctionSymbol {
  readonly name: string;
  readonly start: number;
  /** One past its last byte; the next function's start where the file does not say. */
  readonly end: number;
}
