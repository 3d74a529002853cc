import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instruction, REGISTERS, signed, value } from '../differential/arithmetic.ts';
import * as Word from '../differential/words.ts';
import { type Extents, follow, type Term } from './extents.ts';
import { decodeAt, type Op } from './op.ts';
import { type Admitted, admittedTurn, type Moving, type Reach } from './reaches.ts';
import type { Turn } from './turn.ts';

const START = 0x1_0000;
const TURNS = 8;
/** What registers that are added may be at most: see windows.ts. */
const FARTHEST = 32_768n;
type Values = ReadonlyMap<number, bigint>;

const opOf = (raw: number): Op => decodeAt((pc) => (pc === START ? raw & 0xffff : raw >>> 16), START) as Op;

/** A turn of instructions and an access behind them, and what they make of registers once more. */
function turnOf(ops: readonly Op[], access: Op, start: Extents): Turn {
  const accesses = [];
  for (const op of ops) {
    if (op === access) accesses.push({ op, base: start[op.rs1] });
    else follow(op, start, true);
  }
  return { accesses, ends: new Map(), after: start };
}

const sumOf = (terms: readonly Term[], values: Values): bigint =>
  signed(terms.reduce((sum, { register, times }) => sum + (values.get(register) as bigint) * BigInt(times), 0n));

/** How far something moves in a turn, at most; undefined if an admission refuses that. */
function moveOf({ added, stride }: Moving, values: Values): bigint | undefined {
  const more = sumOf(added, values);
  return added.length > 0 && (more < 1n || more > FARTHEST) ? undefined : more + BigInt(stride);
}

/** Turns that an admission may admit after the first, at most so many; undefined if it refuses the first. */
function admittedAfter({ naturals, zeros }: Admitted, values: Values): number | undefined {
  if (zeros.some(({ terms, low }) => signed(sumOf(terms, values) + BigInt(low)) !== 0n)) return undefined;
  const areNatural = (turn: number): boolean =>
    naturals.every((natural) => {
      const move = moveOf(natural, values);
      const at = sumOf(natural.terms, values) + BigInt(turn) * (move ?? 0n);
      return move !== undefined && [natural.low, natural.high].every((number) => BigInt.asUintN(64, at + BigInt(number)) < 2n ** 31n);
    });
  if (!areNatural(0)) return undefined;
  let turns = 0;
  while (turns + 1 < TURNS && areNatural(turns + 1)) turns++;
  return turns;
}

/** Whether an access that is made in a turn is where its reach says. */
function isWithin(reach: Reach, turn: number, address: bigint, values: Values): boolean {
  const move = (moveOf(reach, values) as bigint) * BigInt(turn);
  const distance = signed(address - sumOf(reach.terms, values));
  return distance >= BigInt(reach.low) + (move < 0n ? move : 0n) && distance <= BigInt(reach.high) + (move > 0n ? move : 0n);
}

describe('reaches', () => {
  it('say where accesses are in all turns that may be admitted', () => {
    const told = { turns: 0, naturals: 0, zeros: 0, added: 0 };
    const input = fc.record({
      code: fc.array(instruction, { minLength: 1, maxLength: 6 }),
      place: fc.nat(6),
      base: fc.constantFrom(...REGISTERS),
      imm: fc.integer({ min: -16, max: 16 }),
      values: fc.tuple(value, value, value, value, value),
      isBehindTurn: fc.boolean(),
    });
    fc.assert(
      fc.property(input, ({ code, place, base, imm, values, isBehindTurn }) => {
        const access = opOf(Word.lbu(28, base, imm));
        const ops = code.map(({ raw }) => opOf(raw));
        ops.splice(place, 0, access);
        const admitted = admittedTurn((start) => turnOf(ops, access, start));
        const before = new Map(REGISTERS.map((r, i) => [r as number, values[i] as bigint]));
        // Behind a turn, as a rule, where pointers that follow others do.
        if (isBehindTurn) for (const { rd, result } of code) before.set(rd, result(before));
        const last = admitted && admittedAfter(admitted, before);
        const [reach] = admitted?.reaches ?? [];
        if (admitted === undefined || last === undefined || reach === undefined || moveOf(reach, before) === undefined) return;
        if (admitted.naturals.length > 0) told.naturals++;
        if (admitted.zeros.length > 0) told.zeros++;
        if (reach.added.length > 0) told.added++;
        const now = new Map(before);
        for (let turn = 0; turn <= last; turn++) {
          const results = code.values();
          for (const op of ops) {
            if (op === access) expect(isWithin(reach, turn, (now.get(base) as bigint) + BigInt(imm), before)).toBe(true);
            else {
              const { rd, result } = results.next().value as (typeof code)[number];
              now.set(rd, result(now));
            }
          }
          told.turns++;
        }
      }),
      { numRuns: 50_000 },
    );
    // Enough for a mistake to show.
    for (const [what, often] of Object.entries(told)) expect({ what, isOften: often > 50 }).toEqual({ what, isOften: true });
  });
});
