/** What a module may be at most. Beyond that it is refused when it is loaded, with a message that names the limit. */
export const MODULE_LIMITS = {
  /** Bytes of the module. */
  bytes: 128 << 20,
  functions: 200_000,
  types: 100_000,
  imports: 4_096,
  exports: 100_000,
  globals: 100_000,
  tables: 16,
  /** Elements of one table, now and after table.grow. */
  tableElements: 1_000_000,
  segments: 200_000,
  /** Words (32 bits each) that the parameters or results of an import may take. */
  importWords: 32,
  params: 1_000,
  results: 1_000,
  /** Parameters and locals of one function. */
  locals: 40_000,
  /** Blocks within blocks. */
  nesting: 50_000,
} as const;
