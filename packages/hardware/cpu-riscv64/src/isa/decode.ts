import { IMMEDIATES } from './immediates.ts';
import type { Format, Instruction } from './instruction.ts';
import { gather } from './moves.ts';
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
export const immediate = (format: Format, word: number): number =>
  format === 'RM' || format === 'R4' ? roundingImmediate(word) : gather(word, IMMEDIATES[format]);
