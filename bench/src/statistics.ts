/** Middle value of a sample that is not empty. */
export function median(sample: readonly number[]): number {
  const sorted = [...sample].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** The n-th root of the product of n positive numbers. NaN for none. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** Two ends of an interval. */
export type Interval = readonly [low: number, high: number];

const RESAMPLES = 2000;

/**
 * The ratio of two medians, with its 95 % interval by the percentile bootstrap. The samples are paired, one of each a round, and rounds are
 * drawn, not values: what made a round slow for both (a busy machine) then does not widen the interval. The draw is the same each time.
 *
 * @throws RangeError when the samples are empty or not as many.
 */
export function ratioOfMedians(
  above: readonly number[],
  below: readonly number[],
): { readonly ratio: number; readonly interval: Interval } {
  const rounds = above.length;
  if (rounds === 0 || rounds !== below.length) throw new RangeError(`samples of ${rounds} and ${below.length} values are no pairs`);
  const of = (drawn: readonly number[], sample: readonly number[]): number => median(drawn.map((round) => sample[round] as number));
  const interval = bootstrap(rounds, (drawn) => of(drawn, above) / of(drawn, below));
  return { ratio: median(above) / median(below), interval };
}

/**
 * The 95 % interval of a sample's median, likewise.
 *
 * @throws RangeError when the sample is empty.
 */
export function intervalOfMedian(sample: readonly number[]): Interval {
  if (sample.length === 0) throw new RangeError('an empty sample has no median');
  return bootstrap(sample.length, (drawn) => median(drawn.map((index) => sample[index] as number)));
}

/** The 95 % interval of a figure of `count` values that are drawn again and again. */
function bootstrap(count: number, figure: (drawn: readonly number[]) => number): Interval {
  const next = generator(count);
  const figures = Array.from({ length: RESAMPLES }, () => figure(Array.from({ length: count }, () => Math.floor(next() * count)))).sort(
    (one, other) => one - other,
  );
  const at = (part: number): number => figures[Math.min(RESAMPLES - 1, Math.floor(part * RESAMPLES))] as number;
  return [at(0.025), at(0.975)];
}

/** Numbers in [0, 1) that look random, always the same for a seed: Mulberry32. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A row of a table: column names and what stands there. */
export type Row = Readonly<Record<string, string | number>>;

/** Rows as text, the first column to the left, the others to the right. */
export function table(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const cells = rows.map((row) => columns.map((column) => String(row[column] ?? '')));
  const widths = columns.map((column, index) => Math.max(column.length, ...cells.map((row) => (row[index] as string).length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, index) => (index === 0 ? cell.padEnd(widths[index] as number) : cell.padStart(widths[index] as number))).join('  ');
  return [columns, ...cells].map(line).join('\n');
}
