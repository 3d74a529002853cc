/** Bits of a word next to each other, and where they go in another. */
export interface Move {
  readonly from: number;
  readonly to: number;
  readonly width: number;
  /** It is one bit, a sign, and fills all of the width. */
  readonly isSign: boolean;
}

/** Pairs of bits as few moves; where `isSign`, the bits are all the same one. */
export function moves(pairs: readonly (readonly [from: number, to: number])[], isSign = false): Move[] {
  const all: Move[] = [];
  for (const [from, to] of pairs.toSorted(([, a], [, b]) => a - b)) {
    const last = all.at(-1);
    const goesOn = last !== undefined && last.to + last.width === to && from === (isSign ? last.from : last.from + last.width);
    if (goesOn) all[all.length - 1] = { ...last, width: last.width + 1 };
    else all.push({ from, to, width: 1, isSign });
  }
  return all;
}

/** `into` with the bits of `source` that `all` says; 32 bits. */
export function gather(source: number, all: readonly Move[], into = 0): number {
  let word = into;
  for (const { from, to, width, isSign } of all) {
    const value = isSign ? -((source >>> from) & 1) : source >>> from;
    word |= (value & (2 ** width - 1)) << to;
  }
  return word;
}
