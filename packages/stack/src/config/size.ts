/** What a size looks like: a number, with a unit or without. */
export const SIZE = /^(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB|K|M|G)?$/;
const UNITS: Readonly<Record<string, number>> = { B: 1, K: 1024, KiB: 1024, M: 2 ** 20, MiB: 2 ** 20, G: 2 ** 30, GiB: 2 ** 30 };

/** Bytes that a size such as `512MiB` means; NaN if it is none. */
export function parseSize(size: string | number): number {
  if (typeof size === 'number') return size;
  const match = SIZE.exec(size);
  return match === null ? Number.NaN : Number(match[1]) * (UNITS[match[2] ?? 'B'] ?? Number.NaN);
}
