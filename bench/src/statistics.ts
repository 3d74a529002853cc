/** Middle value of a sample that is not empty. */
export function median(sample: readonly number[]): number {
  const sorted = [...sample].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** Prints rows as a table, and after it the same as one line of JSON. */
export function report(title: string, rows: readonly Readonly<Record<string, string | number>>[]): void {
  const columns = Object.keys(rows[0] ?? {});
  const cells = rows.map((row) => columns.map((column) => String(row[column] ?? '')));
  const widths = columns.map((column, index) => Math.max(column.length, ...cells.map((row) => (row[index] as string).length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, index) => (index === 0 ? cell.padEnd(widths[index] as number) : cell.padStart(widths[index] as number))).join('  ');
  process.stdout.write(`${title}\n${[columns, ...cells].map(line).join('\n')}\n${JSON.stringify({ title, rows })}\n`);
}
