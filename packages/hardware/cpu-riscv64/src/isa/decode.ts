import type { Format, Instruction } from './instruction.ts';
import { roundingImmediate } from './rounding.ts';
import { INSTRUCTIONS } from './table.ts';

/** Rows by bits 2…6 and 12…14, which most instructions fix; the few that leave bits 12…14 open are in all eight buckets. Found when first looked for: a small program needs few. */
const buckets: (readonly Instruction[])[] = [];
const NO_ROWS: readonly Instruction[] = [];
for (let key = 0; key < 256; key++) buckets.push(NO_ROWS);

function bucketOf(key: number): readonly Instruction[] {
  const word = ((key >> 3) << 2) | ((key & 7) << 12);
  const mask = 0x707c;
  return INSTRUCTIONS.filter((row) => (word & mask & row.mask) >>> 0 === (row.match & mask & row.mask) >>> 0);
}

/** The row that a 32-bit instruction word matches. */
export function find(word: number): Instruction | undefined {
  if ((word & 3) !== 3) return undefined;
  const key = ((word >>> 2) & 31) * 8 + ((word >>> 12) & 7);
  let bucket = buckets[key] as readonly Instruction[];
  if (bucket === NO_ROWS) {
    bucket = bucketOf(key);
    buckets[key] = bucket;
  }
  for (let i = 0; i < bucket.length; i++) {
    const row = bucket[i] as Instruction;
    if ((word & row.mask) >>> 0 === row.match) return row;
  }
  return undefined;
}

/** The immediate of a word, as its format has it (see {@link Format}). */
export function immediate(format: Format, word: number): number {
  switch (format) {
    case 'I':
      return word >> 20;
    case 'S':
      return ((word >> 25) << 5) | ((word >>> 7) & 31);
    case 'B':
      return ((word >> 31) << 12) | ((word << 4) & 0x800) | ((word >>> 20) & 0x7e0) | ((word >>> 7) & 0x1e);
    case 'J':
      return ((word >> 31) << 20) | (word & 0xff000) | ((word >>> 9) & 0x800) | ((word >>> 20) & 0x7fe);
    case 'U':
      return word & -4096;
    case 'SHAMT':
      return (word >>> 20) & 63;
    case 'CSR':
      return (word >>> 20) | (((word >>> 15) & 31) << 12);
    case 'RM':
    case 'R4':
      return roundingImmediate(word);
    default:
      return 0;
  }
}
