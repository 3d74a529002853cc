import type { Op } from './op.ts';

/**
 * Rotations of 64 bits as code without Zbb has them: a shift to the left and one to the right that leave no gap, joined. The host has one instruction for
 * it, but its optimiser finds only those of 32 bits. What is shifted is taken down where it is shifted first, since that may replace it.
 */
export interface Rotations {
  /** By place in the block: a shift whose operand is taken down, as this one of the block's. */
  readonly sources: ReadonlyMap<number, number>;
  /** By place: an instruction whose result is what was taken down, rotated. */
  readonly results: ReadonlyMap<number, Rotation>;
}

export interface Rotation {
  readonly source: number;
  /** Bits to the right. */
  readonly by: number;
}

/** A register that holds a shifted value. */
interface Shifted {
  /** Place of the shift. */
  readonly i: number;
  readonly isLeft: boolean;
  readonly by: number;
  /** What was shifted, and how often that had been written. */
  readonly register: number;
  readonly version: number;
}

const NONE: Rotations = { sources: new Map(), results: new Map() };
/** What joins bits of which none is in both operands. */
const JOINS = new Set(['or', 'xor', 'add']);
const isShift = ({ row }: Op): boolean => row.name === 'slli' || row.name === 'srli';

export function planRotations(ops: readonly Op[]): Rotations {
  let shifts = 0;
  for (const op of ops) if (isShift(op)) shifts++;
  return shifts < 2 ? NONE : find(ops);
}

function find(ops: readonly Op[]): Rotations {
  const sources = new Map<number, number>();
  const results = new Map<number, Rotation>();
  const versions = Array.from({ length: 32 }, () => 0);
  const shifted: (Shifted | undefined)[] = [];
  for (const [i, op] of ops.entries()) {
    const { row, rd, rs1, rs2, imm, uses } = op;
    if (uses.writes.x === 0) continue;
    if (JOINS.has(row.name)) {
      const both = joined(shifted[rs1], shifted[rs2]);
      if (both !== undefined) {
        const source = sources.get(both.i) ?? sources.size;
        sources.set(both.i, source);
        results.set(i, { source, by: both.by });
      }
    }
    shifted[rd] = isShift(op) ? { i, isLeft: row.name === 'slli', by: imm, register: rs1, version: versions[rs1] as number } : undefined;
    (versions[rd] as number)++;
  }
  return { sources, results };
}

/** Where a rotated value was shifted first, and by how much it is rotated. */
function joined(a: Shifted | undefined, b: Shifted | undefined): { readonly i: number; readonly by: number } | undefined {
  if (a === undefined || b === undefined || a.isLeft === b.isLeft || a.by + b.by !== 64) return undefined;
  if (a.register !== b.register || a.version !== b.version) return undefined;
  return { i: Math.min(a.i, b.i), by: a.isLeft ? b.by : a.by };
}
